"""Reads Amazon's orders, page by page. Stage between Amazon and `campaigns.planning`; `orders.storing` makes the rows.

Per account a window of changes is read; it is closed, and the watermark moved, only when its last page is stored. So a
run may die anywhere and be repeated.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q

from accounts import lifecycle, secrets
from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.health import Ability
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.client import AmazonClient
from amazon.errors import AccessDenied, AmazonError, AuthorisationLost, Refused, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from amazon.values import AmazonOrder, OrdersPage, SoldElsewhere, Unreadable
from orders import reports
from orders.models import NO_WINDOW, AmazonReport, Order, OrderReading
from orders.storing import store_orders

log = structlog.get_logger(__name__)

FIRST_READING: Final = timedelta(days=40)
OVERLAP: Final = timedelta(minutes=10)  # Amazon's clock and ours, and changes that surface late
SETTLING: Final = timedelta(minutes=2)  # Amazon tells nothing that is younger
TOKEN_LIVES: Final = timedelta(hours=23)  # 24 by Amazon's model
LEASE: Final = timedelta(minutes=5)  # renewed before each page
LONGEST_TURN: Final = timedelta(minutes=1)  # then others have theirs; what is left is due at once
AFTER_TROUBLE: Final = timedelta(minutes=2)  # then 4, 8, 16, 32: an account in trouble must not eat the others' time
MOST_DOUBLINGS: Final = 4
# What a page changes; other columns are others'.
WINDOW: Final = ("unreadable", "sold_elsewhere_at", "read_until", *NO_WINDOW)
RING_AGAIN: Final = timedelta(seconds=30)
RINGS_AT_ONCE: Final = 200
GOLDEN_RATIO: Final = 0.6180339887498949  # whose multiples lie evenly between 0 and 1, however many there are
NO_MARKETPLACE: Final = "no marketplace is in use"
NO_AUTHORISATION: Final = "Amazon no longer accepts the authorisation: connect again"
NO_ACCESS: Final = "Amazon denies access to the orders: the authorisation lacks the role for them"
CANNOT_OPEN: Final = "we cannot open the authorisation that we keep: connect again"
NO_ANSWER: Final = "Amazon does not answer as it should; trying again"


def accounts_to_read(*, now: datetime) -> list[int]:
    """The accounts whose reading is due, longest due first. An account without a reading gets one.

    Each is named at most once in `RING_AGAIN`: a worker that lags is not buried under calls for the same account.
    """
    with across_sellers("which accounts are due to be read"):
        for account in AmazonAccount.objects.filter(reading__isnull=True, status=AmazonAccount.Status.CONNECTED):
            OrderReading.objects.get_or_create(
                account=account, defaults={"seller_id": account.seller_id, "next_at": now}
            )
        # Whatever the trouble was, a new authorisation is the answer to it: nobody waits for the pause to end.
        connected_again = OrderReading.objects.filter(account__authorised_at__gt=F("rung_at"), next_at__gt=now)
        connected_again.exclude(trouble="").update(next_at=now, failures=0)
        due = OrderReading.objects.filter(next_at__lte=now, account__status=AmazonAccount.Status.CONNECTED).exclude(
            rung_at__gt=now - RING_AGAIN, rung_at__gte=F("next_at")
        )
        ids = list(due.order_by("next_at").values_list("account_id", flat=True)[:RINGS_AT_ONCE])
        OrderReading.objects.filter(account__in=ids).update(rung_at=now)
        return ids


def read_account(account_id: int, *, every: timedelta, now: datetime) -> int:
    """Read what changed at Amazon, page by page as far as the quota reaches; returns how many orders were stored.

    The next look is the account's next turn on a beat of `every`: Amazon grants one call in 178 seconds, and a schedule
    that slips would waste some of them.

    One worker an account: a second call while one runs returns 0. Trouble is written on the reading, in the seller's
    words, and the next look is planned; a 429 only delays.
    """
    with across_sellers("an account's orders are read"):
        if not _lease(account_id, now=now):
            return 0
        reading = OrderReading.objects.select_related("account").get(account_id=account_id)
        reading.leased_until = now + LEASE  # ours, whatever stands there meanwhile
        used = AccountMarketplace.objects.filter(account_id=account_id, is_used=True)
        marketplaces = list(used.values_list("marketplace_id", flat=True))
        if not marketplaces:
            _finish(reading, next_at=now + every, trouble=NO_MARKETPLACE)
            return 0
        _note_marketplaces(reading, marketplaces)
        try:
            client = client_for(reading.account)
        except secrets.Unreadable:
            log.error("token_unreadable", account=account_id)
            _finish(reading, next_at=now + AFTER_TROUBLE * 2**MOST_DOUBLINGS, trouble=CANNOT_OPEN)
            return 0
        with client:
            return _read_pages(reading, client, marketplaces, every=every, now=now)


@dataclass(frozen=True, slots=True)
class Pause:
    """Why no page came, and when to look again. `trouble` is empty where nothing is wrong."""

    after: timedelta
    trouble: str = ""
    is_failure: bool = False
    is_paced: bool = False  # the quota is used up


def _read_pages(
    reading: OrderReading, client: AmazonClient, marketplaces: list[str], *, every: timedelta, now: datetime
) -> int:
    stored, began = 0, monotonic()
    _open_window(reading, now=now)
    while _renew(reading, now=now + timedelta(seconds=monotonic() - began)):
        page = _next_page(reading, client, marketplaces, every=every)
        _note_access(reading, page, now=now)
        if isinstance(page, Pause):
            if page.is_paced and reading.next_token:
                _want_report(reading, now=now)
            _finish(reading, next_at=now + page.after, trouble=page.trouble, is_failure=page.is_failure)
            return stored
        stored += store_page(reading, page, now=now)
        if page.next_token is None:
            _finish(reading, next_at=_next_beat(reading.account_id, every=every, now=now), last_read_at=now)
            return stored
        if monotonic() - began > LONGEST_TURN.total_seconds():
            _finish(reading, next_at=now)
            return stored
    log.info("reading_stopped", account=reading.account_id)
    _finish(reading, next_at=now)  # which changes nothing where another worker has it
    return stored


def _note_access(reading: OrderReading, page: OrdersPage | Pause, *, now: datetime) -> None:
    """A role that is missing is shown until Amazon lets us read again."""
    if not isinstance(page, Pause):
        lifecycle.mark_allowed(reading.account_id, Ability.READ_ORDERS)
    elif page.trouble == NO_ACCESS:
        lifecycle.mark_denied(reading.account_id, Ability.READ_ORDERS, now=now)


def _want_report(reading: OrderReading, *, now: datetime) -> None:
    """More has changed than polling can carry: one report brings it all, and closes the window as far as it reaches.
    Polling goes on meanwhile, and alone for a while where Amazon could not make the last one."""
    if reading.report_again_at is not None and reading.report_again_at > now:
        return
    assert reading.window_from is not None
    until = min(now, reading.window_from + reports.LONGEST_SPAN)
    reports.want(reading.account, AmazonReport.Kind.ORDERS, (reading.window_from, until), now=now)


def _next_beat(account_id: int, *, every: timedelta, now: datetime) -> datetime:
    """The account's next turn: each has its own place in the interval, whatever happened before. So the schedule never
    slips, and accounts that were connected, or held up, at one moment do not stay a crowd."""
    period = every.total_seconds()
    place = account_id * GOLDEN_RATIO % 1 * period
    return now + timedelta(seconds=period - (now.timestamp() - place) % period)


def _next_page(
    reading: OrderReading, client: AmazonClient, marketplaces: list[str], *, every: timedelta
) -> OrdersPage | Pause:
    """Ask for the next page of the open window. Every trouble of Amazon's becomes a pause with its sentence."""
    assert reading.window_from is not None
    account = name_in_quotas(reading.account_id)
    try:
        if wait := quotas().take(account, Operation.SEARCH_ORDERS):
            return Pause(wait, is_paced=True)
        try:
            return client.search_orders(
                marketplace_ids=marketplaces,
                last_updated_after=reading.window_from,  # with a token Amazon wants the very same question again
                pagination_token=reading.next_token or None,
            )
        except Throttled as slow:
            quotas().drain(account, Operation.SEARCH_ORDERS)
            return Pause(slow.retry_after, is_paced=True)
    except AuthorisationLost as lost:
        lifecycle.mark_revoked(reading.account_id, lost.mark)
        return Pause(every, NO_AUTHORISATION)
    except AccessDenied:
        return Pause(every, NO_ACCESS)
    except (AmazonError, QuotasUnavailable) as trouble:
        log.warning("orders_not_read", account=reading.account_id, trouble=type(trouble).__name__)
        if isinstance(trouble, Refused) and reading.next_token:
            _forget_window(reading)
        return Pause(AFTER_TROUBLE * 2 ** min(reading.failures, MOST_DOUBLINGS), NO_ANSWER, is_failure=True)


