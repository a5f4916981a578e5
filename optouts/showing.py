"""A stored mail as plain text, for a person of the seller whose mail it is. A read.

What comes out is text and nothing else: a page shows it escaped, without links, so that a hostile mail can be looked
at. The mail is read within the same bounds as when it was examined.
"""

import zlib
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from accounts import secrets
from optouts.mime import Parts, TextPart, walk
from optouts.models import Notice
from optouts.rawgate import RawMessage, inspect
from optouts.wording import MAX_TAGS, decode_header

SHOWN_HEADERS: Final = ("from", "to", "subject", "date", "reply-to", "message-id")
MOST_SHOWN: Final = 20_000  # characters; a genuine notice has about 2,000


@dataclass(frozen=True, slots=True)
class ShownMail:
    """`headers` are (name, value); `note` says why the text is not a plain reading of the mail, if it is not."""

    headers: tuple[tuple[str, str], ...]
    text: str
    note: str = ""


def mail_of(notice: Notice) -> ShownMail | None:
    """The mail behind this notice. None: it has been purged. Never raises on what a mail can hold."""
    if notice.raw_sealed is None:
        return None
    raw = zlib.decompress(secrets.unseal("raw mail", notice.seller_id, notice.raw_sealed))
    message = inspect(raw)
    if not isinstance(message, RawMessage):
        return ShownMail((), raw[:MOST_SHOWN].decode("latin-1"), f"Shown byte by byte: {message.value}")
    headers = tuple(
        (name.title(), decode_header(value)[:500]) for name in SHOWN_HEADERS for value in message.all(name)[:1]
    )
    parts = walk(message)
    if parts.refusal is not None:
        undecoded = message.body[:MOST_SHOWN].decode("latin-1")
        return ShownMail(headers, undecoded, f"Shown undecoded: {parts.refusal.value}")
    return ShownMail(headers, _text(parts), _note(parts))


def _text(parts: Parts) -> str:
    """The plain text if there is one, else what the HTML says."""
    plain = [part for part in parts.texts if not part.is_html]
    return "\n\n".join(_words(part) for part in plain or parts.texts).strip()[:MOST_SHOWN]


def _words(part: TextPart) -> str:
    if not part.is_html or part.text.count("<") > MAX_TAGS:
        return part.text  # too many tags to be taken apart: shown as they stand
    tree = LexborHTMLParser(part.text)
    tree.strip_tags(["head", "style", "script"])
    return tree.root.text(separator="\n", strip=True) if tree.root else ""


def _note(parts: Parts) -> str:
    return "Attached mails are not shown here." if parts.attached else ""
