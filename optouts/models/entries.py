"""The suppression list: its entries, what happened to each, and the sellers' imports.

The list is append-only: an entry comes into being, gains evidence, is promoted or revoked by an event, and is never
deleted (a trigger in the database refuses it). Its keys are HMACs, so it can outlive orders, sellers and aliases.
"""

from django.db import models
from django.db.models import Q

from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet


class Suppression(models.Model):
    """One entry of the list: this key must not be written to, by one seller or (seller = None) by anybody.

    `seller_id` has no foreign key in the database on purpose: deleting a seller never touches the list.
    """

    class Kind(Choices):
        ALIAS = "alias", "Buyer"
        ORDER = "order", "Order"

    class State(Choices):
        ACTIVE = "active", "In force"
        PENDING = "pending", "Waiting for a second proof"
        HELD = "held", "Held for now"
        REVOKED = "revoked", "Revoked"

    seller = models.ForeignKey(Seller, models.DO_NOTHING, null=True, blank=True, db_constraint=False)
    key = models.UUIDField()
    key_version = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=5, choices=Kind.offered)
    state = models.CharField(max_length=8, choices=State.offered)
    reason = models.CharField(max_length=200)
    grade = models.CharField(max_length=4, blank=True)
    amazon_order_id = models.CharField(max_length=20, blank=True)  # only in a seller's own rows
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)  # held: when the hold ends by itself; None in other states
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # when messaging took back what was pending for it

    objects = SellerQuerySet["Suppression"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "seller"], name="one_entry_per_key_and_scope", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(seller__isnull=False) | Q(amazon_order_id=""), name="global_rows_name_no_order"
            ),
            models.CheckConstraint(condition=~Q(state="held") | Q(until__isnull=False), name="every_hold_ends"),
            models.CheckConstraint(condition=~Q(state="held") | Q(seller__isnull=False), name="holds_are_a_sellers"),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="suppressions_to_withdraw", condition=Q(withdrawn_at__isnull=True, state="active")
            ),
            models.Index(fields=["seller", "-created_at", "-id"], name="suppressions_newest_first"),
            models.Index(fields=["seller", "amazon_order_id"], name="suppressions_by_order"),
        ]

    def __str__(self) -> str:
        return f"suppression {self.pk}"


class SuppressionEvent(models.Model):
    """What happened to an entry, who or what did it, on which evidence. Never changed, never deleted."""

    class What(Choices):
        ADDED = "added", "Added"
        EVIDENCE = "evidence", "More evidence"
        PROMOTED = "promoted", "Came into force"
        HELD = "held", "Held"
        LET_GO = "let_go", "Hold ended by a person"
        REVOKED = "revoked", "Revoked"
        REKEYED = "rekeyed", "Moved under a new key"

    seller = models.ForeignKey(Seller, models.DO_NOTHING, null=True, blank=True, db_constraint=False)
    suppression = models.ForeignKey(Suppression, models.DO_NOTHING, related_name="events")
    what = models.CharField(max_length=10, choices=What.offered)
    actor = models.CharField(max_length=60)  # "notice 12", "operator 3": ids only
    reason = models.CharField(max_length=200)
    grade = models.CharField(max_length=4, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)  # of the notice: two proofs differ in it
    contributor = models.PositiveBigIntegerField(null=True, blank=True)  # the id of the seller whose evidence it is
    at = models.DateTimeField()

    objects = SellerQuerySet["SuppressionEvent"].as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["contributor", "at"], name="events_by_contributor", condition=Q(contributor__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} at {self.at}"


class ListImport(models.Model):
    """A file of entries as it was shown to the seller before she said yes. Its lines rest sealed until then.

    What is carried out is what was shown: the lines are kept, not the file. They are erased when they have been
    carried out, thrown away, or a day old.
    """

    seller = models.ForeignKey(Seller, models.CASCADE)
    by = models.ForeignKey("accounts.User", models.SET_NULL, null=True)
    file_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    lines_sealed = models.BinaryField(null=True, blank=True)
    found = models.PositiveIntegerField()  # lines of the file that hold something
    to_add = models.PositiveIntegerField()
    added = models.PositiveIntegerField(null=True, blank=True)  # entries
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["ListImport"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="imports_to_erase", condition=Q(lines_sealed__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"
