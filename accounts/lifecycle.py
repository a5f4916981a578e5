"""How a seller begins, and how an Amazon account is taken on. Verbs; no request in sight."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from accounts import secrets
from accounts.health import Ability
from accounts.models import AccountMarketplace, AmazonAccount, Denial, Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers
from amazon.errors import mark_of
from amazon.marketplaces import Region

LONGEST_NAME: Final = 120  # of a store


class TakenByAnotherSeller(Exception):
    """This Amazon account is already connected to another seller of ours."""


def open_seller(name: str, owner: User) -> Seller:
    """A new seller with its owner. One transaction."""
    with transaction.atomic(), across_sellers("a seller is opened"):
        seller = Seller.objects.create(name=name)
        Membership.objects.create(seller=seller, user=owner, role=Role.OWNER)
    return seller


def connect_account(
    seller: Seller,
    *,
    region: Region,
    selling_partner_id: str,
    refresh_token: str,
    stores: Iterable[tuple[str, str]],
    now: datetime,
) -> AmazonAccount:
    """Take on an authorised account, or renew its authorisation; idempotent. `stores`: marketplace id, store name.

    Reconnecting keeps everything: orders, approved senders, the choice of marketplaces. Raises
    TakenByAnotherSeller, and then nothing has changed.
    """
    # One line each: a name becomes part of subjects, where a line break would stop the mail.
    stores = [(marketplace_id, " ".join(name.split())[:LONGEST_NAME]) for marketplace_id, name in stores]
    sealed = secrets.seal_text("refresh token", seller.pk, refresh_token)
    with across_sellers("is this Amazon account taken?"), transaction.atomic():
        # In whatever region: the id comes from an address that anybody can change, and so does the region.
        others = AmazonAccount.objects.filter(selling_partner_id=selling_partner_id).exclude(seller=seller)
        if others.exclude(status=AmazonAccount.Status.DISCONNECTED).exists():
            raise TakenByAnotherSeller(selling_partner_id)
        try:
            with transaction.atomic():
                account, _ = AmazonAccount.objects.update_or_create(
                    seller=seller,
                    region=region,
                    selling_partner_id=selling_partner_id,
                    defaults={
                        "refresh_token_sealed": sealed,
                        "status": AmazonAccount.Status.CONNECTED,
                        "authorised_at": now,
                        "reminded_days": None,
                        "revoked_at": None,
                        "disconnected_at": None,
                        "erased_at": None,
                        "store_name": next((name for _, name in stores if name), seller.name[:LONGEST_NAME]),
                    },
                )
        except IntegrityError:  # two people at the same instant
            raise TakenByAnotherSeller(selling_partner_id) from None
        account.denials.all().delete()  # whether a role is still missing, Amazon will say again
        for marketplace_id, store_name in stores:
            AccountMarketplace.objects.update_or_create(
                account=account,
                marketplace_id=marketplace_id,
                defaults={"store_name": store_name},
                create_defaults={"seller": seller, "store_name": store_name},
            )
        # Asked about a marketplace that it has left, Amazon denies the orders of all.
        account.marketplaces.exclude(marketplace_id__in=[place for place, _ in stores]).update(is_used=False)
    return account


def mark_revoked(account_id: int, mark: str) -> bool:
    """Amazon no longer accepts this token (`amazon.errors.AuthorisationLost.mark`): reading and sending stop for the
    account. Idempotent. False: another one has been given since, and nothing is changed."""
    with transaction.atomic():
        account = AmazonAccount.objects.select_for_update(no_key=True).get(pk=account_id)
        if account.status != AmazonAccount.Status.CONNECTED or mark_of(account.refresh_token) != mark:
            return False
        account.status = AmazonAccount.Status.REVOKED
        account.save(update_fields=["status"])
        account.denials.all().delete()  # what Amazon denied lately was the end announcing itself
    return True


def mark_denied(account_id: int, ability: Ability, *, now: datetime) -> None:
    """Amazon denies this ability: the authorisation lacks its role. Shown until it is connected again. Idempotent.

    Without an authorisation there is nothing that could lack a role: such an answer came late."""
    with transaction.atomic():
        account = AmazonAccount.objects.select_for_update(no_key=True).get(pk=account_id)
        if account.status == AmazonAccount.Status.CONNECTED:
            Denial.objects.get_or_create(
                account=account, ability=ability, defaults={"seller_id": account.seller_id, "since": now}
            )


def mark_allowed(account_id: int, ability: Ability) -> None:
    """Amazon has just let the account do this."""
    Denial.objects.filter(account_id=account_id, ability=ability).delete()


def disconnect(account: AmazonAccount, *, now: datetime) -> bool:
    """Forget the authorisation at once: nothing is read or sent any more, and another seller may connect this Amazon
    account. False: it was disconnected already.

    What else Amazon gave is erased later (`messaging.leaving`); connecting again before that keeps everything.
    """
    there = AmazonAccount.objects.filter(pk=account.pk).exclude(status=AmazonAccount.Status.DISCONNECTED)
    gone = AmazonAccount.Status.DISCONNECTED
    with transaction.atomic():
        if not there.update(status=gone, refresh_token_sealed=b"", disconnected_at=now):
            return False
        Denial.objects.filter(account=account).delete()
    return True


def restrict(seller_id: int, marketplace_id: str | None, *, text: str, dated: datetime, now: datetime) -> int:
    """Amazon has closed Buyer-Seller e-mail: the accounts that sell there stop sending it. Returns how many.

    Without a marketplace it is all of the seller's accounts. A notice (`dated` by Amazon's signature) from before an
    owner opened the account again closes nothing. Idempotent.
    """
    accounts = AmazonAccount.objects.filter(seller_id=seller_id, restricted_at__isnull=True)
    known = accounts.filter(marketplaces__marketplace_id=marketplace_id) if marketplace_id else accounts
    chosen = list((known if known.exists() else accounts).values_list("pk", flat=True).distinct())
    open_ones = AmazonAccount.objects.filter(pk__in=chosen, restricted_at__isnull=True)
    still_true = open_ones.filter(Q(reopened_at__isnull=True) | Q(reopened_at__lt=dated))
    return still_true.update(restricted_at=now, restriction_text=text)


def stop_letters(account_id: int, *, text: str, now: datetime) -> bool:
    """Too many refusals: the account's Buyer-Seller e-mail stops until an owner opens it again. False: it had stopped.

    `text` says what happened, in the seller's words and Amazon's.
    """
    is_open = AmazonAccount.objects.filter(pk=account_id, restricted_at__isnull=True)
    return bool(is_open.update(restricted_at=now, restriction_text=text, is_stopped_by_us=True))


def reopened_at(account_id: int) -> datetime | None:
    """When an owner last opened the account's Buyer-Seller e-mail again; what was before does not count any more."""
    return AmazonAccount.objects.values_list("reopened_at", flat=True).get(pk=account_id)


