"""Claim -> clear -> hand over -> outcome. The only caller of the gateways.

At most once: before the move to `sending` everything may be repeated, after it nothing is. That move and the gate's
clearance are one transaction; the network is outside of it. A worker that dies in between leaves a row in `sending`,
which `reap` shows as `unknown`; nothing sends it again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from accounts import lifecycle, secrets
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import pacing
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
from messaging.models import Channel, Message, Status
from optouts import gate
from orders.models import Order

log = structlog.get_logger(__name__)

BATCH: Final = 10
MOST_AT_ONCE: Final = 200  # messages of one account in one run: then the others have their turn
MOST_DEFERRALS: Final = 50
Clock = Callable[[], datetime]
Take = Callable[[Channel], timedelta]  # asks for leave to make one call; zero = go, else how long to wait


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over an account came to. `wait`: come back after this time, there is more to send."""

    handed_over: int = 0
    wait: timedelta | None = None


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


def send_due(account_id: int, *, gateways: Mapping[Channel, Gateway], take: Take, clock: Clock) -> Run:
    """Send what is due for one account, until nothing is left, Amazon's pace says wait, or the others' turn comes."""
    with across_sellers("messages are sent"):
        left = pacing.left_today(account_id, now=clock())
        handed_over, waits = 0, []
        for channel, gateway in gateways.items():
            run = _send_channel(account_id, channel, gateway, left - handed_over, take=take, clock=clock)
            handed_over += run.handed_over
            if run.wait is not None:
                waits.append(run.wait)
    return Run(handed_over, min(waits, default=None))


def _send_channel(account_id: int, channel: Channel, gateway: Gateway, left: int, *, take: Take, clock: Clock) -> Run:
    handed_over = 0
    while handed_over < MOST_AT_ONCE:
        claim = uuid4()
        claimed = claim_due(account_id, channel, claim, now=clock())
        if not claimed:
            return Run(handed_over)
        for position, message_id in enumerate(claimed):
            wait = take(channel) if handed_over < left else None
            if wait is None or wait:
                give_back(claimed[position:], now=clock(), until_tomorrow=wait is None)
                return Run(handed_over, wait)
            answer = send(message_id, claim, gateway, clock=clock)
            handed_over += isinstance(answer, Receipt | Unknown)
            if isinstance(answer, AccountTrouble):
                give_back(claimed[position + 1 :], now=clock())
                _stop_for(message_id, answer, now=clock())
                return Run(handed_over)
    return Run(handed_over, timedelta(0))


def claim_due(account_id: int, channel: Channel, claim: UUID, *, now: datetime, limit: int = BATCH) -> list[int]:
    """Claim up to `limit` due messages and return their ids, oldest promise first.

    Callers at the same time get disjoint sets. A claim that is not followed by a hand-over within the lease is
    given back by `reap`.
    """
    with transaction.atomic():
        ids = list(
            Message.objects.select_for_update(skip_locked=True)
            .filter(account_id=account_id, channel=channel, status=Status.SCHEDULED, due_at__lte=now)
            .order_by("due_at", "id")  # by due_at, not by id: a long backlog must not starve the oldest promise
            .values_list("pk", flat=True)[:limit]
        )
        moved = set(move(ids, out_of={Status.SCHEDULED}, to=Status.CLAIMED, at=now, claim=claim))
    return [pk for pk in ids if pk in moved]


