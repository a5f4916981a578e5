"""Take up -> hand over -> settle. The only caller of the gateways, and the whole way of a message out of the house.

`take_up` claims a batch of due messages, asks the gate, and moves what is cleared to `sending`: one transaction, which
waits for nobody. `hand_over` gives each to its gateway, once. `settle` writes down what came of them: one transaction.
The network is never inside a transaction.

At most once: before the commit of `take_up` everything may be repeated, after it nothing is. A process that dies in
between leaves rows in `sending`, which `reap` shows as `unknown`; nothing sends them again. `engine` decides how many
of which account are taken up when; `send_due` does it for one account, by hand.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.db import transaction

from accounts import lifecycle, lookup, secrets
from accounts.health import Ability
from accounts.models import AmazonAccount
from accounts.prepared import Prepared
from accounts.rowsecurity import across_sellers
from messaging import breakers, outbox, pacing
from messaging.gateways.base import (
    AccountTrouble,
    Answer,
    Deferred,
    Envelope,
    Gateway,
    OutcomeUnknown,
    Receipt,
    Refused,
    TooLate,
)
from messaging.letters import Letter
from messaging.life import move, move_to_sent
from messaging.models import Channel, Hold, Message, Purpose, Status
from optouts import gate

log = structlog.get_logger(__name__)

BATCH: Final = 50  # what is taken up at once, and so the most that a killed process leaves unknown
ONE_RUN: Final = timedelta(seconds=25)
BACK_OFF: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))  # then hourly, until it expires
MOST_DOUBLINGS: Final = 9  # of a second that Amazon asks to wait: in a storm of 429s to nine minutes
TOO_LATE: Final = "Amazon's time for this order is over"
UNREADABLE: Final = "its letter cannot be read: it waits for a person"
ACCOUNT_RESTRICTED: Final = "Buyer-Seller e-mail of this account is stopped: see Settings"
SENDER_REFUSED: Final = "Amazon does not know the sender address: approve it in Seller Central and save it again"
DENIED: Final = {
    Channel.REQUEST_REVIEW: Ability.REQUEST_REVIEWS,
    Channel.ORDER_MESSAGE: Ability.ORDER_MESSAGES,
}
"""What the authorisation lacks when Amazon denies a hand-over on this channel."""
Clock = Callable[[], datetime]
Take = Callable[[Channel], timedelta]  # asks for leave to make one call; zero = go, else how long to wait

# The due messages of each account, oldest promise first (by due_at, not by id: a long backlog must not starve it), with
# all that a hand-over needs. Rows that somebody else holds are passed over, the orders' too: so this never waits, and
# whoever waits for us waits for one short transaction. While an operator has stopped all sending, it finds nothing.
# Parameters: accounts, their shares, the channel, now.
_CLAIM: Final = Prepared(
    "claim_messages",
    ("bigint[]", "int[]", "text", "timestamptz"),
    """
select m.id, m.seller_id, m.account_id, m.message_id, m.order_id, m.order_key, m.alias_key, m.letter_sealed,
  m.expires_at, m.attempts, m.purpose, m.kind, o.amazon_order_id, o.marketplace_id, o.order_key, o.alias_key,
  o.alias_sealed, o.deliver_by_latest, a.restricted_at is not null, coalesce(p.approved_sender, ''),
  coalesce(p.sender_refused_at > p.changed_at, false),
  m.attempts > 0 or exists (
    select from messaging_message former join messaging_messageevent e on e.message_id = former.id
    where former.order_id = m.order_id and former.id <> m.id and e.status = 'unknown')
