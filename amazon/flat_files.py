"""Amazon's flat-file reports -> values: orders, shipments, returns, feedback.

Place in the flow: pure, between `documents` and `orders.reports`. Lines come in as bytes, one at a time, so a report of
any size is read in constant memory.

What is known of these files (`AMAZON.md` 1.6): tab-separated; header names localise and encodings vary by marketplace.
So a column is found by its English name, or else by its documented place, where the values there look as they should. A
line that cannot be read becomes `Unreadable`, and the others go on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from amazon.marketplaces import MARKETPLACES
from amazon.reading import MULTI_CHANNEL_ID, ORDER_ID
from amazon.values import (
    AmazonOrder,
    FulfilledBy,
    OrderItem,
    OrderStatus,
    Rated,
    Returned,
    Sent,
    SoldElsewhere,
    Unreadable,
)

Row = Mapping[str, str]

ORDERS: Final = (
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel"
    " order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax"
    " shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount"
    " ship-city ship-state ship-postal-code ship-country promotion-ids is-business-order purchase-order-number"
    " price-designation"
).split()
RETURNS: Final = ("order-id", "order-date", "return-request-date", "return-request-status")
FBA_RETURNS: Final = ("return-date", "order-id", "sku", "asin")
SHIPMENTS: Final = ("amazon-order-id", "shipment-date", "estimated-arrival-date")
FEEDBACK: Final = ("date", "rating", "comments", "response", "order-id")

_ORDER_LINES: Final = 200  # of one order, at most: more is no order
_MOST_MONEY: Final = Decimal(10) ** 12
_STATUSES: Final = {
    "pending": OrderStatus.PENDING,
    "pendingavailability": OrderStatus.PENDING_AVAILABILITY,
    "unshipped": OrderStatus.UNSHIPPED,
    "partiallyshipped": OrderStatus.PARTIALLY_SHIPPED,
    "shipping": OrderStatus.PARTIALLY_SHIPPED,
    "shipped": OrderStatus.SHIPPED,
    "complete": OrderStatus.SHIPPED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "unfulfillable": OrderStatus.UNFULFILLABLE,
}
_FULFILLED_BY: Final = {
    "amazon": FulfilledBy.AMAZON,
    "afn": FulfilledBy.AMAZON,
    "merchant": FulfilledBy.MERCHANT,
    "mfn": FulfilledBy.MERCHANT,
}
_BY_CHANNEL: Final = {marketplace.domain: marketplace.id for marketplace in MARKETPLACES}
_ELSEWHERE: Final = "non-amazon"  # "Non-Amazon", "Non-Amazon IT"
_DAYS: Final = ("%d-%b-%Y", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y")


class WrongColumns(Exception):
    """The report has not the columns that it should have."""


def read_orders(lines: Iterable[bytes]) -> Iterator[AmazonOrder | SoldElsewhere | Unreadable]:
    """The orders of an all-orders report; its lines are items, those of an order stand together.

    Raises `WrongColumns` where the columns are not those of this report.
    """
    waiting: list[Row] = []
    for row in _rows(lines, tuple(ORDERS)):
        if waiting and (row["amazon-order-id"] != waiting[0]["amazon-order-id"] or len(waiting) >= _ORDER_LINES):
            yield _order(waiting)
            waiting = []
        waiting.append(row)
    if waiting:
        yield _order(waiting)


def read_returns(lines: Iterable[bytes]) -> Iterator[Returned | Unreadable]:
    """The lines of GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE. Raises as above."""
    for row in _rows(lines, RETURNS):
        amount = _number(row.get("refunded-amount", ""))
        yield _returned(row["order-id"], row["return-request-date"], is_refunded=bool(amount and amount > 0))


def read_fba_returns(lines: Iterable[bytes]) -> Iterator[Returned | Unreadable]:
    """The lines of GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA: goods that Amazon has got back. What was sold in another
    shop is passed over. Raises `WrongColumns`."""
    for row in _rows(lines, FBA_RETURNS):
        if not MULTI_CHANNEL_ID.fullmatch(row["order-id"]):
            yield _returned(row["order-id"], row["return-date"], is_refunded=False)


def read_shipments(lines: Iterable[bytes]) -> Iterator[Sent | Unreadable]:
    """The lines of GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL. Raises `WrongColumns`.

    The order of its columns is not documented, so they must bear their English names.
    """
    for row in _rows(lines, SHIPMENTS, is_order_known=False):
        if MULTI_CHANNEL_ID.fullmatch(row["amazon-order-id"]):
            continue  # sold in another shop
        arrives_at = _day(row["estimated-arrival-date"])
        if ORDER_ID.fullmatch(row["amazon-order-id"]) and arrives_at is not None:
            yield Sent(row["amazon-order-id"], _day(row["shipment-date"]), arrives_at)
        else:
            yield Unreadable(None, "a line without an order id and an arrival")


def read_feedback(lines: Iterable[bytes]) -> Iterator[Rated | Unreadable]:
    """The lines of GET_SELLER_FEEDBACK_DATA: order and stars, nothing else. Raises as above."""
    for row in _rows(lines, FEEDBACK):
        rating = row["rating"].strip()
        if ORDER_ID.fullmatch(row["order-id"]) and rating in ("1", "2", "3", "4", "5"):
            yield Rated(row["order-id"], int(rating))
        else:
            yield Unreadable(None, "a line without an order and 1 to 5 stars")


def _returned(order_id: str, day: str, *, is_refunded: bool) -> Returned | Unreadable:
    if not ORDER_ID.fullmatch(order_id):
        return Unreadable(None, "a line without an order id")
    return Returned(order_id, _day(day), is_refunded)


def _order(rows: list[Row]) -> AmazonOrder | SoldElsewhere | Unreadable:
    first = rows[0]
    order_id, channel = first["amazon-order-id"], first["sales-channel"].strip().lower()
    if _is_id(order_id) and (channel.startswith(_ELSEWHERE) or not ORDER_ID.fullmatch(order_id)):
        return SoldElsewhere(order_id)
    if not ORDER_ID.fullmatch(order_id):
        return Unreadable(None, "amazon-order-id is not an order id")
    bought, updated = _instant(first["purchase-date"]), _instant(first["last-updated-date"])
    marketplace_id = _BY_CHANNEL.get(channel)
    if bought is None or updated is None:
        return Unreadable(order_id, "purchase-date or last-updated-date is not an instant")
    if marketplace_id is None:
        return Unreadable(order_id, "sales-channel is none of Amazon's shops")
    items, total = [], Decimal(0)
    for position, row in enumerate(rows):
        quantity, price = _count(row["quantity"]), _number(row["item-price"])
        if quantity is None:
            return Unreadable(order_id, "quantity is not a count")
        items.append(_item(row, position, quantity, price))
        total += price or 0
    is_priced = any(item.unit_price is not None for item in items)
    is_business = first["is-business-order"].strip().lower() == "true"
    return AmazonOrder(
        order_id=order_id,
        created_at=bought,
        last_updated_at=updated,
        marketplace_id=marketplace_id,
        status=_status(first["order-status"]),
        fulfilled_by=_FULFILLED_BY.get(first["fulfillment-channel"].strip().lower(), FulfilledBy.UNRECOGNISED),
        programs=frozenset({"AMAZON_BUSINESS"} if is_business else ()),
        items=tuple(items),
        total=total if is_priced else None,
        currency=first["currency"] if is_priced else None,
        destination_country=_country(first["ship-country"]),
    )


def _item(row: Row, position: int, quantity: int, price: Decimal | None) -> OrderItem:
    return OrderItem(
        order_item_id=f"report:{position}:{row['sku']}"[:40],  # the report names no item ids
        quantity=quantity,
        asin=row["asin"] or None,
        sku=row["sku"] or None,
        title=row["product-name"],
        unit_price=(price / quantity).quantize(Decimal("0.01")) if price is not None and quantity else None,
        currency=row["currency"] or None,
        promotion_ids=(row["promotion-ids"],) if row["promotion-ids"] else (),
    )


def _rows(lines: Iterable[bytes], columns: tuple[str, ...], *, is_order_known: bool = True) -> Iterator[Row]:
    """Each line as a row. The places of the columns are settled with the first line of content."""
    coming = iter(lines)
    header = _cells(next(coming, b"").removeprefix(b"\xef\xbb\xbf"))
    names: list[str] | None = None
    for line in coming:
        cells = _cells(line)
        if not any(cells):
            continue
        names = names or _names(header, cells, columns, is_order_known=is_order_known)
        row = dict.fromkeys(columns, "") | dict(zip(names, cells, strict=False))
        yield row
    if names is None and len(header) < len(columns):
        raise WrongColumns


def _names(header: list[str], first: list[str], columns: tuple[str, ...], *, is_order_known: bool) -> list[str]:
    """The columns' names by place: the header's own where they are English, else the documented order, if the order id
    stands where it should."""
    english = [re.sub(r"[\s_]+", "-", name.strip().lower()) for name in header]
    if set(columns) <= {*english, "price-designation", "purchase-order-number", "is-business-order"}:
        return english
    if not is_order_known:
        raise WrongColumns
    number = columns.index("amazon-order-id" if "amazon-order-id" in columns else "order-id")
    if len(header) >= len(columns) and len(first) > number and _is_id(first[number]):
        return [*columns, *english[len(columns) :]]
    raise WrongColumns


def _is_id(text: str) -> bool:
    return bool(ORDER_ID.fullmatch(text) or MULTI_CHANNEL_ID.fullmatch(text))


def _cells(line: bytes) -> list[str]:
    return [cell.strip().strip('"').replace("\0", "") for cell in _decoded(line).rstrip("\r\n").split("\t")]


def _decoded(line: bytes) -> str:
    """By line: Amazon's files name no encoding, and titles of several marketplaces may stand in one."""
    for encoding in ("utf-8", "cp932", "cp1252"):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Western text is often valid cp932 too, and then full of half-width kana.
        if encoding != "cp932" or not re.search("[\uff61-\uff9f]", text):
            return text
    return line.decode("latin-1")


def _status(text: str) -> OrderStatus:
    """Amazon writes "Shipped - Delivered to Buyer" and the like: the first part says it."""
    plain = re.sub(r"[^a-z]", "", text.partition(" - ")[0].lower())
    return _STATUSES.get(plain, OrderStatus.UNRECOGNISED)


def _country(text: str) -> str:
    return text.upper() if re.fullmatch("[A-Za-z]{2}", text) else ""


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else None


def _number(text: str) -> Decimal | None:
    """An amount with a point or, in some marketplaces, a comma."""
    try:
        value = Decimal(text.replace(",", ".")) if text else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() and abs(value) < _MOST_MONEY else None


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> datetime | None:
    """A day or an instant; a day without a zone is taken for one in UTC: hours do not matter to a return."""
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
