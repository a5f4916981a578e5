"""What a seller has excluded is not written to: the verbs, and what planning makes of them."""

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from accounts.models import AmazonAccount, Seller
from campaigns import exclusions, planning
from campaigns.exclusions import Aim, Kind, NothingToExclude, aim_at, buyer_of
from campaigns.models import Exclusion, FollowUp
from messaging.models import Message, Status
from optouts import rekeying
from orders.models import Order, OrderItem
from orders.reading import facts_of_many
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_campaigns,
    make_critical_message,
    make_order,
    make_seller,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    account = make_account(make_seller())
    make_campaigns(account.seller)
    return account


@pytest.fixture
def order(account: AmazonAccount) -> Order:
    order = make_order(account, buyer=alias())
    OrderItem.objects.filter(order=order).update(sku="Mug-Green", asin="B0ABCDEF12")
    planning.plan_stale(now=NOW)
    return order


def of(order: Order, kind: Kind) -> Aim:
    words = {Kind.SKU: " mug-green ", Kind.ASIN: "b0abcdef12"}
    return aim_at(order.seller, kind, words.get(kind, order.amazon_order_id))


def status(order: Order) -> list[str]:
    return list(Message.objects.filter(order=order).order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize("kind", list(Kind))
def test_what_waits_is_taken_back_at_once_with_its_reason(order: Order, kind: Kind) -> None:
    assert status(order) == [Status.SCHEDULED]
    [new] = exclusions.exclude(order.seller, [of(order, kind)], by=make_user(), now=NOW)
    assert new.kind is kind
    message = Message.objects.get(order=order)
    assert message.status == Status.CANCELLED and message.reason.startswith("your team has excluded")
    planning.plan_stale(now=NOW)
    failed = [c for f in FollowUp.objects.filter(order=order) for c in f.checks if c["reason"].startswith("Your team")]
    assert len(failed) == 2 and not any(check["passed"] for check in failed)
    assert status(order) == [Status.CANCELLED]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_lifted_is_planned_again(order: Order, kind: Kind) -> None:
    exclusions.exclude(order.seller, [of(order, kind)], by=None, now=NOW)
    planning.plan_stale(now=NOW)
    row = Exclusion.objects.get()
    later = NOW + timedelta(minutes=1)
    assert exclusions.lift(order.seller, [row.pk], by=None, now=later) == [row]
    assert exclusions.lift(order.seller, [row.pk], by=None, now=later) == []
    planning.plan_stale(now=later)
    assert status(order) == [Status.CANCELLED, Status.SCHEDULED]


def test_what_a_person_has_written_about_an_excluded_order_still_goes(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    written = make_critical_message(order)
    aims = [of(order, Kind.ORDER)]
    assert exclusions.waiting_for(order.seller, aims) == 0
    exclusions.exclude(order.seller, aims, by=None, now=NOW)
    written.refresh_from_db()
    assert written.status == Status.SCHEDULED


def test_excluding_twice_is_excluding_once(order: Order) -> None:
    aim = of(order, Kind.SKU)
    assert exclusions.exclude(order.seller, [aim, aim], by=None, now=NOW) == [aim]
    assert exclusions.exclude(order.seller, [aim], by=None, now=NOW) == []
    assert Exclusion.objects.count() == 1


def test_a_buyer_is_excluded_with_all_his_orders_to_come(account: AmazonAccount) -> None:
    buyer = alias()
    first = make_order(account, buyer=buyer)
    exclusions.exclude(account.seller, [buyer_of(first)], by=None, now=NOW)
    second, stranger = make_order(account, buyer=buyer), make_order(account, buyer=alias())
    planning.plan_stale(now=NOW)
    assert (status(first), status(second), status(stranger)) == ([], [], [Status.SCHEDULED])


def test_another_seller_is_not_concerned(order: Order) -> None:
    other = make_account(make_seller("Mallory's shop"))
    make_campaigns(other.seller)
    exclusions.exclude(other.seller, [of(order, Kind.SKU), of(order, Kind.BUYER)], by=None, now=NOW)
    Order.objects.update(replan_at=NOW)
    planning.plan_stale(now=NOW)
    assert status(order) == [Status.SCHEDULED]
    row = Exclusion.objects.first()
    assert row and exclusions.lift(order.seller, [row.pk], by=None, now=NOW) == []


def test_what_is_in_a_gateways_hands_is_looked_at_again(order: Order) -> None:
    Message.objects.filter(order=order).update(status=Status.CLAIMED)
    exclusions.exclude(order.seller, [of(order, Kind.ORDER)], by=None, now=NOW)
    planning.plan_stale(now=NOW)
    Message.objects.filter(order=order).update(status=Status.SCHEDULED)  # it came back
    planning.plan_stale(now=NOW + timedelta(minutes=1))
    assert status(order) == [Status.CANCELLED]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.ORDER, "12-34"),
        (Kind.ASIN, "not an asin"),
        (Kind.SKU, ""),
        (Kind.SKU, "nul\x00byte"),
        (Kind.SKU, "x" * 121),
        (Kind.BUYER, "111-9999999-9999999"),
    ],
)
def test_what_names_nothing_is_refused_in_words(kind: Kind, words: str) -> None:
    with pytest.raises(NothingToExclude, match=r"\w+"):
        aim_at(make_seller(), kind, words)


def test_a_buyer_without_an_address_cannot_be_told_from_others(account: AmazonAccount) -> None:
    with pytest.raises(NothingToExclude, match="Exclude the order itself"):
        buyer_of(make_order(account))


def test_a_strangers_order_names_no_buyer(order: Order) -> None:
    mallory: Seller = make_seller("Mallory's shop")
    with pytest.raises(NothingToExclude):
        aim_at(mallory, Kind.BUYER, order.amazon_order_id)


def test_ten_thousand_lines_are_excluded_in_a_few_statements(
    account: AmazonAccount, order: Order, django_assert_max_num_queries: object, now: datetime
) -> None:
    aims = [Aim(Kind.SKU, f"sku-{n}", f"SKU-{n}") for n in range(10_000)] + [of(order, Kind.SKU)]
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        assert len(exclusions.exclude(account.seller, aims, by=None, now=now)) == 10_001
    assert status(order) == [Status.CANCELLED]


def test_an_excluded_buyer_stays_excluded_when_the_secret_of_the_list_changes(
    order: Order, account: AmazonAccount, settings: Settings
) -> None:
    exclusions.exclude(order.seller, [of(order, Kind.BUYER)], by=None, now=NOW)
    settings.FORMER_LOOKUP_SECRETS = {settings.LOOKUP_VERSION: settings.LOOKUP_SECRET}
    settings.LOOKUP_SECRET, settings.LOOKUP_VERSION = bytes(range(32)), settings.LOOKUP_VERSION + 1
    assert order.alias is not None
    between = make_order(account, buyer=order.alias)
    assert between.pk in exclusions.excluded_among(order.seller_id, [between], facts_of_many([between]))

    rekeying.rekey(now=NOW)
    settings.FORMER_LOOKUP_SECRETS = {}
    later = make_order(account, buyer=order.alias)
    for each in (order, between, later):
        each.refresh_from_db()
        assert each.pk in exclusions.excluded_among(order.seller_id, [each], facts_of_many([each]))
