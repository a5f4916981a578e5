"""The first look at a stranger's mail, on bytes, before anything parses it: a rule.

Flow: raw mail -> [raw gate] -> authenticity -> MIME walk -> reading -> grade. Out comes a `RawMessage` whose header
section can be read in one way only, or the name of what is wrong with it.

Why it is strict: DKIM signs the *last* field of a name and mail parsers show the *first*. A second Subject, a bare
CR inside an unsigned field, or an added Content-Transfer-Encoding leave Amazon's signature valid while the text that
is read is the attacker's. Amazon never sends any of these, so whatever is ambiguous is refused and kept for a person.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

MAX_MESSAGE = 5 * 1024 * 1024
MAX_HEADER_SECTION = 256 * 1024
MAX_FIELD = 32 * 1024
MAX_FIELDS = 500
_MAX_FROM = 2048

_ONCE = frozenset(
    {"from", "sender", "to", "subject", "date", "message-id"}
    | {"mime-version", "content-type", "content-transfer-encoding", "reply-to"}
)
_FIELD = re.compile(rb"([!-9;-~]+):")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_LINE_END = re.compile(rb"\r?\n")
_MAILBOX = re.compile(
    rb'(?:(?:"(?:[^"\\]|\\.)*"|[^<>",;:@\\])*<[ \t]*([^<>\s]+)[ \t]*>|([^<>\s",;:()]+))',
)
_ADDRESS = re.compile(r"[a-z0-9._+='-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class GateRefusal(StrEnum):
    """Why the raw gate turned a mail away. The values are sentences for people."""

    TOO_BIG = "The mail is larger than 5 MB."
    NO_BODY = "The header section has no end."
    MBOX_LINE = "The mail begins with a line of a mailbox file."
    BARE_NEWLINE = "The header section has a bare CR, a bare LF or a NUL in it."
    BAD_FIELD = "A header line is not a header field."
    HEADERS_TOO_BIG = "The header section is too big, or has too many fields."
    REPEATED_FIELD = "A header field that may occur once occurs twice."
    NO_SENDER = "The mail has no sender."
    BAD_SENDER = "The sender is not exactly one plain address."
    ENCODED_MULTIPART = "A mail in several parts claims to be encoded as a whole."


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A mail that passed the gate. `headers` are (lower-case name, unfolded value) from top to bottom."""

    raw: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes
    sender: str

    def all(self, name: str) -> tuple[bytes, ...]:
        """Return the unfolded values of every field called `name` (lower case), top first."""
        return tuple(value for field, value in self.headers if field == name)

    def get(self, name: str) -> bytes | None:
        """Return the first value of `name`, or None. The fields that matter occur once: the gate saw to it."""
        return next((value for field, value in self.headers if field == name), None)

    @property
    def sender_domain(self) -> str:
        """The domain of the one address in From, lower case."""
        return self.sender.rpartition("@")[2]


def inspect(raw: bytes) -> RawMessage | GateRefusal:
    """Return the mail as one unambiguous message, or what is wrong with it. Linear in the size of `raw`.

    A file with LF line ends throughout (an upload) is read as if it had CRLF; a mixture in the headers is refused.
    """
    if len(raw) > MAX_MESSAGE:
        return GateRefusal.TOO_BIG
    if b"\r" not in raw:
        raw = raw.replace(b"\n", b"\r\n")
    if raw.startswith(b"From "):
        return GateRefusal.MBOX_LINE
    head, separator, body = raw.partition(b"\r\n\r\n")
    if len(head) > MAX_HEADER_SECTION:
        return GateRefusal.HEADERS_TOO_BIG
    if _BARE.search(head):
        return GateRefusal.BARE_NEWLINE
    if not separator:
        return GateRefusal.NO_BODY
    headers = _fields(head)
    if isinstance(headers, GateRefusal):
        return headers
    sender = _sender(headers)
    if isinstance(sender, GateRefusal):
        return sender
    # dkimpy hashes a body with bare LF as if it were CRLF. We must read the very bytes that were proved.
    if body.count(b"\n") != body.count(b"\r\n"):
        body = _LINE_END.sub(b"\r\n", body)
    return RawMessage(raw=raw, headers=headers, body=body, sender=sender)


def parse_mailbox(value: bytes) -> str | None:
    """Return the one plain address in a From or To value, lower case; None for anything else.

    Refuses lists, groups, routes, quoted local parts, encoded words in the address, and unquoted display names that
    hold an `@`.
    """
    if len(value) > _MAX_FROM:
        return None
    match = _MAILBOX.fullmatch(value.strip())
    if match is None:
        return None
    try:
        address = (match[1] or match[2]).decode("ascii").lower()
    except UnicodeDecodeError:
        return None
    return address if _ADDRESS.fullmatch(address) else None


def _fields(head: bytes) -> tuple[tuple[str, bytes], ...] | GateRefusal:
    fields: list[tuple[str, bytes]] = []
    for line in _FOLD.sub(b"\0", head).split(b"\r\n"):  # NUL marks a fold: the gate let no other NUL in
        match = _FIELD.match(line)
        if match is None:
            return GateRefusal.BAD_FIELD
        if len(line) > MAX_FIELD or len(fields) == MAX_FIELDS:
            return GateRefusal.HEADERS_TOO_BIG
        value = line[match.end() :].replace(b"\0", b"").strip(b" \t")
        fields.append((match[1].decode("ascii").lower(), value))
    counts = Counter(name for name, _ in fields)
    if any(counts[name] > 1 for name in _ONCE):
        return GateRefusal.REPEATED_FIELD
    return tuple(fields)


def _sender(headers: tuple[tuple[str, bytes], ...]) -> str | GateRefusal:
    found = dict(headers)
    if "from" not in found:
        return GateRefusal.NO_SENDER
    sender = parse_mailbox(found["from"])
    if sender is None:
        return GateRefusal.BAD_SENDER
    encoding = found.get("content-transfer-encoding", b"7bit").lower()
    if found.get("content-type", b"").lower().startswith(b"multipart/") and encoding not in (b"7bit", b"8bit", b""):
        return GateRefusal.ENCODED_MULTIPART
    return sender
