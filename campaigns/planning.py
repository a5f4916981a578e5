"""Orders x campaigns -> follow-ups, and messages for the eligible ones. Stage between `orders.sync` and `messaging`.

An order stands in the queue (`Order.replan_at`) when it, a campaign of its seller, a sender or a list has changed.
Planning twice changes nothing: each order has one decision per campaign and at most one message. A batch is read,
decided and written as a whole; only what differs from what was decided before is written. An order with a message that
waits has its turn at once, in the transaction that learns of a change: a refund takes back what must not go any more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import DataError, transaction
from django.db.models import QuerySet

from accounts import manyrows
from accounts.manyrows import among
from accounts.rowsecurity import across_sellers
from campaigns.competing import Contender, Outcome, compete
from campaigns.eligibility import Decision, Verdict
from campaigns.eligibility.conditions import RuleKind
from campaigns.eligibility.sentences import why_not
from campaigns.eligibility.why_now import why_now
from campaigns.letters import letter_for
from campaigns.models import FollowUp
from campaigns.surroundings import Surroundings, look_around
from messaging import outbox
from messaging.models import Channel, Hold, Message, Status
from orders import languages
from orders.attention import sellers_waiting
from orders.models import Order

log = structlog.get_logger(__name__)

PER_SELLER: Final = 250  # in one transaction; then the next seller has his turn
BAD_ORDER: Final = (ValueError, LookupError, DataError)  # a broken template, an unknown marketplace: never a lost row
AFTER_TROUBLE: Final = timedelta(hours=1)
IN_FLIGHT_SETTLES: Final = timedelta(seconds=30)
NOT_ANY_MORE: Final = "the order is not to be followed up any more"
COLUMNS: Final = ("verdict", "checks", "due_at", "decided_at", "version", "message_id")
REPLACED: Final = "on conflict (order_id, campaign_id) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in COLUMNS
)


def plan_stale(*, now: datetime) -> int:
    """Plan a batch of orders of each seller who has any in the queue; returns how many orders were looked at.

    Two planners at once do no harm: an order is locked while it is planned, and another planner passes it by.
    """
    with across_sellers("orders are planned"):
        return sum(_plan_some(seller_id, now=now) for seller_id in sellers_waiting(now=now))


def plan_at_once(*, seller_id: int, order_ids: Collection[int], now: datetime, **_: object) -> None:
    """For whoever has just stored a change of these orders, in that very transaction: those for which a message waits
    are decided anew. The others have time until it is their turn."""
    waiting = Message.objects.filter(order__in=among(order_ids), status__in=outbox.WAITING).values("order_id")
    with transaction.atomic():
        _plan(seller_id, Order.objects.filter(pk__in=waiting).order_by("pk").select_for_update(), now=now)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of one order. Without an outcome its message is in somebody's hands, and it waits for that."""

    order: Order
    live: Message | None
    outcome: Outcome | None
    wish: outbox.Wish | None = None  # the winner's
    taken_back: str = ""  # why the live message goes
    is_suppressed: bool = False  # it goes because the buyer has opted out


