"""Placeholders become a letter. Pure.

Every value is escaped for the part in which it stands; an unknown placeholder is an error, never an empty place.
Product titles are hostile input: control characters, links and excess length are taken out before they are put in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

from campaigns.compliance import contacts_in
from messaging.letters import Letter

PLACEHOLDERS: Final = (
    "order_id",
    "product_title",
    "product_title_short",
    "sku",
    "asin",
    "quantity",
    "order_date",
    "delivery_date",
    "store_name",
    "marketplace",
    "contact_link",
    "order_link",
)
LINKS: Final = frozenset({"contact_link", "order_link"})
SUBJECT_LENGTH: Final = 150
TITLE_LENGTH, SHORT_TITLE_LENGTH = 200, 60

_PLACEHOLDER = re.compile(r"\{\{ ?([a-z_]{1,40}) ?\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_JOINTS = " .,:;@/-–+·_"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class UnknownPlaceholder(ValueError):
    """The template names something that does not exist; the text says what."""


@dataclass(frozen=True, slots=True)
class Source:
    """A template as it was written: plain text with placeholders."""

    subject: str
    body: str


def check(source: Source) -> None:
    """Raises UnknownPlaceholder for a name that is none, and for braces that are not closed."""
    for part in (source.subject, source.body):
        for name in _PLACEHOLDER.findall(part):
            if name not in PLACEHOLDERS:
                raise UnknownPlaceholder(
                    f"{{{{ {name} }}}} is not a placeholder. There are: {', '.join(PLACEHOLDERS)}."
                )
        if _BRACES.search(_PLACEHOLDER.sub("", part)):
            raise UnknownPlaceholder("Two braces open a placeholder: write it as {{ order_id }}.")


def render(source: Source, values: Mapping[str, str]) -> Letter:
    """The letter that is sent: a subject, plain text, and the same as simple HTML. Raises UnknownPlaceholder.

    `values` holds every placeholder. The order id is Amazon's condition for delivery, so it is appended where a
    template has none.
    """
    check(source)
    body = source.body.strip()
    if "order_id" not in _PLACEHOLDER.findall(body + source.subject):
        body += "\n\n{{ order_id }}"
    clean = {name: _clean(value) for name, value in values.items()}
    subject = _fill(source.subject, clean, plain=True)
    text = _fill(body, clean, plain=True)
    paragraphs = [_fill(escape(part), clean, plain=False) for part in re.split(r"\n{2,}", body.replace("\r\n", "\n"))]
    html = "".join("<p>" + part.replace("\n", "<br>\n") + "</p>\n" for part in paragraphs)
    return Letter(subject[:SUBJECT_LENGTH], text + "\n", f"<html><body>\n{html}</body></html>\n")


@lru_cache(maxsize=10_000)
def clean_title(title: str, length: int = TITLE_LENGTH) -> str:
    """A product title fit for a letter: without what the linter forbids in any letter, and not endless."""
    plain = _clean(title).replace("[", "(").replace("]", ")")
    while places := contacts_in(plain):  # what is left may come together to another one
        plain = _without(plain, places)
    plain = " ".join(plain.split()).strip(_JOINTS).rstrip("(")  # nor may it become one with the words around it
    return plain if len(plain) <= length else plain[: length - 1].rstrip() + "…"


def _without(text: str, places: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in places:
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return " ".join([*kept, text[at:]])


def _clean(value: str) -> str:
    return _CONTROL.sub("", re.sub(r"\s+", " ", value))


def _fill(part: str, values: Mapping[str, str], *, plain: bool) -> str:
    def value_of(match: re.Match[str]) -> str:
        name, value = match[1], values[match[1]]
        if plain:
            return value
        return f'<a href="{escape(value)}">{escape(value)}</a>' if name in LINKS and value else escape(value)

    return _PLACEHOLDER.sub(value_of, part)
