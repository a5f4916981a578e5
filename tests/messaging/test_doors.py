"""Sending and asking at the simulated Amazon: an unknown outcome is cleared up by asking, never by sending again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.models import AmazonAccount
from amazon.operations import Operation
from messaging import dispatch, doors
from messaging.dispatch import Run
from messaging.gateways.request_review import OFFERED_AGAIN_AFTER
from messaging.life import move
from messaging.models import Channel, Hold, Message, Status
from tests.amazon.harness import Amazon, Json
from tests.amazon.scripted import closed_port, refusal, scripted
from tests.makers import make_connected_account, make_message, make_order, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

REVIEW = "createProductReviewAndSellerFeedbackSolicitation"
ACTIONS = "getSolicitationActionsForOrder"


@pytest.fixture
def now() -> datetime:
    """The simulator's clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account()


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def due(amazon: Amazon, theirs: Json, account: AmazonAccount, channel: Channel, now: datetime) -> Message:
    placed = amazon.order(theirs)
    order = make_order(
        account,
        buyer=placed["alias"],
        amazon_order_id=placed["order_id"],
        delivered_at=now - timedelta(days=8),
        purchased_at=now - timedelta(days=13),
    )
    return make_message(order, channel=channel, due_at=now, expires_at=now + timedelta(days=20))


def send_due(account: AmazonAccount, now: datetime) -> Run:
    with doors.opened(account.pk) as (gateways, take):
        return dispatch.send_due(account.pk, gateways=gateways, take=take, clock=lambda: now)


def status(message: Message) -> Status:
    message.refresh_from_db()
    return Status(message.status)


@pytest.fixture
def request_(simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime) -> Message:
    """A review request that is due."""
    return due(simulated_amazon, theirs, account, Channel.REQUEST_REVIEW, now)


def receipts(amazon: Amazon, message: Message) -> int:
    return len(amazon.receipts(message.order.amazon_order_id))


@pytest.mark.parametrize("channel", [Channel.REQUEST_REVIEW, Channel.BUYER_EMAIL])
def test_a_due_message_goes_out_by_its_channel(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, channel: Channel
) -> None:
    message = due(simulated_amazon, theirs, account, channel, now)
    assert send_due(account, now).handed_over == 1
    assert status(message) is Status.SENT and message.receipt
    assert receipts(simulated_amazon, message) == 1


def another_that_waits(amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime) -> None:
    """An order for which Amazon offers the request: a list that is empty for the other one can be believed."""
    placed = amazon.order(theirs)
    order = make_order(account, amazon_order_id=placed["order_id"], delivered_at=now - timedelta(days=8))
    make_message(order, channel=Channel.REQUEST_REVIEW, due_at=now, expires_at=now + timedelta(days=20))


