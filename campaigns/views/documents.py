"""Documents that go with a campaign's letter: attach, and leave out. A section of the editor's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import managers, person_of, seller_of
from campaigns.checked_letters import BreaksGuidelines
from campaigns.enclosing import TooMuch
from campaigns.forms_documents import DocumentForm
from campaigns.lifecycle import enclose, leave_out
from campaigns.models import Campaign
from messaging import documents
from messaging.documents import NotTaken
from messaging.models import Channel


@require_POST
@managers
def letter_attach(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Take the file in, and have it go with the letter. What is wrong with it is said above the page of the letter."""
    campaign, form = _campaign(request, pk, language), DocumentForm(request.POST, request.FILES)
    now, person, seller = timezone.now(), person_of(request), seller_of(request)
    back = redirect("campaign_letter_edit", pk=pk, language=language)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
        return back
    file = form.cleaned_data["file"]
    try:
        kept = documents.keep(
            seller, file.read(), name=file.name, purpose=form.cleaned_data["purpose"], by=person, now=now
        )
        enclose(campaign, language, kept, by=person, now=now)
    except (NotTaken, TooMuch) as trouble:
        messages.error(request, str(trouble))
    except BreaksGuidelines:
        messages.error(request, "Nothing was attached: the campaign is on, and Amazon forbids something in its letter.")
    else:
        messages.success(request, f"{kept} goes with this letter now. What waits goes out with it.")
    return back


@require_POST
@managers
def letter_leave_out(request: HttpRequest, pk: int, language: str, document_pk: int) -> HttpResponse:
    """Have a document go with the letter no more."""
    campaign = _campaign(request, pk, language)
    if leave_out(campaign, language, document_pk, by=person_of(request), now=timezone.now()) is None:
        messages.warning(request, "It did not go with this letter any more.")
    else:
        messages.success(request, "It goes with this letter no more. What was sent with it stays in History.")
    return redirect("campaign_letter_edit", pk=pk, language=language)


def _campaign(request: HttpRequest, pk: int, language: str) -> Campaign:
    """The campaign, which has a letter in this language."""
    rows = Campaign.objects.for_seller(seller_of(request)).filter(templates__language=language)
    return get_object_or_404(rows, pk=pk, channel=Channel.BUYER_EMAIL)
