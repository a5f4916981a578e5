"""A message: one thing that will be or was sent for one order. Its status column is its life."""

import uuid
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.choices import Choices
from accounts.models import AmazonAccount, Seller, SellerQuerySet
from orders.models import Order


class Channel(Choices):
    REQUEST_REVIEW = "request_review", "Request a Review"
    BUYER_EMAIL = "buyer_email", "Buyer-Seller e-mail"
    ORDER_MESSAGE = "order_message", "Order message"


class Purpose(Choices):
    """Why a message exists. Amazon's "one request per order" and the opt-out list are about what campaigns send."""

    CAMPAIGN = "campaign", "A campaign"
    CRITICAL = "critical", "A critical message, written by a person"


class Status(Choices):
    SCHEDULED = "scheduled", "Scheduled"
    HELD = "held", "Held"
    CLAIMED = "claimed", "About to be sent"
    SENDING = "sending", "Being handed to Amazon"
    SENT = "sent", "Sent"
    CANCELLED = "cancelled", "Cancelled"
    SUPPRESSED = "suppressed", "Not sent: opted out"
    EXPIRED = "expired", "Not sent: too late"
    CAPPED = "capped", "Not sent: daily limit"
    REFUSED = "refused", "Refused by Amazon"
    UNKNOWN = "unknown", "Outcome not known"
    BLOCKED = "blocked", "Blocked by Amazon: the buyer has opted out"


# The table of legal moves (docs/architecture.md). A move that is not here cannot be made: see `life.move`.
MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.SCHEDULED: frozenset(
        {Status.HELD, Status.CANCELLED, Status.SENDING, Status.SCHEDULED}
        | {Status.SUPPRESSED, Status.EXPIRED, Status.CAPPED}
    ),
    Status.HELD: frozenset({Status.SCHEDULED, Status.CANCELLED, Status.SUPPRESSED, Status.EXPIRED, Status.CAPPED}),
    Status.CLAIMED: frozenset({Status.SCHEDULED, Status.HELD, Status.SENDING, Status.SUPPRESSED, Status.EXPIRED}),
    Status.SENDING: frozenset({Status.SENT, Status.REFUSED, Status.EXPIRED, Status.SCHEDULED, Status.UNKNOWN}),
    Status.UNKNOWN: frozenset({Status.SENT, Status.REFUSED, Status.BLOCKED, Status.CANCELLED}),
    Status.SENT: frozenset({Status.BLOCKED}),
}
PENDING: Final = frozenset({Status.SCHEDULED, Status.HELD, Status.CLAIMED})  # not yet in anybody's hands
COMING: Final = (Status.SCHEDULED, Status.HELD, Status.CLAIMED, Status.SENDING)
SETTLED: Final = tuple(status for status in Status if status not in COMING)  # what History shows


class Hold(Choices):
    """What a held message waits for."""

    TEAM = "team", "Your team has held it"
    SENDER = "sender", "The sender address has to be approved"
    ACCESS = "access", "The authorisation lacks a role"
    LETTER = "letter", "Its letter cannot be read"
    PAUSED = "paused", "Its campaign is paused"
    RESTRICTED = "barred", "Amazon has stopped e-mail of this account"


