"""What if this campaign were different? One order's answer changes with the form, and nothing is stored."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign, CampaignChange, FollowUp
from campaigns.planning import plan_stale
from messaging.models import Message, Status
from orders.models import Order
from tests.makers import alias, make_account, make_campaigns, make_order, make_seller, suppress


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


@pytest.fixture
def campaign(seller: Seller) -> Campaign:
    found = make_campaigns(seller, status=Campaign.Status.DRAFT)
    return next(one for one in found if one.channel == "request_review")


def ask(client: Client, campaign: Campaign, order: Order, **form: object) -> str:
    response = client.post(f"/campaigns/{campaign.pk}/what-if/{order.pk}/", form)
    assert response.status_code == 200
    return response.content.decode()


def an_order(account: AmazonAccount, *, days: float = 6, **fields: Any) -> Order:
    return make_order(account, delivered_at=timezone.now() - timedelta(days=days), **fields)


def form_of(campaign: Campaign, **changes: object) -> dict[str, object]:
    return {
        "name": campaign.name, "delay_days": 7, "delay_hours": 0, "after": "delivery", "priority": campaign.priority,
        "rules_shown": "1",
    } | changes  # fmt: skip


def test_a_draft_is_asked_as_if_it_were_on(alice: Client, account: AmazonAccount, campaign: Campaign) -> None:
    page = ask(alice, campaign, an_order(account, fulfilled_by=Order.FulfilledBy.AMAZON))
    assert "It would go" in page and "All " in page


def test_the_answer_follows_the_form_and_nothing_is_stored(
    alice: Client, account: AmazonAccount, campaign: Campaign
) -> None:
    order = an_order(account)
    free = ask(alice, campaign, order, **form_of(campaign))
    rule = {"rule": "a", "a-kind": "sku", "a-operator": "is", "a-values": "TENT-9"}
    bound = ask(alice, campaign, order, **form_of(campaign, **rule))
    late = ask(alice, campaign, order, **form_of(campaign, delay_days=20))
    assert "It would go" in free and "It would go" in late and free != late
    assert "It would not go" in bound and "tent-9" in bound.lower()
    with across_sellers("test"):
        assert not FollowUp.objects.exists() and not Message.objects.exists() and not CampaignChange.objects.exists()
        assert Campaign.objects.get(pk=campaign.pk).delay_days == campaign.delay_days


def test_a_form_that_could_not_be_saved_has_no_answer(
    alice: Client, account: AmazonAccount, campaign: Campaign
) -> None:
    assert "cannot be saved" in ask(alice, campaign, an_order(account), **form_of(campaign, delay_days=2))


def test_what_no_campaign_can_switch_off_says_no_here_too(
    alice: Client, account: AmazonAccount, campaign: Campaign
) -> None:
    order = an_order(account, buyer=alias())
    suppress(order)
    assert "It would not go" in ask(alice, campaign, order, **form_of(campaign))


def test_what_has_been_sent_is_changed_by_nothing(alice: Client, account: AmazonAccount, seller: Seller) -> None:
    active = make_campaigns(seller)
    order = an_order(account, replan_at=timezone.now(), buyer=alias())
    with across_sellers("test"):
        plan_stale(now=timezone.now())
        Message.objects.update(status=Status.SENT)
    assert "does not wait any more" in ask(alice, active[0], order)


def test_an_order_and_a_campaign_of_other_sellers_are_not_there(
    alice: Client, account: AmazonAccount, campaign: Campaign
) -> None:
    theirs = make_seller("Mallory's shop")
    order, foreign = an_order(make_account(theirs)), make_campaigns(theirs)[0]
    assert alice.post(f"/campaigns/{campaign.pk}/what-if/{order.pk}/").status_code == 404
    assert alice.post(f"/campaigns/{foreign.pk}/what-if/{an_order(account).pk}/").status_code == 404
    assert order.amazon_order_id not in alice.get(f"/campaigns/{campaign.pk}/?order={order.pk}").content.decode()


def test_the_way_leads_from_an_order_to_the_form_and_back(
    alice: Client, account: AmazonAccount, campaign: Campaign
) -> None:
    order = an_order(account)
    link = f"/campaigns/{campaign.pk}/?order={order.pk}#what-if"
    assert link in alice.get(f"/orders/{order.pk}/").content.decode()
    page = alice.get(link).content.decode()
    assert f"/campaigns/{campaign.pk}/what-if/{order.pk}/" in page and f"/orders/{order.pk}/" in page
