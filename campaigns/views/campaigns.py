"""The list of campaigns, and the page of one: its terms, its guards in words, what it decided."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import managers, members, person_of, seller_of
from accounts.models import Seller
from accounts.paging import Key, page_of
from campaigns.eligibility import Verdict
from campaigns.forms import CampaignForm
from campaigns.lifecycle import change
from campaigns.models import Campaign, FollowUp
from campaigns.rule_rows import KINDS, empty_row
from campaigns.views.asked import order_asked_for
from campaigns.views.preview import previews_of
from campaigns.views.words import VERDICTS, timing, words_for
from messaging.models import COMING, Status

CHANGES_SHOWN: Final = 20
ON_ONE_PAGE: Final = 50
FEW: Final = 10  # are found without a search
SENT_WITHIN: Final = timedelta(days=30)
NEWEST_DECISION_FIRST: Final = Key("decided_at")


@require_safe
@members
def campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns of this seller, in the order in which they may take an order."""
    seller, is_archive, query = seller_of(request), "archived" in request.GET, request.GET.get("q", "").strip()
    archived = Q(status=Campaign.Status.ARCHIVED)
    all_of_them = Campaign.objects.for_seller(seller)
    found = all_of_them.filter(archived if is_archive else ~archived, name__icontains=query)
    page = Paginator(found, ON_ONE_PAGE).get_page(request.GET.get("page"))
    counts = _counts(seller, now=timezone.now())
    context = {
        "rows": [
            {"campaign": campaign, "timing": timing(campaign)} | counts.get(campaign.pk, {"coming": 0, "sent": 0})
            for campaign in page
        ],
        "pages": page,
        "query": query,
        "is_archive": is_archive,
        "has_archive": not is_archive and all_of_them.filter(archived).exists(),
        "is_searched": query or page.paginator.count > FEW,
    }
    return render(request, "campaigns/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@members
def campaign(request: HttpRequest, pk: int) -> HttpResponseBase:
    if request.method == "POST":
        return _save(request, pk)
    found = _find(request, pk)
    return _page(request, found, CampaignForm(campaign=found))


@managers
def _save(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(request, pk)
    form = CampaignForm(request.POST, request.FILES, campaign=found)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    change(found, form.wishes(), by=person_of(request), now=timezone.now())
    messages.success(request, "Saved. Orders that are not settled yet are being decided anew.")
    return redirect("campaign", pk=pk)


@require_safe
@members
def decisions(request: HttpRequest, pk: int) -> HttpResponse:
    """The orders on which this campaign decided, newest first, with what said no."""
    found = _find(request, pk)
    rows = (
        FollowUp.objects.for_seller(seller_of(request))
        .filter(campaign=found)
        .select_related("order", "message")
        .defer("order__alias_sealed", "message__letter_sealed")
    )
    verdict = request.GET.get("verdict", "")
    if verdict in set(Verdict):
        rows = rows.filter(verdict=verdict)
    page = page_of(rows, NEWEST_DECISION_FIRST, request.GET.get("at", ""))
    context = {
        "campaign": found,
        "page": page,
        "verdict": verdict,
        "verdicts": VERDICTS.items(),
        "rows": [(row, [check for check in row.checks if not check["passed"]]) for row in page.rows],
    }
    return render(request, "campaigns/decisions.html", context)


def _find(request: HttpRequest, pk: int) -> Campaign:
    rows = Campaign.objects.for_seller(seller_of(request)).prefetch_related("rules", "templates")
    return get_object_or_404(rows, pk=pk)


def _page(request: HttpRequest, found: Campaign, form: CampaignForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "campaign": found,
        "form": form,
        "saved_name": form.initial["name"],
        "words": words_for(found),
        "verdicts": _verdicts(found),
        "kinds": KINDS,
        "one_more": empty_row(),
        "changes": found.changes.select_related("by").order_by("-at", "-id")[:CHANGES_SHOWN],
        "asked_order": order_asked_for(request),
        "previews": previews_of(found, chosen=request.GET.get("language", "")),
    }
    return render(request, "campaigns/campaign.html", context, status=status)


def _verdicts(found: Campaign) -> list[tuple[str, str, int]]:
    """Value, words and count of each verdict, also of those that nobody got."""
    rows = FollowUp.objects.filter(campaign=found).order_by().values("verdict").annotate(count=Count("id"))
    counted = {row["verdict"]: row["count"] for row in rows}
    return [(verdict.value, text, counted.get(verdict, 0)) for verdict, text in VERDICTS.items()]


def _counts(seller: Seller, *, now: datetime) -> dict[int, dict[str, int]]:
    """Per campaign: what waits, and what was sent in the last 30 days. One query, and not of all that was ever sent."""
    of_now = Q(message__status__in=COMING) | Q(message__status=Status.SENT, message__touched_at__gte=now - SENT_WITHIN)
    followed = FollowUp.objects.for_seller(seller).filter(of_now, message__seller=seller)
    rows = (
        followed.order_by()
        .values("campaign_id")
        .annotate(
            coming=Count("id", filter=Q(message__status__in=COMING)),
            sent=Count("id", filter=Q(message__status=Status.SENT, message__touched_at__gte=now - SENT_WITHIN)),
        )
    )
    return {row["campaign_id"]: {"coming": row["coming"], "sent": row["sent"]} for row in rows}
