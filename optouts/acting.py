"""What is done about one finding: whose order is it, what does the table say, and through which door.

Stage between `examination` (what a mail is, says and proves) and the gate. Called by `intake` inside the transaction of
the verdict, so everything here may run again: the verbs behind it are idempotent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import DEFAULT_DB_ALIAS

from accounts import lifecycle, lookup
from accounts.models import AccountMarketplace
from accounts.prepared import Prepared
from optouts import gate, guards, holds, readings, rekeying
from optouts.decisions import Decision, Effect, Grade, OrderState, decide
from optouts.examination import Finding
from optouts.models import GuardAlarm, Notice
from optouts.reasons import Kind, Reason
from optouts.showing import mail_of
from orders.models import Order

WRITTEN_WITHIN: Final = timedelta(days=60)
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))  # then hourly
RETRY_FOR: Final = timedelta(hours=72)
PARKED_FOR: Final = timedelta(days=7)
PARKED_LOOK: Final = timedelta(hours=6)  # besides the look at each import: see `intake.wake_parked`
KEY_LOOK: Final = timedelta(hours=1)  # a key that is gone is looked up once more before that counts
PAST_THE_NEXT_LOOK: Final = timedelta(minutes=15)
LONGEST_TEXT: Final = 2_000

NOT_FOR_A_PERSON: Final = frozenset({Kind.NOT_AN_OPT_OUT, Kind.OTHER_AMAZON, Kind.BUYER_MESSAGE})
SIGNED: Final = frozenset({Grade.A1, Grade.A2, Grade.A3, Grade.A4, Grade.A4_UNKNOWN})
PROVED_TO_SELLER: Final = SIGNED | {Grade.B}  # what is about the seller's own mail stops no buyer anywhere
MAY_BE_AN_OPT_OUT: Final = frozenset({Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT})
TOLD_ONLY: Final = frozenset({Kind.BLOCKED_FOR_CONTENT, Kind.NOT_DELIVERED})  # about one message, which is gone

_WANTED: Final = frozenset(
    {"id", "seller_id", "amazon_order_id", "marketplace_id", "order_key", "alias_key"}
    | {"last_written_at", "alias_purge_at"}
)
_OF_AN_ORDER: Final = [field.attname for field in Order._meta.concrete_fields if field.attname in _WANTED]
_OWN_ORDER: Final = Prepared(
    "own_order",
    ("bigint", "text"),
    f"select {', '.join(_OF_AN_ORDER)} from orders_order where seller_id = $1 and amazon_order_id = $2 limit 1",  # noqa: S608
)

NOT_YET_TRUSTED: Final = "It waits for a person."
DNS_GAVE_UP: Final = "The signature could not be checked for three days."
PARKED_IN_VAIN: Final = "The order that it names was never read from Amazon."
OTHER_ADDRESS: Final = "The buyer's address is not the one of this order."
ONLY_THE_ORDER: Final = f"{gate.OPTED_OUT}; for this order only, because its address serves many buyers"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one finding."""

    status: Notice.Status
    reason: str
    order: Order | None = None
    look_at: datetime | None = None
    entries: tuple[int, ...] = ()  # of the list, that stand behind the buyer now


def act(notice: Notice, finding: Finding, *, now: datetime) -> Outcome:
    """Do what follows from one finding."""
    if finding.grade is Grade.T:
        return _retry(notice, finding, now=now)
    if finding.reason is Reason.KEY_WITHDRAWN and _is_early(notice, now=now):
        return _later(notice, finding, now + KEY_LOOK, now=now)
    if finding.kind is not Kind.OPT_OUT or finding.grade is None or finding.order_id is None:
        return _other(notice, finding, now=now)
    rekeying.bring_forward(notice.seller_id, [finding.order_id], [], now=now)
    order, state = _whose(notice.seller_id, finding.order_id, now=now)
    if _is_another_buyers(finding, order):
        return Outcome(Notice.Status.QUARANTINED, OTHER_ADDRESS, order)
    decision = decide(finding.grade, state)
    if Effect.PARK in decision.effects:
        return _park(notice, decision, now=now)
    if order is not None and Effect.SUPPRESS_SELLER in decision.effects:
        entries = _suppress(notice, finding, order, decision, now=now)
        return Outcome(Notice.Status.APPLIED, decision.reason, order, entries=tuple(entries))
    if order is not None and Effect.HOLD_14_DAYS in decision.effects:
        holds.hold(gate.buyer_of(order), _proof(notice, finding), until=now + holds.HELD_FOR, now=now)
        return Outcome(Notice.Status.QUARANTINED, decision.reason, order)
    if Effect.ALARM in decision.effects:
        guards.raise_alarm(notice.seller_id, GuardAlarm.Kind.FOREIGN_ORDER, about=f"notice {notice.pk}", now=now)
    told = decision.reason if state is OrderState.FOREIGN else f"{finding.reason.value} {NOT_YET_TRUSTED}"
    return Outcome(Notice.Status.QUARANTINED, told, order)


