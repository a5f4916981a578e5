"""The wall under the code: PostgreSQL shows a connection the rows of one seller, or none.

Every table that belongs to a seller carries a policy, forced on the application's own role. `as_seller` opens the
rows of one seller, `across_sellers` those of all (dispatch, the suppression list, operators) and is the one door
for that. A query outside of both returns nothing: a forgotten seller shows an empty page, never a stranger's rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from django.db import InternalError, connection, migrations

log = structlog.get_logger(__name__)

SELLER, ACROSS = "app.seller_id", "app.across_sellers"
_set: Final[WeakKeyDictionary[Any, tuple[str, str]]] = WeakKeyDictionary()  # by the connection that was told it last


@contextmanager
def as_seller(seller_id: int) -> Iterator[None]:
    """Within the block the connection sees the rows of this seller and of no other. Blocks may be nested."""
    with _setting(seller=str(seller_id), across=""):
        yield


@contextmanager
def across_sellers(reason: str) -> Iterator[None]:
    """Within the block the connection sees the rows of all sellers. `reason` says why, in the log."""
    log.debug("across_sellers", reason=reason)
    with _setting(seller="", across="on"):
        yield


def forget() -> None:
    """See nobody's rows. Every request and every task begins with this: what was before is none of its business."""
    if connection.connection is not None:
        _exchange("", "")


@contextmanager
def _setting(*, seller: str, across: str) -> Iterator[None]:
    # A block lies within its transaction or around it, never across its end: so what was set inside and rolled back
    # with it is taken back here, too, and what is remembered is what the connection has.
    if connection.connection is not None and _set.get(connection.connection) == (seller, across):
        yield
        return
    before = _exchange(seller, across)
    if before == (seller, across):  # a block within its like leaves nothing to take back
        yield
        return
    try:
        yield
    finally:
        # A broken transaction takes our setting back by itself when it is rolled back, and refuses queries until then.
        # A connection that was closed in between starts anew with no rights at all.
        if connection.connection is not None:
            _set.pop(connection.connection, None)
            if not connection.needs_rollback:
                with suppress(InternalError):
                    _exchange(*before)


def _exchange(seller: str, across: str) -> tuple[str, str]:
    """Set both and return what they were, in one round trip: the columns are computed from left to right."""
    # Session-wide, not transaction-wide: views and tasks commit several times. Without a pooler that shares
    # connections between transactions this is safe; docs/operating.md says so.
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(current_setting(%s, true), ''), coalesce(current_setting(%s, true), ''),"
            " set_config(%s, %s, false), set_config(%s, %s, false)",
            [SELLER, ACROSS, SELLER, seller, ACROSS, across],
        )
        before: tuple[str, str] = cursor.fetchone()[:2]
    _set[connection.connection] = (seller, across)
    return before


class SellerRows(migrations.RunSQL):
    """Migration operation: put a seller's table behind the wall.

    `seller_column` is nullable for rows that belong to nobody (global entries): these are seen across sellers only.
    """

    def __init__(self, table: str, seller_column: str = "seller_id") -> None:
        self.table, self.seller_column = table, seller_column
        allowed = (
            f"{seller_column} = nullif(current_setting('{SELLER}', true), '')::bigint"
            f" or current_setting('{ACROSS}', true) = 'on'"
        )
        super().__init__(
            sql=[
                f"alter table {table} enable row level security",
                f"alter table {table} force row level security",
                f"create policy seller_rows on {table} using ({allowed}) with check ({allowed})",
            ],
            reverse_sql=[
                f"drop policy seller_rows on {table}",
                f"alter table {table} no force row level security",
                f"alter table {table} disable row level security",
            ],
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.table, self.seller_column], {}