def reopen(seller: Seller, account_id: int, *, now: datetime) -> bool:
    """The owner says that Amazon has lifted the restriction: what waited goes on. False: it was open already."""
    closed = AmazonAccount.objects.for_seller(seller).filter(pk=account_id, restricted_at__isnull=False)
    return bool(closed.update(restricted_at=None, restriction_text="", is_stopped_by_us=False, reopened_at=now))


def refuse_sender_of(account_id: int, marketplace_id: str, *, at: datetime) -> None:
    """Amazon's relay does not accept the sender of this very account: it is red until it is saved anew. Idempotent."""
    _refuse(AccountMarketplace.objects.filter(account_id=account_id, marketplace_id=marketplace_id), dated=at)


def refuse_sender(seller_id: int, marketplace_id: str, *, dated: datetime) -> int:
    """Amazon does not accept the sender of this marketplace: mail waits until it is saved anew. Returns how many.

    A notice from before the last change of the sender says nothing. Idempotent.
    """
    return _refuse(AccountMarketplace.objects.filter(seller_id=seller_id, marketplace_id=marketplace_id), dated=dated)


def _refuse(places: QuerySet[AccountMarketplace], *, dated: datetime) -> int:
    not_yet = Q(sender_refused_at__isnull=True) | Q(sender_refused_at__lte=F("changed_at"))
    return places.filter(not_yet, changed_at__lt=dated).update(sender_refused_at=dated)
