"""Placeholders become a letter. Pure.

A template is prepared once, and filled for each order. Every value is escaped for the part in which it stands; an
unknown placeholder is an error, never an empty place. Product titles are hostile input: control characters, links and
excess length are taken out before they are put in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

from campaigns import html_body
from campaigns.compliance import contacts_in
from campaigns.html_body import LINKS
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
SUBJECT_LENGTH: Final = 150
TITLE_LENGTH, SHORT_TITLE_LENGTH = 200, 60

_PLACEHOLDER = html_body.PLACEHOLDER
_BRACES = re.compile(r"\{\{|\}\}")
_TAG = re.compile(r"</?[a-z!?][^<>]{0,500}>", re.IGNORECASE)
_JOINTS = " .,:;@/-–+·_"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class UnknownPlaceholder(ValueError):
    """The template names something that does not exist, or puts it where none may stand; the text says what."""


@dataclass(frozen=True, slots=True)
class Source:
    """A template as it was written: text with placeholders, or HTML with them."""

    subject: str
    body: str
    is_html: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands still, and between each two pieces of it a placeholder with the way in which its value is written."""

    pieces: tuple[str, ...]
    slots: tuple[tuple[str, Callable[[str], str]], ...]

    def fill(self, values: Mapping[str, str]) -> str:
        filled = [self.pieces[0]]
        for (name, write), piece in zip(self.slots, self.pieces[1:], strict=True):
            filled += (write(values[name]), piece)
        return "".join(filled)


@dataclass(frozen=True, slots=True)
class _Prepared:
    subject: _Part
    text: _Part
    html: _Part


def check(source: Source) -> None:
    """Raises UnknownPlaceholder for a name that is none, for braces that are not closed, and in HTML for one within a
    tag that is not the whole of a link's address."""
    for part in (source.subject, source.body):
        _check_names(part)
    if source.is_html:
        if place := html_body.misplaced(source.body):
            raise UnknownPlaceholder(
                f"A placeholder cannot stand in the {place}, only in the text, or as the whole address of a link:"
                ' <a href="{{ order_link }}">.'
            )
        allowed = html_body.allowed(source.body)
        _check_names(allowed)  # entities may have hidden some
        if len(allowed) > html_body.LONGEST:
            raise UnknownPlaceholder("Tags stand within tags without end. Write it with fewer of them.")


def _check_names(part: str) -> None:
    for name in _PLACEHOLDER.findall(part):
        if name not in PLACEHOLDERS:
            raise UnknownPlaceholder(f"{{{{ {name} }}}} is not a placeholder. There are: {', '.join(PLACEHOLDERS)}.")
    if _BRACES.search(_PLACEHOLDER.sub("", part)):
        raise UnknownPlaceholder("Two braces open a placeholder: write it as {{ order_id }}.")


def render(source: Source, values: Mapping[str, str]) -> Letter:
    """The letter that is sent: a subject, plain text, and the same as HTML. Raises UnknownPlaceholder.

    `values` holds every placeholder. The order id is Amazon's condition for delivery, so it is appended where the
    letter would be without.
    """
    prepared = _prepare(source)
    clean = {name: _clean(value) for name, value in values.items()}
    subject = prepared.subject.fill(clean)[:SUBJECT_LENGTH]
    text, html = prepared.text.fill(clean), prepared.html.fill(clean)
    if clean["order_id"] not in subject and clean["order_id"] not in text:
        text += f"\n\n{clean['order_id']}"
        html += f"<p>{escape(clean['order_id'])}</p>\n"
    return Letter(subject, text + "\n", f"<html><body>\n{html}</body></html>\n")


@lru_cache(maxsize=500)
def names_in(source: Source) -> frozenset[str]:
    """The placeholders that the letter has. Raises UnknownPlaceholder."""
    prepared = _prepare(source)
    return frozenset(name for part in (prepared.subject, prepared.text, prepared.html) for name, _ in part.slots)


@lru_cache(maxsize=500)
def _prepare(source: Source) -> _Prepared:
    check(source)
    body = source.body.replace("\r\n", "\n").strip()
    if source.is_html:
        allowed = html_body.allowed(body)
        text, html = html_body.as_text(allowed), _part(allowed.strip() + "\n", _as_html)
    else:
        text = body
        paragraphs = (escape(each).replace("\n", "<br>\n") for each in re.split(r"\n{2,}", body))
        html = _part("".join(f"<p>{each}</p>\n" for each in paragraphs), _as_html)
    return _Prepared(_part(source.subject, _as_text), _part(text, _as_text), html)


Writer = Callable[[str, str], Callable[[str], str]]


def _part(template: str, writer: Writer) -> _Part:
    pieces: list[str] = []
    slots: list[tuple[str, Callable[[str], str]]] = []
    at = 0
    for found in _PLACEHOLDER.finditer(template):
        pieces.append(template[at : found.start()])
        slots.append((found[1], writer(found[1], template[: found.start()])))
        at = found.end()
    return _Part((*pieces, template[at:]), tuple(slots))


def _as_text(name: str, before: str) -> Callable[[str], str]:
    return str


def _as_html(name: str, before: str) -> Callable[[str], str]:
    """`before`: well-formed HTML up to this place, so every "<a" is the tag of a link."""
    is_in_link = max(before.rfind("<a "), before.rfind("<a>")) > before.rfind("</a>")
    return _linked if name in LINKS and not is_in_link else escape


def _linked(address: str) -> str:
    return f'<a href="{escape(address)}">{escape(address)}</a>' if address else ""


@lru_cache(maxsize=10_000)
def clean_title(title: str, length: int = TITLE_LENGTH) -> str:
    """A product title fit for a letter: without what the linter forbids in any letter, and not endless."""
    plain = _cut(_bare(_clean(title).replace("[", "(").replace("]", ")")), length)
    while places := _unwanted_in(plain):  # what is left, or the first part of a long word, may make another one
        plain = _cut(_bare(_without(plain, places)), length)
    return plain


def _unwanted_in(title: str) -> list[tuple[int, int]]:
    """Tags first: what they keep apart is one word to whoever reads the title as HTML."""
    return [found.span() for found in _TAG.finditer(title)] or contacts_in(title)


def _bare(text: str) -> str:
    """Without what would make it one with the words around it."""
    return " ".join(text.split()).lstrip(_JOINTS).rstrip(_JOINTS + "(")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _without(text: str, places: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in places:
        kept.append(text[at : max(at, start)])
        at = max(at, end)
    return " ".join([*kept, text[at:]])


def _clean(value: str) -> str:
    return _CONTROL.sub("", re.sub(r"\s+", " ", value))
