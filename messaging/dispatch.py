"""Claim -> clear -> hand over -> outcome. The only caller of the gateways.

At most once: before the move to `sending` everything may be repeated, after it nothing is. That move and the gate's
clearance are one transaction; the network is outside of it. A worker that dies in between leaves a row in `sending`,
which `reap` shows as `unknown`; nothing sends it again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts import lifecycle, lookup, secrets
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import outbox, pacing
from messaging.gateways.base import (
    AccountTrouble,
    Answer,
    Deferred,
    Envelope,
    Gateway,
    OutcomeUnknown,
    Receipt,
    Refused,
)
from messaging.letters import Letter
from messaging.life import move
from messaging.models import Channel, Hold, Message, Status
from optouts import gate
from orders.models import Order

log = structlog.get_logger(__name__)

ONE_RUN: Final = timedelta(seconds=25)  # then the others have their turn; a hand-over in progress ends in its own time
BACK_OFF: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))  # then hourly, until it expires
ACCOUNT_RESTRICTED: Final = "Amazon has stopped Buyer-Seller e-mail of this account: see Settings"
SENDER_REFUSED: Final = "Amazon does not know the sender address: approve it in Seller Central and save it again"
LOCKS: Final = 4_711  # the class of our advisory locks on accounts
Clock = Callable[[], datetime]
Take = Callable[[Channel], timedelta]  # asks for leave to make one call; zero = go, else how long to wait


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over an account came to. `wait`: come back after this time, there is more to send."""

    handed_over: int = 0
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The gateway could not tell whether the message was taken."""

    reason: str


def accounts_with_due(*, now: datetime) -> list[int]:
    """The connected accounts for which something is due, longest waiting first."""
    with across_sellers("who has something to send"):
        due = (
            Message.objects.filter(
                status=Status.SCHEDULED, due_at__lte=now, account__status=AmazonAccount.Status.CONNECTED
            )
            .order_by("account_id", "due_at")
            .distinct("account_id")
            .values_list("due_at", "account_id")
        )
        return [account_id for _, account_id in sorted(due)]


@contextmanager
def alone_with(account_id: int) -> Iterator[bool]:
    """True for one caller at a time per account; the others need not wait. Not needed for safety, but for pace."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [LOCKS, account_id])
        is_alone: bool = cursor.fetchone()[0]
    try:
        yield is_alone
    finally:
        if is_alone and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [LOCKS, account_id])


def send_due(account_id: int, *, gateways: Mapping[Channel, Gateway], take: Take, clock: Clock) -> Run:
    """Send what is due for one account, until nothing is left, Amazon's pace says wait, or the others' turn comes.

    Safe in any number of workers at once.
    """
    deadline = clock() + ONE_RUN
    with across_sellers("messages are sent"):
        runs = [
            _send_channel(account_id, channel, gateway, take=take, clock=clock, deadline=deadline)
            for channel, gateway in gateways.items()
        ]
    waits = [run.wait for run in runs if run.wait is not None]
    return Run(sum(run.handed_over for run in runs), min(waits, default=None))


def _send_channel(
    account_id: int, channel: Channel, gateway: Gateway, *, take: Take, clock: Clock, deadline: datetime
) -> Run:
    handed_over = 0
    left = pacing.left_today(account_id, now=clock()) if _is_due(account_id, channel, now=clock()) else 0
    while _is_due(account_id, channel, now=clock()):
        if clock() >= deadline:
            return Run(handed_over, timedelta(0))
        if handed_over >= left:
            _stop_until_tomorrow(account_id, channel, now=clock())
            return Run(handed_over)
        if wait := take(channel):
            return Run(handed_over, wait)
        claim = uuid4()
        for message_id in claim_due(account_id, channel, claim, now=clock()):
            answer = send(message_id, claim, gateway, clock=clock)
            handed_over += isinstance(answer, Receipt | Unknown)
            if isinstance(answer, AccountTrouble):
                _stop_for(message_id, answer, now=clock())
                return Run(handed_over)
            if isinstance(answer, Deferred) and answer.is_general:
                return Run(handed_over)
    return Run(handed_over)


def _due(account_id: int, channel: Channel, *, now: datetime) -> QuerySet[Message]:
    return Message.objects.filter(
        account_id=account_id,
        account__status=AmazonAccount.Status.CONNECTED,
        channel=channel,
        status=Status.SCHEDULED,
        due_at__lte=now,
    )


