"""Switching a campaign on or off: first what exactly it would do, then the deed. No vague "are you sure?"."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import managers, person_of, seller_of
from accounts.models import AccountMarketplace
from campaigns.eligibility import LATEST_AFTER_DELIVERY
from campaigns.lifecycle import activate, pause
from campaigns.models import Campaign, FollowUp, Rule
from messaging.models import Channel, Message
from messaging.outbox import WAITING
from orders.models import Order


@dataclass(frozen=True, slots=True)
class Effect:
    """What the switch would do, counted at this moment."""

    would_plan: int  # on: orders known today that it would take; "about", for buyers who have opted out are counted too
    would_take_over: int  # of these, how many wait for a campaign that comes after this one
    would_hold: int  # off: messages that wait for this campaign


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def campaign_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what will happen; POST does it. `wanted` travels with the form, so that two people cannot cross."""
    campaign = get_object_or_404(Campaign.objects.for_seller(seller_of(request)).prefetch_related("rules"), pk=pk)
    now = timezone.now()
    is_active = campaign.status == Campaign.Status.ACTIVE
    if request.method != "POST":
        context = {"campaign": campaign, "is_active": is_active, "effect": effect_of(campaign, now=now)}
        return render(request, "campaigns/switch.html", context)
    wanted = request.POST.get("wanted")
    if wanted not in ("on", "off") or (wanted == "on") == is_active:
        state = "on" if is_active else "off"
        messages.info(request, f"Nothing was changed: “{campaign.name}” is {state} already.")
        return redirect("campaign", pk=campaign.pk)
    if wanted == "on":
        activate(campaign, by=person_of(request), now=now)
    else:
        pause(campaign, by=person_of(request), now=now)
    messages.success(request, _said(campaign, is_on=wanted == "on"))
    return redirect("campaign", pk=campaign.pk)


def effect_of(campaign: Campaign, *, now: datetime) -> Effect:
    """Count what the switch would do. Three queries."""
    reached = orders_in_reach(campaign, now=now)
    waiting = Message.objects.filter(order=OuterRef("pk"), status__in=WAITING)
    return Effect(
        would_plan=reached.count(),
        would_take_over=reached.filter(Exists(waiting)).count(),
        would_hold=FollowUp.objects.filter(campaign=campaign, message__status__in=WAITING).count(),
    )


def orders_in_reach(campaign: Campaign, *, now: datetime) -> QuerySet[Order]:
    """The orders known today that this campaign would take if it were on, as nearly as one query can say.

    `eligibility.decide` has the last word on each; it also knows who has opted out.
    """
    place = AccountMarketplace.objects.filter(
        account=OuterRef("account"), marketplace_id=OuterRef("marketplace_id"), is_used=True
    )
    letters = campaign.channel == Channel.BUYER_EMAIL
    orders = Order.objects.filter(
        Exists(place.exclude(approved_sender="") if letters else place),
        seller=campaign.seller_id, status=Order.Status.SHIPPED, is_replacement=False, is_exchange=False,
        is_cancellation_requested=False, deliver_by_latest__isnull=False,
    ).filter(
        Q(deliver_by_earliest__gt=now - LATEST_AFTER_DELIVERY)
        | Q(deliver_by_earliest__isnull=True, deliver_by_latest__gt=now - LATEST_AFTER_DELIVERY)
    )
    if letters:
        orders = orders.filter(alias_key__isnull=False)
    for rule in campaign.rules.all():
        if rule.kind == Rule.Kind.FULFILLED_BY and rule.operator == Rule.Operator.IS:
            orders = orders.filter(fulfilled_by__in=rule.values)
    return orders.exclude(Exists(_taken(campaign)))


def _taken(campaign: Campaign) -> QuerySet[Message]:
    """An order's message that this campaign would not replace: any but one that waits for a campaign after it."""
    live = Message.objects.filter(order=OuterRef("pk"), frees_order=False)
    later = FollowUp.objects.filter(message=OuterRef("pk"), campaign__priority__gt=campaign.priority)
    return live.exclude(Q(status__in=WAITING) & Exists(later))


def _said(campaign: Campaign, *, is_on: bool) -> str:
    if is_on:
        return f"“{campaign.name}” is on. Your orders are being planned now; see Scheduling in a minute."
    return f"“{campaign.name}” is off. What waits for it is held until you turn it on again; what was sent stays sent."
