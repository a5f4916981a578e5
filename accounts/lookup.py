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


def token_key(local_part: str) -> UUID:
    return keys.token_key(local_part, secret=settings.LOOKUP_SECRET)
