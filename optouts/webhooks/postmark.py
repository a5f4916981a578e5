"""Postmark's inbound webhook: JSON behind basic authentication, with the original in `RawEmail` if that is switched on.

Without it the mail is rebuilt from the parts: readable for a person, and without a signature that could prove anything.
"""

import base64
import binascii
import hmac
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

from optouts.models import Notice
from optouts.receiving import with_proper_lines
from optouts.webhooks import Handed, Unusable

MOST_SUBJECT: Final = 500


def is_genuine(authorization: str, *, login: str) -> bool:
    """Whether the Authorization header holds `login`, "user:password"."""
    kind, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, login.encode())


def mail_of(said: Any) -> Handed:
    """The mail. Raises Unusable for what is no mail of Postmark's."""
    if not isinstance(said, dict):
        raise Unusable("no JSON object")
    recipients = _recipients(said)
    original = said.get("RawEmail")
    if isinstance(original, str) and original:
        raw = with_proper_lines(original.encode("utf-8", "replace"))
        return Handed(raw, recipients, Notice.Source.POSTMARK)
    return Handed(_rebuilt(said), recipients, Notice.Source.REBUILT)


def _recipients(said: dict[str, Any]) -> tuple[str, ...]:
    original = said.get("OriginalRecipient")
    if isinstance(original, str) and original:
        return (original,)
    listed = [entry.get("Email") for name in ("ToFull", "CcFull", "BccFull") for entry in _objects(said.get(name))]
    return tuple(address for address in listed if isinstance(address, str))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _rebuilt(said: dict[str, Any]) -> bytes:
    """One readable part under the headers that name the mail. Nothing of a signature is carried over."""
    mail = EmailMessage(policy=SMTP)
    html, text = said.get("HtmlBody"), said.get("TextBody")
    body, kind = (html, "html") if isinstance(html, str) and html else (text, "plain")
    readable = body.encode("utf-8", "replace").decode() if isinstance(body, str) else ""  # half characters, too
    mail.set_content(readable, subtype=kind, cte="base64", charset="utf-8")
    head = [
        f"{name}: {line}".encode() for name in ("From", "To", "Date", "Subject") if (line := _one_line(said.get(name)))
    ]
    return b"\r\n".join([*head, bytes(mail)])


def _one_line(value: Any) -> str:
    """A header's value: ASCII, without a line end that would make two headers of one."""
    text = value if isinstance(value, str) else ""
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:MOST_SUBJECT].strip()
