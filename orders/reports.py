"""Amazon's reports: asked for, waited for, fetched, stored. Each step is a row's state, so any of them may be repeated.

Five kinds. The order report brings what polling cannot (a long first import, or more than 48,000 orders a day); the two
returns reports bring returns and refunds, the feedback report the stars of unhappy buyers, and the report of Amazon's
own shipments an estimate where no day of delivery was promised. Whatever they change of an order puts it back in the
queue of planning, in the same transaction, which also takes back what must not wait any more (`attention`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Final, TypeVar

import structlog
from django.db import transaction
from django.db.models import F, Q

from accounts import lifecycle, secrets
from accounts.authorised import application, client_for, name_in_quotas, quotas
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon import documents, flat_files
from amazon.client import AmazonClient
from amazon.errors import AccessDenied, AmazonError, AuthorisationLost, Refused, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from amazon.values import AmazonOrder, Rated, ReportStatus, Returned, Sent, Unreadable
from orders.attention import orders_changed
from orders.models import NO_WINDOW, AmazonReport, Order, OrderReading
from orders.naming import name_orders
from orders.storing import store_orders

log = structlog.get_logger(__name__)

Kind, State = AmazonReport.Kind, AmazonReport.State
TYPES: Final = {
    Kind.ORDERS: "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
    Kind.RETURNS: "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
    Kind.AMAZON_RETURNS: "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA",
    Kind.FEEDBACK: "GET_SELLER_FEEDBACK_DATA",
    Kind.SHIPMENTS: "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL",
}
DAILY: Final = (Kind.RETURNS, Kind.AMAZON_RETURNS, Kind.FEEDBACK, Kind.SHIPMENTS)
GUESSED: Final = (Order.DeliveryKind.UNKNOWN, Order.DeliveryKind.ESTIMATE)  # what a shipment's estimate may replace
IN_WORK: Final = (State.WANTED, State.ASKED, State.READY)
EVERY: Final = timedelta(days=1)
DAILY_LOOKS_BACK: Final = timedelta(days=30)  # what a report named while the order was not read yet is named again
LONGEST_SPAN: Final = timedelta(days=30)  # of an order report
LEASE: Final = timedelta(minutes=30)
ASK_AGAIN: Final = timedelta(seconds=30)  # how far is it? doubled with each time
LONGEST_PAUSE: Final = timedelta(minutes=15)
AFTER_TROUBLE: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 60
REPORT_AGAIN: Final = timedelta(hours=1)  # after an order report that came to nothing; doubled each time, up to a day
MOST_PAUSES: Final = 5
PAGE: Final = 500
KEPT: Final = timedelta(days=60)
DETAILS_UNTIL: Final = timedelta(days=45)  # younger orders of a report are read by themselves for their promises
NO_ACCESS: Final = "Amazon denies access to this report: the authorisation lacks the role for it"
TOO_OFTEN: Final = "the report did not come, however often we tried"
NO_COLUMNS: Final = "the report has another form than we know"
_Value = TypeVar("_Value")


def want_daily(*, now: datetime) -> int:
    """Want the reports of returns and feedback of each connected account, once a day; returns how many are new."""
    with across_sellers("daily reports are wanted"):
        recent = AmazonReport.objects.filter(kind__in=DAILY, wanted_at__gt=now - EVERY)
        undated = Order.objects.filter(
            fulfilled_by=Order.FulfilledBy.AMAZON,
            deliver_by_latest__isnull=True,
            purchased_at__gt=now - DAILY_LOOKS_BACK,
        ).exclude(status=Order.Status.CANCELLED)
        in_the_dark = set(undated.order_by().values_list("account_id", flat=True).distinct())
        there = set(recent.values_list("account_id", "kind"))
        wanted = 0
        for account in AmazonAccount.objects.filter(status=AmazonAccount.Status.CONNECTED):
            for kind in DAILY:
                is_of_use = kind != Kind.SHIPMENTS or account.pk in in_the_dark
                if is_of_use and (account.pk, kind) not in there:
                    wanted += want(account, kind, (now - DAILY_LOOKS_BACK, now), now=now)
        return wanted


def want(account: AmazonAccount, kind: str, span: tuple[datetime, datetime], *, now: datetime) -> bool:
    """Want a report, unless one of its kind is under way; says whether it is new."""
    values = {"seller_id": account.seller_id, "data_from": span[0], "data_until": span[1], "wanted_at": now}
    _, is_new = AmazonReport.objects.get_or_create(
        account=account, kind=kind, state__in=IN_WORK, defaults=values | {"due_at": now, "state": State.WANTED}
    )
    return is_new


def due(*, now: datetime) -> list[int]:
    """The reports on which something can be done now, longest due first."""
    with across_sellers("which reports are due"):
        rows = AmazonReport.objects.filter(
            state__in=IN_WORK, due_at__lte=now, account__status=AmazonAccount.Status.CONNECTED
        )
        return list(rows.order_by("due_at").values_list("pk", flat=True)[:200])


def work_on(report_id: int, *, now: datetime) -> None:
    """Do the next step of a report. Two workers at once do it once; a worker that died is followed by another."""
    with across_sellers("reports are fetched"):
        # Counted before it is tried: what ends a worker each time must end, too, or no report of its kind comes again.
        taken = AmazonReport.objects.filter(pk=report_id, state__in=IN_WORK, due_at__lte=now).update(
            due_at=now + LEASE, attempts=F("attempts") + 1
        )
        if not taken:
            return
        report = AmazonReport.objects.select_related("account").get(pk=report_id)
        if report.attempts > MOST_ATTEMPTS:
            _save(report, Outcome(State.FAILED, trouble=TOO_OFTEN), now=now)
            return
        try:
            client = client_for(report.account)
        except secrets.Unreadable:
            _save(report, Outcome(report.state, LONGEST_PAUSE, is_attempt=False), now=now)
            return
        with client:
            _save(report, _step(report, client, now=now), now=now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a report stands after a step, and when to look again. `trouble` is for the seller's eyes."""

    state: str
    after: timedelta = timedelta()
    trouble: str = ""
    is_attempt: bool = True