class Message(models.Model):
    # Every move writes a new row into every index that holds it, before and after: so each index below holds only what
    # is looked for by it, and these two columns have none of their own. (A seller is deleted without one.)
    seller = models.ForeignKey(Seller, models.CASCADE, db_index=False)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="messages", db_index=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="messages")
    channel = models.CharField(max_length=20, choices=Channel.offered)
    purpose = models.CharField(
        max_length=8, choices=Purpose.offered, default=Purpose.CAMPAIGN, db_default=Purpose.CAMPAIGN
    )
    kind = models.CharField(max_length=40, blank=True, db_default="")  # of an order message: Amazon's own word
    title = models.CharField(max_length=120)  # the campaign's name when it was planned
    status = models.CharField(max_length=12, choices=Status.offered, default=Status.SCHEDULED)
    reason = models.CharField(max_length=200, blank=True)  # why it stands where it stands, in the seller's words
    hold = models.CharField(max_length=6, choices=Hold.offered, blank=True)  # kept when planning takes it back
    due_at = models.DateTimeField()
    why_now = models.CharField(max_length=200, blank=True, default="", db_default="")  # what has set that time
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField()  # when the status last changed; a lease counts from here
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    priority = models.PositiveSmallIntegerField(db_default=100)  # the campaign's: the lowest goes first on a full day
    handed_over_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    is_hurried = models.BooleanField(default=False, db_default=False)  # a person said "now": planning keeps its time
    frees_order = models.BooleanField(default=False)  # taken back by planning, as if it had never been
    look_again_at = models.DateTimeField(null=True, blank=True)  # unknown: when Amazon is asked again
    receipt = models.CharField(max_length=200, blank=True)  # Amazon's request id, or the relay's answer
    message_id = models.UUIDField(default=uuid.uuid4)  # leads back from the mail's Message-ID

    alias_key = models.UUIDField(null=True, blank=True)
    order_key = models.UUIDField()
    request_key = models.UUIDField()  # of Amazon's order id alone: see the constraint
    letter_sealed = models.BinaryField(null=True, blank=True)
    letter_digest = models.CharField(max_length=64, blank=True)  # stays when the text is purged
    documents = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)  # ids; stay as well
    purge_at = models.DateTimeField()

    objects = SellerQuerySet["Message"].as_manager()

    class Meta:
        constraints = [
            # Amazon allows one request or free-form proactive message per order, over all channels (AMAZON.md 1.2),
            # and, should an account ever be read for two sellers, over both of them.
            models.UniqueConstraint(
                fields=["request_key"],
                name="one_request_of_campaigns_per_order",
                condition=Q(frees_order=False, purpose="campaign"),
            ),
            # The form of a critical message that comes twice is one message. (All others are random.)
            models.UniqueConstraint(
                fields=["message_id"], name="one_critical_message_per_form", condition=Q(purpose="critical")
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "channel", "due_at", "id"], name="messages_due", condition=Q(status="scheduled")
            ),
            models.Index(
                fields=["expires_at"], name="messages_to_expire", condition=Q(status__in=["scheduled", "held"])
            ),
            models.Index(fields=["touched_at"], name="messages_leased", condition=Q(status__in=["claimed", "sending"])),
            models.Index(
                fields=["alias_key"],
                name="messages_pending_by_alias",
                condition=Q(status__in=["scheduled", "held", "claimed"]),
            ),
            models.Index(
                fields=["order_key"],
                name="messages_pending_by_order_key",
                condition=Q(status__in=["scheduled", "held", "claimed"]),
            ),
            models.Index(
                fields=["seller", "due_at", "id"],
                name="messages_coming",
                condition=Q(status__in=["scheduled", "held", "claimed", "sending"]),
            ),
            models.Index(
                fields=["seller", "-touched_at", "-id"],
                name="settled_messages_newest_first",
                condition=Q(status__in=[status.value for status in SETTLED]),
            ),
            models.Index(fields=["account", "handed_over_at"], name="messages_handed_over"),
            models.Index(fields=["look_again_at"], name="messages_to_ask_about", condition=Q(status="unknown")),
            models.Index(
                fields=["purge_at"],
                name="settled_letters_to_purge",
                condition=Q(letter_sealed__isnull=False, status__in=[status.value for status in SETTLED]),
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk} ({self.status})"


