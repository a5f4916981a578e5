"""Orders as last read from Amazon, and how far each account has been read.

The only personal datum is the buyer's alias: sealed, with the date on which it is purged (`AMAZON.md` 7). What
outlives it are keys: HMACs that answer "is this buyer on the list?" and nothing else.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts import secrets
from accounts.choices import Choices
from accounts.models import AmazonAccount, Seller, SellerQuerySet
from amazon.marketplaces import Marketplace, by_id

ALIAS_KEPT_FOR: Final = timedelta(days=30)  # after delivery, or after the latest promise: Amazon's policy


class Order(models.Model):
    class Status(Choices):
        PENDING = "pending", "Pending"
        UNSHIPPED = "unshipped", "Unshipped"
        PARTIALLY_SHIPPED = "partially_shipped", "Partly shipped"
        SHIPPED = "shipped", "Shipped"
        CANCELLED = "cancelled", "Cancelled"
        UNFULFILLABLE = "unfulfillable", "Cannot be fulfilled"
        UNRECOGNISED = "unrecognised", "A status that we do not know yet"

    class FulfilledBy(Choices):
        AMAZON = "amazon", "Amazon"
        MERCHANT = "merchant", "Merchant"
        UNRECOGNISED = "unrecognised", "Not known"

    class DeliveryKind(Choices):
        """How we know when the order was delivered."""

        PROMISE = "promise", "end of the promised window"
        CARRIER = "carrier", "the carrier says delivered; the day is the end of the promised window"
        ESTIMATE = "estimate", "Amazon's estimate for the parcel that it sent"
        UNKNOWN = "unknown", "not known"

    # Both are the first column of another index below; one more would only cost each insertion its time.
    seller = models.ForeignKey(Seller, models.CASCADE, db_index=False)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="orders", db_index=False)
    amazon_order_id = models.CharField(max_length=20)
    marketplace_id = models.CharField(max_length=20)
    status = models.CharField(max_length=20, choices=Status.offered)
    fulfilled_by = models.CharField(max_length=12, choices=FulfilledBy.offered)
    purchased_at = models.DateTimeField()
    last_updated_at = models.DateTimeField()  # Amazon's; the newest wins
    programs = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    is_replacement = models.BooleanField(default=False)
    is_exchange = models.BooleanField(default=False)
    is_cancellation_requested = models.BooleanField(default=False)
    deliver_by_earliest = models.DateTimeField(null=True, blank=True)
    deliver_by_latest = models.DateTimeField(null=True, blank=True)
    delivery_kind = models.CharField(max_length=10, choices=DeliveryKind.offered, default="unknown")
    is_delivered_late = models.BooleanField(null=True, blank=True)  # None: Amazon has not told enough
    ship_by_latest = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)  # the last package's
    destination_country = models.CharField(max_length=2, blank=True, default="", db_default="")
    is_promotion_used = models.BooleanField(null=True, blank=True)  # None: Amazon does not tell it yet
    total_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)

    # What reports and GetAttributes tell; a reading of the order itself leaves them alone.
    returned_at = models.DateTimeField(null=True, blank=True)
    refunded_at = models.DateTimeField(null=True, blank=True)
    feedback_rating = models.PositiveSmallIntegerField(null=True, blank=True)
    language = models.CharField(max_length=20, blank=True, default="", db_default="")
    language_due_at = models.DateTimeField(null=True, blank=True)  # when to ask for it; None: nobody wants to know
    is_language_asked = models.BooleanField(default=False, db_default=False)
    stripped_at = models.DateTimeField(null=True, blank=True)  # when all that may not be kept longer was taken away

    alias_sealed = models.BinaryField(null=True, blank=True)
    alias_purge_at = models.DateTimeField(null=True, blank=True)  # also where there is none: for what quotes the buyer
    alias_key = models.UUIDField(null=True, blank=True)  # None: Amazon gave no alias
    order_key = models.UUIDField()
    changed_at = models.DateTimeField()  # ours: when a field that rules look at last changed
    replan_at = models.DateTimeField(null=True, blank=True)  # when planning looks (again); None: nothing to decide
    last_written_at = models.DateTimeField(null=True, blank=True)  # when free-form mail was last handed over for it

    objects = SellerQuerySet["Order"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "amazon_order_id"], name="one_row_per_order")]
        indexes = [
            models.Index(fields=["seller", "-purchased_at", "-id"], name="orders_newest_first"),
            models.Index(fields=["amazon_order_id"], name="orders_of_all_by_amazon_id"),
            models.Index(fields=["order_key"], name="orders_by_order_key"),
            models.Index(
                fields=["seller", "replan_at", "id"], name="orders_to_plan", condition=Q(replan_at__isnull=False)
            ),
            models.Index(fields=["alias_key"], name="orders_by_alias", condition=Q(alias_key__isnull=False)),
            models.Index(
                fields=["language_due_at"], name="orders_to_ask_language_of", condition=Q(language_due_at__isnull=False)
            ),
            models.Index(fields=["alias_purge_at"], name="orders_to_purge", condition=Q(alias_sealed__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.amazon_order_id

    @property
    def marketplace(self) -> Marketplace:
        return by_id(self.marketplace_id)

    @property
    def alias(self) -> str | None:
        """The buyer's alias in the clear, or None when Amazon gave none or it has been purged."""
        if self.alias_sealed is None:
            return None
        return secrets.unseal_text("alias", self.seller_id, self.alias_sealed)


