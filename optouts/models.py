"""Inbound addresses, notices, and the suppression list.

The list is append-only: an entry comes into being, gains evidence, is promoted or revoked by an event, and is never
deleted (a trigger in the database refuses it). Its keys are HMACs, so it can outlive orders, sellers and aliases.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import secrets
from accounts.choices import Choices
from accounts.models import AmazonAccount, Seller, SellerQuerySet


class InboundAddress(models.Model):
    """A secret address at which a seller receives Amazon's notices. Found by the HMAC of its local part.

    The general one (without `account`) is for mailboxes that forward; the others belong to one marketplace of one
    Amazon account each. One that was replaced is accepted for a while longer; see `addresses.OVERLAP`.
    """

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.ForeignKey(AmazonAccount, models.SET_NULL, null=True, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    token_key = models.UUIDField(unique=True)
    token_sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["InboundAddress"].as_manager()

    class Meta:
        verbose_name_plural = "inbound addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "marketplace_id"],
                name="one_address_per_account_and_marketplace",
                condition=Q(account__isnull=False, replaced_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"inbound address {self.pk}"

    @property
    def local_part(self) -> str:
        return secrets.unseal_text("inbound token", self.seller_id, self.token_sealed)


class SellerMailbox(models.Model):
    """A mailbox that forwards to the seller's inbound address: seen in a signed To, or typed in, then confirmed."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    address_key = models.UUIDField()
    address_sealed = models.BinaryField()
    first_seen_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True)

    objects = SellerQuerySet["SellerMailbox"].as_manager()

    class Meta:
        verbose_name_plural = "seller mailboxes"
        constraints = [models.UniqueConstraint(fields=["seller", "address_key"], name="one_row_per_mailbox")]

    def __str__(self) -> str:
        return f"mailbox {self.pk}"

    @property
    def address(self) -> str:
        return secrets.unseal_text("mailbox", self.seller_id, self.address_sealed)


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
            models.Index(
                fields=["seller", "amazon_order_id"], name="notices_parked", condition=Q(status="parked")
            ),
            models.Index(fields=["address", "-received_at"], name="notices_by_address"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"


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
        HELD = "held", "Held while a person looks"
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


class PromotedTemplate(models.Model):
    """A shadow template that an operator has found to be Amazon's own wording: it counts as attested from then on."""

    template = models.CharField(max_length=40, unique=True)
    promoted_at = models.DateTimeField()
    promoted_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True)

    def __str__(self) -> str:
        return self.template


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
