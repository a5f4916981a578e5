"""All that campaigns may ask of messaging: schedule, revise, hold, release, cancel. And the withdrawal.

Stage between `campaigns.planning` and `dispatch`: rows in, rows out; nothing here talks to the outside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import secrets
from accounts.rowsecurity import across_sellers
from messaging.letters import Letter
from messaging.life import move
from messaging.models import PENDING, Channel, Message, MessageEvent, Status
from optouts import gate
from orders.models import Order

TEXT_KEPT_FOR: Final = timedelta(days=30)  # after the last moment at which it could be sent
WAITING: Final = frozenset({Status.SCHEDULED, Status.HELD})


class OrderTaken(Exception):
    """There is a message for this order already, by whatever channel: there will never be a second one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a campaign wants sent for an order."""

    channel: Channel
    title: str
    due_at: datetime
    expires_at: datetime
    letter: Letter | None  # None: Amazon writes the text


def schedule(order: Order, wish: Wish, *, now: datetime) -> Message:
    """One message for this order. Raises OrderTaken, also when two callers come at the same instant."""
    try:
        with transaction.atomic():
            message = Message.objects.create(
                seller_id=order.seller_id,
                account_id=order.account_id,
                order=order,
                channel=wish.channel,
                title=wish.title,
                due_at=wish.due_at,
                expires_at=wish.expires_at,
                created_at=now,
                touched_at=now,
                alias_key=order.alias_key,
                order_key=order.order_key,
                purge_at=wish.expires_at + TEXT_KEPT_FOR,
                **_letter_columns(order.seller_id, wish.letter),
            )
            MessageEvent.objects.create(
                message=message, seller_id=order.seller_id, status=Status.SCHEDULED, reason=wish.title, at=now
            )
    except IntegrityError:
        raise OrderTaken(order.pk) from None
    return message


def revise(message: Message, wish: Wish) -> bool:
    """Bring a message that still waits in line with the wish. False: it is past revising, and stays as it is."""
    digest = wish.letter.digest if wish.letter else ""
    if (message.due_at, message.expires_at, message.title, message.letter_digest) == (
        wish.due_at,
        wish.expires_at,
        wish.title,
        digest,
    ):
        return True
    changed = Message.objects.filter(pk=message.pk, status__in=WAITING, attempts=0).update(
        due_at=wish.due_at,
        expires_at=wish.expires_at,
        title=wish.title,
        purge_at=wish.expires_at + TEXT_KEPT_FOR,
        **_letter_columns(message.seller_id, wish.letter),
    )
    return bool(changed)


def cancel(message_ids: Iterable[int], *, reason: str, now: datetime, frees_order: bool = False) -> list[int]:
    """Take back what still waits; returns the ids that were cancelled.

    What a person cancels stays cancelled: no campaign schedules for that order again. Planning, which follows rules
    that may turn, frees the order.
    """
    return move(
        message_ids,
        out_of=WAITING,
        to=Status.CANCELLED,
        at=now,
        reason=reason,
        settled_at=now,
        frees_order=frees_order,
    )


def hold(message_ids: Iterable[int], *, reason: str, now: datetime) -> list[int]:
    return move(message_ids, out_of={Status.SCHEDULED}, to=Status.HELD, at=now, reason=reason)


def release(message_ids: Iterable[int], *, now: datetime) -> list[int]:
    return move(message_ids, out_of={Status.HELD}, to=Status.SCHEDULED, at=now, reason="Released")


def withdraw_suppressed(*, now: datetime) -> int:
    """Withdraw what is pending for buyers who were put on the list, at every seller; returns how many.

    May run twice or die in between. It is for the eyes of sellers: what stops the sending is the gate. A message
    that Amazon has already taken and then blocked is marked so: the notice is about that very order.
    """
    entries = gate.entries_to_withdraw()
    done, withdrawn = [], 0
    for entry in entries:
        with across_sellers("messages to a suppressed buyer are withdrawn"):
            withdrawn += _withdraw(entry, now=now)
            # What is in the relay's hands this moment settles first; the entry stays in the queue until then.
            if not _affected(entry).filter(status=Status.SENDING, order_key=entry.key).exists():
                done.append(entry)
    gate.mark_withdrawn(done, now=now)
    return withdrawn


def _withdraw(entry: gate.Entry, *, now: datetime) -> int:
    mine = _affected(entry)
    pending = mine.filter(status__in=PENDING)
    ids = {
        *pending.filter(alias_key=entry.key).values_list("pk", flat=True),
        *pending.filter(order_key=entry.key).values_list("pk", flat=True),
    }
    moved = move(ids, out_of=PENDING, to=Status.SUPPRESSED, at=now, reason=entry.reason, settled_at=now)
    delivered = mine.filter(order_key=entry.key, channel=Channel.BUYER_EMAIL, status__in=[Status.SENT, Status.UNKNOWN])
    move(
        delivered.values_list("pk", flat=True),
        out_of={Status.SENT, Status.UNKNOWN},
        to=Status.BLOCKED,
        at=now,
        reason="Amazon did not deliver it: " + entry.reason,
    )
    return len(moved)


def _affected(entry: gate.Entry) -> QuerySet[Message]:
    return Message.objects.all() if entry.seller_id is None else Message.objects.filter(seller_id=entry.seller_id)


def purge(*, now: datetime) -> int:
    """Erase the texts of letters whose time has come; returns how many. Their digests stay."""
    with across_sellers("texts of letters are purged"):
        return Message.objects.filter(letter_sealed__isnull=False, purge_at__lte=now).update(letter_sealed=None)


def _letter_columns(seller_id: int, letter: Letter | None) -> dict[str, object]:
    if letter is None:
        return {"letter_sealed": None, "letter_digest": ""}
    return {"letter_sealed": secrets.seal("letter", seller_id, letter.to_bytes()), "letter_digest": letter.digest}
