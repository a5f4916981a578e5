"""Notifications v1: destinations of the application, subscriptions of its sellers (AMAZON.md 1.5)."""

import re
import secrets
from typing import Any

from amazon.simulator import clock
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import Answer, ApiRefused, Inquiry, Operation, body_of, invalid_parameters

RATE = Plan(1, 5)
TYPES = {"ORDER_CHANGE"}


def get_destinations(inquiry: Inquiry) -> Answer:
    """All destinations."""
    inquiry.only()
    rows = inquiry.simulation.store.rows("SELECT * FROM destinations ORDER BY destination_id")
    return Answer({"payload": [_destination(row) for row in rows]})


def create_destination(inquiry: Inquiry) -> Answer:
    """A queue becomes a destination, once."""
    wanted = body_of(inquiry)
    specification = wanted.get("resourceSpecification")
    arn = specification.get("sqs", {}).get("arn") if isinstance(specification, dict) else None
    if not isinstance(wanted.get("name"), str):
        raise invalid_parameters("name")
    if not isinstance(arn, str) or not re.fullmatch(r"arn:aws:sqs:\S+:\S+:\S+", arn):
        raise invalid_parameters("resourceSpecification")
    store = inquiry.simulation.store
    if store.row("SELECT 1 FROM destinations WHERE arn = ?", arn):
        raise ApiRefused(409, "Conflict", "A destination already exists for this resource.")
    with store.write() as connection:
        connection.execute("INSERT INTO destinations VALUES (?, ?, ?)", (secrets.token_hex(16), wanted["name"], arn))
    return Answer({"payload": _destination(store.row("SELECT * FROM destinations WHERE arn = ?", arn))})


def get_subscription(inquiry: Inquiry) -> Answer:
    """The seller's subscription of a type, or 404."""
    inquiry.only("payloadVersion")
    return Answer({"payload": _subscription(_find(inquiry))})


def create_subscription(inquiry: Inquiry) -> Answer:
    """One for each seller and type. From now on, not for what has been."""
    wanted = body_of(inquiry)
    if inquiry.order_id not in TYPES:
        raise invalid_parameters("notificationType")
    if wanted.get("payloadVersion") != "1.0":
        raise invalid_parameters("payloadVersion")
    store = inquiry.simulation.store
    if not store.row("SELECT 1 FROM destinations WHERE destination_id = ?", str(wanted.get("destinationId"))):
        raise invalid_parameters("destinationId")
    seller = inquiry.account.selling_partner_id
    if store.row("SELECT 1 FROM subscriptions WHERE selling_partner_id = ?", seller):
        raise ApiRefused(409, "Conflict", "Subscription already exists.")
    with store.write() as connection:
        connection.execute(
            "INSERT INTO subscriptions VALUES (?, ?, ?, ?)",
            (secrets.token_hex(16), seller, wanted["destinationId"], clock.now()),
        )
    return Answer({"payload": _subscription(_find(inquiry))})


def delete_subscription(inquiry: Inquiry) -> Answer:
    """By its id, whichever seller's it is: the application asks, not the seller."""
    inquiry.only()
    with inquiry.simulation.store.write() as connection:
        gone = connection.execute("DELETE FROM subscriptions WHERE subscription_id = ?", (inquiry.order_id,)).rowcount
    if not gone:
        raise ApiRefused(404, "NotFound", "No subscription was found.")
    return Answer({})


def _find(inquiry: Inquiry) -> Any:
    row = inquiry.simulation.store.row(
        "SELECT * FROM subscriptions WHERE selling_partner_id = ?", inquiry.account.selling_partner_id
    )
    if row is None or inquiry.order_id not in TYPES:
        raise ApiRefused(404, "NotFound", "No subscription was found.")
    return row


def _subscription(row: Any) -> dict[str, str]:
    return {
        "subscriptionId": row["subscription_id"],
        "payloadVersion": "1.0",
        "destinationId": row["destination_id"],
    }


def _destination(row: Any) -> dict[str, Any]:
    return {
        "destinationId": row["destination_id"],
        "name": row["name"],
        "resource": {"sqs": {"arn": row["arn"]}},
    }


_SUBSCRIPTIONS = "/notifications/v1/subscriptions/{notificationType}"
_DESTINATIONS = "/notifications/v1/destinations"
OPERATIONS = [
    Operation("getDestinations", "GET", _DESTINATIONS, RATE, get_destinations, is_grantless=True),
    Operation("createDestination", "POST", _DESTINATIONS, RATE, create_destination, is_grantless=True),
    Operation("getSubscription", "GET", _SUBSCRIPTIONS, RATE, get_subscription),
    Operation("createSubscription", "POST", _SUBSCRIPTIONS, RATE, create_subscription),
    Operation(
        "deleteSubscriptionById",
        "DELETE",
        "/notifications/v1/subscriptions/ORDER_CHANGE/{subscriptionId}",
        RATE,
        delete_subscription,
        is_grantless=True,
    ),
]
