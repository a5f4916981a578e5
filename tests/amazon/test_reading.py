"""Amazon's JSON -> values: tidy orders, untidy orders, hostile orders."""

from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon import reading
from amazon.errors import Unclear
from amazon.values import (
    AmazonOrder,
    FulfilledBy,
    OrderStatus,
    PackageStatus,
    ReportProgress,
    ReportStatus,
    SoldElsewhere,
    Unreadable,
    Window,
)
from tests.amazon.scripted import ITALY, ORDER

ALIAS = "5r27lqfzscx6cpl@marketplace.amazon.it"

# In the form of the example in Amazon's model, with every part that a merchant-fulfilled order can have.
ITEM: dict[str, object] = {
    "orderItemId": "12345678901234",
    "quantityOrdered": 2,
    "product": {
        "asin": "B000000001",
        "title": "Lampada da tavolo",
        "sellerSku": "LAMP-1",
        "condition": {"conditionType": "NEW"},
        "price": {"unitPrice": {"amount": "49.99", "currencyCode": "EUR"}},
    },
    "promotion": {"breakdowns": [{"promotionId": "PROMO-1"}, {"promotionId": "PROMO-2"}]},
    "cancellation": {"cancellationRequest": {"requester": "BUYER", "cancelReason": "x"}},
    "fulfillment": {"packing": {"giftOption": {"giftMessage": "Tanti auguri", "giftWrapLevel": "P"}}},
}
FULL: dict[str, object] = {
    "orderId": ORDER,
    "orderAliases": [{"aliasId": "S-1", "aliasType": "SELLER_ORDER_ID"}],
    "createdTime": "2026-10-25T10:30:00Z",
    "lastUpdatedTime": "2026-10-25T15:45:00+01:00",
    "programs": ["PRIME", "AMAZON_BUSINESS"],
    "associatedOrders": [{"orderId": "171-1234567-0000001", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": ITALY, "marketplaceName": "Amazon.it"},
    "buyer": {"buyerName": "Nome Cognome", "buyerEmail": ALIAS, "buyerCompanyName": "Ditta"},
    "recipient": {"deliveryAddress": {"name": "Nome Cognome", "addressLine1": "Via Prova 1", "phone": "555"}},
    "proceeds": {"grandTotal": {"amount": "154.99", "currencyCode": "EUR"}},
    "fulfillment": {
        "fulfillmentStatus": "SHIPPED",
        "fulfilledBy": "MERCHANT",
        "shipByWindow": {"latestDateTime": "2026-10-27T23:59:59Z"},
        "deliverByWindow": {"earliestDateTime": "2026-10-28T00:00:00Z", "latestDateTime": "2026-10-30T23:59:59Z"},
    },
    "orderItems": [ITEM],
    "packages": [
        {"packageReferenceId": "1", "packageStatus": {"status": "DELIVERED"}, "trackingNumber": "1Z99"},
        {"packageReferenceId": "2", "packageStatus": {"status": "TELEPORTED"}},
    ],
}
BARE: dict[str, object] = {
    "orderId": ORDER,
    "createdTime": "2026-10-25T10:30:00Z",
    "lastUpdatedTime": "2026-10-25T10:30:00Z",
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": ITALY},
    "orderItems": [],
}


def changed(**parts: object) -> dict[str, object]:
    return {**deepcopy(FULL), **parts}


def with_item(**parts: object) -> dict[str, object]:
    return changed(orderItems=[{**deepcopy(ITEM), **parts}])


def readable(data: object) -> AmazonOrder:
    """Read what has to be readable."""
    order = reading.order(data)
    assert isinstance(order, AmazonOrder)
    return order


def test_a_full_order_is_read_into_what_the_product_needs() -> None:
    order = readable(FULL)
    assert order.created_at == datetime(2026, 10, 25, 10, 30, tzinfo=UTC)
    assert order.last_updated_at == datetime(2026, 10, 25, 14, 45, tzinfo=UTC)
    assert (order.status, order.fulfilled_by) == (OrderStatus.SHIPPED, FulfilledBy.MERCHANT)
    assert (order.marketplace_id, order.programs) == (ITALY, frozenset({"PRIME", "AMAZON_BUSINESS"}))
    assert (order.is_replacement, order.is_exchange, order.original_order_id) == (True, False, "171-1234567-0000001")
    assert order.ship_by == Window(None, datetime(2026, 10, 27, 23, 59, 59, tzinfo=UTC))
    assert order.deliver_by.earliest == datetime(2026, 10, 28, tzinfo=UTC)
    assert order.package_statuses == (PackageStatus.DELIVERED, PackageStatus.UNRECOGNISED)
    assert (order.total, order.currency, order.buyer_alias) == (Decimal("154.99"), "EUR", ALIAS)


def test_an_item_is_read_with_its_price_promotions_gift_and_wish_to_cancel() -> None:
    (item,) = readable(FULL).items
    assert (item.order_item_id, item.asin, item.sku, item.title) == (
        "12345678901234",
        "B000000001",
        "LAMP-1",
        "Lampada da tavolo",
    )
    assert (item.quantity, item.unit_price, item.currency, item.condition) == (2, Decimal("49.99"), "EUR", "NEW")
    assert item.promotion_ids == ("PROMO-1", "PROMO-2")
    assert item.is_gift and item.is_cancellation_requested


def test_no_personal_data_but_the_alias_is_kept_and_that_is_not_shown() -> None:
    order = readable(FULL)
    kept = str([getattr(order, name) for name in order.__slots__])
    for personal in ("Nome", "Cognome", "Via Prova", "Tanti auguri", "1Z99", "Ditta"):
        assert personal not in kept
    assert ALIAS not in repr(order)


def test_a_bare_order_is_an_order_with_everything_absent() -> None:
    order = readable(BARE)
    assert (order.status, order.fulfilled_by) == (OrderStatus.UNRECOGNISED, FulfilledBy.UNRECOGNISED)
    assert (order.total, order.currency, order.buyer_alias, order.items) == (None, None, None, ())
    assert order.deliver_by == Window()
    assert not order.is_replacement


@pytest.mark.parametrize("nothing", [None, {}, {"amount": None, "currencyCode": None}])
def test_money_that_amazon_does_not_tell_yet_costs_no_order(nothing: object) -> None:
    order = readable(with_item(product={"price": {"unitPrice": nothing}}) | {"proceeds": {"grandTotal": nothing}})
    assert (order.total, order.currency, order.items[0].unit_price) == (None, None, None)
    assert readable(changed(proceeds=None)).total is None


def test_an_exchange_names_the_order_it_came_from() -> None:
    link = {"orderId": "171-0000000-0000009", "associationType": "EXCHANGE_ORIGINAL_ID"}
    order = readable(changed(associatedOrders=[link]))
    assert (order.is_exchange, order.is_replacement, order.original_order_id) == (True, False, "171-0000000-0000009")


def test_what_amazon_adds_next_year_is_passed_over() -> None:
    order = readable(
        changed(
            carbonFootprint={"kg": 1},
            fulfillment={"fulfillmentStatus": "IN_ORBIT", "fulfilledBy": "ROBOTS"},
            programs=["PRIME", "AMAZON_MOON", 7],
        )
    )
    assert (order.status, order.fulfilled_by) == (OrderStatus.UNRECOGNISED, FulfilledBy.UNRECOGNISED)
    assert order.programs == {"PRIME", "AMAZON_MOON"}


@pytest.mark.parametrize(
    "address",
    ["someone@mail.example", "abc@marketplace.amazon.com.evil.example", "@marketplace.amazon.it", "abc", "", 7, None],
)
def test_an_address_that_is_no_alias_is_not_kept(address: object) -> None:
    assert readable(changed(buyer={"buyerEmail": address})).buyer_alias is None


@pytest.mark.parametrize(
    ("data", "order_id", "reason"),
    [
        (changed(orderId="D01-1234567-1234567"), None, "orderId is not an order id"),
        (changed(orderId="171-1234567-７654321"), None, "orderId is not an order id"),
        (changed(orderId=None), None, "orderId is not an order id"),
        ([], None, "the order is not an object"),
        (changed(createdTime=None), ORDER, "createdTime is missing"),
        (changed(createdTime="yesterday"), ORDER, "createdTime is not an instant"),
        (changed(createdTime="2026-10-25T10:30:00"), ORDER, "createdTime is not an instant"),
        (changed(lastUpdatedTime="0001-01-01T00:00:00+14:00"), ORDER, "lastUpdatedTime is not an instant"),
        (changed(salesChannel={"channelName": "AMAZON"}), ORDER, "marketplaceId is missing"),
        (changed(orderItems=None), ORDER, "orderItems is missing"),
        (changed(orderItems=["x"]), ORDER, "an item is not an object"),
        (with_item(orderItemId=""), ORDER, "orderItemId is missing"),
        (with_item(quantityOrdered="2"), ORDER, "quantityOrdered is not a count"),
        (with_item(quantityOrdered=True), ORDER, "quantityOrdered is not a count"),
        (with_item(quantityOrdered=-1), ORDER, "quantityOrdered is not a count"),
        (with_item(quantityOrdered=10**30), ORDER, "quantityOrdered is not a count"),
        (changed(proceeds={"grandTotal": {"amount": "NaN", "currencyCode": "EUR"}}), ORDER, "grandTotal is not"),
        (changed(proceeds={"grandTotal": {"amount": "1e999999", "currencyCode": "EUR"}}), ORDER, "grandTotal is not"),
        (changed(proceeds={"grandTotal": {"amount": 1.5, "currencyCode": "EUR"}}), ORDER, "grandTotal is not"),
        (changed(proceeds={"grandTotal": {"amount": "12,50", "currencyCode": "EUR"}}), ORDER, "grandTotal is not"),
        (changed(proceeds={"grandTotal": {"amount": "12.50"}}), ORDER, "grandTotal is not"),
    ],
)
def test_an_order_that_cannot_be_read_says_which_field_and_not_which_value(
    data: object, order_id: str | None, reason: str
) -> None:
    found = reading.order(data)
    assert isinstance(found, Unreadable)
    assert found.order_id == order_id
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("data", "order_id"),
    [
        (changed(orderId="S01-1234567-1234567"), "S01-1234567-1234567"),
        (changed(orderId="S01-1234567-1234567", salesChannel={"channelName": "NON_AMAZON"}, orderItems=None),
         "S01-1234567-1234567"),
        (changed(salesChannel={"channelName": "NON_AMAZON"}), ORDER),
        (changed(orderId="web-17", salesChannel={"channelName": "NON_AMAZON", "marketplaceName": "Non-Amazon"}), None),
    ],
)  # fmt: skip
def test_an_order_that_amazon_only_ships_is_known_for_one(data: object, order_id: str | None) -> None:
    assert reading.order(data) == reading.single_order({"order": data}) == SoldElsewhere(order_id)


def test_one_odd_order_does_not_stop_its_page() -> None:
    page = reading.orders_page(
        {
            "orders": [FULL, changed(createdTime="?"), None, BARE],
            "pagination": {"nextToken": "next"},
            "lastUpdatedBefore": "2026-11-01T00:00:00Z",
        }
    )
    assert [type(order).__name__ for order in page.orders] == ["AmazonOrder", "Unreadable", "Unreadable", "AmazonOrder"]
    assert (page.next_token, page.last_updated_before) == ("next", datetime(2026, 11, 1, tzinfo=UTC))


def test_the_last_page_has_no_token() -> None:
    assert reading.orders_page({"orders": []}).next_token is None
    assert reading.orders_page({"orders": [], "pagination": {"nextToken": ""}}).next_token is None


@pytest.mark.parametrize(
    "body", [{}, {"orders": {}}, {"payload": {"Orders": []}}, {"orders": [], "lastUpdatedBefore": 1}]
)
def test_what_is_no_page_is_unclear_and_not_an_empty_page(body: dict[str, object]) -> None:
    with pytest.raises(Unclear):
        reading.orders_page(body)


def test_a_single_order_that_cannot_be_read_is_unclear() -> None:
    assert reading.single_order({"order": FULL}) == readable(FULL)
    for body in ({}, {"order": None}, {"order": changed(createdTime=1)}):
        with pytest.raises(Unclear):
            reading.single_order(body)


def test_a_title_can_be_stored_whatever_is_in_it() -> None:
    order = readable(with_item(product={"title": "a\0b\ud800c", "asin": "\0"}))
    assert order.items[0].title == "ab?c"
    assert order.items[0].asin is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(FULL)), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(sorted(FULL)))
