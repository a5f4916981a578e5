"""Campaigns with their rules and templates, and the decisions that they lead to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet, User
from campaigns.rendering import Source
from messaging.letters import Attachment
from messaging.models import Channel, Message
from orders.models import Order


class Campaign(models.Model):
    """Rules + timing + channel + template, with a priority: the lowest number wins an order."""

    class Status(Choices):
        DRAFT = "draft", "Draft"
        TEST = "test", "Test"  # writes to one of the team, never to a buyer: `campaigns.trying`
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"  # what waits for it is held
        ARCHIVED = "archived", "Archived"  # out of the way, for good; kept for what it has sent

    class After(Choices):
        """What the delay counts from: `eligibility.Anchor`."""

        DELIVERY = "delivery", "delivery"
        SHIPMENT = "shipment", "shipment"
        ORDER = "order", "order"

    class NoMatch(Choices):
        """What becomes of an order whose buyer's language no template has: `eligibility.NoMatch`."""

        SKIP = "skip", "Send nothing"
        REQUEST = "request", "Send Amazon's Request a Review instead"

    seller = models.ForeignKey(Seller, models.CASCADE)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=8, choices=Status.offered, default=Status.DRAFT)
    channel = models.CharField(max_length=20, choices=Channel.offered)
    priority = models.PositiveSmallIntegerField(default=100)
    marketplaces = ArrayField(models.CharField(max_length=20), default=list, db_default=[], blank=True)  # none: all
    delay_days = models.PositiveSmallIntegerField()
    delay_hours = models.PositiveSmallIntegerField(default=0, db_default=0)
    after = models.CharField(max_length=8, choices=After.offered, default=After.DELIVERY, db_default="delivery")
    # Times and days are those of the marketplace's own time zone.
    send_at = models.TimeField(null=True, blank=True)  # None: as soon as due
    weekdays = models.CharField(max_length=7, default="0123456", db_default="0123456")  # 0 is Monday
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    no_match = models.CharField(max_length=8, choices=NoMatch.offered, default=NoMatch.SKIP, db_default="skip")
    takes_since = models.DateTimeField(null=True, blank=True)  # orders bought before are left alone; None: all
    version = models.PositiveIntegerField(default=1, db_default=1)  # counts the changes
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)
    tested_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")  # who gets the tests

    objects = SellerQuerySet["Campaign"].as_manager()

    class Meta:
        ordering = ["priority", "id"]
        constraints = [models.UniqueConstraint(fields=["seller", "name"], name="campaign_names_differ")]

    def __str__(self) -> str:
        return self.name


class CampaignChange(models.Model):
    """One change of a campaign, with who made it: the history on its page. Written with the change, never changed."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="changes")
    version = models.PositiveIntegerField()  # that it led to
    what = models.JSONField()  # sentences
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")  # None: the site itself

    objects = SellerQuerySet["CampaignChange"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["campaign", "-at", "-id"], name="changes_newest_first")]

    def __str__(self) -> str:
        return f"version {self.version} of campaign {self.campaign_id}"


class Trial(models.Model):
    """A campaign on trial has written about this order, to one of the team."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="trials")
    order = models.ForeignKey(Order, models.CASCADE, related_name="+")
    sent_at = models.DateTimeField()

    objects = SellerQuerySet["Trial"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "order"], name="one_trial_for_an_order")]

    def __str__(self) -> str:
        return f"trial of campaign {self.campaign_id} with order {self.order_id}"


class Rule(models.Model):
    """One condition of a campaign. All must hold. A row is never changed, only replaced: what was parsed of it stays
    true as long as it is there."""

    class Kind(Choices):
        """`eligibility.conditions.RuleKind`, with the words of the form."""

        FULFILLED_BY = "fulfilled_by", "Fulfilled by"
        SKU = "sku", "SKU"
        ASIN = "asin", "ASIN"
        ITEM_CONDITION = "item_condition", "Condition of the item"
        QUANTITY = "quantity", "Number of units"
        ITEM_VALUE = "item_value", "Price of an item"
        ORDER_VALUE = "order_value", "Value of the order"
        PROMOTION = "promotion", "Promotion or discount used"
        BUSINESS = "business", "Business order"
        PRIME = "prime", "Prime order"
        GIFT = "gift", "Gift"
        REPLACEMENT = "replacement", "Replacement or exchange"
        COUNTRY = "country", "Country it goes to"
        DOMESTIC = "domestic", "Goes to the marketplace's own country"
        REPEAT_BUYER = "repeat_buyer", "Bought from you before"
        SHIPPED_LATE = "shipped_late", "Shipped late"
        DELIVERED_LATE = "delivered_late", "Delivered late"
        REFUNDED = "refunded", "Refunded"
        RETURNED = "returned", "Returned"
        CANCELLATION_ASKED = "cancellation_asked", "Buyer has asked to cancel"
        ORDERED_BETWEEN = "ordered_between", "Ordered between"
        NEGATIVE_FEEDBACK = "negative_feedback", "Left negative feedback"
        LANGUAGE = "language", "Language of the buyer"

    class Operator(Choices):
        IS = "is", "is"
        IS_NOT = "is_not", "is not"

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=20, choices=Kind.offered)
    operator = models.CharField(max_length=8, choices=Operator.offered, default=Operator.IS, db_default="is")
    # A list's members, up to 100,000 in one row: read as a whole, once per process, or not at all.
    values = ArrayField(models.CharField(max_length=120), default=list, db_default=[], blank=True)

    objects = SellerQuerySet["Rule"].as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.operator}"


class Template(models.Model):
    """Subject and body with placeholders, in one language. Request a Review has none: Amazon writes the text."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="templates")
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    is_html = models.BooleanField(default=False, db_default=False)  # the body, as the seller wrote it
    attachments = models.JSONField(default=list, db_default=[], blank=True)  # messaging.letters.Attachment, each

    objects = SellerQuerySet["Template"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "language"], name="one_template_per_language")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.language})"

    @property
    def source(self) -> Source:
        return Source(self.subject, self.body, self.is_html)

    @property
    def enclosed(self) -> tuple[Attachment, ...]:
        """The documents that go with the letter, each in the version that is in use."""
        return tuple(Attachment(**one) for one in self.attachments)


class FollowUp(models.Model):
    """The decision about one order and one campaign, with every check and its values: the answer to "Why?"."""

    # Planning writes one row for each order and campaign: no index but those that somebody asks. That of the constraint
    # finds an order's.
    seller = models.ForeignKey(Seller, models.CASCADE, db_index=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="follow_ups", db_index=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="follow_ups")
    verdict = models.CharField(max_length=20)  # eligibility.Verdict
    checks = models.JSONField()  # eligibility.Check, one object each
    due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1, db_default=1)  # of the campaign, when it decided so
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="follow_ups", db_index=False
    )

    objects = SellerQuerySet["FollowUp"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "campaign"], name="one_decision_per_order_and_campaign")
        ]
        indexes = [
            models.Index(fields=["message"], name="decisions_by_message", condition=Q(message__isnull=False)),
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
