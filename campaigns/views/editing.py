"""Beginning a campaign, the rows of its rules, and putting it away: always with what exactly is touched."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import managers, person_of, seller_of
from accounts.export import csv_file
from campaigns import lifecycle
from campaigns.eligibility.conditions import LISTS, RuleKind
from campaigns.forms import NewCampaignForm
from campaigns.lifecycle import RuleWish, Wishes
from campaigns.models import Campaign, Rule
from campaigns.rule_rows import KINDS, PICKED_FROM_ORDERS, empty_row
from campaigns.starting import SENSIBLE
from messaging.models import Channel
from orders.models import OrderItem

FIRST_DELAY = {Channel.REQUEST_REVIEW: 7, Channel.BUYER_EMAIL: 2}
PICKED_FROM = 5000  # the newest items that are looked through for products to pick
OFFERED = 50


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def campaign_new(request: HttpRequest) -> HttpResponse:
    seller = seller_of(request)
    form = NewCampaignForm(request.POST if request.method == "POST" else None, seller_id=seller.pk)
    if not form.is_valid():
        return render(request, "campaigns/new.html", {"form": form}, status=422 if form.is_bound else 200)
    channel = Channel(form.cleaned_data["channel"])
    wishes = Wishes(
        name=form.cleaned_data["name"],
        channel=channel,
        delay_days=FIRST_DELAY[channel],
        rules=tuple(RuleWish(kind, operator) for kind, operator in SENSIBLE),
    )
    made = lifecycle.create(seller, wishes, by=person_of(request), now=timezone.now())
    messages.success(
        request, "A draft has been made. Set its time and its rules; nothing is sent until you turn it on."
    )
    return redirect("campaign", pk=made.pk)


@require_safe
@managers
def rule_row(request: HttpRequest) -> HttpResponse:
    """A fresh row of the form, for htmx; of the kind that is asked for."""
    uid = request.GET.get("uid", "")
    kind = request.GET.get(f"{uid}-kind", "") or request.GET.get("kind", "")
    return render(request, "campaigns/rule.html", {"row": empty_row(kind), "kinds": KINDS})


@require_safe
@managers
def rule_products(request: HttpRequest) -> HttpResponse:
    """The seller's own products by how often they were sold lately, to pick from, for htmx."""
    uid, kind = request.GET.get("uid", ""), request.GET.get("kind", "")
    column = kind if kind in PICKED_FROM_ORDERS else RuleKind.SKU.value
    newest = OrderItem.objects.for_seller(seller_of(request)).exclude(**{column: ""}).order_by("-id")
    ids = newest.values("pk")[:PICKED_FROM]
    rows = OrderItem.objects.filter(pk__in=ids).order_by().values(column).annotate(sold=Count("pk"))
    products = [(row[column], row["sold"]) for row in rows.order_by("-sold", column)[:OFFERED]]
    return render(request, "campaigns/products.html", {"uid": uid, "products": products})


@require_safe
@managers
def rule_list(request: HttpRequest, pk: int) -> HttpResponse:
    """All values of a list that is too long for the form, under a heading by which a file of it is read again."""
    lists = Rule.objects.for_seller(seller_of(request)).filter(kind__in=[kind.value for kind in LISTS])
    rule = get_object_or_404(lists, pk=pk)
    label = str(Rule.Kind(rule.kind).label)
    return csv_file(rule.kind, [label], ([value] for value in rule.values))


@require_POST
@managers
def campaign_copy(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.for_seller(seller_of(request)), pk=pk)
    made = lifecycle.copy(campaign, by=person_of(request), now=timezone.now())
    messages.success(request, f"“{made.name}” is a draft with the same settings, rules and templates.")
    return redirect("campaign", pk=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def campaign_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what is touched; POST puts it away, or takes it out again."""
    campaign = get_object_or_404(Campaign.objects.for_seller(seller_of(request)), pk=pk)
    is_archived = campaign.status == Campaign.Status.ARCHIVED
    if request.method != "POST":
        context = {"campaign": campaign, "is_archived": is_archived, "waiting": len(lifecycle.waiting_for(campaign))}
        return render(request, "campaigns/archive.html", context)
    if request.POST.get("wanted") == "restore":
        lifecycle.restore(campaign, by=person_of(request), now=timezone.now())
        messages.success(request, f"“{campaign.name}” is out of the archive. It is off.")
        return redirect("campaign", pk=pk)
    taken_back = lifecycle.archive(campaign, by=person_of(request), now=timezone.now())
    messages.success(request, f"“{campaign.name}” is archived; {taken_back} waiting messages were cancelled.")
    return redirect("campaigns")
