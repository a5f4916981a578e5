"""What operators do to the list: revoke with a second operator's consent, freeze a seller's contributions, watch.

Nobody revokes alone: one asks and says why, another approves what she is shown. If by then there are more or fewer
entries than she was shown, nothing happens and she is shown again. Each entry keeps an event that names both and the
request ("operator 3 with 5, request 7"). Call within `across_sellers`, as the admin does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts import keys, lookup
from accounts.models import Seller, User
from optouts import gate, listing
from optouts.models import RevocationRequest, SellerFreeze, Suppression, SuppressionEvent
from orders.attention import ask_for_plans
from orders.models import Order

IN_ONE_TRANSACTION: Final = 500
What: TypeAlias = SuppressionEvent.What
WATCHED: Final = timedelta(days=30)
MOST_WATCHED: Final = 100
MOST_FOUND: Final = 50
MANY_OPTOUTS: Final = 0.2  # of what a seller sent; INBOUND.md 4.5


class NotAllowed(Exception):
    """The text says why, for the operator."""


def keys_of(text: str) -> list[UUID]:
    """Under which keys the entries of a buyer may stand, of whom an operator has an order's number or the alias.

    An entry for everybody names no order, so nobody could find it otherwise. Raises listing.NotRecognised.
    """
    words = text.strip()
    if keys.normalise_alias(words):
        buyer = lookup.every_alias_key(words)
        orders_of = Order.objects.filter(alias_key__in=buyer).values_list("order_key", flat=True)[:MOST_FOUND]
        return [*buyer, *orders_of]
    if not keys.is_order_id(words):
        raise listing.NotRecognised
    orders = Order.objects.filter(amazon_order_id=words).values_list("order_key", "alias_key")[:MOST_FOUND]
    entries = Suppression.objects.filter(amazon_order_id=words).values_list("key", flat=True)[:MOST_FOUND]
    return list(dict.fromkeys([*(key for row in orders for key in row if key), *entries]))


def ask_to_revoke(entry: Suppression, *, by: User, reason: str, now: datetime) -> RevocationRequest:
    """Ask for one entry to be revoked. Raises NotAllowed for one that is not in force."""
    if entry.state == Suppression.State.REVOKED:
        raise NotAllowed("This entry is revoked already.")
    return RevocationRequest.objects.create(
        seller_id=entry.seller_id, suppression=entry, reason=reason, shown=1, asked_by=by, asked_at=now
    )


def ask_to_revoke_all(seller: Seller, *, shown: int, by: User, reason: str, now: datetime) -> RevocationRequest:
    """Ask for all entries for everybody that rest on this seller's evidence alone. `shown`: how many they were.

    Raises NotAllowed when there is none, or when they are more or fewer by now.
    """
    there = resting_on(seller).count()
    if not there:
        raise NotAllowed("No entry for everybody rests on this seller's evidence alone.")
    if there != shown:
        raise NotAllowed(f"There are {there:,} entries by now, and {shown:,} were shown. Look again.")
    return RevocationRequest.objects.create(seller=seller, reason=reason, shown=shown, asked_by=by, asked_at=now)


def refuse(request: RevocationRequest, *, by: User, now: datetime) -> None:
    """Close a request without revoking anything; whoever asked may do it too."""
    open_one = RevocationRequest.objects.filter(pk=request.pk, is_approved__isnull=True)
    if not open_one.update(is_approved=False, answered_by=by, answered_at=now):
        raise NotAllowed("This request has been answered already.")


def approve(request: RevocationRequest, *, shown: int, by: User, now: datetime) -> int:
    """Consent to what was asked for, carry it out, and return how many entries went.

    Raises NotAllowed for the operator who asked, for a request that is answered, and when the entries are not as many
    as `shown` any more.
    """
    with transaction.atomic():
        locked = RevocationRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if locked.is_approved is not None:
            raise NotAllowed("This request has been answered already.")
        if locked.asked_by_id == by.pk:
            raise NotAllowed("You asked for this yourself: another operator has to approve it.")
        there = entries_of(locked).count()
        if there != shown:
            raise NotAllowed(f"There are {there:,} entries by now, and {shown:,} were shown. Look again.")
        locked.is_approved, locked.answered_by, locked.answered_at = True, by, now
        locked.save(update_fields=["is_approved", "answered_by", "answered_at"])
    return carry_out(locked, now=now)


def carry_out(request: RevocationRequest, *, now: datetime) -> int:
    """Revoke what was approved, some hundred at a time, and return how many went. Goes on where it was broken off.

    An entry behind which somebody else's evidence has come to stand meanwhile stays. Raises NotAllowed for a request
    that nobody approved, or that has been carried out.
    """
    request.refresh_from_db()
    if not request.is_approved or request.revoked is not None:
        raise NotAllowed("There is nothing to carry out.")
    ids = list(entries_of(request).order_by("pk").values_list("pk", flat=True)[: request.shown])
    for start in range(0, len(ids), IN_ONE_TRANSACTION):
        _revoke(request, ids[start : start + IN_ONE_TRANSACTION], now)
    request.revoked = SuppressionEvent.objects.filter(what=What.REVOKED, actor=_actor(request)).count()
    request.save(update_fields=["revoked"])
    return request.revoked


def entries_of(request: RevocationRequest) -> QuerySet[Suppression]:
    """What the request would revoke now."""
    if request.suppression_id is not None:
        return Suppression.objects.filter(pk=request.suppression_id).exclude(state=Suppression.State.REVOKED)
    return resting_on(request.seller_id)


def resting_on(seller: Seller | int | None) -> QuerySet[Suppression]:
    """The entries for everybody, in force or waiting, behind which stands this seller's evidence and no other's.

    Evidence whose contributor is not known any more counts as another's: in doubt the buyer stays on the list.
    """
    seller_id = seller.pk if isinstance(seller, Seller) else seller
    evidence = SuppressionEvent.objects.filter(suppression=OuterRef("pk")).exclude(what=What.REVOKED)
    theirs = evidence.filter(contributor=seller_id)
    of_others = evidence.filter(Q(contributor__isnull=True) | ~Q(contributor=seller_id))
    entries = Suppression.objects.filter(seller__isnull=True).exclude(state=Suppression.State.REVOKED)
    touched = SuppressionEvent.objects.filter(contributor=seller_id, seller__isnull=True).values("suppression")
    return entries.filter(Exists(theirs), ~Exists(of_others), pk__in=touched)


def freeze(seller: Seller, *, by: User, reason: str, now: datetime) -> SellerFreeze:
    """From now on this seller's evidence has effect for the seller alone. What it caused before stays. Idempotent."""
    frozen, _ = SellerFreeze.objects.get_or_create(
        seller=seller, lifted_at=None, defaults={"reason": reason, "frozen_by": by, "frozen_at": now}
    )
    return frozen