def _other(notice: Notice, finding: Finding, *, now: datetime) -> Outcome:
    """Act on what is no opt-out, or is not known to be one."""
    is_proved = finding.grade in PROVED_TO_SELLER
    said = (finding.says or finding.reason).value
    dated = finding.signed_at or notice.received_at
    if is_proved and finding.kind is Kind.RESTRICTED:
        shown = mail_of(notice)
        text = shown.text[:LONGEST_TEXT] if shown else ""
        lifecycle.restrict(notice.seller_id, finding.marketplace_id, text=text, dated=dated, now=now)
        return Outcome(Notice.Status.APPLIED, said)
    if is_proved and finding.kind in TOLD_ONLY:
        return Outcome(Notice.Status.APPLIED, said, _own(notice.seller_id, finding.order_id))
    if is_proved and finding.kind is Kind.SENDER_NOT_APPROVED and (place := _marketplace(notice.seller_id, finding)):
        lifecycle.refuse_sender(notice.seller_id, place, dated=dated)
        return Outcome(Notice.Status.APPLIED, said)
    if finding.is_new_wording:
        words, template = finding.reason.value, finding.template or ""
        guards.warn_of_wording(notice.seller_id, notice.pk, words, template=template, now=now)
    if finding.kind in NOT_FOR_A_PERSON:
        return Outcome(Notice.Status.IGNORED, finding.reason.value, _own(notice.seller_id, finding.order_id))
    if finding.grade is Grade.X:  # it contradicts itself: nobody waits because of it
        return Outcome(Notice.Status.QUARANTINED, finding.reason.value, _own(notice.seller_id, finding.order_id))
    # Amazon's own words are not known in every language, so the buyer is as safe as after a notice that proves nothing.
    order = _hold_if_written_to(notice, finding, now + holds.HELD_FOR, now=now)
    order = order or _own(notice.seller_id, finding.order_id)
    if _is_another_buyers(finding, order):
        return Outcome(Notice.Status.QUARANTINED, OTHER_ADDRESS, order)
    return Outcome(Notice.Status.QUARANTINED, finding.reason.value, order)


def _marketplace(seller_id: int, finding: Finding) -> str | None:
    """Which marketplace a notice is about: as it says, or its order's, or the only one that there is."""
    order = _own(seller_id, finding.order_id)
    if finding.marketplace_id or order:
        return finding.marketplace_id or (order.marketplace_id if order else None)
    places = AccountMarketplace.objects.filter(seller_id=seller_id).values_list("marketplace_id", flat=True)
    known = set(places[:2])
    return known.pop() if len(known) == 1 else None


def _own(seller_id: int, amazon_order_id: str | None) -> Order | None:
    rows = _OWN_ORDER.rows(seller_id, amazon_order_id) if amazon_order_id else []
    return next((Order.from_db(DEFAULT_DB_ALIAS, _OF_AN_ORDER, row) for row in rows), None)


def _is_another_buyers(finding: Finding, order: Order | None) -> bool:
    """Whether the notice names another address than the order does. While the list is re-keyed, under any secret."""
    if order is None or order.alias_key is None or not finding.alias:
        return False
    return order.alias_key not in lookup.every_alias_key(finding.alias)


