"""The rehearsal beside the form: what the campaign as it stands in the form would do, without saving anything."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from accounts.access import members, seller_of
from campaigns.eligibility import Reason, Verdict
from campaigns.eligibility.conditions import Condition, Operator, RuleKind, parse
from campaigns.explaining import what_if
from campaigns.forms import CampaignForm
from campaigns.lifecycle import COLUMNS
from campaigns.models import Campaign
from campaigns.rehearsal import SHOWN, Bucket, Rehearsed, listed, rehearse
from orders.clocks import short
from orders.models import Order

NAMES: Final = {reason.name: reason for reason in Reason}


@dataclass(frozen=True, slots=True)
class Line:
    """One number, with the address that opens its list."""

    text: str
    count: int
    address: str


@require_POST
@members
def campaign_rehearsal(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel, or with a bucket in the address the list behind one of its numbers. Changes nothing."""
    campaign = get_object_or_404(
        Campaign.objects.for_seller(seller_of(request)).prefetch_related("rules", "templates"), pk=pk
    )
    now = timezone.now()
    try:
        conditions = _as_in_the_form(request, campaign)
    except UnsoundForm:
        return render(request, "campaigns/rehearsal.html", {"trouble": True, "campaign": campaign})
    bucket = _bucket(request)
    if bucket is not None:
        return _list(request, campaign, bucket, conditions, now=now)
    return _panel(request, campaign, conditions, now=now)


@require_POST
@members
def campaign_what_if(request: HttpRequest, pk: int, order_pk: int) -> HttpResponse:
    """What the campaign as it stands in the form would say of one order. Changes nothing."""
    seller, now = seller_of(request), timezone.now()
    rows = Campaign.objects.for_seller(seller).prefetch_related("rules", "templates")
    campaign = get_object_or_404(rows, pk=pk)
    order = get_object_or_404(Order.objects.for_seller(seller), pk=order_pk)
    context: dict[str, Any] = {"campaign": campaign, "order": order}
    try:
        conditions = _as_in_the_form(request, campaign)
    except UnsoundForm:
        return render(request, "campaigns/what_if.html", context | {"trouble": True})
    said = what_if(order, campaign, conditions, now=now)
    if said is not None:
        context |= {"said": said, "failed": [check for check in said.checks if not check["passed"]]}
        context["due"] = short(said.due_at, order.marketplace_id) if said.due_at else ""
    return render(request, "campaigns/what_if.html", context)


class UnsoundForm(ValueError):
    """What stands in the form could not be saved either."""


def _as_in_the_form(request: HttpRequest, campaign: Campaign) -> list[Condition] | None:
    """Change the campaign, which is not saved, into what the form says, and return the rules; None: those stored."""
    if "name" not in request.POST:
        return None
    form = CampaignForm(request.POST, request.FILES, campaign=campaign)
    if not form.is_valid():
        raise UnsoundForm
    wishes = form.wishes()
    for name in COLUMNS:
        setattr(campaign, name, getattr(wishes, name))
    return [parse(RuleKind(rule.kind), Operator(rule.operator), rule.values) for rule in wishes.rules]


def _panel(
    request: HttpRequest, campaign: Campaign, conditions: list[Condition] | None, *, now: datetime
) -> HttpResponse:
    result = rehearse(campaign, now=now, conditions=conditions)
    context: dict[str, Any] = {
        "campaign": campaign,
        "result": result,
        "go": Line("would go", result.would_go, _address(campaign, Verdict.ELIGIBLE)),
        "later": [_line(campaign, Verdict.LATER, reason, count) for reason, count in result.later.most_common()],
        "would_not": [
            _line(campaign, Verdict.NOT_ELIGIBLE, reason, count) for reason, count in result.would_not.most_common()
        ],
        "chart": {
            "days": [day.isoformat() for day in sorted(result.by_day)],
            "counts": [result.by_day[day] for day in sorted(result.by_day)],
        },
        "days": [
            Line(f"{day:%a} {day.day} {day:%b %Y}", result.by_day[day], _address(campaign, Verdict.ELIGIBLE, day=day))
            for day in sorted(result.by_day)
        ],
    }
    return render(request, "campaigns/rehearsal.html", context)


def _list(
    request: HttpRequest, campaign: Campaign, bucket: Bucket, conditions: list[Condition] | None, *, now: datetime
) -> HttpResponse:
    found = listed(campaign, bucket, now=now, conditions=conditions, after=_after(request))
    rows = found[:SHOWN]
    further = None
    if len(found) > SHOWN:
        last = rows[-1].order
        place = {"after": last.facts.purchased_at.isoformat(), "after_id": last.pk}
        further = _address(campaign, bucket.verdict, bucket.reason, day=bucket.day, **place)
    context = {"campaign": campaign, "bucket": bucket, "rows": [(one, _due(one)) for one in rows], "further": further}
    return render(request, "campaigns/rehearsal_list.html", context)


def _due(one: Rehearsed) -> str:
    due_at = one.decision.due_at if one.decision else None
    return short(due_at, one.order.facts.marketplace_id) if due_at else ""


def _line(campaign: Campaign, verdict: Verdict, reason: Reason, count: int) -> Line:
    return Line(reason.value, count, _address(campaign, verdict, reason))


def _address(
    campaign: Campaign, verdict: Verdict, reason: Reason | None = None, *, day: date | None = None, **more: object
) -> str:
    query = {"verdict": verdict.value, "reason": reason.name if reason else "", "day": day or ""} | more
    return f"{reverse('campaign_rehearsal', args=[campaign.pk])}?{urlencode(query)}"


def _bucket(request: HttpRequest) -> Bucket | None:
    verdict, reason, day = (request.GET.get(name, "") for name in ("verdict", "reason", "day"))
    if verdict not in set(Verdict):
        return None
    try:
        return Bucket(Verdict(verdict), NAMES.get(reason), date.fromisoformat(day) if day else None)
    except ValueError:
        return None


def _after(request: HttpRequest) -> tuple[datetime, int] | None:
    at, pk = request.GET.get("after", ""), request.GET.get("after_id", "")
    try:
        instant = parse_datetime(at)
    except ValueError:
        return None
    return (instant, int(pk)) if instant and instant.tzinfo and pk.isdecimal() and len(pk) < 19 else None
