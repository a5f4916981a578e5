"""The one method that moves a message from status to status. Legal moves only, each with its event."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from messaging.models import MOVES, Message, MessageEvent, Status

SILENT: Final = frozenset({Status.CLAIMED})  # a claim is a lease, not a step that a seller wants to read about


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
    if illegal := [status for status in out_of if to not in MOVES.get(status, frozenset())]:
        raise ValueError(f"No message may go from {', '.join(illegal)} to {to}.")
    reason = reason[:200]
    with transaction.atomic():
        rows = list(
            Message.objects.select_for_update()
            .filter(pk__in=list(message_ids), status__in=list(out_of))
            .order_by("pk")
            .values_list("pk", "seller_id", "status")
        )
        ids = [pk for pk, _, _ in rows]
        Message.objects.filter(pk__in=ids).update(status=to, reason=reason, touched_at=at, **changes)
        MessageEvent.objects.bulk_create(
            MessageEvent(message_id=pk, seller_id=seller_id, status=to, reason=reason, at=at)
            for pk, seller_id, before in rows
            if to not in SILENT and not (before in SILENT and to == Status.SCHEDULED and not reason)
        )
    return ids
