"""The list in a seller's hands: look a buyer up, put one on it, take back what one's own people entered.

What a seller enters holds for that seller alone. It never changes an entry that is in force, and a seller takes back
only what rests on nothing but her own people's word: once a notice stands behind an entry, it is out of her hands.

The list must not become an oracle. A look-up says "on the list" only of buyers of the seller's own orders and of what
she entered herself; it asks the same questions whatever the answer; and there are so many an hour and no more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import keys, lookup
from accounts.models import Seller, User
from accounts.rowsecurity import as_seller
from optouts import gate, rekeying
from optouts.keyversions import version_of
from optouts.models import Suppression, SuppressionEvent
from orders.attention import ask_for_plans
from orders.models import Order

BY_HAND: Final = "your team does not want to write to this buyer"
LOOK_UPS_AN_HOUR: Final = 60
IN_ONE_TRANSACTION: Final = 250  # wishes; each locks two keys, and the database has room for some thousand locks
State: TypeAlias = Suppression.State
Kind: TypeAlias = Suppression.Kind
What: TypeAlias = SuppressionEvent.What


class NotRecognised(Exception):
    """Neither an order number nor a buyer's alias."""


class TooManyLookUps(Exception):
    """This seller's look-ups of the hour are used up."""


class NotYours(Exception):
    """An entry that this seller cannot take back (any more)."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom somebody means: the keys of an order, of a buyer, or of both. `is_known`: it is among the seller's orders.

    `amazon_order_id` is empty when a buyer was named of whom the seller has no order. `former_keys` are what was typed
    under former secrets, while the list is re-keyed: to look up, not to enter.
    """

    amazon_order_id: str
    order_key: UUID | None
    alias_key: UUID | None
    is_known: bool
    former_keys: tuple[UUID, ...] = ()

    @property
    def keys(self) -> list[UUID]:
        return [key for key in (self.order_key, self.alias_key) if key is not None]


