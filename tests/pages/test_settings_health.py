"""Settings: how an account's authorisation stands, which marketplaces are in use, and how one leaves."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import lifecycle
from accounts.health import Ability
from accounts.models import AccountMarketplace, AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from amazon.errors import mark_of
from orders.models import Order, OrderReading
from tests.makers import DE, IT, NOW, alias, make_account, make_message, make_order


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller, marketplaces=(IT, DE), authorised_at=timezone.now())


def page(client: Client) -> str:
    return client.get("/settings/").content.decode()


def test_the_end_of_an_authorisation_is_announced(alice: Client, account: AmazonAccount) -> None:
    assert "Amazon&#x27;s authorisation ends" not in page(alice)
    with across_sellers("test"):
        AmazonAccount.objects.update(authorised_at=timezone.now() - timedelta(days=355, hours=-1))

    assert "authorisation ends in 10 days" in page(alice)


def test_a_missing_role_is_named_until_the_account_is_connected_again(alice: Client, account: AmazonAccount) -> None:
    with across_sellers("test"):
        lifecycle.mark_denied(account.pk, Ability.REQUEST_REVIEWS, now=NOW)
        lifecycle.mark_denied(account.pk, Ability.REQUEST_REVIEWS, now=NOW)

    assert "The role “Buyer Solicitation” is missing" in page(alice)
    with across_sellers("test"):
        lifecycle.mark_allowed(account.pk, Ability.REQUEST_REVIEWS)
    assert "Buyer Solicitation" not in page(alice)


def test_an_authorisation_that_is_gone_lacks_no_role(alice: Client, account: AmazonAccount) -> None:
    with across_sellers("test"):
        lifecycle.mark_denied(account.pk, Ability.READ_ORDERS, now=NOW)  # the first sign that it has been taken back
        lifecycle.mark_revoked(account.pk, mark_of(account.refresh_token))
        lifecycle.mark_denied(account.pk, Ability.REQUEST_REVIEWS, now=NOW)  # an answer that was under way

    shown = page(alice)
    assert "Authorisation lost: connect again" in shown and "is missing" not in shown


@pytest.mark.parametrize(
    ("fields", "is_offered"),
    [
        ({}, False),
        ({"status": AmazonAccount.Status.REVOKED}, True),
        ({"status": AmazonAccount.Status.DISCONNECTED, "disconnected_at": NOW}, True),
        ({"authorised_at": timezone.now() - timedelta(days=355)}, True),
    ],
)
def test_an_account_that_should_be_connected_again_offers_it_where_it_stands(
    alice: Client, bob: Client, account: AmazonAccount, fields: dict[str, object], is_offered: bool
) -> None:
    with across_sellers("test"):
        AmazonAccount.objects.update(**fields)
        account.marketplaces.filter(marketplace_id=IT).update(is_used=False)

    offered = re.findall(r'name="marketplace" value="(\w+)">.*?Connect again', page(alice))
    assert offered == ([DE] if is_offered else [])
    assert "Connect again<" not in page(bob)
    if is_offered:
        assert "Continue to Amazon.de" in alice.post("/amazon/connect/", {"marketplace": offered[0]}).content.decode()


def test_the_page_says_when_personal_data_go_with_a_lost_authorisation(alice: Client, account: AmazonAccount) -> None:
    with across_sellers("test"):
        AmazonAccount.objects.update(status=AmazonAccount.Status.REVOKED)
    assert "After four weeks without an authorisation, its personal data are erased" in page(alice)
    with across_sellers("test"):
        AmazonAccount.objects.update(erased_at=NOW)
    assert f"Its personal data were erased on {NOW:%-d %b %Y}" in page(alice)


def test_a_disconnected_account_lacks_no_role(alice: Client, account: AmazonAccount) -> None:
    with across_sellers("test"):
        lifecycle.mark_denied(account.pk, Ability.READ_ORDERS, now=NOW)
        lifecycle.disconnect(account, now=NOW)
    assert "is missing" not in page(alice)


def test_a_marketplace_is_taken_out_of_use_and_into_it_again(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, marketplace_id=DE, replan_at=None, purchased_at=timezone.now())
    with across_sellers("test"):
        place = AccountMarketplace.objects.get(account=account, marketplace_id=DE)
        OrderReading.objects.create(seller_id=account.seller_id, account=account, read_until=NOW, next_at=NOW)

    bob.post(f"/settings/marketplaces/{place.pk}/use/", {"use": "no"})
    with across_sellers("test"):
        place.refresh_from_db()
        assert not place.is_used
        assert Order.objects.get(pk=order.pk).replan_at is not None
        assert OrderReading.objects.get().read_until == NOW

    bob.post(f"/settings/marketplaces/{place.pk}/use/", {"use": "yes"})
    with across_sellers("test"):
        place.refresh_from_db()
        assert place.is_used
        assert OrderReading.objects.get().read_until is None


def test_disconnecting_says_first_what_it_touches(alice: Client, account: AmazonAccount) -> None:
    make_message(make_order(account, marketplace_id=DE, buyer=alias()))
    address = f"/amazon/{account.pk}/disconnect/"

    shown = alice.get(address).content.decode()

    assert "1 waiting message is held" in shown
    assert "1 buyer address at Amazon is erased" in shown
    with across_sellers("test"):
        assert AmazonAccount.objects.get().status == AmazonAccount.Status.CONNECTED
    assert "is disconnected" in alice.post(address, follow=True).content.decode()
    with across_sellers("test"):
        assert AmazonAccount.objects.get().status == AmazonAccount.Status.DISCONNECTED


def test_only_an_owner_disconnects(bob: Client, account: AmazonAccount) -> None:
    assert bob.post(f"/amazon/{account.pk}/disconnect/").status_code == 403
