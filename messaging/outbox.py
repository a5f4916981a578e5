"""All that campaigns and people may ask of messaging: schedule, revise, hold, release, cancel.

Stage between `campaigns.planning` and `dispatch`: rows in, rows out; nothing here talks to the outside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Q

from accounts import lookup, manyrows, secrets
from accounts.rowsecurity import across_sellers
from amazon.windows import EARLIEST_AFTER_DELIVERY
from messaging.letters import Letter
from messaging.life import move
from messaging.models import SETTLED, Channel, Hold, Message, MessageEvent, Status
from orders import languages
from orders.models import Order

WAITING: Final = frozenset({Status.SCHEDULED, Status.HELD})
IN_FLIGHT: Final = frozenset({Status.CLAIMED, Status.SENDING})
PAUSED: Final = "Its campaign is paused"
DAILY_LIMIT: Final = "Amazon's daily limit for this account is used up"


class OrderTaken(Exception):
    """There is a message for this order already, by whatever channel and seller: there will never be a second one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a campaign wants sent for an order."""

    channel: Channel
    title: str
    due_at: datetime
    expires_at: datetime
    letter: Letter | None  # None: Amazon writes the text
    priority: int = 100  # the campaign's: the lowest goes first where not all can go today
    why_now: str = ""  # which rule has set the time, for people


def schedule(order: Order, wish: Wish, *, now: datetime) -> Message:
    """One message for this order. Raises OrderTaken, also when two callers come at the same instant."""
    scheduled = schedule_many([(order, wish)], now=now)
    if not scheduled:
        raise OrderTaken(order.pk)
    message = Message.objects.get(pk=scheduled[order.pk])
    message.order = order
    return message


def schedule_many(wishes: Sequence[tuple[Order, Wish]], *, now: datetime) -> dict[int, int]:
    """One message for each of these orders, by a handful of statements: returns their ids by order. An order that has
    one already, by whatever channel and seller, is not among them.

    What a person held for an order is held again: a campaign that was paused and resumed does not let it go.
    """
    if not wishes:
        return {}
    orders = [order.pk for order, _ in wishes]
    held = set(Message.objects.filter(order__in=orders, hold=Hold.TEAM).values_list("order_id", flat=True))
    rows = [_row(order, wish, is_held=order.pk in held, now=now) for order, wish in wishes]
    # What loses against a message that is there already leaves no row.
    written = manyrows.insert(Message, rows, returning=["order_id", "id", "seller_id", "status", "title"])
    events = [
        {"message_id": pk, "seller_id": seller_id, "status": status, "reason": title, "at": now}
        for _, pk, seller_id, status, title in written
    ]
    manyrows.insert(MessageEvent, events)
    scheduled = {order_id: pk for order_id, pk, *_ in written}
    _want_languages([(order, wish) for order, wish in wishes if order.pk in scheduled])
    return scheduled


def _want_languages(scheduled: Sequence[tuple[Order, Wish]]) -> None:
    """A letter should be in the buyer's language: have Amazon asked for it before the letter is due."""
    languages.want({order.pk: wish.due_at for order, wish in scheduled if wish.letter is not None})


def _row(order: Order, wish: Wish, *, is_held: bool, now: datetime) -> dict[str, object]:
    return {
        "seller_id": order.seller_id,
        "account_id": order.account_id,
        "order_id": order.pk,
        "status": Status.HELD if is_held else Status.SCHEDULED,
        "hold": Hold.TEAM if is_held else "",
        "created_at": now,
        "touched_at": now,
        "message_id": uuid4(),
        "order_key": order.order_key,
        "request_key": lookup.request_key(order.amazon_order_id),
        **_wish_columns(order, wish),
    }


def revise(message: Message, order: Order, wish: Wish) -> bool:
    """Bring a message that still waits in line with the wish. False: it is past revising, and stays as it is.

    What has been tried already keeps its time of the next try.
    """
    columns = _wish_columns(order, wish)
    if message.attempts:
        columns["due_at"] = message.due_at
    if all(getattr(message, name) == value for name, value in columns.items() if name != "letter_sealed"):
        return True
    return bool(Message.objects.filter(pk=message.pk, status__in=WAITING).update(**columns))


def cancel(message_ids: Iterable[int], *, reason: str, now: datetime, frees_order: bool = False) -> list[int]:
    """Take back what still waits; returns the ids that were cancelled.

    What a person cancels stays cancelled: no campaign schedules for that order again. Planning, which follows rules
    that may turn, frees the order.
    """
    changes = {"settled_at": now, "frees_order": frees_order}
    return move(message_ids, out_of=WAITING, to=Status.CANCELLED, at=now, reason=reason, **changes)


def suppress(message_ids: Iterable[int], *, reason: str, now: datetime) -> list[int]:
    """The buyer has opted out: what still waits is not sent, by anybody; returns the ids."""
    return move(message_ids, out_of=WAITING, to=Status.SUPPRESSED, at=now, reason=reason, settled_at=now)


def hold(message_ids: Iterable[int], *, cause: Hold, reason: str, now: datetime) -> list[int]:
    return move(message_ids, out_of={Status.SCHEDULED}, to=Status.HELD, at=now, reason=reason, hold=cause)


