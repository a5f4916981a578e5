"""Amazon's orders as rows: nothing personal but the sealed alias, nothing older over newer, no bad order in the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts import lookup
from accounts.models import AmazonAccount
from amazon.values import AmazonOrder
from amazon.values import OrderItem as AmazonItem
from orders import naming, storing, sync
from orders.models import ALIAS_KEPT_FOR, Order, OrderItem, OrderReading, OrderToRead
from tests.makers import make_account, make_seller
from tests.orders.amazon_json import ALIAS, ITALY, ORDER, a_page, an_item, an_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

READ_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PROMISED = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)


@pytest.fixture
def reading(db: None) -> OrderReading:
    account = make_account(make_seller(), marketplaces=(ITALY,))
    return OrderReading.objects.create(
        seller_id=account.seller_id, account=account, next_at=READ_AT, window_from=READ_AT - timedelta(days=40)
    )


def store(reading: OrderReading, *orders: Any, now: datetime = READ_AT) -> Order:
    """Store a page of these orders; returns the first one."""
    sync.store_page(reading, a_page(*orders), now=now)
    return Order.objects.get(amazon_order_id=ORDER)


def at(day: int, hour: int = 12) -> str:
    return datetime(2026, 10, day, hour, tzinfo=UTC).isoformat()


def promised(day: int) -> dict[str, Any]:
    return an_order()["fulfillment"] | {"deliverByWindow": {"latestDateTime": at(day)}}  # type: ignore[no-any-return]


def everything_about(order: Order) -> str:
    """The order's rows as the database holds them, decrypted by nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select o::text || string_agg(i::text, '') from orders_order o join orders_orderitem i on i.order_id = o.id"
            " where o.id = %s group by o.*",
            [order.pk],
        )
        return str(cursor.fetchone()[0])


def test_only_what_the_product_needs_is_kept_of_an_order(reading: OrderReading) -> None:
    order = store(reading, an_order())
    assert (order.status, order.fulfilled_by, order.programs) == ("shipped", "merchant", ["PRIME"])
    assert (order.deliver_by_latest, order.delivery_kind) == (PROMISED, Order.DeliveryKind.CARRIER)
    assert (str(order.total_amount), order.currency) == ("49.99", "EUR")
    [item] = order.items.all()
    assert (item.title, item.sku, item.is_gift, str(item.unit_price)) == ("Lampada", "LAMP-1", True, "49.99")
    kept = everything_about(order)
    for personal in ("Nome", "Cognome", "Ditta", "PO-SECRET", "Via Prova", "555-777", "auguri", "1Z99", ALIAS[:15]):
        assert personal not in kept, personal


def test_the_alias_is_sealed_until_thirty_days_after_delivery(reading: OrderReading) -> None:
    order = store(reading, an_order())
    assert order.alias == ALIAS and order.alias_key == lookup.alias_key(ALIAS)
    assert order.alias_purge_at == PROMISED + ALIAS_KEPT_FOR

    assert sync.purge(now=PROMISED + timedelta(days=30, seconds=-1)) == 0
    assert sync.purge(now=PROMISED + timedelta(days=30)) == 1
    order.refresh_from_db()
    assert order.alias is None and order.alias_key == lookup.alias_key(ALIAS)


def test_a_parcel_that_comes_before_its_promise_ends_takes_the_alias_with_it_sooner(reading: OrderReading) -> None:
    early = an_order(fulfillment=promised(30), lastUpdatedTime=at(26))
    assert store(reading, early).alias_purge_at == datetime(2026, 10, 26, 12, tzinfo=UTC) + ALIAS_KEPT_FOR
    later = an_order(fulfillment=promised(30), lastUpdatedTime=at(29))  # a refund, say: it is delivered all the same
    for told in (later, later | {"buyer": {}}):
        order = store(reading, told)
        assert order.alias_purge_at == datetime(2026, 10, 26, 12, tzinfo=UTC) + ALIAS_KEPT_FOR and order.alias == ALIAS
    after = datetime(2026, 11, 25, 13, tzinfo=UTC)
    assert sync.purge(now=after) == 1
    assert store(reading, later | {"lastUpdatedTime": "2026-11-20T00:00:00Z"}, now=after).alias is None


def test_a_parcel_that_is_still_under_way_keeps_the_alias_until_its_promise_is_over(reading: OrderReading) -> None:
    under_way = an_order(
        fulfillment=promised(30), lastUpdatedTime=at(26), packages=[{"packageStatus": {"status": "IN_TRANSIT"}}]
    )
    assert store(reading, under_way).alias_purge_at == PROMISED + ALIAS_KEPT_FOR


