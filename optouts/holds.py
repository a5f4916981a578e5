"""A buyer's messages of one seller wait while a person looks at an unproved notice, and not longer than 14 days.

Stage between `acting` (evidence that proves nothing, about an order that we wrote to) and the gate, which answers
"not now, ask again at ..." for as long as the hold lasts. A hold ends by itself, by proof (the entry comes into force)
or by a person. Why hold at all: a missed opt-out is the dear error, and who wants to silence a buyer this way must
know the secret address and the order, and gains 14 days of one buyer at one seller (INBOUND.md 4.5).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from accounts.rowsecurity import across_sellers
from optouts import gate
from optouts.keyversions import version_of
from optouts.models import Suppression, SuppressionEvent
from orders.attention import ask_for_plans
from orders.models import Order

HELD_FOR: Final = timedelta(days=14)
MAY_HAVE_OPTED_OUT: Final = "The buyer may have opted out: a person looks at a notice that nothing proves"
NOT_DECIDED_YET: Final = "The buyer may have opted out: the signature of a notice could not be checked yet"
What, State, Kind = SuppressionEvent.What, Suppression.State, Suppression.Kind


def hold(
    buyer: gate.Buyer, proof: gate.Proof, *, until: datetime, now: datetime, why: str = MAY_HAVE_OPTED_OUT
) -> datetime | None:
    """Hold the buyer's messages of this seller; returns until when, or None: nothing is held (any more).

    `why` is what the seller reads; of several notices it is that of the longest hold.

    Further notices about the same order never stretch its hold beyond 14 days from the first one, nor renew one that
    a person has ended. Changes nothing for a buyer who is on the list. Idempotent.
    """
    with transaction.atomic(), across_sellers("a buyer's messages wait for a person"):
        gate.lock_to_change(buyer.keys)
        order = _entry(buyer.order_key, buyer.seller_id)
        if order is not None and (order.state != State.HELD or order.events.filter(what=What.LET_GO).exists()):
            return None
        until = min(until, (order.created_at if order else now) + HELD_FOR)
        if until <= now:
            return None
        _hold(order, buyer.order_key, Kind.ORDER, buyer, replace(proof, reason=why), until, now)
        if buyer.alias_key is not None:
            known = _entry(buyer.alias_key, buyer.seller_id)
            if known is None or known.state == State.HELD:
                _hold(known, buyer.alias_key, Kind.ALIAS, buyer, replace(proof, reason=why), until, now)
    return until


def let_go(buyer: gate.Buyer, *, actor: str, reason: str, now: datetime) -> bool:
    """A person has looked, and it was no opt-out: the messages go on. False: nothing was held for this order.

    What another order of the same buyer holds stays held. What is on the list stays on it.
    """
    with transaction.atomic(), across_sellers("a person ends a hold"):
        gate.lock_to_change(buyer.keys)
        order = _entry(buyer.order_key, buyer.seller_id)
        if order is None or order.state != State.HELD:
            return False
        _end(order, now, actor=actor, reason=reason, now=now)
        alias = _entry(buyer.alias_key, buyer.seller_id) if buyer.alias_key else None
        if alias is not None and alias.state == State.HELD:
            _end(alias, _held_by_others(buyer, now=now) or now, actor=actor, reason=reason, now=now)
        of_buyer = Q(order_key=buyer.order_key)
        if buyer.alias_key:
            of_buyer |= Q(alias_key=buyer.alias_key)
        ask_for_plans(Order.objects.filter(of_buyer, seller_id=buyer.seller_id), now=now)  # back to their own time
    return True


def _hold(
    entry: Suppression | None,
    key: UUID,
    kind: Suppression.Kind,
    buyer: gate.Buyer,
    proof: gate.Proof,
    until: datetime,
    now: datetime,
) -> None:
    if entry is None:
        entry = Suppression.objects.create(
            key=key,
            key_version=version_of(key, kind),
            seller_id=buyer.seller_id,
            kind=kind,
            state=State.HELD,
            reason=proof.reason,
            grade=proof.grade,
            amazon_order_id=buyer.amazon_order_id,
            created_at=now,
            changed_at=now,
            until=until,
        )
    elif entry.until is None or entry.until >= until:
        return
    else:
        entry.until, entry.changed_at, entry.reason = until, now, proof.reason
        entry.save(update_fields=["until", "changed_at", "reason"])
    known = entry.events.filter(what=What.HELD, actor=proof.actor, grade=proof.grade)
    if not known.exists():  # a notice that is tried again every hour says it once
        _remember(entry, What.HELD, actor=proof.actor, reason=proof.reason, grade=proof.grade, now=now)


def _end(entry: Suppression, until: datetime, *, actor: str, reason: str, now: datetime) -> None:
    entry.until, entry.changed_at = until, now
    entry.save(update_fields=["until", "changed_at"])
    _remember(entry, What.LET_GO, actor=actor, reason=reason, grade="", now=now)


def _held_by_others(buyer: gate.Buyer, *, now: datetime) -> datetime | None:
    orders = Order.objects.filter(seller_id=buyer.seller_id, alias_key=buyer.alias_key)
    held = Suppression.objects.filter(
        seller_id=buyer.seller_id, state=State.HELD, until__gt=now, key__in=orders.values("order_key")
    )
    until: datetime | None = held.aggregate(latest=Max("until"))["latest"]
    return until


def _entry(key: UUID, seller_id: int) -> Suppression | None:
    return Suppression.objects.filter(key=key, seller_id=seller_id).first()


def _remember(
    entry: Suppression, what: SuppressionEvent.What, *, actor: str, reason: str, grade: str, now: datetime
) -> None:
    SuppressionEvent.objects.create(
        suppression=entry, seller_id=entry.seller_id, what=what, actor=actor, reason=reason[:200], grade=grade, at=now
    )