def pause(message_ids: Iterable[int], *, now: datetime) -> list[int]:
    """Hold what waits because its campaign is paused; returns what was scheduled until now.

    What was held for something else waits for the campaign from now on: when that something is put right, nothing of a
    paused campaign goes out. What a person held stays held by that person.
    """
    ids = list(message_ids)
    others = Message.objects.filter(pk__in=ids, status=Status.HELD).exclude(hold__in=(Hold.TEAM, Hold.PAUSED))
    others.update(hold=Hold.PAUSED, reason=PAUSED)
    return hold(ids, cause=Hold.PAUSED, reason=PAUSED, now=now)


def release(message_ids: Iterable[int], *, now: datetime) -> list[int]:
    return move(message_ids, out_of={Status.HELD}, to=Status.SCHEDULED, at=now, reason="Released", hold="")


def hurry(message_ids: Iterable[int], *, reason: str, now: datetime) -> list[int]:
    """Have what is scheduled for later handed over at once, as far as every guard allows it; returns the ids.

    Amazon takes no review request before its time: such a one stays where it is.
    """
    later = Message.objects.filter(pk__in=list(message_ids), status=Status.SCHEDULED, due_at__gt=now)
    with transaction.atomic():
        open_now = later.exclude(too_early(now)).order_by("pk").select_for_update(of=("self",))
        ids = list(open_now.values_list("pk", "seller_id"))
        Message.objects.filter(pk__in=[pk for pk, _ in ids]).update(
            due_at=now, is_hurried=True, reason=reason[:200], why_now=reason[:200]
        )
        events = [
            {"message_id": pk, "seller_id": seller, "status": Status.SCHEDULED, "reason": reason[:200], "at": now}
            for pk, seller in ids
        ]
        manyrows.insert(MessageEvent, events)
    return [pk for pk, _ in ids]


def too_early(now: datetime) -> Q:
    """Review requests for which Amazon's time has not begun, or whose day of delivery nobody knows."""
    opens_after = now - EARLIEST_AFTER_DELIVERY
    not_yet = Q(order__deliver_by_latest__isnull=True) | Q(order__deliver_by_latest__gt=opens_after)
    return Q(channel=Channel.REQUEST_REVIEW) & not_yet


def release_mended(*, now: datetime) -> int:
    """Let go of what waited for something that has been put right since; returns how many."""
    with across_sellers("what waited for an account is released"):
        held = Message.objects.filter(status=Status.HELD).values_list("pk", flat=True)
        mended = [
            *held.filter(hold=Hold.ACCESS, account__status="connected", account__authorised_at__gt=F("touched_at")),
            *held.filter(hold=Hold.RESTRICTED, account__restricted_at__isnull=True),
            *held.filter(
                hold=Hold.SENDER,
                account__marketplaces__marketplace_id=F("order__marketplace_id"),
                account__marketplaces__changed_at__gt=F("touched_at"),
                account__marketplaces__approved_sender__gt="",
            ),
        ]
        return len(release(mended, now=now))


def expire(*, now: datetime, limit: int = 1000) -> int:
    """End what still waits though Amazon's time for its order is over: held, or of an account that cannot send."""
    with across_sellers("what is too late expires"):
        late = Message.objects.filter(status__in=WAITING, expires_at__lte=now).order_by("expires_at")
        rows = list(late.values_list("pk", "reason")[:limit])
        capped = [pk for pk, reason in rows if reason == DAILY_LIMIT]
        others = [pk for pk, reason in rows if reason != DAILY_LIMIT]
        ended = move(capped, out_of=WAITING, to=Status.CAPPED, at=now, reason=DAILY_LIMIT, settled_at=now)
        too_late = "Amazon's time for this order is over"
        ended += move(others, out_of=WAITING, to=Status.EXPIRED, at=now, reason=too_late, settled_at=now)
    return len(ended)


def purge(*, now: datetime) -> int:
    """Erase the texts of letters whose time has come; returns how many. Their digests stay."""
    with across_sellers("texts of letters are purged"):
        # What still waits is past its own time by then. Each part has an index, and all of them together none.
        anywhere = Q(status__in=SETTLED) | Q(status__in=IN_FLIGHT) | Q(status__in=WAITING, expires_at__lte=now)
        over = Message.objects.filter(anywhere, letter_sealed__isnull=False, purge_at__lte=now)
        return over.update(letter_sealed=None)


def _wish_columns(order: Order, wish: Wish) -> dict[str, Any]:
    letter = wish.letter
    return {
        "channel": wish.channel,
        "title": wish.title,
        "priority": wish.priority,
        "due_at": wish.due_at,
        "why_now": wish.why_now[:200],
        "expires_at": wish.expires_at,
        "purge_at": wish.expires_at,  # at most 30 days after delivery: Amazon's policy for what quotes an order
        "alias_key": order.alias_key,
        "letter_digest": letter.digest if letter else "",
        "documents": [one.document for one in letter.attachments] if letter else [],
        "letter_sealed": secrets.seal("letter", order.seller_id, letter.to_bytes()) if letter else None,
    }
