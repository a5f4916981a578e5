"""Facts of very many orders for a count: read in chunks, no model is made of them. Read only; memory stays flat.

What nobody asks about is not read: items and earlier orders cost a query of their own for each chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BooleanField, Case, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Replace

from orders.facts import ItemFacts, OrderFacts
from orders.models import Order
from orders.reading import earlier_orders, items_of_many

CHUNK: Final = 5000
KEYS: Final = ("id", "account_id", "buyer")
BEFORE_ITEMS: Final = (
    "amazon_order_id", "marketplace_id", "status", "fulfilled_by", "purchased_at", "deliver_by_earliest",
    "deliver_by_latest", "delivery_kind", "is_replacement", "is_exchange", "is_cancellation_requested", "has_alias",
    "programs",
)  # fmt: skip
AFTER_ITEMS: Final = (
    "total_amount", "currency", "is_promotion_used", "ship_by_latest", "shipped_at", "is_delivered_late",
    "destination_country", "returned_at", "refunded_at", "feedback_rating", "language",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """An order without its row."""

    pk: int
    account_id: int
    buyer: str | None  # the key of the alias, in hexadecimal digits
    facts: OrderFacts


def stream(orders: QuerySet[Order], *, with_items: bool, with_earlier: bool) -> Iterator[list[Known]]:
    """These orders in their own order. Without items or earlier orders the facts say that none are known."""
    has_alias = Case(When(alias_sealed__isnull=True, then=Value(False)), default=True, output_field=BooleanField())
    # As text: a UUID a row is a tenth of the time of a count.
    buyer = Replace(Cast("alias_key", TextField()), Value("-"), Value(""), output_field=TextField())
    columns = (*KEYS, *BEFORE_ITEMS, *AFTER_ITEMS)
    rows = orders.annotate(has_alias=has_alias, buyer=buyer).values_list(*columns).iterator(chunk_size=CHUNK)
    chunk: list[tuple[Any, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield _known(chunk, with_items=with_items, with_earlier=with_earlier)
            chunk = []
    if chunk:
        yield _known(chunk, with_items=with_items, with_earlier=with_earlier)


def _known(chunk: list[tuple[Any, ...]], *, with_items: bool, with_earlier: bool) -> list[Known]:
    ids = [row[0] for row in chunk]
    items = items_of_many(ids) if with_items else {}
    earlier = earlier_orders(ids) if with_earlier else {}
    return [Known(row[0], row[1], row[2], _facts(row, items.get(row[0]), earlier.get(row[0]))) for row in chunk]


def _facts(row: tuple[Any, ...], items: list[ItemFacts] | None, earlier: int | None) -> OrderFacts:
    programs = len(KEYS) + len(BEFORE_ITEMS) - 1
    values = [*row[len(KEYS) : programs], frozenset(row[programs]), tuple(items or ()), *row[programs + 1 :], earlier]
    return OrderFacts(*values)
