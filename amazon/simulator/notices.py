"""Amazon's notices to sellers: built, signed twice, put into the seller's mailbox, sent on as the account is set up.

The form is that of the public specimen (INBOUND.md 1.1): HTML only in multipart/alternative, quoted-printable, the
order id bare in the preheader and in brackets in the main sentence.
"""

import quopri
import secrets
import uuid
from dataclasses import dataclass, replace
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
class Said:
    """What a mail of Amazon's says, and as what. `kind` is the machine's word for it; empty: the mail bears none.

    A buyer's own message comes from his alias, with his name; all else from `auto-communication` unless told otherwise.
    """

    subject: str
    html: str
    kind: str = OPTED_OUT
    local_part: str = "auto-communication"
    buyer: Buyer | None = None


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
    return signed(store, place, Said(text.subject, html_of(text, facts)), to=to, at=at)


def signed(store: Store, place: Place, said: Said, *, to: str, at: float, selector: str = "") -> Notice:
    """Any mail of Amazon's as bytes, signed for its From domain and by SES; a buyer's message by SES alone.

    `selector` names another place for the From domain's key than the one where it is published.
    """
    mail_id = f"0102{secrets.token_hex(6)}-{uuid.uuid4()}-000000"
    unsigned = _mail(place, said, to=to, mail_id=mail_id, at=at)
    # amazonses.com signs Feedback-ID too, the From domain does not.
    raw = sign(unsigned, key_of(store, "amazonses.com"), [*SIGNED, "Feedback-ID"], at) + unsigned
    if said.buyer is None:
        key = key_of(store, place.notice_domain)
        raw = sign(unsigned, replace(key, selector=selector or key.selector), SIGNED, at) + raw
    return Notice(raw, f"{mail_id}@bounces.{place.notice_domain}", said.subject, to)


def _mail(place: Place, said: Said, *, to: str, mail_id: str, at: float) -> bytes:
    sender = f'"{place.name}" <{said.local_part}@{place.notice_domain}>'
    if said.buyer is not None:
        sender = f"{said.buyer.first_name} <{said.buyer.alias}>"
    subject = said.subject
    marked = f"X-Space-Notification-Type: {said.kind}\r\n" if said.kind else ""
    region = _SES_REGIONS[place.region]
    boundary = f"----=_Part_{secrets.randbelow(10**6)}_{secrets.randbelow(10**10)}.{int(at * 1000)}"
    encoded_subject = (
        subject if subject.isascii() else Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
    )
    body = quopri.encodestring(said.html.encode()).replace(b"\n", b"\r\n")
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
        f"{marked}"
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
