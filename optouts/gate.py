"""The one door to the suppression list: clear a recipient, suppress a buyer, answer whether someone is on it.

Stage between `intake` (which proves notices) and `messaging.dispatch` (which asks moments before each hand-over).

The promise: once a suppression is committed, no message to that buyer is cleared any more, at any seller. It rests
on advisory locks per key, taken before looking: a clearance holds them shared until its transaction ends (which
moves the message to `sending`), a suppression exclusively until it is committed. Whoever commits first has won.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.prepared import Call, Prepared, rows_of_last
from accounts.rowsecurity import across_sellers
from optouts.decisions import Grade
from optouts.keyversions import version_of
from optouts.models import SellerFreeze, Suppression, SuppressionEvent
from orders.models import Order

OPTED_OUT: Final = "the buyer has opted out through Amazon"
CORROBORATING: Final = ("A1", "A2", "A4")  # grades of which a second one promotes a pending entry
MEMBER: Final = "member "  # begins the actor of what a person of a seller did by hand
_MINT: Final = object()
# The last one tells the reason: that of the order, and the entry for everybody, as in `suppressed_among`. Each branch
# is a look into an index.
_SUPPRESSED_ORDERS: Final = """
with asked as materialized (
  select o.id, o.order_key, o.alias_key from unnest(%s::bigint[]) as wanted(id) join orders_order o using (id)
), found as (
  select asked.id, 1 as rank, s.seller_id, s.reason, s.state
  from asked join optouts_suppression s on s.key = asked.alias_key
  union all
  select asked.id, 2, s.seller_id, s.reason, s.state
  from asked join optouts_suppression s on s.key = asked.order_key
)
select id, reason from found where state = 'active' and (seller_id is null or seller_id = %s)
order by rank, seller_id nulls last
"""
# Imports take no lock and may be faster; what they leave to be entered has its event, and the rest goes the long way.
# Parameters: of each entry its key, version, kind, seller, state and order; then of all the seller, the reason, the
# grade, the actor, the fingerprint and the instant.
_ENTER_ANEW: Final = Prepared(
    "enter_anew",
    ("uuid[]", "smallint[]", "text[]", "bigint[]", "text[]", "text[]", "bigint")
    + ("text", "text", "text", "text", "timestamptz"),
    f"""
with wanted as (
  select * from unnest($1, $2, $3, $4, $5, $6)
    with ordinality as wanted(key, key_version, kind, seller_id, state, amazon_order_id, number)
), entered as (
  insert into optouts_suppression
    (key, key_version, kind, seller_id, state, amazon_order_id, reason, grade, created_at, changed_at)
  select key, key_version, kind, seller_id, state, amazon_order_id, $8, $9, $12, $12 from wanted
  where not exists (
    select from optouts_suppression where key = any($1) and (seller_id is null or seller_id = $7)
  ) and not exists (select from optouts_sellerfreeze where seller_id = $7 and lifted_at is null)
  order by number on conflict do nothing returning id, seller_id
), told as (
  insert into optouts_suppressionevent
    (suppression_id, seller_id, what, actor, reason, grade, fingerprint, contributor, at)
  select id, seller_id, '{SuppressionEvent.What.ADDED}', $10, $8, $9, $11, $7, $12 from entered
)
select id from entered order by id
""",  # noqa: S608 (the values are our own)
)
_LOCK, _LOCK_SHARED = (
    Prepared(function, ("bigint[]",), f"select {function}(number) from unnest($1) as wanted(number)")  # noqa: S608
    for function in ("pg_advisory_xact_lock", "pg_advisory_xact_lock_shared")
)
_ENTRY: Final = "select id, key, seller_id, reason, changed_at, grade = '' from optouts_suppression"
_WAITS: Final = f"state = '{Suppression.State.ACTIVE}' and withdrawn_at is null"
_TO_WITHDRAW: Final = Prepared("to_withdraw", ("int",), f"{_ENTRY} where {_WAITS} order by id limit $1")
_TO_WITHDRAW_OF: Final = Prepared(
    "to_withdraw_of", ("bigint[]",), f"{_ENTRY} where id = any($1) and {_WAITS} order by id"
)
_MARK_WITHDRAWN: Final = Prepared(
    "mark_withdrawn",
    ("bigint[]", "timestamptz"),
    "update optouts_suppression set withdrawn_at = $2 where id = any($1) returning id",
)
# Two statements, because each sees what was committed when it began: the look must begin after the locks.
_LOCKED_BY_OTHERS: Final = Prepared(
    "buyers_locked_by_others",
    ("int[]", "bigint[]"),
    """