class CriticalMessage(models.Model):
    """The audit entry of a critical message: who wrote it, for which reason, under which policy. Never changed."""

    class Reason(Choices):
        """Amazon's three (Communication Guidelines)."""

        CUSTOMISATION = "customisation", "A question about the customisation of the product"
        DELIVERY = "delivery", "Scheduling the delivery"
        ADDRESS = "address", "A problem with the shipping address"

    seller = models.ForeignKey(Seller, models.CASCADE)
    message = models.OneToOneField(Message, models.CASCADE, related_name="critical")
    reason = models.CharField(max_length=13, choices=Reason.offered)
    written_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True)
    was_opted_out = models.BooleanField()  # when it was written
    policy = models.TextField(blank=True)  # of `[Important]`, as the page quoted it; empty where no token was needed
    at = models.DateTimeField()

    objects = SellerQuerySet["CriticalMessage"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["seller", "-at", "-id"], name="critical_newest_first")]

    def __str__(self) -> str:
        return f"critical message {self.message_id}"


class ImportantPolicy(models.Model):
    """Whether `[Important]` in a subject still gets a mail past an opt-out, from a day on. Operators add rows.

    Beside what `messaging.important` knows: the newest that has begun counts, a marketplace's own before that for all.
    """

    class Effect(Choices):
        WORKS = "works", "It works"
        DISPUTED = "disputed", "Amazon contradicts itself"
        GONE = "gone", "It does not work any more"

    marketplace_id = models.CharField(max_length=20, blank=True)  # empty: all marketplaces
    since = models.DateField()
    effect = models.CharField(max_length=8, choices=Effect.offered)
    sentence = models.CharField(max_length=400)  # as the page quotes it
    source = models.CharField(max_length=300)
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name_plural = "policies of [Important]"
        constraints = [
            models.UniqueConstraint(fields=["marketplace_id", "since"], name="one_policy_of_important_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.effect} since {self.since}"


class Document(models.Model):
    """A file of the seller's that goes with letters, for one of the three purposes that Amazon allows. Never changed: a
    file that is chosen again under the same name is its next version, so what was sent stays what it was."""

    class Purpose(Choices):
        INSTRUCTIONS = "instructions", "Instructions for the product"
        WARRANTY = "warranty", "Warranty information"
        INVOICE = "invoice", "Invoice of the order"

    seller = models.ForeignKey(Seller, models.CASCADE)
    purpose = models.CharField(max_length=12, choices=Purpose.offered)
    name = models.CharField(max_length=80)  # as the buyer sees it
    version = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    unused_since = models.DateTimeField(null=True, blank=True)  # nothing to come needs it; its bytes go later
    # In a row of their own, so that no list of documents brings megabytes with it.
    content = models.OneToOneField(
        "DocumentContent", models.SET_NULL, null=True, blank=True, related_name="document"
    )

    objects = SellerQuerySet["Document"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "name", "version"], name="one_document_per_version")
        ]
        indexes = [
            models.Index(fields=["unused_since"], name="documents_to_erase", condition=Q(content__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"


class DocumentContent(models.Model):
    """The bytes of a document, sealed: an invoice names its buyer."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    content_sealed = models.BinaryField()

    objects = SellerQuerySet["DocumentContent"].as_manager()

    def __str__(self) -> str:
        return f"content {self.pk}"


class MessageEvent(models.Model):
    """One step in a message's life, for the page that answers "Why?". Written with the step, never changed.

    No foreign keys in the database: each row is written by the statement that moves its message (`life`), and looking
    up twice for each step what that statement has in hand was a tenth of what a letter costs.
    """

    seller = models.ForeignKey(Seller, models.CASCADE, db_constraint=False, db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, db_constraint=False, related_name="events")
    status = models.CharField(max_length=12, choices=Status.offered)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    objects = SellerQuerySet["MessageEvent"].as_manager()

    def __str__(self) -> str:
        return f"{self.status} at {self.at}"


class SendingStop(models.Model):
    """An operator has stopped all sending, for everybody. In force until it is lifted; nothing else changes it."""

    reason = models.CharField("why, in one sentence that sellers read", max_length=200)
    stopped_by = models.CharField(max_length=254)
    stopped_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=254, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), name="one_stop_at_a_time", condition=Q(lifted_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"stopped at {self.stopped_at}: {self.reason}"