def _save(report: AmazonReport, outcome: Outcome, *, now: datetime) -> None:
    report.state, report.trouble = outcome.state, outcome.trouble
    report.due_at = now + outcome.after
    report.attempts -= not outcome.is_attempt
    if report.state not in IN_WORK:
        report.finished_at = now
    report.save()
    if report.kind == Kind.ORDERS and report.finished_at is not None:
        _tell_reading(report, now=now)


def _tell_reading(report: AmazonReport, *, now: datetime) -> None:
    """An order report that came to nothing is not wanted again at the next poll: after an hour, then two, four, ..."""
    changes: dict[str, object] = {"report_trouble": "", "report_again_at": None}
    if report.state != State.STORED:
        past = AmazonReport.objects.filter(account_id=report.account_id, kind=Kind.ORDERS, finished_at__isnull=False)
        states = list(past.order_by("-finished_at", "-pk").values_list("state", flat=True)[: MOST_PAUSES + 1])
        in_a_row = next((count for count, state in enumerate(states) if state == State.STORED), len(states))
        pause = REPORT_AGAIN * 2 ** min(in_a_row - 1, MOST_PAUSES)
        changes = {"report_trouble": report.trouble or State(report.state).label, "report_again_at": now + pause}
    OrderReading.objects.filter(account_id=report.account_id).update(**changes)


STEPS: Final = {
    State.WANTED: Operation.CREATE_REPORT,
    State.ASKED: Operation.GET_REPORT,
    State.READY: Operation.GET_REPORT_DOCUMENT,
}


def _step(report: AmazonReport, client: AmazonClient, *, now: datetime) -> Outcome:
    """Every trouble of Amazon's is a later look; only what Amazon says about the report itself ends it."""
    operation, name = STEPS[State(report.state)], name_in_quotas(report.account_id)
    try:
        if wait := quotas().take(name, operation):
            return Outcome(report.state, wait, is_attempt=False)
        try:
            return {State.WANTED: _ask, State.ASKED: _look, State.READY: _fetch}[State(report.state)](
                report, client, now
            )
        except Throttled as slow:
            quotas().drain(name, operation)
            return Outcome(report.state, slow.retry_after, is_attempt=False)
    except AuthorisationLost as lost:
        lifecycle.mark_revoked(report.account_id, lost.mark)
        return Outcome(report.state, AFTER_TROUBLE)
    except AccessDenied:
        return Outcome(State.FAILED, trouble=NO_ACCESS)
    except Refused as refused:
        return Outcome(State.FAILED, trouble=f"Amazon refuses this report ({refused.code[:40]})")
    except (AmazonError, QuotasUnavailable) as trouble:
        log.warning("report_not_moved", report=report.pk, trouble=type(trouble).__name__)
        return Outcome(report.state, AFTER_TROUBLE)


