"""What a seller sees while setting forwarding up, and whether notices come as they should."""

from django.db import models

from accounts import secrets
from accounts.choices import Choices
from accounts.models import Seller, SellerQuerySet
from optouts.models.notices import Notice


class NoticeTest(models.Model):
    """A mail that we sent to a seller's mailbox, to see whether and how it comes back to the inbound address.

    `body_hash` and `header_hash` are of the bytes as they were sent; `code_key` finds the test by its one-time code.
    """

    class Result(Choices):
        INTACT = "intact", "Intact: Amazon's signature would survive"
        ATTACHED = "attached", "Intact as an attachment: Amazon's signature would survive"
        CHANGED = "changed", "Changed on the way: your mailbox breaks signatures"
        BY_HAND = "by_hand", "Forwarded by hand: no signature survives that"

    seller = models.ForeignKey(Seller, models.CASCADE)
    code_key = models.UUIDField(unique=True)
    mailbox_sealed = models.BinaryField()
    body_hash = models.CharField(max_length=64)
    header_hash = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=8, choices=Result.offered, blank=True)
    notice = models.ForeignKey(Notice, models.SET_NULL, null=True, blank=True)

    objects = SellerQuerySet["NoticeTest"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["seller", "-sent_at", "-id"], name="notice_tests_newest_first")]

    def __str__(self) -> str:
        return f"test {self.pk}"

    @property
    def mailbox(self) -> str:
        return secrets.unseal_text("test mailbox", self.seller_id, self.mailbox_sealed)


class ForwardingRequest(models.Model):
    """A provider's question whether a mailbox may forward here: link, code and mailbox, sealed, as JSON."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    notice = models.OneToOneField(Notice, models.CASCADE)
    content_sealed = models.BinaryField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["ForwardingRequest"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["seller", "-asked_at", "-id"], name="forwarding_newest_first")]

    def __str__(self) -> str:
        return f"forwarding request {self.pk}"


class OptOutWatch(models.Model):
    """Whether notices come as they should: the latest figures of the daily watch, one row a seller."""

    seller = models.OneToOneField(Seller, models.CASCADE, primary_key=True)
    verdict = models.CharField(max_length=6)  # a value of optouts.silence.Verdict
    verdict_since = models.DateTimeField()
    watched_at = models.DateTimeField()
    quiet_since = models.DateTimeField()  # the last notice, or the first message when there was never one
    had_notice = models.BooleanField()
    sent = models.PositiveIntegerField()  # free-form messages since then
    expected = models.FloatField()  # notices that these should have brought
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["OptOutWatch"].as_manager()

    class Meta:
        verbose_name_plural = "opt-out watches"

    def __str__(self) -> str:
        return f"watch of seller {self.seller_id}"
