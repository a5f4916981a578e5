"""Template tags for instants and marketplaces: `{% load moments %}`. The words are those of `orders.clocks`."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders import clocks

register = template.Library()


@register.simple_tag
def moment(at: datetime | None, marketplace_id: str = "") -> SafeString:
    """The instant on the marketplace's clocks (none given: UTC); UTC appears on hover."""
    if at is None:
        return SafeString("–")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        clocks.in_utc(at),
        clocks.short(at, marketplace_id) if marketplace_id else clocks.in_utc(at),
    )


@register.filter
def zone(marketplace_id: str) -> str:
    return clocks.zone_name(marketplace_id)


@register.filter
def marketplace_name(marketplace_id: str) -> str:
    return clocks.marketplace_name(marketplace_id)
