"""Sealing: what is sealed for one purpose and one seller opens for nothing else, with any of our keys."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from accounts import secrets

OLD, NEW, FOREIGN = Fernet.generate_key(), Fernet.generate_key(), Fernet.generate_key()
CONTENTS = [b"", b"\0", b"alias:7\0x", b"x" * 100_000, bytes(range(256)), "Grüße 🎉".encode()]


@pytest.fixture(autouse=True)
def one_key(settings: Settings) -> None:
    settings.SEALING_KEYS = [OLD]


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("seller_id", [1, 11, 2**40, None])
def test_what_is_sealed_opens_again_as_it_was(content: bytes, seller_id: int | None) -> None:
    sealed = secrets.seal("alias", seller_id, content)
    assert secrets.unseal("alias", seller_id, sealed) == content
    assert secrets.unseal("alias", seller_id, memoryview(sealed)) == content  # the form in which the database gives it


def test_a_text_comes_back_as_a_text() -> None:
    assert secrets.unseal_text("letter", 7, secrets.seal_text("letter", 7, "Grüße 🎉")) == "Grüße 🎉"


def test_nothing_of_the_content_can_be_read_and_the_same_content_never_looks_the_same() -> None:
    first, second = (secrets.seal_text("alias", 7, "abc@marketplace.amazon.com") for _ in range(2))
    assert first != second and b"marketplace" not in first and b"alias" not in first


@pytest.mark.parametrize(
    ("purpose", "seller_id"),
    [
        ("alias", 1),
        ("alias", 71),
        ("alias", None),
        ("letter", 7),
        ("alia", 7),
        ("alias:7", None),
        ("alias:7", 7),
        ("", 7),
    ],
)
def test_a_seal_does_not_open_for_another_purpose_or_seller(purpose: str, seller_id: int | None) -> None:
    sealed = secrets.seal("alias", 7, b"content")
    with pytest.raises(secrets.Unreadable) as unreadable:
        secrets.unseal(purpose, seller_id, sealed)
    assert "content" not in repr(unreadable.value)


def test_what_belongs_to_nobody_opens_for_no_seller() -> None:
    with pytest.raises(secrets.Unreadable):
        secrets.unseal("mail", 7, secrets.seal("mail", None, b"content"))


def test_a_changed_byte_anywhere_is_noticed() -> None:
    sealed = urlsafe_b64decode(secrets.seal("alias", 7, b"content"))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(secrets.Unreadable):
            secrets.unseal("alias", 7, urlsafe_b64encode(changed))


@pytest.mark.parametrize("bytes_", [b"", b"not sealed", b"\xff" * 100, b"gAAAAA"])
def test_what_was_never_sealed_does_not_open(bytes_: bytes) -> None:
    with pytest.raises(secrets.Unreadable):
        secrets.unseal("alias", 7, bytes_)


def test_a_new_key_in_front_seals_and_the_old_one_still_opens(settings: Settings) -> None:
    before = secrets.seal("alias", 7, b"content")
    settings.SEALING_KEYS = [NEW, OLD]
    after = secrets.seal("alias", 7, b"content")
    assert secrets.unseal("alias", 7, before) == secrets.unseal("alias", 7, after) == b"content"

    settings.SEALING_KEYS = [NEW]  # the old key is taken out: what was sealed under it is closed for good
    assert secrets.unseal("alias", 7, after) == b"content"
    with pytest.raises(secrets.Unreadable):
        secrets.unseal("alias", 7, before)


def test_a_foreign_key_opens_nothing(settings: Settings) -> None:
    sealed = secrets.seal("alias", 7, b"content")
    settings.SEALING_KEYS = [FOREIGN]
    with pytest.raises(secrets.Unreadable):
        secrets.unseal("alias", 7, sealed)
