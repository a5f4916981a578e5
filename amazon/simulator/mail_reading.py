"""A mail as bytes -> the little that the simulator wants of it. Tolerant, and never with `email.policy.default`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html import unescape


@dataclass(frozen=True, slots=True)
class ReadMail:
    """Senders' addresses in lower case, Message-ID and subject as text, the body as text, and what is attached: names
    and sizes."""

    senders: tuple[str, ...]
    message_id: str
    subject: str
    body: str
    attached: tuple[tuple[str, int], ...] = ()


def read_mail(raw: bytes) -> ReadMail:
    """Read a mail; what cannot be read is empty."""
    message = message_from_bytes(raw)
    senders = getaddresses([str(value) for value in message.get_all("From", [])])
    return ReadMail(
        senders=tuple(address.lower() for _, address in senders),
        message_id=str(message.get("Message-ID", "")).strip(),
        subject=_decoded(str(message.get("Subject", ""))),
        body=_body(message),
        attached=tuple(_attached(message)),
    )


def _attached(message: Message) -> Iterator[tuple[str, int]]:
    for part in message.walk():
        if part.get_content_disposition() == "attachment":
            payload = part.get_payload(decode=True)
            yield part.get_filename() or "a file without a name", len(payload) if isinstance(payload, bytes) else 0


def _decoded(value: str) -> str:
    parts = []
    try:
        for part, charset in decode_header(value):
            parts.append(part.decode(charset or "ascii", "replace") if isinstance(part, bytes) else part)
    except (LookupError, ValueError):
        return value
    return " ".join("".join(parts).split())


def _body(message: Message) -> str:
    """The first plain text part, else the first HTML part without its tags."""
    texts = {"text/plain": "", "text/html": ""}
    for part in message.walk():
        kind = part.get_content_type()
        if kind in texts and not texts[kind]:
            texts[kind] = _text(part)
    return texts["text/plain"] or _without_tags(texts["text/html"])


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _without_tags(html: str) -> str:
    broken = re.sub(r"<(?:br|/p|/div|/tr|/h[1-6])\b[^<>]*>", "\n", html, flags=re.IGNORECASE)
    lines = unescape(re.sub(r"<[^<>]*>", "", broken)).split("\n")
    return "\n".join(line.strip() for line in lines).strip()
