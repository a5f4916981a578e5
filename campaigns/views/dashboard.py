"""The first page: what was sent, what is coming, what was not sent and why, and what is left to set up."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import members, role_of, seller_of
from accounts.forms import ConnectForm, TeamForm
from accounts.models import AccountMarketplace, AmazonAccount, Seller
from campaigns.models import Campaign
from campaigns.views import advice
from messaging import reports
from messaging.models import Channel, Status
from messaging.reports import Day, Figures
from optouts import listing


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, and the list that it counts."""

    title: str
    count: int
    address: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """One way of not being sent, with its list."""

    status: Status
    count: int
    address: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to set up."""

    title: str
    text: str
    address: str
    is_done: bool


@require_safe
def dashboard(request: HttpRequest) -> HttpResponseBase:
    """The dashboard of a seller's people. An operator who belongs to no team goes to the admin, others without one are
    told how to come to one."""
    user = request.user
    if user.is_authenticated and role_of(request) is None:
        is_operator = user.is_staff
        return (
            redirect("admin:index") if is_operator else render(request, "accounts/no_team.html", {"form": TeamForm()})
        )
    return _dashboard(request)


@members
def _dashboard(request: HttpRequest) -> HttpResponse:
    seller, now = seller_of(request), timezone.now()
    figures, days = reports.figures(seller, now=now), reports.by_day(seller, now=now)
    steps, accounts = _steps(seller), reports.accounts_today(seller, now=now)
    context = {
        "tiles": _tiles(seller, figures, now=now),
        "not_sent": _not_sent(figures, now=now),
        "days": list(reversed(days)),
        "chart": _chart(days),
        "accounts": accounts,
        "ill": advice.about(accounts),
        "has_history": any(day.sent or day.suppressed or day.other for day in days),
        "steps": [] if all(step.is_done for step in steps) else steps,
        "connect": ConnectForm() if not steps[0].is_done else None,
        "steps_done": sum(step.is_done for step in steps),
    }
    return render(request, "campaigns/dashboard.html", context)


def _tiles(seller: Seller, figures: Figures, *, now: datetime) -> list[Tile]:
    today, week = now.date().isoformat(), reports.first_day_of_week(now).isoformat()
    stopped = listing.buyers_in_force(seller)
    held = f", {figures.held} of them held" if figures.held else ""
    return [
        Tile("Sent today", figures.sent_today, _history(status=Status.SENT, since=today), "since midnight UTC"),
        Tile("Sent in 7 days", figures.sent_in_week, _history(status=Status.SENT, since=week), "today included"),
        Tile(
            "Coming in 7 days",
            figures.coming_in_week,
            reverse("scheduling"),
            f"{figures.coming} scheduled in all{held}",
        ),
        Tile(
            "Buyers not written to",
            stopped,
            f"{reverse('optouts')}?state=active&rows=buyers",
            "opted out, or entered by your team",
        ),
    ]


def _not_sent(figures: Figures, *, now: datetime) -> list[Line]:
    week = reports.first_day_of_week(now).isoformat()
    return [Line(line.status, line.count, _history(status=line.status, since=week)) for line in figures.not_sent]


def _history(**filters: str) -> str:
    return f"{reverse('history')}?{urlencode(filters)}"


def _chart(days: list[Day]) -> dict[str, list[str] | list[int]]:
    """What static/dashboard.js draws."""
    return {
        "days": [day.day.isoformat() for day in days],
        "sent": [day.sent for day in days],
        "suppressed": [day.suppressed for day in days],
        "other": [day.other for day in days],
    }


def _steps(seller: Seller) -> list[Step]:
    """What is left to do. Four queries."""
    accounts = AmazonAccount.objects.for_seller(seller).filter(status=AmazonAccount.Status.CONNECTED)[:1]
    places = AccountMarketplace.objects.for_seller(seller).filter(is_used=True).exclude(approved_sender="")
    active = list(
        Campaign.objects.for_seller(seller).filter(status=Campaign.Status.ACTIVE).values_list("channel", flat=True)
    )
    asks_for_reviews_only = bool(active) and Channel.BUYER_EMAIL not in active
    return [
        Step(
            "Connect Amazon",
            "Agree once on Amazon's page; your orders are then read by themselves.",
            f"{reverse('settings')}#amazon",
            bool(accounts),
        ),
        Step(
            "Switch a campaign on",
            "You see how many orders it would take before anything happens.",
            reverse("welcome" if accounts else "campaigns"),
            bool(active),
        ),
        Step(
            "Enter your sender address",
            "Needed for letters of your own. Review requests go without it.",
            reverse("senders"),
            asks_for_reviews_only or places.exists(),
        ),
        Step(
            "Let opt-out notices come in",
            "Copy your address into Amazon's notification preferences. This is done when the first notice has arrived.",
            reverse("optouts"),
            seller.notice_set.exists(),
        ),
    ]
