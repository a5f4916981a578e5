"""Buyer-Seller e-mail: SMTP to the buyer's alias at Amazon's relay, from the seller's approved address.

The frame of the mail is fixed: two parts, no List-Unsubscribe and no tracking (Amazon forbids both), a Message-ID
that leads back to the row.
"""

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import SplitResult, unquote

from amazon.marketplaces import ALIAS_DOMAINS
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from optouts.gate import Clearance

TIMEOUT_SECONDS: Final = 15  # far below the lease after which a hand-over counts as unknown
RETRY_AFTER: Final = timedelta(minutes=5)
PER_CONNECTION: Final = 100


class BuyerEmailGateway:
    """One kept connection, opened with the first letter and renewed after a hundred."""

    def __init__(self, relay: SplitResult, *, hostname: str) -> None:
        self._relay, self._hostname = relay, hostname
        self._smtp: smtplib.SMTP | None = None
        self._sent = 0

    def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        if not envelope.sender:
            return AccountTrouble("no approved sender address is entered for this marketplace")
        if envelope.letter is None or envelope.alias is None:
            return Refused("the buyer's address at Amazon is not known any more")
        if envelope.alias.rpartition("@")[2] not in ALIAS_DOMAINS:  # exact: a suffix would let strangers in
            return Refused("the buyer's address is not one of Amazon's")
        try:
            mail = compose(envelope, hostname=self._hostname, at=clearance.at)
        except ValueError:  # a line break in a header, an address that is none
            return Refused("the letter cannot be written as a mail")
        try:
            smtp = self._connection()
        except (OSError, smtplib.SMTPException) as trouble:
            return Deferred(f"the mail relay cannot be reached ({type(trouble).__name__})", RETRY_AFTER)
        return self._converse(smtp, envelope, mail)

    def close(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
        self._smtp = None

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is not None and self._sent < PER_CONNECTION:
            try:
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            except (OSError, smtplib.SMTPException):
                self._smtp.close()  # the relay hung up meanwhile: open another
                self._smtp = None
        self.close()
        host, port = self._relay.hostname or "", self._relay.port or 25
        encrypted = ssl.create_default_context()
        if self._relay.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, self._hostname, timeout=TIMEOUT_SECONDS, context=encrypted
            )
        else:
            smtp = smtplib.SMTP(host, port, self._hostname, timeout=TIMEOUT_SECONDS)
        if self._relay.scheme == "smtp+starttls":
            smtp.starttls(context=encrypted)
        if self._relay.username:
            smtp.login(unquote(self._relay.username), unquote(self._relay.password or ""))
        self._smtp, self._sent = smtp, 0
        return smtp

    def _converse(self, smtp: smtplib.SMTP, envelope: Envelope, mail: bytes) -> Answer:
        """MAIL, RCPT, DATA. Before the letter is shown a failure proves that nothing was sent; after it only an answer does."""
        assert envelope.alias is not None
        try:
            smtp.ehlo_or_helo_if_needed()
            for ask, address in ((smtp.mail, envelope.sender), (smtp.rcpt, envelope.alias)):
                code, answer = ask(address)
                if code not in (250, 251):
                    self._reset()
                    return _no(code, answer)
        except (OSError, smtplib.SMTPException) as trouble:
            self._drop()
            return Deferred(f"the mail relay hung up before the letter ({type(trouble).__name__})", RETRY_AFTER)
        self._sent += 1
        try:
            code, answer = smtp.data(mail)
        except smtplib.SMTPDataError as no:  # DATA itself was refused: the letter was never shown
            self._reset()
            return _no(no.smtp_code, no.smtp_error)
        except (OSError, smtplib.SMTPException) as trouble:
            self._drop()
            raise OutcomeUnknown(
                f"the connection broke after the letter was shown ({type(trouble).__name__})"
            ) from trouble
        if code == 250:
            return Receipt(_text(answer)[:200])
        self._reset()
        return _no(code, answer)

    def _reset(self) -> None:
        assert self._smtp is not None
        try:
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def compose(envelope: Envelope, *, hostname: str, at: datetime) -> bytes:
    """The mail as it goes over the wire, CRLF line ends. Header injection is impossible: the policy refuses CR and LF."""
    assert envelope.letter is not None and envelope.alias is not None
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(addr_spec=envelope.sender)
    mail["To"] = Address(addr_spec=envelope.alias)
    mail["Subject"] = envelope.letter.subject
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["Message-ID"] = f"<{envelope.message_id.hex}@{hostname}>"
    mail.set_content(envelope.letter.text)
    mail.add_alternative(envelope.letter.html, subtype="html")
    return mail.as_bytes()


def _no(code: int, answer: bytes | str) -> Answer:
    """Any answer but "yes", given while nothing has been taken."""
    if code < 500:
        return Deferred(f"the mail relay asks to wait ({code})", RETRY_AFTER)
    if "5.7.1" in _text(answer):  # the sender is not approved at Amazon: it would be refused for every buyer
        return AccountTrouble("Amazon does not accept the sender address: approve it in Seller Central")
    return Refused(f"the mail relay refused it ({code})")


def _text(answer: bytes | str) -> str:
    return answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
