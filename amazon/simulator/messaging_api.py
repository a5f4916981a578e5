"""Messaging v1: which message types an order has, the buyer's language, and the types with a text (AMAZON.md 1.1)."""

import json
import re
from dataclasses import dataclass
from typing import Any

from amazon.simulator import buyers, clock, orders, receipts
from amazon.simulator.orders import Order
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import HAL, Answer, ApiRefused, Inquiry, Operation, unauthorized
from amazon.simulator.solicitations_api import order_of

BASE = "/messaging/v1/orders/{amazonOrderId}"
NOT_ALLOWED = "Invalid amazonOrderId and template combination."
_HTML = re.compile(r"<[a-zA-Z/!][^>]*>|&[a-zA-Z]+;|&#[0-9]+;")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}\.[a-zA-Z]{2,24}")


@dataclass(frozen=True, slots=True)
class MessageType:
    """One message type with a text: its name in the path, its operation, when it is offered, whether it is critical."""

    name: str
    operation: str
    longest: int
    offered_in: tuple[str, ...]
    is_critical: bool
    subject: str


TYPES = (
    MessageType(
        "confirmCustomizationDetails", "confirmCustomizationDetails", 800, ("UNSHIPPED",), False,
        "A question about your customised product",
    ),
    MessageType(
        "confirmOrderDetails", "createConfirmOrderDetails", 2000, ("UNSHIPPED", "PARTIALLY_SHIPPED"), False,
        "A question about your order",
    ),
    MessageType(
        "confirmDeliveryDetails", "createConfirmDeliveryDetails", 2000, ("UNSHIPPED", "PARTIALLY_SHIPPED"), False,
        "A question about your delivery",
    ),
    MessageType(
        "unexpectedProblem", "createUnexpectedProblem", 2000, ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"), True,
        "A problem with your order",
    ),
)  # fmt: skip


def get_actions(inquiry: Inquiry) -> Answer:
    """The HAL list of message types that this order offers now."""
    order = order_of(inquiry)
    base = f"/messaging/v1/orders/{order.order_id}"
    query = f"?marketplaceIds={order.marketplace_id}"
    actions, embedded = [], []
    for kind in TYPES:
        if _is_offered(kind, order):
            path = f"{base}/messages/{kind.name}"
            action = {"href": f"{path}{query}", "name": kind.name}
            schema = {"href": f"{path}/schema", "name": kind.name}
            actions.append(action)
            embedded.append({"_links": {"self": action, "schema": schema}, "payload": {"name": kind.name}})
    links = {"actions": actions, "self": {"href": f"{base}{query}"}}
    return Answer({"_links": links, "_embedded": {"actions": embedded}})


def get_attributes(inquiry: Inquiry) -> Answer:
    """The buyer's language of preference."""
    order = order_of(inquiry)
    buyer = buyers.of_order(inquiry.simulation.store, order.buyer_id)
    return Answer({"buyer": {"locale": buyer.locale}})


def create(kind: MessageType, inquiry: Inquiry) -> Answer:
    """Take a message. A critical one reaches an opted-out buyer too; the others are accepted and dropped."""
    order = order_of(inquiry)
    text = _text(kind, inquiry.body)
    if not _is_offered(kind, order):
        raise unauthorized(NOT_ALLOWED)
    store = inquiry.simulation.store
    buyer = buyers.of_order(store, order.buyer_id)
    is_dropped = buyer.is_opted_out and not kind.is_critical
    writing = receipts.Writing(receipts.MESSAGE, inquiry.account.store_name, kind.subject, text)
    receipts.keep(store, writing, order, buyer, receipts.OPTED_OUT if is_dropped else receipts.DELIVERED)
    return Answer({}, 201)


def _is_offered(kind: MessageType, order: Order) -> bool:
    return orders.situation(order, clock.now()).status in kind.offered_in


def _text(kind: MessageType, body: bytes) -> str:
    """The text of a message, by Amazon's rules. Anything beside `text` in the body is refused."""
    try:
        given: Any = json.loads(body)
    except ValueError:
        raise _invalid("Request has missing or invalid parameters and cannot be parsed.") from None
    if not isinstance(given, dict) or set(given) != {"text"} or not isinstance(given["text"], str):
        raise _invalid("Request has missing or invalid parameters and cannot be parsed.")
    text: str = given["text"]
    if not 1 <= len(text) <= kind.longest:
        raise _invalid(f"The text must have 1 to {kind.longest} characters.")
    if _HTML.search(text):
        raise _invalid("The text must not contain HTML.")
    if _EMAIL.search(text):
        raise _invalid("The text must not contain email addresses.")
    return text


def _invalid(message: str) -> ApiRefused:
    return ApiRefused(400, "InvalidInput", message)


def _operation(kind: MessageType) -> Operation:
    return Operation(
        kind.operation, "POST", f"{BASE}/messages/{kind.name}", Plan(1, 5), lambda inquiry: create(kind, inquiry), HAL
    )


OPERATIONS = [
    Operation("getMessagingActionsForOrder", "GET", BASE, Plan(1, 5), get_actions, HAL),
    Operation("GetAttributes", "GET", f"{BASE}/attributes", Plan(1, 5), get_attributes, HAL),
    *(_operation(kind) for kind in TYPES),
]
