"""The names under which a buyer stands on the list: a rule, without rows, network or clock.

Flow: a buyer's alias, an order id, a mailbox or an address token goes in; a 128-bit key comes out. Only keys are
stored and looked up, so that whoever reads the list learns no address. The secret is handed in and lives outside
the database. HMAC-SHA256 cut to 128 bits fits a `uuid` column: half the index of the full digest.
"""

import hmac
import re
import uuid
from collections.abc import Mapping

ALIAS_MARKETPLACES: Mapping[str, str] = {
    "marketplace.amazon.ae": "A2VIGQ35RCS4UG",
    "marketplace.amazon.ca": "A2EUQ1WTGCTBG2",
    "marketplace.amazon.co.jp": "A1VC38T7YXB528",
    "marketplace.amazon.co.uk": "A1F83G8C2ARO7P",
    "marketplace.amazon.com": "ATVPDKIKX0DER",
    "marketplace.amazon.com.au": "A39IBJ37TRP1C6",
    "marketplace.amazon.com.be": "AMEN7PMS3EDWL",
    "marketplace.amazon.com.br": "A2Q3Y263D00KWC",
    "marketplace.amazon.com.mx": "A1AM78C64UM0Y8",
    "marketplace.amazon.com.tr": "A33AVAJ2PDY3EV",
    "marketplace.amazon.de": "A1PA6795UKMFR9",
    "marketplace.amazon.eg": "ARBP9OOSHTCHU",
    "marketplace.amazon.es": "A1RKKUPIHCS9HS",
    "marketplace.amazon.fr": "A13V1IB3VIYZZH",
    "marketplace.amazon.ie": "A28R8C7NBKEWEA",
    "marketplace.amazon.in": "A21TJRUUN4KGV",
    "marketplace.amazon.it": "APJ6JRA9NG5V4",
    "marketplace.amazon.nl": "A1805IZSGTT6HS",
    "marketplace.amazon.pl": "A1C3SOZRARQ6R3",
    "marketplace.amazon.sa": "A17E79C6D8DWNP",
    "marketplace.amazon.se": "A2NODRKZP88ZB9",
    "marketplace.amazon.sg": "A19VAU5U5O7RUS",
}
"""Alias domain -> the marketplace whose buyers have it (AMAZON.md 1.0 and 4.3)."""

ALIAS_DOMAINS: frozenset[str] = frozenset(ALIAS_MARKETPLACES)
"""The exact domains of buyers' aliases. A suffix test would admit `marketplace.amazon.com.evil.example`."""

_ALIAS = re.compile(r"([a-z0-9]{10,20})(?:\+[a-z0-9._+-]{0,64})?@([a-z0-9.-]{1,64})")
_ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")
_KEY_BYTES = 16


def normalise_alias(address: str) -> str | None:
    """Return the one spelling of a buyer's alias, or None when `address` is not an alias.

    Lower case, without the `+...` of a thread, on an exact alias domain. Takes a bare address only: a display name
    or angle brackets make it something else.
    """
    text = address.strip()
    if not text.isascii():  # "K" (Kelvin) lower-cases to "k": letters from elsewhere must not become an alias
        return None
    match = _ALIAS.fullmatch(text.lower())
    if match is None or match[2] not in ALIAS_DOMAINS:
        return None
    return f"{match[1]}@{match[2]}"


def marketplace_of_alias(alias: str) -> str | None:
    """Return the marketplace id that a normalised alias belongs to, or None."""
    return ALIAS_MARKETPLACES.get(alias.rpartition("@")[2])


def is_order_id(text: str) -> bool:
    """Whether `text` is one Amazon order id in the 3-7-7 form, and nothing else (AMAZON.md 5.3)."""
    return _ORDER_ID.fullmatch(text) is not None


def alias_key(alias: str, *, secret: bytes) -> uuid.UUID:
    """Return the list key of a buyer's alias; every spelling of one alias has one key.

    Raises ValueError when `alias` is not an alias: a key of anything else would suppress nobody, silently.
    """
    normalised = normalise_alias(alias)
    if normalised is None:
        raise ValueError("not a buyer's alias")
    return _key("alias", normalised, secret)


def order_key(seller_id: int, amazon_order_id: str, *, secret: bytes) -> uuid.UUID:
    """Return the list key of one order of one seller. Raises ValueError when it is no order id."""
    if not is_order_id(amazon_order_id):
        raise ValueError("not an Amazon order id")
    return _key("order", f"{seller_id}:{amazon_order_id}", secret)


def request_key(amazon_order_id: str, *, secret: bytes) -> uuid.UUID:
    """Return the key under which an order is asked about once, whoever asks. Raises ValueError when it is no order id.

    Amazon's order ids are unique over sellers: the same order under two sellers is one order read twice.
    """
    if not is_order_id(amazon_order_id):
        raise ValueError("not an Amazon order id")
    return _key("request", amazon_order_id, secret)


def mailbox_key(address: str, *, secret: bytes) -> uuid.UUID:
    """Return the look-up key of a seller's own mailbox, whatever the case it is written in."""
    return _key("mailbox", address.strip().lower(), secret)


def token_key(token: str, *, secret: bytes) -> uuid.UUID:
    """Return the look-up key of an inbound address's token. Forwarders fold case, so the case does not count."""
    return _key("token", token.strip().lower(), secret)


def _key(kind: str, value: str, secret: bytes) -> uuid.UUID:
    if not secret:
        raise ValueError("a key needs a secret")
    digest = hmac.digest(secret, f"{kind}:{value}".encode(), "sha256")
    return uuid.UUID(bytes=digest[:_KEY_BYTES])