select number from unnest($1, $2) as asked(number, lock)
group by number having not bool_and(pg_try_advisory_xact_lock_shared(lock))
""",
)
_ENTRIES_AGAINST: Final = Prepared(
    "entries_against",
    ("int[]", "uuid[]", "bigint[]", "timestamptz"),
    f"""
select number, state, reason, until from unnest($1, $2, $3) as asked(number, key, seller_id)
join optouts_suppression entry on entry.key = asked.key
  and (entry.seller_id is null or entry.seller_id = asked.seller_id)
where state = '{Suppression.State.ACTIVE}' or (state = '{Suppression.State.HELD}' and until > $4) order by entry.id
""",  # noqa: S608 (the values are our own)
)
_RANK: Final = {grade.value: rank for rank, grade in enumerate(Grade)}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom a message is for: the order, and the alias if Amazon gave one. Keys, because the list knows only keys.

    `former_alias_key` is what the message was scheduled under; Amazon may have given the order another alias since.
    `more_keys` are the buyer's under other secrets, while the list is re-keyed (docs/rekeying.md).
    """

    seller_id: int
    amazon_order_id: str
    order_key: UUID
    alias_key: UUID | None
    former_alias_key: UUID | None = None
    more_keys: tuple[UUID, ...] = ()

    @property
    def keys(self) -> list[UUID]:
        one_each = (self.order_key, self.alias_key, self.former_alias_key, *self.more_keys)
        return [key for key in one_each if key is not None]


def buyer_of(order: Order) -> Buyer:
    """The buyer of a loaded order, under the keys in use."""
    return Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


@dataclass(frozen=True, slots=True)
class Clearance:
    """Proof that the gate let this buyer through, moments ago. Only `clear` can make one."""

    buyer: Buyer
    at: datetime
    mint: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mint is not _MINT:
            raise TypeError("Only the gate gives clearances.")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The gate's no."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnHold:
    """The gate's "not now": a person looks at what may be an opt-out. Ask again at `until`, the latest."""

    reason: str
    until: datetime


class Reach(StrEnum):
    """How far a suppression goes beyond the seller whose notice proved it."""

    SELLER = "this seller"
    PENDING = "this seller; everybody after a second proof"
    GLOBAL = "everybody"


@dataclass(frozen=True, slots=True)
class Proof:
    """Why an entry is made: who or what acted ("notice 12"), its grade, the fingerprint and the date of the mail.

    `seller_id` says whose evidence it is; the gate fills it in. Without `may_promote` it brings no waiting entry into
    force for everybody, however good it is: see `guards`.
    """

    actor: str
    reason: str
    grade: str = ""
    fingerprint: str = ""
    dated: datetime | None = None
    seller_id: int | None = None
    may_promote: bool = True


def clear(buyer: Buyer, *, now: datetime) -> Clearance | Suppressed | OnHold:
    """May this buyer be written to? Call inside the transaction that then moves the message.

    The answer stays true until that transaction ends: a suppression of the same buyer waits for it.
    """
    _demand_a_transaction()
    _lock(buyer.keys, exclusively=False)
    return _objection(buyer, now) or Clearance(buyer, now, _MINT)


def clear_critical(buyer: Buyer, *, now: datetime) -> Clearance:
    """The clearance of a critical message: what a person wrote about one order for one of Amazon's reasons.

    The one thing that a buyer who has opted out may still receive, so the list is not asked. Only `messaging.dispatch`
    may call this, for messages of that purpose alone; a wall test holds it. No campaign gets here.
    """
    _demand_a_transaction()
    return Clearance(buyer, now, _MINT)


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody is changing this buyer's entries at this moment. Nothing is decided: ask again in a moment."""


Answer = Clearance | Suppressed | OnHold | Busy


