"""Writing letters: the list of all of them, the editor with its preview and its findings, the test to oneself.

While somebody writes, the findings and the preview come from the very functions that guard activation and that send.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import managers, members, person_of, seller_of
from accounts.models import User
from campaigns.checked_letters import BreaksGuidelines, findings_of, marked_in
from campaigns.compliance import Finding, blocking, looks_like_html
from campaigns.forms_documents import DocumentForm
from campaigns.forms_letter import CHIPS, LONGEST_BODY, LetterForm
from campaigns.gallery import starters
from campaigns.html_body import left_out
from campaigns.lifecycle import remove_letter, write_letter
from campaigns.models import Campaign, Template
from campaigns.rendering import Source
from campaigns.views.preview import keep, shown
from campaigns.views.words import LANGUAGES, language_name, marketplaces_speaking
from messaging import documents
from messaging.models import Channel

ON_ONE_PAGE: Final = 50
TESTS_A_DAY: Final = 10
OFFERED: Final = {code: name for code, name in LANGUAGES.items() if marketplaces_speaking(code)}


@dataclass(frozen=True, slots=True)
class Row:
    template: Template
    language: str
    blocked: list[Finding]


@require_safe
@members
def letters(request: HttpRequest) -> HttpResponse:
    """All letters of this seller, and the gallery to start one from."""
    seller = seller_of(request)
    rows = Template.objects.for_seller(seller).exclude(campaign__status=Campaign.Status.ARCHIVED)
    query = request.GET.get("q", "").strip()
    found = rows
    for word in query.split()[:8]:
        found = found.filter(subject__icontains=word) | found.filter(body__icontains=word) | found.filter(
            campaign__name__icontains=word
        )
    ordered = found.select_related("campaign").order_by("campaign__name", "campaign_id", "language")
    page = Paginator(ordered, ON_ONE_PAGE).get_page(request.GET.get("page"))
    letters_of = Campaign.objects.for_seller(seller).filter(channel=Channel.BUYER_EMAIL)
    context = {
        "rows": [Row(each, language_name(each.language), blocking(findings_of(each))) for each in page],
        "pages": page,
        "query": query,
        "starters": starters().values(),
        "campaigns": letters_of.exclude(status=Campaign.Status.ARCHIVED),
        "languages": OFFERED,
    }
    return render(request, "campaigns/letters.html", context)


@require_safe
@managers
def letter_start(request: HttpRequest) -> HttpResponse:
    """From a form that names campaign, language and starter to the editor of that letter."""
    rows, wanted = Campaign.objects.for_seller(seller_of(request)), request.GET.get("campaign", "")
    campaign = get_object_or_404(rows, pk=int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0)
    response = redirect("campaign_letter_edit", pk=campaign.pk, language=_offered(request.GET.get("language", "")))
    if request.GET.get("start", "") in starters():
        response["Location"] += f"?start={request.GET['start']}"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def letter_edit(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Write or change one letter of a campaign."""
    campaign, template = _find(request, pk, language)
    if request.method != "POST":
        start = starters().get(request.GET.get("start", ""))
        source = start.letters.get(language) if start else template.source
        source = source or Source("", "")
        form = LetterForm(initial=asdict(source) | {"kind": "html" if source.is_html else "text"}, language=language)
        return _page(request, campaign, Template(language=language, **asdict(source)), form)
    form = LetterForm(request.POST, language=language)
    if not form.is_valid():
        return _page(request, campaign, _unsaved(form, language), form, status=422)
    try:
        is_new = write_letter(campaign, language, form.source(), by=person_of(request), now=timezone.now())
    except BreaksGuidelines:
        form.add_error(None, "Nothing was saved: this campaign is on, and Amazon forbids what is marked on this page.")
        return _page(request, campaign, _unsaved(form, language), form, status=422)
    for note in form.notes:
        messages.info(request, note)
    said = "Saved." if is_new else "Nothing was changed: it is so already."
    messages.success(request, f"{said} What waits gets the new letter." if is_new and campaign.activated_at else said)
    return redirect("campaign_letter_edit", pk=pk, language=language)


