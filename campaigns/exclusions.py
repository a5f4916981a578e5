"""A seller's own do-not-contact: by order, buyer, SKU or ASIN. Idempotent verbs, and the look-up that planning makes.

What waits for an excluded order is taken back in the very transaction, with its reason; what is in a gateway's hands at
that moment follows when it settles, for its order stands in the queue of planning.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accounts import lookup
from accounts.models import Seller, User
from campaigns.models import Exclusion
from messaging import outbox
from messaging.models import Message, Purpose
from orders.attention import ask_for_plans
from orders.facts import OrderFacts
from orders.models import Order, OrderItem

Kind = Exclusion.Kind
ORDER_ID: Final = re.compile(r"[0-9A-Z]{3}-[0-9]{7}-[0-9]{7}")
ASIN: Final = re.compile(r"[0-9A-Z]{10}")
LONGEST: Final = 120
LONGEST_NOTE: Final = 200
NO_SUCH_ORDER: Final = "None of your orders has this number, so the buyer is not known."
AT_ONCE: Final = 5000  # values in one statement
# Through the index of the constraint, name by name.
_STANDING: Final = """
    select e.kind, e.value, e.named from unnest(%s::text[], %s::text[]) as asked(kind, value)
    join campaigns_exclusion e on e.seller_id = %s and e.kind = asked.kind and e.value = asked.value
    where e.lifted_at is null"""
WHY: Final[dict[Kind, str]] = {
    Kind.ORDER: "your team has excluded this order",
    Kind.BUYER: "your team has excluded this buyer",
    Kind.SKU: "your team has excluded the SKU {named}",
    Kind.ASIN: "your team has excluded the ASIN {named}",
}


class NothingToExclude(ValueError):
    """These words name nothing that could be excluded; the text says why, for the seller."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be excluded, in the form in which it is compared. `named` is for people's eyes."""

    kind: Kind
    value: str
    named: str


def aim_at(seller: Seller, kind: Kind, words: str) -> Aim:
    """What these words mean. A buyer is named by one of his orders. Raises NothingToExclude. One query for a buyer."""
    text = words.strip()
    if not text or not text.isprintable() or len(text.lower()) > LONGEST:
        raise NothingToExclude(f"Not a value: it must be one line of 1 to {LONGEST} characters.")
    match kind:
        case Kind.SKU:
            return Aim(kind, text.lower(), text)
        case Kind.ASIN:
            return _of_form(kind, ASIN, text.upper(), "Not an ASIN: ten letters and digits, like B0ABCDEF12.")
        case Kind.ORDER:
            return _of_form(kind, ORDER_ID, text.upper(), "Not an order number: like 123-4567890-1234567.")
        case Kind.BUYER:
            orders = Order.objects.for_seller(seller).filter(amazon_order_id=text.upper())
            order = orders.order_by("id").defer("alias_sealed").first()
            if order is None:
                raise NothingToExclude(NO_SUCH_ORDER)
            return buyer_of(order)


def buyers_of(seller: Seller, numbers: Iterable[str]) -> dict[str, Order]:
    """The orders that name buyers, by their number in capital letters. One query for some thousands."""
    wanted = sorted({number.upper() for number in numbers if ORDER_ID.fullmatch(number.upper())})
    found: dict[str, Order] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = Order.objects.for_seller(seller).filter(amazon_order_id__in=wanted[start : start + AT_ONCE])
        for order in rows.order_by("id").defer("alias_sealed"):
            found.setdefault(order.amazon_order_id, order)
    return found


def names_of(seller: Seller, kind: Kind, message_ids: Iterable[int]) -> list[str]:
    """What the orders of these messages are called by, for `exclusion_lines.planned`: their numbers, or their SKUs."""
    orders = Message.objects.for_seller(seller).filter(pk__in=list(message_ids)).order_by()
    if kind is Kind.SKU:
        items = OrderItem.objects.for_seller(seller).filter(order__in=orders.values("order_id"))
        return sorted(set(items.exclude(sku="").values_list("sku", flat=True)))
    return list(orders.order_by("order__amazon_order_id").values_list("order__amazon_order_id", flat=True))


def buyer_of(order: Order) -> Aim:
    """The buyer of this order. Raises NothingToExclude where Amazon gave no address that would tell buyers apart."""
    if order.alias_key is None:
        raise NothingToExclude("Amazon has given no address for this buyer. Exclude the order itself instead.")
    return Aim(Kind.BUYER, order.alias_key.hex, order.amazon_order_id)