from unnest($1, $2) as wanted(account_id, share)
join accounts_amazonaccount a on a.id = wanted.account_id and a.status = 'connected'
cross join lateral (
  select * from messaging_message
  where account_id = wanted.account_id and channel = $3 and status = 'scheduled' and due_at <= $4
  order by due_at, id limit wanted.share for no key update skip locked
) m
cross join lateral (
  select * from orders_order where id = m.order_id for no key update skip locked
) o
left join accounts_accountmarketplace p on p.account_id = m.account_id and p.marketplace_id = o.marketplace_id
where not exists (select from messaging_sendingstop where lifted_at is null)
order by m.due_at, m.id
""",
)
# For opt-outs: evidence about an order counts if it was written to.
_WRITTEN_TO: Final = Prepared(
    "orders_written_to",
    ("bigint[]", "timestamptz"),
    "update orders_order set last_written_at = $2 where id = any($1) returning id",
)


class Row(NamedTuple):
    """A claimed message with what stands around it, as `_CLAIM` reads it."""

    id: int
    seller_id: int
    account_id: int
    message_id: UUID
    order_id: int
    scheduled_order_key: UUID
    scheduled_alias_key: UUID | None
    letter_sealed: memoryview | None
    expires_at: datetime
    attempts: int
    purpose: str
    kind: str
    amazon_order_id: str
    marketplace_id: str
    order_key: UUID
    alias_key: UUID | None
    alias_sealed: memoryview | None
    delivered_by: datetime | None
    is_restricted: bool
    sender: str
    is_sender_refused: bool
    is_in_doubt: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message in `sending`, for its gateway. It exists once: whoever holds it hands it over, or nobody does."""

    id: int
    account_id: int
    channel: Channel
    marketplace_id: str
    attempts: int
    envelope: Envelope
    clearance: gate.Clearance


@dataclass(frozen=True, slots=True)
class Unknown:
    """The gateway could not tell whether the message was taken."""

    reason: str


Outcome = tuple[Parcel, Answer | Unknown]


@dataclass(frozen=True, slots=True)
class Step:
    """A move that is not to `sending`, for as many messages as meet the same fate."""

    to: Status
    reason: str
    hold: str = ""
    due_at: datetime | None = None
    attempts: int | None = None

    def make(self, ids: Iterable[int], *, out_of: set[Status], now: datetime) -> None:
        changes: dict[str, object] = {"hold": self.hold} if self.hold else {}
        if self.to in (Status.EXPIRED, Status.SUPPRESSED, Status.REFUSED):
            changes["settled_at"] = now
        if self.due_at is not None:
            changes["due_at"] = self.due_at
        if self.attempts is not None:
            changes |= {"attempts": self.attempts, "handed_over_at": None}
        if self.to is Status.EXPIRED and out_of == {Status.SENDING}:
            changes["handed_over_at"] = None
        move(ids, out_of=out_of, to=self.to, at=now, reason=self.reason, **changes)


def take_up(shares: Mapping[int, int], channel: Channel, *, now: datetime) -> list[Parcel]:
    """Claim up to so many due messages of each of these accounts, and move those that may go to `sending`.

    Callers at the same time get disjoint messages. What may not go is moved to where it belongs, with its reason. Once
    an opt-out is committed, no message to that buyer is among the parcels: see `optouts.gate`.
    """
    steps: dict[Step, list[int]] = {}
    sendable: list[tuple[Row, Envelope]] = []
    with across_sellers("messages are sent"), transaction.atomic(savepoint=False):
        for row in _claim(shares, channel, now=now):
            match _own_view(row, channel, now=now):
                case Step() as step:
                    steps.setdefault(step, []).append(row.id)
                case envelope:
                    sendable.append((row, envelope))
        answers = _ask_the_gate([row for row, _ in sendable], now=now)
        parcels = []
        for (row, envelope), answer in zip(sendable, answers, strict=True):
            if isinstance(answer, gate.Clearance):
                parcels.append(
                    Parcel(row.id, row.account_id, channel, row.marketplace_id, row.attempts, envelope, answer)
                )
            elif (no := _gates_no(answer, now=now)) is not None:
                steps.setdefault(no, []).append(row.id)
        for step, ids in steps.items():
            step.make(ids, out_of={Status.SCHEDULED}, now=now)
        move([one.id for one in parcels], out_of={Status.SCHEDULED}, to=Status.SENDING, at=now, handed_over_at=now)
        if channel is not Channel.REQUEST_REVIEW and parcels:
            sent = {parcel.id for parcel in parcels}
            _WRITTEN_TO.rows([row.order_id for row, _ in sendable if row.id in sent], now)
    return parcels


