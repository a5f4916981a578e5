"""What waits follows its order in the transaction that learns of a change: nobody plans in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import AmazonAccount
from campaigns import lifecycle, planning, starting
from campaigns.eligibility import NOT_TOLD, Reason
from campaigns.eligibility.conditions import Operator, RuleKind
from campaigns.eligibility.sentences import why_not
from campaigns.lifecycle import RuleWish, Wishes
from campaigns.models import Campaign, FollowUp
from messaging.models import Message, Status
from orders import reports, sync
from orders.models import AmazonReport, Order, OrderReading
from tests.amazon.harness import Amazon, Json
from tests.makers import IT, make_account, make_campaigns, make_connected_account, make_seller
from tests.orders.amazon_json import a_page, an_item, an_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

READ_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LATER = READ_AT + timedelta(minutes=5)
Kind = AmazonReport.Kind


def with_campaigns(account: AmazonAccount, *rules: RuleWish) -> None:
    """Both defaults on, each with these rules."""
    for campaign in make_campaigns(account.seller):
        lifecycle.change(campaign, replace(Wishes.of(campaign), rules=rules), now=READ_AT - timedelta(days=1))


def reading_of(account: AmazonAccount) -> OrderReading:
    return OrderReading.objects.create(
        seller_id=account.seller_id, account=account, next_at=READ_AT, window_from=READ_AT - timedelta(days=40)
    )


def changed(**parts: object) -> dict[str, object]:
    return an_order(lastUpdatedTime="2026-11-01T12:01:00Z", **parts)


CANCELLED = changed(fulfillment=an_order()["fulfillment"] | {"fulfillmentStatus": "CANCELLED"})
ASKED = changed(
    orderItems=[an_item(cancellation={"cancellationRequest": {"requester": "BUYER", "cancelReason": "Changed mind"}})]
)


@pytest.mark.parametrize(
    ("told", "reason"),
    [(CANCELLED, "the order is cancelled"), (ASKED, "the buyer has asked to cancel the order")],
)
def test_a_cancellation_withdraws_what_waits_as_it_is_read(told: dict[str, object], reason: str) -> None:
    account = make_account(make_seller(), marketplaces=(IT,))
    with_campaigns(account, RuleWish(RuleKind.CANCELLATION_ASKED, Operator.IS_NOT))
    reading = reading_of(account)
    sync.store_page(reading, a_page(an_order()), now=READ_AT)
    planning.plan_stale(now=READ_AT)
    assert Message.objects.get().status == Status.SCHEDULED

    sync.store_page(reading, a_page(told), now=LATER)
    message = Message.objects.get()
    assert (message.status, message.reason) == (Status.CANCELLED, reason)
    assert {row.verdict for row in FollowUp.objects.all()} == {"not_eligible"}


def test_the_withdrawal_and_what_it_follows_from_are_one_transaction() -> None:
    account = make_account(make_seller(), marketplaces=(IT,))
    with_campaigns(account)
    reading = reading_of(account)
    sync.store_page(reading, a_page(an_order()), now=READ_AT)
    planning.plan_stale(now=READ_AT)
    with transaction.atomic():
        sync.store_page(reading, a_page(CANCELLED), now=LATER)
        transaction.set_rollback(True)
    assert Message.objects.get().status == Status.SCHEDULED and Order.objects.get().status == "shipped"


def test_what_has_no_message_waits_for_its_turn_in_the_queue() -> None:
    account = make_account(make_seller(), marketplaces=(IT,))
    with_campaigns(account)
    reading = reading_of(account)
    sync.store_page(reading, a_page(an_order()), now=READ_AT)
    sync.store_page(reading, a_page(CANCELLED), now=LATER)
    assert not FollowUp.objects.exists() and Order.objects.get().replan_at == LATER


@pytest.mark.parametrize(
    ("rule", "is_refunded", "reason"),
    [(RuleKind.REFUNDED, True, "the order was refunded"), (RuleKind.RETURNED, False, "the order was returned")],
)
def test_a_refund_and_a_return_withdraw_what_waits_as_their_report_is_stored(
    simulated_amazon: Amazon, rule: RuleKind, is_refunded: bool, reason: str
) -> None:
    now = datetime.now(UTC)
    simulated_amazon.do("reports", seconds=0)
    theirs = simulated_amazon.account(marketplace_ids=[IT])
    account = make_connected_account(make_seller(), theirs)
    with_campaigns(account, RuleWish(rule, Operator.IS_NOT))
    back, kept = orders_of(simulated_amazon, theirs, is_refunded=is_refunded, now=now)
    sync.accounts_to_read(now=now)
    sync.read_account(account.pk, every=timedelta(minutes=3), now=now)
    planning.plan_stale(now=now)
    assert {message.status for message in Message.objects.all()} == {Status.SCHEDULED}

    reports.want(account, Kind.RETURNS, (now - timedelta(days=30), now), now=now)
    for hour in range(5):
        for pk in reports.due(now=now + timedelta(hours=hour)):
            reports.work_on(pk, now=now + timedelta(hours=hour))
    gone, stays = (Message.objects.get(order__amazon_order_id=order["order_id"]) for order in (back, kept))
    assert (gone.status, gone.reason, stays.status) == (Status.CANCELLED, reason, Status.SCHEDULED)


def orders_of(amazon: Amazon, theirs: Json, *, is_refunded: bool, now: datetime) -> list[Json]:
    """One that comes back, and one that does not."""
    back = {"returned_at": now - timedelta(days=1), "is_refunded": is_refunded}
    made: list[Json] = amazon.orders(theirs, [back, {}])
    return made


def test_the_campaign_that_comes_next_takes_what_the_first_lets_go() -> None:
    account = make_account(make_seller(), marketplaces=(IT,))
    make_campaigns(account.seller)
    check_in = Campaign.objects.get(name=starting.CHECK_IN)
    rules = (RuleWish(RuleKind.CANCELLATION_ASKED, Operator.IS_NOT),)
    lifecycle.change(check_in, replace(Wishes.of(check_in), rules=rules), now=READ_AT - timedelta(days=1))
    request = Campaign.objects.get(name=starting.REVIEW_REQUEST)
    lifecycle.change(request, replace(Wishes.of(request), rules=()), now=READ_AT - timedelta(days=1))
    reading = reading_of(account)
    sync.store_page(reading, a_page(an_order()), now=READ_AT)
    planning.plan_stale(now=READ_AT)
    sync.store_page(reading, a_page(ASKED), now=LATER)
    assert [(message.title, message.status) for message in Message.objects.order_by("pk")] == [
        (starting.CHECK_IN, Status.CANCELLED),
        (starting.REVIEW_REQUEST, Status.SCHEDULED),
    ]


def check(reason: Reason, actual: str, expected: str = "so") -> dict[str, object]:
    return {"reason": str(reason), "actual": actual, "expected": expected}


@pytest.mark.parametrize(
    ("failed", "sentence"),
    [
        ([check(Reason.PRIME, "not so")], "it is no Prime order"),
        ([check(Reason.PRIME, "so", "not so")], "it is a Prime order"),
        ([check(Reason.GIFT, NOT_TOLD)], "A gift: Amazon has not told, and it must be so"),
        ([check(Reason.SKU, "b", "a or c")], "SKU: it must be a or c, and it is b"),
        ([check(Reason.SKU, "b", "a"), check(Reason.REFUNDED, "so", "not so")], "the order was refunded"),
        ([check(Reason.CAMPAIGN_ACTIVE, "paused", "active")], "the campaign is not on (paused)"),
        ([check(Reason.CAMPAIGN_ACTIVE, "paused"), check(Reason.SKU, "b", "a")], "SKU: it must be a, and it is b"),
    ],
)
def test_a_no_is_told_in_one_sentence_the_foremost_first(failed: list[dict[str, object]], sentence: str) -> None:
    assert why_not(failed) == sentence
