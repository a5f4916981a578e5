"""What somebody pasted or uploaded to exclude, line by line: what each will do, and why one will do nothing.

A file says itself what it holds. Old FeedbackFive exports (order number and e-mail columns) are understood as they are:
the order is excluded, and its buyer, where the address is one of Amazon's. Our own export comes back as it went out.
Else it is a list of what was chosen: a column of SKUs or ASINs by its heading, or the first one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts import lookup
from accounts.keys import normalise_alias
from accounts.models import Seller
from campaigns.exclusions import (
    NO_SUCH_ORDER,
    Aim,
    Kind,
    NothingToExclude,
    aim_at,
    already_among,
    buyer_of,
    buyers_of,
    met_among,
)
from campaigns.product_files import HEADINGS, column_of
from optouts.list_files import Unusable, heading, read_rows, take_apart
from orders.models import Order

MOST: Final = 10_000
MOST_CHARACTERS: Final = 1_000_000
UNNAMED_BUYER: Final = "named by his address"  # an address is nothing for people's eyes
NO_NAME: Final = "Neither an Amazon order number nor a buyer's address at Amazon."
OURS: Final = ("what", "excluded")  # of our own export: `campaigns.views.exclusions`
REACH: Final[dict[Kind, str]] = {
    Kind.ORDER: "this order",
    Kind.BUYER: "all orders of its buyer",
    Kind.SKU: "every order with this SKU",
    Kind.ASIN: "every order with this ASIN",
}


class Effect(StrEnum):
    EXCLUDES = "will be excluded"
    KNOWN = "is excluded already"
    TWICE = "stands here twice"
    UNUSABLE = "does nothing"


@dataclass(frozen=True, slots=True)
class Line:
    """`aims`: what it excludes; none where it does nothing. `note` says how far it reaches, or why it does nothing."""

    number: int
    text: str
    effect: Effect
    aims: tuple[Aim, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """What a line calls something by. `called`: what people are to see instead of it."""

    kind: Kind
    words: str
    called: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A line as it was read, before anybody has looked whether there is such a thing."""

    number: int
    text: str
    names: tuple[Name, ...]


def planned(seller: Seller, kind: Kind, text: str) -> list[Line]:
    """One for each line that holds something, or for each part of it. Raises `Unusable` for too many of them."""
    written = [
        Written(number, part, (Name(kind, part),))
        for number, row in enumerate(text.splitlines(), start=1)
        for part in _parts(kind, row)
    ]
    if len(written) > MOST:
        raise Unusable(f"These are more than {MOST:,} lines. Enter them in smaller parts.")
    return _planned(seller, written)


def planned_of_file(seller: Seller, kind: Kind, content: bytes) -> list[Line]:
    """One for each line of the file that holds something. Raises `Unusable`."""
    return _planned(seller, _written_in(kind, content))


def _parts(kind: Kind, row: str) -> list[str]:
    """Of cells that were copied from a table the first counts. Only a SKU may have a comma in it."""
    cell = row.strip().split("\t")[0]
    parts = [cell] if kind is Kind.SKU else cell.replace(";", ",").split(",")
    return [part for part in (_bare(part) for part in parts) if part]


def _bare(cell: str) -> str:
    """Without what tables and spreadsheets put around a value."""
    return cell.strip(" \t,;'\"")


def _written_in(kind: Kind, content: bytes) -> list[Written]:
    rows = read_rows(content)
    headings = [heading(cell) for cell in rows[0][1]]
    if all(name in headings for name in OURS):
        what, excluded = (headings.index(name) for name in OURS)
        return [Written(number, _text(row), _of_export(row, what, excluded)) for number, row in rows[1:]]
    place = column_of(kind, rows[0][1])
    if place is None and (table := _of_table(kind, content)):
        return table
    body = rows if place is None else rows[1:]
    named = ((number, row, _cell(row, place or 0)) for number, row in body)
    return [Written(number, words or _text(row), (Name(kind, words),)) for number, row, words in named]


