"""Rows of orders as facts for the rules."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from django.db import connection

from accounts.manyrows import among
from orders.facts import ItemFacts, OrderFacts
from orders.models import Order, OrderItem

OF_ITEMS: Final = ("sku", "asin", "title", "quantity", "unit_price", "currency", "condition", "is_gift")
MOST_EARLIER_ORDERS: Final = 100  # counted no further: an alias that Amazon gives to many buyers must not cost a scan

# Through the index on the alias; the seller's own orders only, whatever rows the connection may see.
_EARLIER = """
    select o.id, (
        select count(*) from (
            select from orders_order e
            where e.alias_key = o.alias_key and e.seller_id = o.seller_id and e.id <> o.id
              and (e.purchased_at, e.id) < (o.purchased_at, o.id)
            limit %s) known)
    from orders_order o where o.id = any(%s) and o.alias_key is not null"""


def facts_of(order: Order) -> OrderFacts:
    """What rules may know of this order: two queries, one where its items are prefetched. For many: `facts_of_many`."""
    return facts_of_many([order])[order.pk]


def facts_of_many(orders: Iterable[Order]) -> dict[int, OrderFacts]:
    """The facts of each order by its id: two queries, however many orders there are. Items that are prefetched
    already are not read again."""
    rows = list(orders)
    # No model is made of an item: with its manager and its query that would be a tenth of planning an order.
    items = items_of_many(order.pk for order in rows if "items" not in getattr(order, "_prefetched_objects_cache", {}))
    earlier = earlier_orders([order.pk for order in rows])
    return {order.pk: _facts(order, items, earlier.get(order.pk)) for order in rows}


def items_of_many(ids: Iterable[int]) -> dict[int, list[ItemFacts]]:
    """The items of these orders, in the order in which they were stored. One query."""
    wanted = list(ids)
    found: dict[int, list[ItemFacts]] = {pk: [] for pk in wanted}
    rows = OrderItem.objects.filter(order__in=among(wanted)).order_by("id") if wanted else OrderItem.objects.none()
    for order_id, *values in rows.values_list("order_id", *OF_ITEMS):
        found[order_id].append(ItemFacts(*values))
    return found


def earlier_orders(ids: list[int]) -> dict[int, int]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [MOST_EARLIER_ORDERS, ids])
        return dict(cursor.fetchall())


def _facts(order: Order, known: dict[int, list[ItemFacts]], earlier_orders: int | None) -> OrderFacts:
    items = known.get(order.pk)
    if items is None:
        items = [_item_facts(item) for item in sorted(order.items.all(), key=attrgetter("pk"))]
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
        items=tuple(items),  # the first is the letter's
        total=order.total_amount,
        currency=order.currency,
        is_promotion_used=order.is_promotion_used,
        ship_by_latest=order.ship_by_latest,
        shipped_at=order.shipped_at,
        is_delivered_late=order.is_delivered_late,
        destination_country=order.destination_country,
        returned_at=order.returned_at,
        refunded_at=order.refunded_at,
        feedback_rating=order.feedback_rating,
        language=order.language,
        earlier_orders=earlier_orders,
    )


def _item_facts(item: OrderItem) -> ItemFacts:
    return ItemFacts(
        sku=item.sku,
        asin=item.asin,
        title=item.title,
        quantity=item.quantity,
        unit_price=item.unit_price,
        currency=item.currency,
        condition=item.condition,
        is_gift=item.is_gift,
    )