def test_an_alias_that_was_purged_does_not_come_back_with_the_next_reading(reading: OrderReading) -> None:
    store(reading, an_order())
    later = PROMISED + timedelta(days=30)
    sync.purge(now=later)
    assert store(reading, an_order(lastUpdatedTime="2026-11-29T00:00:00Z"), now=later).alias is None


def test_an_order_that_is_read_too_late_brings_no_alias_but_its_key(reading: OrderReading) -> None:
    order = store(reading, an_order(), now=PROMISED + timedelta(days=31))
    assert order.alias is None and order.alias_key == lookup.alias_key(ALIAS)


def test_the_day_of_purging_follows_the_promise(reading: OrderReading) -> None:
    store(reading, an_order(fulfillment=promised(30)))
    order = store(reading, an_order(fulfillment=promised(20), lastUpdatedTime="2026-11-01T00:00:00Z", buyer={}))
    assert order.alias == ALIAS  # that Amazon does not say it any more takes nothing back
    assert order.alias_purge_at == datetime(2026, 10, 20, 12, tzinfo=UTC) + ALIAS_KEPT_FOR


def test_an_order_without_a_promise_is_purged_by_its_day_of_purchase(reading: OrderReading) -> None:
    order = store(reading, an_order(fulfillment={"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"}))
    assert order.alias_purge_at == order.purchased_at + ALIAS_KEPT_FOR
    assert order.delivery_kind == Order.DeliveryKind.UNKNOWN


def test_a_buyer_whose_alias_changes_is_known_by_the_new_one(reading: OrderReading) -> None:
    store(reading, an_order())
    other = "aaaaabbbbbccccc@marketplace.amazon.it"
    order = store(reading, an_order(buyer={"buyerEmail": other}, lastUpdatedTime="2026-11-01T00:00:00Z"))
    assert order.alias == other and order.alias_key == lookup.alias_key(other)


@pytest.mark.parametrize(
    "address",
    [
        "nome@example.com",
        "abc@marketplace.amazon.it.evil.example",
        "x@marketplace.amazon.it",
        "",
        None,
        7,
        ALIAS + ",b@c",
    ],
)
def test_an_address_that_is_no_alias_is_not_kept(reading: OrderReading, address: object) -> None:
    order = store(reading, an_order(buyer={"buyerEmail": address}))
    assert order.alias is None and order.alias_key is None
    assert order.alias_purge_at == PROMISED + ALIAS_KEPT_FOR  # what quotes the buyer goes then


def test_an_alias_in_capitals_is_the_same_buyer(reading: OrderReading) -> None:
    order = store(reading, an_order(buyer={"buyerEmail": ALIAS.upper()}))
    assert order.alias == ALIAS and order.alias_key == lookup.alias_key(ALIAS)


def test_an_older_reading_never_overwrites_a_newer_one(reading: OrderReading) -> None:
    newer = an_order(fulfillment={"fulfillmentStatus": "CANCELLED"}, lastUpdatedTime=at(31, 12))
    older = an_order(lastUpdatedTime=at(31, 11), orderItems=[an_item(quantityOrdered=7)])
    order = store(reading, newer, older)
    assert order.status == Order.Status.CANCELLED and order.last_updated_at.hour == 12
    assert [item.quantity for item in order.items.all()] == [1]
    assert store(reading, older).status == Order.Status.CANCELLED


def test_a_change_from_the_future_hides_none_that_comes_after_it(reading: OrderReading) -> None:
    assert store(reading, an_order(lastUpdatedTime="2999-01-01T00:00:00Z")).last_updated_at == READ_AT
    cancelled = an_order(fulfillment={"fulfillmentStatus": "CANCELLED"}, lastUpdatedTime="2026-11-02T00:00:00Z")
    assert store(reading, cancelled, now=READ_AT + timedelta(days=1)).status == Order.Status.CANCELLED


def test_the_same_reading_twice_changes_nothing(reading: OrderReading) -> None:
    before = store(reading, an_order())
    after = store(reading, an_order(), now=READ_AT + timedelta(hours=1))
    assert after.changed_at == before.changed_at == READ_AT
    assert after.items.count() == Order.objects.count() == 1


def test_what_rules_look_at_marks_the_order_as_changed(reading: OrderReading) -> None:
    store(reading, an_order())
    later = READ_AT + timedelta(hours=1)
    item = an_item(cancellation={"cancellationRequest": {"requester": "BUYER"}})
    order = store(reading, an_order(orderItems=[item], lastUpdatedTime="2026-11-01T00:00:00Z"), now=later)
    assert order.is_cancellation_requested and order.changed_at == later


def test_an_order_without_items_is_an_order(reading: OrderReading) -> None:
    assert store(reading, an_order(orderItems=[])).items.count() == 0


