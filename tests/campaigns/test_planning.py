"""Orders x campaigns -> follow-ups and at most one message an order."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from django.db.models.signals import post_init

from accounts.models import AccountMarketplace, AmazonAccount
from campaigns import lifecycle, planning, starting
from campaigns.models import Campaign, FollowUp
from messaging import outbox, team, withdrawing
from messaging.models import Channel, Hold, Message, Status
from messaging.senders import save_sender
from optouts import gate
from optouts.gate import Buyer, Proof, Reach
from orders.models import Order, OrderItem
from tests.makers import UK, alias, make_account, make_campaigns, make_order, make_seller, suppress

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    account = make_account(make_seller())
    make_campaigns(account.seller)
    return account


def plan(now: datetime) -> int:
    return planning.plan_stale(now=now)


def only_message(order: Order) -> Message:
    return Message.objects.get(order=order, frees_order=False)


def verdicts(order: Order) -> dict[str, str]:
    return {f.campaign.name: f.verdict for f in FollowUp.objects.filter(order=order).select_related("campaign")}


def change(name: str, now: datetime, **wanted: object) -> None:
    campaign = Campaign.objects.get(name=name)
    lifecycle.change(campaign, replace(lifecycle.Wishes.of(campaign), **wanted), now=now)  # type: ignore[arg-type]


def switch(name: str, now: datetime, *, on: bool) -> None:
    (lifecycle.activate if on else lifecycle.pause)(Campaign.objects.get(name=name), now=now)


def test_a_merchant_fulfilled_order_with_an_address_gets_the_check_in(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    assert plan(now) == 1
    message = only_message(order)
    assert message.channel == Channel.BUYER_EMAIL and message.due_at == now and message.letter_sealed
    assert verdicts(order) == {starting.CHECK_IN: "eligible", starting.REVIEW_REQUEST: "not_eligible"}


def test_the_loser_says_who_has_won(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    follow_up = FollowUp.objects.get(order=order, campaign__name=starting.REVIEW_REQUEST)
    assert [check["actual"] for check in follow_up.checks if not check["passed"]] == [starting.CHECK_IN]


def test_an_order_fulfilled_by_amazon_gets_the_request(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    plan(now)
    message = only_message(order)
    assert message.channel == Channel.REQUEST_REVIEW and message.letter_sealed is None
    assert message.due_at == now + timedelta(days=4)


def test_planning_twice_changes_nothing(account: AmazonAccount, now: datetime) -> None:
    make_order(account, buyer=alias())
    plan(now)
    before = list(Message.objects.values()) + list(FollowUp.objects.values())
    assert plan(now) == 0
    assert list(Message.objects.values()) + list(FollowUp.objects.values()) == before


def test_an_order_that_changes_is_planned_again_and_its_message_follows(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    later = now + timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.CANCELLED, replan_at=later)

    assert plan(later) == 1
    message = Message.objects.get(order=order)
    assert message.status == Status.CANCELLED and verdicts(order)[starting.CHECK_IN] == "not_eligible"


def test_a_campaign_that_changes_moves_what_waits(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    plan(now)
    change(starting.REVIEW_REQUEST, now + timedelta(seconds=1), delay_days=10, send_at=time(9, 0))
    plan(now + timedelta(seconds=2))
    message = only_message(order)
    assert message.due_at.hour == 17 and message.due_at > now + timedelta(days=6)  # nine in Los Angeles


def test_pausing_a_campaign_holds_what_waits_and_resuming_decides_again(
    account: AmazonAccount, now: datetime
) -> None:
    order = make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    plan(now)
    switch(starting.REVIEW_REQUEST, now + timedelta(seconds=1), on=False)
    message = Message.objects.get(order=order)
    assert message.status == Status.HELD and message.hold == Hold.PAUSED
    plan(now + timedelta(seconds=2))
    assert Message.objects.get(order=order).status == Status.HELD
    switch(starting.REVIEW_REQUEST, now + timedelta(seconds=3), on=True)
    plan(now + timedelta(seconds=4))
    assert only_message(order).status == Status.SCHEDULED


def test_a_campaign_of_higher_priority_takes_over_what_still_waits(account: AmazonAccount, now: datetime) -> None:
    switch(starting.CHECK_IN, now - timedelta(minutes=1), on=False)
    order = make_order(account, buyer=alias())
    plan(now)
    assert only_message(order).channel == Channel.REQUEST_REVIEW
    switch(starting.CHECK_IN, now + timedelta(seconds=1), on=True)
    plan(now + timedelta(seconds=2))
    assert only_message(order).channel == Channel.BUYER_EMAIL
    assert Message.objects.filter(order=order, status=Status.CANCELLED).count() == 1


@pytest.mark.parametrize(
    "status",
    [
        Status.SENT,
        Status.SUPPRESSED,
        Status.UNKNOWN,
        Status.REFUSED,
        Status.EXPIRED,
        Status.SENDING,
        Status.CLAIMED,
        Status.BLOCKED,
    ],
)
def test_what_does_not_wait_any_more_is_never_planned_over(
    account: AmazonAccount, now: datetime, status: Status
) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    Message.objects.filter(order=order).update(status=status)
    Order.objects.filter(pk=order.pk).update(alias_sealed=None, replan_at=now + timedelta(minutes=1))
    plan(now + timedelta(minutes=1))
    assert only_message(order).status == status
    assert verdicts(order) == {starting.CHECK_IN: "eligible", starting.REVIEW_REQUEST: "not_eligible"}


def test_what_a_person_cancels_stays_cancelled(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    outbox.cancel([only_message(order).pk], reason="Cancelled by your team", now=now)
    change(starting.CHECK_IN, now + timedelta(seconds=1), delay_days=1)
    plan(now + timedelta(seconds=2))
    assert [message.status for message in Message.objects.filter(order=order)] == [Status.CANCELLED]


def test_a_buyer_on_the_list_is_not_even_scheduled(account: AmazonAccount, now: datetime) -> None:
    buyer, other = alias(), make_account(make_seller("Mallory's shop"))
    theirs = make_order(other, buyer=buyer)
    gate.suppress(
        Buyer(other.seller_id, theirs.amazon_order_id, theirs.order_key, theirs.alias_key),
        Proof("notice 1", gate.OPTED_OUT),
        reach=Reach.GLOBAL,
        now=now,
    )
    order = make_order(account, buyer=buyer)
    plan(now)
    assert not Message.objects.filter(order=order).exists()
    assert set(verdicts(order).values()) == {"not_eligible"}


def test_a_withdrawn_message_stays_withdrawn(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    gate.suppress(
        Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key),
        Proof("notice 1", gate.OPTED_OUT),
        reach=Reach.SELLER,
        now=now,
    )
    assert withdrawing.withdraw_suppressed(now=now) == 1
    Order.objects.update(replan_at=now + timedelta(seconds=1))
    plan(now + timedelta(seconds=1))
    assert only_message(order).status == Status.SUPPRESSED


def test_a_sender_that_is_entered_later_lets_the_letters_go(account: AmazonAccount, now: datetime) -> None:
    AccountMarketplace.objects.update(approved_sender="")
    switch(starting.REVIEW_REQUEST, now, on=False)
    order = make_order(account, buyer=alias(), changed_at=now - timedelta(hours=1))
    plan(now)
    assert not Message.objects.filter(order=order).exists()
    save_sender(AccountMarketplace.objects.get(), "shop@example.com", now=now + timedelta(seconds=1))
    plan(now + timedelta(seconds=2))
    assert only_message(order).status == Status.SCHEDULED


def test_a_marketplace_without_a_template_is_named_as_the_reason(now: datetime) -> None:
    account = make_account(make_seller(), marketplaces=(UK,))
    make_campaigns(account.seller)
    Campaign.objects.get(name=starting.CHECK_IN).templates.all().delete()
    order = make_order(account, buyer=alias("marketplace.amazon.co.uk"), marketplace_id=UK)
    plan(now)
    follow_up = FollowUp.objects.get(order=order, campaign__name=starting.CHECK_IN)
    assert [c["reason"] for c in follow_up.checks if not c["passed"]] == [
        "There is a template in the buyer's language"
    ]


def test_orders_of_a_seller_without_campaigns_wait_for_them(now: datetime) -> None:
    account = make_account(make_seller())
    order = make_order(account, buyer=alias())
    plan(now)
    assert not FollowUp.objects.exists()
    make_campaigns(account.seller)
    plan(now)
    assert FollowUp.objects.filter(order=order).count() == 2


def test_a_letter_of_a_buyer_who_has_opted_out_is_called_suppressed_though_planning_comes_before_the_withdrawal(
    account: AmazonAccount, now: datetime
) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    suppress(order)
    Order.objects.update(replan_at=now)

    plan(now)

    message = only_message(order)
    assert (message.status, message.reason) == (Status.SUPPRESSED, gate.OPTED_OUT)


@pytest.mark.parametrize("hold", [Hold.SENDER, Hold.ACCESS, Hold.RESTRICTED, Hold.LETTER])
def test_what_waits_for_something_else_waits_for_its_campaign_once_that_is_paused(
    account: AmazonAccount, now: datetime, hold: Hold
) -> None:
    order = make_order(account, buyer=alias())
    plan(now)
    message = only_message(order)
    outbox.hold([message.pk], cause=hold, reason="x", now=now)
    switch("Order check-in", now, on=False)

    assert team.act(account.seller, team.Act.RELEASE, [message.pk], now=now) == []
    assert outbox.release_mended(now=now) == 0
    assert only_message(order).hold == Hold.PAUSED
    switch("Order check-in", now, on=True)
    plan(now)
    assert only_message(order).status == Status.SCHEDULED


def test_planning_makes_no_model_of_an_item(account: AmazonAccount, now: datetime) -> None:
    make_order(account, buyer=alias())
    make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    made = []

    def note(instance: OrderItem, **_: object) -> None:
        made.append(instance)

    post_init.connect(note, sender=OrderItem)
    try:
        assert plan(now) == 2
    finally:
        post_init.disconnect(note, sender=OrderItem)
    assert Message.objects.count() == 2 and made == []
