"""One mail of each kind that a seller's inbound address gets, for the demo's inboxes: proved, half proved, odd, forged.

All opt-outs here are about orders of buyers who have not opted out by the simulated Amazon's word, so that believing
one too much would be seen. Left out: a refused sender, for it would stop a demo shop's letters until somebody saves
its address anew.
"""

import quopri
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Final

from amazon.simulator import buyers, clock, forwarding, notices, orders, outgoing
from amazon.simulator.accounts import Account
from amazon.simulator.notice_texts import TEXTS
from amazon.simulator.notices import Said
from amazon.simulator.orders import Order
from amazon.simulator.outgoing import Letter
from amazon.simulator.places import PLACES
from amazon.simulator.signing import UNREACHABLE, key_of, sign
from amazon.simulator.simulation import Simulation
from amazon.simulator.store import Store
from amazon.simulator.world.cast import BOTTEGA_ID, DE, LAKESIDE_ID, PENNINE_ID

DELAY_SECONDS: Final = 20.0
BETWEEN_SECONDS: Final = 2.0
RESTRICTED_AFTER: Final = 108.0  # when the small shop has shown what its other messages do
_WAITING, _QUEUED = "waiting", "queued"
_SIGNED = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
_NOBODYS_ORDER = "408-0000000-0000000"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the letters of one account are made. `about` are orders of buyers who take messages."""

    store: Store
    account: Account
    about: tuple[Order, ...]
    at: float

    def from_amazon(self, said: Said, marketplace_id: str = "") -> Letter:
        """A mail of Amazon's, on its way as the account is set up: written to us, or forwarded by its Gmail box."""
        place = PLACES[marketplace_id or self.account.marketplace_ids[0]]
        is_direct = self.account.mode == "direct"
        to = self.account.inbound_address if is_direct else self.account.mailbox
        mail = notices.signed(self.store, place, said, to=to, at=self.at)
        if is_direct:
            return Letter(mail.envelope_from, self.account.inbound_address, mail.raw)
        return forwarding.gmail(self.store, mail.raw, mail.envelope_from, self.account, self.at)

    def opted_out(self, order: Order, *, to: str) -> notices.Notice:
        """Amazon's opt-out notice about an order, as it leaves Amazon."""
        buyer = buyers.of_order(self.store, order.buyer_id)
        return notices.build(self.store, order, buyer, to=to, language=self.account.language, at=self.at)


def await_addresses(store: Store) -> None:
    """Each account gets its letters as soon as its inbound address is known."""
    for selling_partner_id in INBOXES:
        store.set_setting(_name(selling_partner_id), _WAITING)


def queue_once(simulation: Simulation, account: Account) -> None:
    """Queue the letters of this account once its inbound address is known; then never again."""
    store, name = simulation.store, _name(account.selling_partner_id)
    if store.setting(name) != _WAITING or not account.inbound_address:
        return
    desk = desk_of(store, account)
    with store.write():
        store.set_setting(name, _QUEUED)
        for number, make in enumerate(INBOXES[account.selling_partner_id]):
            delay = RESTRICTED_AFTER if make is restricted else DELAY_SECONDS + BETWEEN_SECONDS * number
            outgoing.queue(simulation, make(desk), delay=delay)


def desk_of(store: Store, account: Account) -> Desk:
    """Where this account's letters are made, now."""
    return Desk(store, account, tuple(_quiet_orders(store, account)), clock.now())


def _name(selling_partner_id: str) -> str:
    return f"letters_of_{selling_partner_id}"


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


# --- Opt-outs, from the best proof to none --------------------------------------------------------------------------


def forwarded(desk: Desk) -> Letter:
    """A genuine notice, forwarded unchanged by the seller's mailbox."""
    notice = desk.opted_out(desk.about[0], to=desk.account.mailbox)
    return forwarding.gmail(desk.store, notice.raw, notice.envelope_from, desk.account, desk.at)


