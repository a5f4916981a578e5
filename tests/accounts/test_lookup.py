"""Look-up keys of a site: its secret makes them, and nothing can be found without it."""

import pytest
from pytest_django import Settings

from accounts import keys, lookup

ALIAS = "5r27lqfzscx6cpl@marketplace.amazon.it"
ORDER = "171-1234567-7654321"


def test_a_key_is_the_one_that_the_sites_secret_makes(settings: Settings) -> None:
    secret = settings.LOOKUP_SECRET
    assert lookup.alias_key(ALIAS) == keys.alias_key(ALIAS, secret=secret)
    assert lookup.order_key(7, ORDER) == keys.order_key(7, ORDER, secret=secret)
    assert lookup.mailbox_key("Alice@Shop.example") == keys.mailbox_key("alice@shop.example", secret=secret)
    assert lookup.token_key("o-aaaaaaaaaaaaaaaaaaaa") == keys.token_key("o-aaaaaaaaaaaaaaaaaaaa", secret=secret)


def test_another_secret_makes_other_keys(settings: Settings) -> None:
    before = [lookup.alias_key(ALIAS), lookup.order_key(7, ORDER), lookup.mailbox_key("a@b.c"), lookup.token_key("t")]
    settings.LOOKUP_SECRET = b"another secret of 32 bytes here."
    after = [lookup.alias_key(ALIAS), lookup.order_key(7, ORDER), lookup.mailbox_key("a@b.c"), lookup.token_key("t")]
    assert not set(before) & set(after)


def test_the_same_text_as_alias_mailbox_and_token_has_three_keys() -> None:
    assert len({lookup.alias_key(ALIAS), lookup.mailbox_key(ALIAS), lookup.token_key(ALIAS)}) == 3


def test_every_spelling_of_an_alias_is_the_same_buyer() -> None:
    spellings = [ALIAS, ALIAS.upper(), f" {ALIAS} ", ALIAS.replace("@", "+thread@")]
    assert len({lookup.alias_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize("text", ["", "nobody", "abc@example.com", ALIAS + ".evil.example", f"<{ALIAS}>"])
def test_what_is_no_alias_has_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="alias"):
        lookup.alias_key(text)


@pytest.mark.parametrize("text", ["", "171-1234567", "S01-1234567-7654321", ORDER + "\n"])
def test_what_is_no_order_number_has_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="order id"):
        lookup.order_key(7, text)
