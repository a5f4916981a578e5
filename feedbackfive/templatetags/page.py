"""Template tags that every page may use without loading them."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """The outline icon of this name from the Tabler set, as inline SVG. Raises FileNotFoundError for a wrong name."""
    return _svg(name)


@lru_cache(maxsize=200)
def _svg(name: str) -> SafeString:
    if not name.replace("-", "").isalnum():
        raise FileNotFoundError(name)
    svg = (settings.ICONS / f"{name}.svg").read_text()
    start = svg.index("<svg")  # a comment with tags stands before it
    return mark_safe(svg[start:].replace("<svg", '<svg aria-hidden="true"', 1))  # noqa: S308  from our own package
