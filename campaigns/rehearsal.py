"""What a campaign would do with the seller's orders, before it does anything: a dry run by the engine that plans.

Over the orders of the last 30 days and all that can still be written to: how many would go, on which day, how many not
and for which reason; and what would change against what waits for the campaign now. Streamed: memory stays flat.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.manyrows import among
from amazon.windows import LATEST_AFTER_DELIVERY
from campaigns.competing import Contender, Live
from campaigns.eligibility import Compiled, Decision, Reason, Standing, Verdict
from campaigns.eligibility.conditions import NEEDS_ITEMS, Condition, RuleKind
from campaigns.exclusions import Kind, all_standing, why_excluded
from campaigns.models import Campaign
from campaigns.surroundings import Places
from campaigns.terms import contender_of, contenders_among
from messaging import outbox
from messaging.models import Message, Purpose
from optouts import gate
from orders.attention import PLANNED_FOR
from orders.models import Order
from orders.streaming import Known, stream

LOOKS_BACK: Final = timedelta(days=30)
SHOWN: Final = 50  # orders on one page of a list


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One order in the dry run. Without a decision the campaign has written to it already."""

    order: Known
    decision: Decision | None
    waits_now: bool  # a message of this campaign waits for it
    waits_for_another: bool = False

    @property
    def bucket(self) -> "Bucket":
        if self.decision is None:
            return Bucket(Verdict.NOT_ELIGIBLE, Reason.ONE_REQUEST)
        if self.decision.due_at is not None:
            zone = ZoneInfo(self.decision.case.standing.time_zone)
            return Bucket(Verdict.ELIGIBLE, day=self.decision.due_at.astimezone(zone).date())
        return Bucket(self.decision.verdict, self.decision.compiled.first_no(self.decision.case))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted together: the day on which it would go, or the foremost reason why it would not."""

    verdict: Verdict
    reason: Reason | None = None
    day: date | None = None

    def holds(self, other: "Bucket") -> bool:
        """Is the other one of mine? Without a day: of any day."""
        return (
            self.verdict == other.verdict
            and self.reason == other.reason
            and (self.day is None or self.day == other.day)
        )


@dataclass(slots=True)
class Rehearsal:
    """The counts. `would_go`, `later` and `would_not` are all of the orders that were looked at."""

    by_day: Counter[date] = field(default_factory=Counter)
    later: Counter[Reason] = field(default_factory=Counter)
    would_not: Counter[Reason] = field(default_factory=Counter)
    takes_over: int = 0  # of those that would go: now wait for a campaign after this one
    more: int = 0  # would go, and no message of this campaign waits for them now
    fewer: int = 0  # wait for this campaign now, and would not go

    @property
    def would_go(self) -> int:
        return self.by_day.total()

    @property
    def looked_at(self) -> int:
        return self.would_go + self.later.total() + self.would_not.total()

    def add(self, one: Rehearsed) -> None:
        bucket = one.bucket
        if bucket.day is not None:
            self.by_day[bucket.day] += 1
            self.more += not one.waits_now
            self.takes_over += one.waits_for_another
            return
        self.fewer += one.waits_now
        if bucket.reason is not None:
            (self.later if bucket.verdict is Verdict.LATER else self.would_not)[bucket.reason] += 1


def rehearse(
    campaign: Campaign, *, now: datetime, conditions: Sequence[Condition] | None = None, among: int | None = None
) -> Rehearsal:
    """Count. `campaign` may differ from its stored row, and `conditions` from its stored rules: a form that is not
    saved yet. It is taken as if it were on. `among`: look at the newest so many orders only."""
    result = Rehearsal()
    for one in each(campaign, now=now, conditions=conditions, among=among):
        result.add(one)
    return result


def listed(
    campaign: Campaign,
    bucket: Bucket,
    *,
    now: datetime,
    conditions: Sequence[Condition] | None = None,
    after: tuple[datetime, int] | None = None,
) -> list[Rehearsed]:
    """The first orders of one bucket, newest first, with one more than is shown on a page if there are more."""
    found = []
    for one in each(campaign, now=now, conditions=conditions, after=after):
        if bucket.holds(one.bucket):
            found.append(one)
            if len(found) > SHOWN:
                break
    return found


def each(
    campaign: Campaign,
    *,
    now: datetime,
    conditions: Sequence[Condition] | None,
    after: tuple[datetime, int] | None = None,
    among: int | None = None,
) -> Iterator[Rehearsed]:
    cast = _cast(campaign, conditions)
    kinds = {condition.kind for contender in cast.all for condition in contender.compiled.terms.conditions}
    excluded = all_standing(campaign.seller_id)
    chunks = stream(
        orders_to_rehearse(campaign.seller_id, now=now, after=after)[:among],
        with_items=bool(kinds & NEEDS_ITEMS)
        or any(contender.compiled.terms.letters for contender in cast.all)  # which name the product
        or any(kind in (Kind.SKU, Kind.ASIN) for kind, _ in excluded),
        with_earlier=RuleKind.REPEAT_BUYER in kinds,
    )
    places = Places(campaign.seller_id)
    for chunk in chunks:
        live = _live_among(chunk)
        on_the_list = gate.suppressed_orders(campaign.seller_id, (order.pk for order in chunk))
        for order in chunk:
            standing = places.standing_at(
                order.account_id,
                order.facts.marketplace_id,
                suppressed=on_the_list.get(order.pk),
                excluded=why_excluded(excluded, order.facts, order.buyer),
            )
            yield _rehearsed(order, standing, cast, live.get(order.pk), now=now)


def orders_to_rehearse(seller_id: int, *, now: datetime, after: tuple[datetime, int] | None = None) -> QuerySet[Order]:
    """The orders of the last 30 days, and those before that may still be written to. Newest first."""
    orders = Order.objects.filter(seller_id=seller_id, purchased_at__gt=now - PLANNED_FOR).filter(
        Q(purchased_at__gt=now - LOOKS_BACK) | Q(deliver_by_latest__gt=now - LATEST_AFTER_DELIVERY)
    )
    if after is not None:
        purchased_at, pk = after
        orders = orders.filter(Q(purchased_at__lt=purchased_at) | Q(purchased_at=purchased_at, pk__lt=pk))
    return orders.order_by("-purchased_at", "-pk")


@dataclass(frozen=True, slots=True)
class Cast:
    """The campaign as if it were on, with those before it; those after it cannot take anything from it."""

    rehearsed: Contender
    all: tuple[Contender, ...]  # those before it, and itself at the end


def _cast(campaign: Campaign, conditions: Sequence[Condition] | None) -> Cast:
    others = Campaign.objects.filter(
        seller_id=campaign.seller_id, status__in=(Campaign.Status.ACTIVE, Campaign.Status.PAUSED)
    )
    before = [
        other
        for other in others.exclude(pk=campaign.pk)
        if (other.priority, other.pk) < (campaign.priority, campaign.pk or float("inf"))
    ]
    stored = contenders_among([campaign])[0] if campaign.pk else contender_of(campaign, (), {})
    terms = replace(stored.compiled.terms, is_active=True)
    if conditions is not None:
        terms = replace(terms, conditions=tuple(conditions))
    rehearsed = Contender(campaign.pk or 0, Compiled(terms))
    return Cast(rehearsed, (*contenders_among(before), rehearsed))


def _rehearsed(order: Known, standing: Standing, cast: Cast, live: Live | None, *, now: datetime) -> Rehearsed:
    """As `compete` has it, without asking anybody whose answer changes nothing, or asking twice."""
    ask, own = cast.rehearsed.compiled.decide, cast.rehearsed.pk
    if live is not None and live.is_settled:
        decision = None if live.owner == own else ask(order.facts, standing, now=now, taken_by=live.title)
        return Rehearsed(order, decision, waits_now=False)
    waits_now = live is not None and live.owner == own
    decision = ask(order.facts, standing, now=now)
    if decision.verdict is Verdict.NOT_ELIGIBLE:  # for good: who else may want the order does not matter
        return Rehearsed(order, decision, waits_now)
    if (taker := _taker(cast, order, standing, live, now=now)) is not None:
        decision = ask(order.facts, standing, now=now, taken_by=taker)
    return Rehearsed(order, decision, waits_now, waits_for_another=live is not None and not waits_now)


def _taker(cast: Cast, order: Known, standing: Standing, live: Live | None, *, now: datetime) -> str | None:
    """The first of the campaigns before that takes the order, or keeps it though it is paused."""
    for other in cast.all[:-1]:
        if other.compiled.decide(order.facts, standing, now=now).verdict is Verdict.ELIGIBLE:
            return other.name
        if live is not None and other.pk == live.owner and other.if_resumed is not None:
            if other.if_resumed.decide(order.facts, standing, now=now).verdict is Verdict.ELIGIBLE:
                return f"{other.name} (paused)"
    return None


def _live_among(chunk: Sequence[Known]) -> dict[int, Live]:
    """The message that an order has, with its campaign."""
    of_campaigns = Message.objects.filter(purpose=Purpose.CAMPAIGN, frees_order=False)
    rows = of_campaigns.filter(order__in=among(order.pk for order in chunk)).values_list(
        "order_id", "title", "status", "follow_ups__campaign_id"
    )
    return {order_id: Live(title, status not in outbox.WAITING, owner) for order_id, title, status, owner in rows}
