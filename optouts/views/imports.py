"""Importing a file of entries: choose it, see what each line will do, say yes."""

from typing import Any, Final

from django.contrib import messages as flashes
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import managers, seller_of
from accounts.export import csv_file
from accounts.models import User
from optouts import imports
from optouts.forms import ImportFile
from optouts.list_files import Unusable
from optouts.models import ListImport

ON_A_PAGE: Final = 200
COLUMNS = ("Line", "What it says", "What it will do", "Note")


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def import_optouts(request: HttpRequest) -> HttpResponse:
    """Choose a file. Nothing is added yet."""
    form = ImportFile(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        file, seller, now = form.cleaned_data["file"], seller_of(request), timezone.now()
        try:
            shown = imports.preview(seller, file.read(), file.name or "a file", by=request.user, now=now)
        except Unusable as trouble:
            form.add_error("file", str(trouble))
        else:
            return redirect("list_import", pk=shown.pk)
    return render(request, "optouts/import.html", {"form": form}, status=422 if request.method == "POST" else 200)


@require_safe
@managers
def list_import(request: HttpRequest, pk: int) -> HttpResponse:
    """What each line will do, by pages; afterwards, what came of it."""
    shown = _import_of(request, pk)
    lines = imports.lines_of(shown)
    chosen = request.GET.get("effect", "")
    wanted = [line for line in lines if line.effect == chosen] if chosen else lines
    start = _start(request.GET.get("from", ""), len(wanted))
    context: dict[str, Any] = {
        "shown": shown,
        "totals": imports.totals(lines),
        "lines": wanted[start : start + ON_A_PAGE],
        "chosen": chosen,
        "next": start + ON_A_PAGE if start + ON_A_PAGE < len(wanted) else None,
        "previous": max(start - ON_A_PAGE, 0) if start else None,
        "is_open": shown.done_at is None and bool(lines),
    }
    return render(request, "optouts/import_preview.html", context)


@require_safe
@managers
def list_import_lines(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole preview as a file."""
    shown = _import_of(request, pk)
    lines = imports.lines_of(shown)
    rows = [(line.number, line.text, line.effect_in_words, line.note) for line in lines]
    return csv_file("import-preview", COLUMNS, rows)


@require_POST
@managers
def carry_out_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Add exactly what was shown."""
    shown = _import_of(request, pk)
    if not imports.lines_of(shown):
        flashes.error(request, "This preview is not there any more. Nothing was added; choose the file again.")
        return redirect("import_optouts")
    assert isinstance(request.user, User)
    imports.carry_out(seller_of(request), shown, by=request.user, now=timezone.now())
    return redirect("list_import", pk=pk)


@require_POST
@managers
def discard_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw the preview away."""
    imports.discard(seller_of(request), _import_of(request, pk), now=timezone.now())
    flashes.success(request, "Nothing was added.")
    return redirect("optouts")


def _import_of(request: HttpRequest, pk: int) -> ListImport:
    return get_object_or_404(ListImport.objects.for_seller(seller_of(request)).select_related("by"), pk=pk)


def _start(text: str, length: int) -> int:
    if not text:
        return 0
    if not text.isdecimal() or int(text) >= max(length, 1):
        raise Http404("There is no such page.")
    return int(text)
