"""What an order brings into a letter is looked at before anybody takes the order: by planning, "Why?" and rehearsal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import AccountMarketplace, AmazonAccount
from campaigns.eligibility import letters
from campaigns.eligibility.letters import broken_rule
from campaigns.explaining import explain
from campaigns.models import Campaign, FollowUp
from campaigns.planning import plan_stale
from campaigns.rehearsal import rehearse
from campaigns.rendering import Source
from messaging.models import Channel, Message
from orders.facts import ItemFacts
from tests.campaigns.test_eligibility import FACTS
from tests.makers import NOW, alias, make_account, make_campaigns, make_order, make_seller

LETTER = Source("Your order {{ order_id }}", "How do you like {{ product_title }}? Write to {{ store_name }} if not.")
BRIBE = "Leave a 5-star review and get a free gift card"


def broken(title: str, *, store: str = "Lakeside", source: Source = LETTER, language: str = "en") -> str | None:
    items = (ItemFacts(sku="MUG-1", asin="B0TESTASIN", title=title, quantity=1),)
    return broken_rule(source, language, replace(FACTS, items=items), store)


@pytest.mark.parametrize(
    "title",
    ["Enamel mug, 350 ml", "キャンプ用マグカップ", "x" * 2000, "", "<img src=x onerror=alert(1)> Mug"],
)
def test_an_ordinary_title_says_nothing_that_is_forbidden(title: str) -> None:
    assert broken(title) is None


@pytest.mark.parametrize("title", [BRIBE, "Mug. Please give us a positive review!"])
def test_a_title_that_says_what_no_letter_may_say_is_named_with_its_words(title: str) -> None:
    found = broken(title)
    assert found is not None and "“" in found


def test_a_shop_whose_name_is_an_address_cannot_be_named_in_a_letter() -> None:
    assert broken("Mug", store="best-mugs.com") is not None
    assert broken("Mug", store="best-mugs.com", source=Source("{{ order_id }}", "How do you like the mug?")) is None


def test_a_title_that_the_letter_does_not_name_does_not_matter() -> None:
    assert broken(BRIBE, source=Source("Your order {{ order_id }}", "How do you like what you bought?")) is None


def test_of_very_many_skus_a_letter_that_names_none_is_looked_at_once() -> None:
    source = Source("Your order {{ order_id }}", "How do you like {{ product_title_short }} of ours?")
    before = letters._broken_rule.cache_info().misses
    for number in range(50):
        items = (ItemFacts(sku=f"MUG-{number}", asin=f"B0TESTA{number:03d}", title="Enamel mug", quantity=1),)
        assert broken_rule(source, "en", replace(FACTS, items=items), f"Shop {number}") is None
    assert letters._broken_rule.cache_info().misses == before + 1


def test_an_unknown_placeholder_is_named() -> None:
    found = broken("Mug", source=Source("{{ order_id }}", "Dear {{ buyer_name }}"))
    assert found is not None and "buyer_name" in found


# --- Together ---

@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.mark.usefixtures("all_sellers")
def test_the_next_campaign_takes_an_order_whose_letter_would_break_a_rule(account: AmazonAccount) -> None:
    campaigns = make_campaigns(account.seller)
    letters = next(one for one in campaigns if one.channel == Channel.BUYER_EMAIL)
    assert letters.templates.filter(body__contains="product_title").exists()
    Campaign.objects.filter(pk=letters.pk).update(priority=1)
    recent = NOW - timedelta(days=6)
    good = make_order(account, buyer=alias(), delivered_at=recent, replan_at=NOW)
    bad = make_order(account, buyer=alias(), delivered_at=recent, replan_at=NOW, title=BRIBE)
    plan_stale(now=NOW)

    channels = dict(Message.objects.values_list("order_id", "channel"))
    assert channels == {good.pk: Channel.BUYER_EMAIL, bad.pk: Channel.REQUEST_REVIEW}
    refused = FollowUp.objects.get(order=bad, campaign=letters)
    [check] = [check for check in refused.checks if not check["passed"]]
    assert check["reason"] == "Its letter keeps Amazon's text rules" and "5-star" in check["actual"]

    [said] = [one for one in explain(bad, now=NOW) if one.campaign.pk == letters.pk]
    assert [one for one in said.checks if not one["passed"]] == [check]
    letters.refresh_from_db()
    assert {reason.value: count for reason, count in rehearse(letters, now=NOW).would_not.items()} == {
        check["reason"]: 1
    }


@pytest.mark.usefixtures("all_sellers")
def test_what_waits_is_taken_back_when_its_words_turn_bad(account: AmazonAccount) -> None:
    letters = next(one for one in make_campaigns(account.seller) if one.channel == Channel.BUYER_EMAIL)
    Campaign.objects.filter(seller=account.seller).exclude(pk=letters.pk).update(status=Campaign.Status.DRAFT)
    letters.templates.update(body="How do you like it? Write to {{ store_name }} if not. {{ order_id }}")
    order = make_order(account, buyer=alias(), replan_at=NOW)
    plan_stale(now=NOW)
    assert Message.objects.get().status == "scheduled"
    AccountMarketplace.objects.filter(account=account).update(store_name="best-mugs.com")
    type(order).objects.update(replan_at=NOW)
    plan_stale(now=NOW)
    assert Message.objects.get().status == "cancelled"
