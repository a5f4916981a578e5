"""Notices: the mails that arrived at the seller's address, what they say and what they proved."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages as flashes
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CAN_CHANGE, managers, members, role_of, seller_of
from accounts.export import csv_file
from accounts.keys import is_order_id
from accounts.models import Seller, User
from accounts.paging import Key, batches, page_of
from optouts import listing
from optouts.forms import NoticeSearch
from optouts.models import Notice
from optouts.reasons import Kind, Reason
from optouts.showing import mail_of
from optouts.templatetags.evidence import proof_of

NOTICES_NEWEST_FIRST = Key("received_at")
HIS_OWN_WORDS = "the buyer asked you in his own words to stop writing"
NOTICE_COLUMNS = ("Received (UTC)", "Order", "Verdict", "Reason", "Evidence")


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
    context = _own_words(request, found) | {
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
def leave_in_peace(request: HttpRequest, pk: int) -> HttpResponse:
    """A buyer asked in his own words: one click, and this seller's campaigns do not write to him."""
    seller = seller_of(request)
    found = get_object_or_404(Notice.objects.for_seller(seller), pk=pk)
    aim = _aim_of(seller, found)
    assert isinstance(request.user, User)
    if not _asks_to_stop(found) or aim is None:
        flashes.error(request, "The notice names no buyer of yours who asks for it.")
        return redirect("notice", pk=pk)
    listing.bring_forward(seller, [found.amazon_order_id], now=timezone.now())
    wish = listing.Wish(_aim_of(seller, found) or aim, HIS_OWN_WORDS)
    listing.add(seller, [wish], by=request.user, now=timezone.now())
    flashes.success(request, "Your campaigns do not write to this buyer any more. You can take it back under Opt-outs.")
    return redirect("notice", pk=pk)


def _own_words(request: HttpRequest, notice: Notice) -> dict[str, Any]:
    """What the page offers when a buyer asks to be left in peace."""
    if not _asks_to_stop(notice):
        return {}
    seller = seller_of(request)
    aim = _aim_of(seller, notice)
    return {
        "asks_to_stop": True,
        "may_leave_in_peace": aim is not None and role_of(request) in CAN_CHANGE,
        "is_left_in_peace": aim is not None and listing.in_force(seller, aim.keys).exists(),
    }


def _asks_to_stop(notice: Notice) -> bool:
    return notice.kind == Kind.BUYER_MESSAGE and notice.reason == Reason.BUYER_ASKS_TO_STOP


def _aim_of(seller: Seller, notice: Notice) -> listing.Aim | None:
    """Whom a notice names, if it is a buyer of this seller."""
    if not is_order_id(notice.amazon_order_id):
        return None
    aim = listing.aim_at(seller, notice.amazon_order_id)
    return aim if aim.is_known else None


def _notices(seller: Seller) -> QuerySet[Notice]:
    return Notice.objects.for_seller(seller).defer("raw_sealed", "evidence")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _notice_lines(found: Iterator[list[Notice]]) -> Iterator[list[Any]]:
    for batch in found:
        for notice in batch:
            yield [
                notice.received_at,
                notice.amazon_order_id,
                notice.get_status_display(),
                notice.reason,
                proof_of(notice),
            ]
