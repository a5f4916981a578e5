"""The first run: the orders arrive, the dry run of the default campaign fills in beside them, one button turns it on,
and the opt-out card is what is left.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import managers, members, person_of, seller_of
from accounts.models import AmazonAccount, Seller
from campaigns.checked_letters import BreaksGuidelines
from campaigns.lifecycle import NeverSends, activate
from campaigns.models import Campaign
from campaigns.rehearsal import rehearse
from campaigns.views.words import timing
from messaging.models import Channel
from orders.models import Order, OrderReading

LOOKED_AT: Final = 10_000  # the newest orders: the page asks again every two seconds while more are read
LEAST: Final = 3  # per cent: so that there is a bar
ALMOST: Final = 95  # only the end of the reading is the end


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first reading of one account has come. `share` is in per cent, by the changes that have come: the
    oldest purchase says nothing of it, for Amazon tells the oldest change first."""

    account: AmazonAccount
    orders: int
    oldest_at: datetime | None
    latest_change_at: datetime | None
    is_done: bool
    trouble: str
    share: int


@require_http_methods(["GET", "HEAD", "POST"])
@members
def welcome(request: HttpRequest) -> HttpResponseBase:
    """Where Amazon's consent page leads to. Who has a campaign that is on has no need of it."""
    if request.method == "POST":
        return _turn_on(request)
    seller = seller_of(request)
    if "on" not in request.GET and Campaign.objects.for_seller(seller).filter(status=Campaign.Status.ACTIVE).exists():
        return redirect("settings")
    return render(request, "campaigns/welcome.html", _context(seller))


@require_safe
@members
def welcome_progress(request: HttpRequest) -> HttpResponse:
    """The moving part of the page, for htmx."""
    return render(request, "campaigns/welcome_progress.html", _context(seller_of(request)))


@managers
def _turn_on(request: HttpRequest) -> HttpResponse:
    campaign = default_campaign(seller_of(request))
    if campaign is None:
        messages.info(request, "Nothing was changed: there is no draft of a review request.")
        return redirect("campaigns")
    try:
        activate(campaign, by=person_of(request), now=timezone.now())
    except (BreaksGuidelines, NeverSends):
        return redirect("campaign_switch", pk=campaign.pk)  # which says what stands against it
    messages.success(request, f"“{campaign.name}” is on. Your orders are being planned now.")
    response = redirect("welcome")
    response["Location"] += "?on"
    return response


def default_campaign(seller: Seller) -> Campaign | None:
    """The review request that every seller begins with, or his own first one, while it is a draft."""
    drafts = Campaign.objects.for_seller(seller).filter(status=Campaign.Status.DRAFT, channel=Channel.REQUEST_REVIEW)
    return drafts.order_by("created_at", "id").first()


def _context(seller: Seller) -> dict[str, object]:
    now = timezone.now()
    progress = progress_of(seller)
    campaign = default_campaign(seller)
    result = rehearse(campaign, now=now, among=LOOKED_AT) if campaign is not None and progress else None
    reasons = (result.later + result.would_not).most_common(4) if result else []
    active = Campaign.objects.for_seller(seller).filter(status=Campaign.Status.ACTIVE).first()
    return {
        "progress": progress,
        "is_done": bool(progress) and all(one.is_done for one in progress),
        "campaign": campaign,
        "timing": timing(campaign) if campaign else "",
        "result": result,
        "is_part": result is not None and result.looked_at >= LOOKED_AT,
        "reasons": [(reason.value, count) for reason, count in reasons],
        "active": active,
    }


def progress_of(seller: Seller) -> list[Progress]:
    """Of each connected account. Two queries."""
    accounts = AmazonAccount.objects.for_seller(seller).filter(status=AmazonAccount.Status.CONNECTED)
    oldest = dict(
        Order.objects.for_seller(seller).order_by().values_list("account_id").annotate(oldest=Min("purchased_at"))
    )
    found = []
    for account in accounts.select_related("reading").order_by("pk"):
        reading: OrderReading | None = getattr(account, "reading", None)  # made when a worker first looks at it
        at = oldest.get(account.pk)
        is_done = reading is not None and reading.last_read_at is not None
        share = 100 if is_done else min(ALMOST, max(LEAST, round(100 * reading.share_of_window) if reading else 0))
        orders, trouble = (reading.orders_read, reading.trouble) if reading else (0, "")
        latest = reading.window_at if reading else None
        found.append(Progress(account, orders, at, latest, is_done, trouble, share))
    return found
