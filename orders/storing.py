"""Amazon's orders become rows: the upsert of `orders.sync`. Idempotent; of two readings of an order the newer one wins.

Only what the product needs is kept: of the buyer nothing but the alias, sealed, with the day on which it is purged.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, transaction
from django.db.models import F

from accounts import lookup, secrets
from accounts.manyrows import Row
from accounts.models import AmazonAccount
from amazon.values import AmazonOrder, FulfilledBy, OrderStatus, PackageStatus
from amazon.values import OrderItem as AmazonItem
from orders import upserting
from orders.attention import orders_changed
from orders.models import ALIAS_KEPT_FOR, Order, OrderItem, OrderReading

log = structlog.get_logger(__name__)

Written = dict[str, object]
# A change of next year would be the newest until then, and hide all others.
CLOCKS_DIFFER: Final = timedelta(minutes=10)
LONGEST_TITLE: Final = 2000
LONGEST_PROGRAM: Final = 40
LONGEST_CONDITION: Final = 40
UNTOLD: Final = {OrderStatus.PENDING, OrderStatus.PENDING_AVAILABILITY}
BAD_ORDER: Final = (DataError, IntegrityError, ArithmeticError, ValueError)  # never a lost connection
# Amazon's word -> ours, as plain texts: a page has hundreds of them.
FULFILLED_BY: Final = {who: Order.FulfilledBy(who.value.lower()).value for who in FulfilledBy}
STATUSES: Final = {
    status: Order.Status(status.value.lower()).value for status in OrderStatus if status not in UNTOLD
} | {status: Order.Status.PENDING.value for status in UNTOLD}
UNKNOWN, PROMISE, CARRIER = (Order.DeliveryKind(kind).value for kind in ("unknown", "promise", "carrier"))


def store_orders(
    account: AmazonAccount, orders: Iterable[AmazonOrder], *, now: datetime, is_report: bool = False
) -> int:
    """Store a page of orders; returns how many were stored. A bad one never stops the others.

    `is_report`: they come from Amazon's order report, which knows less than the orders themselves.
    """
    newest: dict[str, AmazonOrder] = {}  # one statement may not touch a row twice
    read = 0
    for order in orders:
        read += 1
        known = newest.get(order.order_id)
        if known is None or known.last_updated_at <= order.last_updated_at:
            newest[order.order_id] = order
    # By number, whatever way they came: a poll and a report that have the same orders never wait for each other.
    page = sorted(newest.values(), key=attrgetter("order_id"))
    try:
        with transaction.atomic():
            _store_page(account, page, now=now, is_report=is_report)
        return read
    except BAD_ORDER:
        return read - len(page) + sum(_store_alone(account, order, now=now, is_report=is_report) for order in page)


def _store_alone(account: AmazonAccount, order: AmazonOrder, *, now: datetime, is_report: bool) -> bool:
    try:
        with transaction.atomic():
            _store_page(account, [order], now=now, is_report=is_report)
    except BAD_ORDER as trouble:
        log.warning("order_not_stored", account=account.pk, order=order.order_id, trouble=type(trouble).__name__)
        return False
    return True


def _store_page(account: AmazonAccount, orders: list[AmazonOrder], *, now: datetime, is_report: bool) -> None:
    """All or none. An older reading than the stored one changes nothing, neither of the order nor of its items."""
    rows = [_row(account, order, now=now) for order in orders]
    applied = upserting.upsert_orders(rows, now=now, is_report=is_report)
    items = [
        _item_row(account.seller_id, applied.ids[order.order_id], item)
        for order in orders
        if order.order_id in applied.ids
        for item in {item.order_item_id: item for item in order.items}.values()
    ]
    if not is_report and (known := set(applied.ids.values()) - applied.new):
        OrderItem.objects.filter(order__in=known, amazon_item_id__startswith=upserting.OF_REPORT).delete()
    differing = upserting.upsert_items(items, is_report=is_report) if items else set()
    if late := differing - applied.changed:
        Order.objects.filter(pk__in=late).update(changed_at=now, replan_at=now)
    if changed := (applied.changed | late) - applied.new:
        orders_changed.send(sender=None, seller_id=account.seller_id, order_ids=changed, now=now)
    # Last: whoever disconnects, or takes a marketplace into use, has orders and messages first, too, and then this row.
    if applied.new:
        OrderReading.objects.filter(account=account).update(orders_read=F("orders_read") + len(applied.new))


def _row(account: AmazonAccount, order: AmazonOrder, *, now: datetime) -> Row:
    return _columns(order) | {
        "seller_id": account.seller_id,
        "account_id": account.pk,
        "amazon_order_id": order.order_id,
        "order_key": lookup.order_key(account.seller_id, order.order_id),
        "last_updated_at": order.last_updated_at if order.last_updated_at <= now + CLOCKS_DIFFER else now,
        "is_delivered_late": _is_delivered_late(order),
        "changed_at": now,
        "replan_at": now,
        **_alias_columns(account.seller_id, order, now=now),
    }


def _columns(order: AmazonOrder) -> Written:
    kind = UNKNOWN
    if order.deliver_by.latest:
        kind = CARRIER if _is_delivered(order) else PROMISE
    return {
        "marketplace_id": order.marketplace_id,
        "status": STATUSES[order.status],
        "fulfilled_by": FULFILLED_BY[order.fulfilled_by],
        "purchased_at": order.created_at,
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
        "destination_country": order.destination_country,
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


def _is_delivered_late(order: AmazonOrder) -> bool | None:
    """Whether the promise was broken, as far as package statuses can tell; they come without a time.

    Late: after the promised window Amazon named a package that was still under way, or (`upserting` sees to that) a
    delivery that it had not named before. A delivery that an order's first reading brings may be of any day: None.
    """
    promised = order.deliver_by.latest
    if promised is None or not order.package_statuses:
        return None
    if order.last_updated_at <= promised:
        return False if _is_delivered(order) else None
    return None if _is_delivered(order) else True


def _alias_columns(seller_id: int, order: AmazonOrder, *, now: datetime) -> Written:
    """The alias as this reading tells it: nothing where it does not, and no more than its key where it comes too
    late. The day of purging is told of every order: a notice about it quotes its buyer, too."""
    key, purge_at = _alias_key(order.buyer_alias), _purge_at(order)
    sealed = None
    if key is not None and order.buyer_alias is not None and purge_at > now:
        sealed = secrets.seal_text("alias", seller_id, order.buyer_alias.lower())
    return {"alias_key": key, "alias_sealed": sealed, "alias_purge_at": purge_at}


def _purge_at(order: AmazonOrder) -> datetime:
    """30 days after the last moment at which the order can have been delivered: when Amazon named it so, at the latest,
    or else the end of the promise. (Later readings that name it delivered move nothing: `upserting` sees to that.)"""
    at = order.deliver_by.latest or order.ship_by.latest or order.created_at
    return (min(at, order.last_updated_at) if _is_delivered(order) else at) + ALIAS_KEPT_FOR


def _alias_key(alias: str | None) -> UUID | None:
    if alias is None:
        return None
    try:
        return lookup.alias_key(alias)
    except ValueError:  # not in the form of an alias: nothing that could be written to
        return None


def _item_row(seller_id: int, order_id: int, item: AmazonItem) -> Row:
    return {
        "seller_id": seller_id,
        "order_id": order_id,
        "amazon_item_id": item.order_item_id,
        "asin": item.asin or "",
        "sku": item.sku or "",
        "title": item.title[:LONGEST_TITLE],
        "quantity": item.quantity,
        "unit_price": item.unit_price,
        "currency": item.currency or "",
        "condition": (item.condition or "").lower()[:LONGEST_CONDITION],
        "is_gift": item.is_gift,
        "is_promoted": bool(item.promotion_ids),
    }
