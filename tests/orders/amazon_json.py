"""Orders in Amazon's JSON, for pages that the simulated Amazon would never make."""

from typing import Any

from amazon import reading
from amazon.values import OrdersPage

ORDER = "171-1234567-7654321"
ITALY = "APJ6JRA9NG5V4"
ALIAS = "5r27lqfzscx6cpl@marketplace.amazon.it"


def an_item(**parts: Any) -> dict[str, Any]:
    return {
        "orderItemId": "12345678901234",
        "quantityOrdered": 1,
        "product": {
            "asin": "B000000001",
            "title": "Lampada",
            "sellerSku": "LAMP-1",
            "price": {"unitPrice": {"amount": "49.99", "currencyCode": "EUR"}},
        },
        "fulfillment": {"packing": {"giftOption": {"giftMessage": "Tanti auguri, nonna"}}},
    } | parts


def an_order(**parts: Any) -> dict[str, Any]:
    """A shipped order of 25 October 2026, promised for the 28th to the 30th, full of personal data."""
    return {
        "orderId": ORDER,
        "createdTime": "2026-10-25T10:30:00Z",
        "lastUpdatedTime": "2026-10-31T15:45:00Z",
        "programs": ["PRIME"],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": ITALY},
        "buyer": {
            "buyerName": "Nome Cognome",
            "buyerEmail": ALIAS,
            "buyerCompanyName": "Ditta Segreta",
            "buyerPurchaseOrderNumber": "PO-SECRET",
        },
        "recipient": {"deliveryAddress": {"name": "Nome Cognome", "addressLine1": "Via Prova 1", "phone": "555-777"}},
        "proceeds": {"grandTotal": {"amount": "49.99", "currencyCode": "EUR"}},
        "fulfillment": {
            "fulfillmentStatus": "SHIPPED",
            "fulfilledBy": "MERCHANT",
            "deliverByWindow": {"earliestDateTime": "2026-10-28T00:00:00Z", "latestDateTime": "2026-10-30T12:00:00Z"},
        },
        "orderItems": [an_item()],
        "packages": [{"packageStatus": {"status": "DELIVERED"}, "trackingNumber": "1Z99"}],
    } | parts


def a_page(*orders: Any, next_token: str | None = None, until: str = "2026-11-01T00:00:00Z") -> OrdersPage:
    """A page as the client would read it."""
    body: dict[str, Any] = {"orders": list(orders), "lastUpdatedBefore": until}
    return reading.orders_page(body | ({"pagination": {"nextToken": next_token}} if next_token else {}))
