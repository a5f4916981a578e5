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
from messaging.forms import COMING, ActForm, ComingSearch, titles_of
from messaging.models import Message, Status
from messaging.team import Act, is_possible
from orders.clocks import marketplace_name
from orders.forms import marketplaces_of

SOONEST_FIRST = Key("due_at", newest_first=False)
COLUMNS = ("Order", "Marketplace", "Due (UTC)", "Campaign", "Channel", "State", "Reason")
DONE = {Act.HOLD: "Held", Act.RELEASE: "Released", Act.CANCEL: "Cancelled"}


@require_safe
@members
def scheduling(request: HttpRequest) -> HttpResponse:
    """What will be sent for this seller."""
    seller = seller_of(request)
    search = _search(request, seller)
    if not search.is_valid():
        return render(request, "messaging/scheduling.html", {"search": search}, status=422)
    page = page_of(search.narrow(_coming(seller)), SOONEST_FIRST, request.GET.get("at", ""))
    context = {"search": search, "page": page, "is_narrowed": any(search.cleaned_data.values()), "acts": list(Act)}
    return render(request, "messaging/scheduling.html", context | {"now": timezone.now()})


@require_safe
@members
def scheduling_export(request: HttpRequest) -> HttpResponse:
    """The same list, with the same filters, as a file."""
    seller = seller_of(request)
    search = _search(request, seller)
    if not search.is_valid():
        return render(request, "messaging/scheduling.html", {"search": search}, status=422)
    found = batches(search.narrow(_coming(seller)), SOONEST_FIRST, seller_id=seller.pk)
    return csv_file("scheduling", COLUMNS, _lines(found))


@require_safe
@managers
def confirm_act(request: HttpRequest) -> HttpResponse:
    """Before anything happens: exactly which orders it will be."""
    form = ActForm(request.GET)
    if not form.is_valid():
        for errors in form.errors.values():
            flashes.error(request, " ".join(str(error) for error in errors))
        return redirect("scheduling")
    return _confirmation(request, form)


@require_POST
@managers
def act(request: HttpRequest) -> HttpResponse:
    """Hold, release or cancel these messages."""
    form = ActForm(request.POST)
    if not form.is_valid():
        if "act" in form.errors or "message" in form.errors:
            flashes.error(request, "Nothing was done: choose the messages again.")
            return redirect("scheduling")
        return _confirmation(request, form, status=422)
    what, chosen = Act(form.cleaned_data["act"]), form.cleaned_data["message"]
    done = team.act(seller_of(request), what, chosen, note=form.cleaned_data["note"], now=timezone.now())
    left = len(chosen) - len(done)
    if done:
        flashes.success(request, f"{DONE[what]}: {_count(len(done))}.")
    if left:
        flashes.warning(
            request,
            f"{_count(left)} had moved on meanwhile; nothing was done to it."
            if left == 1
            else f"{_count(left)} had moved on meanwhile; nothing was done to them.",
        )
    return redirect("scheduling")


def _confirmation(request: HttpRequest, form: ActForm, *, status: int = 200) -> HttpResponse:
    what = Act(form.data["act"])
    chosen = list(
        Message.objects.for_seller(seller_of(request))
        .filter(pk__in=form.cleaned_data["message"])
        .select_related("order")
        .defer("letter_sealed", "order__alias_sealed")
        .order_by("due_at", "id")
    )
    context = {
        "form": form,
        "act": what,
        "possible": [message for message in chosen if is_possible(what, message)],
        "impossible": [message for message in chosen if not is_possible(what, message)],
        "now": timezone.now(),
    }
    return render(request, "messaging/confirm.html", context, status=status)


def _search(request: HttpRequest, seller: Seller) -> ComingSearch:
    titles = titles_of(_coming(seller).order_by(*SOONEST_FIRST.ordering))
    return ComingSearch(request.GET, titles=titles, marketplaces=marketplaces_of(seller))


def _coming(seller: Seller) -> QuerySet[Message]:
    rows = Message.objects.for_seller(seller).filter(status__in=COMING)
    return rows.select_related("order").defer("letter_sealed", "order__alias_sealed")


def _lines(found: Iterator[list[Message]]) -> Iterator[list[Any]]:
    for batch in found:
        for message in batch:
            yield [
                message.order.amazon_order_id,
                marketplace_name(message.order.marketplace_id),
                message.due_at,
                message.title,
                message.get_channel_display(),
                Status(message.status).label,
                message.reason,
            ]


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"
