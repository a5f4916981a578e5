"""Notices: the mails that arrived at the seller's address, what they say and what they proved."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import CAN_CHANGE, members, role_of, seller_of
from accounts.export import csv_file
from accounts.models import Seller
from accounts.paging import Key, batches, page_of
from optouts.forms import NoticeSearch
from optouts.models import Notice
from optouts.showing import mail_of
from optouts.templatetags.evidence import grade_in_words

NOTICES_NEWEST_FIRST = Key("received_at")
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
                grade_in_words(notice.grade),
            ]