class OrderItem(models.Model):
    seller = models.ForeignKey(Seller, models.CASCADE)
    order = models.ForeignKey(Order, models.CASCADE, related_name="items", db_index=False)  # the constraint's will do
    amazon_item_id = models.CharField(max_length=40)
    asin = models.CharField(max_length=20, blank=True)
    sku = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=2000, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    condition = models.CharField(max_length=40, blank=True, default="", db_default="")  # Amazon's word, in lower case
    is_gift = models.BooleanField(default=False)
    is_promoted = models.BooleanField(default=False, db_default=False)

    objects = SellerQuerySet["OrderItem"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "amazon_item_id"], name="one_row_per_order_item")]

    def __str__(self) -> str:
        return self.title or self.sku or self.asin


# Of an OrderReading: it is within no window of changes.
NO_WINDOW: Final[dict[str, Any]] = {
    "window_from": None, "window_until": None, "window_at": None, "next_token": "", "token_at": None
}  # fmt: skip


class OrderReading(models.Model):
    """How far an account's orders have been read. A window is closed only when its last page is stored."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.OneToOneField(AmazonAccount, models.CASCADE, related_name="reading")
    read_until = models.DateTimeField(null=True, blank=True)  # every change up to here is stored
    marketplace_ids = ArrayField(models.CharField(max_length=20), default=list, blank=True)  # that were read last
    window_from = models.DateTimeField(null=True, blank=True)  # the window that is being read, if one is open
    window_until = models.DateTimeField(null=True, blank=True)
    window_at = models.DateTimeField(null=True, blank=True)  # the latest change that its pages have brought
    next_token = models.TextField(blank=True)
    token_at = models.DateTimeField(null=True, blank=True)  # Amazon's paging tokens live 24 hours
    next_at = models.DateTimeField()
    rung_at = models.DateTimeField(null=True, blank=True)  # when a worker was last called for it
    leased_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)  # in a row: each makes the next pause longer
    last_read_at = models.DateTimeField(null=True, blank=True)
    orders_read = models.PositiveBigIntegerField(default=0)  # different ones, by whatever way they came
    unreadable = models.PositiveBigIntegerField(default=0)  # counted anew with each reading: for operators
    sold_elsewhere_at = models.DateTimeField(null=True, blank=True)  # last seen: an order that Amazon only ships
    trouble = models.CharField(max_length=200, blank=True)  # in the seller's words; empty: all is well
    subscription_id = models.CharField(max_length=100, blank=True, default="", db_default="")  # to ORDER_CHANGE
    subscribe_at = models.DateTimeField(null=True, blank=True)  # when to look after the subscription again
    notified_at = models.DateTimeField(null=True, blank=True)  # the last ORDER_CHANGE that was taken
    reported_at = models.DateTimeField(null=True, blank=True)  # the last order report that was stored
    report_trouble = models.CharField(max_length=200, blank=True, default="", db_default="")  # why the last was not
    report_again_at = models.DateTimeField(null=True, blank=True)  # before that none is asked for

    objects = SellerQuerySet["OrderReading"].as_manager()

    class Source(Choices):
        """Where an account's changes come from now. Polling goes on beside the others, as a net."""

        QUEUE = "queue", "Amazon announces each change"
        REPORT = "report", "Amazon's order report, for more changes than can be asked for one by one"
        POLLING = "polling", "asked for every three minutes, as often as Amazon allows"

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="accounts_to_read")]

    def __str__(self) -> str:
        return f"account {self.account_id} until {self.read_until}"

    @property
    def source(self) -> "OrderReading.Source":
        """By what came last: an announcement or a report of the last day, seen from the last reading."""
        since = (self.last_read_at or self.next_at) - timedelta(days=1)
        if self.reported_at and self.reported_at > since:
            return self.Source.REPORT
        return self.Source.QUEUE if self.notified_at and self.notified_at > since else self.Source.POLLING

    def leave_window(self) -> None:
        """Stand within no window any more. Not saved."""
        for name, value in NO_WINDOW.items():
            setattr(self, name, value)

    @property
    def share_of_window(self) -> float:
        """How much of the open window is read, from 0 to 1, by the changes that have come: Amazon tells the oldest
        first. 0 where no window is open."""
        if not (self.window_from and self.window_until and self.window_at) or self.window_until <= self.window_from:
            return 0.0
        read = (self.window_at - self.window_from) / (self.window_until - self.window_from)
        return min(max(read, 0.0), 1.0)

    @property
    def freshest_at(self) -> datetime | None:
        """Up to when every change is known: by the reading, or by an announcement."""
        return max(filter(None, (self.last_read_at, self.notified_at)), default=None)


