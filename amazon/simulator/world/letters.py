"""Two odd letters for the demo's inbox: a forged notice, and a genuine one that a person forwarded by hand.

Both are about orders of buyers who have not opted out by Amazon's word, so that believing either would be seen.
"""

import quopri
import secrets
import uuid

from amazon.simulator import buyers, clock, orders, outgoing
from amazon.simulator.accounts import Account
from amazon.simulator.notice_texts import TEXTS
from amazon.simulator.orders import Order
from amazon.simulator.outgoing import Letter
from amazon.simulator.signing import key_of, sign
from amazon.simulator.simulation import Simulation
from amazon.simulator.store import Store

LETTERS_FOR = "letters_for"
DELAY_SECONDS = 20.0
_SIGNED = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]


def queue_once(simulation: Simulation, account: Account) -> None:
    """Queue both letters for the account that the world chose, once its inbound address is known; then never again."""
    store = simulation.store
    if store.setting(LETTERS_FOR) != account.selling_partner_id or not account.inbound_address:
        return
    about = _quiet_orders(store, account)
    with store.write():
        store.set_setting(LETTERS_FOR, "")
        outgoing.queue(simulation, forged(account, about[0]), delay=DELAY_SECONDS)
        outgoing.queue(simulation, forwarded_by_hand(store, account, about[1]), delay=DELAY_SECONDS + 5)


def _quiet_orders(store: Store, account: Account) -> list[Order]:
    """Delivered merchant-fulfilled orders of buyers who take messages, the newest first."""
    latest = clock.now() - 10 * clock.DAY
    found = [
        order
        for order in orders.of_account(store, account.selling_partner_id)
        if order.fulfilled_by == "MERCHANT"
        and order.deliver_by[1] < latest
        and orders.situation(order, clock.now()).status == "SHIPPED"
        and not buyers.of_order(store, order.buyer_id).is_opted_out
    ]
    return found[::-1]


def forged(account: Account, order: Order) -> Letter:
    """Somebody writes as Amazon: right sender, right words, no signature."""
    mail_id = f"0102{secrets.token_hex(6)}-{uuid.uuid4()}-000000"
    text = TEXTS["en"]
    sender = '"Amazon.com" <auto-communication@amazon.com>'
    body = "\n\n".join((text.greeting, text.core.format(order=order.order_id), *text.more, "Amazon Seller Support"))
    raw = (
        f"Received: from unknown (unknown [203.0.113.66])\r\n\tby mail.example with ESMTP;\r\n"
        f"\t{clock.mail_date(clock.now())}\r\n"
        f"Date: {clock.mail_date(clock.now())}\r\n"
        f"From: {sender}\r\nReply-To: {sender}\r\nTo: {account.inbound_address}\r\n"
        f"Message-ID: <{mail_id}@email.amazonses.com>\r\nSubject: {text.subject}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "X-Marketplace-ID: ATVPDKIKX0DER\r\n"
        "\r\n"
    ).encode() + _quoted_printable(body)
    return Letter(f"{mail_id}@bounces.amazon.com", account.inbound_address, raw)


def forwarded_by_hand(store: Store, account: Account, order: Order) -> Letter:
    """The seller pressed "Forward": Amazon's words inline, signed by the seller's own mail provider only."""
    text, now = TEXTS["en"], clock.now()
    quoted = (
        "Begin forwarded message:", "",
        "From: Amazon.com <auto-communication@amazon.com>",
        f"Subject: {text.subject}",
        f"Date: {clock.mail_date(now - 3 * clock.HOUR)}",
        f"To: {account.mailbox}", "",
        text.greeting, "", text.core.format(order=order.order_id), "", *text.more, "", "Amazon Seller Support",
    )  # fmt: skip
    body = "This one too, please.\n\n" + "\n".join(f"> {line}".rstrip() for line in quoted)
    domain = account.mailbox.partition("@")[2]
    raw = (
        "MIME-Version: 1.0\r\n"
        f"From: {account.seller_name} <{account.mailbox}>\r\n"
        f"Date: {clock.mail_date(now)}\r\n"
        f"Message-ID: <{secrets.token_urlsafe(24)}@mail.{domain}>\r\n"
        f"Subject: Fwd: {text.subject}\r\nTo: {account.inbound_address}\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    ).encode() + _quoted_printable(body)
    signed = sign(raw, key_of(store, domain), _SIGNED, now) + raw
    return Letter(account.mailbox, account.inbound_address, signed)


def _quoted_printable(text: str) -> bytes:
    return quopri.encodestring(text.encode()).replace(b"\n", b"\r\n") + b"\r\n"
