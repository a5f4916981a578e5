"""Campaigns with their rules and templates, and the decisions that they lead to."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet, User
from messaging.models import Channel, Message
from orders.models import Order


class Campaign(models.Model):
    """Rules + timing + channel + template, with a priority: the lowest number wins an order."""

    class Status(Choices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    seller = models.ForeignKey(Seller, models.CASCADE)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=8, choices=Status.offered, default=Status.DRAFT)
    channel = models.CharField(max_length=20, choices=Channel.offered)
    priority = models.PositiveSmallIntegerField(default=100)
    delay_days = models.PositiveSmallIntegerField()  # after delivery
    send_at = models.TimeField(null=True, blank=True)  # in the marketplace's own time zone; None: as soon as due
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["Campaign"].as_manager()

    class Meta:
        ordering = ["priority", "id"]
        constraints = [models.UniqueConstraint(fields=["seller", "name"], name="campaign_names_differ")]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """One condition of a campaign. All must hold."""

    class Kind(Choices):
        FULFILLED_BY = "fulfilled_by", "Fulfilled by"

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=20, choices=Kind.offered)
    value = models.CharField(max_length=40)

    objects = SellerQuerySet["Rule"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "kind"], name="one_rule_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} is {self.value}"


class Template(models.Model):
    """Subject and body with placeholders, in one language. Request a Review has none: Amazon writes the text."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="templates")
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    body = models.TextField()

    objects = SellerQuerySet["Template"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "language"], name="one_template_per_language")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.language})"


class FollowUp(models.Model):
    """The decision about one order and one campaign, with every check and its values: the answer to "Why?"."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    order = models.ForeignKey(Order, models.CASCADE, related_name="follow_ups")
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="follow_ups")
    verdict = models.CharField(max_length=20)  # eligibility.Verdict
    checks = models.JSONField()  # eligibility.Check, one object each
    due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField()
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="follow_ups")

    objects = SellerQuerySet["FollowUp"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "campaign"], name="one_decision_per_order_and_campaign")
        ]

    def __str__(self) -> str:
        return f"{self.verdict} for order {self.order_id}"


class Exclusion(models.Model):
    """A seller's own do-not-contact. A guard: no campaign can switch it off. Lifted by a date, never deleted."""

    class Kind(Choices):
        ORDER = "order", "Order"
        BUYER = "buyer", "Buyer"
        SKU = "sku", "SKU"
        ASIN = "asin", "ASIN"

    seller = models.ForeignKey(Seller, models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.offered)
    # Amazon's order id, the key of the buyer's alias, the SKU in lower case, the ASIN: what `exclusions.Aim` made of it
    value = models.CharField(max_length=120)
    named = models.CharField(max_length=120)  # as a page says it: the SKU as written, the order that named the buyer
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = SellerQuerySet["Exclusion"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "kind", "value"], name="excluded_once", condition=Q(lifted_at__isnull=True)
            )
        ]
        indexes = [models.Index(fields=["seller", "-created_at", "-id"], name="exclusions_newest_first")]

    def __str__(self) -> str:
        return f"{self.Kind(self.kind).label} {self.named}"
