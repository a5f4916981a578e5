"""A letter's source as the buyer sees it: its text, with every character's place in the source, and its tags. Pure.

Read as leniently as mail clients do: entities, tags within words, tags that are never closed. One pass, linear time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Final, NamedTuple

_NAMES: Final = frozenset(
    "html head body title meta link style script p br div span a b i u s em strong small big sub sup font center img hr"
    " table thead tbody tfoot tr td th ul ol li dl dt dd h1 h2 h3 h4 h5 h6 blockquote pre code section article header"
    " footer video audio iframe object embed svg picture source form input button map area base marquee".split()
)
_WHOLE_TAG: Final = re.compile(
    r"</?([a-z][a-z0-9]{0,9}+)(?:[\s/][^<>]{0,2000}+)?>|<!doctype html", re.IGNORECASE
)
_NAME: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,40})[\s/]*(>?)")
_ATTRIBUTE: Final = re.compile(r"""([^\s/>=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?[\s/]*""")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_STOPS: Final = re.compile(r"<(?:/?[A-Za-z]|[!?])|&[#A-Za-z]")
_UNSEEN: Final = frozenset({"style", "script", "title"})  # their content is no text of the letter
# How many line ends stand at least around an element.
_APART: Final = dict.fromkeys("p h1 h2 h3 h4 h5 h6 ul ol table blockquote pre".split(), 2) | dict.fromkeys(
    "div tr li hr section article header footer dt dd td th".split(), 1
)


class Attribute(NamedTuple):
    """`value` with its entities resolved; `start` and `end` of the whole in the source."""

    value: str
    start: int
    end: int


_NO_ATTRIBUTES: Final[dict[str, Attribute]] = {}


class Tag(NamedTuple):
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
    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    tags: list[Tag] = field(default_factory=list)
    styles: list[tuple[str, int]] = field(default_factory=list)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the text stands in the source."""
        if start >= len(self.starts):
            return len(self.source), len(self.source)
        first, last = self.starts[start], self.ends[max(start, min(end, len(self.ends)) - 1)]
        return first, max(first, last)


def looks_like_html(source: str) -> bool:
    return any(found[1] is None or found[1].lower() in _NAMES for found in _WHOLE_TAG.finditer(source))


def read(source: str, *, is_html: bool | None = None) -> Reading:
    """`is_html` None: as it looks."""
    if not (looks_like_html(source) if is_html is None else is_html):
        return Reading(source, False, source, range(len(source)), range(1, len(source) + 1))
    return _Reader(source).reading


class _Reader:
    def __init__(self, source: str) -> None:
        self.reading = Reading(source, True)
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._length = 0
        self._line_ends = 2  # at the end of the text so far
        self._unclosed: set[str] = set()  # ends that are known not to come any more
        at = 0
        while at < len(source):
            at = self._step(source, at)
        self.reading.text, self.reading.starts, self.reading.ends = "".join(self._pieces), self._starts, self._ends

    def _step(self, source: str, at: int) -> int:
        first = source[at]
        if first == "<":
            if name := _NAME.match(source, at):
                return self._tag(source, name)
            if source.startswith(("<!", "<?"), at):
                return self._behind_remark(source, at)
        elif first == "&" and (entity := _ENTITY.match(source, at)):
            self._add(unescape(entity[0]), entity.start(), entity.end())
            return entity.end()
        stop = _STOPS.search(source, at + 1)
        end = stop.start() if stop else len(source)
        text = source[at:end].replace("\n", " ").replace("\r", " ")
        if self._line_ends and text.isspace():
            return end  # between two elements
        self._pieces.append(text)
        self._starts.extend(range(at, end))
        self._ends.extend(range(at + 1, end + 1))
        self._length += end - at
        self._line_ends = 0
        return end

    def _behind_remark(self, source: str, at: int) -> int:
        if source.startswith("<!--", at):
            return self._behind(source, "-->", at + 4) or len(source)
        return self._behind(source, ">", at) or len(source)

    def _tag(self, source: str, name: re.Match[str]) -> int:
        attributes, at = (_NO_ATTRIBUTES, name.end()) if name[3] else _attributes(source, name.end())
        word, is_end = name[2].lower(), bool(name[1])
        self.reading.tags.append(Tag(word, is_end, attributes, name.start(), at, self._length))
        if word in _APART or word == "br":
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
        if missing:
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
        self._starts.extend([start] * len(text))
        self._ends.extend([end] * len(text))
        self._length += len(text)
        self._line_ends = 0


def _attributes(source: str, at: int) -> tuple[dict[str, Attribute], int]:
    """Of a tag, and where it ends. Of two with one name the first counts, as for a browser."""
    attributes: dict[str, Attribute] = {}
    while at < len(source) and source[at] != ">":
        if found := _ATTRIBUTE.match(source, at):
            name, given = found[1].lower(), found[2]
            if name not in attributes:
                end = found.end(1) if given is None else found.end(2)
                attributes[name] = Attribute(_value(given) if given else "", at, end)
            at = found.end()
        else:
            at += 1
    return attributes, min(at + 1, len(source))


def _value(given: str) -> str:
    plain = given[1:-1] if given[0] in "\"'" and given[-1] == given[0] and len(given) > 1 else given
    return unescape(plain) if "&" in plain else plain
