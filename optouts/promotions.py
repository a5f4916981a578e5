"""What an operator decides about the list and its evidence: this is an opt-out, this is none, these words are Amazon's.

Verbs of the admin's actions. Each names the operator in the event it leaves behind, none takes an entry off the list
(revoking needs two operators and is not here), and each may be done twice.
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.rowsecurity import across_sellers
from optouts import doorbell, gate, guards, holds, rekeying
from optouts.models import Notice, PromotedTemplate, Suppression, SuppressionEvent
from optouts.shadow_texts import SHADOWS
from orders.models import Order

SHADOW_NAMES: Final = frozenset(text.name for text in SHADOWS)
UNPROVED_GRADE: Final = "D"
NOT_AN_OPT_OUT: Final = "A person has looked: this is no opt-out."
IS_AN_OPT_OUT: Final = "A person has looked: this is an opt-out."


def promoted() -> frozenset[str]:
    """The ids of the shadow templates that count as attested."""
    return frozenset(PromotedTemplate.objects.values_list("template", flat=True))


def promote_templates(notices: list[Notice], *, by: User, now: datetime) -> tuple[list[str], int]:
    """The wordings of these notices are Amazon's own. Returns the templates, and how many notices are read again.

    Read again are all of every seller's that wait for a person under one of these templates and are still kept; each is
    then judged by its own signatures like any other notice.
    """
    chosen = sorted({notice.template for notice in notices} & SHADOW_NAMES)
    with transaction.atomic(), across_sellers("an operator promotes a template"):
        for template in chosen:
            PromotedTemplate.objects.get_or_create(template=template, defaults={"promoted_at": now, "promoted_by": by})
            guards.settle_wording(template, by=by, now=now)
        judged = Q(template__in=chosen, status=Notice.Status.QUARANTINED)
        being_read = Q(crashes__gt=0, look_at__gt=now)  # perhaps beside what was attested a second ago
        waiting = Notice.objects.filter(judged, raw_sealed__isnull=False)
        again = waiting.update(look_at=now)
        Notice.objects.filter(being_read, raw_sealed__isnull=False).update(look_at=now)
        doorbell.ring()
        return chosen, again


def confirm(notice: Notice, *, by: User, now: datetime) -> bool:
    """The notice is an opt-out, though nothing proves it: its seller stops writing. False: it names no known order.

    Others are not stopped by it: a person's opinion is no proof of Amazon's.
    """
    with transaction.atomic(), across_sellers("an operator confirms a notice"):
        named = notice.order.amazon_order_id if notice.order else notice.amazon_order_id
        rekeying.bring_forward(notice.seller_id, [named] if named else [], [], now=now)
        buyer = _buyer_of(notice)
        if buyer is None:
            return False
        grade = notice.grade or UNPROVED_GRADE
        proof = gate.Proof(_operator(by), gate.OPTED_OUT, grade, notice.fingerprint, notice.signed_at)
        gate.suppress(buyer, proof, reach=gate.Reach.SELLER, now=now)
        _close(notice, Notice.Status.APPLIED, IS_AN_OPT_OUT, now=now)
    return True


def dismiss(notice: Notice, *, by: User, now: datetime) -> bool:
    """The notice is no opt-out: what waits because of it goes on. True if a hold was ended.

    Nobody who is on the list comes off it.
    """
    with transaction.atomic(), across_sellers("an operator dismisses a notice"):
        buyer = _buyer_of(notice)
        is_free = buyer is not None and holds.let_go(buyer, actor=_operator(by), reason=NOT_AN_OPT_OUT, now=now)
        _close(notice, Notice.Status.IGNORED, NOT_AN_OPT_OUT, now=now)
    return is_free


def bring_into_force(entries: list[Suppression], *, by: User, reason: str, now: datetime) -> int:
    """Entries for everybody that wait for a second proof hold from now on; returns how many."""
    keys = sorted({entry.key for entry in entries}, key=str)
    with transaction.atomic(), across_sellers("an operator brings entries into force"):
        gate.lock_to_change(keys)
        waiting = Suppression.objects.select_for_update().filter(
            pk__in=[entry.pk for entry in entries], state=Suppression.State.PENDING
        )
        for entry in waiting:
            entry.state, entry.changed_at, entry.withdrawn_at = Suppression.State.ACTIVE, now, None
            entry.save(update_fields=["state", "changed_at", "withdrawn_at"])
            SuppressionEvent.objects.create(
                suppression=entry, seller_id=entry.seller_id, what=SuppressionEvent.What.PROMOTED,
                actor=_operator(by), reason=reason[:200], grade=entry.grade, at=now,
            )  # fmt: skip
        return len(waiting)


def _buyer_of(notice: Notice) -> gate.Buyer | None:
    """Whom the notice names, though his order may have been read only after the notice."""
    if not notice.order_id and not notice.amazon_order_id:
        return None
    named = Q(pk=notice.order_id) if notice.order_id else Q(amazon_order_id=notice.amazon_order_id)
    order = Order.objects.filter(named, seller_id=notice.seller_id).first()
    return gate.buyer_of(order) if order is not None else None


def _close(notice: Notice, status: Notice.Status, reason: str, *, now: datetime) -> None:
    Notice.objects.filter(pk=notice.pk).update(status=status, reason=reason, processed_at=now, look_at=None)


def _operator(by: User) -> str:
    return f"operator {by.pk}"
