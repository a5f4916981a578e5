"""The statements that put a page of orders into the database at once. In: rows as plain values. Out: ids.

One statement for the orders of a page and one for their items, whatever their number: the rows travel as one JSON
document, so that the server plans a single insertion. Who calls holds the transaction, and falls back to order by order
where a statement fails.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from accounts.manyrows import Row, document, typed

# What rules look at, by column, with the type in which it travels. A row is "changed" when one of these is.
TOLD_BY_ALL: Final = {
    "marketplace_id": "text",
    "status": "text",
    "fulfilled_by": "text",
    "purchased_at": "timestamptz",
    "total_amount": "numeric",
    "currency": "text",
    "is_promotion_used": "boolean",
}
TOLD_BY_API: Final = TOLD_BY_ALL | {
    "programs": "text[]",
    "is_replacement": "boolean",
    "is_exchange": "boolean",
    "is_cancellation_requested": "boolean",
    "deliver_by_earliest": "timestamptz",
    "deliver_by_latest": "timestamptz",
    "delivery_kind": "text",
    "ship_by_latest": "timestamptz",
    "shipped_at": "timestamptz",
}
TOLD_BY_REPORT: Final = TOLD_BY_ALL | {"destination_country": "text"}
EVERY_TIME: Final = {"seller_id": "bigint", "account_id": "bigint", "amazon_order_id": "text", "order_key": "uuid"} | {
    "last_updated_at": "timestamptz",
    "is_delivered_late": "boolean",
    "alias_sealed": "bytea",
    "alias_key": "uuid",
    "alias_purge_at": "timestamptz",
    "changed_at": "timestamptz",
    "replan_at": "timestamptz",
}
INSERTED: Final = TOLD_BY_API | TOLD_BY_REPORT | EVERY_TIME

ITEM_TOLD: Final = {
    "asin": "text",
    "sku": "text",
    "title": "text",
    "quantity": "integer",
    "unit_price": "numeric",
    "currency": "text",
    "condition": "text",
    "is_gift": "boolean",
    "is_promoted": "boolean",
}
OF_REPORT: Final = "report:"  # Amazon's order report names no item ids: these stand until the order itself is read

# Once delivered, an order is not delivered again: the first reading that says so settles the day of purging.
_PURGE_AT: Final = """case when o.delivery_kind = 'carrier' and excluded.delivery_kind = 'carrier'
        then least(o.alias_purge_at, excluded.alias_purge_at) else excluded.alias_purge_at end"""
# Amazon tells the alias only for a while, so an order without one takes nothing back.
_ALIAS: Final = f"""
    alias_sealed = case when {_PURGE_AT} <= excluded.changed_at then null
        when excluded.alias_key is null or (o.alias_key = excluded.alias_key and o.alias_sealed is not null)
        then o.alias_sealed else excluded.alias_sealed end,
    alias_purge_at = {_PURGE_AT},
    alias_key = coalesce(excluded.alias_key, o.alias_key)"""

# What a report of Amazon's shipments has brought stands until the order itself says more (`reports`).
_IS_ALL_WE_KNOW: Final = "excluded.delivery_kind = 'unknown' and o.delivery_kind = 'estimate'"
_GUESSED: Final = f"case when {_IS_ALL_WE_KNOW} then o.{{0}} else excluded.{{0}} end"
_ESTIMATE_STAYS: Final = dict.fromkeys(("deliver_by_earliest", "deliver_by_latest", "delivery_kind"), _GUESSED) | {
    "shipped_at": "coalesce(excluded.{0}, o.{0})"
}

# A report's total has no shipping in it: of one state of an order, what the order itself has told stands.
_IF_NEWER: Final = "case when excluded.last_updated_at > o.last_updated_at then excluded.{0} else o.{0} end"

# As `storing` says it of a first reading, with what was known before: see `_is_delivered_late` there.
_LATE: Final = """
    is_delivered_late = case
        when excluded.is_delivered_late is not null or excluded.delivery_kind <> 'carrier'
            or o.deliver_by_latest is distinct from excluded.deliver_by_latest then excluded.is_delivered_late
        when o.delivery_kind = 'carrier' then o.is_delivered_late
        else true end"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the orders of a page that were not older than their rows: ids by Amazon's number, which of them
    are new, and which have just been marked as changed (new ones among them)."""

    ids: dict[str, int]
    new: set[int]
    changed: set[int]


def upsert_orders(rows: Iterable[Row], *, now: datetime, is_report: bool = False) -> Applied:
    """Insert or update these orders in one statement; no two may have the same number. Of two readings the newer wins.

    A report knows less than the order itself, and leaves the rest of a row alone; where it is no newer, it only adds.
    """
    sql = _ORDERS_OF_REPORT if is_report else _ORDERS
    with connection.cursor() as cursor:
        cursor.execute(sql, [document(rows)])
        found: list[tuple[str, int, datetime, bool]] = cursor.fetchall()
    return Applied(
        {number: pk for number, pk, _, _ in found},
        {pk for _, pk, _, is_new in found if is_new},
        {pk for _, pk, at, _ in found if at == now},
    )


def upsert_items(rows: Iterable[Row], *, is_report: bool = False) -> set[int]:
    """Insert or update these items in one statement, each with its `order_id`; returns the orders of those that were
    written because something differs."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS_OF_REPORT if is_report else _ITEMS, [document(rows)])
        return {pk for (pk,) in cursor.fetchall()}