def _is_due(account_id: int, channel: Channel, *, now: datetime) -> bool:
    return _due(account_id, channel, now=now).exists()


def claim_due(account_id: int, channel: Channel, claim: UUID, *, now: datetime, limit: int = 1) -> list[int]:
    """Claim up to `limit` due messages and return their ids, oldest promise first.

    Callers at the same time get disjoint sets. A claim that is not followed by a hand-over within the lease is
    given back by `reap`.
    """
    with transaction.atomic():
        ids = list(
            _due(account_id, channel, now=now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at", "id")  # by due_at, not by id: a long backlog must not starve the oldest promise
            .values_list("pk", flat=True)[:limit]
        )
        moved = set(move(ids, out_of={Status.SCHEDULED}, to=Status.CLAIMED, at=now, claim=claim))
    return [pk for pk in ids if pk in moved]


def send(message_id: int, claim: UUID, gateway: Gateway, *, clock: Clock) -> Answer | Unknown | None:
    """Send one claimed message and write down what came of it; returns the gateway's answer.

    None: it was not handed over, because the gate or the clock said no (the row says which), or because it is
    somebody else's claim and nothing happened.
    """
    try:
        prepared = _enter_sending(message_id, claim, now=clock())
    except (secrets.Unreadable, ValueError) as trouble:
        log.error("letter_unreadable", message=message_id, trouble=type(trouble).__name__)
        reason = "its letter cannot be read: it waits for a person"
        move([message_id], out_of={Status.CLAIMED}, to=Status.HELD, at=clock(), reason=reason, hold=Hold.LETTER)
        return None
    if prepared is None:
        return None
    envelope, clearance = prepared
    try:
        answer = gateway.deliver(envelope, clearance)
    except OutcomeUnknown as trouble:
        now = clock()
        move([message_id], out_of={Status.SENDING}, to=Status.UNKNOWN, at=now, reason=str(trouble), look_again_at=now)
        log.warning("outcome_unknown", message=message_id)
        return Unknown(str(trouble))
    _settle(message_id, answer, now=clock())
    return answer


def _enter_sending(message_id: int, claim: UUID, *, now: datetime) -> tuple[Envelope, gate.Clearance] | None:
    """The check and the move to `sending`, in one transaction. None: it does not go out; the row says why.

    Raises secrets.Unreadable or ValueError for a letter that cannot be read; then nothing has moved.
    """
    claimed = {Status.CLAIMED}
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("order", "account")
            .filter(pk=message_id, status=Status.CLAIMED, claim=claim)
            .first()
        )
        if message is None:
            return None
        if message.account.status != AmazonAccount.Status.CONNECTED:
            move([message_id], out_of=claimed, to=Status.SCHEDULED, at=now, claim=None)
            return None
        if message.expires_at <= now:
            reason = "Amazon's time for this order is over"
            move([message_id], out_of=claimed, to=Status.EXPIRED, at=now, settled_at=now, reason=reason)
            return None
        if waits := _waits_for(message):
            cause, reason = waits
            move([message_id], out_of=claimed, to=Status.HELD, at=now, reason=reason, hold=cause, claim=None)
            return None
        envelope = _envelope(message)
        answer = gate.clear(_buyer(message), now=now)
        if isinstance(answer, gate.OnHold):
            # Given back, not ended: nobody has decided anything, and no attempt was made.
            back = {"due_at": answer.until, "claim": None}
            move([message_id], out_of=claimed, to=Status.SCHEDULED, at=now, reason=answer.reason, **back)
            return None
        if isinstance(answer, gate.Suppressed):
            move([message_id], out_of=claimed, to=Status.SUPPRESSED, at=now, settled_at=now, reason=answer.reason)
            return None
        move([message_id], out_of=claimed, to=Status.SENDING, at=now, handed_over_at=now)
        if envelope.letter is not None:
            Order.objects.filter(pk=message.order_id).update(last_written_at=now)
        return envelope, answer


def _waits_for(message: Message) -> tuple[Hold, str] | None:
    """What stands against any free-form mail from this account or marketplace: Amazon has said so in a notice."""
    if message.channel != Channel.BUYER_EMAIL:
        return None
    if message.account.restricted_at is not None:
        return Hold.RESTRICTED, ACCOUNT_RESTRICTED
    place = message.account.marketplaces.filter(marketplace_id=message.order.marketplace_id).first()
    return (Hold.SENDER, SENDER_REFUSED) if place and place.is_sender_refused else None


