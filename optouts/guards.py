"""What keeps one seller's evidence, or one odd address, from silencing buyers at everybody else's.

Asked by `acting` before a proved notice reaches beyond its seller. A guard that trips takes nothing back and frees
nobody: the seller's own list goes on, other sellers wait for a second proof, and operators see an alarm.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, Max, Q

from accounts.models import User
from accounts.rowsecurity import across_sellers
from optouts.models import GuardAlarm, Suppression
from orders.models import Order

log = structlog.get_logger(__name__)

# INBOUND.md 4.5, "rate guard".
LEAST_A_DAY: Final = 20
TIMES_THE_MEAN: Final = 5
MONTH: Final = timedelta(days=30)
DAY: Final = timedelta(days=1)
LARGEST_SHARE: Final = 0.2  # of the orders that were written to
LEAST_FOR_A_SHARE: Final = 20  # entries; below it a share says nothing

MOST_ORDERS_OF_A_BUYER: Final = 8  # within a month, of one seller
MOST_SELLERS_OF_A_BUYER: Final = 5  # within a day
ORDERS_LOOKED_AT: Final = 1_000
ENTRIES_LOOKED_AT: Final = 20_000

STOPPING: Final = (GuardAlarm.Kind.RATE, GuardAlarm.Kind.SHARE)


def may_reach_others(seller_id: int, order_key: UUID, *, now: datetime) -> bool:
    """May this seller's evidence about this order have effect for others? For a caller who sees all sellers' rows.

    No as long as an alarm of its RATE or SHARE is open; the entry that would be one too many opens it. After an
    operator has settled it, counting begins anew. More evidence for an entry that stands already is not counted.
    """
    alarms = GuardAlarm.objects.filter(seller_id=seller_id, kind__in=STOPPING).values_list("settled_at", flat=True)
    settled = [at for at in alarms if at is not None]
    if len(settled) < len(alarms):
        return False
    standing = Suppression.objects.filter(key=order_key, seller_id=seller_id).exclude(state=Suppression.State.HELD)
    if standing.exists():
        return True
    tripped = _too_many(seller_id, since=max(settled, default=None), now=now)
    if tripped is None:
        return True
    kind, detail = tripped
    raise_alarm(seller_id, kind, detail=detail, now=now)
    return False


def _too_many(seller_id: int, *, since: datetime | None, now: datetime) -> tuple[GuardAlarm.Kind, str] | None:
    day, month = _later(now - DAY, since), _later(now - MONTH, since)
    proved = Suppression.objects.filter(
        seller_id=seller_id, kind=Suppression.Kind.ORDER, grade__gt="", created_at__gt=now - DAY - MONTH
    ).exclude(state=Suppression.State.HELD)
    counts = proved.aggregate(
        today=Count("id", filter=Q(created_at__gt=day)),
        before=Count("id", filter=Q(created_at__lte=now - DAY)),
        month=Count("id", filter=Q(created_at__gt=month)),
    )
    today, entries = counts["today"] + 1, counts["month"] + 1
    most = max(LEAST_A_DAY, TIMES_THE_MEAN * counts["before"] / MONTH.days)
    if today > most:
        return GuardAlarm.Kind.RATE, f"{today} new entries in a day; {most:.0f} would be plausible"
    if entries < LEAST_FOR_A_SHARE:
        return None
    enough = int(entries / LARGEST_SHARE)
    # Counted only as far as it matters: a large seller has written about a million orders.
    written = Order.objects.filter(seller_id=seller_id, last_written_at__gt=month)[:enough].count()
    if entries > LARGEST_SHARE * written:
        return GuardAlarm.Kind.SHARE, f"{entries} opt-outs after {written} messages"
    return None


def _later(one: datetime, other: datetime | None) -> datetime:
    return max(one, other) if other is not None else one


def is_shared(alias_key: UUID, *, now: datetime) -> bool:
    """Do so many orders carry this address that it cannot be one buyer's? Then it must not be suppressed.

    Buyers' names are not kept here, so the numbers have to tell: more than 8 orders of one seller within 30 days, or
    orders of more than 5 sellers within a day. For a caller who sees all sellers' rows.
    """
    orders = Order.objects.filter(alias_key=alias_key, purchased_at__gt=now - MONTH).order_by()
    seen = list(orders.values_list("seller_id", "amazon_order_id", "purchased_at")[:ORDERS_LOOKED_AT])
    of_seller: dict[int, set[str]] = defaultdict(set)
    for seller_id, amazon_order_id, _ in seen:
        of_seller[seller_id].add(amazon_order_id)
    lately = {seller_id for seller_id, _, purchased_at in seen if purchased_at > now - DAY}
    too_many = any(len(numbers) > MOST_ORDERS_OF_A_BUYER for numbers in of_seller.values())
    return too_many or len(lately) > MOST_SELLERS_OF_A_BUYER


def look_for_shared(*, now: datetime) -> int:
    """Raise an alarm for each of the latest entries whose address has turned out to be shared; returns how many.

    The entries stay: only operators revoke. Looks at the newest 20,000; an older one is looked at when a notice
    names it.
    """
    with across_sellers("entries whose address is shared"):
        newest = Suppression.objects.aggregate(id=Max("pk"))["id"] or 0
        entries = Suppression.objects.filter(
            pk__gt=newest - ENTRIES_LOOKED_AT, kind=Suppression.Kind.ALIAS, state=Suppression.State.ACTIVE
        )
        orders = Order.objects.filter(alias_key__in=entries.values("key"), purchased_at__gt=now - MONTH)
        many = orders.values("alias_key").annotate(count=Count("id")).filter(count__gt=MOST_SELLERS_OF_A_BUYER)
        keys = list(many.values_list("alias_key", flat=True))
        return sum(warn_of_shared(key, now=now) for key in keys if key is not None and is_shared(key, now=now))


def warn_of_shared(alias_key: UUID, *, now: datetime) -> int:
    """The address is shared: an alarm for each seller's own entry in force that rests on it."""
    with across_sellers("entries whose address is shared"):
        entries = Suppression.objects.filter(
            key=alias_key, kind=Suppression.Kind.ALIAS, state=Suppression.State.ACTIVE, seller__isnull=False
        )
        raised = [
            raise_alarm(entry.seller_id, GuardAlarm.Kind.SHARED_ALIAS, about=f"suppression {entry.pk}", now=now)
            for entry in entries
            if entry.seller_id is not None
        ]
    return sum(raised)


def raise_alarm(seller_id: int, kind: GuardAlarm.Kind, *, now: datetime, about: str = "", detail: str = "") -> bool:
    """Make operators look. False: the same alarm is open already. Ids only: nothing of a mail, no address."""
    with across_sellers("an alarm is raised"):
        _, is_new = GuardAlarm.objects.get_or_create(
            seller_id=seller_id,
            kind=kind,
            about=about,
            settled_at=None,
            defaults={"detail": detail[:200], "at": now},
        )
    if is_new:
        log.error("guard_alarm", seller=seller_id, kind=kind, about=about)
    return is_new


def settle(alarm_ids: list[int], *, by: User, now: datetime) -> int:
    """An operator has looked and is content. New evidence reaches others again; what waits needs a second proof."""
    with across_sellers("an operator settles alarms"):
        still_open = GuardAlarm.objects.filter(pk__in=alarm_ids, settled_at__isnull=True)
        return still_open.update(settled_at=now, settled_by=by)
