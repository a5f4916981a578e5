"""A template as a buyer would read it: with a real order of the seller, or a made-up one where there is none yet.

The letter is a page of its own in a frame that may do nothing: product titles and templates are not ours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Final

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, translation
from django.utils.safestring import mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.access import members, seller_of
from accounts.models import AccountMarketplace, Seller
from amazon.marketplaces import Marketplace, by_id, contact_url, order_url
from campaigns.letters import first_item, letter_for
from campaigns.models import Campaign, Template
from campaigns.rendering import SHORT_TITLE_LENGTH, UnknownPlaceholder, clean_title, render
from campaigns.views.words import language_name, marketplaces_speaking
from messaging.letters import Letter
from orders.models import Order

# Sizes and margins of a letter stand in its tags. Nothing is loaded from elsewhere, pictures neither.
POLICY: Final = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-same-origin"
)
KEPT: Final = 600  # seconds for which what is not saved can be looked at
MADE_UP_ORDER: Final = "123-4567890-1234567"
MADE_UP_TITLE: Final = "Enamel camping mug, 350 ml, dark green with steel rim"


@dataclass(frozen=True, slots=True)
class Preview:
    """One template of a campaign as the page offers it."""

    template: Template
    language: str
    is_chosen: bool


def previews_of(campaign: Campaign, *, chosen: str) -> list[Preview]:
    """The templates of a campaign by language, with one of them chosen (the first, if there is no such language)."""
    templates = sorted(campaign.templates.all(), key=lambda template: language_name(template.language))
    codes = [template.language for template in templates]
    shown = chosen if chosen in codes else "en" if "en" in codes else next(iter(codes), "")
    return [Preview(t, language_name(t.language), t.language == shown) for t in templates]


@require_safe
@members
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """The letter itself, for the frame."""
    seller = seller_of(request)
    campaign = get_object_or_404(Campaign.objects.for_seller(seller), pk=pk)
    template = get_object_or_404(campaign.templates, language=language)
    return _response(shown(seller, template).page)


@require_safe
@members
@xframe_options_sameorigin
def kept_preview(request: HttpRequest, token: str) -> HttpResponse:
    """What `keep` has kept, for the frame; 404 when that was too long ago."""
    page = cache.get(_key(seller_of(request), token))
    if page is None:
        raise Http404("This preview is over.")
    return _response(page)


def _response(page: str) -> HttpResponse:
    response = HttpResponse(page)
    response["Content-Security-Policy"] = POLICY  # the site's own policy gives way to one that is set already
    response["Cache-Control"] = "no-store"
    return response


@dataclass(frozen=True, slots=True)
class Shown:
    """A letter as a buyer would read it, as a page of its own. `letter` is None where there is `trouble`."""

    page: str
    letter: Letter | None
    trouble: str = ""


def shown(seller: Seller, template: Template) -> Shown:
    """By the very code that sends. The template need not be saved."""
    order, letter, said = _order_to_show(seller, template), None, ""
    context: dict[str, object] = {"order": order, "language": template.language}
    try:
        letter = _letter(seller, template, order)
        context |= {"letter": letter, "html": mark_safe(letter.html)}  # noqa: S308  escaped by campaigns.rendering
    except UnknownPlaceholder as trouble:
        context["trouble"] = said = str(trouble)
    return Shown(render_to_string("campaigns/letter.html", context), letter, said)


def keep(seller: Seller, letter: Shown) -> str:
    """Have a letter that is not saved ready for a frame of its own, and return its address. In the page itself it would
    be under the page's policy, and lose its styles."""
    token = token_urlsafe(16)
    cache.set(_key(seller, token), letter.page, timeout=KEPT)
    return reverse("campaign_letter_kept", kwargs={"token": token})


def _key(seller: Seller, token: str) -> str:
    return f"letter-preview:{seller.pk}:{token}"


def _order_to_show(seller: Seller, template: Template) -> Order | None:
    """The newest shipped order in a marketplace of this language."""
    orders = Order.objects.for_seller(seller).filter(
        marketplace_id__in=marketplaces_speaking(template.language), status=Order.Status.SHIPPED
    )
    return orders.select_related("account").defer("alias_sealed").order_by("-purchased_at", "-id").first()


def _letter(seller: Seller, template: Template, order: Order | None) -> Letter:
    places = AccountMarketplace.objects.for_seller(seller)
    if order is None:
        place = places.filter(marketplace_id__in=marketplaces_speaking(template.language)).order_by("id").first()
        marketplace = place.marketplace if place else by_id(marketplaces_speaking(template.language)[0])
        return render(template.source, _made_up(template.language, marketplace, seller, place))
    own = places.filter(account=order.account_id, marketplace_id=order.marketplace_id).first()
    store_name = own.store_name if own else order.account.store_name
    return letter_for(order, template, store_name=store_name, item=first_item(order))


def _made_up(
    language: str, marketplace: Marketplace, seller: Seller, place: AccountMarketplace | None
) -> dict[str, str]:
    with translation.override(language):
        ordered = formats.date_format(datetime(2026, 3, 2, tzinfo=UTC), "DATE_FORMAT")
        delivered = formats.date_format(datetime(2026, 3, 6, tzinfo=UTC), "DATE_FORMAT")
    return {
        "order_id": MADE_UP_ORDER,
        "product_title": clean_title(MADE_UP_TITLE),
        "product_title_short": clean_title(MADE_UP_TITLE, SHORT_TITLE_LENGTH),
        "sku": "MUG-GREEN-350",
        "asin": "B000000000",
        "quantity": "1",
        "order_date": ordered,
        "delivery_date": delivered,
        "store_name": place.store_name if place else seller.name,
        "marketplace": marketplace.name,
        "contact_link": contact_url(marketplace, "A0000000000000", MADE_UP_ORDER),
        "order_link": order_url(marketplace, MADE_UP_ORDER),
    }
