"""Settings: Amazon has stopped an account's mail, and an owner says that it may go on."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import lifecycle
from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from tests.makers import NOW, make_account

TEXT = "Your account was <b>restricted</b> from sending proactive messages."


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    account = make_account(seller)
    with across_sellers("test"):
        lifecycle.restrict(seller.pk, None, text=TEXT, dated=NOW, now=NOW)
    return account


def is_open(account: AmazonAccount) -> bool:
    with across_sellers("test"):
        return AmazonAccount.objects.get(pk=account.pk).restricted_at is None


def test_the_seller_reads_what_amazon_wrote_and_an_owner_opens_it_again(alice: Client, account: AmazonAccount) -> None:
    page = alice.get("/settings/").content.decode()
    assert "was &lt;b&gt;restricted&lt;/b&gt;" in page and "send again" in page
    assert alice.post(f"/amazon/{account.pk}/reopen/").status_code == 302
    assert is_open(account)
    assert "Amazon wrote" not in alice.get("/settings/").content.decode()


def test_a_manager_sees_it_and_may_not_open_it(bob: Client, account: AmazonAccount) -> None:
    page = bob.get("/settings/").content.decode()
    assert "Amazon wrote" in page and "send again" not in page
    assert bob.post(f"/amazon/{account.pk}/reopen/").status_code == 403
    assert not is_open(account)


def test_another_seller_cannot_open_it(mallory: Client, account: AmazonAccount) -> None:
    assert mallory.post(f"/amazon/{account.pk}/reopen/").status_code == 404
    assert not is_open(account)


def test_the_notice_that_an_owner_has_dealt_with_does_not_close_the_account_again(
    seller: Seller, account: AmazonAccount
) -> None:
    with across_sellers("test"):
        later = NOW + timedelta(hours=1)
        assert lifecycle.reopen(seller, account.pk, now=later)
        assert lifecycle.restrict(seller.pk, None, text=TEXT, dated=NOW, now=later) == 0
        assert lifecycle.restrict(seller.pk, None, text=TEXT, dated=later + timedelta(hours=1), now=later) == 1
