"""The one method that moves messages from status to status. Legal moves only, each with its event."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Field

from messaging.models import MOVES, Message, Status

SILENT: Final = frozenset({Status.CLAIMED})  # a claim is a lease, not a step that a seller wants to read about

# One statement, so one round trip for any number of messages. Rows are locked in the order of their ids, so that two
# callers never wait for each other.
_MOVE: Final = """
with given as (
  select * from unnest(%s::bigint[], %s::text[]) as given(id, receipt)
), before as (
  select m.id, m.seller_id, m.status, given.receipt from messaging_message m join given using (id)
  where m.status = any(%s) order by m.id for update of m
), moved as (
  update messaging_message m set {columns} from before where m.id = before.id
), noted as (
  insert into messaging_messageevent (message_id, seller_id, status, reason, at)
  select id, seller_id, %s, %s, %s from before where {is_told}
)
select id from before
"""


def move(
    message_ids: Iterable[int],
    *,
    out_of: Collection[Status],
    to: Status,
    at: datetime,
    reason: str = "",
    **changes: Any,
) -> list[int]:
    """Move those of these messages that stand in `out_of`, and return their ids. The others are left as they are.

    Atomic: two callers never both move the same message. Raises ValueError for a move that the table does not know.
    `changes` are further columns to write with it.
    """
    return _move(dict.fromkeys(message_ids, ""), out_of=out_of, to=to, at=at, reason=reason, changes=changes)


def move_to_sent(receipts: Mapping[int, str], *, out_of: Collection[Status], at: datetime) -> list[int]:
    """`move` to `sent`, each with Amazon's receipt."""
    return _move(receipts, out_of=out_of, to=Status.SENT, at=at, reason="", changes={"settled_at": at, "receipt": None})


def _move(
    given: Mapping[int, str],
    *,
    out_of: Collection[Status],
    to: Status,
    at: datetime,
    reason: str,
    changes: Mapping[str, Any],
) -> list[int]:
    """`given` is the receipt of each message; it is written where `receipt` is among the changes."""
    if illegal := [status for status in out_of if to not in MOVES.get(status, frozenset())]:
        raise ValueError(f"No message may go from {', '.join(illegal)} to {to}.")
    if not given:
        return []
    reason = reason[:200]
    values = {"status": str(to), "reason": reason, "touched_at": at, **changes}
    columns = [f"{_column(name)} = " + ("before.receipt" if name == "receipt" else "%s") for name in values]
    values.pop("receipt", None)
    is_told = "false" if to in SILENT else "true"
    if to == Status.SCHEDULED and not reason:
        is_told = "not status = any(%s)"
    statement = _MOVE.format(columns=", ".join(columns), is_told=is_told)
    told = [[str(status) for status in SILENT]] if "%s" in is_told else []
    before = [list(given), list(given.values()), [str(status) for status in out_of]]
    parameters: list[Any] = [*before, *values.values(), str(to), reason, at, *told]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [pk for (pk,) in cursor.fetchall()]


def _column(name: str) -> str:
    """The column of a field of messages; anything else is refused, since it becomes a part of a statement."""
    field = Message._meta.get_field(name)
    assert isinstance(field, Field) and field.column is not None
    return f'"{field.column}"'
