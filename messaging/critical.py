"""Critical messages: the one thing that an opted-out buyer may still receive. Verb; its page is in `campaigns.views`.

Written by a person, for one order and one of Amazon's three reasons. By the Messaging API where Amazon offers the order
a fitting kind of message; else as Buyer-Seller e-mail with `[Important]` in the subject, as far as the policy allows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import lookup, secrets
from accounts.models import AccountMarketplace, User
from amazon.marketplaces import find
from amazon.values import OrderMessageKind
from messaging import important
from messaging.important import Policy
from messaging.letters import Attachment, Letter
from messaging.models import (
    Channel,
    CriticalMessage,
    ImportantPolicy,
    Message,
    MessageEvent,
    Purpose,
    Status,
)
from optouts import gate
from orders.models import Order

Reason = CriticalMessage.Reason

STILL_TRIED_FOR: Final = timedelta(days=2)  # what is critical today is not worth sending next week
TEXT_KEPT_FOR: Final = timedelta(days=30)
LONGEST: Final = 2000  # of a mail; Amazon's kinds of order message have their own
KINDS: Final[dict[str, tuple[OrderMessageKind, ...]]] = {
    Reason.CUSTOMISATION: (OrderMessageKind.CUSTOMISATION, OrderMessageKind.PROBLEM),
    Reason.DELIVERY: (OrderMessageKind.DELIVERY, OrderMessageKind.PROBLEM),
    Reason.ADDRESS: (OrderMessageKind.DELIVERY, OrderMessageKind.PROBLEM),
}
"""The kinds of order message that fit a reason, the best first (their descriptions in Amazon's Messaging model)."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the message would go out, and what limits it."""

    channel: Channel
    longest: int
    kind: OrderMessageKind | None = None
    subject: str = ""  # a mail's, with its token
    policy: Policy | None = None  # of the token


@dataclass(frozen=True, slots=True)
class NoWay:
    """Why the message cannot go out at all, in the seller's words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Writing:
    """What a person wrote. `number` makes sending it twice one message: it comes from the page that was confirmed."""

    number: UUID
    reason: str  # of CriticalMessage.Reason
    text: str
    attachments: tuple[Attachment, ...] = ()


def way_for(
    order: Order, reason: str, offered: Collection[str], *, has_document: bool = False, now: datetime
) -> Way | NoWay:
    """By which channel a message for this reason would go. `offered`: the actions that Amazon names for the order.

    A document goes with a mail only: of Amazon's kinds that fit a reason none takes one (Messaging model).
    """
    for kind in KINDS[reason]:
        if kind.value in offered and not has_document:
            return Way(Channel.ORDER_MESSAGE, kind.longest, kind=kind)
    place = AccountMarketplace.objects.filter(account_id=order.account_id, marketplace_id=order.marketplace_id).first()
    policy = policy_for(order.marketplace_id, now=now)
    why = "A document goes by mail only" if has_document else "Amazon offers no order message for this order now"
    if order.alias_sealed is None:
        return NoWay(f"{why}, and Amazon has given no address for its buyer.")
    if place is None or not place.approved_sender:
        return NoWay(f"{why}, and no sender address is entered for its marketplace.")
    if policy is not None and policy.is_gone and is_opted_out(order):
        return NoWay(f"{why}, and a mail would not reach this buyer: he has opted out. {policy.sentence}")
    return Way(Channel.BUYER_EMAIL, LONGEST, subject=_subject(order), policy=policy)


def policy_for(marketplace_id: str, *, now: datetime) -> Policy | None:
    """What is in force about `[Important]` on this marketplace."""
    rows = ImportantPolicy.objects.values_list("marketplace_id", "since", "effect", "sentence", "source")
    policies = [*important.KNOWN, *(Policy(*row) for row in rows)]
    return important.in_force(policies, marketplace_id, day=now.date())


def is_opted_out(order: Order) -> bool:
    return gate.standing(gate.buyer_of(order)) is not None


def _purge_at(order: Order, *, now: datetime) -> datetime:
    """It may quote what the order holds, so it goes with what is personal of the order; not before it could be sent."""
    kept_until = now + TEXT_KEPT_FOR
    if order.alias_purge_at is None:
        return kept_until
    return min(kept_until, max(order.alias_purge_at, now + STILL_TRIED_FOR))


def write(order: Order, writing: Writing, way: Way, *, by: User, now: datetime) -> Message:
    """Schedule it for now, with its audit entry; the same writing twice is one message. Dispatch sends it.

    What guards it on its way: the daily limit, a restricted account, the approved sender. Not the opt-out list: that is
    what "critical" means.
    """
    letter = letter_of(order, writing, way)
    try:
        with transaction.atomic():
            message = Message.objects.create(
                seller_id=order.seller_id,
                account_id=order.account_id,
                order=order,
                channel=way.channel,
                purpose=Purpose.CRITICAL,
                kind=way.kind.value if way.kind else "",
                title=str(Reason(writing.reason).label),
                due_at=now,
                expires_at=now + STILL_TRIED_FOR,
                created_at=now,
                touched_at=now,
                message_id=writing.number,
                alias_key=order.alias_key,
                order_key=order.order_key,
                request_key=lookup.request_key(order.amazon_order_id),
                letter_sealed=secrets.seal("letter", order.seller_id, letter.to_bytes()),
                letter_digest=letter.digest,
                documents=[one.document for one in letter.attachments],
                purge_at=_purge_at(order, now=now),
            )
            MessageEvent.objects.create(
                message=message, seller_id=order.seller_id, status=Status.SCHEDULED, reason=message.title, at=now
            )
            CriticalMessage.objects.create(
                seller_id=order.seller_id,
                message=message,
                reason=writing.reason,
                written_by=by,
                was_opted_out=is_opted_out(order),
                policy=f"{way.policy.sentence} ({way.policy.source})" if way.policy else "",
                at=now,
            )
    except IntegrityError:
        return Message.objects.get(seller_id=order.seller_id, purpose=Purpose.CRITICAL, message_id=writing.number)
    return message


def letter_of(order: Order, writing: Writing, way: Way) -> Letter:
    """The message as it goes out. A mail says the order number first, as Amazon demands; so does an order message."""
    text = writing.text.replace("\r\n", "\n").strip()
    if order.amazon_order_id not in text and way.channel == Channel.BUYER_EMAIL:
        text = f"{order.amazon_order_id}\n\n{text}"
    paragraphs = "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>\n" for part in text.split("\n\n") if part)
    return Letter(way.subject, f"{text}\n", f"<html><body>\n{paragraphs}</body></html>\n", writing.attachments)


def _subject(order: Order) -> str:
    marketplace = find(order.marketplace_id)
    word = important.token(marketplace.language if marketplace else "en")
    return f"{word} {order.amazon_order_id}"
