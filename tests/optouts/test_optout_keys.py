"""Keys: one buyer, one key; anything that is not a buyer's alias, no key."""

import uuid

import pytest

from accounts.keys import (
    ALIAS_DOMAINS,
    ALIAS_MARKETPLACES,
    alias_key,
    is_order_id,
    mailbox_key,
    marketplace_of_alias,
    normalise_alias,
    order_key,
    token_key,
)  # fmt: skip

SECRET = b"a secret of 32 bytes for tests.."
ALIAS = "5r27lqfzscx6cpl@marketplace.amazon.com"


@pytest.mark.parametrize("domain", sorted(ALIAS_DOMAINS))
def test_every_alias_domain_has_aliases(domain: str) -> None:
    assert normalise_alias(f"5R27LQFZSCX6CPL+thread@{domain.upper()}") == f"5r27lqfzscx6cpl@{domain}"
    assert marketplace_of_alias(f"5r27lqfzscx6cpl@{domain}") == ALIAS_MARKETPLACES[domain]


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "5r27lqfzscx6cpl", "5r27lqfzscx6cpl@", "@marketplace.amazon.com",
        "5r27lqfzscx6cpl@amazon.com", "5r27lqfzscx6cpl@marketplace.amazon.com.evil.example",
        "5r27lqfzscx6cpl@evilmarketplace.amazon.com", "5r27lqfzscx6cpl@x.marketplace.amazon.com",
        "5r27lqfzscx6cpl@marketplace.amazon.com.", "5r27lqfzscx6cpl@marketplace.amazon.xyz",
        "short@marketplace.amazon.com", "123456789012345678901@marketplace.amazon.com",
        "blacklisted-12345@marketplace.amazon.com", "5r27lqfzscx6cpl @marketplace.amazon.com",
        "5r27lqfzscx6cpl@marketplace.amazon.com\nx", "<5r27lqfzscx6cpl@marketplace.amazon.com>",
        "5r27lqfzsc\u212a6cpl@marketplace.amazon.com", "5r27lqfzscx6cpl@marketplace.amazon.com, b@c.example",
        "5r27lqfzscx6cpl@marketplace.ama\u017fon.com",
    ],
)  # fmt: skip
def test_what_is_no_alias_has_no_key(address: str) -> None:
    assert normalise_alias(address) is None
    with pytest.raises(ValueError, match="alias"):
        alias_key(address, secret=SECRET)


@pytest.mark.parametrize(
    "spelling", [ALIAS.upper(), f" {ALIAS}\n", ALIAS.replace("@", "+a1b2@"), ALIAS.replace("@", "+@")]
)
def test_every_spelling_of_an_alias_has_one_key(spelling: str) -> None:
    assert alias_key(spelling, secret=SECRET) == alias_key(ALIAS, secret=SECRET)


def test_a_key_depends_on_the_secret_and_on_the_kind() -> None:
    keys = {
        alias_key(ALIAS, secret=SECRET), alias_key(ALIAS, secret=b"another"), mailbox_key(ALIAS, secret=SECRET),
        token_key(ALIAS, secret=SECRET),
    }  # fmt: skip
    assert len(keys) == 4


def test_a_key_is_the_first_half_of_the_hmac() -> None:
    # Written down: a key that changes from one release to the next would free every buyer on the list.
    assert alias_key(ALIAS, secret=SECRET) == uuid.UUID("d6253d11-46ee-f6b8-9484-e337eb4383f9")


def test_a_key_without_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        alias_key(ALIAS, secret=b"")


def test_an_order_is_one_sellers() -> None:
    order = "111-2222222-3333333"

    assert order_key(1, order, secret=SECRET) != order_key(2, order, secret=SECRET)
    with pytest.raises(ValueError, match="order id"):
        order_key(1, "111-2222222-333333", secret=SECRET)


def test_a_mailbox_and_a_token_do_not_care_for_case() -> None:
    assert mailbox_key(" Alice@Shop.example", secret=SECRET) == mailbox_key("alice@shop.example", secret=SECRET)
    assert token_key("O-ABC", secret=SECRET) == token_key("o-abc", secret=SECRET)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("111-2222222-3333333", True), ("111-2222222-333333", False), ("D01-2222222-3333333", False),
        ("111-2222222-3333333\n", False), ("１１１-2222222-3333333", False), ("", False),
    ],
)  # fmt: skip
def test_an_order_id_is_three_seven_seven(text: str, answer: bool) -> None:
    assert is_order_id(text) is answer
