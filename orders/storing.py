"""Amazon's orders become rows: the upsert of `orders.sync`. Idempotent; of two readings of an order the newer one wins.

Only what the product needs is kept: of the buyer nothing but the alias, sealed, with the day on which it is purged.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, transaction

from accounts import lookup, secrets
from accounts.models import AmazonAccount
from amazon.values import AmazonOrder, FulfilledBy, OrderStatus, PackageStatus
from amazon.values import OrderItem as AmazonItem
from orders.models import ALIAS_KEPT_FOR, Order, OrderItem

log = structlog.get_logger(__name__)

Written = dict[str, object]
LONGEST_TITLE: Final = 2000
LONGEST_PROGRAM: Final = 40
LONGEST_CONDITION: Final = 40
UNTOLD: Final = {OrderStatus.PENDING, OrderStatus.PENDING_AVAILABILITY}
BAD_ORDER: Final = (DataError, IntegrityError, ArithmeticError, ValueError)  # never a lost connection
FULFILLED_BY: Final = {
    FulfilledBy.AMAZON: Order.FulfilledBy.AMAZON,
    FulfilledBy.MERCHANT: Order.FulfilledBy.MERCHANT,
    FulfilledBy.UNRECOGNISED: Order.FulfilledBy.UNRECOGNISED,
}


def store_orders(account: AmazonAccount, orders: list[AmazonOrder], *, now: datetime) -> int:
    """Store each order by itself, so that a bad one never stops the others; returns how many were stored."""
    stored = 0
    for order in orders:
        try:
            with transaction.atomic():
                store_order(account, order, now=now)
        except BAD_ORDER as trouble:
            log.warning("order_not_stored", account=account.pk, order=order.order_id, trouble=type(trouble).__name__)
        else:
            stored += 1
    return stored


def store_order(account: AmazonAccount, order: AmazonOrder, *, now: datetime) -> None:
    """Insert or update one order with its items. An older reading than the stored one changes nothing."""
    written = _columns(order)
    row, is_new = Order.objects.select_for_update().get_or_create(
        account=account,
        amazon_order_id=order.order_id,
        defaults=written
        | _alias_columns(None, account.seller_id, order, now=now)
        | {
            "is_delivered_late": _is_delivered_late(None, order),
            "seller_id": account.seller_id,
            "order_key": lookup.order_key(account.seller_id, order.order_id),
            "changed_at": now,
            "replan_at": now,
        },
    )
    if not is_new:
        if row.last_updated_at > order.last_updated_at:
            return
        written |= _alias_columns(row, account.seller_id, order, now=now)
        written["is_delivered_late"] = _is_delivered_late(row, order)
        if any(getattr(row, name) != value for name, value in written.items() if name != "last_updated_at"):
            written |= {"changed_at": now, "replan_at": now}
        Order.objects.filter(pk=row.pk).update(**written)
    _store_items(row, order.items)


def _columns(order: AmazonOrder) -> Written:
    kind = Order.DeliveryKind.UNKNOWN
    if order.deliver_by.latest:
        kind = Order.DeliveryKind.CARRIER if _is_delivered(order) else Order.DeliveryKind.PROMISE
    return {
        "marketplace_id": order.marketplace_id,
        "status": _status(order.status.value),
        "fulfilled_by": FULFILLED_BY[order.fulfilled_by],
        "purchased_at": order.created_at,
        "last_updated_at": order.last_updated_at,
        "programs": sorted(program[:LONGEST_PROGRAM] for program in order.programs),
        "is_replacement": order.is_replacement,
        "is_exchange": order.is_exchange,
        "is_cancellation_requested": any(item.is_cancellation_requested for item in order.items),
        "deliver_by_earliest": order.deliver_by.earliest,
        "deliver_by_latest": order.deliver_by.latest,
        "delivery_kind": kind,
        "ship_by_latest": order.ship_by.latest,
        "shipped_at": order.shipped_at,
        "is_promotion_used": _is_promotion_used(order),
        "total_amount": order.total,
        "currency": order.currency or "",
    }


def _is_delivered(order: AmazonOrder) -> bool:
    return bool(order.package_statuses) and all(s is PackageStatus.DELIVERED for s in order.package_statuses)


def _is_promotion_used(order: AmazonOrder) -> bool | None:
    """Amazon tells promotions, like prices, only when the order is not pending any more."""
    if order.status in UNTOLD:
        return None
    return any(item.promotion_ids for item in order.items)


def _is_delivered_late(stored: Order | None, order: AmazonOrder) -> bool | None:
    """Whether the promise was broken, as far as package statuses can tell; they come without a time.

    Late: after the promised window Amazon named a package that was still under way, or a delivery that it had not
    named before. A delivery that an order's first reading brings may be of any day: None.
    """
    promised = order.deliver_by.latest
    if promised is None or not order.package_statuses:
        return None
    if order.last_updated_at <= promised:
        return False if _is_delivered(order) else None
    if not _is_delivered(order):
        return True
    if stored is None or stored.deliver_by_latest != promised:
        return None
    return stored.is_delivered_late if stored.delivery_kind == Order.DeliveryKind.CARRIER else True


def _status(amazon: str) -> Order.Status:
    if amazon == "PENDING_AVAILABILITY":
        return Order.Status.PENDING
    return Order.Status(amazon.lower()) if amazon.lower() in Order.Status.values else Order.Status.UNRECOGNISED


def _alias_columns(stored: Order | None, seller_id: int, order: AmazonOrder, *, now: datetime) -> Written:
    """What to write about the alias: nothing but a new day of purging where it is known already.

    Amazon tells it only for a while, so an order without one takes nothing back.
    """
    purge_at = (order.deliver_by.latest or order.ship_by.latest or order.created_at) + ALIAS_KEPT_FOR
    key = _alias_key(order.buyer_alias)
    if stored and stored.alias_sealed is not None and key in (None, stored.alias_key):
        return {"alias_purge_at": purge_at}
    if key is None or order.buyer_alias is None:
        return {}
    if purge_at <= now:
        return {"alias_key": key}
    return {
        "alias_sealed": secrets.seal_text("alias", seller_id, order.buyer_alias.lower()),
        "alias_purge_at": purge_at,
        "alias_key": key,
    }


def _alias_key(alias: str | None) -> UUID | None:
    if alias is None:
        return None
    try:
        return lookup.alias_key(alias)
    except ValueError:  # not in the form of an alias: nothing that could be written to
        return None


def _store_items(order: Order, items: tuple[AmazonItem, ...]) -> None:
    by_id = {item.order_item_id: item for item in items}  # one statement may not touch a row twice
    OrderItem.objects.bulk_create(
        [
            OrderItem(
                seller_id=order.seller_id,
                order=order,
                amazon_item_id=item.order_item_id,
                asin=item.asin or "",
                sku=item.sku or "",
                title=item.title[:LONGEST_TITLE],
                quantity=item.quantity,
                unit_price=item.unit_price,
                currency=item.currency or "",
                condition=(item.condition or "").lower()[:LONGEST_CONDITION],
                is_gift=item.is_gift,
                is_promoted=bool(item.promotion_ids),
            )
            for item in by_id.values()
        ],
        update_conflicts=True,
        unique_fields=["order", "amazon_item_id"],
        update_fields=[
            "asin",
            "sku",
            "title",
            "quantity",
            "unit_price",
            "currency",
            "condition",
            "is_gift",
            "is_promoted",
        ],  # fmt: skip
    )