async def hand_over(parcel: Parcel, gateway: Gateway) -> Outcome:
    """Give it to its gateway, once."""
    try:
        return parcel, await gateway.deliver(parcel.envelope, parcel.clearance)
    except OutcomeUnknown as trouble:
        log.warning("outcome_unknown", message=parcel.id)
        return parcel, Unknown(str(trouble))


def settle(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what came of these hand-overs, all of it in one transaction.

    An answer that comes after `reap` has called the outcome unknown is still an answer, unless it is "later".
    """
    receipts = {parcel.id: answer.reference for parcel, answer in outcomes if isinstance(answer, Receipt)}
    known = {Status.SENDING, Status.UNKNOWN}
    steps: dict[Step, list[int]] = {}
    unknown: dict[str, list[int]] = {}
    for parcel, answer in outcomes:
        match answer:
            case Unknown(reason):
                unknown.setdefault(reason, []).append(parcel.id)
            case Refused(reason):
                steps.setdefault(Step(Status.REFUSED, reason), []).append(parcel.id)
            case TooLate(reason):
                steps.setdefault(Step(Status.EXPIRED, reason), []).append(parcel.id)
            case Deferred(reason, after, is_general):
                pause = after * 2 ** min(parcel.attempts, MOST_DOUBLINGS) if after and is_general else after
                steps.setdefault(_later(parcel, reason, pause, now=now), []).append(parcel.id)
            case AccountTrouble(reason):
                steps.setdefault(_later(parcel, reason, timedelta(0), now=now), []).append(parcel.id)
    with across_sellers("outcomes are written down"), transaction.atomic(savepoint=False):
        steps = _not_written_yet(steps)
        move_to_sent(receipts, out_of=known, at=now)
        for reason, ids in unknown.items():
            move(ids, out_of={Status.SENDING}, to=Status.UNKNOWN, at=now, reason=reason, look_again_at=now)
        for step, ids in steps.items():
            step.make(ids, out_of=known if step.to is Status.REFUSED else {Status.SENDING}, now=now)
        for parcel, answer in outcomes:
            if isinstance(answer, AccountTrouble):
                _stop_for(parcel, answer, now=now)
        breakers.count_refusals(
            {
                parcel.account_id: answer.reason
                for parcel, answer in outcomes
                if isinstance(answer, Refused) and parcel.channel is Channel.BUYER_EMAIL
            },
            now=now,
        )


def _not_written_yet(steps: Mapping[Step, list[int]]) -> dict[Step, list[int]]:
    """Without the "later" that stand already: a commit of which nothing was heard is written again, and meanwhile
    somebody else may have taken the message up. What is in his hands must not be due a second time."""
    later = [pk for step, ids in steps.items() if step.attempts is not None for pk in ids]
    if not later:
        return dict(steps)
    attempts = dict(Message.objects.filter(pk__in=later).values_list("pk", "attempts"))
    return {
        step: ids if step.attempts is None else [pk for pk in ids if attempts.get(pk, step.attempts) < step.attempts]
        for step, ids in steps.items()
    }


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over an account came to. `wait`: come back after this time, there is more to send."""

    handed_over: int = 0
    wait: timedelta | None = None


def send_due(account_id: int, *, gateways: Mapping[Channel, Gateway], take: Take, clock: Clock) -> Run:
    """Send what is due for one account, until nothing is left, Amazon's pace says wait, or the time of a run is over.

    By hand: a site has `engine` for it. Closes the gateways. Safe beside any number of others.
    """
    deadline, runs = clock() + ONE_RUN, list[Run]()
    with asyncio.Runner() as runner:

        def carry(parcels: list[Parcel], gateway: Gateway) -> list[Outcome]:
            async def all_of_them() -> list[Outcome]:
                return list(await asyncio.gather(*(hand_over(parcel, gateway) for parcel in parcels)))

            return runner.run(all_of_them())

        with pacing.alone_with(account_id) as is_alone:
            if is_alone:
                for channel, gateway in gateways.items():
                    runs.append(_send_channel(account_id, channel, gateway, carry, take, clock, deadline))
        for gateway in gateways.values():
            runner.run(gateway.close())
    waits = [run.wait for run in runs if run.wait is not None]
    return Run(sum(run.handed_over for run in runs), min(waits, default=None))


def _send_channel(
    account_id: int,
    channel: Channel,
    gateway: Gateway,
    carry: Callable[[list[Parcel], Gateway], list[Outcome]],
    take: Take,
    clock: Clock,
    deadline: datetime,
) -> Run:
    handed_over, width = 0, 1  # one at first: what is wrong with the first is wrong with all
    while waiting := _due(account_id, channel, now=clock(), most=width + 1):
        if clock() >= deadline:
            return Run(handed_over, timedelta(0))
        left = pacing.left_of([account_id], now=clock())[account_id]
        if not left:
            return Run(handed_over)
        share, wait = 0, timedelta(0)
        while share < min(len(waiting), width, left) and not (wait := take(channel)):
            share += 1
        if not share:
            return Run(handed_over, wait)
        parcels = take_up({account_id: share}, channel, now=clock())
        if not parcels and _due(account_id, channel, now=clock(), most=width + 1) == waiting:
            return Run(handed_over)  # an operator has stopped it, or somebody else holds these rows
        outcomes = carry(parcels, gateway)
        settle(outcomes, now=clock())
        handed_over += sum(isinstance(answer, Receipt | Unknown) for _, answer in outcomes)
        if any(is_trouble(answer) for _, answer in outcomes):
            return Run(handed_over)
        width = min(2 * width, BATCH)
    return Run(handed_over)


def _due(account_id: int, channel: Channel, *, now: datetime, most: int) -> list[int]:
    """The first messages that are due, `most` of them."""
    with across_sellers("what is due?"):
        due = Message.objects.filter(
            account_id=account_id,
            channel=channel,
            status=Status.SCHEDULED,
            due_at__lte=now,
            account__status="connected",
        )
        return list(due.order_by("due_at", "id").values_list("pk", flat=True)[:most])


def is_trouble(answer: Answer | Unknown) -> bool:
    """Is it useless to try the next message of this account now?"""
    return isinstance(answer, AccountTrouble) or (isinstance(answer, Deferred) and answer.is_general)


def reap(*, older_than: timedelta, now: datetime) -> tuple[int, int]:
    """What dead processes left: what was only claimed (by former releases) goes back, hand-overs become unknown.

    Returns how many of each.
    """
    with across_sellers("what dead processes left"):
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
            reason="the process stopped in the middle of the hand-over",
        )
    if unknown:
        log.warning("handovers_became_unknown", messages=unknown)
    return len(back), len(unknown)