def give_back(message_ids: list[int], *, now: datetime, until_tomorrow: bool = False) -> None:
    """Undo claims. `until_tomorrow`: the account's daily cap is used up."""
    if until_tomorrow:
        move(
            message_ids,
            out_of={Status.CLAIMED},
            to=Status.SCHEDULED,
            at=now,
            claim=None,
            due_at=now + timedelta(days=1),
            reason="Amazon's daily limit for this account is used up: moved by a day",
        )
    else:
        move(message_ids, out_of={Status.CLAIMED}, to=Status.SCHEDULED, at=now, claim=None)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The gateway could not tell whether the message was taken."""

    reason: str


def send(message_id: int, claim: UUID, gateway: Gateway, *, clock: Clock) -> Answer | Unknown | None:
    """Send one claimed message and write down what came of it; returns the gateway's answer.

    None: it was not handed over, because the gate or the clock said no (the row says which), or because it is
    somebody else's claim and nothing happened.
    """
    prepared = _enter_sending(message_id, claim, now=clock())
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
    """The check and the move to `sending`, in one transaction. None: it does not go out; the row says why."""
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("order")
            .filter(pk=message_id, status=Status.CLAIMED, claim=claim)
            .first()
        )
        if message is None:
            return None
        if message.expires_at <= now:
            move(
                [message_id],
                out_of={Status.CLAIMED},
                to=Status.EXPIRED,
                at=now,
                settled_at=now,
                reason="Amazon's time for this order is over",
            )
            return None
        answer = gate.clear(_buyer(message), now=now)
        if isinstance(answer, gate.Suppressed):
            move(
                [message_id],
                out_of={Status.CLAIMED},
                to=Status.SUPPRESSED,
                at=now,
                settled_at=now,
                reason=answer.reason,
            )
            return None
        move([message_id], out_of={Status.CLAIMED}, to=Status.SENDING, at=now, handed_over_at=now)
        if message.letter_sealed is not None:
            Order.objects.filter(pk=message.order_id).update(last_written_at=now)
        return _envelope(message), answer


def _settle(message_id: int, answer: Answer, *, now: datetime) -> None:
    sending = {Status.SENDING}
    match answer:
        case Receipt(reference):
            move([message_id], out_of=sending, to=Status.SENT, at=now, settled_at=now, receipt=reference)
        case Refused(reason):
            move([message_id], out_of=sending, to=Status.REFUSED, at=now, settled_at=now, reason=reason)
        case Deferred(reason, after):
            _defer(message_id, reason, until=now + after, now=now)
        case AccountTrouble(reason):
            _defer(message_id, reason, until=now, now=now)


def _defer(message_id: int, reason: str, *, until: datetime, now: datetime) -> None:
    attempts = Message.objects.values_list("attempts", flat=True).get(pk=message_id) + 1
    if attempts >= MOST_DEFERRALS:
        move(
            [message_id],
            out_of={Status.SENDING},
            to=Status.REFUSED,
            at=now,
            settled_at=now,
            reason=f"given up after {attempts} attempts: {reason}",
        )
        return
    # Provably nothing left: it does not count against the daily cap.
    move(
        [message_id],
        out_of={Status.SENDING},
        to=Status.SCHEDULED,
        at=now,
        reason=reason,
        due_at=until,
        attempts=attempts,
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
    move(alike.values_list("pk", flat=True), out_of={Status.SCHEDULED}, to=Status.HELD, at=now, reason=trouble.reason)


def reap(*, older_than: timedelta, now: datetime) -> tuple[int, int]:
    """What dead workers left: claims go back, hand-overs become unknown. Returns how many of each."""
    with across_sellers("what dead workers left"):
        stale = Message.objects.filter(touched_at__lt=now - older_than)
        claimed = list(stale.filter(status=Status.CLAIMED).values_list("pk", flat=True)[:1000])
        sending = list(stale.filter(status=Status.SENDING).values_list("pk", flat=True)[:1000])
        give_back(claimed, now=now)
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
    return len(claimed), len(unknown)


def _buyer(message: Message) -> gate.Buyer:
    return gate.Buyer(message.seller_id, message.order.amazon_order_id, message.order_key, message.alias_key)


def _envelope(message: Message) -> Envelope:
    letter, sender = None, ""
    if message.letter_sealed is not None:
        letter = Letter.from_bytes(secrets.unseal("letter", message.seller_id, message.letter_sealed))
        sender = (
            AccountMarketplace.objects.filter(
                account_id=message.account_id, marketplace_id=message.order.marketplace_id
            )
            .values_list("approved_sender", flat=True)
            .first()
            or ""
        )
    return Envelope(
        message.message_id,
        message.order.amazon_order_id,
        message.order.marketplace_id,
        letter,
        sender,
        message.order.alias if letter else None,
    )