def test_no_value_in_any_place_stops_the_reader(value: object, place: str) -> None:
    assert isinstance(reading.order(changed(**{place: value})), AmazonOrder | Unreadable)


@given(json_values, st.sampled_from(sorted(ITEM)))
def test_no_value_in_any_place_of_an_item_stops_the_reader(value: object, place: str) -> None:
    assert isinstance(reading.order(with_item(**{place: value})), AmazonOrder | Unreadable)


def test_actions_are_read_by_name_or_by_the_end_of_their_address() -> None:
    links = [
        {"href": "/x/messages/legalDisclosure?marketplaceIds=A"},
        {"href": "/y", "name": "warranty"},
        {"href": "//["},
    ]
    assert reading.actions({"_links": {"actions": links, "self": {"href": "/x"}}}) == {"legalDisclosure", "warranty"}
    assert reading.actions({"_links": {"actions": []}}) == frozenset()


@pytest.mark.parametrize("body", [{}, {"_links": {}}, {"_links": {"actions": None}}])
def test_no_list_of_actions_is_not_an_empty_list_of_actions(body: dict[str, object]) -> None:
    with pytest.raises(Unclear):
        reading.actions(body)


def test_participations_are_read_and_one_without_an_id_is_passed_over() -> None:
    entry = {
        "marketplace": {"id": ITALY, "countryCode": "IT", "name": "Amazon.it", "domainName": "www.amazon.it"},
        "storeName": "Bottega",
        "participation": {"isParticipating": True, "hasSuspendedListings": False},
    }
    (found,) = reading.participations({"payload": [entry, {"marketplace": {}}]})
    assert (found.marketplace_id, found.country, found.store_name) == (ITALY, "IT", "Bottega")
    assert found.is_participating and not found.has_suspended_listings
    with pytest.raises(Unclear):
        reading.participations({})


def test_a_report_in_a_state_that_nobody_knows_yet_is_still_being_made() -> None:
    assert reading.report_progress({"processingStatus": "SIMMERING"}) == ReportProgress(ReportStatus.UNRECOGNISED, None)


@pytest.mark.parametrize("body", [{}, {"url": 7}, {"url": "https://x", "compressionAlgorithm": "ZSTD"}])
def test_a_document_that_cannot_be_fetched_is_unclear(body: dict[str, object]) -> None:
    with pytest.raises(Unclear):
        reading.document_address(body)
