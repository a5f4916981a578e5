"""The list of calls that the page shows: what was asked, by whom, and how it was answered."""

from dataclasses import dataclass

from amazon.simulator import clock
from amazon.simulator.store import Store

KEPT = 5000


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange over HTTP. `message` is the reason of a refusal or a short remark."""

    operation: str
    method: str
    path: str
    query: str
    selling_partner_id: str
    status: int
    message: str
    request_id: str


def record(store: Store, call: Call) -> None:
    """Keep a call; only the newest few thousand stay."""
    with store.write() as connection:
        made = connection.execute(
            "INSERT INTO calls (at, operation, method, path, query, selling_partner_id, status, message, request_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                clock.now(), call.operation, call.method, call.path, call.query, call.selling_partner_id,
                call.status, call.message, call.request_id,
            ),
        )  # fmt: skip
        if (made.lastrowid or 0) % 500 == 0:
            connection.execute("DELETE FROM calls WHERE call_id <= ?", ((made.lastrowid or 0) - KEPT,))
