"""The dangerous verb: at most once, nothing without a clearance, every no with its name."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts import secrets
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.errors import mark_of
from messaging import dispatch, outbox, pacing
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from messaging.models import Channel, Message, MessageEvent, Purpose, Status
from optouts import gate
from optouts.gate import Buyer, Proof, Reach
from tests.makers import alias, make_account, make_message, make_order, make_seller, suppress
from tests.messaging.post_office import PostOffice, at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


def opt_out(message: Message, *, now: datetime, reach: Reach = Reach.GLOBAL) -> None:
    buyer = Buyer(message.seller_id, message.order.amazon_order_id, message.order_key, message.alias_key)
    gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT, "A1", "f" * 64), reach=reach, now=now)


def send_due(account: AmazonAccount, office: PostOffice, now: datetime, **kinds: object) -> dispatch.Run:
    return dispatch.send_due(account.pk, gateways={Channel.BUYER_EMAIL: office}, take=at_once, clock=lambda: now)


def status(message: Message) -> Status:
    message.refresh_from_db()
    return Status(message.status)


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


def test_a_due_message_is_delivered_and_sent(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    message, office = make_message(order), PostOffice()

    send_due(account, office, now)

    assert status(message) is Status.SENT
    assert message.receipt == "taken" and message.handed_over_at == now
    [envelope] = office.delivered
    assert envelope.alias == order.alias and envelope.sender == "shop@example.com"
    assert order.amazon_order_id in envelope.letter.subject  # type: ignore[union-attr]
    order.refresh_from_db()
    assert order.last_written_at == now


def test_nothing_is_sent_before_it_is_due(account: AmazonAccount, now: datetime) -> None:
    message, office = make_message(make_order(account, buyer=alias()), due_at=now + timedelta(seconds=1)), PostOffice()
    send_due(account, office, now)
    assert status(message) is Status.SCHEDULED and office.delivered == []


def test_an_opt_out_that_arrives_when_the_turn_has_come_still_stops_the_letter(
    account: AmazonAccount, now: datetime
) -> None:
    message = make_message(make_order(account, buyer=alias()))
    assert pacing.with_due(now=now) == [(account.pk, Channel.BUYER_EMAIL)]
    opt_out(message, now=now)

    assert take_up(account, now) == []
    assert status(message) is Status.SUPPRESSED and message.reason == gate.OPTED_OUT


def test_an_opt_out_at_one_seller_stops_the_letter_of_another(account: AmazonAccount, now: datetime) -> None:
    buyer = alias()
    other = make_account(make_seller("Mallory's shop"))
    first, second = make_message(make_order(account, buyer=buyer)), make_message(make_order(other, buyer=buyer))
    opt_out(first, now=now)
    office = PostOffice()

    send_due(other, office, now)
    assert status(second) is Status.SUPPRESSED and office.delivered == []


def test_an_opt_out_that_is_only_proved_for_one_seller_leaves_the_others_alone(
    account: AmazonAccount, now: datetime
) -> None:
    buyer = alias()
    other = make_account(make_seller("Mallory's shop"))
    first, second = make_message(make_order(account, buyer=buyer)), make_message(make_order(other, buyer=buyer))
    opt_out(first, now=now, reach=Reach.PENDING)
    office = PostOffice()

    send_due(account, office, now)
    send_due(other, office, now)
    assert (status(first), status(second)) == (Status.SUPPRESSED, Status.SENT)


def test_what_is_past_amazons_time_expires_instead_of_being_sent(account: AmazonAccount, now: datetime) -> None:
    message, office = make_message(make_order(account, buyer=alias()), expires_at=now), PostOffice()
    send_due(account, office, now)
    assert status(message) is Status.EXPIRED and office.delivered == []


def test_a_message_is_taken_up_once(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()))
    [parcel] = take_up(account, now)
    assert parcel.id == message.pk and status(message) is Status.SENDING
    assert take_up(account, now) == []


def take_up(account: AmazonAccount, now: datetime, share: int = 50) -> list[dispatch.Parcel]:
    return dispatch.take_up({account.pk: share}, Channel.BUYER_EMAIL, now=now)


def raising(error: Exception) -> Callable[[Envelope], Answer]:
    def answer(envelope: Envelope) -> Answer:
        raise error

    return answer


def test_an_unknown_outcome_is_shown_as_unknown_and_never_sent_again(account: AmazonAccount, now: datetime) -> None:
    message, office = make_message(make_order(account, buyer=alias())), PostOffice(raising(OutcomeUnknown("cut")))
    send_due(account, office, now)
    dispatch.reap(older_than=timedelta(0), now=now + timedelta(days=1))
    send_due(account, office, now + timedelta(days=2))
    assert status(message) is Status.UNKNOWN and message.reason == "cut" and len(office.delivered) == 1


def test_a_worker_that_dies_after_the_hand_over_leaves_unknown_and_no_second_send(
    account: AmazonAccount, now: datetime
) -> None:
    message, office = make_message(make_order(account, buyer=alias())), PostOffice(raising(MemoryError()))
    with pytest.raises(MemoryError):
        send_due(account, office, now)
    assert status(message) is Status.SENDING

    assert dispatch.reap(older_than=timedelta(minutes=15), now=now + timedelta(minutes=16)) == (0, 1)
    send_due(account, office, now + timedelta(hours=1))
    assert status(message) is Status.UNKNOWN and len(office.delivered) == 1


def test_a_worker_that_dies_before_the_hand_over_costs_nothing(account: AmazonAccount, now: datetime) -> None:
    message, office = make_message(make_order(account, buyer=alias())), PostOffice()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert len(take_up(account, now)) == 1
        raise ZeroDivisionError  # before the commit

    assert dispatch.reap(older_than=timedelta(minutes=15), now=now + timedelta(minutes=16)) == (0, 0)
    send_due(account, office, now + timedelta(minutes=16))
    assert status(message) is Status.SENT and len(office.delivered) == 1


def test_a_deferred_message_is_tried_again_later_and_costs_no_quota(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()))
    send_due(account, PostOffice(lambda e: Deferred("busy", timedelta(minutes=5))), now)
    assert status(message) is Status.SCHEDULED and message.due_at == now + timedelta(minutes=5)
    assert message.attempts == 1 and message.handed_over_at is None

    send_due(account, PostOffice(), now + timedelta(minutes=5))
    assert status(message) is Status.SENT


def test_a_refusal_is_final_and_has_its_reason(account: AmazonAccount, now: datetime) -> None:
    message, office = make_message(make_order(account, buyer=alias())), PostOffice(lambda e: Refused("no such buyer"))
    send_due(account, office, now)
    send_due(account, office, now + timedelta(days=1))
    assert status(message) is Status.REFUSED and message.reason == "no such buyer" and len(office.delivered) == 1


def test_trouble_with_the_account_holds_all_of_its_kind_instead_of_burning_them(
    account: AmazonAccount, now: datetime
) -> None:
    messages = [make_message(make_order(account, buyer=alias())) for _ in range(3)]
    office = PostOffice(lambda e: AccountTrouble("sender not approved"))
    send_due(account, office, now)
    assert {status(message) for message in messages} == {Status.HELD} and len(office.delivered) == 1

    outbox.release([message.pk for message in messages], now=now)
    send_due(account, PostOffice(), now)
    assert {status(message) for message in messages} == {Status.SENT}


def test_a_lost_authorisation_stops_the_account_and_burns_nothing(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()))
    lost = mark_of(account.refresh_token)
    send_due(account, PostOffice(lambda e: AccountTrouble("connect again", lost=lost)), now)
    account.refresh_from_db()
    assert account.status == AmazonAccount.Status.REVOKED and status(message) is Status.SCHEDULED
    assert pacing.with_due(now=now + timedelta(days=1)) == []


def test_a_late_no_to_an_old_authorisation_does_not_touch_the_one_given_since(
    account: AmazonAccount, now: datetime
) -> None:
    message, lost = make_message(make_order(account, buyer=alias())), mark_of(account.refresh_token)
    account.refresh_token_sealed = secrets.seal_text("refresh token", account.seller_id, "Atzr|given-since")
    account.save()
    send_due(account, PostOffice(lambda e: AccountTrouble("connect again", lost=lost)), now)
    account.refresh_from_db()
    assert account.status == AmazonAccount.Status.CONNECTED and status(message) is Status.SCHEDULED


def test_the_daily_cap_moves_the_rest_by_a_day(
    account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr("messaging.pacing.BASE", 2)
    monkeypatch.setattr("messaging.pacing.PER_DAILY_ORDER", 0)
    settings.DAILY_RESERVE = 0
    messages = [make_message(make_order(account, buyer=alias())) for _ in range(3)]
    send_due(account, PostOffice(), now)
    assert [status(message) for message in messages] == [Status.SENT, Status.SENT, Status.SCHEDULED]
    assert messages[2].due_at == now + timedelta(days=1) and "limit" in messages[2].reason


def test_a_pace_that_says_wait_gives_the_claims_back(account: AmazonAccount, now: datetime) -> None:
    messages, office = [make_message(make_order(account, buyer=alias())) for _ in range(3)], PostOffice()
    run = dispatch.send_due(
        account.pk,
        gateways={Channel.BUYER_EMAIL: office},
        take=lambda channel: timedelta(seconds=1),
        clock=lambda: now,
    )
    assert run == dispatch.Run(0, timedelta(seconds=1)) and office.delivered == []
    assert {status(message) for message in messages} == {Status.SCHEDULED}


def test_an_order_has_one_message_over_all_channels(account: AmazonAccount, now: datetime) -> None:
    order = make_order(account, buyer=alias())
    first = make_message(order)
    with pytest.raises(outbox.OrderTaken):
        make_message(order, channel=Channel.REQUEST_REVIEW)
    outbox.cancel([first.pk], reason="test", now=now, frees_order=True)
    make_message(order, channel=Channel.REQUEST_REVIEW)  # what planning took back frees the order


def test_every_step_of_a_life_is_written_down(account: AmazonAccount, now: datetime) -> None:
    message = make_message(make_order(account, buyer=alias()))
    send_due(account, PostOffice(lambda e: Receipt("250 taken")), now)
    with across_sellers("test"):
        steps = list(MessageEvent.objects.filter(message=message).order_by("id").values_list("status", flat=True))
    assert steps == ["scheduled", "sending", "sent"]


@pytest.mark.parametrize(
    ("attempts", "is_repeated", "is_in_doubt"), [(0, False, False), (1, False, True), (0, True, True)]
)
def test_what_may_have_been_tried_before_goes_out_as_in_doubt(
    account: AmazonAccount, now: datetime, attempts: int, is_repeated: bool, is_in_doubt: bool
) -> None:
    order = make_order(account)
    if is_repeated:
        former = make_message(order, channel=Channel.REQUEST_REVIEW, status=Status.CANCELLED, frees_order=True)
        MessageEvent.objects.create(seller_id=former.seller_id, message=former, status=Status.UNKNOWN, at=now)
    make_message(order, channel=Channel.REQUEST_REVIEW, attempts=attempts)
    [parcel] = dispatch.take_up({account.pk: 5}, Channel.REQUEST_REVIEW, now=now)
    assert parcel.envelope.is_in_doubt is is_in_doubt


def test_beside_a_critical_message_each_letter_has_the_answer_about_its_own_buyer(now: datetime) -> None:
    account = make_account(make_seller())
    first = now - timedelta(hours=1)
    critical = make_message(make_order(account, buyer=alias()), due_at=first, purpose=Purpose.CRITICAL)
    opted_out, other = (make_message(make_order(account, buyer=alias()), due_at=now) for _ in range(2))
    suppress(opted_out.order)

    parcels = dispatch.take_up({account.pk: 3}, Channel.BUYER_EMAIL, now=now)

    assert {parcel.id for parcel in parcels} == {critical.pk, other.pk}
    with across_sellers("test"):
        opted_out.refresh_from_db()
    assert opted_out.status == Status.SUPPRESSED
