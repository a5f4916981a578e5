"""Buyer-Seller e-mail: SMTP to the buyer's alias at Amazon's relay, from the seller's approved address."""

import re
import smtplib
import ssl
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, unquote

from amazon.marketplaces import ALIAS_DOMAINS
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from messaging.gateways.mail import Frame, compose, is_address
from optouts.gate import Clearance

# Both far below the lease after which a hand-over counts as unknown. The relay may read a letter before it answers.
TIMEOUT_SECONDS: Final = 15.0
VERDICT_SECONDS: Final = 45.0
RETRY_AFTER: Final = timedelta(minutes=5)
PER_CONNECTION: Final = 100
OURS: Final = frozenset({530, 534, 535, 538})  # the relay wants a login or encryption: an operator's matter
TOO_LARGE: Final = 552
NOT_APPROVED: Final = AccountTrouble("Amazon does not accept the sender address: approve it in Seller Central")
TROUBLE: Final = (OSError, smtplib.SMTPException)


class BuyerEmailGateway:
    """One kept connection, opened with the first letter, renewed after a hundred and when the relay hung up."""

    def __init__(
        self,
        relay: SplitResult,
        *,
        hostname: str,
        timeout: float = TIMEOUT_SECONDS,
        verdict_timeout: float = VERDICT_SECONDS,
    ) -> None:
        self._relay, self._hostname = relay, hostname
        self._timeout, self._verdict_timeout = timeout, verdict_timeout
        self._smtp: smtplib.SMTP | None = None
        self._begun = 0  # letters on this connection

    def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        if not envelope.sender:
            return AccountTrouble("no approved sender address is entered for this marketplace")
        if not is_address(envelope.sender):
            return AccountTrouble("the approved sender address of this marketplace is not a mail address")
        if envelope.letter is None or envelope.alias is None:
            return Refused("the buyer's address at Amazon is not known any more")
        if envelope.alias.rpartition("@")[2] not in ALIAS_DOMAINS:  # exact: a suffix would let strangers in
            return Refused("the buyer's address is not one of Amazon's")
        frame = Frame(envelope.sender, envelope.alias, f"{envelope.message_id.hex}@{self._hostname}", at=clearance.at)
        try:
            mail = compose(envelope.letter, frame)
        except ValueError:  # a line break in a header, an address that is none
            return Refused("the letter cannot be written as a mail")
        return self._introduce(frame) or self._hand_over(mail)

    def close(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except TROUBLE:
                self._smtp.close()
        self._smtp = None

    def _introduce(self, frame: Frame) -> Answer | None:
        """Everything before the letter is shown, so that a failure proves that nothing was sent. None: go on.

        A kept connection may have been closed by the relay since: then all is said once more on a new one.
        """
        if self._smtp is not None and self._begun >= PER_CONNECTION:
            self.close()
        if self._smtp is not None:
            try:
                return self._converse(self._smtp, frame)
            except TROUBLE:
                self._drop()
        try:
            return self._converse(self._open(), frame)
        except TROUBLE as trouble:
            self._drop()
            return Deferred(f"the mail relay cannot be reached ({type(trouble).__name__})", is_general=True)

    def _open(self) -> smtplib.SMTP:
        host, port = self._relay.hostname or "", self._relay.port or 25
        encrypted = ssl.create_default_context()
        if self._relay.scheme == "smtps":
            self._smtp = smtplib.SMTP_SSL(host, port, self._hostname, timeout=self._timeout, context=encrypted)
        else:
            self._smtp = smtplib.SMTP(host, port, self._hostname, timeout=self._timeout)
        self._begun = 0
        if self._relay.scheme == "smtp+starttls":
            self._smtp.starttls(context=encrypted)
        if self._relay.username:
            self._smtp.login(unquote(self._relay.username), unquote(self._relay.password or ""))
        return self._smtp

    def _converse(self, smtp: smtplib.SMTP, frame: Frame) -> Answer | None:
        """MAIL, RCPT, DATA up to the go-ahead. None: the relay wants to see the letter."""
        smtp.ehlo_or_helo_if_needed()
        self._begun += 1
        code, _ = smtp.mail(frame.sender)
        if not _is_yes(code):
            return self._stop(smtp, _no_to_the_sender(code))
        code, answer = smtp.rcpt(frame.recipient)
        if not _is_yes(code):
            return self._stop(smtp, NOT_APPROVED if code >= 500 and "5.7.1" in _text(answer) else _no(code))
        code, _ = smtp.docmd("DATA")
        return None if code == 354 else self._stop(smtp, _no(code))

    def _hand_over(self, mail: bytes) -> Answer:
        """Show the letter. From here on only an answer in so many words proves that it was not taken."""
        assert self._smtp is not None and self._smtp.sock is not None
        self._smtp.sock.settimeout(self._verdict_timeout)
        try:
            self._smtp.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
            code, answer = self._smtp.getreply()
        except TROUBLE as trouble:
            self._drop()
            raise OutcomeUnknown(
                f"the connection broke after the letter was shown ({type(trouble).__name__})"
            ) from None
        self._smtp.sock.settimeout(self._timeout)
        if _is_yes(code):
            return Receipt(_text(answer)[:200])
        if not 400 <= code < 600:
            self._drop()
            raise OutcomeUnknown(f"the mail relay gave an answer that nobody understands ({code})")
        if code >= 500 and "5.7.1" in _text(answer) and "sender" in _text(answer):  # not only this letter's content
            return NOT_APPROVED
        return _no(code)

    def _stop(self, smtp: smtplib.SMTP, answer: Answer) -> Answer:
        """The relay goes no further with this letter; the next one starts afresh."""
        try:
            is_fresh = _is_yes(smtp.rset()[0])
        except TROUBLE:
            is_fresh = False
        if not is_fresh:
            self._drop()
        return answer

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _is_yes(code: int) -> bool:
    return 200 <= code < 300


def _no(code: int) -> Answer:
    """Any answer but "yes", given while nothing has been taken."""
    if code < 500 or code in OURS:
        return Deferred(f"the mail relay asks to wait ({code})")
    return Refused(f"the mail relay refused it ({code})")


def _no_to_the_sender(code: int) -> Answer:
    """The relay has heard of nothing but the sender: its "no" would meet every letter of his."""
    return NOT_APPROVED if code >= 500 and code not in OURS and code != TOO_LARGE else _no(code)


def _text(answer: bytes | str) -> str:
    """The relay's words, printable and without addresses: they are kept and shown."""
    words = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    return re.sub(r"\S+@\S+", "...", "".join(letter if letter.isprintable() else " " for letter in words))
