"""Finding wordings in a text, whatever stands between, before and behind their words. Pure, linear time.

A wording is words with blanks between: `leave|write` is any of these, `satisf*` any word that begins so, `*gutschein`
one that ends so, for languages that join words, and `~` up to six words of any kind within the sentence. Where a
language writes without blanks, a wording is sought as it is, and `~` is up to fifteen characters.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import accumulate
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


class Tokens:
    """Words, numbers, placeholders and marks of a text in their order, in lists side by side: most texts say nothing,
    and then nobody asks for the places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = _TOKEN.findall(text)
        self.vocabulary = Counter(self.words)
        self._ends = {word for word in self.vocabulary if word[0] in _ENDS}

    @cached_property
    def sentences(self) -> list[int]:
        """Of each token the number of its sentence. A line's end is no sentence's."""
        return list(accumulate(map(self._ends.__contains__, self.words), initial=0))

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        return [found.span() for found in _TOKEN.finditer(self.text)]

    @cached_property
    def ends(self) -> list[int]:
        """Where each sentence ends in the text."""
        ended = self._ends
        return [end for word, (_, end) in zip(self.words, self.spans, strict=True) if word in ended]

    def sentences_with(self, marks: str) -> set[int]:
        """Those that end with one of these marks first."""
        ended = {word for word in self._ends if word[0] in marks}
        return {self.sentences[at] for at, word in enumerate(self.words) if word in ended} if ended else set()


Subject = tuple[str, str]  # language, and what it is about


