"""Amazon's notices to sellers: built, signed twice, put into the seller's mailbox, sent on as the account is set up.

The form is that of the public specimen (INBOUND.md 1.1): HTML only in multipart/alternative, quoted-printable, the
order id bare in the preheader and in brackets in the main sentence.
"""

import quopri
import secrets
import uuid
from dataclasses import dataclass
from email.header import Header
from typing import Any

from amazon.simulator import accounts, buyers, clock, forwarding, outgoing
from amazon.simulator.accounts import Account
from amazon.simulator.buyers import Buyer
from amazon.simulator.notice_texts import NoticeFacts, html_of, text_for
from amazon.simulator.orders import Order
from amazon.simulator.places import PLACES, Place
from amazon.simulator.signing import key_of, sign
from amazon.simulator.simulation import Simulation
from amazon.simulator.store import Store

OPTED_OUT = "BUYER_OPTED_OUT_BSM_MESSAGES"
SIGNED = ["Date", "From", "Reply-To", "To", "Message-ID", "Subject", "MIME-Version", "Content-Type"]
_SES_REGIONS = {"NA": "us-east-1", "EU": "eu-west-1", "FE": "us-west-2"}


@dataclass(frozen=True, slots=True)
class Notice:
    """A finished notice: the signed mail and the bounce address that Amazon sends it from."""

    raw: bytes
    envelope_from: str
    subject: str
    to: str


def send_opted_out(simulation: Simulation, order: Order, language: str = "") -> int:
    """Tell the seller of an order that its buyer has opted out. Returns the notice's number.

    The notice is kept in the mailbox in any case; it leaves for the product's inbound address if the account's mode
    says so and an inbound address is set.
    """
    account = accounts.find(simulation.store, order.selling_partner_id)
    if account is None:
        raise LookupError(f"no account {order.selling_partner_id}")
    buyer = buyers.of_order(simulation.store, order.buyer_id)
    is_direct = account.mode == "direct" and bool(account.inbound_address)
    to = account.inbound_address if is_direct else account.mailbox
    now = clock.now()
    notice = build(simulation.store, order, buyer, to=to, language=language or account.language, at=now)
    with simulation.store.write() as connection:
        made = connection.execute(
            "INSERT INTO notices (at, kind, selling_partner_id, order_id, mode, addressed_to, subject, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (now, OPTED_OUT, account.selling_partner_id, order.order_id, account.mode, to, notice.subject, notice.raw),
        )
        notice_id = int(made.lastrowid or 0)
        letter = _onward(simulation.store, account, notice, now)
        if letter is not None:
            outgoing.queue(simulation, letter, notice_id=notice_id)
    return notice_id


def _onward(store: Store, account: Account, notice: Notice, at: float) -> outgoing.Letter | None:
    """What goes to the product because of this notice."""
    if not account.inbound_address or account.mode == "none":
        return None
    if account.mode == "direct":
        return outgoing.Letter(notice.envelope_from, account.inbound_address, notice.raw)
    return forwarding.gmail(store, notice.raw, notice.envelope_from, account, at)


def build(store: Store, order: Order, buyer: Buyer, *, to: str, language: str, at: float) -> Notice:
    """The notice as bytes, with both of Amazon's signatures on top."""
    place = PLACES[order.marketplace_id]
    text = text_for(language)
    facts = NoticeFacts(order.order_id, buyer.first_name, clock.day(at), buyer.alias)
    mail_id = f"0102{secrets.token_hex(6)}-{uuid.uuid4()}-000000"
    unsigned = _mail(place, text.subject, html_of(text, facts), to=to, mail_id=mail_id, at=at)
    # amazonses.com signs Feedback-ID too, the From domain does not.
    ours = sign(unsigned, key_of(store, place.notice_domain), SIGNED, at)
    theirs = sign(unsigned, key_of(store, "amazonses.com"), [*SIGNED, "Feedback-ID"], at)
    envelope_from = f"{mail_id}@bounces.{place.notice_domain}"
    return Notice(ours + theirs + unsigned, envelope_from, text.subject, to)


def _mail(place: Place, subject: str, html: str, *, to: str, mail_id: str, at: float) -> bytes:
    sender = f'"{place.name}" <auto-communication@{place.notice_domain}>'
    region = _SES_REGIONS[place.region]
    boundary = f"----=_Part_{secrets.randbelow(10**6)}_{secrets.randbelow(10**10)}.{int(at * 1000)}"
    encoded_subject = (
        subject if subject.isascii() else Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
    )
    body = quopri.encodestring(html.encode()).replace(b"\n", b"\r\n")
    head = (
        f"Date: {clock.mail_date(at)}\r\n"
        f"From: {sender}\r\n"
        f"Reply-To: {sender}\r\n"
        f"To: {to}\r\n"
        f"Message-ID: <{mail_id}@{region}.amazonses.com>\r\n"
        f"Subject: {encoded_subject}\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative;\r\n\tboundary="{boundary}"\r\n'
        f"X-Marketplace-ID: {place.marketplace_id}\r\n"
        f"X-Space-Notification-Type: {OPTED_OUT}\r\n"
        f"Feedback-ID: 1.{region}.{secrets.token_urlsafe(32)}=:AmazonSES\r\n"
        f"X-SES-Outgoing: {clock.day(at).replace('-', '.')}-192.0.2.{1 + secrets.randbelow(254)}\r\n"
        "\r\n"
        f"--{boundary}\r\n"
        "Content-Type: text/html; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    )
    return head.encode("ascii") + body + f"\r\n--{boundary}--\r\n".encode("ascii")


def as_json(store: Store) -> list[dict[str, Any]]:
    """All notices, oldest first, without their bytes."""
    rows = store.rows(
        "SELECT notice_id, at, kind, selling_partner_id, order_id, mode, addressed_to, subject FROM notices"
        " ORDER BY notice_id"
    )
    return [dict(row) | {"at": clock.iso(row["at"])} for row in rows]