def attached(desk: Desk) -> Letter:
    """A colleague forwards the genuine notice as an attachment: the original keeps Amazon's signature."""
    return _attached(desk, desk.opted_out(desk.about[1], to=desk.account.mailbox).raw)


def attached_from_another_mailbox(desk: Desk) -> Letter:
    """The same, but Amazon had written to a mailbox that nobody has named here."""
    return _attached(desk, desk.opted_out(desk.about[2], to="old.shop.orders@outlook.com").raw)


def sealed(desk: Desk) -> Letter:
    """A Microsoft 365 tenant that marks mail from outside: it breaks Amazon's signature, and vouches for it."""
    notice = desk.opted_out(desk.about[3], to=desk.account.mailbox)
    arrived = Letter(notice.envelope_from, notice.to, notice.raw)
    return forwarding.microsoft(desk.store, arrived, desk.account, desk.at)


def forwarded_by_hand(desk: Desk) -> Letter:
    """The seller pressed "Forward": Amazon's words inline, signed by the seller's own mail provider only."""
    raw = _quoting(desk, desk.about[4], f"{desk.account.seller_name} <{desk.account.mailbox}>")
    key = key_of(desk.store, desk.account.mailbox.partition("@")[2])
    return Letter(desk.account.mailbox, desk.account.inbound_address, sign(raw, key, _SIGNED, desk.at) + raw)


def forwarded_by_somebody(desk: Desk) -> Letter:
    """Somebody pressed "Forward" whom the site does not know, and nobody signed it."""
    sender = "warehouse@parcels.example"
    return Letter(sender, desk.account.inbound_address, _quoting(desk, desk.about[5], f"Warehouse <{sender}>"))


def undecided(desk: Desk) -> Letter:
    """A notice, written to us, whose signing key cannot be looked up: the name server has trouble."""
    text, inbound = TEXTS["en"], desk.account.inbound_address
    said = Said(text.subject, _html(text.core.format(order=desk.about[6].order_id)))
    place = PLACES[desk.account.marketplace_ids[0]]
    mail = notices.signed(desk.store, place, said, to=inbound, at=desk.at, selector=UNREACHABLE)
    return Letter(mail.envelope_from, inbound, mail.raw)


def forged(desk: Desk) -> Letter:
    """Somebody writes as Amazon: right sender, right words, no signature."""
    account, order = desk.account, desk.about[7]
    mail_id = f"0102{secrets.token_hex(6)}-{uuid.uuid4()}-000000"
    text = TEXTS["en"]
    sender = '"Amazon.com" <auto-communication@amazon.com>'
    body = "\n\n".join((text.greeting, text.core.format(order=order.order_id), *text.more, "Amazon Seller Support"))
    raw = (
        f"Received: from unknown (unknown [203.0.113.66])\r\n\tby mail.example with ESMTP;\r\n"
        f"\t{clock.mail_date(desk.at)}\r\n"
        f"Date: {clock.mail_date(desk.at)}\r\n"
        f"From: {sender}\r\nReply-To: {sender}\r\nTo: {account.inbound_address}\r\n"
        f"Message-ID: <{mail_id}@email.amazonses.com>\r\nSubject: {text.subject}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "X-Marketplace-ID: ATVPDKIKX0DER\r\n"
        "\r\n"
    ).encode() + _quoted_printable(body)
    return Letter(f"{mail_id}@bounces.amazon.com", account.inbound_address, raw)


def too_early(desk: Desk) -> Letter:
    """A genuine notice about an order that has not been read yet: it waits for it."""
    core = TEXTS["it"].core.format(order=_NOBODYS_ORDER, name="Paola", day=clock.day(desk.at))
    return desk.from_amazon(Said(TEXTS["it"].subject, _html(core)))


