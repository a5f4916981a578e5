"""Orders x campaigns -> follow-ups, and messages for the eligible ones. Stage between `orders.sync` and `messaging`.

An order stands in the queue (`Order.replan_at`) when it, a campaign of its seller, a sender or the list has changed.
Planning twice changes nothing: each order has one decision per campaign and at most one message.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import DataError, transaction

from accounts.models import AccountMarketplace
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import find
from campaigns.eligibility import Decision, Standing, Terms, Verdict, decide, when
from campaigns.exclusions import excluded_among
from campaigns.letters import letter_for, pick_template
from campaigns.models import Campaign, FollowUp, Rule
from messaging import outbox
from messaging.models import Channel, Message
from optouts import gate
from orders.models import Order
from orders.reading import facts_of

log = structlog.get_logger(__name__)

PER_SELLER: Final = 50  # in one transaction; then the next seller has his turn
BAD_ORDER: Final = (ValueError, LookupError, DataError)  # a broken template, an unknown marketplace: never a lost row
AFTER_TROUBLE: Final = timedelta(hours=1)
IN_FLIGHT_SETTLES: Final = timedelta(seconds=30)


def plan_stale(*, now: datetime) -> int:
    """Plan up to 50 orders of each seller who has any in the queue; returns how many orders were looked at.

    Two planners at once do no harm: an order is locked while it is planned, and another planner passes it by.
    """
    with across_sellers("orders are planned"):
        waiting = Order.objects.filter(replan_at__lte=now).order_by("seller_id").values_list("seller_id", flat=True)
        return sum(_plan_some(seller_id, now=now) for seller_id in waiting.distinct())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all orders of one batch are decided on, read once, after their rows were locked."""

    campaigns: list[Campaign]
    places: dict[tuple[int, str], AccountMarketplace]
    messages: dict[int, Message]  # the one live message, by order
    owners: dict[int, int]  # the campaign of a message, by message
    suppressed: dict[UUID, str]
    excluded: dict[int, str]  # by order


