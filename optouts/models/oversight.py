"""What operators watch and decide: alarms, revocations that two must want, sellers whose evidence is frozen."""

from django.db import models
from django.db.models import Q

from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet
from optouts.models.entries import Suppression


class GuardAlarm(models.Model):
    """Something about a seller's evidence that an operator has to see. Open until one says that it is settled.

    An open RATE or SHARE alarm keeps the seller's new evidence from reaching other sellers; see `guards`.
    """

    class Kind(Choices):
        RATE = "rate", "More new entries in a day than this seller ever had"
        SHARE = "share", "More opt-outs than messages can explain"
        SHARED_ALIAS = "shared_alias", "An address on the list belongs to many buyers"
        WORDING = "wording", "Amazon writes its notice in words that we do not know"
        FOREIGN_ORDER = "foreign_order", "A notice about another seller's order"

    seller = models.ForeignKey(Seller, models.CASCADE)
    kind = models.CharField(max_length=16, choices=Kind.offered)
    about = models.CharField(max_length=60, blank=True)  # "notice 12", "suppression 3": ids only
    detail = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True)

    objects = SellerQuerySet["GuardAlarm"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "kind", "about"], name="one_open_alarm", condition=Q(settled_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"alarm {self.pk} ({self.kind})"


class RevocationRequest(models.Model):
    """An operator's wish to take entries off the list, which another operator has to approve.

    Either one entry (`suppression`), or all entries for everybody that rest on the evidence of one seller and of nobody
    else (`suppression` empty). `shown` is how many that were when it was asked for.
    """

    seller = models.ForeignKey(Seller, models.DO_NOTHING, null=True, blank=True, db_constraint=False)
    suppression = models.ForeignKey(Suppression, models.DO_NOTHING, null=True, blank=True)
    reason = models.CharField(max_length=200)
    shown = models.PositiveIntegerField()
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    is_approved = models.BooleanField(null=True)  # None: not answered yet
    revoked = models.PositiveIntegerField(null=True, blank=True)  # entries, when it was carried out

    objects = SellerQuerySet["RevocationRequest"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_approved__isnull=True) | Q(is_approved=False) | ~Q(asked_by=models.F("answered_by")),
                name="two_operators_revoke",
            ),
            models.CheckConstraint(
                condition=Q(suppression__isnull=False) | Q(seller__isnull=False), name="revocations_have_an_aim"
            ),
        ]

    def __str__(self) -> str:
        return f"revocation {self.pk}"


class SellerFreeze(models.Model):
    """From `frozen_at` until `lifted_at` this seller's evidence counts for the seller alone. Kept as a record."""

    seller = models.ForeignKey(Seller, models.DO_NOTHING, db_constraint=False)
    reason = models.CharField(max_length=200)
    frozen_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()
    lifted_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["SellerFreeze"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller"], name="frozen_once", condition=Q(lifted_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"freeze {self.pk}"
