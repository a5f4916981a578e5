"""The one method that moves messages from status to status. Legal moves only, each with its event."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Field

from accounts.prepared import Prepared
from messaging.models import MOVES, Message, Status

_GIVEN: Final = ("bigint[]", "text[]", "text[]", "text", "text", "timestamptz")
SILENT: Final = frozenset({Status.CLAIMED})  # a claim is a lease, not a step that a seller wants to read about

# One statement, so one round trip for any number of messages. Rows are locked in the order of their ids, so that two
# callers never wait for each other.
_MOVE: Final = """
with given as (
  select * from unnest($1, $2) as given(id, receipt)
), before as (
  select m.id, m.seller_id, m.status, given.receipt from messaging_message m join given using (id)
  where m.status = any($3) order by m.id for update of m
), moved as (
  update messaging_message m set {columns} from before where m.id = before.id
), noted as (
  insert into messaging_messageevent (message_id, seller_id, status, reason, at)
  select id, seller_id, $4, $5, $6 from before where {is_told}
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
    columns = {"status": str(to), "reason": reason, "touched_at": at, **changes}
    statement = _statement(tuple(columns), is_silent=to in SILENT, is_plain=to == Status.SCHEDULED and not reason)
    columns.pop("receipt", None)
    before = [list(given), list(given.values()), [str(status) for status in out_of]]
    return [pk for (pk,) in statement.rows(*before, str(to), reason, at, *columns.values())]


@cache
def _statement(names: tuple[str, ...], *, is_silent: bool, is_plain: bool) -> Prepared:
    """The move that writes these columns. A silent one leaves no event, a plain one none for what was a claim only."""
    types = [*_GIVEN]
    columns = []
    for name in names:
        column, type_ = _column(name)
        columns.append(f'"{column}" = before.receipt' if name == "receipt" else f'"{column}" = ${len(types) + 1}')
        types += [] if name == "receipt" else [type_]
    silent = ", ".join(f"'{status}'" for status in sorted(SILENT))
    is_told = "false" if is_silent else f"status not in ({silent})" if is_plain else "true"
    statement = _MOVE.format(columns=", ".join(columns), is_told=is_told)
    return Prepared(f"move_{hashlib.sha256(statement.encode()).hexdigest()[:16]}", types, statement)


def _column(name: str) -> tuple[str, str]:
    """Column and type of a field of messages; anything else is refused, since it becomes a part of a statement."""
    field = Message._meta.get_field(name)
    assert isinstance(field, Field) and field.column is not None
    # Without its length: a cast to `varchar(200)` would cut a text in silence, where the column refuses it.
    return field.column, (field.db_type(connection) or "").partition("(")[0]
