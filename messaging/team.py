"""What a seller's team does to waiting messages: hold, release, cancel. Verbs over `outbox`, for Scheduling."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from accounts.choices import Choices
from accounts.models import Seller
from messaging import outbox
from messaging.models import Hold, Message, Status

HELD_BY_TEAM: Final = "Held by your team"
CANCELLED_BY_TEAM: Final = "Cancelled by your team"


class Act(Choices):
    HOLD = "hold", "Hold"
    RELEASE = "release", "Release"
    CANCEL = "cancel", "Cancel"


APPLIES_TO: Final[dict[Act, frozenset[Status]]] = {
    Act.HOLD: frozenset({Status.SCHEDULED}),
    Act.RELEASE: frozenset({Status.HELD}),
    Act.CANCEL: frozenset({Status.SCHEDULED, Status.HELD}),
}


def act(seller: Seller, what: Act, message_ids: Collection[int], *, note: str = "", now: datetime) -> list[int]:
    """Do it to those of these messages that are the seller's and still stand where it is possible; returns their ids.

    The others (claimed meanwhile, another seller's, unknown) are left as they are.
    """
    rows = Message.objects.for_seller(seller).filter(pk__in=message_ids)
    own = [message.pk for message in rows.only("pk", "status", "hold") if is_possible(what, message)]
    match what:
        case Act.HOLD:
            return outbox.hold(own, cause=Hold.TEAM, reason=_with_note(HELD_BY_TEAM, note), now=now)
        case Act.RELEASE:
            return outbox.release(own, now=now)
        case Act.CANCEL:
            return outbox.cancel(own, reason=_with_note(CANCELLED_BY_TEAM, note), now=now)


def is_possible(what: Act, message: Message) -> bool:
    """What waits for a paused campaign is let go by turning the campaign on, and not one by one."""
    return message.status in APPLIES_TO[what] and not (what is Act.RELEASE and message.hold == Hold.PAUSED)


def _with_note(words: str, note: str) -> str:
    return f"{words}: {note}"[:200] if note else words
