"""Planning, the rehearsal and "Why?" never disagree on the same facts: whatever the orders and the campaigns are."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.rowsecurity import across_sellers
from campaigns import exclusions, explaining, lifecycle, planning, rehearsal
from campaigns.eligibility import Verdict
from campaigns.eligibility.conditions import Operator, RuleKind
from campaigns.exclusions import Aim, Kind
from campaigns.lifecycle import RuleWish, Wishes
from campaigns.models import Campaign, FollowUp
from campaigns.starting import create_default_campaigns
from messaging.models import Channel, Message, Status
from orders.models import Order, OrderItem
from orders.reading import facts_of
from orders.streaming import stream
from tests.makers import NOW, UK, US, alias, make_account, make_order, make_seller, suppress

pytestmark = pytest.mark.django_db

DAYS = st.integers(-40, 20).map(lambda days: NOW + timedelta(days=days))
OF_AN_ORDER = st.fixed_dictionaries(
    {
        "delivered_at": DAYS,
        "status": st.sampled_from(["shipped", "shipped", "shipped", "unshipped", "cancelled", "pending"]),
        "fulfilled_by": st.sampled_from(["merchant", "amazon"]),
        "marketplace_id": st.sampled_from([US, UK]),
        "is_replacement": st.booleans(),
        "language": st.sampled_from(["", "en-US", "ja-JP", "de-DE"]),
        "total_amount": st.sampled_from([None, Decimal("5.00"), Decimal("50.00")]),
        "currency": st.sampled_from(["USD", "GBP"]),
        "refunded_at": st.sampled_from([None, NOW]),
        "shipped_at": st.sampled_from([None, NOW - timedelta(days=5)]),
        "programs": st.sampled_from([[], ["PRIME"]]),
        "title": st.sampled_from(["Enamel mug", "Leave a 5-star review and get a free gift card"]),
    }
)
RULES = st.sampled_from(
    [
        RuleWish(RuleKind.FULFILLED_BY, Operator.IS, ("merchant",)),
        RuleWish(RuleKind.SKU, Operator.IS_NOT, ("mug-1", "mug-3")),
        RuleWish(RuleKind.ORDER_VALUE, Operator.IS, ("10", "", "USD")),
        RuleWish(RuleKind.REFUNDED, Operator.IS_NOT),
        RuleWish(RuleKind.PRIME, Operator.IS),
        RuleWish(RuleKind.SHIPPED_LATE, Operator.IS_NOT),
        RuleWish(RuleKind.LANGUAGE, Operator.IS, ("en", "de")),
        RuleWish(RuleKind.REPEAT_BUYER, Operator.IS_NOT),
    ]
)
OF_A_CAMPAIGN = st.fixed_dictionaries(
    {
        "delay_days": st.integers(5, 29),
        "delay_hours": st.integers(0, 23),
        "after": st.sampled_from(["delivery", "order", "shipment"]),
        "send_at": st.sampled_from([None, time(9, 30)]),
        "weekdays": st.sampled_from(["0123456", "01234", "6"]),
        "no_match": st.sampled_from(["skip", "request"]),
        "marketplaces": st.sampled_from([(), (UK,)]),
        "ends_on": st.sampled_from([None, date(2026, 11, 29)]),
        "priority": st.integers(1, 3),
        "rules": st.lists(RULES, max_size=3).map(tuple),
    }
)


@pytest.fixture(autouse=True)
def of_all(all_sellers: None) -> Iterator[None]:
    yield


@given(st.lists(OF_AN_ORDER, min_size=1, max_size=5), OF_A_CAMPAIGN, OF_A_CAMPAIGN, st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_three_say_the_same(
    orders: list[dict[str, object]], one: dict[str, object], two: dict[str, object], data: st.DataObject
) -> None:
    with transaction.atomic():
        _compare(orders, one, two, data)
        transaction.set_rollback(True)


def _compare(
    orders: list[dict[str, object]], one: dict[str, object], two: dict[str, object], data: st.DataObject
) -> None:
    account = make_account(make_seller(), marketplaces=(US, UK))
    campaigns = create_default_campaigns(account.seller, now=NOW)
    for campaign, changes in zip(campaigns, (one, two), strict=True):
        wishes = {"name": campaign.name, "channel": campaign.channel} | changes
        lifecycle.change(campaign, Wishes(**wishes), now=NOW)  # type: ignore[arg-type]
        lifecycle.activate(campaign, now=NOW)
    made = [_order(account, number, fields) for number, fields in enumerate(orders)]
    fate = data.draw(st.sampled_from(["none", "opted out", "excluded", "sent"]))
    if fate == "opted out":
        suppress(made[0])
    elif fate == "excluded":
        exclusions.exclude(account.seller, [Aim(Kind.SKU, "mug-0", "mug-0")], by=None, now=NOW)

    planning.plan_stale(now=NOW)
    if fate == "sent":
        Message.objects.filter(order=made[0]).update(status=Status.SENT)
        Order.objects.update(replan_at=NOW)
        planning.plan_stale(now=NOW)

    for campaign in campaigns:
        campaign.refresh_from_db()
        rehearsed = {one.order.pk: one for one in rehearsal.each(campaign, now=NOW, conditions=None)}
        for order in rehearsal.orders_to_rehearse(account.seller_id, now=NOW):
            planned = FollowUp.objects.get(order=order, campaign=campaign)
            [said] = [said for said in explaining.explain(order, now=NOW) if said.campaign.pk == campaign.pk]
            assert (said.verdict, said.due_at) == (planned.verdict, planned.due_at)
            assert [c for c in said.checks if not c["passed"]] == [c for c in planned.checks if not c["passed"]]
            dry = rehearsed[order.pk].decision
            if dry is None:
                assert said.is_final
                continue
            assert (dry.verdict, dry.due_at) == (planned.verdict, planned.due_at)
            foremost = next((check["reason"] for check in said.checks if not check["passed"]), None)
            assert dry.compiled.first_no(dry.case) == foremost


def _order(account: object, number: int, fields: dict[str, object]) -> Order:
    order = make_order(account, buyer=alias(), **fields)  # type: ignore[arg-type]
    OrderItem.objects.filter(order=order).update(sku=f"Mug-{number}")
    return order


def test_streamed_facts_are_the_facts(now: datetime) -> None:
    account = make_account(make_seller())
    buyer = alias()
    made = [make_order(account, buyer=buyer, total_amount=Decimal("1.50"), currency="USD", language="de-DE")]
    made += [make_order(account, buyer=buyer, delivered_at=now), make_order(account)]
    [chunk] = stream(Order.objects.order_by("pk"), with_items=True, with_earlier=True)
    assert [known.facts for known in chunk] == [facts_of(order) for order in made]
    assert [known.buyer for known in chunk] == [o.alias_key.hex if o.alias_key else None for o in made]


def test_a_rehearsal_counts_says_why_not_and_what_would_change(now: datetime) -> None:
    account = make_account(make_seller())
    request, check_in = create_default_campaigns(account.seller, now=now)
    for _ in range(3):
        make_order(account, fulfilled_by="amazon", delivered_at=now - timedelta(days=2))
    make_order(account, status="cancelled")
    make_order(account, status="unshipped")
    before = rehearsal.rehearse(request, now=now)
    assert (before.would_go, before.more, before.fewer, before.looked_at) == (3, 3, 0, 5)
    assert dict(before.by_day) == {(now + timedelta(days=5)).date(): 3}
    assert [reason.name for reason in before.would_not] == ["NOT_CANCELLED"]
    assert [reason.name for reason in before.later] == ["SHIPPED"]
    lifecycle.activate(request, now=now)
    planning.plan_stale(now=now)
    request.refresh_from_db()
    request.delay_days = 29  # as a form would have it, unsaved
    request.marketplaces = [UK]
    after = rehearsal.rehearse(request, now=now)
    assert (after.would_go, after.more, after.fewer) == (0, 0, 3)
    with across_sellers("test"):
        assert Campaign.objects.get(pk=request.pk).delay_days == 7 and Message.objects.count() == 3
    assert check_in.channel == Channel.BUYER_EMAIL


def test_each_number_opens_its_list_page_by_page(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "SHOWN", 2)
    account = make_account(make_seller())
    request, _ = create_default_campaigns(account.seller, now=now)
    made = [make_order(account, fulfilled_by="amazon", delivered_at=now - timedelta(days=n)) for n in range(1, 6)]
    [wanted] = [rehearsal.Bucket(Verdict.ELIGIBLE)]
    seen: list[int] = []
    after = None
    while True:
        page = rehearsal.listed(request, wanted, now=now, after=after)
        seen += [one.order.pk for one in page[:2]]
        if len(page) <= 2:
            break
        after = (page[1].order.facts.purchased_at, page[1].order.pk)
    assert seen == [order.pk for order in made]


def test_what_a_paused_campaign_keeps_is_taken_in_the_rehearsal_too(now: datetime) -> None:
    account = make_account(make_seller())
    request, check_in = create_default_campaigns(account.seller, now=now)
    for campaign in (request, check_in):
        lifecycle.activate(campaign, now=now)
    order = make_order(account, buyer=alias())
    planning.plan_stale(now=now)
    lifecycle.pause(check_in, now=now)
    planning.plan_stale(now=now)
    request.refresh_from_db()
    [one] = rehearsal.each(request, now=now, conditions=None)
    [said] = [said for said in explaining.explain(order, now=now) if said.campaign.pk == request.pk]
    assert one.decision is not None and one.waits_for_another
    assert [check.to_json() for check in one.decision.checks] == said.checks
    assert said.checks[-1]["actual"] == "Order check-in (paused)"