class Step(NamedTuple):
    """One word of a wording, or any of several."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    ends: tuple[str, ...]
    is_after_gap: bool

    def fits(self, word: str) -> bool:
        return word in self.words or word.startswith(self.beginnings) or word.endswith(self.ends)


Begun = tuple[Subject, tuple[Step, ...]]


class Wordings:
    """Many wordings by their subject, of all languages at once, compiled once."""

    def __init__(self, by_subject: Mapping[Subject, Iterable[str]]) -> None:
        self._by_choice: dict[str, list[Begun]] = {}  # a word, "satisf*" or "*gutschein"
        choices: set[str] = set()
        for subject, wordings in by_subject.items():
            for wording in wordings:
                steps = tuple(_steps(wording))
                for choice in wording.split()[0].split("|"):
                    self._by_choice.setdefault(choice, []).append((subject, steps))
                choices.update(choice for word in wording.split() for choice in word.split("|"))
        beginnings = {choice[:-1] for choice in choices if choice.endswith("*")}
        self._beginnings, self._heads = beginnings, {beginning[:3] for beginning in beginnings}
        self._lengths = sorted({len(beginning) for beginning in beginnings})
        self._ends = tuple({choice[1:] for choice in choices if choice.startswith("*")})

    def find(self, tokens: Tokens) -> Iterator[tuple[Subject, Found]]:
        """Each subject a hundred times at most: more places say no more."""
        words, begun_by, times = tokens.words, self._begun_in(set(tokens.vocabulary)), Counter[Subject]()
        for at in [at for at, word in enumerate(words) if word in begun_by] if begun_by else ():
            for subject, steps in begun_by[words[at]]:
                if times[subject] < MOST and (last := _follow(tokens, at, steps)) is not None:
                    times[subject] += 1
                    yield subject, Found(tokens.spans[at][0], tokens.spans[last][1], tokens.sentences[at])
                    if times[subject] == MOST:
                        begun_by = _without(begun_by, subject)

    def _begun_in(self, vocabulary: set[str]) -> dict[str, list[Begun]]:
        """What each word of a text may begin, of that for which all the other words are there too."""
        present = self._parts_in(vocabulary)
        by_word: dict[str, list[Begun]] = {}
        for choice in (vocabulary | present.keys()) & self._by_choice.keys():
            possible = [each for each in self._by_choice[choice] if _is_possible(each[1], vocabulary, present.keys())]
            for word in present.get(choice, (choice,)) if possible else ():
                by_word[word] = by_word.get(word, []) + possible
        return by_word

    def _parts_in(self, vocabulary: set[str]) -> dict[str, list[str]]:
        """The words that begin or end as some wording wants it, by that: "satisf*", "*gutschein"."""
        present: dict[str, list[str]] = {}
        heads = self._heads
        for word in [each for each in vocabulary if each[:3] in heads or each[:2] in heads or each[0] in heads]:
            for length in self._lengths:
                if length > len(word):
                    break
                if (beginning := word[:length]) in self._beginnings:
                    present.setdefault(f"{beginning}*", []).append(word)
        for word in [each for each in vocabulary if each.endswith(self._ends)]:
            for end in self._ends:
                if word.endswith(end):
                    present.setdefault(f"*{end}", []).append(word)
        return present


def _without(begun_by: Mapping[str, list[Begun]], subject: Subject) -> dict[str, list[Begun]]:
    return {word: [each for each in begun if each[0] != subject] for word, begun in begun_by.items()}


def _is_possible(steps: tuple[Step, ...], vocabulary: Set[str], present: Set[str]) -> bool:
    return all(
        not step.words.isdisjoint(vocabulary)
        or any(f"{each}*" in present for each in step.beginnings)
        or any(f"*{each}" in present for each in step.ends)
        for step in steps
    )


def _steps(wording: str) -> Iterator[Step]:
    is_after_gap = False
    for word in wording.split():
        if word == "~":
            is_after_gap = True
            continue
        choices = word.split("|")
        yield Step(
            frozenset(choice for choice in choices if "*" not in choice),
            tuple(choice[:-1] for choice in choices if choice.endswith("*")),
            tuple(choice[1:] for choice in choices if choice.startswith("*")),
            is_after_gap,
        )
        is_after_gap = False


def _follow(tokens: Tokens, at: int, steps: tuple[Step, ...]) -> int | None:
    words, sentences = tokens.words, tokens.sentences
    sentence = sentences[at]
    for step in steps[1:]:
        for nth in range(at + 1, min(at + 2 + (GAP if step.is_after_gap else 0), len(words))):
            if sentences[nth] != sentence:
                return None
            if step.fits(words[nth]):
                at = nth
                break
        else:
            return None
    return at


class Written(NamedTuple):
    """A wording of `Strings`: its parts, and the pairs of characters without which it is in no text."""

    subject: Subject
    parts: tuple[str, ...]
    pairs: frozenset[str]


class Strings:
    """The same for a language without blanks between its words."""

    def __init__(self, by_subject: Mapping[Subject, Iterable[str]]) -> None:
        self._wordings = [
            Written(subject, parts, frozenset(pair for part in parts for pair in _pairs_of(part)))
            for subject, wordings in by_subject.items()
            for parts in (tuple(wording.split("~")) for wording in wordings)
        ]
        self._wordings_in_ascii = [each for each in self._wordings if all(part.isascii() for part in each.parts)]

    def find(self, tokens: Tokens) -> Iterator[tuple[Subject, Found]]:
        """Each subject a hundred times at most."""
        text, times = tokens.text, Counter[Subject]()
        known = set(text).union(_pairs_of(text))
        for subject, parts, pairs in self._wordings_in_ascii if text.isascii() else self._wordings:
            if not pairs <= known or not all(part in text for part in parts):
                continue
            for at in _starts(text, parts):
                if times[subject] >= MOST:
                    break
                if (end := _follow_string(text, at + len(parts[0]), parts[1:])) is not None:
                    times[subject] += 1
                    yield subject, Found(at, end, bisect_right(tokens.ends, at))


def _pairs_of(text: str) -> Iterator[str]:
    return map("".join, zip(text, text[1:], strict=False)) if len(text) > 1 else iter(text)


def _starts(text: str, parts: Sequence[str]) -> Iterator[int]:
    """Where the first part stands; where the second one is rarer, only those that it may follow."""
    first = parts[0]
    if len(parts) == 1 or text.count(first) <= text.count(parts[1]):
        yield from _places(text, first, 0, len(text))
        return
    after = 0
    for second in _places(text, parts[1], 0, len(text)):
        for at in _places(text, first, max(after, second - GAP_OF_CHARACTERS - len(first)), second):
            after = at + 1
            yield at


def _places(text: str, part: str, start: int, end: int) -> Iterator[int]:
    while (start := text.find(part, start, end)) >= 0:
        yield start
        start += 1


def _follow_string(text: str, end: int, parts: Sequence[str]) -> int | None:
    for part in parts:
        found = text.find(part, end, end + GAP_OF_CHARACTERS + len(part))
        if found < 0 or any(mark in text[end:found] for mark in _ENDS):
            return None
        end = found + len(part)
    return end