def _ask(report: AmazonReport, client: AmazonClient, now: datetime) -> Outcome:
    used = AccountMarketplace.objects.filter(account_id=report.account_id, is_used=True)
    marketplaces = list(used.values_list("marketplace_id", flat=True)[:25])
    if not marketplaces:
        return Outcome(State.EMPTY)
    report.marketplace_ids = marketplaces
    report.amazon_report_id = client.create_report(
        TYPES[Kind(report.kind)], marketplace_ids=marketplaces, start=report.data_from, end=report.data_until
    )
    return Outcome(State.ASKED, ASK_AGAIN)


def _look(report: AmazonReport, client: AmazonClient, now: datetime) -> Outcome:
    progress = client.report_progress(report.amazon_report_id)
    match progress.status:
        case ReportStatus.DONE if progress.document_id:
            report.amazon_document_id = progress.document_id
            return Outcome(State.READY)
        case ReportStatus.CANCELLED:
            return Outcome(State.EMPTY)
        case ReportStatus.FATAL:
            return Outcome(State.FAILED, trouble="Amazon could not make this report")
    return Outcome(State.ASKED, min(ASK_AGAIN * 2 ** min(report.attempts - 1, 5), LONGEST_PAUSE))


def _fetch(report: AmazonReport, client: AmazonClient, now: datetime) -> Outcome:
    address = client.report_document(report.amazon_document_id)
    with documents.download(application(), address) as file:
        try:
            report.lines_stored, report.unreadable = STORES[Kind(report.kind)](report, _lines(file), now)
        except flat_files.WrongColumns:
            return Outcome(State.FAILED, trouble=NO_COLUMNS)
    if report.kind == Kind.ORDERS:
        _close_window(report, now=now)
    return Outcome(State.STORED)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """No longer than a line can be: a file without an end of line must not fill the memory."""
    return iter(lambda: file.readline(documents.LONGEST_LINE), b"")


def _store_orders(report: AmazonReport, lines: Iterable[bytes], now: datetime) -> tuple[int, int]:
    """Page by page. Young orders that are new to us, or of which we knew an older state, are read by themselves: a
    report tells no promise, no delivery and no wish to cancel, and closes the window that would have brought them."""
    stored = unreadable = 0
    used = set(
        AccountMarketplace.objects.filter(account_id=report.account_id, is_used=True).values_list(
            "marketplace_id", flat=True
        )
    )
    found = flat_files.read_orders(lines)
    while page := list(islice(found, PAGE)):
        orders = [order for order in page if isinstance(order, AmazonOrder) and order.marketplace_id in used]
        unreadable += sum(isinstance(order, Unreadable) for order in page)
        with transaction.atomic():
            told = Order.objects.filter(
                account_id=report.account_id, amazon_order_id__in=[order.order_id for order in orders]
            )
            before = dict(told.values_list("amazon_order_id", "last_updated_at"))
            count = store_orders(report.account, orders, now=now, is_report=True)
            young = told.filter(purchased_at__gt=now - DETAILS_UNTIL).exclude(status=Order.Status.CANCELLED)
            rows = young.values_list("amazon_order_id", "deliver_by_latest", "last_updated_at")
            partly_known = [id for id, promise, at in rows if promise is None or before.get(id, at) < at]
            name_orders(report.account, partly_known, due_at=now, now=now)
        stored, unreadable = stored + count, unreadable + len(orders) - count
    return stored, unreadable


def _close_window(report: AmazonReport, *, now: datetime) -> None:
    """What polling was still paging through is stored now, as far as the report reaches; polling goes on from there.

    Not where a marketplace has been taken into use since the report was asked for: it tells nothing of that one.
    """
    OrderReading.objects.filter(account_id=report.account_id).update(reported_at=now)
    with transaction.atomic():
        list(OrderReading.objects.select_for_update().filter(account_id=report.account_id))  # as `use` of a marketplace
        used = AccountMarketplace.objects.filter(account_id=report.account_id, is_used=True)
        if used.exclude(marketplace_id__in=report.marketplace_ids).exists():
            return
        free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
        window = OrderReading.objects.filter(free, account_id=report.account_id, window_from__gte=report.data_from)
        window.filter(Q(read_until__isnull=True) | Q(read_until__lt=report.data_until)).update(
            read_until=report.data_until, **NO_WINDOW
        )


