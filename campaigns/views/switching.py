"""Switching a campaign on or off: first what exactly it would do, then the deed. No vague "are you sure?".

What it would do is the rehearsal's count, by the engine that will plan.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import managers, person_of, seller_of
from accounts.models import AmazonAccount, User
from campaigns.checked_letters import BreaksGuidelines, broken_among
from campaigns.lifecycle import NeverSends, activate, end_trial, pause, put_on_trial, waiting_for, why_never
from campaigns.models import Campaign
from campaigns.rehearsal import rehearse
from campaigns.trying import A_DAY
from messaging import pacing

CATCH_UPS: Final = ((None, "All that Amazon still allows"), (14, "14 days"), (7, "7 days"), (3, "3 days"), (0, "None"))


@dataclass(frozen=True, slots=True)
class Effect:
    """What the switch would do, counted at this moment."""

    would_plan: int  # on: orders known today that it would take
    would_take_over: int  # of these, how many wait for a campaign that comes after this one
    at_once: int  # of these, how many are due by tomorrow
    per_day: int  # what Amazon allows a day, over all accounts
    would_hold: int  # off: messages that wait for this campaign

    @property
    def days_needed(self) -> int:
        """Over how many days the daily limit spreads what is due at once; 0: it fits into one."""
        return ceil(self.at_once / self.per_day) if self.per_day and self.at_once > self.per_day else 0


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def campaign_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what will happen; POST does it. `wanted` travels with the form, so that two people cannot cross."""
    campaign = get_object_or_404(Campaign.objects.for_seller(seller_of(request)).prefetch_related("rules"), pk=pk)
    now = timezone.now()
    is_active = campaign.status == Campaign.Status.ACTIVE
    if request.method != "POST":
        days = _catch_up(request.GET.get("catch_up", ""))
        context = {
            "campaign": campaign, "is_active": is_active, "catch_up": days, "catch_ups": CATCH_UPS,
            "effect": effect_of(campaign, now=now, catch_up=days),
            "tests_a_day": A_DAY,
            # `effect_of` has set from when on orders would be taken
            "never": None if is_active else why_never(campaign, now=now, takes_since=campaign.takes_since),
            "broken": [] if is_active else broken_among(list(campaign.templates.all())),
        }
        return render(request, "campaigns/switch.html", context)
    wanted = request.POST.get("wanted")
    if wanted in ("test", "end_test"):
        return _trial(request, campaign, is_begun=wanted == "test", now=now)
    is_archived = campaign.status == Campaign.Status.ARCHIVED
    if is_archived or wanted not in ("on", "off") or (wanted == "on") == is_active:
        state = "in the archive" if is_archived else "on already" if is_active else "off already"
        messages.info(request, f"Nothing was changed: “{campaign.name}” is {state}.")
        return redirect("campaign", pk=campaign.pk)
    if wanted == "on":
        days = _catch_up(request.POST.get("catch_up", ""))
        catch_up = timedelta(days=days) if days is not None else None
        try:
            activate(campaign, by=person_of(request), now=now, catch_up=catch_up)
        except BreaksGuidelines:
            return redirect("campaign_switch", pk=campaign.pk)  # which names what blocks
        except NeverSends as trouble:
            messages.error(request, f"Nothing was changed. {trouble}")
            return redirect("campaign_switch", pk=campaign.pk)
    else:
        pause(campaign, by=person_of(request), now=now)
    messages.success(request, _said(campaign, is_on=wanted == "on"))
    return redirect("campaign", pk=campaign.pk)


def _trial(request: HttpRequest, campaign: Campaign, *, is_begun: bool, now: datetime) -> HttpResponse:
    person = person_of(request)
    assert isinstance(person, User)
    try:
        is_done = (put_on_trial if is_begun else end_trial)(campaign, by=person, now=now)
    except BreaksGuidelines:
        return redirect("campaign_switch", pk=campaign.pk)  # which names what blocks
    if not is_done:
        messages.info(request, f"Nothing was changed: “{campaign.name}” {_why_no_trial(campaign, is_begun=is_begun)}")
    elif is_begun:
        what = f"up to {A_DAY} mails a day come to {person.email} instead of buyers"
        messages.success(request, f"“{campaign.name}” is on test: {what}.")
    else:
        messages.success(request, f"The test of “{campaign.name}” has ended. It is off.")
    return redirect("campaign", pk=campaign.pk)


def _why_no_trial(campaign: Campaign, *, is_begun: bool) -> str:
    if not is_begun:
        return "is not on test."
    return "can be put on test only while it is off and nothing waits for it."


def _catch_up(text: str) -> int | None:
    return next((days for days, _ in CATCH_UPS if str(days) == text), None)


def effect_of(campaign: Campaign, *, now: datetime, catch_up: int | None = None) -> Effect:
    """Count what the switch would do. `catch_up`: how many days back orders are taken; None: as far as is set."""
    if campaign.status == Campaign.Status.ACTIVE:
        return Effect(0, 0, 0, 0, len(waiting_for(campaign)))
    if catch_up is not None:
        campaign.takes_since = now - timedelta(days=catch_up)
    result = rehearse(campaign, now=now)
    tomorrow = (now + timedelta(days=1)).date()
    accounts = AmazonAccount.objects.filter(seller=campaign.seller_id).values_list("pk", flat=True)
    return Effect(
        would_plan=result.would_go,
        would_take_over=result.takes_over,
        at_once=sum(count for day, count in result.by_day.items() if day <= tomorrow),
        per_day=sum(pacing.daily_cap(pk, now=now) for pk in accounts),
        would_hold=0,
    )


def _said(campaign: Campaign, *, is_on: bool) -> str:
    if is_on:
        return f"“{campaign.name}” is on. Your orders are being planned now; see Scheduling in a minute."
    return f"“{campaign.name}” is off. What waits for it is held until you turn it on again; what was sent stays sent."