def test_an_empty_list_is_not_believed_while_amazon_offers_nothing_to_anybody(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut_after")
    send_due(account, now)
    assert doors.reconcile_unknown(now=now) == 0
    assert status(request_) is Status.UNKNOWN and request_.reason.endswith(doors.NOT_OFFERED)
    assert request_.look_again_at == now + doors.ASK_AGAIN_AFTER


@pytest.fixture
def other(simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, request_: Message, now: datetime) -> Message:
    """Another review request, due tomorrow: the one that Amazon is asked about to see whether it offers any."""
    message = due(simulated_amazon, theirs, account, Channel.REQUEST_REVIEW, now)
    Message.objects.filter(pk=message.pk).update(due_at=now + timedelta(days=1))
    return message


def test_a_request_that_was_made_though_nobody_heard_of_it_turns_out_to_be_sent(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, other: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut_after")
    send_due(account, now)
    assert status(request_) is Status.UNKNOWN

    assert doors.reconcile_unknown(now=now) == 1
    assert status(request_) is Status.SENT and "so it was made" in request_.reason
    assert request_.look_again_at is None and request_.settled_at == now
    assert doors.reconcile_unknown(now=now + timedelta(hours=1)) == 0
    assert receipts(simulated_amazon, request_) == 1 and receipts(simulated_amazon, other) == 0


def test_an_amazon_that_offers_nothing_for_any_order_proves_nothing(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, other: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut_after")
    send_due(account, now)
    with client_for(account) as client:  # somebody asked for it elsewhere, so it is not offered either
        client.request_review(other.order.amazon_order_id, other.order.marketplace_id)

    for hours in range(3):
        assert doors.reconcile_unknown(now=now + timedelta(hours=hours)) == 0
        assert status(request_) is Status.UNKNOWN and request_.reason.endswith("; " + doors.NOT_OFFERED)
        assert request_.look_again_at == now + timedelta(hours=hours) + doors.ASK_AGAIN_AFTER


def test_a_request_that_was_not_made_stays_unknown_and_says_so_and_is_not_sent_again(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut")
    send_due(account, now)

    assert doors.reconcile_unknown(now=now) == 0
    assert status(request_) is Status.UNKNOWN
    assert request_.look_again_at == now + doors.SETTLES_WITHIN  # Amazon may still be at work on it

    later = now + doors.SETTLES_WITHIN
    assert doors.reconcile_unknown(now=later) == 0
    assert status(request_) is Status.UNKNOWN and request_.reason.endswith("; " + doors.NOT_MADE)
    assert request_.look_again_at is None and len(request_.reason) <= 200

    send_due(account, later + timedelta(days=1))
    assert doors.reconcile_unknown(now=later + timedelta(days=1)) == 0
    assert receipts(simulated_amazon, request_) == 0 and len(simulated_amazon.calls(ACTIONS)) == 2


def test_what_cannot_be_asked_now_is_asked_later(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut_after")
    send_due(account, now)
    another_that_waits(simulated_amazon, theirs, account, now)
    simulated_amazon.fault(ACTIONS, "html503")

    assert doors.reconcile_unknown(now=now) == 0
    assert status(request_) is Status.UNKNOWN and request_.look_again_at == now + doors.ASK_AGAIN_AFTER
    assert doors.reconcile_unknown(now=now + timedelta(minutes=59)) == 0
    assert doors.reconcile_unknown(now=now + timedelta(hours=1)) == 1


def test_an_empty_list_after_amazons_time_is_over_proves_nothing(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut")
    send_due(account, now)
    assert doors.reconcile_unknown(now=now + timedelta(days=30)) == 0
    assert status(request_) is Status.UNKNOWN and request_.reason.endswith(doors.TOO_LATE_TO_ASK)
    assert simulated_amazon.calls(ACTIONS) == []


def test_a_lost_authorisation_is_noticed_while_asking(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    Message.objects.filter(pk=request_.pk).update(status=Status.UNKNOWN, look_again_at=now)
    simulated_amazon.do("revocations", selling_partner_id=theirs["selling_partner_id"])
    assert doors.reconcile_unknown(now=now) == 0
    account.refresh_from_db()
    assert account.status == AmazonAccount.Status.REVOKED and status(request_) is Status.UNKNOWN


def test_after_a_429_the_account_waits_until_amazon_has_room_again(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "throttle")
    send_due(account, now)
    assert status(request_) is Status.SCHEDULED and request_.attempts == 1 and request_.handed_over_at is None
    assert quotas().take(name_in_quotas(account.pk), Operation.REQUEST_REVIEW) > timedelta(0)

    run = send_due(account, now + timedelta(minutes=5))
    assert run.handed_over == 0 and run.wait  # our count says that there is no room: nothing was asked
    assert len(simulated_amazon.calls(REVIEW)) == 1


def test_the_rate_that_amazon_names_with_an_answer_is_the_accounts_from_then_on(
    account: AmazonAccount, request_: Message, now: datetime
) -> None:
    name = name_in_quotas(account.pk)
    quotas().learn(name, Operation.REQUEST_REVIEW, 0.001)  # it has been another one
    send_due(account, now)
    quotas().drain(name, Operation.REQUEST_REVIEW)
    assert quotas().take(name, Operation.REQUEST_REVIEW) <= timedelta(seconds=1)


def test_without_the_server_of_the_quotas_nothing_is_asked_of_amazon(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "quotas", lambda: quotas().at(closed_port().replace("http", "redis")))
    assert send_due(account, now) == Run(0, doors.WITHOUT_QUOTAS)
    assert status(request_) is Status.SCHEDULED and simulated_amazon.calls(REVIEW) == []


def test_after_something_was_tried_amazon_is_asked_before_the_request_is_made(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "throttle")
    send_due(account, now)
    assert simulated_amazon.calls(ACTIONS) == [] and status(request_) is Status.SCHEDULED
    cache.clear()  # the quota's emptied bucket

    send_due(account, now + timedelta(minutes=5))
    assert len(simulated_amazon.calls(ACTIONS)) == 1 and status(request_) is Status.SENT
    assert receipts(simulated_amazon, request_) == 1


def test_a_request_for_an_order_whose_former_outcome_was_unknown_is_made_only_if_amazon_still_offers_it(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    simulated_amazon.fault(REVIEW, "cut_after")  # made, and nobody heard of it
    send_due(account, now)
    assert status(request_) is Status.UNKNOWN
    move([request_.pk], out_of={Status.UNKNOWN}, to=Status.CANCELLED, at=now, frees_order=True)  # an owner was wrong
    again = make_message(
        request_.order, channel=Channel.REQUEST_REVIEW, due_at=now, expires_at=now + timedelta(days=20)
    )
    cache.clear()

    send_due(account, now)
    assert status(again) is Status.SCHEDULED and again.reason == "Amazon offers no request for this order now"
    assert again.due_at == now + OFFERED_AGAIN_AFTER and again.expires_at > again.due_at  # later, within the window
    assert receipts(simulated_amazon, request_) == 1


def test_what_was_requested_elsewhere_is_refused_with_that_reason(
    simulated_amazon: Amazon, account: AmazonAccount, request_: Message, now: datetime
) -> None:
    with client_for(account) as client:
        client.request_review(request_.order.amazon_order_id, request_.order.marketplace_id)
    send_due(account, now)
    assert status(request_) is Status.REFUSED and "sent elsewhere" in request_.reason


@pytest.mark.parametrize(("days", "expected"), [(2, Status.SCHEDULED), (40, Status.EXPIRED)])
def test_too_early_is_later_and_too_late_is_expired(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, days: int, expected: Status
) -> None:
    delivered = now - timedelta(days=days)
    placed = simulated_amazon.order(theirs, deliver_by=[delivered, delivered])
    order = make_order(account, amazon_order_id=placed["order_id"], delivered_at=delivered)
    message = make_message(order, channel=Channel.REQUEST_REVIEW, due_at=now, expires_at=now + timedelta(days=20))
    send_due(account, now)
    assert status(message) is expected and message.handed_over_at is None
    assert message.reason.startswith("Amazon says:")


def test_a_role_that_is_missing_holds_the_requests_and_burns_none(
    simulated_amazon: Amazon,
    account: AmazonAccount,
    request_: Message,
    other: Message,
    now: datetime,
    settings: Settings,
) -> None:
    Message.objects.filter(pk=other.pk).update(due_at=now)
    with scripted(refusal(403, "Unauthorized", "Access to requested resource is denied.")) as server:
        settings.AMAZON_ENDPOINT = server.url
        send_due(account, now)
    assert {status(request_), status(other)} == {Status.HELD} and request_.hold == Hold.ACCESS
    assert receipts(simulated_amazon, request_) == 0