def store_page(reading: OrderReading, page: OrdersPage, *, now: datetime) -> int:
    """Store a page and, with it, how far we are: one transaction. One bad order never stops a page."""
    orders = [order for order in page.orders if isinstance(order, AmazonOrder)]
    elsewhere = sum(isinstance(order, SoldElsewhere) for order in page.orders)
    for unread in page.orders:
        if isinstance(unread, Unreadable):
            log.warning("order_unreadable", account=reading.account_id, order=unread.order_id, reason=unread.reason)
    with transaction.atomic():
        asked_for = reading.window_from, reading.read_until, reading.next_token
        row = OrderReading.objects.select_for_update().filter(pk=reading.pk)
        stored = store_orders(reading.account, orders, now=now)
        if row.values_list("window_from", "read_until", "next_token").get() != asked_for:
            # Somebody asked meanwhile to begin anew, with other marketplaces, or has read on: that stands.
            reading.refresh_from_db(fields=WINDOW)
            return stored
        reading.unreadable = F("unreadable") + (len(page.orders) - elsewhere - stored)
        reading.sold_elsewhere_at = now if elsewhere else reading.sold_elsewhere_at
        reading.next_token, reading.token_at = page.next_token or "", now
        reading.window_until = reading.window_until or _told_until(page, now=now)
        reading.window_at = max((order.last_updated_at for order in orders), default=reading.window_at)
        if page.next_token is None:
            reading.read_until = reading.window_until
            reading.leave_window()
        reading.save(update_fields=WINDOW)
        reading.refresh_from_db(fields=WINDOW)
    return stored