@dataclass(frozen=True, slots=True)
class Wish:
    """An aim that is to be put on the list, and why, in the words of the person who wishes it."""

    aim: Aim
    reason: str = BY_HAND


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look-up says. `reason` is empty when nothing speaks against writing to the buyer."""

    aim: Aim
    reason: str


def actor(person: User) -> str:
    return f"{gate.MEMBER}{person.pk}"


def aim_at(seller: Seller, text: str) -> Aim:
    """Whom this order number or alias means, among the orders of this seller. Raises NotRecognised."""
    words = text.strip()
    if keys.is_order_id(words):
        _, *former = lookup.every_key_of_a_buyer(seller.pk, words, None)
        return replace(aims_at_orders(seller, [words])[words], former_keys=tuple(former))
    if keys.normalise_alias(words):
        key, *former = lookup.every_alias_key(words)
        aims = aims_at_buyers(seller, [key, *former])
        aim = next((aims[one] for one in (key, *former) if aims[one].is_known), aims[key])
        return replace(aim, alias_key=key, former_keys=tuple(former))
    raise NotRecognised


def bring_forward(seller: Seller, words: Iterable[str], *, now: datetime) -> None:
    """While the list is re-keyed, what is about to be entered moves first, so that no entry is made beside its old one.

    `words` are order numbers and aliases. Changes nobody's being on the list.
    """
    named = list(words)
    numbers = [word for word in named if keys.is_order_id(word)]
    aliases = [word for word in named if keys.normalise_alias(word)]
    rekeying.bring_forward(seller.pk, numbers, aliases, now=now)


def aims_at_orders(seller: Seller, numbers: Sequence[str]) -> dict[str, Aim]:
    """One query for any number of order numbers. Raises ValueError for what is none."""
    found = Order.objects.for_seller(seller).filter(amazon_order_id__in=set(numbers))
    buyers = dict(found.order_by("id").values_list("amazon_order_id", "alias_key"))
    return {
        number: Aim(number, lookup.order_key(seller.pk, number), buyers.get(number), number in buyers)
        for number in numbers
    }


def aims_at_buyers(seller: Seller, alias_keys: Sequence[UUID]) -> dict[UUID, Aim]:
    """One query for any number of buyers. A buyer of several orders is named by the newest of them."""
    found = Order.objects.for_seller(seller).filter(alias_key__in=set(alias_keys)).order_by("purchased_at", "id")
    newest = {row[0]: row[1:] for row in found.values_list("alias_key", "amazon_order_id", "order_key")}
    return {
        key: Aim(newest[key][0], newest[key][1], key, True) if key in newest else Aim("", None, key, False)
        for key in alias_keys
    }


def look_up(seller: Seller, text: str, *, now: datetime) -> Answer:
    """Is this buyer written to? Raises NotRecognised and TooManyLookUps.

    Of a buyer without an order of this seller only the seller's own entries speak.
    """
    _spend_a_look_up(seller, now)
    aim = aim_at(seller, text)
    # Both are asked whatever the other says: neither the words nor the time tell a stranger who is on the list.
    asked = [*aim.keys, *aim.former_keys]
    of_all = gate.suppressed_among(seller.pk, asked)
    own = dict(in_force(seller, asked).values_list("key", "reason"))
    reasons = list((of_all if aim.is_known else own).values())
    return Answer(aim, gate.OPTED_OUT if gate.OPTED_OUT in reasons else next(iter(reasons), ""))


def each_buyer_once(seller: Seller, entries: QuerySet[Suppression]) -> QuerySet[Suppression]:
    """Of these entries of the seller one for each buyer: an order and its buyer are two entries of one opt-out.

    An order of whose buyer no entry is among them stands for him.
    """
    buyers = entries.filter(kind=Kind.ALIAS)
    named = buyers.filter(amazon_order_id=OuterRef("amazon_order_id")).exclude(amazon_order_id="")
    theirs = Order.objects.for_seller(seller).filter(order_key=OuterRef("key"), alias_key__in=buyers.values("key"))
    return entries.exclude(Q(kind=Kind.ORDER) & (Exists(named) | Exists(theirs)))


def buyers_in_force(seller: Seller) -> int:
    """How many buyers this seller does not write to, by her own notices and by her people's word."""
    return each_buyer_once(seller, Suppression.objects.for_seller(seller).filter(state=State.ACTIVE)).count()


def in_force(seller: Seller, those: Iterable[UUID]) -> QuerySet[Suppression]:
    return Suppression.objects.for_seller(seller).filter(key__in=list(those), state=State.ACTIVE)


def add(seller: Seller, wishes: Iterable[Wish], *, by: User, now: datetime) -> int:
    """Put these on the list of this seller, and return how many entries came into force. Idempotent.

    Committed some hundred at a time. An entry that is in force already stays exactly as it is.
    """
    return sum(_add_some(seller, some, by, now) for some in _batches(list(wishes)))