def _whose(seller_id: int, amazon_order_id: str, *, now: datetime) -> tuple[Order | None, OrderState]:
    """The order that a notice names, seen from this seller. The seller's own row always comes first."""
    own = _own(seller_id, amazon_order_id)
    if own is None:
        is_known = Order.objects.filter(amazon_order_id=amazon_order_id).exists()
        return None, OrderState.FOREIGN if is_known else OrderState.UNKNOWN
    written = own.last_written_at is not None and own.last_written_at > now - WRITTEN_WITHIN
    return own, OrderState.WRITTEN_TO if written else OrderState.OURS


def _suppress(notice: Notice, finding: Finding, order: Order, decision: Decision, *, now: datetime) -> list[int]:
    reach = gate.Reach.SELLER
    if Effect.SUPPRESS_GLOBALLY in decision.effects:
        reach = gate.Reach.GLOBAL
    elif decision.effects & {Effect.GLOBAL_PENDING, Effect.GLOBAL_AFTER_CORROBORATION}:
        reach = gate.Reach.PENDING
    may_promote = reach is gate.Reach.SELLER or guards.may_reach_others(order.seller_id, order.order_key, now=now)
    if not may_promote:
        reach = gate.Reach.PENDING
    alias_key = order.alias_key
    if alias_key is None and finding.alias and finding.grade in SIGNED:
        alias_key = lookup.alias_key(finding.alias)  # Amazon signed it; the order was read without one
    reason = gate.OPTED_OUT
    if alias_key is not None and guards.is_shared(alias_key, now=now):
        guards.warn_of_shared(alias_key, now=now)
        alias_key, reason = None, ONLY_THE_ORDER
    return gate.suppress(
        replace(gate.buyer_of(order), alias_key=alias_key),
        _proof(notice, finding, reason=reason, may_promote=may_promote),
        reach=reach,
        now=now,
    )


def _proof(notice: Notice, finding: Finding, *, reason: str = gate.OPTED_OUT, may_promote: bool = False) -> gate.Proof:
    return gate.Proof(
        f"notice {notice.pk}",
        reason,
        finding.grade.value if finding.grade else "",
        finding.fingerprint or "",
        finding.signed_at,
        may_promote=may_promote,
    )


def _retry(notice: Notice, finding: Finding, *, now: datetime) -> Outcome:
    if now - notice.received_at <= RETRY_FOR:
        pause = RETRIES[min(notice.attempts, len(RETRIES) - 1)]
        return _later(notice, finding, now + pause, now=now)
    order = _hold_if_written_to(notice, finding, now + holds.HELD_FOR, now=now)  # as good as unproved
    return Outcome(Notice.Status.QUARANTINED, DNS_GAVE_UP, order)


def _is_early(notice: Notice, *, now: datetime) -> bool:
    first = readings.first_seen(notice, Reason.KEY_WITHDRAWN)
    return first is None or now < first + KEY_LOOK


def _later(notice: Notice, finding: Finding, look_at: datetime, *, now: datetime) -> Outcome:
    """Look again at `look_at`; until shortly after it the buyer's messages wait, if the notice may be about them."""
    until = look_at + PAST_THE_NEXT_LOOK
    order = _hold_if_written_to(notice, finding, until, now=now, why=holds.NOT_DECIDED_YET)
    return Outcome(Notice.Status.RECEIVED, finding.reason.value, order, look_at)


def _hold_if_written_to(
    notice: Notice, finding: Finding, until: datetime, *, now: datetime, why: str = holds.MAY_HAVE_OPTED_OUT
) -> Order | None:
    if finding.kind not in MAY_BE_AN_OPT_OUT or finding.order_id is None:
        return None
    rekeying.bring_forward(notice.seller_id, [finding.order_id], [], now=now)
    order, state = _whose(notice.seller_id, finding.order_id, now=now)
    if order is not None and state is OrderState.WRITTEN_TO and not _is_another_buyers(finding, order):
        holds.hold(gate.buyer_of(order), _proof(notice, finding), until=until, now=now, why=why)
    return order


def _park(notice: Notice, decision: Decision, *, now: datetime) -> Outcome:
    last = notice.received_at + PARKED_FOR
    if now >= last:
        return Outcome(Notice.Status.QUARANTINED, PARKED_IN_VAIN)
    return Outcome(Notice.Status.PARKED, decision.reason, look_at=min(now + PARKED_LOOK, last))
