"""Orders as the simulator keeps them: what was bought, and a list of steps that come true as the clock passes them.

An order's situation is never stored: it is folded from the steps whose instant has come, so a status changes (and
`lastUpdatedTime` with it) without anybody touching the row.
"""

import json
import secrets
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from amazon.simulator.store import Store


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order. `unit_price` is a decimal in the marketplace's currency, as text."""

    order_item_id: str
    sku: str
    asin: str
    title: str
    unit_price: str
    quantity: int = 1
    is_gift: bool = False
    promotion_id: str = ""
    is_business_price: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens to an order at an instant; empty fields change nothing."""

    at: float
    status: str = ""
    package: str = ""
    cancel_reason: str = ""
    cancelled_by: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `fulfilled_by` is MERCHANT or AMAZON; the windows are promises, from and to."""

    order_id: str
    selling_partner_id: str
    marketplace_id: str
    buyer_id: int
    fulfilled_by: str
    created_at: float
    ship_by: tuple[float, float]
    deliver_by: tuple[float, float]
    items: tuple[Item, ...]
    steps: tuple[Step, ...]
    programs: tuple[str, ...] = ()
    replaces: str = ""
    service_level: str = "STANDARD"
    returned_at: float | None = None
    is_refunded: bool = False
    feedback_rating: int = 0  # stars; 0: none
    tells_promise: bool = True  # the Orders API names `deliver_by`
    is_sold_elsewhere: bool = False  # in another shop of the seller's; Amazon only ships it


@dataclass(frozen=True, slots=True)
class Situation:
    """How an order stands at an instant."""

    status: str
    package: str
    updated_at: float
    shipped_at: float | None
    cancel_reason: str
    cancelled_by: str


def situation(order: Order, at: float) -> Situation:
    """Fold the steps that have happened by `at`."""
    status, package, updated_at = "PENDING", "", order.created_at
    shipped_at: float | None = None
    cancel_reason = cancelled_by = ""
    for step in order.steps:
        if step.at > at:
            break
        status, package, updated_at = step.status or status, step.package or package, step.at
        cancel_reason, cancelled_by = step.cancel_reason or cancel_reason, step.cancelled_by or cancelled_by
        if step.status == "SHIPPED":
            shipped_at = step.at
    return Situation(status, package, updated_at, shipped_at, cancel_reason, cancelled_by)


def read(row: sqlite3.Row) -> Order:
    """A row of the orders' table as a value."""
    document = json.loads(row["document"])
    document["items"] = tuple(Item(**item) for item in document["items"])
    document["steps"] = tuple(Step(**step) for step in document["steps"])
    for name in ("ship_by", "deliver_by", "programs"):
        document[name] = tuple(document[name])
    return Order(**document)


def find(store: Store, order_id: str) -> Order | None:
    """The order with this id, or None."""
    row = store.row("SELECT * FROM orders WHERE order_id = ?", order_id)
    return read(row) if row else None


def of_account(store: Store, selling_partner_id: str) -> list[Order]:
    """All orders of an account, oldest first."""
    rows = store.rows(
        "SELECT * FROM orders WHERE selling_partner_id = ? ORDER BY created_at, order_id", selling_partner_id
    )
    return [read(row) for row in rows]


def add(store: Store, orders: list[Order]) -> None:
    """Keep orders. One with a known id is replaced."""
    with store.write() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    order.order_id,
                    order.selling_partner_id,
                    order.marketplace_id,
                    order.buyer_id,
                    order.created_at,
                    order.deliver_by[1],
                    json.dumps(_document(order), separators=(",", ":")),
                )
                for order in orders
            ],
        )


def _document(order: Order) -> dict[str, Any]:
    document = asdict(order)
    document["steps"] = sorted(document["steps"], key=lambda step: step["at"])
    return document


def new_order_id(*, is_sold_elsewhere: bool = False) -> str:
    """A fresh order id in Amazon's 3-7-7 form; where Amazon only ships, it begins with S01."""
    first = "S01" if is_sold_elsewhere else 100 + secrets.randbelow(600)
    return f"{first}-{secrets.randbelow(10**7):07d}-{secrets.randbelow(10**7):07d}"


def new_order_item_id() -> str:
    """A fresh order item id: 14 digits."""
    return f"{10**13 + secrets.randbelow(9 * 10**13)}"
