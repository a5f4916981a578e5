"""A post office for everything that the site writes to people: verification, reminders, reports. Nothing leaves it."""

from aiosmtpd.smtp import SMTP, Envelope, Session

from amazon.simulator import clock
from amazon.simulator.mail_reading import read_mail
from amazon.simulator.simulation import Simulation


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
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        """Our own trouble is temporary."""
        return f"451 4.3.0 {type(error).__name__}"
