"""Letters to start from keep Amazon's rules, and name only placeholders that exist."""

import pytest

from campaigns.compliance import lint_letter
from campaigns.gallery import starters
from campaigns.rendering import Source, check
from campaigns.starting import CHECK_IN_TEMPLATES

LETTERS = [(f"{key}-{code}", code, source) for key, each in starters().items() for code, source in each.letters.items()]
LETTERS += [(f"check-in-{code}", code, Source(*texts)) for code, texts in CHECK_IN_TEMPLATES.items()]


@pytest.mark.parametrize(("language", "source"), [row[1:] for row in LETTERS], ids=[row[0] for row in LETTERS])
def test_a_letter_of_the_gallery_keeps_amazons_rules(language: str, source: Source) -> None:
    check(source)
    assert lint_letter(source.subject, source.body, language) == ([], [])


def test_every_letter_of_the_gallery_is_there_in_six_languages() -> None:
    for starter in starters().values():
        assert set(starter.letters) == {"en", "de", "fr", "it", "es", "ja"}
