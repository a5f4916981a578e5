"""History: what was sent or not, and why, newest first."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from accounts.export import csv_file
from accounts.models import AmazonAccount, Seller
from accounts.paging import Key, batches, page_of
from messaging import reports
from messaging.forms import HistorySearch, titles_of
from messaging.models import SETTLED, Message, Status
from orders.clocks import marketplace_name
from orders.forms import marketplaces_of

NEWEST_FIRST = Key("touched_at")
COLUMNS = (
    "Order",
    "Marketplace",
    "When (UTC)",
    "Outcome",
    "Reason",
    "Campaign",
    "Channel",
    "Account",
    "Due (UTC)",
    "Handed over (UTC)",
    "Settled (UTC)",
    "Amazon's receipt",
    "Message-ID",
)


@require_safe
@members
def history(request: HttpRequest) -> HttpResponse:
    """What became of this seller's messages."""
    seller = seller_of(request)
    search = _search(request, seller)
    if not search.is_valid():
        return render(request, "messaging/history.html", {"search": search}, status=422)
    page = page_of(search.narrow(_settled(seller)), NEWEST_FIRST, request.GET.get("at", ""))
    context = {
        "search": search,
        "page": page,
        "is_narrowed": any(search.cleaned_data.values()),
        "unknown": reports.unknown(seller),
    }
    return render(request, "messaging/history.html", context)


@require_safe
@members
def history_export(request: HttpRequest) -> HttpResponse:
    """The same list, with the same filters, as a file."""
    seller = seller_of(request)
    search = _search(request, seller)
    if not search.is_valid():
        return render(request, "messaging/history.html", {"search": search}, status=422)
    found = batches(search.narrow(_settled(seller)), NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("history", COLUMNS, _lines(found))


def _search(request: HttpRequest, seller: Seller) -> HistorySearch:
    titles = titles_of(_settled(seller).order_by(*NEWEST_FIRST.ordering))
    accounts = [(str(one.pk), str(one)) for one in AmazonAccount.objects.for_seller(seller).order_by("store_name")]
    return HistorySearch(request.GET, titles=titles, marketplaces=marketplaces_of(seller), accounts=accounts)


def _settled(seller: Seller) -> QuerySet[Message]:
    rows = Message.objects.for_seller(seller).filter(status__in=SETTLED)
    rows = rows.select_related("order", "account")
    return rows.defer("letter_sealed", "order__alias_sealed", "account__refresh_token_sealed")


def _lines(found: Iterator[list[Message]]) -> Iterator[list[Any]]:
    for batch in found:
        for message in batch:
            yield [
                message.order.amazon_order_id,
                marketplace_name(message.order.marketplace_id),
                message.touched_at,
                Status(message.status).label,
                message.reason,
                message.title,
                message.get_channel_display(),
                str(message.account),
                message.due_at,
                message.handed_over_at,
                message.settled_at,
                message.receipt,
                message.message_id if message.letter_digest else "",
            ]
