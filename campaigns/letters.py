"""The letter of one order: which template, which values."""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import formats, translation

from amazon.marketplaces import contact_url, order_url
from campaigns.models import Template
from campaigns.rendering import SHORT_TITLE_LENGTH, clean_title, render
from messaging.letters import Letter
from orders.facts import ItemFacts
from orders.models import Order, OrderItem


def letter_for(order: Order, template: Template, *, store_name: str, item: ItemFacts | OrderItem | None) -> Letter:
    """Render this template for this order, with its documents; `item`: the one that it names, the order's first.
    Raises campaigns.rendering.UnknownPlaceholder."""
    letter = render(template.source, values_of(order, template.language, store_name=store_name, item=item))
    return replace(letter, attachments=template.enclosed) if template.attachments else letter


def first_item(order: Order) -> OrderItem | None:
    """The item that a letter names. One query, where they are not prefetched."""
    return min(order.items.all(), key=lambda item: item.pk, default=None)


def values_of(
    order: Order, language: str, *, store_name: str, item: ItemFacts | OrderItem | None
) -> dict[str, str]:
    """Every placeholder's value. Dates are the marketplace's, written as in the template's language."""
    marketplace = order.marketplace
    title = item.title if item else ""
    zone = ZoneInfo(marketplace.time_zone)
    return {
        "order_id": order.amazon_order_id,
        "product_title": clean_title(title),
        "product_title_short": clean_title(title, SHORT_TITLE_LENGTH),
        "sku": item.sku if item else "",
        "asin": item.asin if item else "",
        "quantity": str(item.quantity) if item else "",
        "order_date": _written(order.purchased_at.astimezone(zone).date(), language),
        "delivery_date": (
            _written(order.deliver_by_latest.astimezone(zone).date(), language) if order.deliver_by_latest else ""
        ),
        "store_name": store_name,
        "marketplace": marketplace.name,
        "contact_link": contact_url(marketplace, order.account.selling_partner_id, order.amazon_order_id),
        "order_link": order_url(marketplace, order.amazon_order_id),
    }


@lru_cache(maxsize=1000)
def _written(day: date, language: str) -> str:
    with translation.override(language):
        return formats.date_format(day, "DATE_FORMAT")
