"""The queue that order changes come through, as far as a consumer of Amazon SQS needs it: receive and delete.

SQS's JSON protocol under `/queue`; signatures are not checked. A message that was received is hidden for 30 seconds and
comes again when it was not deleted by then: at least once, as with Amazon. The changes themselves are found when
somebody asks: an order's steps come true by themselves, and each one that has, since the last look, is a message.
"""

import hashlib
import json
import secrets
import time
import uuid
from typing import Any

from flask import Blueprint, Response, request

from amazon.simulator import clock, orders
from amazon.simulator.orders import Order
from amazon.simulator.simulation import APPLICATION_ID, Simulation

HIDDEN_SECONDS = 30.0
LONGEST_WAIT = 20.0
LOOK_AGAIN = 0.25
_STATUSES = {
    "PENDING": "Pending", "PENDING_AVAILABILITY": "PendingAvailability", "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped", "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}  # fmt: skip


def blueprint(simulation: Simulation) -> Blueprint:
    """One queue: whatever its address says."""
    doors = Blueprint("queue", __name__)

    @doors.post("/queue/")
    @doors.post("/queue")
    def ask() -> Response:
        given = json.loads(request.get_data() or b"{}")
        match request.headers.get("X-Amz-Target", "").partition(".")[2]:
            case "ReceiveMessage":
                return _answer(_receive(simulation, given))
            case "DeleteMessageBatch":
                return _answer(_delete(simulation, given))
        return Response(json.dumps({"__type": "com.amazonaws.sqs#UnsupportedOperation"}), status=400)

    return doors


def send(simulation: Simulation, body: str) -> str:
    """Put any text into the queue; returns its id."""
    message_id = str(uuid.uuid4())
    with simulation.store.write() as connection:
        connection.execute("INSERT INTO queue VALUES (?, ?, '', 0)", (message_id, body))
    return message_id


def notification(simulation: Simulation, order: Order, at: float, **parts: Any) -> dict[str, Any]:
    """An ORDER_CHANGE of this order, as Amazon's schema has it."""
    state = orders.situation(order, at)
    subscription = simulation.store.row(
        "SELECT * FROM subscriptions WHERE selling_partner_id = ?", order.selling_partner_id
    )
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": clock.iso(at),
        "Payload": {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": parts.get("seller_id") or order.selling_partner_id,
                "AmazonOrderId": order.order_id,
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": clock.iso(at), "ChangeReason": "OrderStatusChange"},
                "Summary": {
                    "MarketplaceId": order.marketplace_id,
                    "OrderStatus": _STATUSES[state.status],
                    "PurchaseDate": clock.iso(order.created_at),
                    "DestinationPostalCode": "00000",
                    "FulfillmentType": "AFN" if order.fulfilled_by == "AMAZON" else "MFN",
                    "OrderType": "StandardOrder",
                },
            }
        },
        "NotificationMetadata": {
            "ApplicationId": APPLICATION_ID,
            "SubscriptionId": subscription["subscription_id"] if subscription else "none",
            "PublishTime": clock.iso(clock.now()),
            "NotificationId": parts.get("notification_id") or str(uuid.uuid4()),
        },
    }


def _find_changes(simulation: Simulation) -> None:
    """Put into the queue what has happened to the orders of subscribers since the last look."""
    now, store = clock.now(), simulation.store
    with store.write() as connection:
        for row in connection.execute("SELECT * FROM subscriptions").fetchall():
            for order in orders.of_account(store, row["selling_partner_id"]):
                for step in order.steps:
                    if row["looked_at"] < step.at <= now:
                        send(simulation, json.dumps(notification(simulation, order, step.at)))
        connection.execute("UPDATE subscriptions SET looked_at = ?", (now,))


def _receive(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + min(float(given.get("WaitTimeSeconds", 0)), LONGEST_WAIT)
    most = int(given.get("MaxNumberOfMessages", 1))
    while True:
        _find_changes(simulation)
        if taken := _take(simulation, most):
            return {"Messages": taken}
        if time.monotonic() >= until:
            return {}
        time.sleep(LOOK_AGAIN)


def _take(simulation: Simulation, most: int) -> list[dict[str, Any]]:
    now, taken = clock.now(), []
    with simulation.store.write() as connection:
        rows = connection.execute(
            "SELECT rowid, * FROM queue WHERE visible_at <= ? ORDER BY rowid LIMIT ?", (now, most)
        ).fetchall()
        for row in rows:
            receipt = secrets.token_hex(16)
            connection.execute(
                "UPDATE queue SET receipt = ?, visible_at = ? WHERE rowid = ?", (receipt, now + HIDDEN_SECONDS, row[0])
            )
            digest = hashlib.md5(row["body"].encode(), usedforsecurity=False).hexdigest()
            taken.append(
                {
                    "MessageId": row["message_id"],
                    "ReceiptHandle": receipt,
                    "Body": row["body"],
                    "MD5OfBody": digest,
                }
            )
    return taken


def _delete(simulation: Simulation, given: dict[str, Any]) -> dict[str, Any]:
    with simulation.store.write() as connection:
        for entry in given["Entries"]:
            connection.execute("DELETE FROM queue WHERE receipt = ?", (entry["ReceiptHandle"],))
    return {"Successful": [{"Id": entry["Id"]} for entry in given["Entries"]], "Failed": []}


def _answer(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), mimetype="application/x-amz-json-1.0")