def _of_form(kind: Kind, form: re.Pattern[str], text: str, otherwise: str) -> Aim:
    if not form.fullmatch(text):
        raise NothingToExclude(otherwise)
    return Aim(kind, text, text)


def exclude(seller: Seller, aims: Iterable[Aim], *, by: User | None, now: datetime, note: str = "") -> list[Aim]:
    """Exclude each of these and take back what waits for them; returns those that were not excluded yet."""
    wanted = {(aim.kind, aim.value): aim for aim in aims}
    with transaction.atomic():
        known = {(row.kind, row.value) for row in _standing_for(seller.pk, list(wanted.values()))}
        new = [aim for key, aim in wanted.items() if key not in known]
        entered = {"seller": seller, "note": note[:LONGEST_NOTE], "created_at": now, "created_by": by}
        # Somebody else may enter the same at this instant: then his row stands, and this one is none.
        Exclusion.objects.bulk_create(
            (Exclusion(kind=aim.kind, value=aim.value, named=aim.named, **entered) for aim in new),
            ignore_conflicts=True,
            batch_size=AT_ONCE,
        )
        # In line first: this waits for a planner that holds an order, so that nothing is scheduled behind our back.
        touched = _ask_for_plans(seller.pk, list(wanted.values()), now=now)
        for kind in Kind:
            if touched.get(kind):
                ids = list(_waiting().filter(order__in=touched[kind]).values_list("pk", flat=True))
                reason = WHY[kind].removesuffix(" {named}")
                outbox.cancel(ids, reason=reason, now=now, frees_order=True)
    return new


def already_among(seller: Seller, aims: Sequence[Aim]) -> set[tuple[Kind, str]]:
    """Which of these are excluded now, by kind and value."""
    return {(Kind(row.kind), row.value) for row in _standing_for(seller.pk, aims)}


def met_among(seller: Seller, aims: Sequence[Aim]) -> set[tuple[Kind, str]]:
    """Which of these some order of the seller's has already, by kind and value."""
    orders, items = Order.objects.for_seller(seller), OrderItem.objects.for_seller(seller)
    met: set[tuple[Kind, str]] = set()
    for kind, values in _by_kind(aims).items():
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            match kind:
                case Kind.ORDER:
                    found = set(orders.filter(amazon_order_id__in=some).values_list("amazon_order_id", flat=True))
                case Kind.BUYER:
                    keys = orders.filter(alias_key__in=[UUID(value) for value in some])
                    found = {key.hex for key in keys.values_list("alias_key", flat=True) if key}
                case Kind.SKU:
                    skus = items.annotate(sku_lower=Lower("sku")).filter(sku_lower__in=some)
                    found = set(skus.values_list("sku_lower", flat=True).distinct())
                case Kind.ASIN:
                    found = set(items.filter(asin__in=some).values_list("asin", flat=True).distinct())
            met |= {(kind, value) for value in found}
    return met


def waiting_for(seller: Seller, aims: Sequence[Aim]) -> int:
    """How many messages wait for the orders that these name: what excluding them would take back."""
    orders = Order.objects.for_seller(seller)
    waiting: set[int] = set()
    for kind, values in _by_kind(aims).items():
        for start in range(0, len(values), AT_ONCE):
            named = _named(kind, values[start : start + AT_ONCE], orders).values("pk")
            waiting.update(_waiting().filter(order__in=named).values_list("pk", flat=True))
    return len(waiting)


def _waiting() -> QuerySet[Message]:
    """What an exclusion takes back: of campaigns. What a person writes for one order is hers."""
    return Message.objects.filter(status__in=outbox.WAITING, purpose=Purpose.CAMPAIGN)


def lift(seller: Seller, ids: Iterable[int], *, by: User | None, now: datetime) -> list[Exclusion]:
    """Lift these exclusions; returns those that stood until now. Their orders are decided anew."""
    with transaction.atomic():
        rows = list(
            Exclusion.objects.for_seller(seller)
            .filter(pk__in=list(ids), lifted_at__isnull=True)
            .order_by("pk")
            .select_for_update(of=("self",))
        )
        Exclusion.objects.filter(pk__in=[row.pk for row in rows]).update(lifted_at=now, lifted_by=by)
        _ask_for_plans(seller.pk, [Aim(Kind(row.kind), row.value, row.named) for row in rows], now=now)
    return rows


