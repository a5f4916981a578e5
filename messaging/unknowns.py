"""What people find out about a message whose outcome is unknown. Verb; its page is `views.messages`.

Nothing here sends, and nothing is sent again by itself: a person who has looked at Amazon says what she saw.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from accounts.choices import Choices
from accounts.models import Seller, User
from amazon.marketplaces import find
from messaging.life import move
from messaging.models import Channel, Message, Status
from orders.attention import ask_for_plans
from orders.clocks import spoken
from orders.models import Order

log = structlog.get_logger(__name__)


class Found(Choices):
    """What an owner saw at Amazon."""

    SENT = "sent", "It was sent"
    NOT_SENT = "not_sent", "It was not sent"


WORDS: Final = {Found.SENT: "Marked as sent by an owner", Found.NOT_SENT: "Marked as not sent by an owner"}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What we know of an unknown outcome, in the seller's words, and where Amazon shows the rest."""

    facts: tuple[str, ...]
    where_to_look: str
    address: str  # of that page in Seller Central; empty for a marketplace that we do not know


def what_we_know(message: Message) -> Knowledge:
    """Pure on a loaded row with its order."""
    place = message.order.marketplace_id
    at = message.handed_over_at or message.touched_at
    facts = [f"We began to hand it to Amazon on {spoken(at, place)}, once."]
    if message.reason:
        facts.append(f"What happened: {message.reason.rstrip('.')}.")
    facts.append("It is never sent again by itself, and no campaign writes about this order meanwhile.")
    if message.channel == Channel.REQUEST_REVIEW:
        facts.append(_about_asking(message, place))
        where = "The order's page in Seller Central says whether a review has been requested."
    else:
        facts.append("Amazon cannot be asked about letters; a notice about this order would settle it.")
        where = "Search Seller Central's sent messages for the order number: the letter is there if Amazon took it."
    return Knowledge(tuple(facts), where, _address(message))


def mark(
    seller: Seller, message_id: int, found: Found, *, by: User, note: str, frees_order: bool = False, now: datetime
) -> bool:
    """Settle an unknown outcome by what an owner has seen. False: it is not unknown any more, and stays as it is.

    Not sent: it is cancelled and counts no more against Amazon's daily limit. With `frees_order` campaigns decide about
    the order anew, as if the message had never been; else the order is closed. Sent: final.
    """
    if not Message.objects.for_seller(seller).filter(pk=message_id).exists():
        return False
    reason = f"{WORDS[found]}: {note}" if note else WORDS[found]
    with transaction.atomic():
        if found is Found.SENT:
            changes: dict[str, object] = {"settled_at": now, "look_again_at": None}
            moved = move([message_id], out_of={Status.UNKNOWN}, to=Status.SENT, at=now, reason=reason, **changes)
        else:
            changes = {"settled_at": now, "look_again_at": None, "handed_over_at": None, "frees_order": frees_order}
            moved = move([message_id], out_of={Status.UNKNOWN}, to=Status.CANCELLED, at=now, reason=reason, **changes)
            if moved and frees_order:
                ask_for_plans(Order.objects.filter(messages=message_id), now=now)
    if moved:
        log.info("unknown_settled_by_a_person", message=message_id, found=found.value, person=by.pk)
    return bool(moved)


def _about_asking(message: Message, place: str) -> str:
    if message.look_again_at is not None:
        return f"We ask Amazon about it again, next on {spoken(message.look_again_at, place)}."
    return "Amazon has been asked and could not settle it; it is not asked again."


def _address(message: Message) -> str:
    marketplace = find(message.order.marketplace_id)
    if marketplace is None:
        return ""
    page = f"orders-v3/order/{message.order.amazon_order_id}"
    if message.channel == Channel.BUYER_EMAIL:
        page = "messaging/inbox"
    return f"https://{marketplace.seller_central}/{page}"
