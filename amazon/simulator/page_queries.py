"""What the simulator's pages show: questions to the state file, one page of rows at a time."""

import json
import sqlite3
from dataclasses import dataclass

from amazon.simulator import accounts, clock, receipts
from amazon.simulator.store import Store

PAGE = 25
# The sellers' default campaign writes this long after the promised delivery.
CHECK_IN_AFTER = 2 * clock.DAY


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a longer list. `number` counts from 1; `total` is the length of the whole list."""

    rows: list[sqlite3.Row]
    number: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PAGE))


def _page(store: Store, select: str, order: str, values: tuple[object, ...], number: int) -> Page:
    total = store.number(f"SELECT count(*) FROM ({select})", *values)  # noqa: S608 - the SQL below, no input
    number = max(1, min(number, -(-total // PAGE)))
    rows = store.rows(f"{select} ORDER BY {order} LIMIT ? OFFSET ?", *values, PAGE, (number - 1) * PAGE)
    return Page(rows, number, total)


def buyers(store: Store, search: str, opted_out_only: bool, number: int) -> Page:
    """Buyers by name, alias or order id, those with the newest message first."""
    like = f"%{search.strip().lower()}%"
    select = (
        "SELECT b.*, (SELECT count(*) FROM receipts r WHERE r.buyer_id = b.buyer_id AND r.outcome = 'delivered')"
        " AS messages, (SELECT max(at) FROM receipts r WHERE r.buyer_id = b.buyer_id) AS last_at,"
        " (SELECT count(*) FROM orders o WHERE o.buyer_id = b.buyer_id) AS orders,"
        " (SELECT count(DISTINCT selling_partner_id) FROM orders o WHERE o.buyer_id = b.buyer_id) AS sellers"
        " FROM buyers b WHERE (? = '%%' OR lower(b.name) LIKE ? OR b.alias LIKE ? OR b.buyer_id IN"
        " (SELECT buyer_id FROM orders WHERE order_id LIKE ?)) AND (? = 0 OR b.opted_out_at IS NOT NULL)"
    )
    order = "last_at IS NULL, last_at DESC, buyer_id"
    return _page(store, select, order, (like, like, like, like, opted_out_only), number)


def coming(store: Store, search: str, number: int) -> Page:
    """Merchant-fulfilled orders of buyers who take messages, the longest delivered first, not older than two days.

    That is the order in which the sellers' default campaign will write to them.
    """
    like = f"%{search.strip().lower()}%"
    select = (
        "SELECT o.order_id, o.due_from, a.store_name, b.buyer_id, b.name, b.alias FROM orders o"
        " JOIN buyers b USING (buyer_id) JOIN accounts a USING (selling_partner_id)"
        " WHERE b.opted_out_at IS NULL AND json_extract(o.document, '$.fulfilled_by') = 'MERCHANT'"
        " AND o.document NOT LIKE '%\"CANCELLED\"%' AND o.due_from > ?"
        " AND (? = '%%' OR lower(b.name) LIKE ? OR b.alias LIKE ? OR o.order_id LIKE ?)"
    )
    values = (clock.now() - CHECK_IN_AFTER, like, like, like, like)
    return _page(store, select, "o.due_from, o.order_id", values, number)


def box(store: Store, buyer_id: int) -> list[sqlite3.Row]:
    """Everything written to a buyer, newest first."""
    return store.rows(
        "SELECT r.*, a.store_name FROM receipts r JOIN accounts a USING (selling_partner_id) WHERE buyer_id = ?"
        " ORDER BY receipt_id DESC LIMIT 200",
        buyer_id,
    )


def orders_of(store: Store, buyer_id: int) -> list[sqlite3.Row]:
    """A buyer's orders with the sellers' names, newest promise first."""
    return store.rows(
        "SELECT o.*, a.store_name FROM orders o JOIN accounts a USING (selling_partner_id) WHERE buyer_id = ?"
        " ORDER BY due_from DESC",
        buyer_id,
    )


def latest_receipts(store: Store, limit: int) -> list[sqlite3.Row]:
    """The newest things written to buyers."""
    return store.rows(
        "SELECT r.*, a.store_name, b.name FROM receipts r JOIN accounts a USING (selling_partner_id)"
        " JOIN buyers b USING (buyer_id) ORDER BY receipt_id DESC LIMIT ?",
        limit,
    )


def notices(store: Store, number: int) -> Page:
    """Notices and other mail to the product, newest first, with the state of their delivery."""
    select = (
        "SELECT n.notice_id, n.at, n.order_id, n.mode, n.addressed_to, n.subject, a.store_name, o.state, o.attempts,"
        " o.last_answer, o.delivered_at FROM notices n JOIN accounts a USING (selling_partner_id)"
        " LEFT JOIN outgoing o ON o.notice_id = n.notice_id"
    )
    return _page(store, select, "n.notice_id DESC", (), number)


def other_letters(store: Store) -> list[sqlite3.Row]:
    """Mail in the queue that is no notice of ours: the demo's odd letters, tests' letters."""
    return store.rows("SELECT * FROM outgoing WHERE notice_id IS NULL ORDER BY outgoing_id DESC LIMIT 20")


def calls(store: Store, operation: str, seller: str, refused_only: bool, number: int) -> Page:
    """Calls over HTTP, newest first."""
    select = (
        "SELECT c.*, a.store_name FROM calls c LEFT JOIN accounts a USING (selling_partner_id)"
        " WHERE ? IN ('', operation) AND ? IN ('', selling_partner_id) AND (? = 0 OR status >= 400)"
    )
    return _page(store, select, "call_id DESC", (operation, seller, refused_only), number)


def operations(store: Store) -> list[str]:
    """The operations that were called so far."""
    return [row["operation"] for row in store.rows("SELECT DISTINCT operation FROM calls ORDER BY operation")]


def people_mail(store: Store, search: str, number: int) -> Page:
    """Mail that the site wrote to people, newest first."""
    like = f"%{search.strip().lower()}%"
    select = "SELECT * FROM people_mail WHERE ? = '%%' OR recipient LIKE ? OR lower(subject) LIKE ?"
    return _page(store, select, "mail_id DESC", (like, like, like), number)


def relay_refusals(store: Store, number: int) -> Page:
    """What the relay refused, newest first."""
    return _page(store, "SELECT * FROM relay_refusals", "refusal_id DESC", (), number)


def account_figures(store: Store) -> list[dict[str, object]]:
    """Every account with its numbers."""
    rows = store.rows(
        "SELECT a.*, (SELECT count(*) FROM orders o WHERE o.selling_partner_id = a.selling_partner_id) AS orders,"
        " (SELECT count(*) FROM receipts r WHERE r.selling_partner_id = a.selling_partner_id"
        " AND r.outcome = 'delivered') AS delivered,"
        " (SELECT count(*) FROM notices n WHERE n.selling_partner_id = a.selling_partner_id) AS notices"
        " FROM accounts a ORDER BY a.rowid"
    )
    return [
        dict(row)
        | {
            "marketplace_ids": json.loads(row["marketplace_ids"]),
            "approved_senders": json.loads(row["approved_senders"]),
            "is_revoked": accounts.is_revoked(store, row["selling_partner_id"]),
            "is_throttled": accounts.is_throttled(store, row["selling_partner_id"]),
        }
        for row in rows
    ]


def figures(store: Store) -> dict[str, int]:
    """The numbers at the top of the first page."""
    return {
        "delivered": store.number("SELECT count(*) FROM receipts WHERE outcome = 'delivered'"),
        "kept_back": store.number("SELECT count(*) FROM receipts WHERE outcome = 'opted_out'"),
        "notices": store.number("SELECT count(*) FROM notices"),
        "opted_out": store.number("SELECT count(*) FROM buyers WHERE opted_out_at IS NOT NULL"),
        "refused": store.number("SELECT count(*) FROM calls WHERE status >= 400")
        + store.number("SELECT count(*) FROM relay_refusals"),
        "doubles": receipts.doubles(store),
    }
