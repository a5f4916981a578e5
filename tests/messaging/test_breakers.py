"""What stops sending: too many refusals of an account, and an operator's switch for everybody."""

from datetime import datetime, timedelta

import pytest

from accounts import lifecycle
from accounts.models import AmazonAccount
from messaging import breakers, dispatch, outbox, pacing
from messaging.breakers import Tally, is_above_normal
from messaging.gateways.base import Answer, Envelope, Receipt, Refused
from messaging.models import Channel, Hold, Message, SendingStop, Status
from tests.makers import alias, make_account, make_message, make_order, make_seller
from tests.messaging.post_office import PostOffice, at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(all_sellers: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.mark.parametrize(
    ("recent", "before", "is_above"),
    [
        (Tally(0, 0), Tally(0, 0), False),
        (Tally(9, 9), Tally(0, 0), False),  # too few to say anything
        (Tally(10, 10), Tally(0, 0), True),
        (Tally(1000, 10), Tally(0, 0), False),  # one in a hundred is refused at the best of times
        (Tally(100, 11), Tally(0, 0), True),
        (Tally(100, 11), Tally(1000, 30), False),  # of an account for which that is normal
        (Tally(100, 60), Tally(1000, 400), True),  # half of it is never normal
    ],
)
def test_a_run_of_refusals_is_one_that_is_far_above_the_accounts_own_rate(
    recent: Tally, before: Tally, is_above: bool
) -> None:
    assert is_above_normal(recent, before) is is_above


def refuse(envelope: Envelope) -> Answer:
    return Refused("the mail relay refused it (550): 5.7.0 your message was blocked")


def letters(account: AmazonAccount, count: int) -> list[Message]:
    return [make_message(make_order(account, buyer=alias())) for _ in range(count)]


def send(account: AmazonAccount, now: datetime, office: PostOffice | None = None) -> PostOffice:
    office = office or PostOffice()
    doors = {Channel.BUYER_EMAIL: office, Channel.REQUEST_REVIEW: office}
    dispatch.send_due(account.pk, gateways=doors, take=at_once, clock=lambda: now)
    return office


def test_ten_refusals_stop_the_letters_of_that_account_and_keep_its_requests(
    account: AmazonAccount, now: datetime
) -> None:
    waiting, other = letters(account, 40), make_account(make_seller("another shop"))
    send(account, now, PostOffice(refuse))
    account.refresh_from_db()
    assert account.restricted_at == now and account.is_stopped_by_us
    assert "5.7.0 your message was blocked" in account.restriction_text
    statuses = [Message.objects.get(pk=message.pk).status for message in waiting]
    assert statuses.count(Status.REFUSED) < 40 and statuses.count(Status.HELD) >= 9  # the batch of the tenth, at most

    request = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)
    [theirs] = letters(other, 1)
    send(account, now)
    send(other, now)
    for message in (request, theirs):
        message.refresh_from_db()
        assert message.status == Status.SENT


def test_an_owner_opens_it_again_and_what_was_before_does_not_count(account: AmazonAccount, now: datetime) -> None:
    letters(account, 40)
    send(account, now, PostOffice(refuse))
    held = Message.objects.filter(status=Status.HELD, hold=Hold.RESTRICTED).count()
    later = now + timedelta(minutes=5)
    assert lifecycle.reopen(account.seller, account.pk, now=later)
    assert outbox.release_mended(now=later) == held > 0
    seen: list[Envelope] = []

    def refuse_three(envelope: Envelope) -> Answer:
        seen.append(envelope)
        return refuse(envelope) if len(seen) <= 3 else Receipt("taken")

    send(account, later, PostOffice(refuse_three))
    account.refresh_from_db()
    assert account.restricted_at is None and not account.is_stopped_by_us and len(seen) == held


def test_refused_and_suppressed_messages_cost_nothing_of_the_daily_cap(account: AmazonAccount, now: datetime) -> None:
    before = pacing.left_today(account.pk, now=now)
    letters(account, 3)
    send(account, now, PostOffice(refuse))
    assert pacing.left_today(account.pk, now=now) == before
    letters(account, 1)
    send(account, now)
    assert pacing.left_today(account.pk, now=now) == before - 1


def test_what_has_no_room_today_moves_by_priority(account: AmazonAccount, now: datetime) -> None:
    low, high = letters(account, 2), letters(account, 2)
    Message.objects.filter(pk__in=[message.pk for message in high]).update(priority=10)
    assert pacing.move_overflow(account.pk, left=2, now=now) == 2
    for message in high:
        message.refresh_from_db()
        assert message.due_at <= now
    for message in low:
        message.refresh_from_db()
        assert message.due_at == now + timedelta(days=1) and message.reason == outbox.DAILY_LIMIT


def test_while_an_operator_has_stopped_all_sending_nothing_is_taken_up(account: AmazonAccount, now: datetime) -> None:
    [letter] = letters(account, 1)
    request = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)
    assert breakers.stop_everything("A fault is looked into.", by="operator@example.com", now=now)
    assert not breakers.stop_everything("Again.", by="operator@example.com", now=now)
    assert send(account, now).delivered == []
    assert breakers.go_on(by="operator@example.com", now=now)
    assert len(send(account, now).delivered) == 2
    stop = SendingStop.objects.get()
    assert (stop.stopped_by, stop.lifted_by, stop.lifted_at) == ("operator@example.com", "operator@example.com", now)
    assert {Message.objects.get(pk=pk).status for pk in (letter.pk, request.pk)} == {Status.SENT}
