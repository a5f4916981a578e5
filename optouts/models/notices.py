"""The mails that arrived, every reading of them, and the wordings that an operator has attested."""

from django.db import models
from django.db.models import Q

from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet
from optouts.models.addresses import InboundAddress, SellerMailbox


class Notice(models.Model):
    """A mail received at a seller's inbound address. The raw bytes rest compressed and sealed, and are purged."""

    class Status(Choices):
        RECEIVED = "received", "Waiting to be read"
        APPLIED = "applied", "Applied"
        IGNORED = "ignored", "Not an opt-out"
        QUARANTINED = "quarantined", "Waiting for a person"
        PARKED = "parked", "Waiting for its order"

    class Source(Choices):
        SMTP = "smtp", "By mail"
        MAILGUN = "mailgun", "By mail, through Mailgun"
        AMAZON_SES = "amazon_ses", "By mail, through Amazon SES"
        POSTMARK = "postmark", "By mail, through Postmark"
        REBUILT = "rebuilt", "By mail, rebuilt by Postmark"  # without the original bytes nothing can prove it
        UPLOAD = "upload", "Uploaded"

    seller = models.ForeignKey(Seller, models.CASCADE)
    address = models.ForeignKey(InboundAddress, models.SET_NULL, null=True)
    digest = models.CharField(max_length=64, unique=True)  # of address and raw bytes: the same mail twice is one notice
    raw_sealed = models.BinaryField(null=True, blank=True)
    size = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source.offered, default=Source.SMTP, db_default=Source.SMTP)
    uploaded_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.offered, default=Status.RECEIVED)
    look_at = models.DateTimeField(null=True, blank=True)  # when a worker (next) looks; None: nothing left to do
    attempts = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)  # readings in a row that did not come to an end
    processed_at = models.DateTimeField(null=True, blank=True)
    purge_at = models.DateTimeField(null=True, blank=True)

    kind = models.CharField(max_length=40, blank=True)
    grade = models.CharField(max_length=4, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    amazon_order_id = models.CharField(max_length=20, blank=True)
    order = models.ForeignKey("orders.Order", models.SET_NULL, null=True, blank=True, related_name="notices")
    mailbox = models.ForeignKey(SellerMailbox, models.SET_NULL, null=True, blank=True)
    template = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=5, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)  # of the signed Message-ID and body hash
    signed_at = models.DateTimeField(null=True, blank=True)
    evidence = models.JSONField(default=dict, blank=True)  # gate, signatures with their key records: no addresses

    objects = SellerQuerySet["Notice"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["look_at"], name="notices_to_look_at", condition=Q(look_at__isnull=False)),
            models.Index(fields=["seller", "-received_at", "-id"], name="notices_newest_first"),
            models.Index(fields=["seller", "fingerprint"], name="notices_by_fingerprint"),
            models.Index(fields=["seller", "amazon_order_id"], name="notices_by_order"),
            models.Index(fields=["seller", "amazon_order_id"], name="notices_parked", condition=Q(status="parked")),
            models.Index(fields=["address", "-received_at"], name="notices_by_address"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"


class NoticeReading(models.Model):
    """One examination of a notice: what it was found to be, on which proof, and what was decided. Append-only.

    With `evidence` (every signature with the key record that judged it) and the raw mail, a verdict can be proved
    again years later; `parser` says by which rules it came about. No foreign keys in the database: it outlives
    notice and seller.
    """

    seller = models.ForeignKey(Seller, models.DO_NOTHING, db_constraint=False)
    notice = models.ForeignKey(Notice, models.DO_NOTHING, db_constraint=False, related_name="readings")
    number = models.PositiveSmallIntegerField()  # of the finding in its mail: several attached originals are several
    kind = models.CharField(max_length=40)
    grade = models.CharField(max_length=4, blank=True)
    reason = models.CharField(max_length=200)  # of the finding; what was decided stands in `outcome`
    outcome = models.CharField(max_length=200)
    status = models.CharField(max_length=12, choices=Notice.Status.offered)
    order_key = models.UUIDField(null=True, blank=True)
    template = models.CharField(max_length=40, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    evidence = models.JSONField(default=dict)
    parser = models.CharField(max_length=16)
    at = models.DateTimeField()

    objects = SellerQuerySet["NoticeReading"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["notice", "id"], name="readings_of_a_notice")]

    def __str__(self) -> str:
        return f"reading {self.pk} of notice {self.notice_id}"


class PromotedTemplate(models.Model):
    """A shadow template that an operator has found to be Amazon's own wording: it counts as attested from then on."""

    template = models.CharField(max_length=40, unique=True)
    promoted_at = models.DateTimeField()
    promoted_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True)

    def __str__(self) -> str:
        return self.template
