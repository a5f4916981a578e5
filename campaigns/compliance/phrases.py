"""What a text says that Amazon forbids, in the words of each language. In: text as a buyer reads it. Out: hits. Pure.

The wordings stand in `wordings/<language>.toml`, by subject. Some subjects are a rule by themselves; the others break
one together: something of value near a review, a review on a condition. Every language is looked for in every text.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, Final

from campaigns.compliance.findings import MOST, Hit
from campaigns.compliance.folding import Folded, fold
from campaigns.compliance.wording import Found, Strings, Subject, Tokens, Wordings

_FOLDER: Final = Path(__file__).parent / "wordings"
LANGUAGES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
_BY_THEMSELVES: Final = frozenset(
    "incentive conditional_review positive_review_only review_change marketing coupon order_confirmation opt_out_text"
    " sensitive_content".split()
)
_WITHOUT_BLANKS: Final = frozenset({"ja", "zh"})
_KANA: Final = re.compile("[぀-ヿ]+")
_ADJECTIVE_BEFORE, _ADJECTIVE_AFTER = 14, 12  # characters between an adjective and the review that it speaks of
_ENOUGH_WORDS, _ENOUGH_EVIDENCE, _CLEAR, _WORDS_OF_THANKS = 25, 5, 2.0, 150


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    subjects: dict[str, list[str]]
    common: frozenset[str]
    twice: frozenset[str]  # words that never stand twice on purpose
    ask: str  # a request for a review that breaks no rule
    after: int  # how far behind the review an adjective may stand

    @property
    def knows_giving(self) -> bool:
        return "giving" in self.subjects


@lru_cache(maxsize=1)
def languages() -> dict[str, Language]:
    return {code: _load(code) for code in LANGUAGES}


def _load(code: str) -> Language:
    rows: dict[str, Any] = tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8"))
    common = frozenset(fold(str(rows.pop("common", ""))).text.split())
    twice = frozenset(fold(str(rows.pop("twice", ""))).text.split())
    ask = str(rows.pop("ask"))
    after = _ADJECTIVE_AFTER if rows.pop("adjectives_follow", False) else 0
    subjects = {subject: [fold(wording).text for wording in wordings] for subject, wordings in rows.items()}
    return Language(code, subjects, common, twice, ask, after)


@lru_cache(maxsize=1)
def _compiled() -> tuple[Wordings, Strings]:
    with_blanks: dict[Subject, list[str]] = {}
    without: dict[Subject, list[str]] = {}
    for language in languages().values():
        into = without if language.code in _WITHOUT_BLANKS else with_blanks
        into |= {(language.code, subject): wordings for subject, wordings in language.subjects.items()}
    return Wordings(with_blanks), Strings(without)


def hits(folded: Folded, language: str) -> Iterator[Hit]:
    """In the folded text; each place once for a rule."""
    tokens = Tokens(folded.text)
    questions = tokens.sentences_with("?？")
    spoken: dict[str, dict[str, list[Found]]] = {code: {} for code in LANGUAGES}
    with_blanks, without = _compiled()
    for (code, subject), found in chain(with_blanks.find(tokens), without.find(tokens)):
        spoken[code].setdefault(subject, []).append(found)
    broken = {hit for code, each in languages().items() for hit in _broken(each, spoken[code], questions)}
    yield from _apart(broken)
    if not broken and language in spoken:
        yield from _thanks_only(spoken[language], tokens, language)
    yield from _wrong_language(tokens, language)
    yield from _twice(tokens, language)


def _apart(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Of those of one rule that overlap, the first."""
    reached: dict[str, int] = {}
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.start >= reached.get(hit.rule, 0):
            reached[hit.rule] = hit.end
            yield hit


def _broken(language: Language, found: Mapping[str, list[Found]], questions: set[int]) -> Iterator[Hit]:
    for subject in _BY_THEMSELVES & found.keys():
        for place in found[subject]:
            if not (subject == "positive_review_only" and _both_ways(found, place)) and not (
                subject == "order_confirmation" and _is_aside(found, place)
            ):
                yield Hit(subject, place.start, place.end)
    reviews = _by_sentence(found.get("review", ()))
    if reviews:
        yield from _incentives(language, found, reviews)
        yield from _conditions(found, reviews, questions)
        yield from _praise(language, found, reviews)
        for place in found.get("change_it", ()):
            if place.sentence in reviews or place.sentence - 1 in reviews:
                yield Hit("review_change", place.start, place.end)


Sentences = Mapping[int, Sequence[Found]]


def _by_sentence(places: Sequence[Found]) -> dict[int, list[Found]]:
    by_sentence: dict[int, list[Found]] = {}
    for place in places:
        by_sentence.setdefault(place.sentence, []).append(place)
    return by_sentence


def _incentives(language: Language, found: Mapping[str, list[Found]], reviews: Sentences) -> Iterator[Hit]:
    """Something of value that is given, in the sentence of a review or next to it; what may be a service or a
    product's name only where it is given for the review."""
    giving = _by_sentence(found.get("giving", ()))
    for place in found.get("benefit", ()):
        if language.knows_giving and place.sentence not in giving:
            continue
        for sentence in (place.sentence, place.sentence - 1, place.sentence + 1):
            if sentence in reviews:
                yield _joined("incentive", place, _nearest(place, reviews[sentence]))
                break
    exchanges = _by_sentence(found.get("exchange", ()))
    for place in found.get("weak_benefit", ()):
        if place.sentence in exchanges and place.sentence in reviews:
            yield _joined("incentive", place, _nearest(place, exchanges[place.sentence]))