def about_anothers_order(desk: Desk) -> Letter:
    """A genuine notice about an order of another seller: somebody mixed up two addresses."""
    theirs = next(iter(_quiet_orders_of(desk.store, LAKESIDE_ID)))
    core = TEXTS["it"].core.format(order=theirs.order_id, name="Paola", day=clock.day(desk.at))
    return desk.from_amazon(Said(TEXTS["it"].subject, _html(core)))


def in_unattested_words(desk: Desk) -> Letter:
    """Amazon's notice in a language whose wording nobody has confirmed yet. The sentence is our own."""
    order = next(order for order in desk.about if order.marketplace_id == DE)
    core = (
        f"Ihre Nachricht zur Bestellung [{order.order_id}] konnte nicht zugestellt werden, weil der Käufer keine "
        "unaufgeforderten Nachrichten von Verkäufern erhalten möchte."
    )
    return desk.from_amazon(Said("Ihre Nachricht an einen Käufer konnte nicht zugestellt werden", _html(core)), DE)


def in_new_words(desk: Desk) -> Letter:
    """Marked by Amazon as an opt-out, in words that fit nothing known: operators have to see it."""
    core = f"Una comunicazione relativa all'ordine {desk.about[8].order_id} è ferma. Motivo: impostazioni di contatto."
    return desk.from_amazon(Said("Aggiornamento su una tua comunicazione", _html(core)))


# --- What is no opt-out ---------------------------------------------------------------------------------------------


def buyer_asks_to_stop(desk: Desk) -> Letter:
    """A buyer's own words: no opt-out by Amazon, and the seller may want to leave him in peace."""
    return _from_a_buyer(desk, desk.about[9], "Please stop sending me emails about my order. The mug is fine.")


def buyer_asks_something(desk: Desk) -> Letter:
    """A buyer's question, which is nobody's business here."""
    return _from_a_buyer(desk, desk.about[10], "Buongiorno, potete inviarmi la fattura? Grazie!")


def content_blocked(desk: Desk) -> Letter:
    """Amazon did not deliver a message because of its words (AMAZON.md 5.4)."""
    core = (
        f"The message you sent for order {desk.about[11].order_id} was not sent as it did not meet the Buyer-Seller "
        "Messaging communication guidelines."
    )
    return desk.from_amazon(Said("Your message was not sent", _html(core), kind="", local_part="donotreply"))


def refund(desk: Desk) -> Letter:
    """Amazon about something else."""
    core = f"A refund for order {desk.about[12].order_id} has been issued. You need not do anything."
    return desk.from_amazon(Said("Refund issued", _html(core), kind="REFUND_ISSUED", local_part="donotreply"))


