"""How fast: Amazon's daily cap per account. (Its rates per operation are `amazon.quotas`.)

5 x the average daily orders of the last seven days + 600 messages a day (`AMAZON.md` 4.5); all that the seller
sends counts, so a part is kept back for what he writes by hand.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from messaging.models import Message, Status
from orders.models import Order

BASE: Final = 600
PER_DAILY_ORDER: Final = 5
RESERVE: Final = 0.1  # of the cap, for messages that are written by hand or by other tools
DAYS: Final = 7


def daily_cap(account_id: int, *, now: datetime) -> int:
    """How many messages we may hand over for this account in 24 hours."""
    orders = Order.objects.filter(account_id=account_id, purchased_at__gt=now - timedelta(days=DAYS)).count()
    return int((PER_DAILY_ORDER * orders / DAYS + BASE) * (1 - RESERVE))


def left_today(account_id: int, *, now: datetime) -> int:
    """How many of the daily cap are left; never below zero."""
    return max(0, daily_cap(account_id, now=now) - used_today(account_id, now=now))


def used_today(account_id: int, *, now: datetime) -> int:
    """How many messages of the last 24 hours count against the cap."""
    return _of_today(account_id, now=now).count()


def free_again_at(account_id: int, *, now: datetime) -> datetime:
    """When the oldest message of the last 24 hours leaves the count, so that one more may go."""
    oldest = _of_today(account_id, now=now).order_by("handed_over_at").values_list("handed_over_at", flat=True).first()
    return (oldest or now) + timedelta(days=1)


def _of_today(account_id: int, *, now: datetime) -> QuerySet[Message]:
    """What counts: handed over, and not given back because Amazon blocked it."""
    today = Message.objects.filter(account_id=account_id, handed_over_at__gt=now - timedelta(days=1))
    return today.exclude(status=Status.BLOCKED)
