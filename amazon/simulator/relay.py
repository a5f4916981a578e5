"""The relay for buyers' aliases: what a seller's mail meets at `marketplace.amazon.*` (AMAZON.md 4).

In: SMTP. Out: a receipt in the buyer's box, or a notice to the seller when the buyer has opted out, or a refusal.
"""

import asyncio
import re
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from amazon.simulator import accounts, buyers, clock, notices, orders, receipts
from amazon.simulator.accounts import Account
from amazon.simulator.buyers import Buyer
from amazon.simulator.faults import RELAY
from amazon.simulator.mail_reading import ReadMail, read_mail
from amazon.simulator.orders import Order
from amazon.simulator.places import ALIAS_DOMAINS
from amazon.simulator.simulation import Simulation

LARGEST = 15 * 1024 * 1024  # of a mail on the wire: base64 makes a third more of its documents
MOST_ATTACHED = 10 * 1024 * 1024  # AMAZON.md 4.6
_ALIAS = re.compile(r"[a-z0-9]{4,40}(?:\+[a-z0-9.-]{1,80})?@([a-z0-9.-]{1,80})")
_ORDER_ID = re.compile(r"(?<![0-9])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9])")
_IMPORTANT = re.compile(r"\[(?:important|importante|wichtig|重要)\]", re.IGNORECASE)
ACCEPTED = "250 2.0.0 Accepted"


class Relay:
    """The handler of the relay's SMTP server."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a known alias from a sender approved by a seller who sold to that buyer."""
        if self._simulation.faults.take(RELAY, {"rcpt451"}):
            return self._refuse(envelope, address, "451 4.3.0 Temporary failure, try again later")
        match = _ALIAS.fullmatch(address.lower())
        buyer = buyers.by_alias(self._simulation.store, address) if match and match[1] in ALIAS_DOMAINS else None
        if buyer is None:
            return self._refuse(envelope, address, "550 5.1.1 Recipient address rejected: no such buyer")
        if not self._sellers(str(envelope.mail_from or ""), buyer):
            return self._refuse(
                envelope, address, "550 5.7.1 The sender is not an approved sender of a seller to this buyer"
            )
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Judge the mail for each buyer it names."""
        if self._simulation.faults.take(RELAY, {"cut"}):
            return self._hang_up(server)
        raw = envelope.content
        mail = read_mail(raw if isinstance(raw, bytes) else str(raw or "").encode())
        sender = str(envelope.mail_from or "")
        for address in envelope.rcpt_tos:
            buyer = buyers.by_alias(self._simulation.store, address)
            sellers = self._sellers(sender, buyer) if buyer else []
            writers = [account for account in sellers if mail.senders == (_one(mail, account),)]
            if buyer is None or not writers:
                return self._refuse(envelope, address, "550 5.7.1 From is not an approved sender of this seller")
            if sum(size for _, size in mail.attached) > MOST_ATTACHED:
                return self._refuse(envelope, address, "552 5.3.4 The attachments have more than 10 MB")
            await asyncio.to_thread(self._take, mail, writers, buyer)
        if self._simulation.faults.take(RELAY, {"cut_after"}):
            return self._hang_up(server)
        return ACCEPTED

    async def handle_exception(self, error: Exception) -> str:
        """Our own trouble is temporary."""
        return f"451 4.3.0 {type(error).__name__}"

    def _sellers(self, sender: str, buyer: Buyer) -> list[Account]:
        """The accounts that sold something to this buyer and approved this sender."""
        rows = self._simulation.store.rows(
            "SELECT DISTINCT selling_partner_id FROM orders WHERE buyer_id = ?", buyer.buyer_id
        )
        found = (accounts.find(self._simulation.store, row["selling_partner_id"]) for row in rows)
        return [account for account in found if account and sender.lower() in account.approved_senders]

    def _take(self, mail: ReadMail, writers: list[Account], buyer: Buyer) -> None:
        """File an accepted mail: delivered, kept from an opted-out buyer, or blocked for its content."""
        store = self._simulation.store
        attached = "".join(f"\n[Attached: {name}, {max(1, size // 1000)} kB]" for name, size in mail.attached)
        body = mail.body + attached
        writing = receipts.Writing(receipts.EMAIL, mail.senders[0], mail.subject, body, message_id=mail.message_id)
        order = self._order(mail, writers, buyer)
        if order is None:
            # Without the order's id in its text a message does not meet the guidelines (AMAZON.md 5.4, N1).
            receipts.keep(store, writing, self._any_order(writers[0], buyer), buyer, receipts.BLOCKED)
            return
        # As Amazon's notice of September 2026 still promises; whether it is true is not known (AMAZON.md 0).
        is_kept_back = buyer.is_opted_out and not _IMPORTANT.search(mail.subject)
        outcome = receipts.OPTED_OUT if is_kept_back else receipts.DELIVERED
        is_double = receipts.keep(store, writing, order, buyer, outcome)
        if outcome == receipts.OPTED_OUT and not is_double:
            notices.send_opted_out(self._simulation, order)

    def _order(self, mail: ReadMail, writers: list[Account], buyer: Buyer) -> Order | None:
        """The first order that the mail names, of these sellers and this buyer."""
        ids = {account.selling_partner_id for account in writers}
        for order_id in _ORDER_ID.findall(f"{mail.subject}\n{mail.body}"):
            order = orders.find(self._simulation.store, order_id)
            if order and order.buyer_id == buyer.buyer_id and order.selling_partner_id in ids:
                return order
        return None

    def _any_order(self, account: Account, buyer: Buyer) -> Order:
        """Some order between the two, to file a blocked mail under."""
        sold = orders.of_account(self._simulation.store, account.selling_partner_id)
        return next(order for order in sold if order.buyer_id == buyer.buyer_id)

    def _refuse(self, envelope: Envelope, address: str, answer: str) -> str:
        with self._simulation.store.write() as connection:
            connection.execute(
                "INSERT INTO relay_refusals (at, sender, recipient, answer) VALUES (?, ?, ?, ?)",
                (clock.now(), str(envelope.mail_from or ""), address, answer),
            )
        return answer

    def _hang_up(self, server: SMTP) -> str:
        transport: Any = server.transport
        transport.abort()
        return "421 4.3.0 Closing"


def _one(mail: ReadMail, account: Account) -> str:
    """The mail's only From address if the account approved it, else an address that no mail has."""
    if len(mail.senders) == 1 and mail.senders[0] in account.approved_senders:
        return mail.senders[0]
    return ""
