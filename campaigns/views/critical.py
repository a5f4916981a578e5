"""A critical message about one order: the one thing that an opted-out buyer may still receive. Here and not in
`messaging`, because its text is checked by the same rules as a campaign's.
"""

from typing import Any

from django.contrib import messages as flashes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import managers, person_of, seller_of
from accounts.models import User
from amazon.marketplaces import find
from campaigns.forms_critical import CriticalForm
from messaging import critical
from messaging.critical import NoWay, Way, Writing
from messaging.documents import NotTaken, attachment_of, keep
from messaging.doors import CannotAsk, offered_for
from messaging.models import Document
from orders.models import Order


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def write_critical(request: HttpRequest, pk: int) -> HttpResponse:
    """Write it, see exactly what would go out and by which way, and confirm."""
    order = get_object_or_404(Order.objects.for_seller(seller_of(request)).select_related("account"), pk=pk)
    if request.method != "POST":
        return _page(request, order, CriticalForm())
    form = CriticalForm(request.POST, request.FILES, language=_language_of(order))
    if not form.is_valid():
        return _page(request, order, form, status=422)
    reason, text = form.cleaned_data["reason"], form.cleaned_data["text"]
    try:
        document = _document(request, form)
    except NotTaken as trouble:
        form.add_error("file", str(trouble))
        return _page(request, order, form, status=422)
    try:
        offered = offered_for(order)
        way = critical.way_for(order, reason, offered, has_document=document is not None, now=timezone.now())
    except CannotAsk as trouble:
        form.add_error(None, str(trouble))
        return _page(request, order, form, status=503)
    if isinstance(way, NoWay):
        form.add_error(None, way.reason)
        return _page(request, order, form, status=422)
    if len(text) > way.longest:
        form.add_error("text", f"Amazon takes at most {way.longest} characters in this kind of message.")
        return _page(request, order, form, status=422)
    enclosed = (attachment_of(document),) if document is not None else ()
    writing = Writing(form.cleaned_data["number"], reason, text, enclosed)
    if form.cleaned_data["confirmed"] != name_of(way):
        return _confirmation(request, order, form, writing, way)
    assert isinstance(request.user, User)
    message = critical.write(order, writing, way, by=request.user, now=timezone.now())
    flashes.success(request, "Your message is on its way to Amazon. This page shows what becomes of it.")
    return redirect("message", pk=message.pk)


def _document(request: HttpRequest, form: CriticalForm) -> Document | None:
    """The file that was chosen, taken in; or the one that the confirmed page named. Raises NotTaken."""
    given, seller, now = form.cleaned_data, seller_of(request), timezone.now()
    if (file := given["file"]) is not None:
        by = person_of(request)
        return keep(seller, file.read(), name=file.name, purpose=given["purpose"], by=by, now=now)
    if given["document"] is None:
        return None
    return get_object_or_404(Document.objects.for_seller(seller), pk=given["document"], content__isnull=False)


def name_of(way: Way) -> str:
    """What a confirmation is for: should Amazon offer another way meanwhile, it is asked for again."""
    return f"{way.channel.value}:{way.kind.value if way.kind else way.subject}"


def _page(request: HttpRequest, order: Order, form: CriticalForm, *, status: int = 200) -> HttpResponse:
    context = _about(order) | {"form": form}
    return render(request, "orders/critical.html", context, status=status)


def _confirmation(request: HttpRequest, order: Order, form: CriticalForm, writing: Writing, way: Way) -> HttpResponse:
    shown = critical.letter_of(order, writing, way)
    enclosed = {"document": writing.attachments[0].document} if writing.attachments else {}
    hidden = CriticalForm(initial=form.kept() | enclosed | {"confirmed": name_of(way)})
    for shown_only in ("file", "purpose"):
        del hidden.fields[shown_only]
    for field in hidden.fields.values():
        field.widget = field.hidden_widget()
    context = _about(order) | {
        "form": hidden,
        "way": way,
        "letter": shown,
        "reason": critical.Reason(writing.reason).label,
    }
    return render(request, "orders/critical_confirm.html", context)


def _language_of(order: Order) -> str:
    marketplace = find(order.marketplace_id)
    return order.language[:2].lower() or (marketplace.language if marketplace else "en")


def _about(order: Order) -> dict[str, Any]:
    marketplace = find(order.marketplace_id)
    return {
        "order": order,
        "is_opted_out": critical.is_opted_out(order),
        "policy": critical.policy_for(order.marketplace_id, now=timezone.now()),
        "language": order.language or (marketplace.locale if marketplace else ""),
        "is_language_known": bool(order.language),
    }
