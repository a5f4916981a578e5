"""The seller's own addresses: where notices arrive, and the mailboxes that forward them."""

import secrets as randomness
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import lookup, secrets
from accounts.models import AccountMarketplace, Seller, User
from accounts.prepared import Prepared
from accounts.rowsecurity import across_sellers
from optouts import doorbell
from optouts.models import InboundAddress, Notice, SellerMailbox

PREFIX: Final = "o-"
TOKEN_LENGTH: Final = 20
OVERLAP: Final = timedelta(days=90)  # for which an address that was replaced still takes mail
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"  # forwarders fold case; 20 characters are 100 bits
_FOUND: Final = ["id", "seller_id", "token_key"]
_FIND: Final = Prepared(
    "find_addresses",
    ("uuid[]", "timestamptz"),
    f"select {', '.join(_FOUND)} from optouts_inboundaddress"  # noqa: S608 (the names are our own)
    " where token_key = any($1) and (replaced_at is null or replaced_at > $2)",
)


def open_address(seller: Seller, place: AccountMarketplace | None = None) -> InboundAddress:
    """The seller's general inbound address, or the one of a place of his; made when there is none yet."""
    existing = current_address(seller, place)
    if existing:
        return existing
    try:
        with transaction.atomic():
            return _make(seller, place.account_id if place else None, place.marketplace_id if place else "")
    except IntegrityError:  # another request was faster
        made = current_address(seller, place)
        assert made is not None
        return made


def current_address(seller: Seller, place: AccountMarketplace | None = None) -> InboundAddress | None:
    """The general address, or that of a place, if there is one that was not replaced."""
    rows = InboundAddress.objects.for_seller(seller).filter(replaced_at__isnull=True)
    if place is None:
        rows = rows.filter(account__isnull=True, marketplace_id="")
    else:
        rows = rows.filter(account_id=place.account_id, marketplace_id=place.marketplace_id)
    return rows.order_by("-created_at", "-id").first()


def rotate(seller: Seller, address_id: int, *, now: datetime) -> InboundAddress | None:
    """Replace an address by a new one. The old one is accepted for OVERLAP more, with a grade of C at most.

    None: it is not this seller's, or was replaced already.
    """
    with transaction.atomic():
        current = InboundAddress.objects.for_seller(seller).filter(pk=address_id, replaced_at__isnull=True)
        old = current.select_for_update().first()
        if old is None:
            return None
        old.replaced_at = now
        old.save(update_fields=["replaced_at"])
        return _make(seller, old.account_id, old.marketplace_id)


def _make(seller: Seller, account_id: int | None, marketplace_id: str) -> InboundAddress:
    local_part = PREFIX + "".join(randomness.choice(ALPHABET) for _ in range(TOKEN_LENGTH))
    return InboundAddress.objects.create(
        seller=seller,
        account_id=account_id,
        marketplace_id=marketplace_id,
        token_key=lookup.token_key(local_part),
        token_sealed=secrets.seal_text("inbound token", seller.pk, local_part),
    )


def full_address(address: InboundAddress) -> str:
    return f"{address.local_part}@{settings.INBOUND_DOMAIN}"


def is_well_formed(local_part: str) -> bool:
    """Could this be one of our addresses? Says nothing about whether it exists."""
    token = local_part.lower().removeprefix(PREFIX)
    return local_part.lower().startswith(PREFIX) and len(token) == TOKEN_LENGTH and set(token) <= set(ALPHABET)


def find_address(local_part: str) -> InboundAddress | None:
    """The address with this local part, of any seller."""
    if not is_well_formed(local_part):
        return None
    with across_sellers("which seller a mail is for"):
        return _accepted().filter(token_key__in=lookup.token_keys(local_part.lower())).first()


def find_addresses(local_parts: Iterable[str]) -> dict[str, InboundAddress]:
    """The addresses with these local parts in lower case, of any seller; for a caller who may see all sellers' rows."""
    well_formed = [local_part for local_part in local_parts if is_well_formed(local_part)]
    keys = {key: local_part for local_part in well_formed for key in lookup.token_keys(local_part)}
    rows = _FIND.rows([str(key) for key in keys], timezone.now() - OVERLAP) if keys else []
    return {keys[key]: InboundAddress.from_db(DEFAULT_DB_ALIAS, _FOUND, [*row, key]) for *row, key in rows}


def is_address_of(seller_id: int, mail_address: str) -> bool:
    """Is this one of the seller's own inbound addresses? Used to bind a signed To to the seller."""
    keys = token_keys_of(mail_address)
    return bool(keys) and _accepted().filter(seller_id=seller_id, token_key__in=keys).exists()


def token_keys_of(mail_address: str) -> list[UUID]:
    """By what this would be found if it is an inbound address of anybody's; nothing for what cannot be one."""
    local_part, _, domain = mail_address.lower().rpartition("@")
    if domain != settings.INBOUND_DOMAIN or not is_well_formed(local_part):
        return []
    return lookup.token_keys(local_part)


def _accepted() -> QuerySet[InboundAddress]:
    """Addresses that take mail: the current ones, and former ones within their overlap."""
    return InboundAddress.objects.filter(Q(replaced_at__isnull=True) | Q(replaced_at__gt=timezone.now() - OVERLAP))


def saw_mailbox(seller_id: int, mail_address: str, *, now: datetime) -> SellerMailbox:
    """Remember a mailbox that a signed To named, unconfirmed, so that the seller can confirm it. Idempotent."""
    known = SellerMailbox.objects.filter(seller_id=seller_id, address_key__in=lookup.mailbox_keys(mail_address)).first()
    if known is not None:
        return known
    mailbox, _ = SellerMailbox.objects.get_or_create(
        seller_id=seller_id,
        address_key=lookup.mailbox_key(mail_address),
        defaults={
            "address_sealed": secrets.seal_text("mailbox", seller_id, mail_address.lower()),
            "first_seen_at": now,
        },
    )
    return mailbox


def confirm_mailbox(seller: Seller, mailbox_id: int, *, by: User, now: datetime) -> int:
    """The owner says that this mailbox is the seller's. Notices that waited for this are read again.

    Returns how many. Idempotent: a mailbox that is confirmed already changes nothing and gives 0.
    """
    with transaction.atomic():
        confirmed = SellerMailbox.objects.for_seller(seller).filter(pk=mailbox_id, confirmed_at__isnull=True)
        if not confirmed.update(confirmed_at=now, confirmed_by=by):
            return 0
        waiting = Notice.objects.for_seller(seller).filter(mailbox_id=mailbox_id, raw_sealed__isnull=False)
        again = waiting.filter(grade__in=["A3", "A4?"]).update(look_at=now)
        doorbell.ring()
        return again
