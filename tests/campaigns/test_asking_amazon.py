"""What a rule asks for and Amazon tells on demand only is asked for: the buyer's language, and the country."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AmazonAccount
from campaigns import countries, lifecycle, planning, starting
from campaigns.eligibility.conditions import Operator, RuleKind
from campaigns.lifecycle import RuleWish, Wishes
from campaigns.models import Campaign
from messaging.models import Message
from orders import languages, reports, sync
from orders.models import AmazonReport, Order
from tests.amazon.harness import Amazon, Json
from tests.makers import DE, IT, make_campaigns, make_connected_account, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    simulated_amazon.do("reports", seconds=0)
    return simulated_amazon.account(marketplace_ids=[IT, DE])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    account = make_connected_account(make_seller(), theirs)
    make_campaigns(account.seller, status=Campaign.Status.PAUSED)
    return account


def with_rule(account: AmazonAccount, now: datetime, *rules: RuleWish) -> Campaign:
    """The request alone is on, with these rules."""
    request = Campaign.objects.get(seller=account.seller, name=starting.REVIEW_REQUEST)
    lifecycle.change(request, replace(Wishes.of(request), rules=rules), now=now)
    lifecycle.activate(request, now=now)
    return request


def read_orders(account: AmazonAccount, now: datetime) -> Order:
    sync.accounts_to_read(now=now)
    sync.read_account(account.pk, every=timedelta(minutes=3), now=now)
    planning.plan_stale(now=now)
    return Order.objects.get()


def work_on_reports(now: datetime) -> None:
    for hour in range(6):
        for pk in reports.due(now=now + timedelta(hours=hour)):
            reports.work_on(pk, now=now + timedelta(hours=hour))


@pytest.mark.parametrize(("language", "messages"), [("de-DE", 1), ("it-IT", 0)])
def test_a_rule_about_the_buyers_language_has_it_asked_for(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, language: str, messages: int
) -> None:
    with_rule(account, now, RuleWish(RuleKind.LANGUAGE, Operator.IS, ("de",)))
    simulated_amazon.order(theirs, buyer={"locale": language})
    order = read_orders(account, now)
    assert order.language_due_at is not None and not Message.objects.exists()
    later = max(now, order.language_due_at)
    assert languages.ask(account.pk, now=later) == 1
    planning.plan_stale(now=later)
    assert Message.objects.count() == messages


def test_nobody_asks_for_the_language_of_an_order_that_would_not_go_anyway(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    of_amazon = RuleWish(RuleKind.FULFILLED_BY, Operator.IS, ("amazon",))
    with_rule(account, now, RuleWish(RuleKind.LANGUAGE, Operator.IS, ("de",)), of_amazon)
    simulated_amazon.order(theirs)
    assert read_orders(account, now).language_due_at is None


def test_a_rule_about_the_country_has_it_told_by_a_report(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    assert countries.want_countries(now=now) == 0  # nobody asks
    with_rule(account, now, RuleWish(RuleKind.COUNTRY, Operator.IS, ("IT",)))
    read_orders(account, now)
    assert not Message.objects.exists()
    assert (countries.want_countries(now=now), countries.want_countries(now=now)) == (1, 0)
    work_on_reports(now)
    planning.plan_stale(now=now + timedelta(hours=6))
    assert Order.objects.get().destination_country == "IT" and Message.objects.count() == 1


def test_the_reports_for_countries_follow_each_other_without_a_gap_once_a_day(
    account: AmazonAccount, now: datetime
) -> None:
    request = with_rule(account, now, RuleWish(RuleKind.DOMESTIC, Operator.IS))
    assert countries.want_countries(now=now) == 1
    AmazonReport.objects.update(state=AmazonReport.State.STORED)
    assert countries.want_countries(now=now + timedelta(hours=23)) == 0
    # Polling has asked for one of its own, which leaves a gap.
    alone = {"account": account, "seller": account.seller, "kind": "orders", "state": "stored"}
    span = {"data_from": now + timedelta(hours=20), "data_until": now + timedelta(hours=22)}
    AmazonReport.objects.create(**alone, **span, wanted_at=now, due_at=now)
    tomorrow = now + timedelta(hours=25)
    assert countries.want_countries(now=tomorrow) == 1
    report = AmazonReport.objects.latest("pk")
    assert (report.data_from, report.data_until) == (now - countries.OVERLAP, tomorrow)
    AmazonReport.objects.filter(pk=report.pk).update(state=AmazonReport.State.FAILED)
    assert countries.want_countries(now=tomorrow + timedelta(hours=2)) == 0  # not again the same day
    lifecycle.archive(request, now=now)
    assert countries.want_countries(now=tomorrow + timedelta(days=2)) == 0
