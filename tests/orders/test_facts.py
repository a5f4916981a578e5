"""What rules are told of orders: everything that the rows hold, in a constant number of queries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AmazonAccount
from orders import sync
from orders.facts import ItemFacts, OrderFacts
from orders.models import Order, OrderReading
from orders.reading import MOST_EARLIER_ORDERS, facts_of, facts_of_many
from tests.makers import IT, NOW, alias, make_account, make_order, make_seller
from tests.orders.amazon_json import ORDER, a_page, an_item, an_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


def told(account: AmazonAccount, *orders: Any) -> OrderFacts:
    """What is known of the first order after these readings of it, each a page of its own."""
    reading = OrderReading.objects.create(account=account, seller_id=account.seller_id, next_at=NOW)
    for order in orders:
        sync.store_page(reading, a_page(order), now=NOW)
    return facts_of(Order.objects.get(amazon_order_id=ORDER))


def packed(*statuses: str, shipped: str = "2026-10-26T08:00:00Z") -> dict[str, Any]:
    return {"packages": [{"packageStatus": {"status": status}, "shipTime": shipped} for status in statuses]}


def test_what_amazon_tells_of_an_order_reaches_the_rules(account: AmazonAccount) -> None:
    fulfilment = an_order()["fulfillment"] | {"shipByWindow": {"latestDateTime": "2026-10-26T22:00:00Z"}}
    item = an_item(promotion={"breakdowns": [{"promotionId": "SPRING"}]}, quantityOrdered=2)
    item["product"]["condition"] = {"conditionType": "USED", "conditionSubtype": "VERY_GOOD"}
    facts = told(account, an_order(orderItems=[item], fulfillment=fulfilment) | packed("DELIVERED"))
    assert facts.items == (
        ItemFacts(
            sku="LAMP-1",
            asin="B000000001",
            title="Lampada",
            quantity=2,
            unit_price=Decimal("49.99"),
            currency="EUR",
            condition="used",
            is_gift=True,
        ),
    )
    assert (facts.total, facts.currency, facts.is_promotion_used) == (Decimal("49.99"), "EUR", True)
    assert facts.ship_by_latest == datetime(2026, 10, 26, 22, tzinfo=UTC)
    assert facts.shipped_at == datetime(2026, 10, 26, 8, tzinfo=UTC) and facts.is_shipped_late is False
    assert facts.programs == {"PRIME"}
    assert (facts.returned_at, facts.refunded_at, facts.feedback_rating) == (None, None, None)
    assert (facts.language, facts.destination_country) == ("", "")


def test_promotions_are_not_known_while_the_order_is_pending(account: AmazonAccount) -> None:
    assert told(account, an_order(fulfillment={"fulfillmentStatus": "PENDING"})).is_promotion_used is None


def test_an_order_without_promotions_has_used_none(account: AmazonAccount) -> None:
    assert told(account, an_order()).is_promotion_used is False


def test_an_order_is_shipped_when_its_last_package_is(account: AmazonAccount) -> None:
    order = an_order()
    order["packages"] = (
        packed("SHIPPED")["packages"]
        + packed("SHIPPED", shipped="2026-10-27T08:00:00Z")["packages"]
        + packed("CANCELLED", shipped="2026-10-29T08:00:00Z")["packages"]
    )
    assert told(account, order).shipped_at == datetime(2026, 10, 27, 8, tzinfo=UTC)


def test_as_long_as_a_package_is_without_a_time_the_order_is_not_shipped(account: AmazonAccount) -> None:
    order = an_order()
    order["packages"] = [*packed("SHIPPED")["packages"], {"packageStatus": {"status": "PENDING"}}]
    assert told(account, order).shipped_at is None


ON_TIME, TOO_LATE, LATER_STILL = "2026-10-30T09:00:00Z", "2026-10-31T09:00:00Z", "2026-11-02T09:00:00Z"


@pytest.mark.parametrize(
    ("readings", "is_late"),
    [
        ([("IN_TRANSIT", ON_TIME)], None),
        ([("DELIVERED", ON_TIME)], False),
        ([("IN_TRANSIT", TOO_LATE)], True),
        ([("DELIVERED", TOO_LATE)], None),  # the first that we hear of it: any day before is possible
        ([("IN_TRANSIT", ON_TIME), ("DELIVERED", TOO_LATE)], True),
        ([("DELIVERED", ON_TIME), ("DELIVERED", TOO_LATE)], False),
        ([("IN_TRANSIT", TOO_LATE), ("DELIVERED", LATER_STILL)], True),
        ([("DELIVERED", TOO_LATE), ("DELIVERED", LATER_STILL)], None),
    ],
)
def test_a_broken_promise_is_known_as_far_as_packages_tell(
    account: AmazonAccount, readings: list[tuple[str, str]], is_late: bool | None
) -> None:
    orders = [an_order(lastUpdatedTime=at) | packed(status) for status, at in readings]
    assert told(account, *orders).is_delivered_late is is_late


def test_without_packages_nobody_knows_whether_a_promise_was_kept(account: AmazonAccount) -> None:
    assert told(account, an_order(packages=[])).is_delivered_late is None


def test_what_reports_tell_reaches_the_rules_and_survives_the_next_reading(account: AmazonAccount) -> None:
    told(account, an_order())
    Order.objects.update(
        returned_at=NOW, refunded_at=NOW, feedback_rating=2, language="it-IT", destination_country="IT"
    )
    sync.store_page(
        OrderReading.objects.get(), a_page(an_order(lastUpdatedTime=LATER_STILL)), now=NOW + timedelta(hours=1)
    )
    facts = facts_of(Order.objects.get())
    assert (facts.returned_at, facts.refunded_at, facts.feedback_rating) == (NOW, NOW, 2)
    assert (facts.language, facts.destination_country) == ("it-IT", "IT")


def test_earlier_orders_are_the_same_buyers_at_the_same_seller(account: AmazonAccount) -> None:
    buyer = alias()
    first = make_order(account, buyer=buyer, delivered_at=NOW - timedelta(days=9))
    second = make_order(account, buyer=buyer, delivered_at=NOW - timedelta(days=6))
    same_day = make_order(account, buyer=buyer, delivered_at=NOW - timedelta(days=6))
    stranger, unknown = make_order(account, buyer=alias()), make_order(account)
    elsewhere = make_order(make_account(make_seller("Mallory's shop")), buyer=buyer)
    facts = facts_of_many([first, second, same_day, stranger, unknown, elsewhere])
    found = [facts[order.pk].earlier_orders for order in (first, second, same_day, stranger, unknown, elsewhere)]
    assert found == [0, 1, 2, 0, None, 0]


def test_many_earlier_orders_are_not_counted_to_the_end(account: AmazonAccount) -> None:
    buyer = alias()
    orders = [make_order(account, buyer=buyer) for _ in range(3)]
    Order.objects.bulk_create(
        Order(
            seller_id=account.seller_id,
            account=account,
            amazon_order_id=f"222-0000000-{number:07d}",
            purchased_at=NOW - timedelta(days=60),
            last_updated_at=NOW,
            alias_key=orders[0].alias_key,
            order_key=orders[0].order_key,
            changed_at=NOW,
        )
        for number in range(MOST_EARLIER_ORDERS + 5)
    )
    assert facts_of(orders[0]).earlier_orders == MOST_EARLIER_ORDERS


def test_many_orders_cost_as_many_queries_as_one(
    account: AmazonAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_order(account, buyer=alias())
    with django_assert_num_queries(3):
        assert len(facts_of_many(Order.objects.all())) == 5
    with django_assert_num_queries(3):
        assert facts_of_many(Order.objects.prefetch_related("items"))
    order = Order.objects.all()[0]
    with django_assert_num_queries(2):
        assert facts_of(order).items
    with django_assert_num_queries(0):
        assert facts_of_many([]) == {}
