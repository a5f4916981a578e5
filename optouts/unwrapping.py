"""How did this mail come here, and where does Amazon's text begin? A rule.

Flow: MIME walk -> [unwrapping] -> parsing. An automatic forward leaves the mail as it was and adds trace fields; a
forward by hand is a new mail of a person that quotes the old one. Traces are text that anybody can write: they explain
a broken signature and name the mailbox to show, and prove nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from optouts.mime import Parts
from optouts.rawgate import RawMessage, parse_mailbox
from optouts.wording import Text, decode_header, normalise, read

_FORWARD_FIELDS = frozenset(
    {"x-forwarded-to", "x-forwarded-for", "x-gm-original-to", "resent-from", "resent-to", "envelope-to"}
    | {"x-ms-exchange-inbox-rules-loop", "x-ms-exchange-forwardingloop", "x-zohomail-forwarded"}
)
_REWRITTEN = re.compile(r"<?([a-z0-9._'-]{1,64})\+(?:caf_|srs)=[^@\s]{1,300}@([a-z0-9.-]{1,100})>?", re.IGNORECASE)
_SRS_ZERO = re.compile(r"<?srs[01][=+-][^@\s]{1,300}@[a-z0-9.-]{1,100}>?", re.IGNORECASE)
_REPLY = re.compile(r"(?:re|aw|r|sv|antw|odp|ynt|rv ?: ?re|回复|答复|返信) ?:")
_FORWARD = re.compile(
    r"(?:fwd?|wg|tr|rv|i|vs|vb|enc|pd|i̇lt|ilt|vl|doorst|videresend|转发|轉寄|転送) ?: ?|\[fwd ?: ?", re.IGNORECASE
)
_DELIMITER = re.compile(r"(?<!-)-{5,}+\s*+[^-\s].{0,40}?-{5,}")
_DELIMITER_LINE = 300
_QUOTED_SENDER = re.compile(r"(?<![a-z0-9._+-])(auto-communication@amazon\.[a-z.]{2,6})(?![a-z0-9-])")


class Route(StrEnum):
    """How a mail reached us."""

    DIRECT = "direct"
    FORWARDED = "forwarded automatically"
    BY_HAND = "forwarded by hand"
    ATTACHED = "an attached original"
    REPLY = "a reply"


@dataclass(frozen=True, slots=True)
class Letter:
    """What there is to read: the mail itself, or the one that a person quotes in it.

    `sender` is the address in From, or for a forward by hand the address that the quoted text claims. `texts` are cut
    before the first message delimiter and hold no quoted lines. `forwarded_by` is for show only.
    """

    route: Route
    sender: str
    subject: str
    texts: tuple[Text, ...]
    forwarded_by: str | None = None
    has_arc: bool = False

    @property
    def flat_texts(self) -> tuple[str, ...]:
        """Each part's text as one line."""
        return tuple(text.flat() for text in self.texts)

    @property
    def links(self) -> tuple[str, ...]:
        """Every link of every part, as written."""
        return tuple(link for text in self.texts for link in text.links)


def unwrap(message: RawMessage, parts: Parts) -> Letter:
    """Return the letter inside `message`. Never raises."""
    texts = tuple(read(part) for part in parts.texts)
    subject = decode_header(message.get("subject"))
    plain = normalise(subject)
    if _REPLY.match(plain):
        return Letter(Route.REPLY, message.sender, subject, texts)
    quoted = None if is_amazon_like(message.sender) else _quoted(texts)
    if quoted is None and _FORWARD.match(plain) and not is_amazon_like(message.sender):
        quoted = tuple(_own_words(_unquoted(text, 0)) for text in texts), message.sender
    if quoted is not None:
        inner_texts, sender = quoted
        return Letter(Route.BY_HAND, sender, _FORWARD.sub("", plain, count=3).rstrip("]"), inner_texts, message.sender)
    forwarded_by = _forwarder(message)
    has_arc = message.get("arc-seal") is not None
    route = Route.FORWARDED if has_arc or _is_forwarded(message) else Route.DIRECT
    return Letter(route, message.sender, subject, tuple(_own_words(text) for text in texts), forwarded_by, has_arc)


def is_amazon_like(address: str) -> bool:
    """Whether the address is on a domain of Amazon's shape; says nothing about who wrote."""
    return re.fullmatch(r"(?:marketplace\.)?amazon\.[a-z]{2,3}(?:\.[a-z]{2})?", address.rpartition("@")[2]) is not None


def _own_words(text: Text) -> Text:
    """Cut a letter before the first message delimiter, and leave out quoted lines.

    What follows a delimiter are a buyer's or the seller's own words, and they may hold any sentence and any order id.
    """
    lines: list[str] = []
    for line in text.lines:
        if _DELIMITER.search(line[:_DELIMITER_LINE]):
            break
        if not line.startswith(">"):
            lines.append(line)
    return Text(tuple(lines), text.links)


def _quoted(texts: tuple[Text, ...]) -> tuple[tuple[Text, ...], str] | None:
    """Return the texts after the quoted From line of a notice, and the address that it claims."""
    inner: list[Text] = []
    sender: str | None = None
    for text in texts:
        for number, line in enumerate(text.lines):
            match = _QUOTED_SENDER.search(line[:_DELIMITER_LINE])
            if match is not None:
                sender = sender or match[1]
                inner.append(_own_words(_unquoted(text, number + 1)))
                break
    return (tuple(inner), sender) if sender is not None else None


def _unquoted(text: Text, start: int) -> Text:
    """Return the lines from `start` on, without the marks of quoting."""
    return Text(tuple(line.lstrip("> ") for line in text.lines[start:]), text.links)


def _is_forwarded(message: RawMessage) -> bool:
    if any(name in _FORWARD_FIELDS for name, _ in message.headers):
        return True
    path = decode_header(message.get("return-path"))[:500]
    return bool(_REWRITTEN.search(path) or _SRS_ZERO.search(path)) or len(set(message.all("delivered-to"))) > 1


def _forwarder(message: RawMessage) -> str | None:
    """Return the mailbox that seems to have forwarded, for show. Anybody can write these fields."""
    for name in ("x-ms-exchange-inbox-rules-loop", "resent-from", "x-forwarded-for"):
        words = (message.get(name) or b"").split()
        address = parse_mailbox(words[0]) if words else None
        if address is not None:
            return address
    match = _REWRITTEN.search(decode_header(message.get("return-path"))[:500])
    return f"{match[1]}@{match[2]}".lower() if match else None
