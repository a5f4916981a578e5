"""Orders, and the page of one order that answers "Why?". Here and not in `orders`, because they show what campaigns
decided and what became of the messages.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages as flashes
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from accounts.export import csv_file
from accounts.models import Seller
from accounts.paging import Key, batches, page_of
from campaigns.exclusions import ORDER_ID
from campaigns.explaining import explain
from campaigns.models import FollowUp
from campaigns.views.order_story import Story, tell
from messaging.letters_kept import shown
from messaging.models import Message, MessageEvent, Purpose, Status
from optouts import gate
from orders.clocks import marketplace_name
from orders.forms import OrderSearch, marketplaces_of
from orders.models import Order, OrderItem, OrderReading

NEWEST_FIRST = Key("purchased_at")
COLUMNS = (
    "Order",
    "Bought (UTC)",
    "Marketplace",
    "Products",
    "Status",
    "Fulfilled by",
    "Delivered by (UTC)",
    "How we know",
    "Outcome",
    "Why",
)


@require_safe
@members
def orders(request: HttpRequest) -> HttpResponse:
    """The orders of this seller, newest first."""
    seller = seller_of(request)
    search = OrderSearch(request.GET, marketplaces=marketplaces_of(seller))
    context: dict[str, Any] = {"search": search, "readings": _readings(seller)}
    if not search.is_valid():
        return render(request, "orders/list.html", context, status=422)
    page = page_of(search.narrow(_with_stories(seller)), NEWEST_FIRST, request.GET.get("at", ""))
    context |= {
        "page": page,
        "rows": [(order, _story(order)) for order in page.rows],
        "is_narrowed": any(search.cleaned_data.values()),
    }
    return render(request, "orders/list.html", context)


@require_safe
@members
def orders_export(request: HttpRequest) -> HttpResponse:
    """The same list, with the same filters, as a file."""
    seller = seller_of(request)
    search = OrderSearch(request.GET, marketplaces=marketplaces_of(seller))
    if not search.is_valid():
        return render(request, "orders/list.html", {"search": search, "readings": _readings(seller)}, status=422)
    found = batches(search.narrow(_with_stories(seller)), NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("orders", COLUMNS, _lines(found))


@require_safe
@members
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """One order: what became of it and why, with every check and its values."""
    rows = _with_stories(seller_of(request)).defer(None)  # whether there is an alias is one of the facts
    bought = get_object_or_404(rows.select_related("account"), pk=pk)
    messages = list(bought.messages.all())
    prefetch_related_objects(messages, Prefetch("events", MessageEvent.objects.order_by("at", "id")))
    live = next((message for message in messages if message.status != Status.CANCELLED), None)
    context = {
        "order": bought,
        "story": _story(bought),
        "follow_ups": [(said, said.checks) for said in explain(bought, now=timezone.now())],
        "messages_of_order": messages,
        "live": live,
        "letter": shown(last) if (last := live or next(iter(messages), None)) else None,
        "notices": bought.notices.defer("raw_sealed", "evidence").order_by("-received_at", "-id")[:20],
        "written_by_hand": Message.objects.filter(order=bought, purpose=Purpose.CRITICAL)
        .defer("letter_sealed")
        .order_by("-id"),
        "suppressed": gate.standing(gate.buyer_of(bought)),
    }
    return render(request, "orders/order.html", context)


@require_safe
@members
def find_order(request: HttpRequest) -> HttpResponse:
    """From every page: whatever has an order's number in it leads to that order, anything else to the list's search."""
    words = request.GET.get("q", "").strip()[:200]
    number = ORDER_ID.search(words.upper())
    if number is None:
        return redirect(f"{reverse('orders')}?{urlencode({'q': words[:100]})}")
    named = Order.objects.for_seller(seller_of(request)).filter(amazon_order_id=number[0])
    found = named.order_by("id").values_list("pk", flat=True).first()
    if found is None:
        flashes.info(request, f"None of your orders has the number {number[0]}. Orders of the last 40 days are read.")
        return redirect("orders")
    return redirect("order", pk=found)


@require_safe
@members
def order_by_number(request: HttpRequest, amazon_order_id: str) -> HttpResponse:
    """Amazon's own number leads to the order's page."""
    named = Order.objects.for_seller(seller_of(request)).filter(amazon_order_id=amazon_order_id.upper())
    found = named.order_by("id").values_list("pk", flat=True).first()
    if found is None:
        raise Http404("There is no such order.")
    return redirect("order", pk=found)


def _with_stories(seller: Seller) -> QuerySet[Order]:
    """Orders with all that `tell` and a table need: four queries for any number of rows."""
    decisions = FollowUp.objects.select_related("campaign").order_by("campaign__priority", "campaign_id")
    of_campaigns = Message.objects.filter(purpose=Purpose.CAMPAIGN)
    messages = of_campaigns.defer("letter_sealed").order_by("-created_at", "-id")
    rows = Order.objects.for_seller(seller).defer("alias_sealed")
    related: list[Any] = [
        Prefetch("items", OrderItem.objects.order_by("id")),
        Prefetch("messages", messages),
        Prefetch("follow_ups", decisions),
    ]
    return rows.prefetch_related(*related)


def _story(order: Order) -> Story:
    return tell(order.marketplace_id, list(order.messages.all()), list(order.follow_ups.all()))


def _readings(seller: Seller) -> QuerySet[OrderReading]:
    return OrderReading.objects.for_seller(seller).select_related("account").order_by("account__store_name", "id")


def _lines(found: Iterator[list[Order]]) -> Iterator[list[object]]:
    for batch in found:
        for order in batch:
            story = _story(order)
            yield [
                order.amazon_order_id,
                order.purchased_at,
                marketplace_name(order.marketplace_id),
                "; ".join(f"{item.quantity} × {item}" for item in order.items.all()),
                Order.Status(order.status).label,
                Order.FulfilledBy(order.fulfilled_by).label,
                order.deliver_by_latest,
                Order.DeliveryKind(order.delivery_kind).label,
                story.label,
                story.sentence,
            ]
