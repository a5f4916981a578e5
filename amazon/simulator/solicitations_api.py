"""Solicitations v1: may a review be asked for, and asking for it, once (AMAZON.md 1.2)."""

import threading
from typing import Any

from amazon.simulator import buyers, clock, orders, receipts
from amazon.simulator.amazon_texts import solicitation
from amazon.simulator.orders import Order
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import (
    HAL,
    Answer,
    ApiRefused,
    Inquiry,
    Operation,
    invalid_parameters,
    unauthorized,
)  # fmt: skip

TYPE = "productReviewAndSellerFeedback"
NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."
OUTSIDE_WINDOW = (
    "You can't use this feature to request a review outside the 5-30 day range after the order delivery date."
)
# From the check to the receipt: two requests at the same instant solicit once.
_ONE_AT_A_TIME = threading.Lock()
BASE = "/solicitations/v1/orders/{amazonOrderId}"


def get_actions(inquiry: Inquiry) -> Answer:
    """The HAL list of solicitation types; empty for an unshipped or solicited order and outside the window."""
    order = order_of(inquiry)
    self_link = f"/solicitations/v1/orders/{order.order_id}?marketplaceIds={order.marketplace_id}"
    is_open = _is_shipped(order) and _is_in_window(order) and not _is_solicited(inquiry, order)
    path = f"/solicitations/v1/orders/{order.order_id}/solicitations/{TYPE}"
    action = {"href": f"{path}?marketplaceIds={order.marketplace_id}", "name": TYPE}
    schema = {"href": f"{path}/schema", "name": TYPE}
    links: dict[str, Any] = {"actions": [action] if is_open else [], "self": {"href": self_link}}
    embedded = [{"_links": {"self": action, "schema": schema}, "payload": {"name": TYPE}}] if is_open else []
    return Answer({"_links": links, "_embedded": {"actions": embedded}})


def create(inquiry: Inquiry) -> Answer:
    """Send Amazon's own text to the buyer. 201 says accepted, not delivered: an opted-out buyer gets nothing."""
    order = order_of(inquiry)
    if inquiry.body.strip():
        raise ApiRefused(400, "InvalidInput", "Request has missing or invalid parameters and cannot be parsed.")
    with _ONE_AT_A_TIME:
        if not _is_shipped(order) or _is_solicited(inquiry, order):
            raise unauthorized(NOT_AVAILABLE)
        if not _is_in_window(order):
            raise unauthorized(OUTSIDE_WINDOW)
        store = inquiry.simulation.store
        buyer = buyers.of_order(store, order.buyer_id)
        subject, body = solicitation(order, buyer, inquiry.account.store_name)
        outcome = receipts.OPTED_OUT if buyer.is_opted_out else receipts.DELIVERED
        receipts.keep(store, receipts.Writing(receipts.SOLICITATION, "Amazon", subject, body), order, buyer, outcome)
    return Answer({}, 201)


def order_of(inquiry: Inquiry) -> Order:
    """The order of the path, checked against the token's seller and the one marketplace of the query."""
    inquiry.only("marketplaceIds")
    given = inquiry.values("marketplaceIds")
    if len(given) != 1:
        raise invalid_parameters("marketplaceIds")
    order = orders.find(inquiry.simulation.store, inquiry.order_id)
    if order is None or order.selling_partner_id != inquiry.account.selling_partner_id:
        raise ApiRefused(404, "NotFound", "The requested order does not exist.")
    if order.marketplace_id != given[0]:
        raise invalid_parameters("marketplaceIds")
    return order


def _is_shipped(order: Order) -> bool:
    return orders.situation(order, clock.now()).status == "SHIPPED"


def _is_in_window(order: Order) -> bool:
    """Amazon's documented window: 5 days after the earliest to 30 days after the latest promised delivery."""
    return order.deliver_by[0] + 5 * clock.DAY <= clock.now() <= order.deliver_by[1] + 30 * clock.DAY


def _is_solicited(inquiry: Inquiry, order: Order) -> bool:
    return receipts.has_solicitation(inquiry.simulation.store, order.order_id)


OPERATIONS = [
    Operation("getSolicitationActionsForOrder", "GET", BASE, Plan(1, 5), get_actions, HAL),
    Operation(
        "createProductReviewAndSellerFeedbackSolicitation", "POST", f"{BASE}/solicitations/{TYPE}", Plan(1, 5),
        create, HAL,
    ),
]  # fmt: skip
