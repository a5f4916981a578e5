"""Rows of orders as facts for the rules."""

from orders.facts import OrderFacts
from orders.models import Order


def facts_of(order: Order) -> OrderFacts:
    return OrderFacts(
        amazon_order_id=order.amazon_order_id,
        marketplace_id=order.marketplace_id,
        status=order.status,
        fulfilled_by=order.fulfilled_by,
        purchased_at=order.purchased_at,
        deliver_by_earliest=order.deliver_by_earliest,
        deliver_by_latest=order.deliver_by_latest,
        delivery_kind=order.delivery_kind,
        is_replacement=order.is_replacement,
        is_exchange=order.is_exchange,
        is_cancellation_requested=order.is_cancellation_requested,
        has_alias=order.alias_sealed is not None,
        programs=frozenset(order.programs),
    )
