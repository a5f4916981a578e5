"""The look-up keys of this site: `accounts.keys` under the site's own secret.

What may not lie open is found by its HMAC. The secret lives outside the database, so a stolen database answers no
question about a buyer.
"""

from uuid import UUID

from django.conf import settings

from accounts import keys


def alias_key(alias: str) -> UUID:
    """Raises ValueError for what is no alias."""
    return keys.alias_key(alias, secret=settings.LOOKUP_SECRET)


def order_key(seller_id: int, amazon_order_id: str) -> UUID:
    return keys.order_key(seller_id, amazon_order_id, secret=settings.LOOKUP_SECRET)


def request_key(amazon_order_id: str) -> UUID:
    """The same for every seller: an order is asked about once, by whoever comes first."""
    return keys.request_key(amazon_order_id, secret=settings.LOOKUP_SECRET)


def mailbox_key(address: str) -> UUID:
    return keys.mailbox_key(address, secret=settings.LOOKUP_SECRET)


def every_key_of_a_buyer(seller_id: int, amazon_order_id: str, alias: str | None) -> list[UUID]:
    """Under the secret in use and all former ones: what a buyer may stand under while the list is re-keyed."""
    found = [keys.order_key(seller_id, amazon_order_id, secret=secret) for secret in _secrets()]
    return found + every_alias_key(alias) if alias else found


def every_alias_key(alias: str) -> list[UUID]:
    """The keys of an alias under the secret in use and all former ones. Raises ValueError for what is no alias."""
    return [keys.alias_key(alias, secret=secret) for secret in _secrets()]


def mailbox_keys(address: str) -> list[UUID]:
    return [keys.mailbox_key(address, secret=secret) for secret in _secrets()]


def token_keys(local_part: str) -> list[UUID]:
    return [keys.token_key(local_part, secret=secret) for secret in _secrets()]


def is_rekeying() -> bool:
    """Are there former secrets under which something may still stand?"""
    return bool(settings.FORMER_LOOKUP_SECRETS)


def _secrets() -> list[bytes]:
    return [settings.LOOKUP_SECRET, *settings.FORMER_LOOKUP_SECRETS.values()]


def token_key(local_part: str) -> UUID:
    return keys.token_key(local_part, secret=settings.LOOKUP_SECRET)