class OrderToRead(models.Model):
    """The queue of orders that are to be read by themselves (getOrder): a notification named them, or a report brought
    them without what only the order itself tells. Deleted when read."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="orders_to_read", db_index=False)
    amazon_order_id = models.CharField(max_length=20)
    named_at = models.DateTimeField()  # by the latest that asked for it
    due_at = models.DateTimeField()  # also the lease of the worker that reads it
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = SellerQuerySet["OrderToRead"].as_manager()

    class Meta:
        verbose_name_plural = "orders to read"
        constraints = [models.UniqueConstraint(fields=["account", "amazon_order_id"], name="an_order_waits_once")]
        indexes = [models.Index(fields=["account", "due_at"], name="orders_to_read")]

    def __str__(self) -> str:
        return self.amazon_order_id


class ChangeNotice(models.Model):
    """A message of the queue of changes: which have come already, and what was wrong with the others. Kept a month."""

    class Verdict(Choices):
        TAKEN = "taken", "taken"
        STRANGER = "stranger", "of a seller whom we do not read"
        NO_ORDER = "no_order", "about something that is no order of a buyer"
        MALFORMED = "malformed", "cannot be read"

    seller = models.ForeignKey(Seller, models.CASCADE, null=True, blank=True)
    notification_id = models.CharField(max_length=100, unique=True)  # of a malformed one: its digest
    verdict = models.CharField(max_length=10, choices=Verdict.offered)
    reason = models.CharField(max_length=200, blank=True)
    raw_sealed = models.BinaryField(null=True, blank=True)  # of malformed ones only
    received_at = models.DateTimeField(db_index=True)

    objects = SellerQuerySet["ChangeNotice"].as_manager()

    def __str__(self) -> str:
        return self.notification_id


class AmazonReport(models.Model):
    """A report that we want of Amazon, from the wish to its last line."""

    class Kind(Choices):
        ORDERS = "orders", "Orders"
        RETURNS = "returns", "Returns to you"
        AMAZON_RETURNS = "amazon_returns", "Returns to Amazon"
        SHIPMENTS = "shipments", "Shipments by Amazon"
        FEEDBACK = "feedback", "Feedback"

    class State(Choices):
        WANTED = "wanted", "to be asked for"
        ASKED = "asked", "Amazon is making it"
        READY = "ready", "to be fetched"
        STORED = "stored", "stored"
        EMPTY = "empty", "Amazon has nothing to report"
        FAILED = "failed", "Amazon could not make it"

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="reports", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.offered)
    state = models.CharField(max_length=10, choices=State.offered, default=State.WANTED)
    data_from = models.DateTimeField()
    data_until = models.DateTimeField()
    marketplace_ids = ArrayField(models.CharField(max_length=20), default=list, blank=True)  # that Amazon was asked for
    amazon_report_id = models.CharField(max_length=200, blank=True)
    amazon_document_id = models.CharField(max_length=200, blank=True)
    wanted_at = models.DateTimeField()
    due_at = models.DateTimeField()  # also the lease of the worker that has it in hand
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lines_stored = models.PositiveBigIntegerField(default=0)
    unreadable = models.PositiveBigIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True)

    objects = SellerQuerySet["AmazonReport"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind"],
                condition=Q(state__in=["wanted", "asked", "ready"]),
                name="one_report_at_once",
            )
        ]
        indexes = [
            models.Index(fields=["account", "kind", "-wanted_at"], name="reports_newest_first"),
            models.Index(
                fields=["due_at"], name="reports_to_work_on", condition=Q(state__in=["wanted", "asked", "ready"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of account {self.account_id}, {self.state}"