def clear_many(buyers: Sequence[Buyer], *, now: datetime) -> list[Answer]:
    """`clear` for a batch: an answer for each buyer, in their order, by two statements whatever their number.

    It waits for nobody, so a transaction that holds rows may call it: a buyer whose locks are not to be had at once
    is `Busy`. What is granted holds until the transaction ends, as with `clear`.
    """
    _demand_a_transaction()
    asked = [(number, key, buyer.seller_id) for number, buyer in enumerate(buyers) for key in set(buyer.keys)]
    numbers, keys, sellers = [row[0] for row in asked], [row[1] for row in asked], [row[2] for row in asked]
    with across_sellers("may these buyers be written to?"):
        busy = {number for (number,) in _LOCKED_BY_OTHERS.rows(numbers, [_lock_number(key) for key in keys])}
        entries: dict[int, list[tuple[str, str, datetime | None]]] = {}
        for number, *entry in _ENTRIES_AGAINST.rows(numbers, [str(key) for key in keys], sellers, now):
            entries.setdefault(number, []).append((entry[0], entry[1], entry[2]))
    return [
        Busy() if number in busy else _verdict(entries.get(number, [])) or Clearance(buyer, now, _MINT)
        for number, buyer in enumerate(buyers)
    ]


def _demand_a_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(
            "A clearance outside a transaction is worth nothing: ask inside the one that moves the message."
        )


def standing(buyer: Buyer) -> Suppressed | None:
    """Is this buyer on the list now? For plans and pages; before a hand-over only `clear` counts."""
    with across_sellers("is this buyer on the list?"):
        entry = _in_force(buyer.keys).filter(Q(seller__isnull=True) | Q(seller=buyer.seller_id)).order_by("id").first()
    return Suppressed(entry.reason) if entry else None


def _objection(buyer: Buyer, now: datetime) -> Suppressed | OnHold | None:
    stands = Q(state=Suppression.State.ACTIVE) | Q(state=Suppression.State.HELD, until__gt=now)
    with across_sellers("may this buyer be written to?"):
        of_buyer = Suppression.objects.filter(stands, key__in=buyer.keys)
        entries = of_buyer.filter(Q(seller__isnull=True) | Q(seller=buyer.seller_id)).order_by("id")
        return _verdict(list(entries.values_list("state", "reason", "until")))


def _verdict(entries: Sequence[tuple[str, str, datetime | None]]) -> Suppressed | OnHold | None:
    """What these entries of one buyer come to: state, reason, and the end of a hold."""
    for state, reason, _ in entries:
        if state == Suppression.State.ACTIVE:
            return Suppressed(reason)
    holds = [OnHold(reason, until) for _, reason, until in entries if until is not None]
    return max(holds, key=lambda hold: hold.until, default=None)


def suppressed_among(seller_id: int, keys: Sequence[UUID]) -> dict[UUID, str]:
    """Which of these keys are on the list for this seller, with the reason. One query for any number."""
    with across_sellers("which buyers are on the list?"):
        rows = _in_force(keys).filter(Q(seller__isnull=True) | Q(seller=seller_id))
        # The entry for everybody comes last and wins: a buyer who has opted out is that, whatever else is noted.
        return dict(rows.order_by("seller_id").values_list("key", "reason"))


def suppressed_orders(seller_id: int, order_ids: Iterable[int]) -> dict[int, str]:
    """Of which of these orders the buyer is on the list for this seller, with the reason. One query for any number, and
    no key leaves the database: for whoever counts over very many."""
    with across_sellers("which buyers are on the list?"), connection.cursor() as cursor:
        cursor.execute(_SUPPRESSED_ORDERS, [list(order_ids), seller_id])
        return dict(cursor.fetchall())


