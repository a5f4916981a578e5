"""Template tags that every page may use without loading them.

Place in the flow: views hand rows and values to templates; what every page shows besides (icons, badges, navigation,
the banner on Amazon's connection) comes from here, so that no view has to remember it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django import template
from django.conf import settings
from django.db.models import Subquery
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe

from accounts.models import AmazonAccount, Seller
from messaging.models import SendingStop, Status

register = template.Library()


# --- Icons and badges -----------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str) -> SafeString:
    """The outline icon of this name from the Tabler set, as inline SVG. Raises FileNotFoundError for a wrong name."""
    return _svg(name)


@lru_cache(maxsize=200)
def _svg(name: str) -> SafeString:
    if not name.replace("-", "").isalnum():
        raise FileNotFoundError(name)
    svg = " ".join((settings.ICONS / f"{name}.svg").read_text().split())
    start = svg.index("<svg")  # a comment with tags stands before it
    return mark_safe(svg[start:].replace("<svg", '<svg aria-hidden="true"', 1))  # noqa: S308  from our own package


# Tone and icon of a message's status. Colour is never alone: the text says the same.
TONES: Final[dict[Status, tuple[str, str]]] = {
    Status.SCHEDULED: ("wait", "clock"),
    Status.HELD: ("warn", "player-pause"),
    Status.CLAIMED: ("wait", "clock-play"),
    Status.SENDING: ("wait", "send"),
    Status.SENT: ("good", "check"),
    Status.CANCELLED: ("quiet", "x"),
    Status.SUPPRESSED: ("stop", "hand-stop"),
    Status.EXPIRED: ("quiet", "hourglass-empty"),
    Status.CAPPED: ("quiet", "gauge"),
    Status.REFUSED: ("bad", "circle-x"),
    Status.UNKNOWN: ("warn", "help-circle"),
    Status.BLOCKED: ("stop", "hand-stop"),
}


@register.inclusion_tag("parts/status.html")
def status(value: str) -> dict[str, str]:
    """The badge of a message's status."""
    known = Status(value)
    tone, symbol = TONES[known]
    return {"tone": tone, "symbol": symbol, "text": known.label}


# --- Forms ----------------------------------------------------------------------------------------------------------


@register.filter
def control(field: BoundField) -> SafeString:
    """The widget of a field in the looks of the site; Django's aria attributes tie errors and help to it."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        look = "form-check-input"
    elif isinstance(widget, RadioSelect):
        look = "form-choices"
    else:
        look = "form-select" if isinstance(widget, Select) else "form-control"
    own = widget.attrs.get("class", "")
    classes = " ".join(part for part in (look, own, "is-invalid" if field.errors else "") if part)
    return field.as_widget(attrs={"class": classes})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


# --- The frame around every page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation."""

    address: str
    title: str
    icon: str
    is_current: bool


# Name of the list's address, title, icon, and further addresses that belong to the same section.
SECTIONS: Final[tuple[tuple[str, str, str, frozenset[str]], ...]] = (
    ("dashboard", "Dashboard", "layout-dashboard", frozenset()),
    (
        "campaigns", "Campaigns", "speakerphone",
        frozenset({"campaign", "campaign_new", "campaign_switch", "campaign_archive"}),
    ),
    ("letters", "Templates", "mail", frozenset({"campaign_letter_edit", "campaign_letter_remove"})),
    ("orders", "Orders", "package", frozenset({"order"})),
    ("scheduling", "Scheduling", "calendar-clock", frozenset()),
    ("history", "History", "history", frozenset({"message"})),
    ("optouts", "Opt-outs", "hand-stop", frozenset({"notice", "notices", "suppression", "set_up"})),
    ("exclusions", "Exclusions", "circle-off", frozenset({"exclude", "exclude_now", "lift_exclusion"})),
    ("settings", "Settings", "settings", frozenset({"connect_amazon"})),
)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Entry]:
    """The sections of the site, with the one that this page belongs to marked."""
    match = getattr(context.get("request"), "resolver_match", None)
    current = match.url_name if match else None
    entries = []
    for name, title, symbol, further in SECTIONS:
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        entries.append(Entry(address, title, symbol, current == name or current in further))
    return entries


@register.inclusion_tag("parts/amazon_trouble.html", takes_context=True)
def amazon_trouble(context: Context) -> dict[str, Any]:
    """The banners above every page: an operator has stopped all sending; Amazon cannot be asked. One query."""
    seller = context.get("seller")
    if not isinstance(seller, Seller):
        return {"trouble": None}
    stop = Subquery(SendingStop.objects.filter(lifted_at__isnull=True).values("reason")[:1])
    rows = list(AmazonAccount.objects.for_seller(seller).values_list("store_name", "region", "status", stop))
    accounts = [row[:3] for row in rows]
    return {"stopped": rows[0][3] if rows else None} | _amazon_trouble(accounts)


def _amazon_trouble(accounts: list[tuple[str, str, str]]) -> dict[str, Any]:
    lost = [f"{name} ({region})" for name, region, state in accounts if state == AmazonAccount.Status.REVOKED]
    if lost:
        text = f"Amazon no longer accepts our authorisation for {', '.join(lost)}. Nothing is read or sent for it."
        return {"trouble": {"tone": "bad", "text": text, "action": "Connect it again"}}
    if not any(state == AmazonAccount.Status.CONNECTED for _, _, state in accounts):
        text = "No Amazon account is connected yet, so there are no orders to follow up."
        return {"trouble": {"tone": "wait", "text": text, "action": "Connect Amazon"}}
    return {"trouble": None}