@require_POST
@managers
def letter_check(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Findings and preview of what stands in the form, for htmx."""
    _find(request, pk, language)
    form = LetterForm(request.POST, language=language)
    form.is_valid()
    context = _checked(request, _unsaved(form, language), written=_written(form, language))
    return render(request, "campaigns/letter_checked.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def letter_remove(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    campaign, template = _find(request, pk, language)
    if template.pk is None:
        raise Http404("There is no such letter.")
    if request.method == "POST":
        remove_letter(campaign, language, by=person_of(request), now=timezone.now())
        messages.success(request, f"The letter in {language_name(language)} was taken away.")
        return redirect("campaign", pk=pk)
    waiting = campaign.follow_ups.filter(message__status__in=["scheduled", "held"]).count()
    context = {"campaign": campaign, "template": template, "language": language_name(language), "waiting": waiting}
    return render(request, "campaigns/letter_remove.html", context)


@require_POST
@managers
def letter_test(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """The letter as it stands in the form, to the person's own address. Nothing is sent to a buyer."""
    _, stored = _find(request, pk, language)
    form, person = LetterForm(request.POST, language=language), person_of(request)
    letter = shown(seller_of(request), _unsaved(form, language)).letter if form.is_valid() else None
    if letter is None:
        return _said(request, "This letter cannot be written yet: see what is marked.", is_error=True)
    assert isinstance(person, User)
    if not _may_test(seller_of(request).pk):
        return _said(request, f"Your team has sent {TESTS_A_DAY} tests today: more go out tomorrow.", is_error=True)
    mail = EmailMultiAlternatives(f"[Test] {letter.subject}", letter.text, to=[person.email])
    mail.attach_alternative(letter.html, "text/html")
    for name, content in documents.to_show(stored.enclosed):
        mail.attach(name, content, "application/pdf")
    mail.send()
    return _said(request, f"A test is on its way to {person.email}.")


def _may_test(seller_id: int) -> bool:
    key = f"letter-tests:{seller_id}:{timezone.now():%Y%m%d}"
    cache.add(key, 0, timeout=2 * 24 * 3600)
    return int(cache.incr(key)) <= TESTS_A_DAY


def _said(request: HttpRequest, text: str, *, is_error: bool = False) -> HttpResponse:
    return render(request, "campaigns/letter_said.html", {"text": text, "is_error": is_error})


def _find(request: HttpRequest, pk: int, language: str) -> tuple[Campaign, Template]:
    """The campaign, and its letter in this language; an unsaved one where there is none."""
    rows = Campaign.objects.for_seller(seller_of(request)).prefetch_related("templates")
    campaign = get_object_or_404(rows, pk=pk, channel=Channel.BUYER_EMAIL)
    known = next((each for each in campaign.templates.all() if each.language == language), None)
    return campaign, known or Template(language=_offered(language))


def _offered(language: str) -> str:
    if language not in OFFERED:
        raise Http404("No marketplace speaks this language.")
    return language


def _unsaved(form: LetterForm, language: str) -> Template:
    """What stands in the form, sound or not."""
    given = {name: form.cleaned_data.get(name) or form.data.get(name, "") for name in ("subject", "body")}
    body = given["body"].replace("\r\n", "\n")[:LONGEST_BODY]  # what is longer the form refuses, and nobody reads
    return Template(language=language, subject=given["subject"][:200], body=body, is_html=form.is_html)


def _written(form: LetterForm, language: str) -> Template:
    """What stands in the form to the letter, so that places are places in the field."""
    body = form.data.get("body", "").replace("\r\n", "\n")[:LONGEST_BODY]
    return Template(language=language, subject=form.data.get("subject", "")[:200], body=body, is_html=form.is_html)


def _checked(request: HttpRequest, template: Template, *, written: Template) -> dict[str, Any]:
    """`template`: what would be saved, for the preview; `written`: what stands in the form, for the findings."""
    marked = marked_in(written) if written.subject or written.body else []
    seller = seller_of(request)
    is_shown = shown(seller, template) if template.body else None
    return {
        "marked": marked,
        "blocked": len(blocking([each.finding for each in marked])),
        "shown": is_shown,
        "shown_at": keep(seller, is_shown) if is_shown else "",
        "left_out": left_out(template.body) if template.is_html else [],
        "is_html_as_text": not template.is_html and looks_like_html(template.body),
    }


def _page(
    request: HttpRequest, campaign: Campaign, template: Template, form: LetterForm, *, status: int = 200
) -> HttpResponse:
    language = template.language
    written = _written(form, language) if form.is_bound else template
    context = _checked(request, template, written=written) | {
        "campaign": campaign,
        "form": form,
        "code": language,
        "language": language_name(language),
        "is_new": not any(each.language == language for each in campaign.templates.all()),
        "others": [(each.language, language_name(each.language)) for each in campaign.templates.all()],
        "missing": {code: name for code, name in OFFERED.items() if code != language},
        "chips": CHIPS,
        "starters": [each for each in starters().values() if language in each.letters],
        "address": getattr(request.user, "email", ""),
        "enclosed": next((each.enclosed for each in campaign.templates.all() if each.language == language), ()),
        "document_form": DocumentForm(),
    }
    return render(request, "campaigns/letter_edit.html", context, status=status)
