"""What keeps one seller's evidence, or one odd address, from silencing buyers at everybody else's.

Asked by `acting` before a proved notice reaches beyond its seller. A guard that trips takes nothing back and frees
nobody: the seller's own list goes on, other sellers wait for a second proof, and operators see an alarm.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, Max

from accounts.models import User
from accounts.prepared import Prepared
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

# A seller's alarms, and what the guards count of its evidence. Most are counted only to find that nothing is odd.
# Parameters: the seller, the key, a day ago, a month ago, a day before that.
_RECORD: Final = Prepared(
    "record_of_a_seller",
    ("bigint", "uuid", "timestamptz", "timestamptz", "timestamptz"),
    f"""
select alarms.still_open > 0, stands.already, since.month, counted.today, counted.before, counted.month
from (
  select count(*) filter (where settled_at is null) as still_open, max(settled_at) as settled
  from optouts_guardalarm where seller_id = $1 and kind in ('{GuardAlarm.Kind.RATE}', '{GuardAlarm.Kind.SHARE}')
) alarms
cross join lateral (
  select greatest($3, settled) as day, greatest($4, settled) as month
) since
cross join (
  select exists (
    select from optouts_suppression where key = $2 and seller_id = $1 and state <> '{Suppression.State.HELD}'
  ) as already
) stands
cross join lateral (
  select count(*) filter (where created_at > since.day) as today,
    count(*) filter (where created_at <= $3) as before,
    count(*) filter (where created_at > since.month) as month
  from optouts_suppression
  where seller_id = $1 and kind = '{Suppression.Kind.ORDER}' and grade > '' and state <> '{Suppression.State.HELD}'
    and created_at > $5 and alarms.still_open = 0 and not stands.already
) counted
""",  # noqa: S608 (the values are our own)
)


def may_reach_others(seller_id: int, order_key: UUID, *, now: datetime) -> bool:
    """May this seller's evidence about this order have effect for others? For a caller who sees all sellers' rows.

    No as long as an alarm of its RATE or SHARE is open; the entry that would be one too many opens it. After an
    operator has settled it, counting begins anew. More evidence for an entry that stands already is not counted.
    """
    record = _RECORD.rows(seller_id, str(order_key), now - DAY, now - MONTH, now - DAY - MONTH)
    is_stopped, stands, since, today, before, month = record[0]
    if is_stopped or stands:
        return not is_stopped
    tripped = _too_many(seller_id, today + 1, before, month + 1, since=since)
    if tripped is None:
        return True
    kind, detail = tripped
    raise_alarm(seller_id, kind, detail=detail, now=now)
    return False


def _too_many(
    seller_id: int, today: int, before: int, entries: int, *, since: datetime
) -> tuple[GuardAlarm.Kind, str] | None:
    """What is odd about these numbers of proved entries, the one that is to be made among them."""
    most = max(LEAST_A_DAY, TIMES_THE_MEAN * before / MONTH.days)
    if today > most:
        return GuardAlarm.Kind.RATE, f"{today} new entries in a day; {most:.0f} would be plausible"
    if entries < LEAST_FOR_A_SHARE:
        return None
    enough = int(entries / LARGEST_SHARE)
    # Counted only as far as it matters: a large seller has written about a million orders.
    written = Order.objects.filter(seller_id=seller_id, last_written_at__gt=since)[:enough].count()
    if entries > LARGEST_SHARE * written:
        return GuardAlarm.Kind.SHARE, f"{entries} opt-outs after {written} messages"
    return None


# The orders of an address, by seller: how many of a month, and whether one is of the last day.
_ORDERS_OF_AN_ADDRESS: Final = Prepared(
    "orders_of_an_address",
    ("uuid", "timestamptz", "timestamptz", "int"),
    """
select count(distinct amazon_order_id), bool_or(purchased_at > $3)
from (
  select seller_id, amazon_order_id, purchased_at from orders_order where alias_key = $1 and purchased_at > $2 limit $4
) seen
group by seller_id
""",
)


def is_shared(alias_key: UUID, *, now: datetime) -> bool:
    """Do so many orders carry this address that it cannot be one buyer's? Then it must not be suppressed.

    Buyers' names are not kept here, so the numbers have to tell: more than 8 orders of one seller within 30 days, or
    orders of more than 5 sellers within a day. For a caller who sees all sellers' rows.
    """
    sellers = _ORDERS_OF_AN_ADDRESS.rows(str(alias_key), now - MONTH, now - DAY, ORDERS_LOOKED_AT)
    too_many = any(orders > MOST_ORDERS_OF_A_BUYER for orders, _ in sellers)
    return too_many or sum(is_of_today for _, is_of_today in sellers) > MOST_SELLERS_OF_A_BUYER


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


def warn_of_wording(seller_id: int, notice_id: int, words: str, *, template: str, now: datetime) -> bool:
    """Amazon writes in words that nobody has attested: operators read them on the page of the alarm.

    `words` says what is new about them. Of what a template fits one open alarm is enough, whichever seller's notice it
    was; of what none fits (`template` is empty) one of each seller: all its other notices wait beside the first.
    False: no new alarm.
    """
    kind = GuardAlarm.Kind.WORDING
    detail = f"{template}: {words}" if template else words
    with across_sellers("an alarm about words is looked for"):
        known = GuardAlarm.objects.filter(kind=kind, detail=detail[:200], settled_at__isnull=True)
        if (known if template else known.filter(seller_id=seller_id)).exists():
            return False
    return raise_alarm(seller_id, kind, about=f"notice {notice_id}", detail=detail, now=now)


def settle_wording(template: str, *, by: User, now: datetime) -> int:
    """The words of this template are Amazon's, says an operator: the alarm about them has been answered with it."""
    about_it = GuardAlarm.objects.filter(kind=GuardAlarm.Kind.WORDING, detail__startswith=f"{template}: ")
    return settle(list(about_it.values_list("pk", flat=True)), by=by, now=now)


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