def _conditions(found: Mapping[str, list[Found]], reviews: Sentences, questions: set[int]) -> Iterator[Hit]:
    nots = _by_sentence(found.get("not_word", ()))
    for place in found.get("happy_if", ()):
        if any(place.start < each.start < place.end for each in nots.get(place.sentence, ())):
            continue  # "if it is not perfect, ..."
        here, after = place.sentence, place.sentence + 1
        if here in reviews:
            yield _joined("conditional_review", place, _nearest(place, reviews[here]))
        elif here in questions and after in reviews and not _both_ways(found, reviews[after][0]):
            yield _joined("conditional_review", place, reviews[after][0])
    yield from _praise_as_condition(found, reviews)
    contacts, others = _by_sentence(found.get("contact", ())), _by_sentence(found.get("otherwise", ()))
    for place in found.get("unhappy_if", ()):
        here, after = place.sentence, place.sentence + 1
        if here in contacts and after in reviews and after in others:
            yield _joined("conditional_review", place, reviews[after][0])
        elif here in contacts and here - 1 in reviews and here - 1 in _by_sentence(found.get("happy_if", ())):
            yield _joined("conditional_review", reviews[here - 1][0], place)


def _praise_as_condition(found: Mapping[str, list[Found]], reviews: Sentences) -> Iterator[Hit]:
    """ "If ... excellent ...: review", whatever is excellent; not "if ... not excellent"."""
    praises, nots = _by_sentence(found.get("praise", ())), _by_sentence(found.get("not_word", ()))
    for place in found.get("if_word", ()):
        here = place.sentence
        if here not in reviews or here not in praises or _both_ways(found, place):
            continue
        praise = next((each for each in praises[here] if each.start > place.end), None)
        if praise and not any(place.start < each.start < praise.start for each in nots.get(here, ())):
            yield _joined("conditional_review", place, _nearest(praise, reviews[here]))


def _praise(language: Language, found: Mapping[str, list[Found]], reviews: Sentences) -> Iterator[Hit]:
    for place in found.get("stars", ()):
        if place.sentence in reviews and not _both_ways(found, place):
            yield _joined("positive_review_only", place, _nearest(place, reviews[place.sentence]))
    for place in found.get("positive", ()):
        for review in reviews.get(place.sentence, ()):
            is_before = 0 <= review.start - place.end <= _ADJECTIVE_BEFORE
            is_after = 0 <= place.start - review.end <= language.after
            if (is_before or is_after) and not _both_ways(found, place):
                yield _joined("positive_review_only", place, review)


def _both_ways(found: Mapping[str, list[Found]], place: Found) -> bool:
    """Good or bad: then nothing is asked of the happy alone."""
    return any(other.sentence == place.sentence for other in found.get("negative", ()))


def _is_aside(found: Mapping[str, list[Found]], place: Found) -> bool:
    """ "Now that your order has been delivered, ..." confirms nothing."""
    return any(other.sentence == place.sentence and other.start < place.start for other in found.get("aside", ()))


def _nearest(place: Found, others: Sequence[Found]) -> Found:
    return min(others, key=lambda other: abs(other.start - place.start))


def _joined(rule: str, one: Found, other: Found) -> Hit:
    return Hit(rule, min(one.start, other.start), max(one.end, other.end))


def _thanks_only(found: Mapping[str, list[Found]], tokens: Tokens, language: str) -> Iterator[Hit]:
    if not found.get("thanks") or found.get("purpose"):
        return
    counted = sum(times for word, times in tokens.vocabulary.items() if word[0].isalpha())
    words = len(tokens.text) / 2 if language in _WITHOUT_BLANKS else counted
    if words <= _WORDS_OF_THANKS:
        yield Hit("thank_you_only", found["thanks"][0].start, found["thanks"][0].end)


def _twice(tokens: Tokens, language: str) -> Iterator[Hit]:
    """The one mistake of writing that needs no dictionary."""
    known = languages().get(language)
    if known is None or known.twice.isdisjoint(tokens.vocabulary):
        return
    doubled = (at for at, (one, other) in enumerate(pairwise(tokens.words)) if one == other and one in known.twice)
    for at in islice(doubled, MOST):
        yield Hit("doubled_word", tokens.spans[at][0], tokens.spans[at + 1][1])


def _wrong_language(tokens: Tokens, language: str) -> Iterator[Hit]:
    """Only where it is evident: many words, and clearly more of another language's than of this one's."""
    text = tokens.text
    if language not in languages() or not text:
        return
    whole = Hit("wrong_language", len(text) - len(text.lstrip()), len(text.rstrip()))
    kana = 0 if text.isascii() else sum(map(len, _KANA.findall(text)))
    said = {word: times for word, times in tokens.vocabulary.items() if word.isalpha() and not "぀" <= word[0] <= "ヿ"}
    words = sum(said.values())
    is_japanese = kana > 20 and kana > 2 * words
    if is_japanese != (language == "ja"):
        if is_japanese or words >= _ENOUGH_WORDS:
            yield whole
        return
    if is_japanese or words < _ENOUGH_WORDS:
        return
    own = languages()[language].common
    for other in languages().values():
        theirs = sum(said.get(word, 0) for word in other.common - own)
        if theirs >= max(_ENOUGH_EVIDENCE, _CLEAR * sum(said.get(word, 0) for word in own - other.common) + 2):
            yield whole
            return
