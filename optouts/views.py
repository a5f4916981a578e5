"""Opt-outs: where notices arrive, what they proved, and whom this seller does not write to.

Entries that hold for all sellers belong to none, so no page shows them: a buyer who opted out with one seller looks to
another like any opted-out buyer, on the page of the order.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages as flashes
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CAN_CHANGE, managers, members, owners, role_of, seller_of
from accounts.export import csv_file
from accounts.models import AccountMarketplace, Seller, User
from accounts.paging import Key, batches, page_of
from amazon.marketplaces import find
from optouts import addresses
from optouts.forms import EntrySearch, NoticeSearch
from optouts.models import InboundAddress, Notice, SellerMailbox, Suppression
from optouts.showing import mail_of
from optouts.templatetags.evidence import grade_in_words

ENTRIES_NEWEST_FIRST, NOTICES_NEWEST_FIRST = Key("created_at"), Key("received_at")
ENTRY_COLUMNS = ("Order", "Stops", "Since (UTC)", "Reason", "Evidence", "State")
NOTICE_COLUMNS = ("Received (UTC)", "Order", "Verdict", "Reason", "Evidence")
STOPS = {Suppression.Kind.ORDER: "messages about this order", Suppression.Kind.ALIAS: "every message to this buyer"}


@require_safe
@members
def optouts(request: HttpRequest) -> HttpResponse:
    """The seller's inbound address, its mailboxes, and the entries of the list."""
    seller, search = seller_of(request), EntrySearch(request.GET)
    context: dict[str, Any] = {"search": search} | _set_up(seller)
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
        return render(request, "optouts/optouts.html", {"search": search} | _set_up(seller), status=422)
    found = batches(search.narrow(_entries(seller)), ENTRIES_NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("opt-outs", ENTRY_COLUMNS, _entry_lines(found))


@require_safe
@members
def notices(request: HttpRequest) -> HttpResponse:
    """The mails that the seller's address has received, with their verdicts."""
    search = NoticeSearch(request.GET)
    if not search.is_valid():
        return render(request, "optouts/notices.html", {"search": search}, status=422)
    page = page_of(search.narrow(_notices(seller_of(request))), NOTICES_NEWEST_FIRST, request.GET.get("at", ""))
    context = {"search": search, "page": page, "is_narrowed": any(search.cleaned_data.values())}
    return render(request, "optouts/notices.html", context)


@require_safe
@members
def notices_export(request: HttpRequest) -> HttpResponse:
    """The notices, with the same filters, as a file."""
    seller, search = seller_of(request), NoticeSearch(request.GET)
    if not search.is_valid():
        return render(request, "optouts/notices.html", {"search": search}, status=422)
    found = batches(search.narrow(_notices(seller)), NOTICES_NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("notices", NOTICE_COLUMNS, _notice_lines(found))


@require_safe
@members
def notice(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice: the verdict, what proves it, and the mail's text for those who may act on it."""
    rows = Notice.objects.for_seller(seller_of(request)).select_related("order", "mailbox").defer("order__alias_sealed")
    found = get_object_or_404(rows, pk=pk)
    context = {
        "notice": found,
        "signatures": [
            signature | {"signed_at": _instant(signature.get("signed_at"))}
            for signature in found.evidence.get("signatures", [])
        ],
        "mail": mail_of(found) if role_of(request) in CAN_CHANGE else None,
        "is_kept": found.raw_sealed is not None,
    }
    return render(request, "optouts/notice.html", context)


@require_POST
@managers
def open_address(request: HttpRequest) -> HttpResponse:
    """Make the seller's inbound address, for a seller who has none."""
    addresses.open_address(seller_of(request))
    return redirect("optouts")


@require_POST
@owners
def confirm_mailbox(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner says that a mailbox is the seller's own; what waited for that is read again."""
    mailbox = SellerMailbox.objects.for_seller(seller_of(request)).filter(pk=pk).first()
    if mailbox is None:
        raise Http404("There is no such mailbox.")
    assert isinstance(request.user, User)
    again = addresses.confirm_mailbox(seller_of(request), mailbox.pk, by=request.user, now=timezone.now())
    read_again = f" {again} notice{'s' * (again != 1)} that came through it are read again." if again else ""
    flashes.success(request, f"{mailbox.address} is confirmed.{read_again}")
    return redirect("optouts")


def _set_up(seller: Seller) -> dict[str, Any]:
    """What the page shows above the list: four queries."""
    address = InboundAddress.objects.for_seller(seller).order_by("-created_at").first()
    newest = Notice.objects.for_seller(seller).order_by("-received_at", "-id")
    places = AccountMarketplace.objects.for_seller(seller).values_list("marketplace_id", flat=True)
    known = [marketplace for place in set(places) if (marketplace := find(place))]
    return {
        "address": addresses.full_address(address) if address else "",
        "mailboxes": list(
            SellerMailbox.objects.for_seller(seller).select_related("confirmed_by").order_by("first_seen_at", "id")[:50]
        ),
        "last_notice_at": newest.values_list("received_at", flat=True).first(),
        "is_waiting": Notice.objects.for_seller(seller).filter(status=Notice.Status.QUARANTINED).exists(),
        "seller_centrals": sorted({marketplace.seller_central for marketplace in known}),
    }


def _entries(seller: Seller) -> QuerySet[Suppression]:
    return Suppression.objects.for_seller(seller)


def _notices(seller: Seller) -> QuerySet[Notice]:
    return Notice.objects.for_seller(seller).defer("raw_sealed", "evidence")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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


def _notice_lines(found: Iterator[list[Notice]]) -> Iterator[list[Any]]:
    for batch in found:
        for notice in batch:
            yield [
                notice.received_at,
                notice.amazon_order_id,
                notice.get_status_display(),
                notice.reason,
                grade_in_words(notice.grade),
            ]
