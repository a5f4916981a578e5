"""Opens the demo's sellers, by the same verbs as the pages, and tells the simulated Amazon where their notices go.

A seller that is there already is left as the visitor made it, so a second start changes nothing. The simulated Amazon
is asked over HTTP and never imported: the product does not know that it is not the real one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import httpx
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.lifecycle import connect_account
from accounts.models import AccountMarketplace, Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers, as_seller
from amazon.marketplaces import Region
from campaigns import lifecycle
from campaigns.models import Campaign
from feedbackfive.demo import cast
from feedbackfive.signup import begin
from optouts.addresses import confirm_mailbox, full_address, open_address, saw_mailbox


@dataclass(frozen=True, slots=True)
class Shop:
    """A selling partner, as the simulated Amazon describes it."""

    selling_partner_id: str
    region: Region
    store_name: str
    marketplace_ids: tuple[str, ...]
    refresh_token: str
    approved_sender: str
    mailbox: str
    mode: str  # how notices travel: "gmail" forwards from the mailbox, "direct" does without

    @classmethod
    def read(cls, account: dict[str, Any]) -> "Shop":
        return cls(
            selling_partner_id=account["selling_partner_id"],
            region=Region(account["region"]),
            store_name=account["store_name"],
            marketplace_ids=tuple(account["marketplace_ids"]),
            refresh_token=account["refresh_token"],
            approved_sender=account["approved_sender"],
            mailbox=account["mailbox"],
            mode=account["mode"],
        )


def seed(amazon: httpx.Client, *, now: datetime) -> None:
    """Make what is missing of the demo's world. Idempotent; each seller is opened as a whole or not at all.

    Raises httpx.HTTPError when the simulated Amazon does not answer, KeyError when it lacks a shop of the cast.
    """
    world = amazon.post("/control/populate", json={}).raise_for_status().json()
    shops = {shop.store_name: shop for shop in map(Shop.read, world["accounts"])}
    _make_operators()
    for team in cast.TEAMS:
        theirs = [_as_entered(shops[name], team) for name in (team.store_name, *team.in_other_regions)]
        with transaction.atomic():
            seller = _seller_of(theirs[0]) or _open(theirs, team, now=now)
        with as_seller(seller.pk):
            address = full_address(open_address(seller))
        for shop in theirs:
            where = {"selling_partner_id": shop.selling_partner_id, "inbound_address": address, "mode": shop.mode}
            amazon.post("/control/mailboxes", json=where).raise_for_status()


def _as_entered(shop: Shop, team: cast.Team) -> Shop:
    """The shop with its sender as the owner has typed it: one letter short, where he was in a hurry."""
    if shop.store_name != team.mistyped:
        return shop
    name, _, domain = shop.approved_sender.partition("@")
    return replace(shop, approved_sender=f"{name[:-1]}@{domain}")


def _seller_of(shop: Shop) -> Seller | None:
    with across_sellers("is the demo's seller there already?"):
        return Seller.objects.filter(amazon_accounts__selling_partner_id=shop.selling_partner_id).first()


def _open(shops: list[Shop], team: cast.Team, *, now: datetime) -> Seller:
    owner = _make_person(team.owner)
    seller = begin(team.store_name, owner)
    with as_seller(seller.pk):
        for person, role in ((team.manager, Role.MANAGER), (team.viewer, Role.VIEWER)):
            Membership.objects.create(seller=seller, user=_make_person(person), role=role)
        for shop in shops:
            _connect(seller, shop, now=now)
            if shop.mode == "gmail" and team.has_confirmed_mailbox:
                mailbox = saw_mailbox(seller.pk, shop.mailbox, now=now)
                confirm_mailbox(seller, mailbox.pk, by=owner, now=now)
        for campaign in Campaign.objects.for_seller(seller):
            _activate(campaign, now=now)
    return seller


def _connect(seller: Seller, shop: Shop, *, now: datetime) -> None:
    account = connect_account(
        seller,
        region=shop.region,
        selling_partner_id=shop.selling_partner_id,
        refresh_token=shop.refresh_token,
        stores=[(marketplace_id, shop.store_name) for marketplace_id in shop.marketplace_ids],
        now=now,
    )
    AccountMarketplace.objects.filter(account=account).update(approved_sender=shop.approved_sender)


def _activate(campaign: Campaign, *, now: datetime) -> None:
    """Send as soon as a message is due, at any hour: a visitor should not have to come back in the morning."""
    lifecycle.activate(campaign, now=now)


@cache
def _password() -> str:
    """Hashed once for all: making it slow is the point of the hash, and there are thirteen people."""
    return make_password(cast.PASSWORD)


def _make_person(person: cast.Person, **fields: bool) -> User:
    user = User.objects.create(email=person.email, password=_password(), name=person.name, **fields)
    EmailAddress.objects.create(user=user, email=person.email, verified=True, primary=True)
    return user


def _make_operators() -> None:
    with transaction.atomic():
        for operator in (cast.OPERATOR, cast.SECOND_OPERATOR):
            if not User.objects.filter(email=operator.email).exists():
                _make_person(operator, is_staff=True, is_superuser=True)