def _claim(shares: Mapping[int, int], channel: Channel, *, now: datetime) -> list[Row]:
    return [Row(*columns) for columns in _CLAIM.rows(list(shares), list(shares.values()), str(channel), now)]


def _own_view(row: Row, channel: Channel, *, now: datetime) -> Step | Envelope:
    """What we know without the gate: where the message goes instead, or what would go out."""
    if row.expires_at <= now:
        return Step(Status.EXPIRED, TOO_LATE)
    if channel is Channel.BUYER_EMAIL and row.is_restricted:
        return Step(Status.HELD, ACCOUNT_RESTRICTED, Hold.RESTRICTED)
    if channel is Channel.BUYER_EMAIL and row.is_sender_refused:
        return Step(Status.HELD, SENDER_REFUSED, Hold.SENDER)
    letter, alias = None, None
    try:
        if row.letter_sealed is not None:
            letter = Letter.from_bytes(secrets.unseal("letter", row.seller_id, row.letter_sealed))
            alias = secrets.unseal_text("alias", row.seller_id, row.alias_sealed) if row.alias_sealed else None
    except (secrets.Unreadable, ValueError) as trouble:
        log.error("letter_unreadable", message=row.id, trouble=type(trouble).__name__)
        return Step(Status.HELD, UNREADABLE, Hold.LETTER)
    return Envelope(
        row.message_id,
        row.amazon_order_id,
        row.marketplace_id,
        letter,
        row.sender if letter else "",
        alias,
        row.delivered_by,
        row.kind,
        row.is_in_doubt,
    )


