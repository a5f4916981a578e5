"""Amazon's orders become rows. Stage between Amazon and `campaigns.planning`.

Per account a window of changes is read page by page; it is closed, and the watermark moved, only when its last page
is stored. So a run may die anywhere and be repeated: the upsert is idempotent, and of two readings of an order the
one with the newer `lastUpdatedTime` wins.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q

from accounts import lifecycle, lookup, secrets
from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.client import AmazonClient
from amazon.errors import AmazonError, AuthorisationLost, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from amazon.values import AmazonOrder, FulfilledBy, OrderItem as AmazonItem, OrdersPage, PackageStatus, Unreadable
from orders.models import ALIAS_KEPT_FOR, Order, OrderItem, OrderReading

log = structlog.get_logger(__name__)

FIRST_READING: Final = timedelta(days=40)
OVERLAP: Final = timedelta(minutes=10)  # Amazon's clock and ours, and changes that surface late
TOKEN_LIVES: Final = timedelta(hours=23)  # 24 by Amazon's model
LEASE: Final = timedelta(minutes=5)
AFTER_TROUBLE: Final = timedelta(minutes=2)
NO_MARKETPLACE: Final = "no marketplace is in use"

Written = dict[str, object]


def accounts_to_read(*, now: datetime) -> list[int]:
    """The accounts whose reading is due. An account without a reading gets one."""
    with across_sellers("which accounts are due to be read"):
        for account in AmazonAccount.objects.filter(reading__isnull=True, status=AmazonAccount.Status.CONNECTED):
            OrderReading.objects.get_or_create(
                account=account, defaults={"seller_id": account.seller_id, "next_at": now}
            )
        due = OrderReading.objects.filter(next_at__lte=now, account__status=AmazonAccount.Status.CONNECTED)
        return list(due.order_by("next_at").values_list("account_id", flat=True))


def read_account(account_id: int, *, every: timedelta, now: datetime) -> int:
    """Read what changed at Amazon, page by page as far as the quota reaches; returns how many orders were stored.

    One worker an account: a second call while one runs returns 0. Trouble is written on the reading, in the seller's
    words, and the next look is planned; a 429 only delays.
    """
    with across_sellers("an account's orders are read"):
        if not _lease(account_id, now=now):
            return 0
        reading = OrderReading.objects.select_related("account").get(account_id=account_id)
        marketplaces = list(
            AccountMarketplace.objects.filter(account_id=account_id, is_used=True).values_list(
                "marketplace_id", flat=True
            )
        )
        if not marketplaces:
            _finish(reading, next_at=now + every, trouble=NO_MARKETPLACE)
            return 0
        with client_for(reading.account) as client:
            return _read_pages(reading, client, marketplaces, every=every, now=now)


def _read_pages(
    reading: OrderReading, client: AmazonClient, marketplaces: list[str], *, every: timedelta, now: datetime
) -> int:
    stored = 0
    _open_window(reading, now=now)
    while True:
        try:
            wait = quotas().take(name_in_quotas(reading.account_id), Operation.SEARCH_ORDERS)
            if wait:
                _finish(reading, next_at=now + wait)
                return stored
            assert reading.window_from is not None
            page = client.search_orders(
                marketplace_ids=marketplaces,
                last_updated_after=reading.window_from,
                pagination_token=reading.next_token or None,
            )
        except AuthorisationLost:
            lifecycle.mark_revoked(reading.account_id)
            _finish(reading, next_at=now + every, trouble="Amazon no longer accepts the authorisation: connect again")
            return stored
        except Throttled as slow:
            _finish(reading, next_at=now + slow.retry_after)
            return stored
        except (AmazonError, QuotasUnavailable) as trouble:
            log.warning("orders_not_read", account=reading.account_id, trouble=type(trouble).__name__)
            _finish(reading, next_at=now + AFTER_TROUBLE, trouble="Amazon does not answer as it should; trying again")
            return stored
        stored += store_page(reading, page, now=now)
        if page.next_token is None:
            _finish(reading, next_at=now + every, last_read_at=now)
            return stored


def store_page(reading: OrderReading, page: OrdersPage, *, now: datetime) -> int:
    """Store a page and, with it, how far we are: one transaction. One bad order never stops a page."""
    orders = [order for order in page.orders if isinstance(order, AmazonOrder)]
    bad = [order for order in page.orders if isinstance(order, Unreadable)]
    for order in bad:
        log.warning("order_unreadable", account=reading.account_id, order=order.order_id, reason=order.reason)
    with transaction.atomic():
        for order in orders:
            store_order(reading.account, order, now=now)
        reading.orders_read = F("orders_read") + len(orders)
        reading.unreadable = F("unreadable") + len(bad)
        reading.next_token, reading.token_at = page.next_token or "", now
        reading.window_until = page.last_updated_before or reading.window_until
        if page.next_token is None:
            reading.read_until = reading.window_until or reading.read_until
            reading.window_from = reading.window_until = reading.token_at = None
        reading.save()
        reading.refresh_from_db()
    return len(orders)


def store_order(account: AmazonAccount, order: AmazonOrder, *, now: datetime) -> None:
    """Insert or update one order with its items. An older reading than the stored one changes nothing."""
    existing = (
        Order.objects.select_for_update().filter(account=account, amazon_order_id=order.order_id).first()
    )
    if existing and existing.last_updated_at > order.last_updated_at:
        return
    written = _columns(order)
    if existing is None:
        existing, is_new = Order.objects.get_or_create(
            account=account,
            amazon_order_id=order.order_id,
            defaults=written
            | _alias_columns(account.seller_id, order, now=now)
            | {
                "seller_id": account.seller_id,
                "order_key": lookup.order_key(account.seller_id, order.order_id),
                "changed_at": now,
            },
        )
        if is_new:
            _store_items(existing, order.items)
            return
    alias = {} if existing.alias_sealed is not None else _alias_columns(account.seller_id, order, now=now)
    if alias.get("alias_key") is None:
        alias = {}  # Amazon tells the alias only for a while: what we have had is not forgotten, but purged in time
    is_changed = bool(alias) or any(getattr(existing, name) != value for name, value in written.items()
                                    if name != "last_updated_at")
    changed = {"changed_at": now} if is_changed else {}
    Order.objects.filter(pk=existing.pk).update(**written, **alias, **changed)
    _store_items(existing, order.items)


def purge(*, now: datetime) -> int:
    """Erase the aliases whose time has come; returns how many. The keys stay: they say nothing but yes or no."""
    with across_sellers("aliases are purged"):
        return Order.objects.filter(alias_sealed__isnull=False, alias_purge_at__lte=now).update(alias_sealed=None)


def _lease(account_id: int, *, now: datetime) -> bool:
    free = OrderReading.objects.filter(account_id=account_id, next_at__lte=now).filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    )
    return bool(free.update(leased_until=now + LEASE))


def _open_window(reading: OrderReading, *, now: datetime) -> None:
    is_stale = reading.token_at is not None and reading.token_at < now - TOKEN_LIVES
    if reading.window_from is not None and not is_stale:
        return  # a run died in between: go on where it stopped
    reading.window_from = (reading.read_until - OVERLAP) if reading.read_until else now - FIRST_READING
    reading.next_token, reading.token_at, reading.window_until = "", None, None
    reading.save(update_fields=["window_from", "next_token", "token_at", "window_until"])


def _finish(reading: OrderReading, *, next_at: datetime, trouble: str = "", last_read_at: datetime | None = None) -> None:
    written: Written = {"leased_until": None, "next_at": next_at, "trouble": trouble}
    if last_read_at:
        written["last_read_at"] = last_read_at
    OrderReading.objects.filter(pk=reading.pk).update(**written)


def _columns(order: AmazonOrder) -> Written:
    is_delivered = bool(order.package_statuses) and all(s is PackageStatus.DELIVERED for s in order.package_statuses)
    kind = Order.DeliveryKind.UNKNOWN
    if order.deliver_by.latest:
        kind = Order.DeliveryKind.CARRIER if is_delivered else Order.DeliveryKind.PROMISE
    return {
        "marketplace_id": order.marketplace_id,
        "status": _status(order.status.value),
        "fulfilled_by": {
            FulfilledBy.AMAZON: Order.FulfilledBy.AMAZON, FulfilledBy.MERCHANT: Order.FulfilledBy.MERCHANT
        }.get(order.fulfilled_by, Order.FulfilledBy.UNRECOGNISED),
        "purchased_at": order.created_at,
        "last_updated_at": order.last_updated_at,
        "programs": sorted(order.programs),
        "is_replacement": order.is_replacement,
        "is_exchange": order.is_exchange,
        "is_cancellation_requested": any(item.is_cancellation_requested for item in order.items),
        "deliver_by_earliest": order.deliver_by.earliest,
        "deliver_by_latest": order.deliver_by.latest,
        "delivery_kind": kind,
        "total_amount": order.total,
        "currency": order.currency or "",
    }


def _status(amazon: str) -> Order.Status:
    if amazon == "PENDING_AVAILABILITY":
        return Order.Status.PENDING
    return Order.Status(amazon.lower()) if amazon.lower() in Order.Status.values else Order.Status.UNRECOGNISED


def _alias_columns(seller_id: int, order: AmazonOrder, *, now: datetime) -> Written:
    key = _alias_key(order.buyer_alias)
    known_end = order.deliver_by.latest or order.ship_by.latest or order.created_at
    if key is None or order.buyer_alias is None or known_end + ALIAS_KEPT_FOR <= now:
        return {"alias_key": key}
    return {
        "alias_sealed": secrets.seal_text("alias", seller_id, order.buyer_alias.lower()),
        "alias_purge_at": known_end + ALIAS_KEPT_FOR,
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
    OrderItem.objects.bulk_create(
        [
            OrderItem(
                seller_id=order.seller_id, order=order, amazon_item_id=item.order_item_id, asin=item.asin or "",
                sku=item.sku or "", title=item.title[:2000].replace("\x00", ""), quantity=item.quantity,
                unit_price=item.unit_price, currency=item.currency or "", is_gift=item.is_gift,
            )
            for item in items
        ],
        update_conflicts=True,
        unique_fields=["order", "amazon_item_id"],
        update_fields=["asin", "sku", "title", "quantity", "unit_price", "currency", "is_gift"],
    )
