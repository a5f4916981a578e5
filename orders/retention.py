"""What is forgotten when (`AMAZON.md` 7). The alias goes 30 days after delivery (`sync.purge`); here, 18 months after
the purchase, everything else that Amazon told of an order.

The row itself stays, with Amazon's order number and the key made of it: the ledger of messages hangs on it (one request
per order, ever), and an opt-out must find it. Suppressions stand in tables of their own and know no orders. A stripped
row takes nothing in again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Min, Q

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from orders.models import Order, OrderItem

KEPT: Final = timedelta(days=548)  # eighteen months
AT_ONCE: Final = 1000


def strip_old(*, now: datetime) -> int:
    """Take everything but the bare row from orders bought 18 months ago; returns how many. Repeatable."""
    stripped = 0
    with across_sellers("old orders are stripped"):
        for seller_id in Seller.objects.order_by("pk").values_list("pk", flat=True):
            while count := _strip_some(seller_id, now=now):
                stripped += count
    return stripped


def _strip_some(seller_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        old = Order.objects.filter(seller_id=seller_id, purchased_at__lte=now - KEPT, stripped_at__isnull=True)
        ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
        OrderItem.objects.filter(order__in=ids).delete()
        return Order.objects.filter(pk__in=ids).update(
            stripped_at=now,
            replan_at=None,
            programs=[],
            total_amount=None,
            currency="",
            is_promotion_used=None,
            destination_country="",
            language="",
            feedback_rating=None,
            returned_at=None,
            refunded_at=None,
            alias_sealed=None,
            alias_purge_at=None,
            alias_key=None,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What is in the database now, for operators: how many aliases, when the next one goes, and how many are late."""

    orders: int
    stripped: int
    aliases: int
    next_purge_at: datetime | None
    overdue: int


def held(*, now: datetime) -> Held:
    """Counted over all sellers."""
    with across_sellers("operators see what is held"):
        sealed = Order.objects.filter(alias_sealed__isnull=False)
        return Held(
            orders=Order.objects.count(),
            stripped=Order.objects.filter(stripped_at__isnull=False).count(),
            aliases=sealed.count(),
            next_purge_at=sealed.aggregate(at=Min("alias_purge_at"))["at"],
            overdue=sealed.filter(Q(alias_purge_at__lte=now) | Q(alias_purge_at__isnull=True)).count(),
        )
