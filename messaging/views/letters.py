"""The letter as the buyer reads it: a page of its own, to be shown in a frame where nothing in it can act."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from messaging.letters_kept import letter_of
from messaging.models import Message

# No script, no picture, no form, no origin of its own: whatever a letter holds, it can only be read.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups"


@require_safe
@members
@xframe_options_sameorigin
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The text that was or will be sent. Gone (404) once it has been purged; Amazon's own text is not ours to show."""
    message = get_object_or_404(Message.objects.for_seller(seller_of(request)), pk=pk)
    shown = letter_of(message)
    if shown is None:
        raise Http404("The text of this message is not kept.")
    response = HttpResponse(f'<!doctype html><meta charset="utf-8"><base target="_blank">{shown.html}')
    response["Content-Security-Policy"] = POLICY  # the site's own policy gives way to one that is set already
    response["Cache-Control"] = "no-store"
    return response