def _of_table(kind: Kind, content: bytes) -> list[Written]:
    """As a table of orders and buyers; none where it is a list of products instead. Raises `Unusable`."""
    try:
        lines = take_apart(content).lines
    except Unusable:
        if kind in HEADINGS:
            return []
        raise
    if kind in HEADINGS and not any(line.amazon_order_id or line.alias for line in lines):
        return []
    return [
        Written(line.number, line.text, tuple(_of_order(kind, line.amazon_order_id, line.alias))) for line in lines
    ]


def _of_order(kind: Kind, amazon_order_id: str | None, alias: str | None) -> Iterator[Name]:
    if amazon_order_id:
        yield Name(Kind.ORDER, amazon_order_id)
    if alias:
        yield Name(Kind.BUYER, alias, amazon_order_id or UNNAMED_BUYER)
    elif amazon_order_id and kind is Kind.BUYER:
        yield Name(Kind.BUYER, amazon_order_id)


def _of_export(row: Sequence[str], what: int, excluded: int) -> tuple[Name, ...]:
    kind = next((kind for kind in Kind if kind.label.lower() == _cell(row, what).lower()), None)
    return (Name(kind, _cell(row, excluded)),) if kind else ()


def _cell(row: Sequence[str], index: int) -> str:
    return _bare(row[index]) if index < len(row) else ""


def _text(row: Sequence[str]) -> str:
    return " · ".join(cell for cell in row if cell)


def _planned(seller: Seller, written: Sequence[Written]) -> list[Line]:
    of_orders = (name.words for line in written for name in line.names if name.kind is Kind.BUYER)
    buyers = buyers_of(seller, of_orders)
    found = [(line, *_aims_of(seller, line.names, buyers)) for line in written]
    all_aims = [aim for _, aims, _ in found for aim in aims]
    return list(_lines(found, already_among(seller, all_aims), met_among(seller, all_aims)))


def _aims_of(seller: Seller, names: Iterable[Name], buyers: dict[str, Order]) -> tuple[tuple[Aim, ...], str]:
    """What these names mean, and what is wrong with one of them."""
    aims, trouble = [], ""
    for name in names:
        try:
            aims.append(_aim(seller, name, buyers))
        except NothingToExclude as wrong:
            trouble = trouble or str(wrong)
    return tuple(aims), trouble or ("" if aims else NO_NAME)


def _aim(seller: Seller, name: Name, buyers: dict[str, Order]) -> Aim:
    if name.kind is not Kind.BUYER:
        return aim_at(seller, name.kind, name.words)
    if alias := normalise_alias(name.words):
        return Aim(Kind.BUYER, lookup.alias_key(alias).hex, name.called or UNNAMED_BUYER)
    order = buyers.get(name.words.upper())
    if order is None:
        raise NothingToExclude(NO_SUCH_ORDER)
    return buyer_of(order)


def _lines(
    found: Iterable[tuple[Written, tuple[Aim, ...], str]], known: set[tuple[Kind, str]], met: set[tuple[Kind, str]]
) -> Iterator[Line]:
    seen: set[tuple[Kind, str]] = set()
    for written, aims, trouble in found:
        number, text, keys = written.number, written.text[:200], {(aim.kind, aim.value) for aim in aims}
        if not aims:
            yield Line(number, text, Effect.UNUSABLE, note=trouble)
        elif keys <= known:
            yield Line(number, text, Effect.KNOWN)
        elif keys <= seen | known:
            yield Line(number, text, Effect.TWICE)
        else:
            new = tuple(aim for aim in aims if (aim.kind, aim.value) not in known)
            yield Line(number, text, Effect.EXCLUDES, new, _reach(new, met) + (f". {trouble}" if trouble else ""))
        seen |= keys


def _reach(aims: Iterable[Aim], met: set[tuple[Kind, str]]) -> str:
    """How far it reaches; what no order has so far is likely to be misspelt, and is said."""
    return " and ".join(
        REACH[aim.kind] + ("" if (aim.kind, aim.value) in met else " (none so far)") for aim in aims
    )


def counted(lines: Iterable[Line]) -> Counter[Effect]:
    return Counter(line.effect for line in lines)
