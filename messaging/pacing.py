"""How fast: Amazon's daily cap per account, and who may count for an account. (Amazon's rates are `amazon.quotas`.)

5 x the average daily orders of the last seven days + 600 messages a day (`AMAZON.md` 4.5); all that the seller
sends counts, so a part is kept back for what he writes by hand.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from accounts.rowsecurity import across_sellers
from messaging.models import Channel, Message, Purpose, Status
from messaging.outbox import DAILY_LIMIT
from orders.models import Order

BASE: Final = 600
PER_DAILY_ORDER: Final = 5
DAYS: Final = 7
LOCKS: Final = 4_711  # the class of our advisory locks on accounts
SENDERS: Final = (4_712, 0)  # a lock that every process that sends holds a share of
MOVED_AT_ONCE: Final = 5_000
FREE: Final = (Status.BLOCKED, Status.REFUSED)  # handed over, but Amazon delivered nothing: they cost nothing

# What is due, by account and channel, longest waiting first. One look into the index for each, however long its queue.
_WITH_DUE: Final = """
select a.id, asked.channel from accounts_amazonaccount a
cross join unnest(%s::text[]) as asked(channel)
cross join lateral (
  select due_at from messaging_message
  where account_id = a.id and channel = asked.channel and status = 'scheduled' and due_at <= %s
  order by due_at, id limit 1
) m
where a.status = 'connected' order by m.due_at, a.id
"""

# Of what is due, all but the first so many by the campaigns' priority: moved, a bounded number at a time. What a person
# wrote by hand stays: a part of the day is kept back for it.
_MOVE_OVERFLOW: Final = """
update messaging_message set due_at = %s, reason = %s where id in (
  select id from messaging_message
  where account_id = %s and status = 'scheduled' and due_at <= %s and purpose <> 'critical'
  order by priority, due_at, id offset %s limit %s for update skip locked
)
"""

# Each has one share of the lock, however often it asks.
_COUNT_AMONG_SENDERS: Final = """
with ours as materialized (
  select pid from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and objsubid = 2 and granted
    and database = (select oid from pg_database where datname = current_database())
), joined as materialized (
  select pg_try_advisory_lock_shared(%s, %s) where not exists (select from ours where pid = pg_backend_pid())
)
select (select count(*) from ours) + (select count(*) from joined)
"""


def with_due(*, now: datetime) -> list[tuple[int, Channel]]:
    """The connected accounts for which something is due, with the channel, longest waiting first."""
    with across_sellers("who has something to send"), connection.cursor() as cursor:
        cursor.execute(_WITH_DUE, [[str(channel) for channel in Channel], now])
        return [(account_id, Channel(channel)) for account_id, channel in cursor.fetchall()]


def keep(account_ids: Sequence[int], *, most: int | None = None) -> set[int]:
    """The first of these accounts which nobody else keeps, at most so many; we do, until `give_up` or the end of the
    connection.

    Not needed for safety, but for the daily cap: who is alone with an account may count on without asking again.
    """
    return _lock("pg_try_advisory_lock", account_ids, most)


def give_up(account_ids: Sequence[int]) -> None:
    _lock("pg_advisory_unlock", account_ids, None)


def count_among_senders() -> int:
    """How many processes send, this one among them: it counts until the end of the connection."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_AMONG_SENDERS, [*SENDERS, *SENDERS])
        return int(cursor.fetchone()[0])


@contextmanager
def alone_with(account_id: int) -> Iterator[bool]:
    """True for one caller at a time per account; the others need not wait."""
    is_alone = bool(keep([account_id]))
    try:
        yield is_alone
    finally:
        if is_alone and connection.connection is not None:
            give_up([account_id])


def _lock(function: str, account_ids: Sequence[int], most: int | None) -> set[int]:
    with connection.cursor() as cursor:
        # Row by row until there are enough: what is not returned is not locked.
        cursor.execute(
            f"select id from unnest(%s::int[]) as asked(id) where {function}(%s, id) limit %s",  # noqa: S608  one of two
            [list(account_ids), LOCKS, most],
        )
        return {account_id for (account_id,) in cursor.fetchall()}


def daily_cap(account_id: int, *, now: datetime) -> int:
    """How many messages we may hand over for this account in 24 hours, but for what is written by hand."""
    return int(_amazons_limit(account_id, now=now) * (1 - settings.DAILY_RESERVE))


def left_today(account_id: int, *, now: datetime) -> int:
    """How many of the daily cap are left for what campaigns send; never below zero."""
    return max(0, daily_cap(account_id, now=now) - used_today(account_id, now=now))


def _amazons_limit(account_id: int, *, now: datetime) -> float:
    orders = Order.objects.filter(account_id=account_id, purchased_at__gt=now - timedelta(days=DAYS)).count()
    return PER_DAILY_ORDER * orders / DAYS + BASE


def _left_by_hand(account_id: int, *, now: datetime) -> int:
    """How many critical messages are due, as far as the reserve has room for them."""
    due = Message.objects.filter(account_id=account_id, status=Status.SCHEDULED, due_at__lte=now)
    written = due.filter(purpose=Purpose.CRITICAL).count()
    return max(0, min(written, int(_amazons_limit(account_id, now=now)) - used_today(account_id, now=now)))


def left_of(account_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """How many messages may go today for each of these accounts, which the caller keeps: see `keep`.

    Where campaigns have used their part up, what is due of theirs moves to another day, and what a person wrote by hand
    may take from the part that is kept back for it.
    """
    with across_sellers("how many messages are left today?"):
        left = {account_id: left_today(account_id, now=now) for account_id in account_ids}
        for account_id in [account_id for account_id, rest in left.items() if not rest]:
            move_overflow(account_id, left=0, now=now)
            left[account_id] = _left_by_hand(account_id, now=now)
    return left


def used_today(account_id: int, *, now: datetime) -> int:
    """How many messages of the last 24 hours count against the cap."""
    return _of_today(account_id, now=now).count()


def free_again_at(account_id: int, *, now: datetime) -> datetime:
    """When the oldest message of the last 24 hours leaves the count, so that one more may go."""
    oldest = _of_today(account_id, now=now).order_by("handed_over_at").values_list("handed_over_at", flat=True).first()
    return (oldest or now) + timedelta(days=1)


def move_overflow(account_id: int, *, left: int, now: datetime) -> int:
    """What the daily cap has no room for moves to when there is room again: of what is due, the least important.

    Returns how many; at most 5,000 at a time, so that a queue of a million keeps nobody waiting.
    """
    with across_sellers("the daily limit is used up"), connection.cursor() as cursor:
        again = free_again_at(account_id, now=now)
        cursor.execute(_MOVE_OVERFLOW, [again, DAILY_LIMIT, account_id, now, left, MOVED_AT_ONCE])
        return int(cursor.rowcount)


def _of_today(account_id: int, *, now: datetime) -> QuerySet[Message]:
    """What counts: handed over, and neither refused nor given back because Amazon blocked it."""
    today = Message.objects.filter(account_id=account_id, handed_over_at__gt=now - timedelta(days=1))
    return today.exclude(status__in=FREE)
