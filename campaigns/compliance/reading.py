"""A letter's source as the buyer sees it: its text, with every character's place in the source, and its tags. Pure.

Read as leniently as mail clients do: entities, tags within words, tags that are never closed. One pass, linear time.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Final

_NAMES: Final = (
    "html|head|body|title|meta|link|style|script|p|br|div|span|a|b|i|u|s|em|strong|small|big|sub|sup|font|center|img|hr"
    "|table|thead|tbody|tfoot|tr|td|th|ul|ol|li|dl|dt|dd|h[1-6]|blockquote|pre|code|section|article|header|footer"
    "|video|audio|iframe|object|embed|svg|picture|source|form|input|button|map|area|base|marquee"
)
_LOOKS_LIKE_HTML: Final = re.compile(rf"</?(?:{_NAMES})(?:[\s/][^<>]{{0,2000}})?>|<!doctype html", re.IGNORECASE)
_NAME: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,40})")
_BETWEEN: Final = re.compile(r"[\s/]*")
_ATTRIBUTE: Final = re.compile(r"""([^\s/>=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?""")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_STOPS: Final = re.compile(r"[<&]")
_UNSEEN: Final = frozenset({"style", "script", "title"})  # their content is no text of the letter
# How many line ends stand at least around an element.
_APART: Final = dict.fromkeys("p h1 h2 h3 h4 h5 h6 ul ol table blockquote pre".split(), 2) | dict.fromkeys(
    "div tr li hr section article header footer dt dd td th".split(), 1
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value` with its entities resolved; `start` and `end` of the whole in the source."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. `text_at`: how much of the text stood before it."""

    name: str
    is_end: bool
    attributes: dict[str, Attribute]
    start: int
    end: int
    text_at: int

    def value(self, name: str) -> str:
        found = self.attributes.get(name)
        return found.value if found else ""


@dataclass(slots=True)
class Reading:
    """`text[n]` comes from `source[starts[n]:ends[n]]`. `styles` are the contents of <style>, with their place."""

    source: str
    is_html: bool
    text: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    styles: list[tuple[str, int]] = field(default_factory=list)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the text stands in the source."""
        if start >= len(self.starts):
            return len(self.source), len(self.source)
        first, last = self.starts[start], self.ends[max(start, min(end, len(self.ends)) - 1)]
        return first, max(first, last)


def looks_like_html(source: str) -> bool:
    return _LOOKS_LIKE_HTML.search(source) is not None


def read(source: str, *, is_html: bool | None = None) -> Reading:
    """`is_html` None: as it looks."""
    if not (looks_like_html(source) if is_html is None else is_html):
        places = range(len(source) + 1)
        return Reading(source, False, source, list(places[:-1]), list(places[1:]))
    return _Reader(source).reading


class _Reader:
    def __init__(self, source: str) -> None:
        self.reading = Reading(source, True)
        self._pieces: list[str] = []
        self._length = 0
        self._line_ends = 2  # at the end of the text so far
        self._unclosed: set[str] = set()  # ends that are known not to come any more
        at = 0
        while at < len(source):
            at = self._step(source, at)
        self.reading.text = "".join(self._pieces)

    def _step(self, source: str, at: int) -> int:
        if source[at] == "<":
            return self._markup(source, at)
        if source[at] == "&" and (entity := _ENTITY.match(source, at)):
            self._add(unescape(entity[0]), entity.start(), entity.end())
            return entity.end()
        stop = _STOPS.search(source, at + 1)
        end = stop.start() if stop else len(source)
        text = source[at:end].replace("\n", " ").replace("\r", " ")
        if self._line_ends and text.isspace():
            return end  # between two elements
        self._pieces.append(text)
        self.reading.starts.extend(range(at, end))
        self.reading.ends.extend(range(at + 1, end + 1))
        self._length += end - at
        self._line_ends = 0
        return end

    def _markup(self, source: str, at: int) -> int:
        if source.startswith("<!--", at):
            return self._behind(source, "-->", at + 4) or len(source)
        if source.startswith(("<!", "<?"), at):
            return self._behind(source, ">", at) or len(source)
        if not (name := _NAME.match(source, at)):
            self._add("<", at, at + 1)
            return at + 1
        return self._tag(source, name)

    def _tag(self, source: str, name: re.Match[str]) -> int:
        attributes: dict[str, Attribute] = {}
        at = _skip(source, name.end())
        while at < len(source) and source[at] != ">":
            found = _ATTRIBUTE.match(source, at)
            if found is not None:
                attributes.setdefault(found[1].lower(), Attribute(_value(found[2]), found.start(), found.end()))
            at = _skip(source, found.end() if found else at + 1)
        at = min(at + 1, len(source))
        word, is_end = name[1].lower(), source.startswith("</", name.start())
        self.reading.tags.append(Tag(word, is_end, attributes, name.start(), at, self._length))
        self._part(word, is_end, name.start(), at)
        if word == "img" and not is_end and (said := self.reading.tags[-1].value("alt").strip()):
            self._add(f" {' '.join(said.split())} ", name.start(), at)  # read out, and shown where pictures are not
        if word in _UNSEEN and not is_end:
            return self._unseen(source, word, at)
        return at

    def _part(self, word: str, is_end: bool, start: int, end: int) -> None:
        """Line ends around elements that stand apart. A paragraph without anything in it is one more."""
        wanted = _APART.get(word, 0)
        before = self.reading.tags[-2] if len(self.reading.tags) > 1 else None
        is_empty = word == "p" and is_end and before and (before.name, before.text_at) == ("p", self._length)
        missing = 1 if word == "br" or is_empty else max(0, wanted - self._line_ends)
        line_ends = self._line_ends + missing
        self._add("\n" * missing, start, end)
        self._line_ends = line_ends

    def _unseen(self, source: str, word: str, at: int) -> int:
        end = self._find(source, f"</{word}", at)
        stop = len(source) if end is None else end
        if word == "style":
            self.reading.styles.append((source[at:stop], at))
        return stop

    def _behind(self, source: str, end: str, at: int) -> int | None:
        found = self._find(source, end, at)
        return None if found is None else found + len(end)

    def _find(self, source: str, end: str, at: int) -> int | None:
        if end in self._unclosed:
            return None
        found = source.find(end, at)
        if found < 0:
            self._unclosed.add(end)
            return None
        return found

    def _add(self, text: str, start: int, end: int) -> None:
        self._pieces.append(text)
        self.reading.starts.extend([start] * len(text))
        self.reading.ends.extend([end] * len(text))
        self._length += len(text)
        self._line_ends = 0


def _skip(source: str, at: int) -> int:
    found = _BETWEEN.match(source, at)
    return found.end() if found else at


def _value(given: str | None) -> str:
    if not given:
        return ""
    return unescape(given[1:-1] if given[0] in "\"'" and given[-1] == given[0] and len(given) > 1 else given)
