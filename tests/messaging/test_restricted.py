"""Amazon has stopped the mail of an account, or does not know its sender: letters wait, requests go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts import lifecycle
from accounts.models import AccountMarketplace, AmazonAccount
from messaging import dispatch, outbox
from messaging.models import Channel, Hold, Message, Status
from messaging.senders import save_sender
from optouts import intake
from optouts.addresses import full_address
from optouts.models import Notice
from tests.makers import IT, alias, make_account, make_address, make_message, make_order, make_seller
from tests.messaging.post_office import PostOffice, at_once
from tests.notices.builder import AMAZON, EVIL, GOOGLE, ITALIAN, NOW, FakeDns
from tests.notices.sealing import Sealer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
RESTRICTED = "Your account was temporarily restricted from sending proactive messages until 1 October."


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


def a_message(account: AmazonAccount, channel: Channel = Channel.BUYER_EMAIL) -> Message:
    return make_message(make_order(account, buyer=alias(), marketplace_id=IT), channel=channel, due_at=NOW)


def send(account: AmazonAccount) -> PostOffice:
    office = PostOffice()
    doors = {Channel.BUYER_EMAIL: office, Channel.REQUEST_REVIEW: office}
    dispatch.send_due(account.pk, gateways=doors, take=at_once, clock=lambda: NOW)
    return office


def state(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.hold


def take_in(account: AmazonAccount, *, signed: bool = True, is_sealed: bool = False) -> Notice:
    address = make_address(account.seller)
    mail = replace(
        ITALIAN, to=full_address(address), subject="Your account", body=f"<p>{RESTRICTED}</p>", message_id="<r@amazon>"
    )
    raw = AMAZON.sign(mail.build()) if signed else EVIL.sign(mail.build())
    if is_sealed:
        raw = Sealer(GOOGLE).seal(raw.replace(b"Your account was", b"[EXTERNAL] Your account was"))
    notice_id = intake.receive(address, raw, now=NOW)
    intake.process(notice_id, resolver=FakeDns(), now=NOW)
    account.refresh_from_db()
    return Notice.objects.get(pk=notice_id)


def test_a_proved_notice_stops_the_letters_at_once_and_keeps_the_requests(account: AmazonAccount) -> None:
    letter, request = a_message(account), a_message(account, Channel.REQUEST_REVIEW)
    notice = take_in(account)
    assert (notice.kind, notice.status) == ("restricted", Notice.Status.APPLIED)
    assert account.restricted_at == NOW and RESTRICTED in account.restriction_text

    send(account)

    assert state(letter) == (Status.HELD, Hold.RESTRICTED)
    assert state(request)[0] == Status.SENT


def test_a_notice_that_a_trusted_forwarder_seals_stops_the_letters_too(account: AmazonAccount) -> None:
    """Microsoft 365 breaks Amazon's signature and seals that it was good: most such sellers have no other way."""
    notice = take_in(account, is_sealed=True)
    assert (notice.kind, notice.grade, notice.status) == ("restricted", "B", Notice.Status.APPLIED)
    assert account.restricted_at == NOW


def test_an_unproved_notice_stops_nothing(account: AmazonAccount) -> None:
    assert take_in(account, signed=False).status == Notice.Status.QUARANTINED
    assert account.restricted_at is None


def test_when_an_owner_opens_the_account_again_the_letters_go_on(account: AmazonAccount) -> None:
    letter = a_message(account)
    notice = take_in(account)
    send(account)
    assert outbox.release_mended(now=NOW) == 0
    lifecycle.reopen(account.seller, account.pk, now=NOW + timedelta(hours=1))
    Notice.objects.update(look_at=NOW)
    intake.process(notice.pk, resolver=FakeDns(), now=NOW)  # the same notice read again
    assert outbox.release_mended(now=NOW) == 1
    send(account)
    assert state(letter)[0] == Status.SENT


def test_other_sellers_accounts_stay_open(account: AmazonAccount) -> None:
    other = make_account(make_seller("Mallory's shop"), marketplaces=(IT,))
    take_in(account)
    other.refresh_from_db()
    assert other.restricted_at is None


def test_a_refused_sender_holds_the_letters_until_it_is_saved_anew(account: AmazonAccount) -> None:
    place = account.marketplaces.get()
    AccountMarketplace.objects.update(changed_at=NOW - timedelta(days=2))
    letter = a_message(account)
    assert lifecycle.refuse_sender(account.seller_id, IT, dated=NOW - timedelta(days=1)) == 1
    assert lifecycle.refuse_sender(account.seller_id, IT, dated=NOW - timedelta(days=1)) == 0
    send(account)
    assert state(letter) == (Status.HELD, Hold.SENDER)
    place.refresh_from_db()
    assert save_sender(place, "shop@example.com", now=NOW) == 1
    assert lifecycle.refuse_sender(account.seller_id, IT, dated=NOW - timedelta(days=1)) == 0  # from before
    send(account)
    assert state(letter)[0] == Status.SENT
