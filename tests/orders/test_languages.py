"""The buyer's language: asked for when a letter is coming, once, within the quota."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.authorised import name_in_quotas, quotas
from accounts.health import Ability, health
from accounts.lifecycle import connect_account
from accounts.models import AmazonAccount
from amazon.marketplaces import Region
from amazon.operations import Operation
from messaging.models import Channel
from orders import languages
from orders.models import Order
from orders.reading import facts_of
from tests.amazon.harness import Amazon, Json
from tests.makers import IT, NOW, make_connected_account, make_message, make_order, make_seller

pytestmark = pytest.mark.usefixtures("all_sellers")


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account(marketplace_ids=[IT])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def ordered(simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, **buyer: str) -> Order:
    """An order there and here."""
    placed = simulated_amazon.order(theirs, buyer=buyer)
    return make_order(account, amazon_order_id=placed["order_id"], marketplace_id=IT, replan_at=None)


def test_the_language_is_asked_for_two_days_before_the_letter_and_planned_with(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    order = ordered(simulated_amazon, theirs, account, locale="de-DE")
    assert languages.want({order.pk: now + timedelta(days=3)}) == 1
    assert languages.accounts_to_ask(now=now) == []
    tomorrow = now + timedelta(days=1)
    assert languages.accounts_to_ask(now=tomorrow) == [account.pk]
    assert languages.ask(account.pk, now=tomorrow) == 1
    order.refresh_from_db()
    assert facts_of(order).language == "de-DE" and order.replan_at == tomorrow
    assert languages.want({order.pk: now}) == 0 and languages.accounts_to_ask(now=tomorrow) == []


def test_what_amazon_does_not_say_is_not_asked_again(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    order = make_order(account, marketplace_id=IT)  # Amazon knows no such order: a plain "no"
    languages.want({order.pk: now})
    assert languages.ask(account.pk, now=now) == 1
    assert languages.want({order.pk: now}) == 0
    order.refresh_from_db()
    assert order.language == "" and order.is_language_asked


def test_the_quota_is_kept(simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime) -> None:
    orders = [ordered(simulated_amazon, theirs, account) for _ in range(4)]
    languages.want({order.pk: now for order in orders})
    quotas().take(name_in_quotas(account.pk), Operation.BUYER_ATTRIBUTES, n=3)
    assert languages.ask(account.pk, now=now) == 2
    assert Order.objects.filter(language_due_at__gt=now).count() == 2


def test_a_letter_that_is_scheduled_wants_the_language_and_a_review_request_does_not(
    simulated_amazon: Amazon, account: AmazonAccount
) -> None:
    written, requested = make_order(account), make_order(account)
    make_message(written)
    make_message(requested, channel=Channel.REQUEST_REVIEW)
    written.refresh_from_db()
    requested.refresh_from_db()
    assert written.language_due_at == NOW - languages.BEFORE and requested.language_due_at is None


def test_a_missing_role_ends_the_asking_until_the_account_is_connected_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    orders = [ordered(simulated_amazon, theirs, account, locale="it-IT") for _ in range(2)]
    languages.want({order.pk: now for order in orders})
    simulated_amazon.fault("GetAttributes", "denied")
    assert languages.ask(account.pk, now=now) == 0
    assert [denial.ability for denial in account.denials.all()] == [Ability.BUYER_LANGUAGE]
    assert "Buyer Communication" in health(now, [Ability.BUYER_LANGUAGE], now=now).missing[0]

    tomorrow = now + timedelta(days=1)
    assert languages.accounts_to_ask(now=tomorrow) == [] and languages.ask(account.pk, now=tomorrow) == 0
    assert len(simulated_amazon.calls("GetAttributes")) == 1
    connect_account(
        account.seller,
        region=Region.EU,
        selling_partner_id=theirs["selling_partner_id"],
        refresh_token=theirs["refresh_token"],
        stores=[(IT, "Shop")],
        now=tomorrow,
    )
    assert languages.accounts_to_ask(now=tomorrow) == [account.pk] and languages.ask(account.pk, now=tomorrow) == 2
    assert list(Order.objects.values_list("language", flat=True)) == ["it-IT", "it-IT"]


@pytest.mark.parametrize("fault", ["html503", "cut", "cut_after", "forbidden", "throttle"])
def test_trouble_leaves_the_question_for_later(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, fault: str
) -> None:
    order = ordered(simulated_amazon, theirs, account, locale="it-IT")
    languages.want({order.pk: now})
    simulated_amazon.fault("GetAttributes", fault)
    assert languages.ask(account.pk, now=now) == 0
    quotas()._redis.flushdb()
    assert languages.ask(account.pk, now=now + languages.AFTER_TROUBLE) == 1
    order.refresh_from_db()
    assert order.language == "it-IT"