def _plan_some(seller_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        queue = Order.objects.filter(seller_id=seller_id, replan_at__lte=now).order_by("replan_at", "id")
        # Locked before the campaigns are read: whoever changes one then waits for us to put its orders back in line.
        return _plan(seller_id, queue.select_for_update(skip_locked=True)[:PER_SELLER], now=now)


def _plan(seller_id: int, locked: QuerySet[Order], *, now: datetime) -> int:
    """Decide on these orders of one seller and write what follows; returns how many they are."""
    orders = list(locked.prefetch_related("account"))
    if not orders:
        return 0
    around = look_around(seller_id, orders)
    look_again: dict[int, datetime | None] = {}
    plans = []
    for order in orders:
        try:
            plans.append(decide_on(order, around, now=now))
        except BAD_ORDER as trouble:
            look_again[order.pk] = _in_trouble(order, trouble, now=now)
    look_again |= _carry_out(plans, around, now=now)
    _leave_the_queue(look_again)
    return len(orders)


def _in_trouble(order: Order, trouble: Exception, *, now: datetime) -> datetime:
    log.error("order_not_planned", order=order.pk, trouble=type(trouble).__name__)
    return now + AFTER_TROUBLE


def _leave_the_queue(look_again: dict[int, datetime | None]) -> None:
    by_instant: dict[datetime | None, list[int]] = {}
    for pk, instant in look_again.items():
        by_instant.setdefault(instant, []).append(pk)
    for instant, ids in by_instant.items():
        Order.objects.filter(pk__in=among(ids)).update(replan_at=instant)


def decide_on(order: Order, around: Surroundings, *, now: datetime) -> Plan:
    """Decide on one order for all campaigns of its seller, and make the winner's letter. Writes nothing."""
    live = around.messages.get(order.pk)
    if live is not None and live.status in outbox.IN_FLIGHT:
        return Plan(order, live, None)  # it may come back, and must then follow what has changed
    standing = around.standing_of(order)
    outcome = compete(
        around.facts[order.pk], standing, around.contenders, around.live_of(order), now=now
    )
    if live is not None and live.status not in outbox.WAITING:
        return Plan(order, live, outcome)
    owner = around.owner_of(live) if live else None
    winner = outcome.winner
    if live is not None and outcome.keeper is None and (winner is None or winner.pk != owner):
        if standing.suppressed is not None:  # planning may come before the withdrawal: the message says the same
            return Plan(order, live, outcome, taken_back=standing.suppressed, is_suppressed=True)
        reason = f"{winner.name} has this order now" if winner else _why_not_any_more(outcome, owner)
        return Plan(order, live, outcome, _wish_of(order, winner, outcome, around, None), reason)
    if winner is not None and live is not None:
        outcome.decisions[winner.pk] = _steady(outcome.decisions[winner.pk], live)
    return Plan(order, live, outcome, _wish_of(order, winner, outcome, around, live))


def _why_not_any_more(outcome: Outcome, owner: int | None) -> str:
    """What the campaign of the message says of its order now."""
    decision = outcome.decisions.get(owner) if owner else None
    return why_not([check.to_json() for check in decision.failed]) if decision else NOT_ANY_MORE


def _steady(decision: Decision, live: Message) -> Decision:
    """Counted from when it was scheduled, nothing has changed: it keeps its place, even if that is past by now. So does
    what a person has told to go at once."""
    case = decision.case
    if live.is_hurried:
        return replace(decision, case=replace(case, times=(live.due_at, case.expires_at)))
    if live.hold == Hold.PAUSED or case.times_if_made_at(live.created_at)[0] != live.due_at:
        return decision
    return replace(decision, case=replace(case, times=(live.due_at, case.expires_at)))


def _wish_of(
    order: Order, winner: Contender | None, outcome: Outcome, around: Surroundings, live: Message | None
) -> outbox.Wish | None:
    """`live`: the message that the winner has already."""
    if winner is None:
        return None
    decision, campaign = outcome.decisions[winner.pk], around.campaigns[winner.pk]
    assert decision.due_at and decision.expires_at
    letter = None
    if decision.by_letter:
        facts, store_name = decision.case.facts, decision.case.standing.store_name
        template = next(t for t in campaign.templates.all() if t.language == decision.language)
        letter = letter_for(order, template, store_name=store_name, item=next(iter(facts.items), None))
    channel = Channel.BUYER_EMAIL if decision.by_letter else Channel.REQUEST_REVIEW
    return outbox.Wish(
        channel=channel,
        title=campaign.name,
        due_at=decision.due_at,
        expires_at=decision.expires_at,
        letter=letter,
        priority=min(campaign.priority, 32_767),
        why_now=live.why_now if live is not None and live.is_hurried else why_now(decision.case),
    )


def _carry_out(plans: Sequence[Plan], around: Surroundings, *, now: datetime) -> dict[int, datetime | None]:
    """Write all that these plans say; returns when to look again at each order, None: when it changes.

    Should the database refuse the whole, each is tried by itself, so that a bad one never stops the others.
    """
    try:
        with transaction.atomic():
            return _write(plans, around, now=now)
    except BAD_ORDER as trouble:
        if len(plans) == 1:
            return {plans[0].order.pk: _in_trouble(plans[0].order, trouble, now=now)}
        return {pk: at for plan in plans for pk, at in _carry_out([plan], around, now=now).items()}


def _write(plans: Sequence[Plan], around: Surroundings, *, now: datetime) -> dict[int, datetime | None]:
    soon = now + IN_FLIGHT_SETTLES
    look_again: dict[int, datetime | None] = {plan.order.pk: soon for plan in plans if plan.outcome is None}
    freed = _take_back(plans, now=now)
    look_again |= {plan.order.pk: soon for plan in plans if plan.taken_back and plan.order.pk not in freed}
    able = [plan for plan in plans if plan.order.pk not in look_again]
    messages = _bring_about(able, around, now=now)
    _remember(able, messages, around, now=now)
    _ask_for_languages(able, around)
    for plan in able:
        assert plan.outcome
        look_again[plan.order.pk] = _next_look(plan.outcome, now)
    return look_again


def _next_look(outcome: Outcome, now: datetime) -> datetime | None:
    """When time alone, and no report, may turn a no."""
    if outcome.winner is not None:
        return None
    instants = [until for decision in outcome.decisions.values() if (until := decision.until) and until > now]
    return min(instants, default=None)


def _take_back(plans: Sequence[Plan], *, now: datetime) -> set[int]:
    """Take back what waits for a campaign that has lost it; returns the orders of which it was. What was claimed this
    very moment is not."""
    by_reason: dict[tuple[bool, str], dict[int, int]] = {}
    for plan in plans:
        if plan.taken_back and plan.live is not None:
            by_reason.setdefault((plan.is_suppressed, plan.taken_back), {})[plan.live.pk] = plan.order.pk
    gone = set()
    for (is_suppressed, reason), messages in by_reason.items():
        if is_suppressed:
            moved = outbox.suppress(messages, reason=reason, now=now)
        else:
            moved = outbox.cancel(messages, reason=reason, now=now, frees_order=True)
        gone |= {messages[pk] for pk in moved}
    return gone


def _bring_about(plans: Sequence[Plan], around: Surroundings, *, now: datetime) -> dict[int, int]:
    """Make waiting messages what their winners want, and schedule what is missing; returns their ids by order."""
    messages = {}
    wishes: list[tuple[Order, outbox.Wish]] = []
    resumed, paused = [], []
    for plan in plans:
        live = plan.live if not plan.taken_back else None
        if live is not None:
            messages[plan.order.pk] = live.pk
        if plan.wish is not None and live is not None:
            outbox.revise(live, plan.order, plan.wish)
            if live.hold == Hold.PAUSED and live.status == Status.HELD:
                resumed.append(live.pk)
        elif plan.wish is not None:
            wishes.append((plan.order, plan.wish))
        elif live is not None and live.status == Status.SCHEDULED:
            paused.append(live.pk)
    outbox.release(resumed, now=now)
    outbox.pause(paused, now=now)
    return messages | outbox.schedule_many(wishes, now=now)


def _ask_for_languages(plans: Sequence[Plan], around: Surroundings) -> None:
    """Amazon tells a buyer's language when it is asked, order by order: where a rule wants to know it, and nothing else
    has said no for good."""
    asking = [
        contender.pk
        for contender in around.contenders
        if contender.compiled.terms.is_active
        and any(condition.kind is RuleKind.LANGUAGE for condition in contender.compiled.terms.conditions)
    ]
    wanted: dict[int, datetime] = {}
    for plan in plans if asking else ():
        assert plan.outcome
        for pk in asking:
            decision = plan.outcome.decisions.get(pk)
            if decision is None or decision.verdict is Verdict.NOT_ELIGIBLE or plan.order.language:
                continue
            if decision.case.due_at is not None:
                wanted[plan.order.pk] = decision.case.due_at
    languages.want(wanted)


def _remember(plans: Sequence[Plan], messages: dict[int, int], around: Surroundings, *, now: datetime) -> None:
    """Keep each decision that is new or differs from the one before."""
    rows = [row for plan in plans for row in _changed(plan, messages.get(plan.order.pk), around, now=now)]
    manyrows.insert(FollowUp, rows, conflict=REPLACED)


def _changed(plan: Plan, message_id: int | None, around: Surroundings, *, now: datetime) -> Iterable[manyrows.Row]:
    assert plan.outcome
    order, is_settled = plan.order, plan.live is not None and plan.live.status not in outbox.WAITING
    owner = plan.outcome.winner or plan.outcome.keeper
    for campaign_id, decision in plan.outcome.decisions.items():
        is_owner = owner is not None and owner.pk == campaign_id and not is_settled
        row = {
            "order_id": order.pk,
            "campaign_id": campaign_id,
            "seller_id": order.seller_id,
            "verdict": decision.verdict.value,
            "checks": kept_checks(decision),
            "due_at": decision.due_at,
            "decided_at": now,
            "version": around.campaigns[campaign_id].version,
            "message_id": message_id if is_owner else None,
        }
        known = around.follow_ups.get((order.pk, campaign_id))
        if known is None or _differs(known, row):
            yield row


def _differs(known: FollowUp, row: manyrows.Row) -> bool:
    """Of a campaign that has changed in a way that does not touch this order, nothing is written."""
    values = ("verdict", "checks", "due_at", "message_id") + (("version",) if row["message_id"] else ())
    return any(getattr(known, name) != row[name] for name in values)


def kept_checks(decision: Decision) -> list[dict[str, Any]]:
    """All of them for what is sent, so that it can be read years later on which values; of a no only those that say it:
    `explaining` makes the others again."""
    checks = decision.checks if decision.verdict is Verdict.ELIGIBLE else decision.failed
    return [check.to_json() for check in checks]
