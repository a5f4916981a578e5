"""Under which version of the secret does a new entry's key stand? Asked while the list is re-keyed (docs/rekeying.md).

An entry that bore too high a version would never move, and free its buyer once the former secret is forgotten. So in
doubt it bears the oldest one: then it is reported as left, and its secret is kept.
"""

from uuid import UUID

from django.conf import settings

from accounts import lookup
from optouts.models import Suppression
from orders.models import Order


def version_of(key: UUID, kind: Suppression.Kind) -> int:
    """Call in sight of the orders. Order keys are made anew before they are entered (`rekeying.bring_forward`)."""
    if not lookup.is_rekeying() or kind == Suppression.Kind.ORDER:
        return settings.LOOKUP_VERSION
    orders = Order.objects.filter(alias_key=key)
    order = orders.filter(alias_sealed__isnull=False).first() or orders.first()
    if order is None or (order.alias and lookup.alias_key(order.alias) == key):
        return settings.LOOKUP_VERSION  # of no order: it was made of the address itself, just now
    return min(settings.FORMER_LOOKUP_SECRETS)
