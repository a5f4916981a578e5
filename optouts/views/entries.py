"""Opt-outs: whom this seller does not write to.

Entries that hold for all sellers belong to none, so no page shows them: a buyer who opted out with one seller looks to
another like any opted-out buyer, on the page of the order.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from accounts.export import csv_file
from accounts.models import Seller
from accounts.paging import Key, batches, page_of
from optouts.forms import EntrySearch
from optouts.models import Suppression
from optouts.templatetags.evidence import grade_in_words
from optouts.views.setting_up import set_up

ENTRIES_NEWEST_FIRST = Key("created_at")
ENTRY_COLUMNS = ("Order", "Stops", "Since (UTC)", "Reason", "Evidence", "State")
STOPS = {Suppression.Kind.ORDER: "messages about this order", Suppression.Kind.ALIAS: "every message to this buyer"}


@require_safe
@members
def optouts(request: HttpRequest) -> HttpResponse:
    """The seller's inbound address, its mailboxes, and the entries of the list."""
    seller, search = seller_of(request), EntrySearch(request.GET)
    context: dict[str, Any] = {"search": search} | set_up(seller)
    if not search.is_valid():
        return render(request, "optouts/optouts.html", context, status=422)
    page = page_of(search.narrow(_entries(seller)), ENTRIES_NEWEST_FIRST, request.GET.get("at", ""))
    context |= {"page": page, "is_narrowed": any(search.cleaned_data.values())}
    return render(request, "optouts/optouts.html", context)


@require_safe
@members
def optouts_export(request: HttpRequest) -> HttpResponse:
    """The entries, with the same filters, as a file."""
    seller, search = seller_of(request), EntrySearch(request.GET)
    if not search.is_valid():
        return render(request, "optouts/optouts.html", {"search": search} | set_up(seller), status=422)
    found = batches(search.narrow(_entries(seller)), ENTRIES_NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("opt-outs", ENTRY_COLUMNS, _entry_lines(found))


def _entries(seller: Seller) -> QuerySet[Suppression]:
    return Suppression.objects.for_seller(seller)


def _entry_lines(found: Iterator[list[Suppression]]) -> Iterator[list[Any]]:
    for batch in found:
        for entry in batch:
            yield [
                entry.amazon_order_id,
                STOPS[Suppression.Kind(entry.kind)],
                entry.created_at,
                entry.reason,
                grade_in_words(entry.grade),
                entry.get_state_display(),
            ]
