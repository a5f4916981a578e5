"""Scheduling: what will be sent, soonest first, and what the team may do to it."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages as flashes
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import managers, members, seller_of
from accounts.export import csv_file
from accounts.models import Seller
from accounts.paging import Key, batches, page_of
from messaging import team
from messaging.choosing import MOST, NothingChosen, chosen, coming, opened, sealed, search_of
from messaging.forms import ConfirmForm
from messaging.models import Message, Status
from messaging.team import Act
from orders.clocks import marketplace_name

SOONEST_FIRST = Key("due_at", newest_first=False)
COLUMNS = ("Order", "Marketplace", "Due (UTC)", "Campaign", "Why now", "Channel", "State", "Reason")
DONE = {Act.SEND: "Going out within minutes", Act.HOLD: "Held", Act.RELEASE: "Released", Act.SKIP: "Skipped"}
EXCLUDED_BY = (("order", "orders"), ("buyer", "buyers"), ("sku", "SKUs"))  # campaigns.views.exclusions does it
SHOWN = 100  # on the page that asks; the numbers are of all


@require_safe
@members
def scheduling(request: HttpRequest) -> HttpResponse:
    """What will be sent for this seller. The number of an order leads to that order."""
    seller = seller_of(request)
    search = search_of(request.GET, seller)
    if not search.is_valid():
        return render(request, "messaging/scheduling.html", {"search": search}, status=422)
    if (named := search.named_order(seller)) is not None:
        return redirect("order", pk=named)
    page = page_of(search.narrow(_rows(seller)), SOONEST_FIRST, request.GET.get("at", ""))
    context = {"search": search, "page": page, "is_narrowed": any(search.cleaned_data.values()), "acts": list(Act)}
    context["excluded_by"] = EXCLUDED_BY
    if page.next or not page.is_first:  # else all of them can be ticked
        fitting = search.narrow(coming(seller)).order_by()[: MOST + 1].count()
        context |= {"fitting": fitting, "is_too_many": fitting > MOST, "most": MOST}
    return render(request, "messaging/scheduling.html", context | {"now": timezone.now()})


@require_safe
@members
def scheduling_export(request: HttpRequest) -> HttpResponse:
    """The same list, with the same filters, as a file."""
    seller = seller_of(request)
    search = search_of(request.GET, seller)
    if not search.is_valid():
        return render(request, "messaging/scheduling.html", {"search": search}, status=422)
    found = batches(search.narrow(_rows(seller)), SOONEST_FIRST, seller_id=seller.pk)
    return csv_file("scheduling", COLUMNS, _lines(found))


@require_safe
@managers
def confirm_act(request: HttpRequest) -> HttpResponse:
    """Before anything happens: exactly which messages it will be."""
    what = request.GET.get("act", "")
    try:
        if what not in Act.values:
            raise NothingChosen("Choose what is to be done.")
        ids = chosen(request.GET, seller_of(request))
    except NothingChosen as trouble:
        flashes.error(request, str(trouble))
        return redirect("scheduling")
    return _confirmation(request, Act(what), ids, ConfirmForm())


@require_POST
@managers
def act(request: HttpRequest) -> HttpResponse:
    """Do to these messages what a page has said."""
    seller, form = seller_of(request), ConfirmForm(request.POST)
    is_fine = form.is_valid()
    try:
        if form.data.get("act") not in Act.values:
            raise NothingChosen("Nothing was done: choose the messages again.")
        what, ids = Act(form.data["act"]), opened(seller, form.data.get("chosen", ""))
    except NothingChosen as trouble:
        flashes.error(request, str(trouble))
        return redirect("scheduling")
    if not is_fine:
        return _confirmation(request, what, ids, form, status=422)
    done = team.act(seller, what, ids, note=form.cleaned_data["note"], now=timezone.now())
    left = len(ids) - len(done)
    if done:
        flashes.success(request, f"{DONE[what]}: {_count(len(done))}.")
    if left:
        flashes.warning(
            request,
            f"{_count(left)} had moved on meanwhile; nothing was done to {'it' if left == 1 else 'them'}.",
        )
    return redirect("scheduling")


def _confirmation(
    request: HttpRequest, what: Act, ids: list[int], form: ConfirmForm, *, status: int = 200
) -> HttpResponse:
    seller, now = seller_of(request), timezone.now()
    possible: list[Message] = []
    impossible: list[tuple[Message, str]] = []
    for message in team.of_team(seller, ids):
        reason = team.why_not(what, message, now=now)
        if reason is None:
            possible.append(message)
        else:
            impossible.append((message, reason))
    context = {
        "form": form,
        "act": what,
        "possible": possible[:SHOWN],
        "number": len(possible),
        "more": max(0, len(possible) - SHOWN),
        "impossible": impossible[:SHOWN],
        "more_impossible": max(0, len(impossible) - SHOWN),
        "chosen": sealed(seller, [message.pk for message in possible]),
        "now": now,
    }
    return render(request, "messaging/confirm.html", context, status=status)


def _rows(seller: Seller) -> QuerySet[Message]:
    return coming(seller).select_related("order").defer("letter_sealed", "order__alias_sealed")


def _lines(found: Iterator[list[Message]]) -> Iterator[list[Any]]:
    for batch in found:
        for message in batch:
            yield [
                message.order.amazon_order_id,
                marketplace_name(message.order.marketplace_id),
                message.due_at,
                message.title,
                message.why_now,
                message.get_channel_display(),
                Status(message.status).label,
                message.reason,
            ]


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"