def suppress(buyer: Buyer, proof: Proof, *, reach: Reach, now: datetime) -> list[int]:
    """Put the buyer on the list and return the ids of the entries that stand behind it. Idempotent.

    When this returns outside a transaction, the entries are committed and no message to the buyer is cleared any
    more. Without an alias only the order is suppressed: there is nothing by which others could know the buyer.
    What a frozen seller contributes has effect for that seller only.
    """
    proof = replace(proof, seller_id=buyer.seller_id)
    with transaction.atomic(savepoint=False), across_sellers("a buyer is put on the list"):
        if (new := _lock_and_enter_anew(buyer, proof, reach, now)) is not None:
            return new
        if SellerFreeze.objects.filter(seller_id=buyer.seller_id, lifted_at__isnull=True).exists():
            reach = Reach.SELLER
        entries = [_enter(buyer.order_key, Suppression.Kind.ORDER, buyer, proof, now)]
        if buyer.alias_key is not None:
            entries.append(_enter(buyer.alias_key, Suppression.Kind.ALIAS, buyer, proof, now))
            if reach is not Reach.SELLER:
                entries.append(_enter_globally(buyer.alias_key, proof, reach, now))
    return entries


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in force whose pending messages have not been withdrawn yet."""

    id: int
    key: UUID
    seller_id: int | None
    reason: str
    since: datetime
    is_by_hand: bool = False  # a seller's own wish: Amazon has said nothing about the order


def entries_to_withdraw(limit: int = 200) -> list[Entry]:
    """The queue between the list and the outbox. Repeats until `mark_withdrawn`."""
    with across_sellers("what is pending for suppressed buyers"):
        return [Entry(*row) for row in _TO_WITHDRAW.rows(limit)]


def still_to_withdraw(entry_ids: Iterable[int]) -> list[Entry]:
    """Those of these entries that wait in the queue, for whoever has just made them."""
    with across_sellers("what is pending for suppressed buyers"):
        return [Entry(*row) for row in _TO_WITHDRAW_OF.rows(list(entry_ids))]


def mark_withdrawn(entries: Iterable[Entry], *, now: datetime) -> None:
    with across_sellers("pending messages were withdrawn"):
        _MARK_WITHDRAWN.rows([entry.id for entry in entries], now)


def _lock_and_enter_anew(buyer: Buyer, proof: Proof, reach: Reach, now: datetime) -> list[int] | None:
    """The usual case, in one trip: a buyer of whom nothing is known, a seller whose evidence counts for all.

    `lock_to_change` first, whatever comes of it; the entering begins when the locks are held.

    None: it is not that case, or only in part; what has been entered has its event.
    """
    mine, everybodys = buyer.seller_id, Suppression.State.ACTIVE if reach is Reach.GLOBAL else Suppression.State.PENDING
    rows: list[tuple[UUID, Suppression.Kind, int | None, Suppression.State]]
    rows = [(buyer.order_key, Suppression.Kind.ORDER, mine, Suppression.State.ACTIVE)]
    if buyer.alias_key is not None:
        rows.append((buyer.alias_key, Suppression.Kind.ALIAS, mine, Suppression.State.ACTIVE))
    if buyer.alias_key is not None and reach is not Reach.SELLER:
        rows.append((buyer.alias_key, Suppression.Kind.ALIAS, None, everybodys))
    columns: list[list[object]] = [
        [str(key) for key, *_ in rows],
        [version_of(key, kind) for key, kind, *_ in rows],
        [str(kind) for _, kind, *_ in rows],
        [seller_id for *_, seller_id, _ in rows],
        [str(state) for *_, state in rows],
        [buyer.amazon_order_id if seller_id else "" for *_, seller_id, _ in rows],
    ]
    said = (mine, proof.reason, proof.grade, proof.actor, proof.fingerprint, now)
    enter = Call(_ENTER_ANEW, [*columns, *said])
    entries = [entry_id for (entry_id,) in rows_of_last(Call(_LOCK, [_lock_numbers(buyer.keys)]), enter)]
    return entries if len(entries) == len(rows) else None


def _enter(key: UUID, kind: Suppression.Kind, buyer: Buyer, proof: Proof, now: datetime) -> int:
    entry, is_new = Suppression.objects.get_or_create(
        key=key,
        seller_id=buyer.seller_id,
        defaults=_beginning(key, kind, Suppression.State.ACTIVE, proof, now)
        | {"amazon_order_id": buyer.amazon_order_id},
    )
    if not is_new and (entry.state == Suppression.State.HELD or _is_back(entry, proof)):
        _into_force(entry, proof, now)
    else:
        _strengthen(entry, proof)
        _remember(entry, SuppressionEvent.What.ADDED if is_new else SuppressionEvent.What.EVIDENCE, proof, now)
    return entry.pk


def _strengthen(entry: Suppression, proof: Proof) -> None:
    """An entry shows the best proof that stands behind it, and its events show all. A lesser one changes nothing.

    What a person had entered by hand is proved by any: it is out of her hands then, and messages are withdrawn anew.
    """
    if entry.state == Suppression.State.REVOKED or not _is_better(proof.grade, than=entry.grade):
        return
    if not entry.grade:
        entry.withdrawn_at = None
    entry.grade, entry.reason = proof.grade, proof.reason
    entry.save(update_fields=["grade", "reason", "withdrawn_at"])


def _is_better(grade: str, *, than: str) -> bool:
    """Grades stand in their order, best first; no grade is a person's word and the least of all."""
    return bool(grade) and (not than or _RANK[grade] < _RANK[than])


