"""What the markup of a letter may not do: images, links around them, styles. Pure. Out: hits in the source."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from campaigns.compliance.findings import Hit
from campaigns.compliance.reading import Reading, Tag

_DECLARATION: Final = re.compile(r"(?<![a-zA-Z-])([a-zA-Z-]{2,40})\s{0,20}:\s{0,20}([^;{}]{1,300})")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER: Final = re.compile(r"-?([0-9]{1,6}(?:\.[0-9]{1,6})?)\s{0,5}(%|px|em|rem|pt|vw)?")
_URL: Final = re.compile(r"""url\(\s{0,5}["']?([^"')\s]{1,2000})""", re.IGNORECASE)
_DEFAULT: Final = frozenset({"inherit", "initial", "normal", "unset", "auto", "medium"})
_BY_PROPERTY: Final = {
    "color": "font_color", "font-family": "font_family", "line-height": "line_height", "text-align": "alignment",
}  # fmt: skip
_STARTS: Final = frozenset({"left", "start", "inherit", "initial", "unset", "auto"})
_NO_LETTERS: Final = frozenset({"script", "iframe", "object", "embed", "form", "video", "audio"})
_LOOKS: Final = frozenset({"align", "background", "color", "face", "size", "style", "text"})
_SAYS_BY_ITSELF: Final = _NO_LETTERS | {"center", "marquee"}
MOST_SIZES: Final = 3
WIDEST_MARGIN, WIDEST_IMAGE = 20, 80  # per cent
LETTER_WIDTH: Final = 600  # pixels: what mail clients give a letter
_SMALLEST: Final = 2


def hits(reading: Reading) -> Iterator[Hit]:
    yield from _images(reading.tags)
    sizes: dict[str, tuple[int, int]] = {}
    for tag in reading.tags:
        if not tag.is_end and (tag.name in _SAYS_BY_ITSELF or not _LOOKS.isdisjoint(tag.attributes)):
            yield from _tag(tag, sizes)
    for content, start in reading.styles:
        yield from _style(content, start, start + len(content), sizes, is_sheet=True)
    for start, end in list(sizes.values())[MOST_SIZES:]:
        yield Hit("font_sizes", start, end)


def _tag(tag: Tag, sizes: dict[str, tuple[int, int]]) -> Iterator[Hit]:
    if tag.name == "center" or tag.value("align").strip().lower() in ("center", "right", "justify"):
        if tag.name != "img":
            yield Hit("alignment", tag.start, tag.end)
    if tag.name == "font":
        if "color" in tag.attributes:
            yield Hit("font_color", tag.start, tag.end)
        if "face" in tag.attributes:
            yield Hit("font_family", tag.start, tag.end)
        if size := tag.value("size"):
            sizes.setdefault(f"font {size}", (tag.start, tag.end))
    elif tag.name == "body" and "text" in tag.attributes:
        yield Hit("font_color", tag.start, tag.end)
    elif tag.name == "marquee":
        yield Hit("alignment", tag.start, tag.end)
    if tag.name in _NO_LETTERS:
        yield Hit("external_link", tag.start, tag.end)
    if background := tag.value("background"):
        yield Hit(_of_image(background), tag.start, tag.end)
    if style := tag.attributes.get("style"):
        yield from _style(style.value, style.start, style.end, sizes, is_sheet=False)


def _style(
    css: str, start: int, end: int, sizes: dict[str, tuple[int, int]], *, is_sheet: bool
) -> Iterator[Hit]:
    """Of an attribute the whole is the place; of a sheet the declaration, for it stands there as it is."""
    for found in _DECLARATION.finditer(css if is_sheet else _without_comments(css)):
        place = (start + found.start(), start + found.end()) if is_sheet else (start, end)
        name, value = found[1].lower(), found[2].strip().lower().removesuffix("!important").strip()
        if name == "font-size" and value not in _DEFAULT:
            sizes.setdefault(value, place)
        elif name == "font":
            yield Hit("font_family", *place)
        elif name == "text-align":
            if value not in _STARTS:
                yield Hit("alignment", *place)
        elif name in _BY_PROPERTY:
            if value not in _DEFAULT:
                yield Hit(_BY_PROPERTY[name], *place)
        elif name.startswith(("margin", "padding")) and _is_wide(name, value):
            yield Hit("margins", *place)
        for url in _URL.findall(found[2]):
            yield Hit(_of_image(url), *place)


def _without_comments(css: str) -> str:
    closed, end, rest = css.rpartition("*/")
    return _COMMENT.sub("", closed + end) + rest


def _is_wide(name: str, value: str) -> bool:
    if name.endswith(("-top", "-bottom")):
        return False
    for number, unit in _NUMBER.findall(value):
        share = float(number) if unit in ("%", "vw") else _pixels(float(number), unit) / LETTER_WIDTH * 100
        if share > WIDEST_MARGIN:
            return True
    return False


def _pixels(number: float, unit: str) -> float:
    return number * {"em": 16, "rem": 16, "pt": 4 / 3}.get(unit, 1)


def _of_image(url: str) -> str:
    if url.strip().lower().partition("?")[0].endswith(".gif") or url.lower().startswith("data:image/gif"):
        return "gif"
    is_safe = url.strip().lower().startswith(("https:", "cid:", "data:image/", "{{"))
    return "remote_image" if is_safe else "insecure_image"


def _images(tags: Iterable[Tag]) -> Iterator[Hit]:
    links = 0
    for tag in tags:
        if tag.name == "a":
            links = max(0, links + (-1 if tag.is_end else int("href" in tag.attributes)))
        elif tag.name in ("img", "image") and not tag.is_end:
            yield from _image(tag)
            if links:
                yield Hit("logo_link", tag.start, tag.end)
        elif tag.name == "input" and tag.value("type").lower() == "image":
            yield Hit("logo_link", tag.start, tag.end)


def _image(tag: Tag) -> Iterator[Hit]:
    place, style = (tag.start, tag.end), tag.value("style")
    sources = [tag.value("src"), *(part.split()[0] for part in tag.value("srcset").split(",") if part.split())]
    for rule in dict.fromkeys(_of_image(source) for source in sources if source):
        yield Hit(rule, *place)
    widths, heights = _sizes(tag, "width"), _sizes(tag, "height")
    if any(map(_is_tiny, [*widths, *heights])) or (style and _is_hidden(style)):
        yield Hit("tracking_pixel", *place)
    if any(_share(width) > WIDEST_IMAGE for width in widths):
        yield Hit("image_width", *place)
    if not tag.value("alt").strip():
        yield Hit("missing_alt", *place)


def _sizes(tag: Tag, name: str) -> list[str]:
    given, said = tag.value(name), _DECLARATION.findall(tag.value("style"))
    sizes = [value for key, value in said if key.lower() in (name, f"max-{name}")]
    return [given, *sizes] if given else sizes


def _is_tiny(size: str) -> bool:
    found = _NUMBER.match(size.strip().lower())
    return found is not None and found[2] != "%" and _pixels(float(found[1]), found[2] or "") <= _SMALLEST


def _share(size: str) -> float:
    found = _NUMBER.match(size.strip().lower())
    if not found:
        return 0
    number = float(found[1])
    return number if found[2] in ("%", "vw") else _pixels(number, found[2] or "") / LETTER_WIDTH * 100


def _is_hidden(css: str) -> bool:
    plain = css.lower().replace(" ", "")
    return any(word in plain + ";" for word in ("display:none", "visibility:hidden", "opacity:0;"))
