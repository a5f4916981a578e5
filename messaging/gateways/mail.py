"""The frame of a Buyer-Seller e-mail. Pure: a letter and two addresses go in, the bytes for the wire come out.

Two parts, no List-Unsubscribe and no tracking (Amazon forbids both), a Message-ID that leads back to the row.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from typing import Final

from messaging.letters import Letter

_AS_SENT: Final = compat32.clone(linesep="\r\n", max_line_length=78)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a letter. `message_id` is without its angle brackets."""

    sender: str
    recipient: str
    message_id: str
    at: datetime


def compose(letter: Letter, frame: Frame) -> bytes:
    """The mail as it goes over the wire, with CRLF line ends and no line over 998 bytes.

    Raises ValueError for what cannot stand in a header: a control character in the subject, an address that is none.
    """
    if not is_address(frame.sender) or not is_address(frame.recipient):
        raise ValueError("not a bare address")
    if _UNPRINTABLE.search(letter.subject):
        raise ValueError("the subject holds a control character")
    mail = MIMEMultipart("alternative", policy=_AS_SENT)
    mail["From"], mail["To"] = frame.sender, frame.recipient
    mail["Subject"] = _encoded(letter.subject)
    mail["Date"] = format_datetime(frame.at.astimezone(UTC))
    mail["Message-ID"] = f"<{frame.message_id}>"
    mail.attach(_part(letter.text, "plain"))
    mail.attach(_part(letter.html, "html"))
    return mail.as_bytes()


def is_address(text: str) -> bool:
    """Whether `text` is one bare address in ASCII: no name, no brackets, nothing that could begin another header."""
    return _ADDRESS.fullmatch(text) is not None


def _encoded(subject: str) -> str:
    """The subject as ASCII, folded.

    Not by `EmailMessage`: it decodes encoded words that it finds in the text, and writes a line break that was hidden
    in one straight into the headers (CVE-2024-6923). A product's title may hold anything.
    """
    is_plain = subject.isascii() and "=?" not in subject and len(subject) <= 60
    return subject if is_plain else Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _part(content: str, subtype: str) -> MIMENonMultipart:
    utf8 = Charset("utf-8")
    utf8.body_encoding = QP
    part = MIMENonMultipart("text", subtype, charset="utf-8", policy=_AS_SENT)
    part.set_payload(content.replace("\r\n", "\n").replace("\r", "\n"), utf8)
    return part
