"""What a hostile review found: each of these once sent, lost, burnt or hid something that it should not."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts import lookup, secrets
from accounts.models import AccountMarketplace, AmazonAccount
from campaigns import lifecycle, planning, starting
from campaigns.letters import letter_for
from campaigns.models import Campaign, FollowUp
from messaging import dispatch, outbox, pacing, team, withdrawing
from messaging.gateways.base import AccountTrouble, Deferred, Receipt, Refused
from messaging.models import Channel, Hold, Message, Status
from optouts import gate
from optouts.gate import Buyer, Proof, Reach
from orders.models import Order
from tests.makers import US, alias, make_account, make_campaigns, make_message, make_order, make_seller
from tests.messaging.gateways.envelopes import CLEARANCE, envelope
from tests.messaging.post_office import PostOffice, at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


def send_due(account: AmazonAccount, office: PostOffice, now: datetime, channel: Channel = Channel.BUYER_EMAIL) -> None:
    dispatch.send_due(account.pk, gateways={channel: office}, take=at_once, clock=lambda: now)


def status(message: Message) -> Status:
    message.refresh_from_db()
    return Status(message.status)


def opt_out_elsewhere(address: str, now: datetime) -> None:
    order = make_order(make_account(make_seller("another shop")), buyer=address)
    buyer = Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)
    gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT, "A1", "f"), reach=Reach.GLOBAL, now=now)


def give_alias(order: Order, address: str) -> None:
    sealed = secrets.seal_text("alias", order.seller_id, address)
    Order.objects.filter(pk=order.pk).update(alias_sealed=sealed, alias_key=lookup.alias_key(address))


def test_an_alias_that_arrives_after_the_scheduling_is_asked_about(account: AmazonAccount, now: datetime) -> None:
    order, address, office = make_order(account), alias(), PostOffice()
    message = make_message(order, channel=Channel.REQUEST_REVIEW)
    give_alias(order, address)
    opt_out_elsewhere(address, now)
    send_due(account, office, now, Channel.REQUEST_REVIEW)
    assert status(message) is Status.SUPPRESSED and office.delivered == []


def test_the_gate_is_asked_about_the_very_address_that_the_letter_goes_to(
    account: AmazonAccount, now: datetime
) -> None:
    order, office = make_order(account, buyer=alias()), PostOffice()
    message, new = make_message(order), alias()
    give_alias(order, new)
    opt_out_elsewhere(new, now)
    send_due(account, office, now)
    assert status(message) is Status.SUPPRESSED and office.delivered == []


def test_a_withdrawal_finds_messages_by_the_alias_that_the_order_has_now(account: AmazonAccount, now: datetime) -> None:
    order, address = make_order(account), alias()
    message = make_message(order, channel=Channel.REQUEST_REVIEW, due_at=now + timedelta(days=1))
    give_alias(order, address)
    opt_out_elsewhere(address, now)
    assert withdrawing.withdraw_suppressed(now=now) == 1 and status(message) is Status.SUPPRESSED


@pytest.mark.parametrize("hands", [Status.CLAIMED, Status.SENDING])
def test_an_order_that_is_cancelled_while_its_message_is_in_flight_is_not_forgotten(
    account: AmazonAccount, now: datetime, hands: Status
) -> None:
    make_campaigns(account.seller)
    order = make_order(account, buyer=alias())
    planning.plan_stale(now=now)
    message = order.messages.get()
    Message.objects.filter(pk=message.pk).update(status=hands)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.CANCELLED, replan_at=now)
    planning.plan_stale(now=now)
    Message.objects.filter(pk=message.pk).update(status=Status.SCHEDULED)  # the pace said wait, or it was deferred
    planning.plan_stale(now=now + timedelta(minutes=1))
    assert status(message) is Status.CANCELLED


def test_a_letter_that_cannot_be_read_waits_for_a_person_and_stops_no_other(
    account: AmazonAccount, now: datetime
) -> None:
    broken = make_message(make_order(account, buyer=alias()), letter_sealed=b"nonsense")
    sound, office = make_message(make_order(account, buyer=alias())), PostOffice()
    send_due(account, office, now)
    assert status(broken) is Status.HELD and broken.hold == Hold.LETTER
    assert status(sound) is Status.SENT and len(office.delivered) == 1


def test_a_run_ends_in_time_and_leaves_the_rest_for_the_next(account: AmazonAccount, now: datetime) -> None:
    messages = [make_message(make_order(account, buyer=alias())) for _ in range(4)]
    moments = iter(now + timedelta(seconds=6 * step) for step in range(1000))
    office = PostOffice()
    run = dispatch.send_due(
        account.pk, gateways={Channel.BUYER_EMAIL: office}, take=at_once, clock=lambda: next(moments)
    )
    assert 0 < len(office.delivered) < 4 and run.wait == timedelta(0)
    assert {status(message) for message in messages} == {Status.SENT, Status.SCHEDULED}


def test_an_outage_of_days_burns_nothing(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()), expires_at=now + timedelta(days=20))
    away = PostOffice(lambda envelope: Deferred("the relay is away", is_general=True))
    for hour in range(72):
        send_due(account, away, now + timedelta(hours=hour))
    assert status(message) is Status.SCHEDULED
    send_due(account, PostOffice(), now + timedelta(hours=75))
    assert status(message) is Status.SENT


def test_a_relay_that_is_away_is_tried_once_a_run(account: AmazonAccount, now: datetime) -> None:
    for _ in range(5):
        make_message(make_order(account, buyer=alias()))
    away = PostOffice(lambda envelope: Deferred("the relay is away", is_general=True))
    send_due(account, away, now)
    assert len(away.delivered) == 1


def test_a_deferred_message_backs_off(account: AmazonAccount, now: datetime) -> None:
    message, pauses = make_message(make_order(account, buyer=alias())), []
    for _ in range(4):
        message.refresh_from_db()
        moment = message.due_at
        send_due(account, PostOffice(lambda envelope: Deferred("not now")), moment)
        message.refresh_from_db()
        pauses.append(message.due_at - moment)
    assert pauses == [timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=1)]


def test_in_a_storm_of_429s_a_message_asks_less_and_less_often(account: AmazonAccount, now: datetime) -> None:
    message, pauses = make_message(make_order(account, buyer=alias())), []
    storm = PostOffice(lambda envelope: Deferred("slower", timedelta(seconds=1), is_general=True))
    for _ in range(12):
        message.refresh_from_db()
        moment = message.due_at
        send_due(account, storm, moment)
        message.refresh_from_db()
        pauses.append(int((message.due_at - moment).total_seconds()))
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512]


def test_a_template_that_cannot_be_filled_loses_its_orders_to_the_next_campaign(
    account: AmazonAccount, now: datetime
) -> None:
    make_campaigns(account.seller)
    Campaign.objects.get(name=starting.CHECK_IN).templates.update(body="{{ nonsense }}")
    order = make_order(account, buyer=alias())
    planning.plan_stale(now=now)
    assert order.messages.get().channel == Channel.REQUEST_REVIEW
    refused = FollowUp.objects.get(order=order, campaign__name=starting.CHECK_IN)
    assert ["nonsense" in check["actual"] for check in refused.checks if not check["passed"]] == [True]


def test_one_order_in_trouble_does_not_stop_the_planning_of_others(
    account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_campaigns(account.seller)
    bad = make_order(account, buyer=alias())
    def stumbles(order: Order, *rest: Any, **more: Any) -> Any:
        if order.pk == bad.pk:
            raise ValueError("a letter that nobody can write")
        return letter_for(order, *rest, **more)

    monkeypatch.setattr("campaigns.planning.letter_for", stumbles)
    other = make_account(make_seller("another shop"))
    make_campaigns(other.seller)
    good = make_order(other, buyer=alias())
    planning.plan_stale(now=now)
    assert good.messages.count() == 1 and bad.messages.count() == 0
    bad.refresh_from_db()
    assert bad.replan_at == now + planning.AFTER_TROUBLE


def test_a_seller_with_many_orders_does_not_keep_others_waiting(account: AmazonAccount, now: datetime) -> None:
    make_campaigns(account.seller)
    for _ in range(planning.PER_SELLER + 5):
        make_order(account)
    other = make_account(make_seller("a small shop"))
    make_campaigns(other.seller)
    theirs = make_order(other, buyer=alias())
    assert planning.plan_stale(now=now) == planning.PER_SELLER + 1
    assert theirs.messages.count() == 1


def test_what_the_team_holds_stays_held_over_a_pause(account: AmazonAccount, now: datetime) -> None:
    make_campaigns(account.seller)
    order = make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    planning.plan_stale(now=now)
    team.act(account.seller, team.Act.HOLD, [order.messages.get().pk], now=now)
    campaign = Campaign.objects.get(name=starting.REVIEW_REQUEST)
    for switch in (lifecycle.pause, lifecycle.activate):
        switch(campaign, now=now)
        planning.plan_stale(now=now)
    [message] = order.messages.filter(frees_order=False)
    assert message.status == Status.HELD and message.hold == Hold.TEAM


def test_what_is_held_or_cannot_be_sent_expires_all_the_same(account: AmazonAccount, now: datetime) -> None:
    held = make_message(make_order(account, buyer=alias()), status=Status.HELD, expires_at=now)
    capped = make_message(make_order(account, buyer=alias()), reason=outbox.DAILY_LIMIT, expires_at=now)
    AmazonAccount.objects.update(status=AmazonAccount.Status.REVOKED)
    assert outbox.expire(now=now) == 2
    assert (status(held), status(capped)) == (Status.EXPIRED, Status.CAPPED)


@pytest.mark.parametrize("state", [AmazonAccount.Status.REVOKED, AmazonAccount.Status.DISCONNECTED])
def test_nothing_is_sent_for_an_account_that_is_not_connected(
    account: AmazonAccount, now: datetime, state: AmazonAccount.Status
) -> None:
    message, office = make_message(make_order(account, buyer=alias())), PostOffice()
    AmazonAccount.objects.update(status=state)
    assert dispatch.take_up({account.pk: 1}, Channel.BUYER_EMAIL, now=now) == []
    send_due(account, office, now)
    assert status(message) is Status.SCHEDULED and office.delivered == []


def test_what_waited_for_a_role_goes_when_the_account_is_connected_again(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)
    outbox.hold([message.pk], cause=Hold.ACCESS, reason="no role", now=now)
    AmazonAccount.objects.update(authorised_at=now - timedelta(days=1))
    assert outbox.release_mended(now=now) == 0
    AmazonAccount.objects.update(authorised_at=now + timedelta(hours=1))
    assert outbox.release_mended(now=now) == 1 and status(message) is Status.SCHEDULED


def test_what_waited_for_a_sender_goes_when_it_is_mended(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()))
    outbox.hold([message.pk], cause=Hold.SENDER, reason="not approved", now=now)
    AccountMarketplace.objects.update(changed_at=now - timedelta(days=1))
    assert outbox.release_mended(now=now) == 0
    AccountMarketplace.objects.update(changed_at=now + timedelta(hours=1))
    assert outbox.release_mended(now=now) == 1 and status(message) is Status.SCHEDULED


def test_the_text_of_a_letter_is_kept_30_days_after_delivery_at_most(account: AmazonAccount, now: datetime) -> None:
    make_campaigns(account.seller)
    order = make_order(account, buyer=alias())
    planning.plan_stale(now=now)
    message = order.messages.get()
    assert order.deliver_by_latest and message.purge_at <= order.deliver_by_latest + timedelta(days=30)
    assert outbox.purge(now=message.purge_at) == 1
    message.refresh_from_db()
    assert message.letter_sealed is None and message.letter_digest


def parcel_of(message: Message) -> dispatch.Parcel:
    """As if it had been taken up before."""
    given = envelope(message_id=message.message_id)
    return dispatch.Parcel(message.pk, message.account_id, Channel.BUYER_EMAIL, US, 0, given, CLEARANCE)


def test_an_answer_that_comes_after_the_reaper_is_still_an_answer(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    for answer, expected in ((Receipt("late"), Status.SENT), (Refused("no"), Status.REFUSED)):
        message = make_message(order, status=Status.UNKNOWN)
        dispatch.settle([(parcel_of(message), answer)], now=now)
        assert status(message) is expected
        message.delete()


def test_an_old_letter_is_not_called_blocked_because_of_a_new_notice(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    message = make_message(order, status=Status.SENT, handed_over_at=now - timedelta(days=20))
    buyer = Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)
    gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT), reach=Reach.SELLER, now=now)
    withdrawing.withdraw_suppressed(now=now)
    assert status(message) is Status.SENT


def test_planning_again_after_the_due_time_does_not_postpone(account: AmazonAccount, now: datetime) -> None:
    make_campaigns(account.seller)
    order = make_order(account, buyer=alias())
    planning.plan_stale(now=now)
    due_at = order.messages.get().due_at
    for hours in (1, 5, 24):
        Order.objects.filter(pk=order.pk).update(replan_at=now + timedelta(hours=hours))
        planning.plan_stale(now=now + timedelta(hours=hours))
    assert order.messages.get().due_at == due_at


def test_an_order_that_is_read_for_two_sellers_is_asked_about_once(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    make_message(order)
    twin = make_order(make_account(make_seller("the same shop again")), amazon_order_id=order.amazon_order_id)
    with pytest.raises(outbox.OrderTaken):
        make_message(twin, channel=Channel.REQUEST_REVIEW)


def test_only_one_run_an_account_is_alone_with_it(account: AmazonAccount) -> None:
    with pacing.alone_with(account.pk) as first:
        assert first
    with pacing.alone_with(account.pk) as again:
        assert again  # given back


def test_a_blocked_letter_gives_its_place_in_the_daily_limit_back(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()), status=Status.SENT, handed_over_at=now)
    used = pacing.left_today(account.pk, now=now)
    Message.objects.filter(pk=message.pk).update(status=Status.BLOCKED)
    assert pacing.left_today(account.pk, now=now) == used + 1


def test_a_sender_that_the_relay_does_not_know_turns_red_until_it_is_saved_anew(
    account: AmazonAccount, now: datetime
) -> None:
    message = make_message(make_order(account, buyer=alias()))
    account.marketplaces.update(changed_at=now - timedelta(days=1))
    send_due(account, PostOffice(lambda envelope: AccountTrouble("Amazon does not know it")), now)
    place = account.marketplaces.get()
    assert status(message) is Status.HELD and place.is_sender_refused
