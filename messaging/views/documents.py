"""A document of the seller's, to be looked at by the team: the very bytes that go to buyers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from messaging.documents import Gone, read
from messaging.models import Document


@require_safe
@members
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """To be saved, never opened within the site. Gone (404) once it has been erased."""
    found = get_object_or_404(Document.objects.for_seller(seller_of(request)), pk=pk)
    try:
        response = HttpResponse(read(found.seller_id, found.pk), content_type="application/pdf")
    except Gone:
        raise Http404("This document is not kept any more.") from None
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=found.name)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response
