"""How sending goes over all sellers, for operators: how old the queue is, how fast it moves, whose accounts ail.

A read module: the admin asks, nothing here writes. Callers have opened the rows of all sellers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Min, Q

from accounts.models import AmazonAccount
from messaging import troubles
from messaging.models import Channel, Message, Status
from messaging.troubles import Trouble

RECENT: Final = {"minutes": timedelta(minutes=5), "hour": timedelta(hours=1), "day": timedelta(days=1)}
MOST_ACCOUNTS: Final = 100
LINGERING: Final = timedelta(minutes=5)  # after this a claim or a hand-over is not just under way any more


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel. Counts of hand-overs are of the last five minutes, hour and day."""

    channel: Channel
    due: int  # scheduled, and its time has come
    age: timedelta  # of the oldest of these; zero where there is none
    in_flight: int
    lingering: int  # of these, how many stand there for more than five minutes
    minutes: int
    hour: int
    day: int
    unknown: int

    @property
    def age_in_words(self) -> str:
        """Like "3 h 20 min" or "12 s"."""
        minutes, seconds = divmod(int(self.age.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@dataclass(frozen=True, slots=True)
class Ailing:
    """An account that does not send as it should, and why."""

    account: AmazonAccount
    troubles: tuple[Trouble, ...]
    overdue: int
    held: int
    deferred: int
    unknown: int


def lanes(*, now: datetime) -> list[Lane]:
    """Every channel, also those without messages. Two queries.

    What waits for an account that is not connected is in no queue: nothing takes it up. See `ailing`.
    """
    is_due = Q(status=Status.SCHEDULED, due_at__lte=now, account__status=AmazonAccount.Status.CONNECTED)
    waiting = _by_channel(
        Q(status__in=[Status.SCHEDULED, Status.CLAIMED, Status.SENDING, Status.UNKNOWN]),
        due=Count("id", filter=is_due),
        oldest=Min("due_at", filter=is_due),
        in_flight=Count("id", filter=Q(status__in=[Status.CLAIMED, Status.SENDING])),
        lingering=Count("id", filter=Q(status__in=[Status.CLAIMED, Status.SENDING], touched_at__lt=now - LINGERING)),
        unknown=Count("id", filter=Q(status=Status.UNKNOWN)),
    )
    gone = _by_channel(
        Q(handed_over_at__gt=now - RECENT["day"]),
        **{name: Count("id", filter=Q(handed_over_at__gt=now - span)) for name, span in RECENT.items()},
    )
    return [_lane(channel, waiting.get(channel, {}), gone.get(channel, {}), now=now) for channel in Channel]


def _by_channel(which: Q, **counts: Any) -> dict[str, dict[str, Any]]:
    rows = Message.objects.filter(which).order_by().values("channel").annotate(**counts)
    return {row["channel"]: dict(row) for row in rows}


def _lane(channel: Channel, waiting: Mapping[str, Any], gone: Mapping[str, Any], *, now: datetime) -> Lane:
    oldest: datetime | None = waiting.get("oldest")
    return Lane(
        channel,
        due=waiting.get("due", 0),
        age=now - oldest if oldest else timedelta(0),
        in_flight=waiting.get("in_flight", 0),
        lingering=waiting.get("lingering", 0),
        unknown=waiting.get("unknown", 0),
        **{name: gone.get(name, 0) for name in RECENT},
    )


def ailing(*, now: datetime) -> list[Ailing]:
    """The accounts in trouble, those with most that waits first; at most 100. Five queries."""
    counted = {
        row["account_id"]: row
        for row in Message.objects.filter(status__in=[Status.SCHEDULED, Status.HELD, Status.UNKNOWN])
        .order_by()
        .values("account_id")
        .annotate(
            overdue=Count("id", filter=Q(status=Status.SCHEDULED, due_at__lt=now - RECENT["hour"])),
            held=Count("id", filter=Q(status=Status.HELD) & ~Q(hold="team")),
            deferred=Count("id", filter=Q(status=Status.SCHEDULED, attempts__gt=0)),
            unknown=Count("id", filter=Q(status=Status.UNKNOWN)),
        )
        .filter(Q(overdue__gt=0) | Q(held__gt=0) | Q(deferred__gt=0) | Q(unknown__gt=0))
    }
    refused = Q(marketplaces__sender_refused_at__gt=F("marketplaces__changed_at"))
    unwell = Q(status=AmazonAccount.Status.REVOKED) | Q(restricted_at__isnull=False) | refused
    accounts = (
        AmazonAccount.objects.filter(unwell | Q(denials__isnull=False) | Q(pk__in=counted))
        .exclude(status=AmazonAccount.Status.DISCONNECTED)
        .select_related("seller")
        .distinct()
    )
    of_each = troubles.of_accounts(accounts)
    found = [_ailing(account, of_each.get(account.pk, ()), counted.get(account.pk, {})) for account in accounts]
    return sorted(found, key=lambda one: (-one.overdue - one.held, one.account.pk))[:MOST_ACCOUNTS]


def _ailing(account: AmazonAccount, its: tuple[Trouble, ...], counted: Mapping[str, Any]) -> Ailing:
    return Ailing(account, its, **{name: counted.get(name, 0) for name in ("overdue", "held", "deferred", "unknown")})
