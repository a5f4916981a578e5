"""Opt-outs: whom this seller does not write to; to look at, to look up, to add to, and to take back from.

Entries that hold for all sellers belong to none, so no page lists them: a buyer who opted out with one seller looks to
another like any opted-out buyer, on the page of the order and in a look-up.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages as flashes
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import CAN_CHANGE, managers, members, role_of, seller_of
from accounts.export import csv_file
from accounts.models import Seller, User
from accounts.paging import Key, batches, page_of
from optouts import listing
from optouts.forms import EntrySearch, NewEntry, RemovalForm, WhichBuyer
from optouts.models import Suppression, SuppressionEvent
from optouts.templatetags.evidence import evidence_of, state_in_words
from optouts.views.setting_up import set_up

ENTRIES_NEWEST_FIRST = Key("created_at")
ENTRY_COLUMNS = ("Order", "Stops", "Since (UTC)", "Reason", "Grade", "Evidence", "State")
STOPS = {Suppression.Kind.ORDER: "messages about this order", Suppression.Kind.ALIAS: "every message to this buyer"}
TOO_MANY = f"More than {listing.LOOK_UPS_AN_HOUR} look-ups in an hour. Try again in the next one."
PROVED = "A notice from Amazon stands behind an entry now, so that nothing was taken back. See what is left."


@require_safe
@members
def optouts(request: HttpRequest) -> HttpResponse:
    """The seller's inbound address, its mailboxes, and the entries of the list."""
    seller, search = seller_of(request), EntrySearch(request.GET)
    if not search.is_valid():
        return _list(request, {"search": search}, status=422)
    page = page_of(search.narrow(seller, _entries(seller)), ENTRIES_NEWEST_FIRST, request.GET.get("at", ""))
    return _list(request, {"search": search, "page": page, "is_narrowed": any(search.cleaned_data.values())})


@require_safe
@members
def optouts_export(request: HttpRequest) -> HttpResponse:
    """The entries, with the same filters, as a file."""
    seller, search = seller_of(request), EntrySearch(request.GET)
    if not search.is_valid():
        return _list(request, {"search": search}, status=422)
    found = batches(search.narrow(seller, _entries(seller)), ENTRIES_NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("opt-outs", ENTRY_COLUMNS, _entry_lines(found))


@require_POST
@members
def look_up(request: HttpRequest) -> HttpResponse:
    """Is this buyer written to? By POST, so that no buyer's address stands in a log or in the browser's history."""
    form = WhichBuyer(request.POST)
    if not form.is_valid():
        return render(request, "optouts/look_up.html", {"look_up": form}, status=422)
    try:
        answer = listing.look_up(seller_of(request), form.cleaned_data["buyer"], now=timezone.now())
    except listing.TooManyLookUps:
        form.add_error("buyer", TOO_MANY)
        return render(request, "optouts/look_up.html", {"look_up": form}, status=429)
    return render(request, "optouts/look_up.html", {"look_up": form, "answer": answer})


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def add_optout(request: HttpRequest) -> HttpResponse:
    """Put a buyer on the list of this seller, by hand."""
    form = NewEntry(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "optouts/add.html", {"form": form}, status=422 if form.is_bound else 200)
    assert isinstance(request.user, User)
    seller = seller_of(request)
    listing.bring_forward(seller, [form.cleaned_data["buyer"]], now=timezone.now())
    aim = listing.aim_at(seller, form.cleaned_data["buyer"])
    wish = listing.Wish(aim, form.cleaned_data["reason"])
    added = listing.add(seller, [wish], by=request.user, now=timezone.now())
    flashes.success(request, _said(aim, added))
    return redirect("optouts")


@require_safe
@members
def optout(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what it stops, why, what stands behind it, and what taking it back would do."""
    return _show(request, _entry_of(request, pk))


@require_POST
@managers
def remove_optout(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what was shown on the page of the entry."""
    entry, seller = _entry_of(request, pk), seller_of(request)
    shown = [one.pk for one in listing.removal_of(seller, entry).going]
    form = RemovalForm(request.POST, shown=shown)
    if not form.is_valid():
        return _show(request, entry, form)
    assert isinstance(request.user, User)
    chosen = form.cleaned_data["entry"]
    try:
        listing.remove(seller, chosen, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now())
    except listing.NotYours:
        flashes.error(request, PROVED)
        return redirect("optout", pk=pk)
    flashes.success(request, f"Taken back: {len(chosen)} entr{'y' if len(chosen) == 1 else 'ies'}.")
    return redirect("optouts")


def _list(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context |= {"look_up": WhichBuyer()} | set_up(seller_of(request))
    return render(request, "optouts/optouts.html", context, status=status)


def _show(request: HttpRequest, entry: Suppression, form: RemovalForm | None = None) -> HttpResponse:
    seller = seller_of(request)
    removal = listing.removal_of(seller, entry)
    shown = [one.pk for one in removal.going]
    context = {
        "entry": entry,
        "events": sorted(entry.events.all(), key=lambda event: event.pk),
        "people": _people(seller, entry),
        "removal": removal,
        "is_held": entry.state == Suppression.State.HELD,
        "form": form or RemovalForm(shown=shown, initial={"entry": shown}),
        "may_remove": bool(removal.going) and role_of(request) in CAN_CHANGE,
    }
    return render(request, "optouts/entry.html", context, status=422 if form else 200)


def _entry_of(request: HttpRequest, pk: int) -> Suppression:
    seller = seller_of(request)
    events = Prefetch("events", SuppressionEvent.objects.for_seller(seller))
    return get_object_or_404(_entries(seller).prefetch_related(events), pk=pk)


def _people(seller: Seller, entry: Suppression) -> dict[str, str]:
    """The names of the team's people among the actors. Who has left the team is "a person of your team"."""
    actors = {event.actor for event in entry.events.all() if event.actor.startswith("member ")}
    ids = [actor.partition(" ")[2] for actor in actors]
    team = User.objects.filter(membership__seller=seller, pk__in=[pk for pk in ids if pk.isdigit()])
    return {listing.actor(person): str(person) for person in team}


def _said(aim: listing.Aim, added: int) -> str:
    whom = f"Order {aim.amazon_order_id}" if aim.amazon_order_id else "The buyer"
    if not added:
        return f"{whom} was on your list already; nothing was changed."
    if not aim.is_known:
        return f"{whom} is on your list. None of your orders is meant yet; it holds as soon as one comes."
    if aim.alias_key is None:
        return f"{whom} is on your list. Amazon gave no address of its buyer, so that other orders are not meant."
    return f"{whom} and its buyer are on your list: your campaigns write about none of this buyer's orders."


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
                entry.grade,
                evidence_of(entry),
                state_in_words(entry),
            ]
