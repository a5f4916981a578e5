"""The frame of a Buyer-Seller e-mail. Pure: a letter and two addresses go in, the bytes for the wire come out.

Two parts, no List-Unsubscribe and no tracking (Amazon forbids both), a Message-ID that leads back to the row. The frame
is our own, because the `email` package takes ten times as long; tests hold that it reads back what was put in.
"""

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from typing import Final

from messaging.letters import Letter

_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# The boundary cannot stand in a part: quoted-printable writes every "=" of the text as "=3D", so never "=_".
_FRAME: Final = b"""\
From: %(sender)s\r
To: %(recipient)s\r
Subject: %(subject)s\r
Date: %(date)s\r
Message-ID: <%(message_id)s>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative;\r
 boundary="=_%(boundary)s"\r
\r
--=_%(boundary)s\r
Content-Type: text/plain; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
%(text)s\r
--=_%(boundary)s\r
Content-Type: text/html; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
%(html)s\r
--=_%(boundary)s--\r
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a letter. `message_id` is without its angle brackets."""

    sender: str
    recipient: str
    message_id: str
    at: datetime


def compose(letter: Letter, frame: Frame) -> bytes:
    """The mail as it goes over the wire, with CRLF line ends, in ASCII, no line over 78 bytes in what is the seller's.

    Raises ValueError for what cannot stand in a header: a control character in the subject, an address that is none.
    """
    if not is_address(frame.sender) or not is_address(frame.recipient) or not is_address(frame.message_id):
        raise ValueError("not a bare address")
    if _UNPRINTABLE.search(letter.subject):
        raise ValueError("the subject holds a control character")
    return _FRAME % {
        b"sender": frame.sender.encode(),
        b"recipient": frame.recipient.encode(),
        b"subject": _encoded(letter.subject).encode("ascii"),
        b"date": _date(frame.at),
        b"message_id": frame.message_id.encode(),
        b"boundary": frame.message_id.partition("@")[0].encode()[:64],
        b"text": _quoted(letter.text),
        b"html": _quoted(letter.html),
    }


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


@lru_cache(maxsize=16)
def _date(at: datetime) -> bytes:
    """Letters that are cleared together are of one instant."""
    return format_datetime(at.astimezone(UTC)).encode()


def _quoted(content: str) -> bytes:
    """Quoted-printable in lines of at most 76 bytes. Raises ValueError for half a character (a lone surrogate)."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n").encode()
    return binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
