"""Senders: the address from which letters come, per marketplace."""

import pytest
from django.test import Client

from accounts.models import AccountMarketplace, AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from messaging.models import Channel, Hold, Message, Status
from tests.makers import DE, IT, NOW, make_account, make_message, make_order

MISSING = "no approved sender address is entered for this marketplace"


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller, marketplaces=(IT, DE), sender="")


def place_of(account: AmazonAccount, marketplace_id: str = IT) -> AccountMarketplace:
    with across_sellers("test"):
        return AccountMarketplace.objects.get(account=account, marketplace_id=marketplace_id)


def save(client: Client, place: AccountMarketplace, address: str) -> int:
    return client.post(f"/settings/senders/{place.pk}/", {f"place-{place.pk}-approved_sender": address}).status_code


def status_of(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def test_every_marketplace_is_listed_with_what_is_missing(alice: Client, account: AmazonAccount) -> None:
    page = alice.get("/settings/senders/").content.decode()

    assert "Amazon.it" in page
    assert "Amazon.de" in page
    assert page.count("Missing: no letters") == 2


def test_saving_releases_what_waited_for_this_marketplaces_sender(bob: Client, account: AmazonAccount) -> None:
    waited = make_message(make_order(account, marketplace_id=IT), status=Status.HELD, hold=Hold.SENDER, reason=MISSING)
    elsewhere = make_message(
        make_order(account, marketplace_id=DE), status=Status.HELD, hold=Hold.SENDER, reason=MISSING
    )
    by_hand = make_message(
        make_order(account, marketplace_id=IT), status=Status.HELD, hold=Hold.TEAM, reason="On purpose"
    )
    request = make_message(
        make_order(account, marketplace_id=IT), channel=Channel.REQUEST_REVIEW, status=Status.HELD, hold=Hold.ACCESS
    )

    assert save(bob, place_of(account), "shop@example.com") == 302

    assert place_of(account).approved_sender == "shop@example.com"
    assert status_of(waited) == Status.SCHEDULED
    assert {status_of(message) for message in (elsewhere, by_hand, request)} == {Status.HELD}


def test_a_saved_sender_makes_the_plans_of_its_marketplace_old(bob: Client, account: AmazonAccount) -> None:
    with across_sellers("test"):
        AccountMarketplace.objects.update(changed_at=NOW)
    save(bob, place_of(account), "shop@example.com")

    assert place_of(account).changed_at != NOW
    assert place_of(account, DE).changed_at == NOW


def test_an_address_can_be_taken_out_and_releases_nothing(bob: Client, account: AmazonAccount) -> None:
    waited = make_message(make_order(account, marketplace_id=IT), status=Status.HELD, hold=Hold.SENDER, reason=MISSING)

    assert save(bob, place_of(account), "") == 302
    assert status_of(waited) == Status.HELD


@pytest.mark.parametrize("address", ["no address", "abc123@marketplace.amazon.it"])
def test_a_wrong_address_answers_422_with_the_page(bob: Client, account: AmazonAccount, address: str) -> None:
    assert save(bob, place_of(account), address) == 422
    assert place_of(account).approved_sender == ""


def test_a_viewer_and_another_seller_cannot_save(vera: Client, mallory: Client, account: AmazonAccount) -> None:
    assert save(vera, place_of(account), "x@example.com") == 403
    assert save(mallory, place_of(account), "x@example.com") == 404
    assert place_of(account).approved_sender == ""
