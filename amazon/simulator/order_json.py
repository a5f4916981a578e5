"""An order in the form of Orders v2026-01-01 (AMAZON.md 1.3): which fields, for whom, and when."""

from decimal import Decimal
from typing import Any

from amazon.simulator.buyers import Buyer
from amazon.simulator.clock import iso
from amazon.simulator.orders import Item, Order, Situation
from amazon.simulator.places import PLACES

INCLUDED_DATA = {
    "BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX",
    "PAYMENT", "FULFILLMENT_ORDERS",
}  # fmt: skip
# AMAZON.md 0.2: the alias exists for merchant-fulfilled orders in these states, and for the restricted role only.
ALIAS_STATUSES = {"UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"}


def render(order: Order, state: Situation, buyer: Buyer, included: set[str], *, may_see_alias: bool) -> dict[str, Any]:
    """One `Order` object. `may_see_alias` is the caller's restricted role."""
    place = PLACES[order.marketplace_id]
    is_pending = state.status in ("PENDING", "PENDING_AVAILABILITY")
    shown: dict[str, Any] = {
        "orderId": order.order_id,
        "createdTime": iso(order.created_at),
        "lastUpdatedTime": iso(state.updated_at),
        "programs": list(order.programs),
        "salesChannel": {"channelName": "NON_AMAZON"}
        if order.is_sold_elsewhere
        else {
            "channelName": "AMAZON",
            "marketplaceId": place.marketplace_id,
            "marketplaceName": place.name,
        },
        "orderItems": [_item(item, state, included, place.currency, is_pending) for item in order.items],
    }
    if order.replaces:
        shown["associatedOrders"] = [{"orderId": order.replaces, "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    if "BUYER" in included:
        allowed = may_see_alias and order.fulfilled_by == "MERCHANT" and state.status in ALIAS_STATUSES
        shown["buyer"] = {"buyerEmail": buyer.alias} if allowed else {}
    if "FULFILLMENT" in included:
        shown["fulfillment"] = {
            "fulfillmentStatus": state.status,
            "fulfilledBy": order.fulfilled_by,
            "fulfillmentServiceLevel": order.service_level,
            "shipByWindow": _window(order.ship_by),
        }
        if order.tells_promise:
            shown["fulfillment"]["deliverByWindow"] = _window(order.deliver_by)
    if "PROCEEDS" in included and not is_pending:
        total = sum((Decimal(item.unit_price) * item.quantity for item in order.items), Decimal(0))
        # A replacement is free of charge, whatever its items cost.
        shown["proceeds"] = {"grandTotal": _money("0.00" if order.replaces else str(total), place.currency)}
    if "PACKAGES" in included and order.fulfilled_by == "MERCHANT" and state.package:
        shown["packages"] = [_package(order, state)]
    return shown


def _item(item: Item, state: Situation, included: set[str], currency: str, is_pending: bool) -> dict[str, Any]:
    product: dict[str, Any] = {
        "asin": item.asin,
        "title": item.title,
        "sellerSku": item.sku,
        "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
    }
    if not is_pending:
        product["price"] = {"unitPrice": _money(item.unit_price, currency)}
        if item.is_business_price:
            product["price"]["priceDesignation"] = "BUSINESS_PRICE"
    shown: dict[str, Any] = {
        "orderItemId": item.order_item_id,
        "quantityOrdered": item.quantity,
        "product": product,
    }
    if "PROCEEDS" in included and not is_pending:
        total = _money(str(Decimal(item.unit_price) * item.quantity), currency)
        shown["proceeds"] = {"proceedsTotal": total, "breakdowns": [{"type": "ITEM", "subtotal": total}]}
    if "PROMOTION" in included and item.promotion_id and not is_pending:
        shown["promotion"] = {"breakdowns": [{"promotionId": item.promotion_id}]}
    if "CANCELLATION" in included:
        cancellation = _cancellation(state)
        if cancellation:
            shown["cancellation"] = cancellation
    if "FULFILLMENT" in included:
        shown["fulfillment"] = _item_fulfilment(item, state, is_pending)
    return shown


def _cancellation(state: Situation) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if state.cancel_reason:
        shown["cancellationRequest"] = {"requester": "BUYER", "cancelReason": state.cancel_reason}
    if state.cancelled_by:
        shown["cancellationExecution"] = {"cancelledBy": state.cancelled_by}
    return shown


def _item_fulfilment(item: Item, state: Situation, is_pending: bool) -> dict[str, Any]:
    fulfilled = item.quantity if state.status == "SHIPPED" else 0
    shown: dict[str, Any] = {
        "quantityFulfilled": fulfilled,
        "quantityUnfulfilled": 0 if state.status == "CANCELLED" else item.quantity - fulfilled,
    }
    if item.is_gift and not is_pending:
        shown["packing"] = {"giftOption": {"giftWrapLevel": "CLASSIC"}}
    return shown


def _package(order: Order, state: Situation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "packageReferenceId": "1",
        "packageStatus": {"status": state.package},
        "carrier": "Simulated Parcel",
        "trackingNumber": "SP" + order.order_id.replace("-", ""),
        "packageItems": [{"orderItemId": item.order_item_id, "quantity": item.quantity} for item in order.items],
    }
    if state.shipped_at is not None:
        shown["shipTime"] = iso(state.shipped_at)
    return shown


def _window(window: tuple[float, float]) -> dict[str, str]:
    return {"earliestDateTime": iso(window[0]), "latestDateTime": iso(window[1])}


def _money(amount: str, currency: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}
