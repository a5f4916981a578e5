"""What is pending for buyers who were put on the list is withdrawn, at every seller. A verb, for the eyes of sellers.

Flow: `gate.suppress` -> an entry that waits -> here -> messages in `suppressed` or `blocked`, orders to plan anew.
What stops the sending is the gate. This may run twice, at once, or die anywhere: an entry waits until it is marked.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts import durability
from accounts.rowsecurity import across_sellers
from messaging.life import move
from messaging.models import PENDING, Channel, Purpose, Status
from optouts import gate
from orders.attention import ask_for_plans
from orders.models import Order

log = structlog.get_logger(__name__)

NOTICES_COME_WITHIN: Final = timedelta(days=3)  # of the letter that they are about

# By number of the entry. Each branch is a look into an index; an `or` over them would read all that a seller has.
_ORDERS: Final = """
select entry.number, o.id from unnest(%s::int[], %s::uuid[], %s::bigint[]) as entry(number, key, seller_id)
cross join lateral (
  select id, seller_id from orders_order where alias_key = entry.key
  union
  select id, seller_id from orders_order where order_key = entry.key
) o
where entry.seller_id is null or o.seller_id = entry.seller_id
"""
# A message knows its buyer by the keys of the day on which it was planned; its order may have got others since.
_MESSAGES: Final = """
with entry as (
  select * from unnest(%s::int[], %s::uuid[], %s::bigint[]) as entry(number, key, seller_id)
), found as (
  select entry.number, m.id from entry join messaging_message m on m.alias_key = entry.key
    and m.status = any(%s) and m.purpose = %s and (entry.seller_id is null or m.seller_id = entry.seller_id)
  union
  select entry.number, m.id from entry join messaging_message m on m.order_key = entry.key
    and m.status = any(%s) and m.purpose = %s and (entry.seller_id is null or m.seller_id = entry.seller_id)
  union
  select theirs.number, m.id from unnest(%s::int[], %s::bigint[]) as theirs(number, order_id)
    join messaging_message m on m.order_id = theirs.order_id and m.status = any(%s) and m.purpose = %s
)
select number, id from found order by number
"""
_HANDED_OVER: Final = """
select entry.number, m.id, m.status
from unnest(%s::int[], %s::uuid[], %s::bigint[], %s::timestamptz[]) as entry(number, key, seller_id, since)
join messaging_message m on m.order_key = entry.key and (entry.seller_id is null or m.seller_id = entry.seller_id)
where m.status = %s or (m.channel = %s and m.status = any(%s) and m.handed_over_at > entry.since)
"""


def withdraw_suppressed(*, now: datetime) -> int:
    """Withdraw what is pending for every entry that waits; returns how many messages.

    A message that Amazon has already taken and then blocked is marked so: the notice is about that very order.
    """
    entries = gate.entries_to_withdraw()
    if not entries:
        return 0
    with across_sellers("messages to suppressed buyers are withdrawn"):
        with durability.soon():
            withdrawn = _withdraw_pending(entries, now=now)
            unsettled = _mark_blocked(entries, now=now)
        # What is in the relay's hands this moment settles first; its entry stays in the queue until then.
        with durability.soon():
            gate.mark_withdrawn([entry for number, entry in enumerate(entries) if number not in unsettled], now=now)
    return withdrawn


def withdraw_at_once(**_: object) -> None:
    """For whoever has just put buyers on the list. Never raises for the database: the timetable looks again."""
    try:
        withdraw_suppressed(now=timezone.now())
    except DatabaseError as trouble:
        log.warning("withdrawal_waits", trouble=type(trouble).__name__)


def _withdraw_pending(entries: Sequence[gate.Entry], *, now: datetime) -> int:
    orders = _rows(_ORDERS, _columns(entries))
    ids = {order_id for _, order_id in orders}
    # Orders before messages, and in the order of their ids, as planning takes them: else each would wait for the other.
    locked = Order.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
    ask_for_plans(Order.objects.filter(pk__in=list(locked)), now=now)  # so that "Why?" says it too
    # A critical message is what an opted-out buyer may still receive.
    of_kind = [[str(status) for status in PENDING], Purpose.CAMPAIGN]
    theirs = [[number for number, _ in orders], [order_id for _, order_id in orders]]
    found = _rows(_MESSAGES, [*_columns(entries), *of_kind, *of_kind, *theirs, *of_kind])
    reasons: dict[int, str] = {}
    for number, message_id in found:  # the first entry tells the reason
        reasons.setdefault(message_id, entries[number].reason)
    withdrawn = 0
    for reason, messages in _by_reason(reasons.items()):
        withdrawn += len(move(messages, out_of=PENDING, to=Status.SUPPRESSED, at=now, reason=reason, settled_at=now))
    return withdrawn


def _mark_blocked(entries: Sequence[gate.Entry], *, now: datetime) -> set[int]:
    """Returns the numbers of the entries that have a message in the hands of a gateway."""
    taken = [str(Status.SENT), str(Status.UNKNOWN)]
    since = [entry.since - NOTICES_COME_WITHIN for entry in entries]
    found = _rows(_HANDED_OVER, [*_columns(entries), since, Status.SENDING, Channel.BUYER_EMAIL, taken])
    blocked = [
        (message_id, "Amazon did not deliver it: " + entries[number].reason)
        for number, message_id, status in found
        if status in taken and not entries[number].is_by_hand
    ]
    for reason, messages in _by_reason(blocked):
        move(messages, out_of={Status.SENT, Status.UNKNOWN}, to=Status.BLOCKED, at=now, reason=reason)
    return {number for number, _, status in found if status == Status.SENDING}


def _columns(entries: Sequence[gate.Entry]) -> list[list[object]]:
    return [list(range(len(entries))), [str(entry.key) for entry in entries], [entry.seller_id for entry in entries]]


def _by_reason(messages: Iterable[tuple[int, str]]) -> list[tuple[str, list[int]]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for message_id, reason in messages:
        groups[reason].append(message_id)
    return sorted(groups.items())


def _rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
