"""What is pending for buyers who were put on the list is withdrawn, at every seller. A verb, for the eyes of sellers.

Flow: `gate.suppress` -> an entry that waits -> here -> messages in `suppressed` or `blocked`, orders to plan anew.
What stops the sending is the gate. This may run twice, at once, or die anywhere: an entry waits until it is marked.
Whoever reads notices asks for what he has just entered, the timetable for all that waits.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError
from django.utils import timezone

from accounts import durability
from accounts.prepared import Call, Prepared, rows_of_last
from accounts.rowsecurity import across_sellers
from messaging.life import move
from messaging.models import PENDING, Channel, Purpose, Status
from optouts import gate
from orders.attention import asking_for_plans_of

log = structlog.get_logger(__name__)

NOTICES_COME_WITHIN: Final = timedelta(days=3)  # of the letter that they are about
TAKEN: Final = frozenset({Status.SENT, Status.UNKNOWN})

# By number of the entry. Each branch is a look into an index; an `or` over them would read all that a seller has.
_ENTRIES: Final = "unnest($1, $2, $3) as entry(number, key, seller_id)"
_OF_ENTRIES: Final = ("int[]", "uuid[]", "bigint[]")
_ORDERS: Final = Prepared(
    "orders_of_entries",
    _OF_ENTRIES,
    f"""
select entry.number, o.id from {_ENTRIES}
cross join lateral (
  select id, seller_id from orders_order where alias_key = entry.key
  union
  select id, seller_id from orders_order where order_key = entry.key
) o
where entry.seller_id is null or o.seller_id = entry.seller_id
""",  # noqa: S608 (the values are our own)
)
# A message knows its buyer by the keys of the day on which it was planned; its order may have got others since. The
# statuses stand in the statement, so that partial indexes serve it. Parameters besides: since when each entry's notice
# may be about a letter, then numbers of entries and their orders. What is no longer pending is found by way of its
# order, whose key is the entry's also when the message was planned under a former one.
_IS_PENDING: Final = (
    f"m.status in ({', '.join(sorted(repr(str(status)) for status in PENDING))}) and m.purpose = '{Purpose.CAMPAIGN}'"
)  # a critical message is what an opted-out buyer may still receive
_IS_THEIRS: Final = "(entry.seller_id is null or m.seller_id = entry.seller_id)"
_MESSAGES: Final = Prepared(
    "messages_of_entries",
    (*_OF_ENTRIES, "timestamptz[]", "int[]", "bigint[]"),
    f"""
select entry.number, m.id, m.status from {_ENTRIES}
  join messaging_message m on m.alias_key = entry.key and {_IS_PENDING} and {_IS_THEIRS}
union
select theirs.number, m.id, m.status from unnest($5, $6) as theirs(number, order_id)
  join messaging_message m on m.order_id = theirs.order_id and {_IS_PENDING}
union
select entry.number, m.id, m.status from {_ENTRIES}
  join messaging_message m on m.order_key = entry.key and {_IS_PENDING} and {_IS_THEIRS}
union
select entry.number, m.id, m.status from unnest($1, $2, $3, $4) as entry(number, key, seller_id, since)
  join orders_order o on o.order_key = entry.key and (entry.seller_id is null or o.seller_id = entry.seller_id)
  join messaging_message m on m.order_id = o.id
  where m.status = '{Status.SENDING}' or (
    m.channel = '{Channel.BUYER_EMAIL}' and m.status in ('{Status.SENT}', '{Status.UNKNOWN}')
    and m.handed_over_at > entry.since
  )
order by 1, 2
""",  # noqa: S608 (the values are our own)
)


def withdraw_suppressed(*, now: datetime) -> int:
    """Withdraw what is pending for every entry that waits; returns how many messages.

    A message that Amazon has already taken and then blocked is marked so: the notice is about that very order.
    """
    return _withdraw(gate.entries_to_withdraw(), now=now)


def withdraw_at_once(entries: Collection[int], **_: object) -> None:
    """For whoever has just put buyers on the list. Never raises for the database: the timetable looks again."""
    now = timezone.now()
    try:
        with across_sellers("messages to suppressed buyers are withdrawn"):
            _withdraw(gate.still_to_withdraw(entries), now=now)
    except DatabaseError as trouble:
        log.warning("withdrawal_waits", trouble=type(trouble).__name__)


def _withdraw(entries: Sequence[gate.Entry], *, now: datetime) -> int:
    if not entries:
        return 0
    with across_sellers("messages to suppressed buyers are withdrawn"):
        with durability.soon():
            withdrawn, unsettled = _settle(entries, now=now)
        # What is in the relay's hands this moment settles first; its entry stays in the queue until then.
        with durability.soon():
            gate.mark_withdrawn([entry for number, entry in enumerate(entries) if number not in unsettled], now=now)
    return withdrawn


def _settle(entries: Sequence[gate.Entry], *, now: datetime) -> tuple[int, set[int]]:
    """Withdraw what is pending, mark what was blocked. Returns how many were withdrawn, and the numbers of the entries
    that have a message in the hands of a gateway."""
    orders = _ORDERS.rows(*_columns(entries))
    # Orders before messages, and in the order of their ids, as planning takes them: else each would wait for the other.
    ask = asking_for_plans_of({order_id for _, order_id in orders}, now=now)  # so that "Why?" says it too
    since = [entry.since - NOTICES_COME_WITHIN for entry in entries]
    theirs = [[number for number, _ in orders], [order_id for _, order_id in orders]]
    found = rows_of_last(ask, Call(_MESSAGES, [*_columns(entries), since, *theirs]))
    reasons: dict[int, str] = {}
    for number, message_id, status in found:  # the first entry tells the reason
        if status in PENDING:
            reasons.setdefault(message_id, entries[number].reason)
    withdrawn: set[int] = set()
    for reason, messages in _by_reason(reasons.items()):
        withdrawn.update(move(messages, out_of=PENDING, to=Status.SUPPRESSED, at=now, reason=reason, settled_at=now))
    blocked = [
        (message_id, "Amazon did not deliver it: " + entries[number].reason)
        for number, message_id, status in found
        if status in TAKEN and not entries[number].is_by_hand
    ]
    for reason, messages in _by_reason(blocked):
        move(messages, out_of=TAKEN, to=Status.BLOCKED, at=now, reason=reason)
    # What was pending a moment ago and could not be moved is in the hands of somebody who was faster.
    settled = withdrawn.union(message_id for message_id, _ in blocked)
    unsettled = {
        number
        for number, message_id, status in found
        if message_id not in settled and (status == Status.SENDING or status in PENDING)
    }
    return len(withdrawn), unsettled


def _columns(entries: Sequence[gate.Entry]) -> list[list[object]]:
    return [list(range(len(entries))), [str(entry.key) for entry in entries], [entry.seller_id for entry in entries]]


def _by_reason(messages: Iterable[tuple[int, str]]) -> list[tuple[str, list[int]]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for message_id, reason in messages:
        groups[reason].append(message_id)
    return sorted(groups.items())
