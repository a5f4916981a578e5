"""Where a seller's notices arrive, and the mailboxes that send them on."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import secrets
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