def _settle(message_id: int, answer: Answer, *, now: datetime) -> None:
    # An answer that comes after `reap` has called the outcome unknown is still an answer, unless it is "later".
    known = {Status.SENDING, Status.UNKNOWN}
    match answer:
        case Receipt(reference):
            move([message_id], out_of=known, to=Status.SENT, at=now, settled_at=now, receipt=reference)
        case Refused(reason):
            move([message_id], out_of=known, to=Status.REFUSED, at=now, settled_at=now, reason=reason)
        case Deferred(reason, after):
            _defer(message_id, reason, after=after, now=now)
        case AccountTrouble(reason):
            _defer(message_id, reason, after=timedelta(0), now=now)


def _defer(message_id: int, reason: str, *, after: timedelta | None, now: datetime) -> None:
    """Provably nothing left: it is tried again, and does not count against the daily cap."""
    attempts = Message.objects.values_list("attempts", flat=True).get(pk=message_id)
    pause = BACK_OFF[min(attempts, len(BACK_OFF) - 1)] if after is None else after
    move(
        [message_id],
        out_of={Status.SENDING},
        to=Status.SCHEDULED,
        at=now,
        reason=reason,
        due_at=now + pause,
        attempts=min(attempts + 1, 30_000),
        claim=None,
        handed_over_at=None,
    )


def _stop_for(message_id: int, trouble: AccountTrouble, *, now: datetime) -> None:
    """What is wrong for one message is wrong for all of its kind: they wait for a person instead of being burnt."""
    message = Message.objects.select_related("order").get(pk=message_id)
    if trouble.is_revoked:
        lifecycle.mark_revoked(message.account_id)  # nothing is sent for it until it is connected again
        return
    alike = Message.objects.filter(
        account_id=message.account_id,
        channel=message.channel,
        order__marketplace_id=message.order.marketplace_id,
        status=Status.SCHEDULED,
    )
    cause = Hold.SENDER if message.channel == Channel.BUYER_EMAIL else Hold.ACCESS
    outbox.hold(alike.values_list("pk", flat=True), cause=cause, reason=trouble.reason, now=now)


def _stop_until_tomorrow(account_id: int, channel: Channel, *, now: datetime) -> None:
    """The daily cap is used up: what is due moves to the moment when the first of today's leaves the count."""
    again = pacing.free_again_at(account_id, now=now)
    _due(account_id, channel, now=now).update(due_at=again, reason=outbox.DAILY_LIMIT)


def reap(*, older_than: timedelta, now: datetime) -> tuple[int, int]:
    """What dead workers left: claims go back, hand-overs become unknown. Returns how many of each."""
    with across_sellers("what dead workers left"):
        stale = Message.objects.filter(touched_at__lt=now - older_than)
        claimed = list(stale.filter(status=Status.CLAIMED).values_list("pk", flat=True)[:1000])
        sending = list(stale.filter(status=Status.SENDING).values_list("pk", flat=True)[:1000])
        back = move(claimed, out_of={Status.CLAIMED}, to=Status.SCHEDULED, at=now, claim=None)
        unknown = move(
            sending,
            out_of={Status.SENDING},
            to=Status.UNKNOWN,
            at=now,
            look_again_at=now,
            reason="the worker stopped in the middle of the hand-over",
        )
    if unknown:
        log.warning("handovers_became_unknown", messages=unknown)
    return len(back), len(unknown)


def _buyer(message: Message) -> gate.Buyer:
    order = message.order
    more = [order.order_key]
    if lookup.is_rekeying():
        alias = order.alias if order.alias_key else None
        more += lookup.every_key_of_a_buyer(order.seller_id, order.amazon_order_id, alias)
    return gate.Buyer(
        message.seller_id,
        order.amazon_order_id,
        message.order_key,
        order.alias_key,
        former_alias_key=message.alias_key,
        more_keys=tuple(more),
    )


def _envelope(message: Message) -> Envelope:
    """Raises secrets.Unreadable or ValueError for a letter that cannot be read."""
    letter, sender = None, ""
    if message.letter_sealed is not None:
        letter = Letter.from_bytes(secrets.unseal("letter", message.seller_id, message.letter_sealed))
        places = AccountMarketplace.objects.filter(
            account_id=message.account_id, marketplace_id=message.order.marketplace_id
        )
        sender = places.values_list("approved_sender", flat=True).first() or ""
    return Envelope(
        message.message_id,
        message.order.amazon_order_id,
        message.order.marketplace_id,
        letter,
        sender,
        message.order.alias if letter else None,
    )