def _list(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


def _orders_statement(told: Mapping[str, str], special: Mapping[str, str], also: str) -> str:
    values = {name: special.get(name, "excluded.{0}").format(name) for name in told}
    differs = (
        f"(({_list(told, 'o.')}) is distinct from ({', '.join(values.values())})"
        " or (excluded.alias_key is not null and o.alias_key is distinct from excluded.alias_key))"
    )
    sets = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"""
        with told as materialized (select * from jsonb_to_recordset(%s::jsonb) as t({typed(INSERTED)})),
        written as (
            insert into orders_order as o ({_list(INSERTED)}) select {_list(INSERTED)} from told
            on conflict (account_id, amazon_order_id) do update set
                {sets}, last_updated_at = excluded.last_updated_at, {also}
                changed_at = case when {differs} then excluded.changed_at else o.changed_at end,
                replan_at = case when {differs} then excluded.replan_at else o.replan_at end
            where excluded.last_updated_at >= o.last_updated_at and o.stripped_at is null
            returning o.amazon_order_id, o.id, o.changed_at, o.xmax = 0)
        select * from written"""  # noqa: S608 - columns of our own


def _items_statement(conflict: str) -> str:
    columns = {"seller_id": "bigint", "order_id": "bigint", "amazon_item_id": "text"} | ITEM_TOLD
    return f"""
        insert into orders_orderitem as i ({_list(columns)})
        select {_list(columns)} from jsonb_to_recordset(%s::jsonb) as t({typed(columns)}) {conflict}
        returning i.order_id"""  # noqa: S608 - columns of our own


_ORDERS: Final = _orders_statement(TOLD_BY_API, _ESTIMATE_STAYS, f"{_ALIAS}, {_LATE},")
_ORDERS_OF_REPORT: Final = _orders_statement(TOLD_BY_REPORT, dict.fromkeys(TOLD_BY_ALL, _IF_NEWER), "")
_ITEMS: Final = _items_statement(
    "on conflict (order_id, amazon_item_id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in ITEM_TOLD)
    + f" where ({_list(ITEM_TOLD, 'i.')}) is distinct from ({_list(ITEM_TOLD, 'excluded.')})"
)
# Where the order itself was read, its items are known better than a report tells them.
_ITEMS_OF_REPORT: Final = _items_statement(
    f"where not exists (select from orders_orderitem k where k.order_id = t.order_id"  # noqa: S608
    f" and k.amazon_item_id not like '{OF_REPORT}%%')"
    " on conflict (order_id, amazon_item_id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in ITEM_TOLD)
    + f" where ({_list(ITEM_TOLD, 'i.')}) is distinct from ({_list(ITEM_TOLD, 'excluded.')})"
)
