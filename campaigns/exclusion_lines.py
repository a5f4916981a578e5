"""What somebody pasted or uploaded to exclude, line by line: what each will do, and why one will do nothing.

Old FeedbackFive exports (order number and e-mail columns) are understood as they are: the order is excluded, and its
buyer, where the address is one of Amazon's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts import lookup
from accounts.models import Seller
from campaigns.exclusions import NO_SUCH_ORDER, Aim, Kind, NothingToExclude, aim_at, already_among, buyer_of, buyers_of
from optouts.list_files import Unusable, take_apart
from orders.models import Order

MOST: Final = 10_000
MOST_CHARACTERS: Final = 1_000_000


class Effect(StrEnum):
    EXCLUDES = "will be excluded"
    KNOWN = "is excluded already"
    TWICE = "stands here twice"
    UNUSABLE = "does nothing"


@dataclass(frozen=True, slots=True)
class Line:
    """`aims`: what it excludes; none where it does nothing, and `note` says why."""

    number: int
    text: str
    effect: Effect
    aims: tuple[Aim, ...] = ()
    note: str = ""


def planned(seller: Seller, kind: Kind, text: str) -> list[Line]:
    """One for each line that holds something. Raises `Unusable` for too many of them."""
    rows = [(number, row.strip()) for number, row in enumerate(text.splitlines(), start=1) if row.strip(" \t,;'\"")]
    if len(rows) > MOST:
        raise Unusable(f"These are more than {MOST:,} lines. Enter them in smaller parts.")
    words = {number: row.split("\t")[0].strip(" ,;'\"") for number, row in rows}
    buyers = buyers_of(seller, words.values()) if kind is Kind.BUYER else {}
    return _with_effects(
        seller, ((number, row, *_aims_of(seller, kind, words[number], buyers)) for number, row in rows)
    )


def planned_of_file(seller: Seller, content: bytes) -> list[Line]:
    """A table with order numbers or buyers' addresses. Raises Unusable."""
    found = take_apart(content)
    return _with_effects(
        seller, ((line.number, line.text, *_of_table(line.amazon_order_id, line.alias)) for line in found.lines)
    )


def _aims_of(seller: Seller, kind: Kind, words: str, buyers: dict[str, Order]) -> tuple[tuple[Aim, ...], str]:
    try:
        if kind is not Kind.BUYER:
            return (aim_at(seller, kind, words),), ""
        order = buyers.get(words.upper())
        return ((buyer_of(order),), "") if order else ((), NO_SUCH_ORDER)
    except NothingToExclude as trouble:
        return (), str(trouble)


def _of_table(amazon_order_id: str | None, alias: str | None) -> tuple[tuple[Aim, ...], str]:
    aims: list[Aim] = []
    if amazon_order_id:
        aims.append(Aim(Kind.ORDER, amazon_order_id, amazon_order_id))
    if alias:
        aims.append(Aim(Kind.BUYER, lookup.alias_key(alias).hex, amazon_order_id or "from a file"))
    return tuple(aims), "" if aims else "Neither an Amazon order number nor a buyer's address at Amazon."


def _with_effects(seller: Seller, rows: Iterable[tuple[int, str, tuple[Aim, ...], str]]) -> list[Line]:
    found = list(rows)
    known = already_among(seller, [aim for _, _, aims, _ in found for aim in aims])
    seen: set[tuple[Kind, str]] = set()
    return list(_lines(found, known, seen))


def _lines(
    rows: Iterable[tuple[int, str, tuple[Aim, ...], str]], known: set[tuple[Kind, str]], seen: set[tuple[Kind, str]]
) -> Iterator[Line]:
    for number, text, aims, note in rows:
        keys = {(aim.kind, aim.value) for aim in aims}
        if not aims:
            yield Line(number, text[:200], Effect.UNUSABLE, note=note)
        elif keys <= known:
            yield Line(number, text[:200], Effect.KNOWN)
        elif keys <= seen | known:
            yield Line(number, text[:200], Effect.TWICE)
        else:
            new = tuple(aim for aim in aims if (aim.kind, aim.value) not in known)
            yield Line(number, text[:200], Effect.EXCLUDES, new)
        seen |= keys


def counted(lines: Iterable[Line]) -> Counter[Effect]:
    return Counter(line.effect for line in lines)
