"""Rows for tests: plain functions, all fields with sensible values, each overridable by name.

The cast: Alice (owner), Bob (her manager), Vera (viewer), Mallory (another seller).
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from accounts import lookup, secrets
from accounts.lifecycle import connect_account
from accounts.models import AccountMarketplace, AmazonAccount, Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import Region, by_id
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.starting import create_default_campaigns
from messaging import critical, documents, outbox
from messaging.letters import Letter
from messaging.models import Channel, Document, Message
from optouts import gate, imports, intake, listing, setup
from optouts.addresses import open_address
from optouts.examination import Finding
from optouts.models import ForwardingRequest, InboundAddress, ListImport, Notice, Suppression
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation
from orders.models import Order, OrderItem
from tests.messaging.pdfs import make_pdf

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
US, UK, IT, DE = "ATVPDKIKX0DER", "A1F83G8C2ARO7P", "APJ6JRA9NG5V4", "A1PA6795UKMFR9"
PASSWORD = "a long pass phrase of the tests"
_numbers = itertools.count(1)


def order_id() -> str:
    return f"111-{next(_numbers):07d}-{1234567:07d}"


def alias(domain: str = "marketplace.amazon.com") -> str:
    """The alias of a buyer whom no other test knows."""
    return f"b{next(_numbers):013d}@{domain}"


def make_user(email: str = "", **fields: Any) -> User:
    return User.objects.create_user(email or f"person{next(_numbers)}@example.com", PASSWORD, **fields)


def make_seller(name: str = "Alice's shop") -> Seller:
    with across_sellers("test"):
        return Seller.objects.create(name=name)


def make_member(seller: Seller, role: Role = Role.OWNER, email: str = "") -> User:
    user = make_user(email)
    with across_sellers("test"):
        Membership.objects.create(seller=seller, user=user, role=role)
    return user


def make_account(
    seller: Seller, *, marketplaces: tuple[str, ...] = (US,), sender: str = "shop@example.com", **fields: Any
) -> AmazonAccount:
    number = next(_numbers)
    values = {
        "region": by_id(marketplaces[0]).region,
        "selling_partner_id": f"A{number:013d}",
        "store_name": seller.name,
        "refresh_token_sealed": secrets.seal_text("refresh token", seller.pk, f"Atzr|test-{number}"),
    }
    with across_sellers("test"):
        account = AmazonAccount.objects.create(seller=seller, **(values | fields))
        for marketplace_id in marketplaces:
            AccountMarketplace.objects.create(
                seller=seller,
                account=account,
                marketplace_id=marketplace_id,
                store_name=seller.name,
                approved_sender=sender,
            )
    return account


def make_connected_account(seller: Seller, theirs: dict[str, Any]) -> AmazonAccount:
    """Our row for an account of the simulated Amazon."""
    return make_account(
        seller,
        marketplaces=tuple(theirs["marketplace_ids"]),
        sender=theirs["approved_sender"],
        selling_partner_id=theirs["selling_partner_id"],
        refresh_token_sealed=secrets.seal_text("refresh token", seller.pk, theirs["refresh_token"]),
    )


def connect_again(account: AmazonAccount, theirs: dict[str, Any], *, now: datetime, store: str = "Shop") -> None:
    """The owner agrees at the simulated Amazon once more."""
    connect_account(
        account.seller,
        region=Region(account.region),
        selling_partner_id=theirs["selling_partner_id"],
        refresh_token=theirs["refresh_token"],
        stores=[(place, store) for place in theirs["marketplace_ids"]],
        now=now,
    )


def make_order(
    account: AmazonAccount,
    *,
    buyer: str | None = None,
    delivered_at: datetime | None = None,
    title: str = "Enamel camping mug",
    **fields: Any,
) -> Order:
    """A shipped, merchant-fulfilled order, delivered three days before NOW. `buyer` is the alias."""
    delivered_at = delivered_at or NOW - timedelta(days=3)
    number = fields.pop("amazon_order_id", None) or order_id()
    values: dict[str, Any] = {
        "marketplace_id": US,
        "status": Order.Status.SHIPPED,
        "fulfilled_by": Order.FulfilledBy.MERCHANT,
        "purchased_at": delivered_at - timedelta(days=4),
        "last_updated_at": delivered_at,
        "deliver_by_earliest": delivered_at - timedelta(days=1),
        "deliver_by_latest": delivered_at,
        "delivery_kind": Order.DeliveryKind.PROMISE,
        "changed_at": NOW,
        "replan_at": NOW - timedelta(days=1),
        "order_key": lookup.order_key(account.seller_id, number),
    }
    if buyer:
        values |= {
            "alias_sealed": secrets.seal_text("alias", account.seller_id, buyer),
            "alias_key": lookup.alias_key(buyer),
            "alias_purge_at": delivered_at + timedelta(days=30),
        }
    with across_sellers("test"):
        order = Order.objects.create(
            seller_id=account.seller_id, account=account, amazon_order_id=number, **(values | fields)
        )
        OrderItem.objects.create(
            seller_id=account.seller_id,
            order=order,
            amazon_item_id=f"item-{order.pk}",
            asin="B0TESTASIN",
            sku="MUG-1",
            title=title,
        )
    return order


def make_letter(order: Order) -> Letter:
    return Letter(f"Your order {order.amazon_order_id}", f"About {order.amazon_order_id}\n", "<p>About it</p>")


def make_message(
    order: Order, *, channel: Channel = Channel.BUYER_EMAIL, due_at: datetime = NOW, **fields: Any
) -> Message:
    """A scheduled message for this order, by the product's own verb. `fields` are written over it."""
    letter = make_letter(order) if channel == Channel.BUYER_EMAIL else None
    wish = outbox.Wish(channel, "Order check-in", due_at, due_at + timedelta(days=20), letter)
    with across_sellers("test"):
        message = outbox.schedule(order, wish, now=NOW - timedelta(days=1))
        if fields:
            Message.objects.filter(pk=message.pk).update(**fields)
            message.refresh_from_db()
    return message


