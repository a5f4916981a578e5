"""Seal and unseal what may not lie open in the database: tokens, aliases, letters, raw mail.

MultiFernet: the first key seals, all keys open. Fernet binds no context, so the purpose and the seller go into
the sealed text and are checked when it is opened: a row's bytes moved to another seller do not open there.
"""

from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

SEPARATOR: Final = b"\x00"


class Unreadable(Exception):
    """These bytes were not sealed with our keys, for this purpose and this seller."""


def seal(purpose: str, seller_id: int | None, content: bytes) -> bytes:
    """Encrypt `content` so that only the same purpose and seller open it. None: it belongs to no seller."""
    return _keys(tuple(settings.SEALING_KEYS)).encrypt(_context(purpose, seller_id) + content)


def unseal(purpose: str, seller_id: int | None, sealed: bytes | memoryview) -> bytes:
    """The content again. Raises Unreadable for another purpose, another seller, an unknown key, a changed byte."""
    try:
        opened = _keys(tuple(settings.SEALING_KEYS)).decrypt(bytes(sealed))
    except InvalidToken:
        raise Unreadable(purpose) from None
    context = _context(purpose, seller_id)
    if not opened.startswith(context):
        raise Unreadable(purpose)
    return opened[len(context) :]


def seal_text(purpose: str, seller_id: int | None, content: str) -> bytes:
    return seal(purpose, seller_id, content.encode())


def unseal_text(purpose: str, seller_id: int | None, sealed: bytes | memoryview) -> str:
    return unseal(purpose, seller_id, sealed).decode()


def reseal(sealed: bytes | memoryview) -> bytes | None:
    """The same content, sealed by the newest key. None: it is already. Raises Unreadable for what no key opens."""
    keys = tuple(settings.SEALING_KEYS)
    try:
        _keys(keys[:1]).decrypt(bytes(sealed))
    except InvalidToken:
        pass
    else:
        return None
    try:
        return _keys(keys).rotate(bytes(sealed))
    except InvalidToken:
        raise Unreadable("any") from None


def _context(purpose: str, seller_id: int | None) -> bytes:
    return f"{purpose}:{seller_id or ''}".encode() + SEPARATOR


@lru_cache(maxsize=4)
def _keys(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
