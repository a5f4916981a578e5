"""What a seller's team does to waiting messages: send now, hold, release, skip. Verbs over `outbox`, for Scheduling."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from accounts.choices import Choices
from accounts.models import Seller
from amazon.windows import EARLIEST_AFTER_DELIVERY
from messaging import outbox
from messaging.models import Channel, Hold, Message, Status

SENT_NOW_BY_TEAM: Final = "Your team said: send it now"
HELD_BY_TEAM: Final = "Held by your team"
SKIPPED_BY_TEAM: Final = "Skipped by your team"


class Act(Choices):
    SEND = "send", "Send now"
    HOLD = "hold", "Hold"
    RELEASE = "release", "Release"
    SKIP = "skip", "Skip"


APPLIES_TO: Final[dict[Act, frozenset[Status]]] = {
    Act.SEND: frozenset({Status.SCHEDULED}),
    Act.HOLD: frozenset({Status.SCHEDULED}),
    Act.RELEASE: frozenset({Status.HELD}),
    Act.SKIP: frozenset({Status.SCHEDULED, Status.HELD}),
}


def act(seller: Seller, what: Act, message_ids: Collection[int], *, note: str = "", now: datetime) -> list[int]:
    """Do it to those of these messages that are the seller's and still stand where it is possible; returns their ids.

    The others (claimed meanwhile, another seller's, unknown) are left as they are.
    """
    own = [message.pk for message in of_team(seller, message_ids) if why_not(what, message, now=now) is None]
    match what:
        case Act.SEND:
            return outbox.hurry(own, reason=_with_note(SENT_NOW_BY_TEAM, note), now=now)
        case Act.HOLD:
            return outbox.hold(own, cause=Hold.TEAM, reason=_with_note(HELD_BY_TEAM, note), now=now)
        case Act.RELEASE:
            return outbox.release(own, now=now)
        case Act.SKIP:
            return outbox.cancel(own, reason=_with_note(SKIPPED_BY_TEAM, note), now=now)


def of_team(seller: Seller, message_ids: Collection[int]) -> list[Message]:
    """Those of these messages that are the seller's, with what `why_not` and a page want to know of them."""
    rows = Message.objects.for_seller(seller).filter(pk__in=list(message_ids)).select_related("order")
    only = ("channel", "title", "status", "hold", "reason", "due_at", "seller_id", "order__amazon_order_id",
            "order__marketplace_id", "order__deliver_by_latest")  # fmt: skip
    return list(rows.only(*only).order_by("due_at", "id"))


def why_not(what: Act, message: Message, *, now: datetime) -> str | None:
    """Why this cannot be done to that message; None: it can."""
    if message.status not in APPLIES_TO[what]:
        return Status(message.status).label
    if what is Act.RELEASE and message.hold == Hold.PAUSED:
        return "Its campaign is paused; turn the campaign on instead"
    if what is not Act.SEND:
        return None
    if message.due_at <= now:
        return "It is due already"
    if message.channel != Channel.REQUEST_REVIEW:
        return None
    delivered_at = message.order.deliver_by_latest
    if delivered_at is None:
        return "Nobody knows yet when it is delivered"
    opens_at = delivered_at + EARLIEST_AFTER_DELIVERY
    return f"Amazon takes its review request from {opens_at:%-d %b %Y} on" if opens_at > now else None


def _with_note(words: str, note: str) -> str:
    return f"{words}: {note}"[:200] if note else words