def make_critical_message(order: Order, *, text: str = "When may we bring it?") -> Message:
    """A critical message that a person wrote and Amazon offers a kind for."""
    with across_sellers("test"):
        way = critical.way_for(order, critical.Reason.DELIVERY, {"unexpectedProblem"}, now=NOW)
        assert isinstance(way, critical.Way)
        writing = critical.Writing(uuid4(), critical.Reason.DELIVERY, text)
        return critical.write(order, writing, way, by=make_user(), now=NOW)


def make_campaigns(seller: Seller, *, status: Campaign.Status = Campaign.Status.ACTIVE) -> list[Campaign]:
    with across_sellers("test"):
        campaigns = create_default_campaigns(seller, now=NOW)
        Campaign.objects.filter(seller=seller).update(status=status)
        for campaign in campaigns:
            campaign.refresh_from_db()
    return campaigns


def make_document(campaign: Campaign, language: str = "en") -> Document:
    """A PDF that goes with the letter of this campaign."""
    with across_sellers("test"):
        kept = documents.keep(campaign.seller, make_pdf(), name="care.pdf", purpose="instructions", by=None, now=NOW)
        lifecycle.enclose(campaign, language, kept, now=NOW)
        kept.refresh_from_db()
    return kept


def make_address(seller: Seller) -> InboundAddress:
    with across_sellers("test"):
        return open_address(seller)


PLAIN_MAIL = b"From: a@example.com\r\nSubject: Hello\r\n\r\nText\r\n"


def make_notice(seller: Seller, *, raw: bytes = PLAIN_MAIL, **fields: Any) -> Notice:
    """A mail at the seller's address, stored by the product's own verb. `fields` are written over it."""
    address = make_address(seller)
    with across_sellers("test"):
        pk = intake.receive(address, raw + str(next(_numbers)).encode(), now=NOW)
        Notice.objects.filter(pk=pk).update(**fields)
        return Notice.objects.get(pk=pk)


def make_forwarding(seller: Seller, link: str = "https://mail.google.com/mail/vf-abcdefgh12") -> ForwardingRequest:
    """A provider's question about forwarding, kept by the product's own verb."""
    notice = make_notice(seller, kind=Kind.FORWARDING_CONFIRMATION.value)
    asked = Confirmation(link, None, "alice.shop@gmail.com")
    finding = Finding(Kind.FORWARDING_CONFIRMATION, None, Reason.FORWARDING_REQUEST, confirmation=asked)
    with across_sellers("test"):
        setup.keep_confirmation(notice, finding, now=NOW)
        return ForwardingRequest.objects.get(notice=notice)


def suppress(order: Order, *, grade: str = "A2", reach: gate.Reach = gate.Reach.GLOBAL) -> list[int]:
    """Put the buyer of this order on the list, as a proved notice does."""
    proof = gate.Proof("notice 1", gate.OPTED_OUT, grade, "fingerprint")
    return gate.suppress(gate.buyer_of(order), proof, reach=reach, now=NOW)


def make_entry(seller: Seller, words: str = "", *, by: User | None = None, reason: str = "a friend") -> Suppression:
    """An entry that a person of the seller made by hand: of this order number or alias, and of what belongs to it."""
    with across_sellers("test"):
        words = words or order_id()
        listing.bring_forward(seller, [words], now=NOW)
        aim = listing.aim_at(seller, words)
        listing.add(seller, [listing.Wish(aim, reason)], by=by or make_user(), now=NOW)
        return Suppression.objects.get(seller=seller, key=aim.keys[0])


def make_import(seller: Seller, content: bytes, *, by: User | None = None) -> ListImport:
    """The preview of a file."""
    with across_sellers("test"):
        return imports.preview(seller, content, "list.csv", by=by or make_user(), now=NOW)