def _plan_some(seller_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        queue = Order.objects.filter(seller_id=seller_id, replan_at__lte=now).order_by("replan_at", "id")
        # Locked before the campaigns are read: whoever changes one then waits for us to put its orders back in line.
        orders = list(
            queue.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .prefetch_related("items")[:PER_SELLER]
        )
        around = _look_around(seller_id, orders)
        for order in orders:
            try:
                with transaction.atomic():
                    look_again_at = plan_order(order, around, now=now)
            except BAD_ORDER as trouble:
                log.error("order_not_planned", order=order.pk, trouble=type(trouble).__name__)
                look_again_at = now + AFTER_TROUBLE
            Order.objects.filter(pk=order.pk).update(replan_at=look_again_at)
    return len(orders)


def _look_around(seller_id: int, orders: list[Order]) -> Surroundings:
    messages = Message.objects.filter(order__in=orders, frees_order=False).defer("letter_sealed")
    keys = [key for order in orders for key in (order.order_key, order.alias_key) if key is not None]
    return Surroundings(
        campaigns=list(Campaign.objects.filter(seller_id=seller_id).prefetch_related("rules", "templates")),
        places={
            (place.account_id, place.marketplace_id): place
            for place in AccountMarketplace.objects.filter(seller_id=seller_id)
        },
        messages={message.order_id: message for message in messages},
        owners=dict(FollowUp.objects.filter(message__in=messages).values_list("message_id", "campaign_id")),
        suppressed=gate.suppressed_among(seller_id, keys),
        excluded=excluded_among(seller_id, orders),
    )


def plan_order(order: Order, around: Surroundings, *, now: datetime) -> datetime | None:
    """Decide on one locked order for all campaigns of its seller, in the order of their priority; schedule the winner.

    A message that still waits follows the decision (moved, rewritten, cancelled). One that does not is final, and so
    is the decision that led to it. Returns when to look again: soon, while a message is in somebody's hands.
    """
    live = around.messages.get(order.pk)
    if live is not None and live.status in outbox.IN_FLIGHT:
        return now + IN_FLIGHT_SETTLES  # it may come back, and must then follow what has changed
    owner_id = around.owners.get(live.pk) if live else None
    is_settled = live is not None and live.status not in outbox.WAITING
    taken_by = live.title if live and is_settled else None
    standing, facts = _standing(order, around), facts_of(order)
    decisions: dict[Campaign, Decision] = {}
    winner: Campaign | None = None
    for campaign in around.campaigns:
        if is_settled and campaign.pk == owner_id:
            continue
        template = pick_template(campaign, order.marketplace_id)
        seen = replace(standing, taken_by=taken_by, template=template.language if template else None)
        decisions[campaign] = decide(facts, seen, terms_of(campaign), now=now)
        if decisions[campaign].verdict is Verdict.ELIGIBLE:
            winner, taken_by = campaign, campaign.name
    if not is_settled:
        if live is not None and (winner is None or winner.pk != owner_id):
            reason = f"{winner.name} has this order now" if winner else "the order is not to be followed up any more"
            if not outbox.cancel([live.pk], reason=reason, now=now, frees_order=True):
                return now + IN_FLIGHT_SETTLES  # claimed this very moment
            live = None
        live = _bring_about(order, live, winner, decisions, around, now=now) if winner else None
    for campaign, decision in decisions.items():
        _remember(order, campaign, decision, live if campaign is winner else None, now=now)
    return None


def terms_of(campaign: Campaign) -> Terms:
    rules = {rule.kind: rule.value for rule in campaign.rules.all()}
    return Terms(
        name=campaign.name,
        is_active=campaign.status == Campaign.Status.ACTIVE,
        asks_by_letter=campaign.channel == Channel.BUYER_EMAIL,
        delay=timedelta(days=campaign.delay_days),
        send_at=campaign.send_at,
        fulfilled_by=rules.get(Rule.Kind.FULFILLED_BY),
    )


def _standing(order: Order, around: Surroundings) -> Standing:
    marketplace = find(order.marketplace_id)
    place = around.places.get((order.account_id, order.marketplace_id))
    reasons = [around.suppressed.get(key) for key in (order.order_key, order.alias_key) if key is not None]
    return Standing(
        time_zone=marketplace.time_zone if marketplace else "UTC",
        is_marketplace_used=bool(place and place.is_used and marketplace),
        has_sender=bool(place and place.approved_sender),
        suppressed=next((reason for reason in reasons if reason), None),
        excluded=around.excluded.get(order.pk),
    )


def _bring_about(
    order: Order,
    live: Message | None,
    winner: Campaign,
    decisions: dict[Campaign, Decision],
    around: Surroundings,
    *,
    now: datetime,
) -> Message | None:
    """Make the waiting message, if any, what the winner wants, or schedule one; returns it."""
    decision = decisions[winner]
    assert decision.due_at and decision.expires_at
    place = around.places.get((order.account_id, order.marketplace_id))
    template = pick_template(winner, order.marketplace_id)
    wish = outbox.Wish(
        channel=Channel(winner.channel),
        title=winner.name,
        due_at=decision.due_at,
        expires_at=decision.expires_at,
        letter=letter_for(order, template, store_name=place.store_name if place else "") if template else None,
        priority=min(winner.priority, 32_767),
    )
    if live is not None:
        # Counted from when it was scheduled, nothing has changed: it keeps its place, even if that is past by now.
        due_at, _ = when(facts_of(order), _standing(order, around), terms_of(winner), not_before=live.created_at)
        outbox.revise(live, order, replace(wish, due_at=live.due_at) if due_at == live.due_at else wish)
        return live
    try:
        return outbox.schedule(order, wish, now=now)
    except outbox.OrderTaken:
        log.warning("order_taken_while_planned", order=order.pk)
        return None


def _remember(order: Order, campaign: Campaign, decision: Decision, message: Message | None, *, now: datetime) -> None:
    FollowUp.objects.update_or_create(
        order=order,
        campaign=campaign,
        defaults={
            "seller_id": order.seller_id,
            "verdict": decision.verdict,
            "due_at": decision.due_at,
            "checks": [check.to_json() for check in decision.checks],
            "decided_at": now,
            "message": message,
        },
    )
