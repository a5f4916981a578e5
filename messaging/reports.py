"""What was sent, what was not and what is coming, as numbers. A read module: pages ask, nothing here writes.

Every figure counts rows, by the status that they have now and the instant at which they took it (`touched_at`), so
that it agrees with the list of History for the same status and days. Days are days of UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from accounts.models import AmazonAccount, Seller
from messaging import pacing, troubles
from messaging.models import COMING, Message, Status
from messaging.troubles import Trouble

DAYS: Final = 30
SUPPRESSED: Final = frozenset({Status.SUPPRESSED, Status.BLOCKED})  # by us before sending, by Amazon after it
OTHER: Final = frozenset({Status.EXPIRED, Status.CAPPED, Status.REFUSED, Status.UNKNOWN})
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Day:
    """One day's outcomes. A cancelled message counts nowhere: nobody wanted it any more."""

    day: date
    sent: int = 0
    suppressed: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class NotSent:
    """How many messages of the last seven days ended in this way."""

    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A seller at a glance."""

    sent_today: int
    sent_in_week: int
    coming_in_week: int
    coming: int  # at any time
    held: int  # of these, how many wait for a person
    not_sent: tuple[NotSent, ...]  # the most frequent first; without those that nobody met

    @property
    def not_sent_in_week(self) -> int:
        return sum(line.count for line in self.not_sent)


def first_day_of_week(now: datetime) -> date:
    """The first of the seven days, today included, that "in the last 7 days" means."""
    return now.astimezone(UTC).date() - WEEK + timedelta(days=1)


def figures(seller: Seller, *, now: datetime) -> Figures:
    """The numbers of the dashboard. Two queries."""
    today = now.astimezone(UTC).date()
    settled = {
        row["status"]: row
        for row in Message.objects.for_seller(seller)
        .filter(touched_at__gte=_midnight(first_day_of_week(now)), status__in=[Status.SENT, *SUPPRESSED, *OTHER])
        .order_by()
        .values("status")
        .annotate(in_week=Count("id"), of_today=Count("id", filter=Q(touched_at__gte=_midnight(today))))
    }
    coming = (
        Message.objects.for_seller(seller)
        .filter(status__in=COMING)
        .aggregate(
            in_week=Count("id", filter=Q(due_at__lt=now + WEEK)),
            ever=Count("id"),
            held=Count("id", filter=Q(status=Status.HELD)),
        )
    )
    sent = settled.get(Status.SENT, {"in_week": 0, "of_today": 0})
    not_sent = [NotSent(Status(name), row["in_week"]) for name, row in settled.items() if name != Status.SENT]
    return Figures(
        sent_today=sent["of_today"],
        sent_in_week=sent["in_week"],
        coming_in_week=coming["in_week"],
        coming=coming["ever"],
        held=coming["held"],
        not_sent=tuple(sorted(not_sent, key=lambda line: (-line.count, line.status))),
    )


def unknown(seller: Seller) -> int:
    """How many messages wait for somebody to find out what became of them."""
    return Message.objects.for_seller(seller).filter(status=Status.UNKNOWN).count()


@dataclass(frozen=True, slots=True)
class AccountToday:
    """One Amazon account's last 24 hours against Amazon's daily limit, and what of its messages is on the way."""

    account: AmazonAccount
    cap: int  # what Amazon allows, less the part kept back for what is written by hand
    used: int
    in_flight: int  # claimed, or in Amazon's hands this moment
    deferred: int  # tried, and provably not taken; tried again
    held: int
    unknown: int
    troubles: tuple[Trouble, ...]

    @property
    def percent(self) -> int:
        """Of the limit that is used, at most 100."""
        return min(100, round(100 * self.used / self.cap)) if self.cap else 100


def accounts_today(seller: Seller, *, now: datetime) -> list[AccountToday]:
    """Every account of the seller that is not disconnected. Three queries, and two more an account."""
    states = Count("id", filter=Q(status__in=[Status.CLAIMED, Status.SENDING]))
    counted = {
        row["account_id"]: row
        for row in Message.objects.for_seller(seller)
        .filter(Q(status__in=COMING) | Q(status=Status.UNKNOWN))  # each has an index, and both together none
        .order_by()
        .values("account_id")
        .annotate(
            in_flight=states,
            deferred=Count("id", filter=Q(status=Status.SCHEDULED, attempts__gt=0)),
            held=Count("id", filter=Q(status=Status.HELD)),
            unknown=Count("id", filter=Q(status=Status.UNKNOWN)),
        )
    }
    connected = AmazonAccount.objects.for_seller(seller).exclude(status=AmazonAccount.Status.DISCONNECTED)
    accounts = list(connected.order_by("store_name", "id"))
    of_each = troubles.of_accounts(accounts)
    return [_today(one, counted.get(one.pk, {}), of_each.get(one.pk, ()), now=now) for one in accounts]


def _today(
    account: AmazonAccount, counted: Mapping[str, Any], its: tuple[Trouble, ...], *, now: datetime
) -> AccountToday:
    cap, used = pacing.daily_cap(account.pk, now=now), pacing.used_today(account.pk, now=now)
    counts = {name: counted.get(name, 0) for name in ("in_flight", "deferred", "held", "unknown")}
    return AccountToday(account, cap, used, troubles=its, **counts)


def by_day(seller: Seller, *, now: datetime, days: int = DAYS) -> list[Day]:
    """The outcomes of the last days, today included, oldest first; a day without any is there too. One query."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    rows = (
        Message.objects.for_seller(seller)
        .filter(touched_at__gte=_midnight(first), status__in=[Status.SENT, *SUPPRESSED, *OTHER])
        .order_by()
        .annotate(day=TruncDate("touched_at", tzinfo=UTC))
        .values("day")
        .annotate(
            sent=Count("id", filter=Q(status=Status.SENT)),
            suppressed=Count("id", filter=Q(status__in=SUPPRESSED)),
            other=Count("id", filter=Q(status__in=OTHER)),
        )
    )
    counted = {row["day"]: Day(row["day"], row["sent"], row["suppressed"], row["other"]) for row in rows}
    every_day = [first + timedelta(days=number) for number in range(days)]
    return [counted.get(day, Day(day)) for day in every_day]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