def gmail_asks(desk: Desk) -> Letter:
    """Gmail wants to know whether it may forward to the inbound address: the link is for the seller to press."""
    account = desk.account
    link = f"https://mail-settings.google.com/mail/vf-%5B{secrets.token_urlsafe(40)}%5D-{secrets.token_urlsafe(12)}"
    body = (
        f"{account.mailbox} has requested to automatically forward mail to your email\naddress "
        f"{account.inbound_address}.\n\nTo allow it, please click the link below to confirm the request:\n\n{link}\n\n"
        "If you accidentally clicked the link, but you do not want to allow it, click this link to cancel:\n\n"
        f"{link.replace('/vf-', '/uf-')}\n\nThanks for using Gmail!\n\nThe Gmail Team\n"
    )
    raw = (
        "From: Gmail Team <forwarding-noreply@google.com>\r\n"
        f"To: {account.inbound_address}\r\n"
        f"Subject: (Gmail Forwarding Confirmation - Receive Mail from {account.mailbox}\r\n"
        f"Date: {clock.mail_date(desk.at)}\r\nMessage-ID: <{secrets.token_urlsafe(24)}@mail.gmail.com>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode() + _quoted_printable(body)
    signed = sign(raw, key_of(desk.store, "google.com"), _SIGNED, desk.at) + raw
    return Letter("forwarding-noreply@google.com", account.inbound_address, signed)


def restricted(desk: Desk) -> Letter:
    """Amazon closes the small shop's Buyer-Seller e-mail for a while (AMAZON.md 5.4): its letters stop at once."""
    core = (
        "Your account was temporarily restricted from sending proactive messages to buyers, because some of your "
        "messages did not follow our policies. You can still answer messages that buyers send you."
    )
    return desk.from_amazon(Said("Your messaging privileges", _html(core), kind="", local_part="donotreply"))


INBOXES: Final[dict[str, tuple[Callable[[Desk], Letter], ...]]] = {
    LAKESIDE_ID: (
        forwarded, attached, attached_from_another_mailbox, sealed, forwarded_by_hand, forwarded_by_somebody, undecided,
        forged, buyer_asks_to_stop, content_blocked, refund,
    ),
    BOTTEGA_ID: (too_early, about_anothers_order, in_unattested_words, in_new_words, buyer_asks_something),
    PENNINE_ID: (gmail_asks, forwarded, restricted),
}  # fmt: skip


def _quiet_orders_of(store: Store, selling_partner_id: str) -> list[Order]:
    sold = orders.of_account(store, selling_partner_id)
    return [order for order in sold if not buyers.of_order(store, order.buyer_id).is_opted_out]


def _from_a_buyer(desk: Desk, order: Order, words: str) -> Letter:
    buyer = buyers.of_order(desk.store, order.buyer_id)
    html = _html(
        f"You have received a message about order {order.order_id}.",
        "------------- Message: -------------", escape(words), "------------- End message -------------",
    )  # fmt: skip
    subject = f"Message from {buyer.first_name} about order {order.order_id}"
    said = Said(subject, html, kind="BBC_MESSAGE_SENT_TO_MERCHANT", buyer=buyer)
    return desk.from_amazon(said, order.marketplace_id)


def _attached(desk: Desk, original: bytes) -> Letter:
    """A mail of a colleague whom the site does not know, unsigned, with the original as an attachment."""
    sender, mark = "packing@parcels.example", f"=-{secrets.token_hex(12)}"
    raw = (
        f"From: Packing <{sender}>\r\nTo: {desk.account.inbound_address}\r\nSubject: Fwd: another one\r\n"
        f"Date: {clock.mail_date(desk.at)}\r\nMessage-ID: <{secrets.token_urlsafe(24)}@parcels.example>\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{mark}"\r\n\r\n'
        f"--{mark}\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nSee the attachment.\r\n"
        f"--{mark}\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
    ).encode() + original + f"\r\n--{mark}--\r\n".encode()  # fmt: skip
    return Letter(sender, desk.account.inbound_address, raw)


def _quoting(desk: Desk, order: Order, sender: str) -> bytes:
    text, account = TEXTS["en"], desk.account
    quoted = (
        "Begin forwarded message:", "",
        "From: Amazon.com <auto-communication@amazon.com>",
        f"Subject: {text.subject}",
        f"Date: {clock.mail_date(desk.at - 3 * clock.HOUR)}",
        f"To: {account.mailbox}", "",
        text.greeting, "", text.core.format(order=order.order_id), "", *text.more, "", "Amazon Seller Support",
    )  # fmt: skip
    body = "This one too, please.\n\n" + "\n".join(f"> {line}".rstrip() for line in quoted)
    return (
        "MIME-Version: 1.0\r\n"
        f"From: {sender}\r\n"
        f"Date: {clock.mail_date(desk.at)}\r\n"
        f"Message-ID: <{secrets.token_urlsafe(24)}@mail.example>\r\n"
        f"Subject: Fwd: {text.subject}\r\nTo: {account.inbound_address}\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    ).encode() + _quoted_printable(body)


def _html(*paragraphs: str) -> str:
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<html><head><title></title></head><body>\n<h1></h1>\n{body}\n</body></html>\n"


def _quoted_printable(text: str) -> bytes:
    return quopri.encodestring(text.encode()).replace(b"\n", b"\r\n") + b"\r\n"
