"""Sellers, their people, and the Amazon accounts that they have authorised."""

from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import secrets
from accounts.choices import Choices
from accounts.health import Ability
from amazon.marketplaces import Marketplace, Region, by_id

RowOfASeller = TypeVar("RowOfASeller", bound=models.Model)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person, known by an e-mail address. Operators are `is_staff`; sellers' people have a Membership."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=120, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_person_per_address")]

    def __str__(self) -> str:
        return self.name or self.email


class SellerQuerySet(models.QuerySet[RowOfASeller]):
    """Rows that belong to a seller. A page begins with `for_seller`; row level security stands behind it."""

    def for_seller(self, seller: "Seller") -> Self:
        return self.filter(seller=seller)


class Seller(models.Model):
    """The tenant: a business with its people, Amazon accounts and campaigns."""

    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Role(Choices):
    OWNER = "owner", "Owner"
    MANAGER = "manager", "Manager"
    VIEWER = "viewer", "Viewer"


class Membership(models.Model):
    """A person in a seller's team."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.offered)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seller", "user"], name="one_membership_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} as {self.role} of {self.seller_id}"


class Invitation(models.Model):
    """The reader of this address may join the team, once, by the link of which `digest` is the SHA-256."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    email = models.EmailField()  # in lower case
    role = models.CharField(max_length=10, choices=Role.offered)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # accepted, withdrawn, or another came in its place
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = SellerQuerySet["Invitation"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "email"], name="one_open_invitation_per_address", condition=Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk} to {self.seller_id}"


def regions() -> list[tuple[str, str]]:
    return [(region.value, region.value) for region in Region]


class AmazonAccount(models.Model):
    """One authorised selling partner in one region. The refresh token rests sealed; see `secrets`."""

    class Status(Choices):
        CONNECTED = "connected", "Connected"
        REVOKED = "revoked", "Authorisation lost: connect again"
        DISCONNECTED = "disconnected", "Disconnected"

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="amazon_accounts")
    region = models.CharField(max_length=2, choices=regions)
    selling_partner_id = models.CharField(max_length=20)
    store_name = models.CharField(max_length=120)
    refresh_token_sealed = models.BinaryField()
    status = models.CharField(max_length=12, choices=Status.offered, default=Status.CONNECTED)
    authorised_at = models.DateTimeField(default=timezone.now)
    restricted_at = models.DateTimeField(null=True, blank=True)  # Amazon closed Buyer-Seller e-mail; None: open
    restriction_text = models.TextField(blank=True)  # in Amazon's words, for the seller
    is_stopped_by_us = models.BooleanField(db_default=False)  # restricted not by Amazon's notice, but for its refusals
    reopened_at = models.DateTimeField(null=True, blank=True)  # an older notice no longer closes it
    reminded_days = models.PositiveSmallIntegerField(null=True, blank=True)  # of the last reminder
    revoked_at = models.DateTimeField(null=True, blank=True)  # when the job that erases first saw it so
    disconnected_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)  # when the personal data of one that is gone were erased

    objects = SellerQuerySet["AmazonAccount"].as_manager()

    class Meta:
        constraints = [
            # The same Amazon account in two sellers would double every request. Who disconnects lets go of it.
            models.UniqueConstraint(
                fields=["region", "selling_partner_id"],
                condition=~Q(status="disconnected"),
                name="one_seller_per_amazon_account_at_once",
            ),
            models.UniqueConstraint(
                fields=["seller", "region", "selling_partner_id"], name="one_row_per_seller_and_amazon_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store_name} ({self.region})"

    @property
    def refresh_token(self) -> str:
        return secrets.unseal_text("refresh token", self.seller_id, self.refresh_token_sealed)


class AccountMarketplace(models.Model):
    """A marketplace on which the account sells, and how the seller writes to its buyers."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="marketplaces")
    marketplace_id = models.CharField(max_length=20)
    store_name = models.CharField(max_length=120)
    is_used = models.BooleanField(default=True)
    approved_sender = models.EmailField(blank=True)  # as entered in Seller Central; empty: no Buyer-Seller e-mail
    changed_at = models.DateTimeField(default=timezone.now)  # what waited for a sender is released after this
    sender_refused_at = models.DateTimeField(null=True, blank=True)  # Amazon does not know the sender; see below

    objects = SellerQuerySet["AccountMarketplace"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace_id"], name="one_row_per_account_and_marketplace")
        ]

    def __str__(self) -> str:
        return f"{self.store_name} on {self.marketplace.name}"

    @property
    def marketplace(self) -> Marketplace:
        return by_id(self.marketplace_id)

    @property
    def is_sender_refused(self) -> bool:
        """Did Amazon refuse the sender after this place was last changed? Saving the sender anew asks Amazon again."""
        return self.sender_refused_at is not None and self.sender_refused_at > self.changed_at


class Denial(models.Model):
    """Amazon does not let the account do this: the authorisation lacks a role. Gone when it is connected again."""

    seller = models.ForeignKey(Seller, models.CASCADE)
    account = models.ForeignKey(AmazonAccount, models.CASCADE, related_name="denials")
    ability = models.CharField(max_length=20, choices=Ability.offered)
    since = models.DateTimeField()

    objects = SellerQuerySet["Denial"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "ability"], name="one_denial_per_ability")]

    def __str__(self) -> str:
        return f"{self.ability} of account {self.account_id}"
