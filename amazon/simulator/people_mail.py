"""A post office for everything that the site writes to people: verification, reminders, reports.

Nothing leaves it, but for what comes to a seller's Gmail box, which forwards by itself: so a test of the forwarding
comes back.
"""

from aiosmtpd.smtp import SMTP, Envelope, Session

from amazon.simulator import accounts, clock, forwarding, outgoing
from amazon.simulator.mail_reading import read_mail
from amazon.simulator.simulation import Simulation

FORWARDED_AFTER = 3.0  # seconds: a person sees first that nothing has come yet


class PostOffice:
    """The handler of the people's SMTP server: any recipient, kept and shown on the page."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a copy per recipient."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode()
        mail = read_mail(raw)
        with self._simulation.store.write() as connection:
            for recipient in envelope.rcpt_tos:
                connection.execute(
                    "INSERT INTO people_mail (at, sender, recipient, subject, body, raw) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        clock.now(),
                        mail.senders[0] if mail.senders else str(envelope.mail_from or ""),
                        recipient.lower(),
                        mail.subject,
                        mail.body,
                        raw,
                    ),
                )
        for recipient in envelope.rcpt_tos:
            self._forward(raw, str(envelope.mail_from or ""), recipient.lower())
        return "250 2.0.0 Kept"

    def _forward(self, raw: bytes, envelope_from: str, recipient: str) -> None:
        at = clock.now()
        for account in accounts.all_accounts(self._simulation.store):
            if account.mode == "gmail" and account.inbound_address and account.mailbox == recipient:
                letter = forwarding.gmail(self._simulation.store, raw, envelope_from, account, at)
                outgoing.queue(self._simulation, letter, delay=FORWARDED_AFTER)

    async def handle_exception(self, error: Exception) -> str:
        """Our own trouble is temporary."""
        return f"451 4.3.0 {type(error).__name__}"