def is_by_hand(entry: Suppression) -> bool:
    """Does the entry rest on the word of the seller's own people, and on nothing else?

    A notice or an operator that stood behind it after it was last revoked keeps it, whatever a person had entered.
    """
    if entry.seller_id is None or entry.state != State.ACTIVE or entry.grade:
        return False
    events = sorted(entry.events.all(), key=lambda event: event.pk)
    revoked = max((index for index, event in enumerate(events) if event.what == What.REVOKED), default=-1)
    standing = events[revoked + 1 :]
    return bool(standing) and all(event.actor.startswith(gate.MEMBER) for event in standing)


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking back an entry would do: which entries go, and which of the same order stay, being proved."""

    going: tuple[Suppression, ...]
    staying: tuple[Suppression, ...]


def removal_of(seller: Seller, entry: Suppression) -> Removal:
    """An order and its buyer were entered together and go together. `going` is empty for what a notice proved."""
    if not is_by_hand(entry):
        return Removal((), (entry,))
    same = Q(pk=entry.pk)
    if entry.amazon_order_id:
        same |= Q(amazon_order_id=entry.amazon_order_id)
    entries = Suppression.objects.for_seller(seller).filter(same, state=State.ACTIVE)
    together = list(entries.prefetch_related("events").order_by("id"))
    going = tuple(entry for entry in together if is_by_hand(entry))
    return Removal(going, tuple(entry for entry in together if entry not in going))


def remove(seller: Seller, entry_ids: Sequence[int], *, by: User, reason: str, now: datetime) -> int:
    """Take these entries back, all or none; returns how many. Raises NotYours if one is not this seller's by hand.

    What was taken back from sending stays so; orders that nothing was planned for are looked at again.
    """
    own = Suppression.objects.for_seller(seller).filter(pk__in=entry_ids)
    with transaction.atomic(), as_seller(seller.pk):
        gate.lock_to_change(own.values_list("key", flat=True))
        entries = list(own.prefetch_related("events").order_by("id").select_for_update())
        if len(entries) != len(set(entry_ids)) or not all(is_by_hand(entry) for entry in entries):
            raise NotYours
        for entry in entries:
            entry.state, entry.changed_at = State.REVOKED, now
        Suppression.objects.bulk_update(entries, ["state", "changed_at"])
        SuppressionEvent.objects.bulk_create(
            _event(entry, What.REVOKED, by, reason or "taken back by hand", now) for entry in entries
        )
        freed = [entry.key for entry in entries]
        orders = Order.objects.for_seller(seller).filter(Q(alias_key__in=freed) | Q(order_key__in=freed))
        ask_for_plans(orders, now=now)
    return len(entries)


def _add_some(seller: Seller, wishes: Sequence[Wish], by: User, now: datetime) -> int:
    aims = {key: (kind, wish) for wish in wishes for kind, key in _kinds(wish.aim)}
    with transaction.atomic(), as_seller(seller.pk):
        gate.lock_to_change(aims)
        known = {entry.key: entry for entry in Suppression.objects.for_seller(seller).filter(key__in=list(aims))}
        new = [_entry(seller, key, kind, wish, now) for key, (kind, wish) in aims.items() if key not in known]
        Suppression.objects.bulk_create(new)
        back = [entry for entry in known.values() if entry.state != State.ACTIVE]
        for entry in back:
            entry.state, entry.grade, entry.reason = State.ACTIVE, "", aims[entry.key][1].reason
            entry.changed_at, entry.withdrawn_at, entry.until = now, None, None
        Suppression.objects.bulk_update(back, ["state", "grade", "reason", "changed_at", "withdrawn_at", "until"])
        SuppressionEvent.objects.bulk_create(
            [_event(entry, What.ADDED, by, entry.reason, now) for entry in new]
            + [_event(entry, What.PROMOTED, by, entry.reason, now) for entry in back]
        )
    return len(new) + len(back)


def _kinds(aim: Aim) -> Iterator[tuple[Kind, UUID]]:
    if aim.order_key is not None:
        yield Kind.ORDER, aim.order_key
    if aim.alias_key is not None:
        yield Kind.ALIAS, aim.alias_key


def _entry(seller: Seller, key: UUID, kind: Kind, wish: Wish, now: datetime) -> Suppression:
    return Suppression(
        seller=seller,
        key=key,
        key_version=version_of(key, kind),
        kind=kind,
        state=State.ACTIVE,
        reason=wish.reason[:200],
        amazon_order_id=wish.aim.amazon_order_id,
        created_at=now,
        changed_at=now,
    )


def _event(entry: Suppression, what: What, by: User, reason: str, now: datetime) -> SuppressionEvent:
    return SuppressionEvent(
        seller_id=entry.seller_id,
        suppression=entry,
        what=what,
        actor=actor(by),
        reason=reason[:200],
        contributor=entry.seller_id if what != What.REVOKED else None,
        at=now,
    )


def _batches(wishes: list[Wish]) -> Iterator[list[Wish]]:
    for start in range(0, len(wishes), IN_ONE_TRANSACTION):
        yield wishes[start : start + IN_ONE_TRANSACTION]


def _spend_a_look_up(seller: Seller, now: datetime) -> None:
    name = f"look-ups:{seller.pk}:{now:%Y%m%d%H}"
    cache.add(name, 0, timeout=3600)
    if cache.incr(name) > LOOK_UPS_AN_HOUR:
        raise TooManyLookUps
