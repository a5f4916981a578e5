"""What stands in a report: tab-separated lines, in the header language and the encoding of the seller's marketplace."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from amazon.simulator import accounts, clock, orders
from amazon.simulator.orders import Order, Situation
from amazon.simulator.places import PLACES
from amazon.simulator.store import Store

ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
FBA_RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
FEEDBACK = "GET_SELLER_FEEDBACK_DATA"
SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
TYPES = {ALL_ORDERS, RETURNS, FBA_RETURNS, FEEDBACK, SHIPMENTS}
Span = tuple[float | None, float | None]

ORDER_COLUMNS = (
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel"
    " order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax"
    " shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount"
    " ship-city ship-state ship-postal-code ship-country promotion-ids is-business-order purchase-order-number"
    " price-designation"
).split()
RETURN_COLUMNS = [
    "Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "ASIN", "Merchant SKU",
    "Return quantity", "Return Reason", "Refunded Amount",
]  # fmt: skip
FBA_COLUMNS = ["return-date", "order-id", "sku", "asin", "fnsku", "product-name", "quantity", "reason", "status"]
SHIPMENT_COLUMNS = [
    "amazon-order-id", "shipment-id", "purchase-date", "shipment-date", "buyer-email", "buyer-name", "sku",
    "quantity-shipped", "ship-city", "carrier", "tracking-number", "estimated-arrival-date", "fulfillment-channel",
]  # fmt: skip
FEEDBACK_COLUMNS = ["Date", "Rating", "Comments", "Response", "Order ID", "Rater Email"]
GERMAN_FEEDBACK = ["Datum", "Bewertung", "Kommentare", "Antwort", "Bestellnummer", "E-Mail des Bewerters"]
_STATUSES = {
    "PENDING": "Pending", "PENDING_AVAILABILITY": "Pending", "UNSHIPPED": "Unshipped", "CANCELLED": "Cancelled",
    "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped", "UNFULFILLABLE": "Unfulfillable",
}  # fmt: skip


def text_of(store: Store, selling_partner_id: str, kind: str, marketplace_ids: set[str], span: Span) -> bytes:
    """The whole document."""
    account = accounts.find(store, selling_partner_id)
    is_german = account is not None and account.language.startswith("de")
    now = clock.now()
    found = [order for order in orders.of_account(store, selling_partner_id) if order.marketplace_id in marketplace_ids]
    match kind:
        case "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL":
            header, rows = ORDER_COLUMNS, _orders(found, span, now)
        case "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE":
            header, rows = RETURN_COLUMNS, _returns(found, span, now)
        case "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA":
            header, rows = FBA_COLUMNS, _fba_returns(found, span, now)
        case "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL":
            header, rows = SHIPMENT_COLUMNS, _shipments(found, span, now)
        case _:
            header, rows = GERMAN_FEEDBACK if is_german else FEEDBACK_COLUMNS, _feedback(found, span, now)
    text = "\r\n".join("\t".join(row) for row in [header, *rows]) + "\r\n"
    return text.encode("cp1252" if is_german else "utf-8", "replace")


def _within(at: float, span: Span, now: float) -> bool:
    return (span[0] or 0.0) <= at <= min(span[1] or now, now)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat()


def _orders(found: list[Order], span: Span, now: float) -> Iterator[list[str]]:
    for order in found:
        state = orders.situation(order, now)
        if _within(state.updated_at, span, now):
            yield from _order(order, state)


def _order(order: Order, state: Situation) -> Iterator[list[str]]:
    place = PLACES[order.marketplace_id]
    for item in order.items:
        values = {
            "amazon-order-id": order.order_id,
            "purchase-date": _stamp(order.created_at),
            "last-updated-date": _stamp(state.updated_at),
            "order-status": _STATUSES[state.status],
            "fulfillment-channel": "Amazon" if order.fulfilled_by == "AMAZON" else "Merchant",
            "sales-channel": "Non-Amazon" if order.is_sold_elsewhere else place.domain.capitalize(),
            "ship-service-level": order.service_level.capitalize(),
            "product-name": " ".join(item.title.split()),
            "sku": item.sku,
            "asin": item.asin,
            "quantity": str(item.quantity),
            "ship-country": place.country,
            "ship-city": "Sampletown",
            "ship-postal-code": "00000",
            "is-business-order": str("AMAZON_BUSINESS" in order.programs).lower(),
        }
        if state.status != "PENDING":
            price = Decimal("0.00") if order.replaces else Decimal(item.unit_price) * item.quantity
            values |= {"currency": place.currency, "item-price": str(price), "promotion-ids": item.promotion_id}
        yield [values.get(name, "") for name in ORDER_COLUMNS]


def _returns(found: list[Order], span: Span, now: float) -> Iterator[list[str]]:
    for order in found:
        if order.returned_at and order.fulfilled_by == "MERCHANT" and _within(order.returned_at, span, now):
            day, bought = (
                datetime.fromtimestamp(at, UTC).strftime("%d-%b-%Y") for at in (order.returned_at, order.created_at)
            )
            total = sum((Decimal(item.unit_price) * item.quantity for item in order.items), Decimal(0))
            refunded = str(total) if order.is_refunded else ""
            item = order.items[0]
            yield [
                order.order_id, bought, day, "Approved", "DRMA1", item.asin, item.sku, "1", "AMZ-PG-BAD-DESC", refunded,
            ]  # fmt: skip


def _fba_returns(found: list[Order], span: Span, now: float) -> Iterator[list[str]]:
    for order in found:
        if order.returned_at and order.fulfilled_by == "AMAZON" and _within(order.returned_at, span, now):
            item = order.items[0]
            title = " ".join(item.title.split())
            yield [
                _stamp(order.returned_at), order.order_id, item.sku, item.asin, "X000000001", title, "1",
                "NOT_COMPATIBLE", "Unit returned to inventory",
            ]  # fmt: skip


def _shipments(found: list[Order], span: Span, now: float) -> Iterator[list[str]]:
    """What Amazon has sent from its own warehouses, with the day on which it thinks that it arrives."""
    for order in found:
        state = orders.situation(order, now)
        left = order.ship_by[1]
        if order.fulfilled_by == "AMAZON" and state.status == "SHIPPED" and _within(left, span, now):
            for number, item in enumerate(order.items):
                yield [
                    order.order_id, f"D{number}", _stamp(order.created_at), _stamp(left), "x@marketplace.amazon.com",
                    "A. Buyer", item.sku, str(item.quantity), "Sampletown", "AMZN_US", "TBA000000001",
                    _stamp(order.deliver_by[1]), "AFN",
                ]  # fmt: skip


def _feedback(found: list[Order], span: Span, now: float) -> Iterator[list[str]]:
    for order in found:
        if 1 <= order.feedback_rating <= 3 and _within(order.deliver_by[1] + clock.DAY, span, now):
            day = datetime.fromtimestamp(order.deliver_by[1] + clock.DAY, UTC).strftime("%d/%m/%y")
            comment = "Arrived late; Grüße aus der Praxis"
            yield [day, str(order.feedback_rating), comment, "", order.order_id, "rater@marketplace.amazon.com"]
