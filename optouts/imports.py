"""A file of entries: first shown line by line, then carried out exactly as it was shown.

Flow: list_files -> [imports] -> listing. The preview keeps keys and order numbers, sealed, and no buyer's address; it
is erased when it has been carried out, thrown away, or a day old, and cannot be read any more once the secret that its
keys were made with is another (docs/rekeying.md). No line is dropped silently, and none changes an entry that is in
force: an import can only add.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts import lookup, secrets
from accounts.models import Seller, User
from accounts.rowsecurity import across_sellers
from optouts import listing
from optouts.list_files import Line, ListFile, take_apart
from optouts.listing import Aim, Wish
from optouts.models import ListImport, Suppression

KEPT_FOR: Final = timedelta(days=1)


class Effect(StrEnum):
    """What a line of the file will do. The values are stored; `IN_WORDS` is what a seller reads."""

    ADD = "add"
    ADD_UNKNOWN = "add_unknown"
    BACK = "back"
    LISTED = "listed"
    REPEATED = "repeated"
    REVOKED = "revoked"
    UNREADABLE = "unreadable"


IN_WORDS: Final[dict[Effect, str]] = {
    Effect.ADD: "Is added",
    Effect.ADD_UNKNOWN: "Is added; none of your orders yet",
    Effect.BACK: "Comes back: it had been taken back",
    Effect.LISTED: "Nothing: it is on your list already",
    Effect.REPEATED: "Nothing: an earlier line says the same",
    Effect.REVOKED: "Nothing: the file itself says that it is revoked",
    Effect.UNREADABLE: "Refused: neither an order number nor a buyer's address at Amazon",
}
ADDING: Final = frozenset({Effect.ADD, Effect.ADD_UNKNOWN, Effect.BACK})


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One line of the file and what it will do. `text` is what is shown of it, a buyer's address veiled."""

    number: int
    text: str
    effect: Effect
    note: str
    wishes: tuple[Wish, ...] = ()

    @property
    def effect_in_words(self) -> str:
        return IN_WORDS[self.effect]


def preview(seller: Seller, content: bytes, file_name: str, *, by: User, now: datetime) -> ListImport:
    """Take the file apart and keep what each line will do. Raises list_files.Unusable. Adds nothing to the list."""
    file = take_apart(content)
    named = [word for line in file.lines for word in (line.amazon_order_id, line.alias) if word]
    listing.bring_forward(seller, named, now=now)
    lines = _judge(seller, file, file_name)
    return ListImport.objects.create(
        seller=seller,
        by=by,
        file_name=file_name[:200],
        created_at=now,
        lines_sealed=_sealed(seller.pk, lines),
        found=len(lines),
        to_add=sum(line.effect in ADDING for line in lines),
    )


def lines_of(shown: ListImport) -> list[PreviewLine]:
    """The lines as they were shown; none once they have been erased, or were made of keys of a former secret."""
    if shown.lines_sealed is None:
        return []
    try:
        packed = secrets.unseal(_purpose(), shown.seller_id, shown.lines_sealed)
    except secrets.Unreadable:
        return []
    rows = json.loads(zlib.decompress(packed))
    return [_line_from(row) for row in rows]


def totals(lines: Iterable[PreviewLine]) -> list[tuple[Effect, str, int]]:
    """How many lines do what: (effect, in words, number), without those that no line has."""
    numbers = Counter(line.effect for line in lines)
    return [(effect, IN_WORDS[effect], numbers[effect]) for effect in Effect if numbers[effect]]


def carry_out(seller: Seller, shown: ListImport, *, by: User, now: datetime) -> int:
    """Add what was shown, and return how many entries came into force. Repeatable until it has come to its end."""
    wishes = [wish for line in lines_of(shown) if line.effect in ADDING for wish in line.wishes]
    added = listing.add(seller, wishes, by=by, now=now)
    open_one = ListImport.objects.for_seller(seller).filter(pk=shown.pk, done_at__isnull=True)
    open_one.update(done_at=now, added=added, lines_sealed=None)
    return added


def discard(seller: Seller, shown: ListImport, *, now: datetime) -> None:
    """Throw a preview away; nothing of it is added."""
    ListImport.objects.for_seller(seller).filter(pk=shown.pk, done_at__isnull=True).update(lines_sealed=None)


def purge(*, now: datetime) -> int:
    """Erase the lines of previews that nobody has answered for a day; returns how many."""
    with across_sellers("previews of imports are erased"):
        old = ListImport.objects.filter(lines_sealed__isnull=False, created_at__lte=now - KEPT_FOR)
        return old.update(lines_sealed=None)


