"""Long lists in pieces: keyset paging for pages, batches for exports. Edge of every list.

A page costs the same however far down the list it is: no COUNT(*), no OFFSET. It begins after the last row of the
page before it, so rows that arrive meanwhile neither repeat nor hide others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import Http404

from accounts.rowsecurity import as_seller

PAGE: Final = 50
BATCH: Final = 500
POSITION: Final = "%Y%m%dT%H%M%S.%fZ"

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Key:
    """The order of a list: an instant that every row has, then the id. An index must serve it."""

    field: str
    newest_first: bool = True

    @property
    def ordering(self) -> tuple[str, str]:
        sign = "-" if self.newest_first else ""
        return f"{sign}{self.field}", f"{sign}id"

    def position_of(self, row: Model) -> str:
        """Where this row stands, fit for an address."""
        at: datetime = getattr(row, self.field)
        return f"{at.astimezone(UTC).strftime(POSITION)}_{row.pk}"

    def beyond(self, position: str) -> Q:
        """The rows after this position. Raises ValueError for what is none."""
        instant, _, pk = position.partition("_")
        at = datetime.strptime(instant, POSITION).replace(tzinfo=UTC)
        step = "lt" if self.newest_first else "gt"
        # The first condition says nothing new; it is what lets PostgreSQL begin in the middle of the index.
        return Q(**{f"{self.field}__{step}e": at}) & (
            Q(**{f"{self.field}__{step}": at}) | Q(**{self.field: at, f"id__{step}": int(pk)})
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list."""

    rows: list[Row]
    next: str  # the position at which the next page begins; empty: this is the last one
    is_first: bool


def page_of(rows: QuerySet[Row], key: Key, after: str, *, size: int = PAGE) -> Page[Row]:
    """The page of `rows` that begins after this position (empty: the first). Raises Http404 for a wrong position."""
    if after:
        try:
            rows = rows.filter(key.beyond(after))
        except (ValueError, OverflowError):
            raise Http404("There is no such page.") from None
    found = list(rows.order_by(*key.ordering)[: size + 1])
    has_more = len(found) > size
    return Page(found[:size], key.position_of(found[size - 1]) if has_more else "", is_first=not after)


def batches(rows: QuerySet[Row], key: Key, *, seller_id: int) -> Iterator[list[Row]]:
    """All of `rows` in their order, some hundreds at a time, for a response that is streamed.

    Such a response is read when the request's own view of the database has been closed, so each batch opens the
    seller's rows by itself. What a caller needs of related rows must be prefetched.
    """
    after = ""
    while True:
        with as_seller(seller_id):
            page = page_of(rows, key, after, size=BATCH)
        yield page.rows
        after = page.next
        if not after:
            return
