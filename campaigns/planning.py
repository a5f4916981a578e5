"""Orders x campaigns -> follow-ups, and messages for the eligible ones. Stage between `orders.sync` and `messaging`.

An order is planned when it has changed, when a campaign of its seller has, or when a check said when looking again
makes sense. Planning twice changes nothing: each order has one decision per campaign and at most one message.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from accounts.models import AccountMarketplace
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import find
from campaigns.eligibility import Decision, Standing, Terms, Verdict, decide
from campaigns.letters import letter_for, pick_template
from campaigns.models import Campaign, FollowUp, OrderPlan, Rule
from messaging import outbox
from messaging.models import Channel, Message, Status
from optouts import gate
from orders.models import Order
from orders.reading import facts_of

log = structlog.get_logger(__name__)

LIMIT: Final = 500


def plan_stale(*, now: datetime, limit: int = LIMIT) -> int:
    """Plan up to `limit` orders whose plan is out of date; returns how many were planned.

    Two planners at once do no harm: each order is locked while it is planned.
    """
    with across_sellers("orders are planned"):
        planned = 0
        stale = list(_stale(now=now).order_by("seller_id", "id").values_list("seller_id", "id")[:limit])
        for seller_id in dict.fromkeys(seller for seller, _ in stale):
            planned += _plan_for(seller_id, [order for seller, order in stale if seller == seller_id], now=now)
    return planned


def _stale(*, now: datetime) -> QuerySet[Order]:
    campaigns = Campaign.objects.filter(seller=OuterRef("seller")).order_by("-changed_at")
    places = AccountMarketplace.objects.filter(account=OuterRef("account"), marketplace_id=OuterRef("marketplace_id"))
    return (
        Order.objects.annotate(
            campaigns_changed_at=Subquery(campaigns.values("changed_at")[:1]),
            place_changed_at=Subquery(places.values("changed_at")[:1]),
        )
        .filter(campaigns_changed_at__isnull=False)
        .filter(
            Q(plan__isnull=True)
            | Q(plan__order_changed_at__lt=F("changed_at"))
            | Q(plan__planned_at__lt=F("campaigns_changed_at"))
            | Q(plan__planned_at__lt=F("place_changed_at"))
            | Q(plan__look_again_at__lte=now)
        )
    )


def _plan_for(seller_id: int, order_ids: list[int], *, now: datetime) -> int:
    campaigns = list(Campaign.objects.filter(seller_id=seller_id).prefetch_related("rules", "templates"))
    places = {
        (place.account_id, place.marketplace_id): place
        for place in AccountMarketplace.objects.filter(seller_id=seller_id)
    }
    planned = 0
    for order_id in order_ids:
        with transaction.atomic():
            order = Order.objects.select_for_update(skip_locked=True).filter(pk=order_id).first()
            if order is None:
                continue  # another planner has it
            plan_order(order, campaigns, places.get((order.account_id, order.marketplace_id)), now=now)
            planned += 1
    return planned


def plan_order(order: Order, campaigns: list[Campaign], place: AccountMarketplace | None, *, now: datetime) -> None:
    """Decide on one locked order for all campaigns of its seller, in the order of their priority; schedule the winner.

    A message that still waits follows the decision (moved, rewritten, cancelled). One that does not is final, and so
    is the decision that led to it.
    """
    live = Message.objects.filter(order=order, frees_order=False).first()
    owner_id = FollowUp.objects.filter(message=live).values_list("campaign_id", flat=True).first() if live else None
    is_settled = live is not None and live.status not in outbox.WAITING
    taken_by = live.title if live and is_settled else None
    standing, facts = _standing(order, place), facts_of(order)
    decisions: dict[Campaign, Decision] = {}
    winner: Campaign | None = None
    for campaign in campaigns:
        if is_settled and campaign.pk == owner_id:
            continue
        template = pick_template(campaign, order.marketplace_id)
        seen = replace(standing, taken_by=taken_by, template=template.language if template else None)
        decisions[campaign] = decide(facts, seen, terms_of(campaign), now=now)
        if decisions[campaign].verdict is Verdict.ELIGIBLE:
            winner, taken_by = campaign, campaign.name
    if not is_settled:
        live = _align(order, live, owner_id, winner, decisions, place, now=now)
    for campaign, decision in decisions.items():
        _remember(order, campaign, decision, live if campaign is winner else None, now=now)
    looks = [decision.look_again_at for decision in decisions.values() if decision.look_again_at]
    OrderPlan.objects.update_or_create(
        order=order,
        defaults={
            "seller_id": order.seller_id,
            "order_changed_at": order.changed_at,
            "planned_at": now,
            "look_again_at": min(looks, default=None),
        },
    )


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


def _standing(order: Order, place: AccountMarketplace | None) -> Standing:
    marketplace = find(order.marketplace_id)
    buyer = gate.Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)
    suppressed = gate.standing(buyer)
    return Standing(
        time_zone=marketplace.time_zone if marketplace else "UTC",
        is_marketplace_used=bool(place and place.is_used and marketplace),
        has_sender=bool(place and place.approved_sender),
        suppressed=suppressed.reason if suppressed else None,
    )


def _align(
    order: Order,
    live: Message | None,
    owner_id: int | None,
    winner: Campaign | None,
    decisions: dict[Campaign, Decision],
    place: AccountMarketplace | None,
    *,
    now: datetime,
) -> Message | None:
    """Make the waiting message, if any, what the winner wants; returns the winner's message."""
    if live is not None and (winner is None or winner.pk != owner_id):
        reason = f"{winner.name} has this order now" if winner else "the order is not to be followed up any more"
        if not outbox.cancel([live.pk], reason=reason, now=now, frees_order=True):
            return None  # it was claimed this very moment: the next planning finds it settled
        live = None
    if winner is None:
        return None
    wish = _wish(order, winner, decisions[winner], place)
    if live is not None:
        outbox.revise(live, wish)
        return live
    try:
        return outbox.schedule(order, wish, now=now)
    except outbox.OrderTaken:
        log.warning("order_taken_while_planned", order=order.pk)
        return None


def _wish(order: Order, campaign: Campaign, decision: Decision, place: AccountMarketplace | None) -> outbox.Wish:
    assert decision.due_at and decision.expires_at
    template = pick_template(campaign, order.marketplace_id)
    return outbox.Wish(
        channel=Channel(campaign.channel),
        title=campaign.name,
        due_at=decision.due_at,
        expires_at=decision.expires_at,
        letter=letter_for(order, template, store_name=place.store_name if place else "") if template else None,
    )


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
