"""One message: where it stands, what was sent, its life, and what is known where the outcome is not."""

from django.contrib import messages as flashes
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import members, owners, seller_of
from accounts.models import User
from messaging.forms import FoundForm
from messaging.letters_kept import shown
from messaging.models import Message, MessageEvent, Status
from messaging.unknowns import Found, mark, what_we_know


@require_safe
@members
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one message."""
    return _page(request, pk, FoundForm())


@require_POST
@owners
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """An owner says what became of a message whose outcome is unknown."""
    form = FoundForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, form, status=422)
    assert isinstance(request.user, User)
    found, asked = Found(form.cleaned_data["found"]), form.cleaned_data
    get_object_or_404(Message.objects.for_seller(seller_of(request)), pk=pk)
    done = mark(
        seller_of(request),
        pk,
        found,
        by=request.user,
        note=asked["note"],
        frees_order=asked["frees_order"],
        now=timezone.now(),
    )
    if done:
        flashes.success(request, "Marked as sent." if found is Found.SENT else "Marked as not sent.")
    else:
        flashes.warning(request, "Its outcome has become known meanwhile; nothing was changed.")
    return redirect("message", pk=pk)


def _page(request: HttpRequest, pk: int, form: FoundForm, *, status: int = 200) -> HttpResponse:
    life = Prefetch("events", MessageEvent.objects.order_by("at", "id"))
    rows = Message.objects.for_seller(seller_of(request)).select_related("order", "account").prefetch_related(life)
    found = get_object_or_404(rows, pk=pk)
    context = {
        "message_shown": found,
        "order": found.order,
        "messages_of_order": [found],
        "live": found,
        "letter": shown(found),
        "known": what_we_know(found) if found.status == Status.UNKNOWN else None,
        "form": form,
    }
    return render(request, "messaging/message.html", context, status=status)
