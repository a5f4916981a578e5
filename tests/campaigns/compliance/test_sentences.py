"""What sellers write, in six languages: each breaking sentence breaks its rule, and no clean one breaks any."""

import tomllib
from pathlib import Path

import pytest

from campaigns.compliance import lint
from tests.campaigns.compliance.sentences import BREAKING, CLEAN

FRESH = tomllib.loads((Path(__file__).parent / "fresh_sentences.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("language", "rule", "sentence"), [(code, *row) for code, rows in BREAKING.items() for row in rows]
)
def test_a_sentence_breaks_its_rule(language: str, rule: str, sentence: str) -> None:
    assert rule in {finding.rule for finding in lint(sentence, language, is_whole=False)}


@pytest.mark.parametrize(("language", "sentence"), [(code, row) for code, rows in CLEAN.items() for row in rows])
def test_a_clean_sentence_breaks_none(language: str, sentence: str) -> None:
    assert lint(sentence, language, is_whole=False) == []


@pytest.mark.parametrize(
    ("language", "rule", "sentence"), [(code, *row) for code, rows in FRESH.items() for row in rows["breaking"]]
)
def test_a_fresh_sentence_breaks_its_rule(language: str, rule: str, sentence: str) -> None:
    assert rule in {finding.rule for finding in lint(sentence, language, is_whole=False)}


@pytest.mark.parametrize(
    ("language", "sentence"), [(code, row) for code, rows in FRESH.items() for row in rows["clean"]]
)
def test_a_fresh_clean_sentence_breaks_none(language: str, sentence: str) -> None:
    # By itself such a sentence may have no purpose: that is said of a whole letter.
    assert {finding.rule for finding in lint(sentence, language, is_whole=False)} <= {"thank_you_only"}


@pytest.mark.parametrize("sentence", ["Please leave us a positive review.", "Use code SAVE20 at checkout."])
@pytest.mark.parametrize("language", list(BREAKING))
def test_english_is_understood_in_a_template_of_any_language(language: str, sentence: str) -> None:
    assert lint(sentence, language, is_whole=False)


@pytest.mark.parametrize("language", list(CLEAN))
@pytest.mark.parametrize("other", list(CLEAN))
def test_a_text_is_in_the_language_that_its_template_says(language: str, other: str) -> None:
    text = " ".join(CLEAN[language])
    assert ("wrong_language" in {finding.rule for finding in lint(text, other)}) is (language != other)


@pytest.mark.parametrize(
    "hidden",
    [
        "Please leave us a POSITIVE review.",
        "Please leave us a pos\u200bitive re\u00advi\u2060ew.",
        "Please leave us a ｐｏｓｉｔｉｖｅ review.",
        "Please leave us a p\u043esitive revi\u0435w.",
        "Please leave us a positive\nreview.",
        "<p>Please leave us a <b>posi</b>tive re<i></i>view.</p>",
        "<p>Please leave us a posi&#116;ive review.</p>",
        "<p>Please leave us a posi<!-- x -->tive review.</p>",
    ],
)
def test_hiding_a_wording_does_not_help(hidden: str) -> None:
    assert "positive_review_only" in {finding.rule for finding in lint(hidden, "en", is_whole=False)}