def unfreeze(seller: Seller, *, by: User, now: datetime) -> bool:
    """Let this seller's evidence count for everybody again, from now on. False: it was not frozen."""
    return bool(SellerFreeze.objects.filter(seller=seller, lifted_at=None).update(lifted_by=by, lifted_at=now))


@dataclass(frozen=True, slots=True)
class Watched:
    """What one seller sent and proved in the last 30 days: letters, opt-outs, and entries for everybody among them."""

    seller: Seller
    sent: int
    optouts: int
    for_everybody: int
    is_frozen: bool

    @property
    def rate(self) -> float | None:
        """Opt-outs for each letter that was sent; None when nothing was sent."""
        return self.optouts / self.sent if self.sent else None

    @property
    def percent(self) -> str:
        return f"{(self.rate or 0) * 100:.1f}"

    @property
    def is_conspicuous(self) -> bool:
        """Opt-outs without letters, or far more than letters bring about."""
        return self.optouts > 0 if self.rate is None else self.optouts >= 5 and self.rate > MANY_OPTOUTS


def radar(*, now: datetime) -> list[Watched]:
    """The sellers who contributed most in the last 30 days, the conspicuous ones first. Five queries."""
    since = now - WATCHED
    proved = SuppressionEvent.objects.filter(contributor__isnull=False, at__gt=since).exclude(grade="")
    new = proved.filter(what__in=[What.ADDED, What.PROMOTED])
    own = Count("suppression", filter=Q(seller__isnull=False), distinct=True)
    all_ = Count("suppression", filter=Q(seller__isnull=True), distinct=True)
    rows = new.values("contributor").annotate(own=own, for_everybody=all_).order_by("-for_everybody", "-own")
    found = {row["contributor"]: row["for_everybody"] for row in rows[:MOST_WATCHED] if row["contributor"] is not None}
    frozen = set(SellerFreeze.objects.filter(lifted_at=None).values_list("seller_id", flat=True))
    ids = found.keys() | frozen
    letters = Order.objects.filter(seller_id__in=ids, last_written_at__gt=since, purchased_at__gt=since - WATCHED * 3)
    sent = dict(letters.order_by().values_list("seller_id").annotate(Count("id")))
    orders = dict(_orders_opted_out(ids, since))
    watched = [
        Watched(
            seller,
            sent.get(seller.pk, 0),
            orders.get(seller.pk, 0),
            found.get(seller.pk, 0),
            seller.pk in frozen,
        )
        for seller in Seller.objects.filter(pk__in=ids)
    ]
    return sorted(watched, key=lambda one: (not one.is_conspicuous, -(one.rate or 0), -one.for_everybody))


def _orders_opted_out(sellers: Iterable[int], since: datetime) -> Iterable[tuple[int, int]]:
    """An order and its buyer are two entries of one opt-out: the orders are counted."""
    entries = Suppression.objects.filter(seller_id__in=sellers, kind=Suppression.Kind.ORDER, created_at__gt=since)
    proved = entries.exclude(grade="").order_by()
    return proved.annotate(whose=F("seller_id")).values_list("whose").annotate(Count("id"))


def _revoke(request: RevocationRequest, ids: Sequence[int], now: datetime) -> None:
    with transaction.atomic():
        gate.lock_to_change(Suppression.objects.filter(pk__in=ids).values_list("key", flat=True))
        entries = list(entries_of(request).filter(pk__in=ids))  # again: what changed before the locks were ours
        for entry in entries:
            entry.state, entry.changed_at = Suppression.State.REVOKED, now
        Suppression.objects.bulk_update(entries, ["state", "changed_at"])
        SuppressionEvent.objects.bulk_create(_revoked(entry, request, now) for entry in entries)
        freed = [entry.key for entry in entries]
        ask_for_plans(Order.objects.filter(Q(alias_key__in=freed) | Q(order_key__in=freed)), now=now)


def _revoked(entry: Suppression, request: RevocationRequest, now: datetime) -> SuppressionEvent:
    return SuppressionEvent(
        suppression=entry,
        seller_id=entry.seller_id,
        what=What.REVOKED,
        actor=_actor(request),
        reason=request.reason,
        contributor=request.seller_id if request.suppression_id is None else None,
        at=now,
    )


def _actor(request: RevocationRequest) -> str:
    return f"operator {request.asked_by_id} with {request.answered_by_id}, request {request.pk}"
