"""The first run: the reading's progress, the dry run beside it, one button, and the opt-out card."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign
from messaging.models import Message
from orders.models import Order, OrderReading
from tests.makers import make_account, make_campaigns, make_order


@pytest.fixture
def draft(seller: Seller) -> Campaign:
    return make_campaigns(seller, status=Campaign.Status.DRAFT)[0]


def test_the_progress_says_how_many_orders_and_back_to_when(bob: Client, seller: Seller, draft: Campaign) -> None:
    account, now = make_account(seller), timezone.now()
    make_order(account, purchased_at=now - timedelta(days=20), fulfilled_by=Order.FulfilledBy.AMAZON)
    with across_sellers("test"):
        OrderReading.objects.create(
            account=account,
            seller=seller,
            next_at=now,
            orders_read=1,
            window_from=now - timedelta(days=40),
            window_at=now - timedelta(days=30),
            window_until=now,
        )
    page = bob.get("/welcome/").content.decode()

    assert 'aria-valuenow="25"' in page  # by the changes that have come, however old the first order was
    assert f"1 order so far, back to {now - timedelta(days=20):%-d %b %Y}" in page
    assert f"changes up to {now - timedelta(days=30):%-d %b %Y} have come" in page
    assert "/welcome/progress/" in page and "so far." in page
    with across_sellers("test"):
        OrderReading.objects.update(last_read_at=now)
    done = bob.get("/welcome/progress/").content.decode()
    assert 'aria-valuenow="100"' in done and 'hx-trigger' not in done


def test_the_dry_run_says_which_orders_it_looked_at_where_more_were_read(
    bob: Client, seller: Seller, draft: Campaign
) -> None:
    account, now = make_account(seller), timezone.now()
    make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    with across_sellers("test"):
        reading = {"seller": seller, "next_at": now, "last_read_at": now, "orders_read": 40}
        OrderReading.objects.update_or_create(account=account, defaults=reading)
    page = bob.get("/welcome/").content.decode()
    assert "40 orders read" in page and "of 1 order would go." in page
    assert "Looked at: the orders of the last 30 days, and older ones whose time is not over." in page


def test_nothing_is_on_before_the_button_and_then_the_card_is_what_is_left(
    bob: Client, seller: Seller, draft: Campaign
) -> None:
    account = make_account(seller)
    make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON)
    with across_sellers("test"):
        OrderReading.objects.update_or_create(account=account, defaults={"seller": seller, "next_at": timezone.now()})
    assert "Turn on" in bob.get("/welcome/").content.decode()
    with across_sellers("test"):
        assert not Message.objects.exists()

    page = bob.post("/welcome/", follow=True).content.decode()
    assert "You are live" in page and "is on" in page
    assert "opt-out notices" in page
    with across_sellers("test"):
        assert Campaign.objects.get(pk=draft.pk).status == Campaign.Status.ACTIVE
    assert bob.get("/welcome/").headers["Location"] == "/settings/"


def test_a_viewer_sees_the_dry_run_and_turns_nothing_on(vera: Client, seller: Seller, draft: Campaign) -> None:
    account = make_account(seller)
    with across_sellers("test"):
        OrderReading.objects.update_or_create(account=account, defaults={"seller": seller, "next_at": timezone.now()})
    assert "Turn on" not in vera.get("/welcome/").content.decode()
    assert vera.post("/welcome/").status_code == 403


def test_without_an_account_the_page_says_how_to_connect_one(bob: Client, draft: Campaign) -> None:
    assert "No Amazon account is connected" in bob.get("/welcome/").content.decode()


def test_right_after_connecting_the_page_waits_for_the_first_reading(
    bob: Client, seller: Seller, draft: Campaign
) -> None:
    account = make_account(seller)
    with across_sellers("test"):
        OrderReading.objects.filter(account=account).delete()
    page = bob.get("/welcome/").content.decode()

    assert "Amazon is being asked for the orders of the last 40 days" in page
    assert "The first orders are on their way." in page and "0 of 0" not in page.replace("</strong>", "")
    assert 'hx-trigger="load delay:2s"' in page
