"""The HTML that a seller writes: what of it is sent, and the same as plain text. Pure.

What is sent is this allow-list and nothing else, made from Amazon's Communication Guidelines (`AMAZON.md` 6): words,
lists, tables and pictures, links to Amazon; no font, colour, alignment or line height of one's own. The linter tells
the seller so beforehand, on what was written; here it is made sure.
"""

import re
from typing import Final

import nh3

from campaigns.compliance import Reading, Tag, is_amazons_link, read

LONGEST: Final = 60_000  # characters of what is sent; hostile markup grows when it is put in order
LINKS: Final = frozenset({"contact_link", "order_link"})  # placeholders that may be the whole of a link's address
PLACEHOLDER: Final = re.compile(r"\{\{ ?([a-z_]{1,40}) ?\}\}")
_BRACES: Final = re.compile(r"\{\{|\}\}")

_TAGS: Final = frozenset(
    "p br hr div span h1 h2 h3 b strong i em u s sub sup ul ol li blockquote a img"
    " table thead tbody tfoot tr td th".split()
)
_ATTRIBUTES: Final = {
    "*": {"style", "lang", "dir"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_STYLES: Final = frozenset(
    "font-size font-weight font-style text-decoration width max-width height margin margin-top margin-right"
    " margin-bottom margin-left padding padding-top padding-right padding-bottom padding-left".split()
)
_DROPPED_WHOLE: Final = frozenset({"script", "style", "title", "template", "textarea", "select", "object", "iframe"})
_FRAMES: Final = frozenset({"html", "head", "body", "meta"})  # of a whole page: their absence is no loss
_LENGTH: Final = re.compile(r"[0-9]{1,4}%?")


def allowed(html: str) -> str:
    """Well-formed HTML of nothing but what the list above has. Braces stand in its text, and in links as a whole."""
    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=set(_STYLES),
        url_schemes={"https"},
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        return value if is_link(value) or is_amazons_link(value) else None
    if _BRACES.search(value):
        return None
    if name == "src":
        return value if value.lower().startswith("https://") else None
    if name in ("width", "height", "colspan", "rowspan"):
        return value if _LENGTH.fullmatch(value) else None
    return value


def is_link(value: str) -> bool:
    """Is this one of the placeholders that Amazon allows as a link, and nothing besides?"""
    found = PLACEHOLDER.fullmatch(value)
    return found is not None and found[1] in LINKS


def misplaced(html: str) -> str | None:
    """Where a placeholder stands within a tag and cannot be filled in there: that tag and attribute."""
    for tag in read(html, is_html=True).tags:
        for name, attribute in tag.attributes.items():
            is_address = tag.name == "a" and name == "href" and is_link(attribute.value)
            if not is_address and (_BRACES.search(attribute.value) or _BRACES.search(name)):
                return f"{name} of <{tag.name}>"
    return None


def left_out(html: str) -> list[str]:
    """What of it is not sent: tags, and attributes as "class of <p>"; each once, in the order in which they come."""
    left: dict[str, None] = {}
    for tag in read(html, is_html=True).tags:
        if tag.is_end or tag.name in _FRAMES:
            continue
        if tag.name not in _TAGS:
            left[f"<{tag.name}>"] = None
            continue
        known = _ATTRIBUTES["*"] | _ATTRIBUTES.get(tag.name, set())
        for name, attribute in tag.attributes.items():
            if name not in known or _attribute(tag.name, name, attribute.value) is None:
                left[f"{name} of <{tag.name}>"] = None
    return list(left)


def as_text(html: str) -> str:
    """What `allowed` has made of it as plain text: pictures by their description, links with their address behind."""
    reading = read(html, is_html=True)
    pieces: list[str] = []
    at = 0
    for text_at, insertion in _insertions(reading):
        pieces += (reading.text[at:text_at], insertion)
        at = text_at
    lines = [" ".join(line.split()) for line in "".join([*pieces, reading.text[at:]]).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _insertions(reading: Reading) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    opened: list[Tag] = []
    for tag in reading.tags:
        if tag.name == "li" and not tag.is_end:
            line = re.compile(r"\n*").match(reading.text, tag.text_at)
            found.append((line.end() if line else tag.text_at, "- "))
        elif tag.name == "a" and not tag.is_end:
            opened.append(tag)
        elif tag.name == "a" and opened:
            begun = opened.pop()
            href, said = begun.value("href").strip(), reading.text[begun.text_at : tag.text_at].strip()
            if href and href != said:
                found.append((tag.text_at, f" ({href})" if said else href))
    return sorted(found, key=lambda each: each[0])
