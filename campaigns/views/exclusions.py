"""Exclusions: a seller's own do-not-contact. Added only after a preview has said what each line will do."""

from collections.abc import Iterator

from django import forms
from django.contrib import messages
from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import managers, members, person_of, seller_of
from accounts.export import csv_file
from accounts.models import Seller
from accounts.paging import Key, batches, page_of
from campaigns import exclusions
from campaigns.exclusion_lines import Effect, Line, counted, planned, planned_of_file
from campaigns.exclusions import Aim, Kind
from campaigns.forms_exclusions import ExcludeForm, ExclusionSearch
from campaigns.models import Exclusion
from campaigns.views.asked import order_asked_for
from messaging.choosing import NothingChosen, chosen
from optouts.list_files import Unusable

NEWEST_FIRST = Key("created_at")
COLUMNS = ("What", "Excluded", "Note", "Since (UTC)", "By")
SHOWN = 200  # lines of a preview on the page; the counts are of all
SALT = "campaigns.exclusions"
A_DAY = 24 * 3600


@require_safe
@members
def exclusions_list(request: HttpRequest) -> HttpResponse:
    seller, search = seller_of(request), ExclusionSearch(request.GET)
    if not search.is_valid():
        return render(request, "campaigns/exclusions.html", {"search": search}, status=422)
    page = page_of(search.narrow(_standing(seller)), NEWEST_FIRST, request.GET.get("at", ""))
    context = {"search": search, "page": page, "is_narrowed": any(search.cleaned_data.values())}
    return render(request, "campaigns/exclusions.html", context)


@require_safe
@members
def exclusions_export(request: HttpRequest) -> HttpResponse:
    """The same list, with the same filters, as a file."""
    seller, search = seller_of(request), ExclusionSearch(request.GET)
    if not search.is_valid():
        return render(request, "campaigns/exclusions.html", {"search": search}, status=422)
    found = batches(search.narrow(_standing(seller)), NEWEST_FIRST, seller_id=seller.pk)
    return csv_file("exclusions", COLUMNS, _rows(found))


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def exclude(request: HttpRequest) -> HttpResponse:
    """GET asks what; POST says what each line will do, and changes nothing yet."""
    seller = seller_of(request)
    if request.method != "POST":
        context = {"form": ExcludeForm(), "order": order_asked_for(request)}
        return render(request, "campaigns/exclude.html", context)
    form = ExcludeForm(request.POST, request.FILES)
    lines: list[Line] = []
    if form.is_valid():
        try:
            lines = _lines_of(seller, form)
        except Unusable as trouble:
            form.add_error("file" if form.cleaned_data["file"] else "values", str(trouble))
    if form.errors:
        return render(request, "campaigns/exclude.html", {"form": form}, status=422)
    return _preview(request, lines, note=form.cleaned_data["note"])


@require_safe
@managers
def exclude_chosen(request: HttpRequest) -> HttpResponse:
    """What excluding the orders, buyers or SKUs of chosen waiting messages would do."""
    seller, kind = seller_of(request), request.GET.get("kind", "")
    try:
        if kind not in (Kind.ORDER, Kind.BUYER, Kind.SKU):
            raise NothingChosen("Choose what is to be excluded.")
        ids = chosen(request.GET, seller)
        lines = planned(seller, Kind(kind), "\n".join(exclusions.names_of(seller, Kind(kind), ids)))
    except (NothingChosen, Unusable) as trouble:
        messages.error(request, str(trouble))
        return redirect("scheduling")
    return _preview(request, lines, note="")


def _preview(request: HttpRequest, lines: list[Line], *, note: str) -> HttpResponse:
    seller = seller_of(request)
    aims = list(dict.fromkeys(aim for line in lines for aim in line.aims))
    context = {
        "lines": sorted(lines[:SHOWN], key=lambda line: line.effect is not Effect.UNUSABLE),
        "more": max(0, len(lines) - SHOWN),
        "counts": [(effect.value, counted(lines)[effect]) for effect in Effect if counted(lines)[effect]],
        "number": len(aims),
        "waiting": exclusions.waiting_for(seller, aims),
        "wanted": _signed(seller, aims, note),
    }
    return render(request, "campaigns/exclude_preview.html", context)


@require_POST
@managers
def exclude_now(request: HttpRequest) -> HttpResponse:
    """Carry out what a preview has shown: exactly that."""
    seller = seller_of(request)
    try:
        rows, note = signing.loads(request.POST.get("wanted", ""), salt=f"{SALT}.{seller.pk}", max_age=A_DAY)
    except signing.BadSignature:
        messages.error(request, "Nothing was excluded: this preview is out of date. Enter it again.")
        return redirect("exclude")
    aims = [Aim(Kind(kind), value, named) for kind, value, named in rows]
    new = exclusions.exclude(seller, aims, by=person_of(request), now=timezone.now(), note=note)
    word = "exclusion was" if len(new) == 1 else "exclusions were"
    messages.success(request, f"{len(new):,} {word} added. What waited for their orders was taken back.")
    return redirect("exclusions")


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def lift_exclusion(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what it touches; POST lifts it."""
    seller = seller_of(request)
    row = get_object_or_404(_standing(seller), pk=pk)
    if request.method == "POST":
        exclusions.lift(seller, [pk], by=person_of(request), now=timezone.now())
        messages.success(request, f"{row} is no longer excluded. Its orders are being decided anew.")
        return redirect("exclusions")
    return render(request, "campaigns/exclusion_lift.html", {"row": row})


def _standing(seller: Seller) -> QuerySet[Exclusion]:
    return Exclusion.objects.for_seller(seller).filter(lifted_at__isnull=True).select_related("created_by")


def _lines_of(seller: Seller, form: forms.Form) -> list[Line]:
    given = form.cleaned_data
    if given["file"]:
        return planned_of_file(seller, Kind(given["kind"]), given["file"].read())
    return planned(seller, Kind(given["kind"]), given["values"])


def _signed(seller: Seller, aims: list[Aim], note: str) -> str:
    """What was shown travels with the confirmation, for this seller and a day: nothing is stored until it is given."""
    rows = [(aim.kind.value, aim.value, aim.named) for aim in aims]
    return signing.dumps((rows, note), salt=f"{SALT}.{seller.pk}", compress=True)


def _rows(found: Iterator[list[Exclusion]]) -> Iterator[list[object]]:
    for batch in found:
        for row in batch:
            yield [Kind(row.kind).label, row.named, row.note, row.created_at, row.created_by or ""]