def test_an_order_whose_total_is_null_is_stored_without_one(reading: OrderReading) -> None:
    order = store(reading, an_order(proceeds={"grandTotal": None}))
    assert (order.total_amount, order.currency) == (None, "")


def test_a_status_and_programs_that_nobody_knows_yet_are_kept_as_such(reading: OrderReading) -> None:
    unheard = {"fulfillmentStatus": "TELEPORTED", "fulfilledBy": "DRONES"}
    order = store(reading, an_order(fulfillment=unheard, programs=["AMAZON_MOON", "x" * 300]))
    assert (order.status, order.fulfilled_by) == (Order.Status.UNRECOGNISED, Order.FulfilledBy.UNRECOGNISED)
    assert order.programs == ["AMAZON_MOON", "x" * 40]


def test_a_title_is_kept_as_it_was_written_as_far_as_it_can_be(reading: OrderReading) -> None:
    title = '<b>Lampada</b> & "tè" 🎉\0 \ud83d ' + "x" * 2500
    [item] = store(reading, an_order(orderItems=[an_item(product={"title": title})])).items.all()
    assert item.title.startswith('<b>Lampada</b> & "tè" 🎉 ? x') and len(item.title) == 2000


def test_the_same_item_named_twice_is_one_row(reading: OrderReading) -> None:
    order = store(reading, an_order(orderItems=[an_item(), an_item(quantityOrdered=3)]))
    assert [item.quantity for item in order.items.all()] == [3]


@pytest.mark.parametrize(
    "bad",
    [
        "not even an object",
        an_order(orderId="171-0000000-0000001", orderItems=None),
        an_order(orderId="171-0000000-0000001", createdTime="yesterday"),
        an_order(orderId="171-0000000-0000001", salesChannel={"marketplaceId": "x" * 300}),
        an_order(orderId="171-0000000-0000001", orderItems=[an_item(orderItemId="9" * 300)]),
        an_order(orderId="171-0000000-0000001", orderItems=[an_item(product={"sellerSku": "x" * 500})]),
        an_order(
            orderId="171-0000000-0000001",
            proceeds={"grandTotal": {"amount": "999999999999.999", "currencyCode": "EUR"}},
        ),
        an_order(orderId="171-0000000-0000001", proceeds={"grandTotal": {"amount": "1.00", "currencyCode": "EURO"}}),
    ],
)
def test_a_bad_order_never_stops_a_page(reading: OrderReading, bad: object) -> None:
    store(reading, bad, an_order())
    assert Order.objects.count() == 1 and OrderItem.objects.count() == 1
    reading.refresh_from_db()
    assert (reading.orders_read, reading.unreadable) == (1, 1)
    assert reading.window_from is None and reading.read_until is not None  # and the page was the last one


def test_an_order_of_another_shop_is_put_aside_and_is_no_error(reading: OrderReading) -> None:
    elsewhere = an_order(orderId="S01-0000000-0000001", salesChannel={"channelName": "NON_AMAZON"})
    store(reading, elsewhere, an_order())
    reading.refresh_from_db()
    assert Order.objects.count() == 1 and (reading.unreadable, reading.sold_elsewhere_at) == (0, READ_AT)
    store(reading, an_order(lastUpdatedTime="2026-11-01T00:00:00Z"), now=READ_AT + timedelta(hours=1))
    assert OrderReading.objects.get().sold_elsewhere_at == READ_AT


def test_a_window_is_closed_only_with_its_last_page(reading: OrderReading) -> None:
    sync.store_page(reading, a_page(an_order(), next_token="two"), now=READ_AT)
    assert reading.read_until is None and reading.next_token == "two" and reading.window_from is not None
    sync.store_page(reading, a_page(until="2026-11-01T09:00:00Z"), now=READ_AT)
    assert reading.next_token == "" and reading.window_from is None
    assert reading.read_until == datetime(2026, 11, 1, tzinfo=UTC)  # what the first page said: the rest may be younger


def test_two_sellers_each_have_their_own_row_of_an_order_number(reading: OrderReading) -> None:
    other = make_account(make_seller("Mallory's shop"), marketplaces=(ITALY,))
    theirs = OrderReading.objects.create(seller_id=other.seller_id, account=other, next_at=READ_AT)
    sync.store_page(reading, a_page(an_order()), now=READ_AT)
    sync.store_page(theirs, a_page(an_order()), now=READ_AT)
    first, second = Order.objects.order_by("pk")
    assert first.order_key != second.order_key and first.alias_key == second.alias_key
    assert first.alias_sealed != second.alias_sealed and first.alias == second.alias
    assert AmazonAccount.objects.count() == 2