def _judge(seller: Seller, file: ListFile, file_name: str) -> list[PreviewLine]:
    alias_keys = {line.alias: lookup.alias_key(line.alias) for line in file.lines if line.alias}
    orders = listing.aims_at_orders(seller, [line.amazon_order_id for line in file.lines if line.amazon_order_id])
    buyers = listing.aims_at_buyers(seller, list(alias_keys.values()))
    named = [_aims(line, orders, buyers, alias_keys) for line in file.lines]
    states = _states(seller, [key for aims in named for aim in aims for key in aim.keys])
    judged, seen = [], dict[UUID, int]()
    for line, aims in zip(file.lines, named, strict=True):
        judged.append(_judge_line(line, aims, states, seen, file_name))
        for aim in aims:
            for key in aim.keys:
                seen.setdefault(key, line.number)
    return judged


def _aims(line: Line, orders: dict[str, Aim], buyers: dict[UUID, Aim], alias_keys: dict[str, UUID]) -> tuple[Aim, ...]:
    """The order and the buyer that a line names. Of a known buyer it means the buyer, not the newest order."""
    aims = []
    if line.amazon_order_id:
        aims.append(orders[line.amazon_order_id])
    if line.alias:
        buyer = buyers[alias_keys[line.alias]]
        number = line.amazon_order_id or buyer.amazon_order_id
        aims.append(Aim(number, None, buyer.alias_key, buyer.is_known))
    return tuple(aims)


def _judge_line(
    line: Line, aims: tuple[Aim, ...], states: dict[UUID, str], seen: dict[UUID, int], file_name: str
) -> PreviewLine:
    keys = [key for aim in aims for key in aim.keys]
    note = f"“{line.stranger[:80]}” is left out: it is not one of Amazon's." if line.stranger and keys else ""
    if not keys:
        effect = Effect.UNREADABLE
    elif line.is_revoked:
        effect = Effect.REVOKED
    elif all(key in seen for key in keys):
        effect, note = Effect.REPEATED, f"Line {max(seen[key] for key in keys)}"
    elif all(states.get(key) == Suppression.State.ACTIVE for key in keys):
        effect = Effect.LISTED
    elif any(states.get(key) == Suppression.State.REVOKED for key in keys):
        effect = Effect.BACK
    else:
        effect = Effect.ADD if any(aim.is_known for aim in aims) else Effect.ADD_UNKNOWN
    reason = f"imported from {file_name[:60]}" + (f": {line.reason}" if line.reason else "")
    wishes = tuple(Wish(aim, reason[:200]) for aim in aims) if effect in ADDING else ()
    return PreviewLine(line.number, _veiled(line), effect, note, wishes)


def _states(seller: Seller, keys: Sequence[UUID]) -> dict[UUID, str]:
    """Of the seller's own entries only: an import tells nothing about what others have proved."""
    return dict(Suppression.objects.for_seller(seller).filter(key__in=set(keys)).values_list("key", "state"))


def _veiled(line: Line) -> str:
    if not line.alias:
        return (line.amazon_order_id or line.text)[:120]
    local, _, domain = line.alias.partition("@")
    veiled = f"{local[:3]}…@{domain}"
    return f"{line.amazon_order_id} · {veiled}" if line.amazon_order_id else veiled


def _purpose() -> str:
    """Names the version of the secret: what was sealed before it was changed is not opened afterwards.

    An entry made of a key of the former secret would pass for one of the secret in use, never be re-keyed, and free its
    buyer once the former secret is forgotten.
    """
    return f"list import under version {settings.LOOKUP_VERSION}"


def _sealed(seller_id: int, lines: Sequence[PreviewLine]) -> bytes:
    rows = [
        [line.number, line.text, line.effect.value, line.note, [_row_of(wish) for wish in line.wishes]]
        for line in lines
    ]
    return secrets.seal(_purpose(), seller_id, zlib.compress(json.dumps(rows).encode()))


def _row_of(wish: Wish) -> list[object]:
    aim = wish.aim
    keys = [key.hex if key else None for key in (aim.order_key, aim.alias_key)]
    return [aim.amazon_order_id, *keys, aim.is_known, wish.reason]


def _line_from(row: list[object]) -> PreviewLine:
    number, text, effect, note, wishes = row
    assert isinstance(number, int) and isinstance(wishes, list)
    return PreviewLine(number, str(text), Effect(str(effect)), str(note), tuple(_wish_from(*each) for each in wishes))


def _wish_from(number: str, order: str | None, alias: str | None, is_known: bool, reason: str) -> Wish:
    return Wish(Aim(number, UUID(order) if order else None, UUID(alias) if alias else None, is_known), reason)