def _enter_globally(key: UUID, proof: Proof, reach: Reach, now: datetime) -> int:
    state = Suppression.State.ACTIVE if reach is Reach.GLOBAL else Suppression.State.PENDING
    entry, is_new = Suppression.objects.get_or_create(
        key=key, seller=None, defaults=_beginning(key, Suppression.Kind.ALIAS, state, proof, now)
    )
    is_proved = state == Suppression.State.ACTIVE or (not is_new and _corroborates(entry, proof))
    if is_proved and (entry.state == Suppression.State.PENDING or _is_back(entry, proof)):
        _into_force(entry, proof, now)
    else:
        _strengthen(entry, proof)
        _remember(entry, SuppressionEvent.What.ADDED if is_new else SuppressionEvent.What.EVIDENCE, proof, now)
    return entry.pk


def _into_force(entry: Suppression, proof: Proof, now: datetime) -> None:
    """An entry that waited keeps a better grade that it had; one that was revoked begins anew with this proof."""
    if entry.state == Suppression.State.REVOKED or _is_better(proof.grade, than=entry.grade):
        entry.grade = proof.grade
    entry.state, entry.reason = Suppression.State.ACTIVE, proof.reason
    entry.changed_at, entry.until, entry.withdrawn_at = now, None, None
    entry.save(update_fields=["state", "grade", "reason", "changed_at", "until", "withdrawn_at"])
    _remember(entry, SuppressionEvent.What.PROMOTED, proof, now)


def _is_back(entry: Suppression, proof: Proof) -> bool:
    """A revoked entry comes back by a mail that Amazon wrote after the revocation: not by one shown again.

    Two revocations say nothing about what others can prove, so any proof of theirs undoes them: a seller who took
    back what she had entered by hand, and the end of all that rested on one seller's evidence.
    """
    if entry.state != Suppression.State.REVOKED:
        return False
    if proof.dated is not None and proof.dated > entry.changed_at:
        return True
    revocation = entry.events.filter(what=SuppressionEvent.What.REVOKED).order_by("-id").first()
    if revocation is None:
        return False
    if revocation.actor.startswith(MEMBER):
        return True
    return revocation.contributor is not None and revocation.contributor != proof.seller_id


def _corroborates(entry: Suppression, proof: Proof) -> bool:
    """A second, different mail that Amazon signed for this seller."""
    if proof.grade not in CORROBORATING or not proof.fingerprint or not proof.may_promote:
        return False
    return not entry.events.filter(fingerprint=proof.fingerprint).exists()


def _beginning(
    key: UUID, kind: Suppression.Kind, state: Suppression.State, proof: Proof, now: datetime
) -> dict[str, object]:
    return {
        "key_version": version_of(key, kind),
        "kind": kind,
        "state": state,
        "reason": proof.reason,
        "grade": proof.grade,
        "created_at": now,
        "changed_at": now,
    }


def _remember(entry: Suppression, what: SuppressionEvent.What, proof: Proof, now: datetime) -> None:
    already = entry.events.filter(actor=proof.actor, fingerprint=proof.fingerprint, grade=proof.grade)
    if what == SuppressionEvent.What.EVIDENCE and already.exists():
        return  # the same notice read again
    _event(entry, what, proof, now).save()


def _event(entry: Suppression, what: SuppressionEvent.What, proof: Proof, now: datetime) -> SuppressionEvent:
    return SuppressionEvent(
        suppression=entry,
        seller_id=entry.seller_id,
        what=what,
        actor=proof.actor,
        reason=proof.reason,
        grade=proof.grade,
        fingerprint=proof.fingerprint,
        contributor=proof.seller_id,
        at=now,
    )


def _in_force(keys: Sequence[UUID]) -> QuerySet[Suppression]:
    # As one array: a thousand parameters take Django and PostgreSQL longer to read than the index to answer.
    asked = RawSQL("select unnest(%s::uuid[])", [[str(key) for key in keys]])
    return Suppression.objects.filter(key__in=asked, state=Suppression.State.ACTIVE)


def lock_to_change(keys: Iterable[UUID]) -> None:
    """Wait for every clearance of these buyers, and let none be given until this transaction has ended."""
    _lock(keys, exclusively=True)


def _lock(keys: Iterable[UUID], *, exclusively: bool) -> None:
    (_LOCK if exclusively else _LOCK_SHARED).rows(_lock_numbers(keys))


def _lock_numbers(keys: Iterable[UUID]) -> list[int]:
    # Always in the same order, so that two transactions with several keys never wait for each other.
    return sorted(_lock_number(key) for key in set(keys))


def _lock_number(key: UUID) -> int:
    return int.from_bytes(key.bytes[:8], signed=True)