def stored(reading: OrderReading, *orders: Any) -> int:
    return storing.store_orders(reading.account, a_page(*orders).orders, now=READ_AT)  # type: ignore[arg-type]


def numbered(number: int, **parts: Any) -> dict[str, Any]:
    return an_order(orderId=f"171-1111111-{number:07d}", **parts)


def test_a_page_is_two_statements_whatever_is_on_it(
    reading: OrderReading, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):  # and a savepoint with its release, and the count of new orders
        assert stored(reading, *map(numbered, range(40))) == 40
    assert Order.objects.count() == OrderItem.objects.count() == 40


def test_orders_are_written_by_number_so_that_two_workers_never_wait_for_each_other(reading: OrderReading) -> None:
    stored(reading, *map(numbered, (3, 1, 2)))
    assert [order.amazon_order_id[-1] for order in Order.objects.order_by("pk")] == ["1", "2", "3"]
    naming.name_orders(reading.account, ["171-1111111-0000003", "171-1111111-0000001"], due_at=READ_AT, now=READ_AT)
    assert [row.amazon_order_id[-1] for row in OrderToRead.objects.order_by("pk")] == ["1", "3"]


def test_of_a_page_with_one_bad_order_the_others_are_stored_one_by_one(reading: OrderReading) -> None:
    bad = numbered(3, orderItems=[an_item(product={"sellerSku": "x" * 500})])
    assert stored(reading, *map(numbered, (1, 2)), bad, *map(numbered, (4, 5))) == 4
    assert not Order.objects.filter(amazon_order_id="171-1111111-0000003").exists()


def test_the_same_order_twice_on_a_page_is_the_newer_one(reading: OrderReading) -> None:
    newer = an_order(fulfillment={"fulfillmentStatus": "CANCELLED"}, lastUpdatedTime="2026-10-31T16:00:00Z")
    assert stored(reading, newer, an_order()) == 2
    assert Order.objects.get().status == Order.Status.CANCELLED


def test_an_item_that_changes_marks_its_order_as_changed(reading: OrderReading) -> None:
    store(reading, an_order())
    later = READ_AT + timedelta(hours=1)
    order = store(reading, an_order(orderItems=[an_item(quantityOrdered=4)]), now=later)
    assert order.changed_at == order.replan_at == later


def test_an_order_that_nothing_new_is_told_of_is_not_planned_again(reading: OrderReading) -> None:
    store(reading, an_order())
    Order.objects.update(replan_at=None)
    touched = an_order(lastUpdatedTime="2026-11-02T00:00:00Z")
    assert store(reading, touched, now=READ_AT + timedelta(days=2)).replan_at is None


def test_a_report_adds_what_it_knows_and_leaves_the_rest_alone(reading: OrderReading) -> None:
    before = store(reading, an_order())
    told = replace(
        one(an_order(lastUpdatedTime="2026-11-02T00:00:00Z", fulfillment={"fulfillmentStatus": "CANCELLED"})),
        items=(AmazonItem("report:0:LAMP-1", quantity=9, sku="LAMP-1"),),
        destination_country="IT",
        buyer_alias=None,
    )
    assert storing.store_orders(reading.account, [told], now=READ_AT, is_report=True) == 1
    after = Order.objects.get()
    assert (after.status, after.destination_country) == (Order.Status.CANCELLED, "IT")
    assert (after.deliver_by_latest, after.programs, after.alias) == (before.deliver_by_latest, ["PRIME"], ALIAS)
    assert [item.quantity for item in after.items.all()] == [1]


def test_what_a_report_said_of_items_gives_way_to_the_order_itself(reading: OrderReading) -> None:
    told = replace(one(an_order()), items=(AmazonItem("report:0:LAMP-1", quantity=9, sku="LAMP-1"),))
    storing.store_orders(reading.account, [told], now=READ_AT, is_report=True)
    assert [item.quantity for item in Order.objects.get().items.all()] == [9]
    order = store(reading, an_order(lastUpdatedTime="2026-11-02T00:00:00Z"))
    assert [(item.amazon_item_id, item.quantity) for item in order.items.all()] == [("12345678901234", 1)]


def test_a_report_that_is_older_than_the_order_changes_nothing(reading: OrderReading) -> None:
    store(reading, an_order())
    told = replace(one(an_order(lastUpdatedTime=at(30))), destination_country="IT")
    storing.store_orders(reading.account, [told], now=READ_AT, is_report=True)
    assert Order.objects.get().destination_country == ""


def one(data: dict[str, Any]) -> AmazonOrder:
    [order] = a_page(data).orders
    assert isinstance(order, AmazonOrder)
    return order
