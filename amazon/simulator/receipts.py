"""Everything that reached a buyer, or would have: one row per accepted message or solicitation, with its outcome."""

from dataclasses import dataclass
from typing import Any

from amazon.simulator import clock
from amazon.simulator.buyers import Buyer
from amazon.simulator.orders import Order
from amazon.simulator.store import Store

DELIVERED = "delivered"
OPTED_OUT = "opted_out"
BLOCKED = "blocked"

EMAIL = "email"
SOLICITATION = "solicitation"
MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Writing:
    """What somebody wrote to a buyer. `kind` is email, solicitation or message; `message_id` is empty for the API."""

    kind: str
    sender: str
    subject: str
    body: str
    message_id: str = ""


def keep(store: Store, writing: Writing, order: Order, buyer: Buyer, outcome: str) -> bool:
    """Write a receipt down. True when a mail with the same Message-ID came before: the sender sent it twice."""
    with store.write() as connection:
        known = (
            writing.message_id
            and connection.execute(
                "SELECT 1 FROM receipts WHERE message_id = ? LIMIT 1", (writing.message_id,)
            ).fetchone()
        )
        connection.execute(
            "INSERT INTO receipts (at, kind, outcome, selling_partner_id, order_id, buyer_id, alias, message_id,"
            " is_double, sender, subject, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                clock.now(), writing.kind, outcome, order.selling_partner_id, order.order_id, buyer.buyer_id,
                buyer.alias, writing.message_id, bool(known), writing.sender, writing.subject, writing.body,
            ),
        )  # fmt: skip
    return bool(known)


def has_solicitation(store: Store, order_id: str) -> bool:
    """Whether a solicitation was accepted for this order before."""
    found = store.row("SELECT 1 FROM receipts WHERE order_id = ? AND kind = ?", order_id, SOLICITATION)
    return found is not None


def doubles(store: Store) -> int:
    """How often a buyer was written to twice: mails with a Message-ID that had come before, and orders with a second
    message or request, by whatever channel and account."""
    same_mail = store.number("SELECT count(*) FROM receipts WHERE is_double")
    same_order = store.number(
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM receipts WHERE NOT is_double GROUP BY order_id)"
    )
    return same_mail + same_order


def as_json(store: Store, order_id: str = "") -> list[dict[str, Any]]:
    """All receipts, oldest first, as the control API shows them."""
    rows = store.rows("SELECT * FROM receipts WHERE ? IN ('', order_id) ORDER BY receipt_id", order_id)
    return [dict(row) | {"at": clock.iso(row["at"]), "is_double": bool(row["is_double"])} for row in rows]