def _told_until(page: OrdersPage, *, now: datetime) -> datetime:
    """Up to when a first page tells every change: as Amazon says, or what it would have said. Never a time to come,
    which would have us pass over everything until then."""
    return min(page.last_updated_before or now - SETTLING, now)


def purge(*, now: datetime) -> int:
    """Erase the aliases whose time has come; returns how many. The keys stay: they say nothing but yes or no."""
    with across_sellers("aliases are purged"):
        return Order.objects.filter(alias_sealed__isnull=False, alias_purge_at__lte=now).update(alias_sealed=None)


def _lease(account_id: int, *, now: datetime) -> bool:
    # No join: Django would move these conditions into a subquery, which PostgreSQL does not look at again when it has
    # waited for another worker's lease, and both would have it.
    connected = AmazonAccount.objects.filter(status=AmazonAccount.Status.CONNECTED)
    free = OrderReading.objects.filter(account_id=account_id, account__in=connected, next_at__lte=now).filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    )
    return bool(free.update(leased_until=now + LEASE))


def _note_marketplaces(reading: OrderReading, used: list[str]) -> None:
    """One that was not read last time (an account that is connected again may bring a new one) is covered by no window:
    all is read from the beginning."""
    known = set(reading.marketplace_ids)
    if known == set(used):
        return
    if known and not known.issuperset(used):
        reading.read_until = None
        reading.leave_window()
    reading.marketplace_ids = sorted(used)
    reading.save(update_fields=[*WINDOW, "marketplace_ids"])


def _renew(reading: OrderReading, *, now: datetime) -> bool:
    """Keep the account for five minutes more. False: we have been so slow that another worker has it, or it has been
    disconnected meanwhile: nothing more is asked."""
    connected = AmazonAccount.objects.filter(status=AmazonAccount.Status.CONNECTED)
    ours = OrderReading.objects.filter(pk=reading.pk, leased_until=reading.leased_until, account__in=connected)
    if not ours.update(leased_until=now + LEASE):
        return False
    reading.leased_until = now + LEASE
    return True


def _open_window(reading: OrderReading, *, now: datetime) -> None:
    is_stale = reading.token_at is not None and reading.token_at < now - TOKEN_LIVES
    if reading.window_from is not None and not is_stale:
        return  # a run died in between: go on where it stopped
    reading.leave_window()
    reading.window_from = (reading.read_until - OVERLAP) if reading.read_until else now - FIRST_READING
    reading.save(update_fields=NO_WINDOW)


def _forget_window(reading: OrderReading) -> None:
    """Amazon does not take the token (any more), say since the marketplaces in use have changed: begin the window anew.

    What was stored of it is stored again, and the watermark has not moved.
    """
    reading.leave_window()
    reading.save(update_fields=NO_WINDOW)


def _finish(
    reading: OrderReading,
    *,
    next_at: datetime,
    trouble: str = "",
    is_failure: bool = False,
    last_read_at: datetime | None = None,
) -> None:
    changes: dict[str, object] = {"leased_until": None, "next_at": next_at, "trouble": trouble}
    if is_failure:
        changes["failures"] = min(reading.failures, MOST_DOUBLINGS) + 1
    if last_read_at:
        changes |= {"last_read_at": last_read_at, "failures": 0}
    OrderReading.objects.filter(pk=reading.pk, leased_until=reading.leased_until).update(**changes)
