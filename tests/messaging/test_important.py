"""`[Important]`: which word, and what is in force."""

from datetime import date

import pytest

from messaging.important import Policy, in_force, token

US, JP = "ATVPDKIKX0DER", "A1VC38T7YXB528"
FIRST = Policy("", date(2017, 5, 16), "works", "It works.", "help page")
GONE = Policy("", date(2025, 4, 25), "gone", "It is gone.", "announcement")
JAPAN = Policy(JP, date(2018, 1, 31), "works", "It works in Japan.", "help page")


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "[Important]"), ("de", "[Wichtig]"), ("it", "[Importante]"), ("ja", "[重要]"), ("pl", "[Important]")],
)
def test_the_word_is_the_languages_own_where_amazon_has_named_it(language: str, word: str) -> None:
    assert token(language) == word


@pytest.mark.parametrize(
    ("marketplace", "day", "expected"),
    [
        (US, date(2017, 5, 15), None),
        (US, date(2017, 5, 16), FIRST),
        (US, date(2025, 4, 25), GONE),
        (JP, date(2026, 1, 1), JAPAN),
        (JP, date(2018, 1, 30), FIRST),
    ],
)
def test_the_newest_that_has_begun_counts_and_the_marketplaces_own_before_that_for_all(
    marketplace: str, day: date, expected: Policy | None
) -> None:
    assert in_force([GONE, JAPAN, FIRST], marketplace, day=day) == expected
