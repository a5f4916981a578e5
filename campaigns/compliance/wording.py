"""Finding wordings in a text, whatever stands between, before and behind their words. Pure, linear time.

A wording is words with blanks between: `leave|write` is any of these, `satisf*` any word that begins so, `~` up to six
words of any kind within the sentence. Where a language writes without blanks, a wording is sought as it is, and `~` is
up to fifteen characters.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from campaigns.compliance.findings import MOST

_TOKEN: Final = re.compile(
    r"\{\{[^{}]{0,60}\}\}|\[\[[^\[\]]{0,60}\]\]|[0-9]+|[^\W\d_]+|[.!?。！？…]+|[★☆⭐]+|[%$€£¥]"
    r"|\n[ \t]{0,20}\n\s{0,20}|\n\s{0,20}[-*•]"
)
_ENDS: Final = frozenset(".!?。！？…\n")
GAP, GAP_OF_CHARACTERS = 6, 15


class Found(NamedTuple):
    """Where a wording stands, and in which sentence."""

    start: int
    end: int
    sentence: int


class Token(NamedTuple):
    text: str
    start: int
    end: int
    sentence: int


def tokens_of(text: str) -> list[Token]:
    """Words, numbers, placeholders and marks, with the number of their sentence. A line's end is no sentence's."""
    tokens, sentence = [], 0
    for found in _TOKEN.finditer(text):
        word = found[0]
        tokens.append(Token(word, found.start(), found.end(), sentence))
        if word[0] in _ENDS:
            sentence += 1
    return tokens


Subject = tuple[str, str]  # language, and what it is about
Step = tuple[frozenset[str], tuple[str, ...], bool]  # whole words, beginnings, is there a gap before it?
Begun = tuple[Subject, tuple[Step, ...]]


class Wordings:
    """Many wordings by their subject, of all languages at once, compiled once."""

    def __init__(self, by_subject: Mapping[Subject, Iterable[str]]) -> None:
        self._by_word: dict[str, list[Begun]] = {}
        self._by_beginning: dict[str, list[Begun]] = {}
        for subject, wordings in by_subject.items():
            for wording in wordings:
                steps = tuple(_steps(wording))
                for word in steps[0][0]:
                    self._by_word.setdefault(word, []).append((subject, steps))
                for beginning in steps[0][1]:
                    self._by_beginning.setdefault(beginning, []).append((subject, steps))
        self._lengths = sorted({len(beginning) for beginning in self._by_beginning})

    def find(self, tokens: Sequence[Token]) -> Iterator[tuple[Subject, Found]]:
        """Each subject a hundred times at most: more places say no more."""
        known: dict[str, list[Begun]] = {}
        vocabulary = {token.text for token in tokens}
        times: Counter[Subject] = Counter()
        for at, token in enumerate(tokens):
            begun = known.get(token.text)
            if begun is None:
                begun = known[token.text] = [
                    each for each in self._begun_by(token.text) if _is_possible(each[1], vocabulary)
                ]
            for subject, steps in begun:
                if times[subject] < MOST and (last := _follow(tokens, at, steps)) is not None:
                    times[subject] += 1
                    yield subject, Found(token.start, tokens[last].end, token.sentence)

    def _begun_by(self, word: str) -> list[Begun]:
        begun = list(self._by_word.get(word, ()))
        for length in self._lengths:
            if length > len(word):
                break
            begun += self._by_beginning.get(word[:length], ())
        return begun


def _is_possible(steps: tuple[Step, ...], vocabulary: set[str]) -> bool:
    return all(beginnings or not whole.isdisjoint(vocabulary) for whole, beginnings, _ in steps)


def _steps(wording: str) -> Iterator[Step]:
    is_after_gap = False
    for word in wording.split():
        if word == "~":
            is_after_gap = True
            continue
        choices = word.split("|")
        whole = frozenset(choice for choice in choices if not choice.endswith("*"))
        beginnings = tuple(choice[:-1] for choice in choices if choice.endswith("*"))
        yield whole, beginnings, is_after_gap
        is_after_gap = False


def _follow(tokens: Sequence[Token], at: int, steps: tuple[Step, ...]) -> int | None:
    sentence = tokens[at].sentence
    for whole, beginnings, is_after_gap in steps[1:]:
        for nth in range(at + 1, min(at + 2 + (GAP if is_after_gap else 0), len(tokens))):
            token = tokens[nth]
            if token.sentence != sentence:
                return None
            if token.text in whole or (beginnings and token.text.startswith(beginnings)):
                at = nth
                break
        else:
            return None
    return at


class Strings:
    """The same for a language without blanks between its words."""

    def __init__(self, by_subject: Mapping[Subject, Iterable[str]]) -> None:
        self._wordings = [
            (subject, tuple(wording.split("~"))) for subject, wordings in by_subject.items() for wording in wordings
        ]

    def find(self, text: str, sentences: Sequence[int]) -> Iterator[tuple[Subject, Found]]:
        """`sentences`: where each begins, in order."""
        times: Counter[Subject] = Counter()
        for subject, parts in self._wordings:
            at = text.find(parts[0])
            while at >= 0 and times[subject] < MOST:
                end = _follow_string(text, at + len(parts[0]), parts[1:])
                if end is not None:
                    times[subject] += 1
                    yield subject, Found(at, end, bisect_right(sentences, at))
                at = text.find(parts[0], at + 1)


def _follow_string(text: str, end: int, parts: Sequence[str]) -> int | None:
    for part in parts:
        found = text.find(part, end, end + GAP_OF_CHARACTERS + len(part))
        if found < 0 or any(mark in text[end:found] for mark in _ENDS):
            return None
        end = found + len(part)
    return end