def _store_returns(report: AmazonReport, found: Iterable[Returned | Unreadable], now: datetime) -> tuple[int, int]:
    def apply(line: Returned, orders: dict[str, Order]) -> Order | None:
        order, at = orders.get(line.order_id), min(line.at or now, now)
        if order is None:
            return None
        before = order.returned_at, order.refunded_at
        order.returned_at = min(order.returned_at or at, at)
        if line.is_refunded:
            order.refunded_at = min(order.refunded_at or at, at)
        return order if before != (order.returned_at, order.refunded_at) else None

    return _store(report, found, Returned, apply, ["returned_at", "refunded_at"], now=now)


def _store_feedback(report: AmazonReport, found: Iterable[Rated | Unreadable], now: datetime) -> tuple[int, int]:
    def apply(line: Rated, orders: dict[str, Order]) -> Order | None:
        order = orders.get(line.order_id)
        if order is None or order.feedback_rating == line.rating:
            return None
        order.feedback_rating = line.rating
        return order

    return _store(report, found, Rated, apply, ["feedback_rating"], now=now)


def _store_shipments(report: AmazonReport, found: Iterable[Sent | Unreadable], now: datetime) -> tuple[int, int]:
    """Of several parcels the last one counts. What Amazon has promised of an order stands."""

    def apply(line: Sent, orders: dict[str, Order]) -> Order | None:
        order = orders.get(line.order_id)
        if order is None or order.fulfilled_by != Order.FulfilledBy.AMAZON or order.delivery_kind not in GUESSED:
            return None
        before = order.deliver_by_latest, order.shipped_at
        order.deliver_by_latest = max(order.deliver_by_latest or line.arrives_at, line.arrives_at)
        order.deliver_by_earliest, order.delivery_kind = order.deliver_by_latest, Order.DeliveryKind.ESTIMATE
        if line.shipped_at is not None:
            order.shipped_at = max(order.shipped_at or line.shipped_at, line.shipped_at)
        return order if before != (order.deliver_by_latest, order.shipped_at) else None

    fields = ["deliver_by_earliest", "deliver_by_latest", "delivery_kind", "shipped_at"]
    return _store(report, found, Sent, apply, fields, now=now)


Line = TypeVar("Line", Returned, Rated, Sent)


def _store(
    report: AmazonReport,
    found: Iterable[Line | Unreadable],
    kind: type[Line],
    apply: Callable[[Line, dict[str, Order]], Order | None],
    fields: list[str],
    *,
    now: datetime,
) -> tuple[int, int]:
    """Apply lines to the orders that they name; an order that we do not know is passed over. What has changed is
    planned again."""
    stored = unreadable = 0
    coming = iter(found)
    while page := list(islice(coming, PAGE)):
        lines = [line for line in page if isinstance(line, kind)]
        unreadable += len(page) - len(lines)
        with transaction.atomic():
            rows = Order.objects.filter(
                account_id=report.account_id, amazon_order_id__in={line.order_id for line in lines}
            )
            locked = rows.order_by("amazon_order_id").select_for_update()  # by number, as `store_orders`
            orders = {order.amazon_order_id: order for order in locked}
            changed = {order.pk: order for line in lines if (order := apply(line, orders)) is not None}
            for order in changed.values():
                order.changed_at = order.replan_at = now
            Order.objects.bulk_update(changed.values(), [*fields, "changed_at", "replan_at"])
            if changed:
                orders_changed.send(sender=None, seller_id=report.seller_id, order_ids=set(changed), now=now)
        stored += len(lines)
    return stored, unreadable


STORES: Final[dict[AmazonReport.Kind, Callable[[AmazonReport, Iterable[bytes], datetime], tuple[int, int]]]] = {
    Kind.ORDERS: _store_orders,
    Kind.RETURNS: lambda report, lines, now: _store_returns(report, flat_files.read_returns(lines), now),
    Kind.AMAZON_RETURNS: lambda report, lines, now: _store_returns(report, flat_files.read_fba_returns(lines), now),
    Kind.FEEDBACK: lambda report, lines, now: _store_feedback(report, flat_files.read_feedback(lines), now),
    Kind.SHIPMENTS: lambda report, lines, now: _store_shipments(report, flat_files.read_shipments(lines), now),
}


def purge(*, now: datetime) -> int:
    """Forget reports that were finished two months ago: what they brought is on the orders."""
    with across_sellers("old reports are purged"):
        return AmazonReport.objects.filter(finished_at__lte=now - KEPT).delete()[0]