def _ask_the_gate(rows: Sequence[Row], *, now: datetime) -> list[gate.Answer]:
    """An answer for each. Campaigns are stopped by the list; what a person wrote as critical is not."""
    of_campaigns = [row for row in rows if row.purpose != Purpose.CRITICAL]
    answers = iter(gate.clear_many([_buyer(row) for row in of_campaigns], now=now))
    return [
        gate.clear_critical(_buyer(row), now=now) if row.purpose == Purpose.CRITICAL else next(answers) for row in rows
    ]


def _buyer(row: Row) -> gate.Buyer:
    more = [row.order_key]
    if lookup.is_rekeying():
        alias = secrets.unseal_text("alias", row.seller_id, row.alias_sealed) if row.alias_sealed else None
        more += lookup.every_key_of_a_buyer(row.seller_id, row.amazon_order_id, alias if row.alias_key else None)
    return gate.Buyer(
        row.seller_id,
        row.amazon_order_id,
        row.scheduled_order_key,
        row.alias_key,
        former_alias_key=row.scheduled_alias_key,
        more_keys=tuple(more),
    )


def _gates_no(answer: gate.Suppressed | gate.OnHold | gate.Busy, *, now: datetime) -> Step | None:
    match answer:
        case gate.Suppressed(reason):
            return Step(Status.SUPPRESSED, reason)
        case gate.OnHold(reason, until):
            return Step(Status.SCHEDULED, reason, due_at=until)  # nobody has decided, and no attempt was made
    return None  # it stays as it is: the next batch finds it


def _later(parcel: Parcel, reason: str, after: timedelta | None, *, now: datetime) -> Step:
    """Provably nothing left: it is tried again, and does not count against the daily cap."""
    pause = BACK_OFF[min(parcel.attempts, len(BACK_OFF) - 1)] if after is None else after
    return Step(Status.SCHEDULED, reason, due_at=now + pause, attempts=min(parcel.attempts + 1, 30_000))


def _stop_for(parcel: Parcel, trouble: AccountTrouble, *, now: datetime) -> None:
    """What is wrong for one message is wrong for all of its kind: they wait for a person instead of being burnt."""
    if trouble.is_revoked:
        lifecycle.mark_revoked(parcel.account_id, trouble.lost)  # nothing is sent for it until it is connected again
        return
    alike = Message.objects.filter(
        account_id=parcel.account_id,
        account__status=AmazonAccount.Status.CONNECTED,
        channel=parcel.channel,
        order__marketplace_id=parcel.marketplace_id,
        status=Status.SCHEDULED,
    )
    if parcel.channel is Channel.BUYER_EMAIL and parcel.envelope.sender:  # it is entered, and Amazon does not know it
        lifecycle.refuse_sender_of(parcel.account_id, parcel.marketplace_id, at=now)
    if (ability := DENIED.get(parcel.channel)) is not None:
        lifecycle.mark_denied(parcel.account_id, ability, now=now)
    cause = Hold.SENDER if parcel.channel is Channel.BUYER_EMAIL else Hold.ACCESS
    outbox.hold(alike.values_list("pk", flat=True), cause=cause, reason=trouble.reason, now=now)
