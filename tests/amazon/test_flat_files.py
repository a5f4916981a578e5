"""Amazon's flat files: whatever their language and encoding, line by line, and no line stops the others."""

import gzip
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from amazon import documents, flat_files
from amazon.errors import Unclear
from amazon.flat_files import ORDERS, WrongColumns
from amazon.values import AmazonOrder, FulfilledBy, OrderStatus, Rated, Returned, Sent, SoldElsewhere, Unreadable

ORDER, OTHER = "171-1234567-7654321", "171-1234567-7654322"
MULTI_CHANNEL = "S01-1234567-7654321"


def a_line(**given: str) -> str:
    """One line of an all-orders report; names as in its header, with underscores."""
    values = {
        "amazon-order-id": ORDER,
        "purchase-date": "2026-10-25T10:30:00+00:00",
        "last-updated-date": "2026-10-31T15:45:00+00:00",
        "order-status": "Shipped",
        "fulfillment-channel": "Merchant",
        "sales-channel": "Amazon.it",
        "product-name": "Tè verde",
        "sku": "TEA-1",
        "asin": "B000000001",
        "quantity": "2",
        "currency": "EUR",
        "item-price": "19.98",
        "ship-country": "IT",
        "is-business-order": "true",
    } | {name.replace("_", "-"): value for name, value in given.items()}
    return "\t".join(values.get(name, "") for name in ORDERS)


def file_of(*lines: str, header: str = "\t".join(ORDERS), encoding: str = "utf-8") -> list[bytes]:
    return [f"{line}\r\n".encode(encoding) for line in (header, *lines)]


def test_an_order_of_two_items_is_read_as_one() -> None:
    [order] = flat_files.read_orders(file_of(a_line(), a_line(sku="TEA-2", quantity="1", item_price="5.00")))
    assert isinstance(order, AmazonOrder)
    assert (order.order_id, order.status, order.fulfilled_by) == (ORDER, OrderStatus.SHIPPED, FulfilledBy.MERCHANT)
    assert (order.marketplace_id, order.destination_country) == ("APJ6JRA9NG5V4", "IT")
    assert (order.total, order.currency, order.programs) == (Decimal("24.98"), "EUR", frozenset({"AMAZON_BUSINESS"}))
    assert [(item.sku, item.quantity, item.unit_price) for item in order.items] == [
        ("TEA-1", 2, Decimal("9.99")),
        ("TEA-2", 1, Decimal("5.00")),
    ]
    assert len({item.order_item_id for item in order.items}) == 2
    assert order.last_updated_at == datetime(2026, 10, 31, 15, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "title"), [("utf-8", "緑茶 🎉"), ("cp932", "緑茶 セット"), ("cp1252", "Grüner Tee, süß")]
)
def test_a_title_is_read_in_the_encoding_of_its_marketplace(encoding: str, title: str) -> None:
    [order] = flat_files.read_orders(file_of(a_line(product_name=title), encoding=encoding))
    assert isinstance(order, AmazonOrder) and order.items[0].title == title


def test_columns_with_names_in_another_language_are_known_by_their_place() -> None:
    header = "\t".join(f"欄{number}" for number in range(len(ORDERS)))
    [order] = flat_files.read_orders(file_of(a_line(product_name="緑茶"), header=header, encoding="cp932"))
    assert isinstance(order, AmazonOrder) and order.items[0].sku == "TEA-1"


def test_columns_in_another_order_are_known_by_their_names() -> None:
    lines = [line.split("\t")[::-1] for line in ("\t".join(ORDERS), a_line())]
    [order] = flat_files.read_orders([("\t".join(line) + "\n").encode() for line in lines])
    assert isinstance(order, AmazonOrder) and order.order_id == ORDER


@pytest.mark.parametrize("lines", [[], [b"\n"], [b"a\tb\n", b"1\t2\n"], [b"<html>\n", b"<body>\n"]])
def test_another_file_altogether_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(WrongColumns):
        list(flat_files.read_orders(lines))


def test_a_report_without_lines_is_empty_and_no_trouble() -> None:
    assert list(flat_files.read_orders(file_of())) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"amazon_order_id": "S01-1"}, "amazon-order-id"),
        ({"amazon_order_id": "D01-1234567-1234567"}, "amazon-order-id"),
        ({"purchase_date": "yesterday"}, "purchase-date"),
        ({"last_updated_date": "2026-10-31"}, "last-updated-date"),
        ({"sales_channel": "Amazon.mars"}, "sales-channel"),
        ({"quantity": "many"}, "quantity"),
        ({"quantity": "9" * 30}, "quantity"),
    ],
)
def test_a_line_that_cannot_be_read_says_why_and_stops_no_other(bad: dict[str, str], reason: str) -> None:
    found = list(flat_files.read_orders(file_of(a_line(**bad), a_line(amazon_order_id=OTHER))))
    assert isinstance(found[0], Unreadable) and reason in found[0].reason
    assert isinstance(found[1], AmazonOrder) and found[1].order_id == OTHER


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"amazon_order_id": MULTI_CHANNEL, "sales_channel": "Non-Amazon IT"},
        {"amazon_order_id": MULTI_CHANNEL},
        {"sales_channel": "Non-Amazon"},
    ],
)
def test_an_order_that_amazon_only_ships_is_known_for_one(elsewhere: dict[str, str]) -> None:
    header = "\t".join(f"欄{number}" for number in range(len(ORDERS)))  # by its place, though it comes first
    found = list(flat_files.read_orders(file_of(a_line(**elsewhere), a_line(amazon_order_id=OTHER), header=header)))
    assert found[0] == SoldElsewhere(elsewhere.get("amazon_order_id", ORDER)) and isinstance(found[1], AmazonOrder)