def excluded_among(seller_id: int, orders: Sequence[Order], facts: Mapping[int, OrderFacts]) -> dict[int, str]:
    """Which of these orders are excluded, by their id, and why. `facts` by order. One query."""
    names = {order.pk: list(_named_by(order, facts[order.pk])) for order in orders}
    asked = list({name for found in names.values() for name in found})
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [[kind for kind, _ in asked], [value for _, value in asked], seller_id])
        standing = {(kind, value): named for kind, value, named in cursor.fetchall()}
    if not standing:
        return {}
    reasons = {}
    for pk, found in names.items():
        name = next((name for name in found if name in standing), None)
        if name is not None:
            reasons[pk] = WHY[Kind(name[0])].format(named=standing[name])
    return reasons


Standing = dict[tuple[Kind, str], str]


def all_standing(seller_id: int) -> Standing:
    """All that this seller has excluded, for a count over very many orders; with its name for people."""
    rows = Exclusion.objects.filter(seller_id=seller_id, lifted_at__isnull=True)
    return {(Kind(kind), value): named for kind, value, named in rows.values_list("kind", "value", "named")}


def why_excluded(standing: Standing, facts: OrderFacts, buyer: str | None) -> str | None:
    """As `excluded_among`, for one order without its row. `buyer`: the key of his alias, in hexadecimal digits."""
    if not standing:
        return None
    names = [(Kind.ORDER, facts.amazon_order_id), *([(Kind.BUYER, buyer)] if buyer else [])]
    for item in facts.items:
        names += [(Kind.SKU, item.sku.lower()), (Kind.ASIN, item.asin)]
    return next((WHY[name[0]].format(named=standing[name]) for name in names if name in standing), None)


def follow_buyer(*, former: UUID, key: UUID, **_: object) -> None:
    """The secret of the list has changed (docs/rekeying.md): who is excluded stays so under the new key."""
    there = Exclusion.objects.filter(kind=Kind.BUYER, value=key.hex, lifted_at__isnull=True).values("seller_id")
    known = Exclusion.objects.filter(kind=Kind.BUYER, value=former.hex).exclude(
        lifted_at__isnull=True, seller_id__in=there
    )
    known.update(value=key.hex)


def _named_by(order: Order, facts: OrderFacts) -> Iterable[tuple[str, str]]:
    """All by which this order may be excluded. The kinds as plain texts, which thousands are compared by."""
    yield Kind.ORDER.value, order.amazon_order_id
    if order.alias_key is not None:
        yield Kind.BUYER.value, order.alias_key.hex
        if lookup.is_rekeying() and order.alias:
            for key in lookup.every_alias_key(order.alias):
                yield Kind.BUYER.value, key.hex
    for item in facts.items:
        yield Kind.SKU.value, item.sku.lower()
        yield Kind.ASIN.value, item.asin


def _standing_for(seller_id: int, aims: Sequence[Aim]) -> list[Exclusion]:
    rows = Exclusion.objects.filter(seller_id=seller_id, lifted_at__isnull=True)
    found: list[Exclusion] = []
    for start in range(0, len(aims), AT_ONCE):
        any_of = Q()
        for kind, values in _by_kind(aims[start : start + AT_ONCE]).items():
            any_of |= Q(kind=kind, value__in=values)
        found += rows.filter(any_of)
    return found


def _ask_for_plans(seller_id: int, aims: Sequence[Aim], *, now: datetime) -> dict[Kind, set[int]]:
    """Put the orders that these name in line, one order after the other by id; returns them by what names them."""
    touched: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    for start in range(0, len(aims), AT_ONCE):
        for kind, values in _by_kind(aims[start : start + AT_ONCE]).items():
            orders = _named(kind, values, Order.objects.filter(seller_id=seller_id))
            # By id: two people who exclude at once never wait for each other in a ring.
            ids = list(orders.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
            ask_for_plans(Order.objects.filter(pk__in=ids), now=now)
            touched[kind].update(ids)
    return touched


def _named(kind: Kind, values: list[str], orders: QuerySet[Order]) -> QuerySet[Order]:
    items = OrderItem.objects.filter(order=OuterRef("pk")).annotate(sku_lower=Lower("sku"))
    match kind:
        case Kind.ORDER:
            return orders.filter(amazon_order_id__in=values)
        case Kind.BUYER:
            return orders.filter(alias_key__in=[UUID(value) for value in values])
        case Kind.SKU:
            return orders.filter(Exists(items.filter(sku_lower__in=values)))
        case Kind.ASIN:
            return orders.filter(Exists(items.filter(asin__in=values)))


def _by_kind(aims: Iterable[Aim]) -> dict[Kind, list[str]]:
    values: dict[Kind, list[str]] = {}
    for aim in aims:
        values.setdefault(aim.kind, []).append(aim.value)
    return values
