"""A mail of our own, and what a mailbox made of it: a rule. Bytes in, bytes and a result out.

Flow: `setup.send_test` -> [build] -> the seller's mailbox -> his forwarding -> the listener -> intake ->
`setup.recognise_test` -> [look]. The mail is built like Amazon's notices (one HTML part, quoted-printable, inside
multipart/alternative), for it has to meet the same fate. Compared is what Amazon's signature covers: the body under
"simple" canonicalisation, and the signed fields under "relaxed" (RFC 6376 3.4; INBOUND.md 1.3).
"""

import hashlib
import quopri
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from optouts.mime import walk
from optouts.rawgate import RawMessage, inspect
from optouts.wording import decode_header, normalise, read

CODE_LENGTH: Final = 20
COMPARED: Final = ("from", "to", "subject", "mime-version", "content-type")  # a relay may set date and id anew
MAX_ATTACHED: Final = 5

_CODE = re.compile(r"f5t-[a-z2-7]{20}")
_BLANKS = re.compile(rb"[ \t]+")
_LAST_LINES = re.compile(rb"(?:\r\n)+\Z")


class Way(StrEnum):
    """How a test came back."""

    INTACT = "intact"
    ATTACHED = "attached"
    CHANGED = "changed"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Prints:
    """Fingerprints of what a signature would cover: SHA-256, hexadecimal."""

    body: str
    header: str


def build(code: str, *, sender: str, to: str, site: str, now: datetime) -> bytes:
    """Return the test mail, CRLF, ASCII only. `sender` and `to` are bare ASCII addresses."""
    boundary = f"----=_Part_{code[4:]}"
    domain = sender.rpartition("@")[2]
    fields = [
        ("Date", format_datetime(now)),
        ("From", f"FeedbackFive <{sender}>"),
        ("To", to),
        ("Message-ID", f"<{code}@{domain}>"),
        ("Subject", f"FeedbackFive test notice {code}"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n\tboundary="{boundary}"'),
        ("Auto-Submitted", "auto-generated"),
    ]
    part = quopri.encodestring(_WORDS.format(code=code, site=site).encode()).replace(b"\n", b"\r\n")
    mark = boundary.encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
    kind = b"Content-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head + b"\r\n--" + mark + b"\r\n" + kind + part + b"\r\n--" + mark + b"--\r\n"


def prints(raw: bytes) -> Prints | None:
    """Return the fingerprints of a mail, or None when it does not pass the raw gate."""
    message = inspect(raw)
    return _prints(message) if isinstance(message, RawMessage) else None


def find_code(raw: bytes) -> str | None:
    """Return the code of a test notice in this mail: in its subject, its texts, or a mail attached to it.

    Bounded as the examination is; never raises on what a mail can hold.
    """
    message = inspect(raw)
    if not isinstance(message, RawMessage):
        return None
    parts = walk(message)
    for text in (decode_header(message.get("subject")), *(read(part).flat() for part in parts.texts)):
        if match := _CODE.search(normalise(text)):
            return match[0]
    for attached in parts.attached[:MAX_ATTACHED]:
        inner = inspect(attached)
        if isinstance(inner, RawMessage) and (match := _CODE.search(normalise(decode_header(inner.get("subject"))))):
            return match[0]
    return None


def way_of(raw: bytes, sent: Prints, *, sender: str) -> Way:
    """Tell what happened to the test whose code this mail bears. An automatic forward leaves From alone."""
    message = inspect(raw)
    if not isinstance(message, RawMessage):
        return Way.CHANGED
    if _prints(message) == sent:
        return Way.INTACT
    if any(prints(attached) == sent for attached in walk(message).attached[:MAX_ATTACHED]):
        return Way.ATTACHED
    return Way.CHANGED if message.sender == sender.lower() else Way.BY_HAND


def _prints(message: RawMessage) -> Prints:
    body = _LAST_LINES.sub(b"", message.body) + b"\r\n"
    fields = [name.encode() + b":" + _BLANKS.sub(b" ", message.get(name) or b"").strip() for name in COMPARED]
    return Prints(hashlib.sha256(body).hexdigest(), hashlib.sha256(b"\r\n".join(fields)).hexdigest())


_WORDS: Final = """\
<html><head><title>Test notice</title></head><body>
<div style="display:none;mso-hide:all">This is a test by FeedbackFive, not a notice of Amazon’s.</div>
<h1><p>This is a test by FeedbackFive</p></h1>
<p>Somebody of your team asked FeedbackFive for it, to see whether Amazon’s opt-out notices will arrive there.
Let your mailbox forward this mail to your FeedbackFive address for notices, as it will forward Amazon’s.
If it does so by itself, you need not do anything; the page shows the result – at once.</p>
<p>Test code: {code}</p>
<p><a href="{site}">{site}</a>. You did not ask for this? Then delete it: nothing follows from it.</p>
</body></html>
"""