def test_what_amazon_ships_for_another_shop_is_no_shipment_and_no_return_of_ours() -> None:
    shipments = f"amazon-order-id\tshipment-date\testimated-arrival-date\n{MULTI_CHANNEL}\t2026-11-01\t2026-11-03\n"
    returns = f"return-date\torder-id\tsku\tasin\n2026-11-01\t{MULTI_CHANNEL}\tTEA-1\tB000000001\n"
    assert list(flat_files.read_shipments(shipments.encode().splitlines(keepends=True))) == []
    assert list(flat_files.read_fba_returns(returns.encode().splitlines(keepends=True))) == []


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Pending", OrderStatus.PENDING),
        ("Canceled", OrderStatus.CANCELLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("PartiallyShipped", OrderStatus.PARTIALLY_SHIPPED),
        ("Shipped - Delivered to Buyer", OrderStatus.SHIPPED),
        ("Teleported", OrderStatus.UNRECOGNISED),
    ],
)
def test_a_status_is_known_by_the_words_of_reports(word: str, status: OrderStatus) -> None:
    [order] = flat_files.read_orders(file_of(a_line(order_status=word)))
    assert isinstance(order, AmazonOrder) and order.status is status


@pytest.mark.parametrize("price", ["", "NaN", "Infinity", "1e999", "twelve"])
def test_a_price_that_is_none_is_not_known(price: str) -> None:
    [order] = flat_files.read_orders(file_of(a_line(item_price=price)))
    assert isinstance(order, AmazonOrder) and order.total is None and order.items[0].unit_price is None


@pytest.mark.parametrize(
    "day", ["25-Nov-2026", "2026-11-25", "2026-11-25T00:00:00+00:00", "25.11.2026", "25/11/2026", "2026/11/25"]
)
def test_the_day_of_a_return_is_read_in_its_forms(day: str) -> None:
    header = "Order ID\tOrder date\tReturn request date\tReturn request status\tRefunded Amount"
    [line] = flat_files.read_returns(file_of(f"{ORDER}\t1-Nov-2026\t{day}\tApproved\t12,50", header=header))
    assert line == Returned(ORDER, datetime(2026, 11, 25, tzinfo=UTC), is_refunded=True)


def test_a_return_on_no_day_that_we_can_read_is_a_return() -> None:
    header = "Order ID\tOrder date\tReturn request date\tReturn request status"
    [line] = flat_files.read_returns(file_of(f"{ORDER}\t?\tsoon\tApproved", header=header))
    assert line == Returned(ORDER, None, is_refunded=False)


def test_of_feedback_nothing_but_order_and_stars_is_read() -> None:
    header = "Datum\tBewertung\tKommentare\tAntwort\tBestellnummer\tE-Mail"
    lines = [f"25.11.26\t2\tSchlecht\t\t{ORDER}\tbuyer@example.com", f"25.11.26\tno stars\t\t\t{ORDER}\t"]
    found = list(flat_files.read_feedback(file_of(*lines, header=header)))
    assert found[0] == Rated(ORDER, 2) and isinstance(found[1], Unreadable)
    assert "Schlecht" not in repr(found) and "buyer@" not in repr(found)


def test_a_packed_document_that_breaks_off_is_unclear() -> None:
    packed = gzip.compress(b"line\n" * 1000)
    with pytest.raises(Unclear):
        documents._unpack(iter([packed[:-20]]), io.BytesIO(), is_gzip=True)
    whole = io.BytesIO()
    documents._unpack(iter([packed[:7], packed[7:]]), whole, is_gzip=True)
    assert whole.getvalue() == b"line\n" * 1000


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_packed_document_of_several_members_is_read_to_its_end(size: int) -> None:
    packed = gzip.compress(b"first\n" * 500) + gzip.compress(b"second\n" * 500) + b"\0" * 9
    whole = io.BytesIO()
    documents._unpack(iter([packed[at : at + size] for at in range(0, len(packed), size)]), whole, is_gzip=True)
    assert whole.getvalue() == b"first\n" * 500 + b"second\n" * 500
    with pytest.raises(Unclear):
        documents._unpack(iter([packed[:-14]]), io.BytesIO(), is_gzip=True)


def test_a_document_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 10_000)
    with pytest.raises(Unclear):
        documents._unpack(iter([gzip.compress(b"\0" * 10_000_000)]), io.BytesIO(), is_gzip=True)


def test_of_a_shipment_nothing_but_order_and_days_is_read() -> None:
    header = "Estimated Arrival Date\tbuyer-name\tamazon-order-id\tshipment-date"
    lines = [f"2026-10-30T20:00:00+00:00\tA. Buyer\t{ORDER}\t2026-10-28T08:00:00+00:00", f"soon\tB\t{OTHER}\t"]
    first, second = flat_files.read_shipments(file_of(*lines, header=header))
    assert first == Sent(ORDER, datetime(2026, 10, 28, 8, tzinfo=UTC), datetime(2026, 10, 30, 20, tzinfo=UTC))
    assert isinstance(second, Unreadable)


def test_shipments_whose_columns_have_other_names_are_refused_since_their_order_is_not_documented() -> None:
    line = f"{ORDER}\t2026-10-28T08:00:00+00:00\t2026-10-30T20:00:00+00:00"
    with pytest.raises(WrongColumns):
        list(flat_files.read_shipments(file_of(line, header="Bestellung\tVersand\tAnkunft")))
