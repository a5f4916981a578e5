"""How did this mail come here, and where does Amazon's text begin? A rule.

Flow: MIME walk -> [unwrapping] -> parsing. An automatic forward leaves the mail as it was and adds trace fields; a
forward by hand is a new mail of a person that quotes the old one. Traces are text that anybody can write: they explain
a broken signature and name the mailbox to show, and prove nothing.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from optouts.forward_marks import (
    FORWARD_PREFIX,
    REPLY_PREFIX,
    SUBJECT_TAG,
    Label,
    introduces_somebody,
    is_separator,
    label_of,
    subjects_in,
    without_prefixes,
)
from optouts.mime import Parts
from optouts.rawgate import RawMessage, parse_mailbox
from optouts.recipes import provider_of
from optouts.wording import Text, decode_header, normalise, one_line, read

_FORWARD_FIELDS = frozenset(
    {"x-forwarded-to", "x-forwarded-for", "x-gm-original-to", "resent-from", "resent-to", "envelope-to"}
    | {"x-ms-exchange-inbox-rules-loop", "x-ms-exchange-forwardingloop", "x-zohomail-forwarded"}
)
_REWRITTEN = re.compile(r"<?([a-z0-9._'-]{1,64})\+(?:caf_|srs)=[^@\s]{1,300}@([a-z0-9.-]{1,100})>?", re.IGNORECASE)
_SRS_ZERO = re.compile(r"<?srs[01][=+-][^@\s]{1,300}@[a-z0-9.-]{1,100}>?", re.IGNORECASE)
_DELIMITER = re.compile(r"(?<!-)-{5,}+\s*+[^-\s].{0,40}?-{5,}")
_LINE = 300
_MAX_BLOCK = 12
_NEAR = 3
_MANY_WORDS = 20  # characters that no note holds by accident
_BLANK = re.compile(r"\s+")
_MAX_BELOW = 20
_QUOTED_SENDER = re.compile(
    r"(?<![a-z0-9._+-])([a-z0-9._+-]{1,80}@(?:marketplace\.)?amazon\.[a-z]{2,3}(?:\.[a-z]{2})?)(?![a-z0-9-])"
    r"(?!\.[a-z0-9])"
)
_ANY_ADDRESS = re.compile(r"(?<![a-z0-9._+-])[a-z0-9._+-]{1,80}@[a-z0-9.-]{1,100}")
_IN_QUOTES = re.compile(r'"[^"]{0,200}"')
_COLON = re.compile(r"(?<!mailto)[:：]")
_ADDRESS_FIRST = re.compile(r"[<(\[]{0,2}(?:mailto:)?([a-z0-9._+-]{1,80}@[a-z0-9.-]{1,100})")
_AMAZON_BY_NAME = re.compile(r"\"?'?(amazon(?:\.[a-z]{2,3}){0,2}(?: [a-z ]{0,40})?)'?\"?")


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

    `sender` is the address in From, or for a forward by hand the address that the quoted text claims; it is empty when
    the text names Amazon and no address. `texts` are cut before the first message delimiter and hold no quoted lines;
    `said` is what stands between the delimiters: a person's own words. `subjects` are the lines that may be the
    subject of the letter, best first. `is_nested` says that somebody else's mail is quoted around the letter, so that
    it is his word and not only the forwarder's. `forwarded_by` is for show only. `below` are further letters of
    Amazon's that stand under this one in the same forward.
    """

    route: Route
    sender: str
    subject: str
    texts: tuple[Text, ...]
    forwarded_by: str | None = None
    has_arc: bool = False
    subjects: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    is_nested: bool = False
    below: tuple["Letter", ...] = ()

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
    plain = SUBJECT_TAG.sub("", normalise(subject), count=3)
    by_hand = None if is_amazon_like(message.sender) else _by_hand(message, texts, plain)
    if by_hand is not None:
        return by_hand
    if REPLY_PREFIX.match(plain):
        return Letter(Route.REPLY, message.sender, subject, texts, subjects=(subject,))
    has_arc = message.get("arc-seal") is not None
    route = Route.FORWARDED if has_arc or _is_forwarded(message) else Route.DIRECT
    own = tuple(_own_words(text) for text in texts)
    said = tuple(_said(text) for text in texts)
    return Letter(route, message.sender, subject, own, _forwarder(message), has_arc, (subject, plain), said)


def _by_hand(message: RawMessage, texts: tuple[Text, ...], subject: str) -> Letter | None:
    """Return the letter that a person forwards inside his own mail, or None when he forwards nothing."""
    if REPLY_PREFIX.match(subject):
        return None
    outer = FORWARD_PREFIX.sub("", subject, count=3).rstrip("]")
    outers = [outer, without_prefixes(outer)]
    around = _Around(message.sender, outers[1])
    found = [quoted for text in texts if (quoted := _find_quoted(text, around)) is not None]
    if found:
        return _quoted_letter(message, found, outers)
    if not FORWARD_PREFIX.match(subject) and not any(_is_marked(text) for text in texts):
        return None
    bare = tuple(_unquoted(text, 0) for text in texts)
    return Letter(
        Route.BY_HAND, message.sender, outer, tuple(_own_words(text) for text in bare), message.sender,
        subjects=tuple(outers), said=tuple(_said(text) for text in bare),
    )  # fmt: skip


def _quoted_letter(message: RawMessage, found: list["_Quoted"], outers: list[str]) -> Letter:
    """Return one letter of what each text of the mail quotes, with those that stand below it."""
    subjects = tuple(dict.fromkeys([line for quoted in found for line in quoted.subjects] + outers))
    sender = next((quoted.sender for quoted in found if quoted.sender), "")
    deeper = [quoted.below for quoted in found if quoted.below is not None]
    following = _quoted_letter(message, deeper, outers) if deeper else None
    return Letter(
        Route.BY_HAND, sender, subjects[0], tuple(quoted.text for quoted in found), message.sender,
        subjects=subjects, said=tuple(quoted.said for quoted in found),
        is_nested=any(quoted.is_nested for quoted in found),
        below=(replace(following, below=()), *following.below) if following else (),
    )  # fmt: skip


def is_amazon_like(address: str) -> bool:
    """Whether the address is on a domain of Amazon's shape; says nothing about who wrote."""
    return re.fullmatch(r"(?:marketplace\.)?amazon\.[a-z]{2,3}(?:\.[a-z]{2})?", address.rpartition("@")[2]) is not None


def _own_words(text: Text) -> Text:
    """Cut a letter before the first message delimiter, and leave out quoted lines.

    What follows a delimiter are a buyer's or the seller's own words, and they may hold any sentence and any order id.
    """
    lines: list[str] = []
    for line in text.lines:
        if _DELIMITER.search(line[:_LINE]):
            break
        if not line.startswith(">"):
            lines.append(line)
    return Text(tuple(lines), text.links)


def _said(text: Text) -> str:
    """Return what stands between the first message delimiter and the next, or everything when there is none."""
    lines: list[str] = []
    is_inside = False
    for line in text.lines:
        if _DELIMITER.search(line[:_LINE]):
            if is_inside and lines:
                break
            is_inside, lines = True, []
        else:
            lines.append(line)
    return one_line(lines)


@dataclass(frozen=True, slots=True)
class _Quoted:
    """One quoted letter of Amazon's or of a buyer's, and the next one of Amazon's below it."""

    sender: str
    subjects: tuple[str, ...]
    text: Text
    said: str
    is_nested: bool
    below: "_Quoted | None" = None


@dataclass(frozen=True, slots=True)
class _Around:
    """The mail that quotes a letter: who wrote it, and its subject without what marks it as a forward."""

    sender: str
    subject: str


def _find_quoted(text: Text, around: _Around, left: int = _MAX_BELOW) -> _Quoted | None:
    """Return the letter under the first quoted sender at Amazon, whatever stands above it.

    The first one counts: what a buyer wrote may hold a block of its own further down, and must not be believed.
    """
    bare = _unquoted(text, 0)
    is_nested = False
    for number, line in enumerate(bare.lines):
        sender = _quoted_sender(bare.lines, number, line)
        if sender is None:
            is_nested = is_nested or _names_somebody(bare.lines, number, line)
            continue
        start, subjects = _rest_of_block(bare.lines, number)
        above = _above_block(bare.lines, number)
        is_nested = is_nested or _repeats_subject(above, (around.subject, *subjects)) or _names_others(above, around)
        is_nested = is_nested or introduces_somebody(above) or _is_answered_elsewhere(bare.lines[number:start])
        while start < len(bare.lines) and is_separator(bare.lines[start]):
            start += 1  # some clients close the block with the mark that opened it
        end = _next_block(bare.lines, start) if left and _sends_notices(sender) else None
        if end is None:
            rest = Text(bare.lines[start:], bare.links)
            return _Quoted(sender, subjects, _own_words(rest), _said(rest), is_nested)
        rest = Text(bare.lines[start:end])  # which link belongs to which of the letters, nobody can say
        below = _find_quoted(Text(bare.lines[end:]), around, left - 1)
        return _Quoted(sender, subjects, _own_words(rest), _said(rest), is_nested, below)
    return None


def _sends_notices(sender: str) -> bool:
    return not sender or sender.startswith("auto-communication@")


def _next_block(lines: tuple[str, ...], start: int) -> int | None:
    """Return where the header block of another letter of the notice sender's begins, if one is quoted below `start`."""
    for number in range(start, len(lines)):
        label = label_of(lines[number])
        if label is None or label[0] is not Label.SENDER:
            continue
        sender = _quoted_sender(lines, number, lines[number])
        if sender and _sends_notices(sender) and _is_block(lines, number):
            return number
    return None


def _quoted_sender(lines: tuple[str, ...], number: int, line: str) -> str | None:
    """Return the address of Amazon's that the line quotes as a sender; "" for Amazon's name without an address."""
    label = label_of(line)
    address = _QUOTED_SENDER.search(line[:_LINE])
    if address is not None:
        if not _is_only_address(address[1], lines, number):
            return None
        is_sender = label is None or label[0] is Label.SENDER
        is_head = line[:_LINE].rstrip().endswith((":", "：")) or address[1].startswith("auto-communication@")
        above = label_of(lines[number - 1]) if number else None
        is_below = above is not None and above[0] is Label.SENDER
        return address[1] if is_sender and (label is not None or is_head or is_below) else None
    if label is None or label[0] is not Label.SENDER or _ANY_ADDRESS.search(line[:_LINE]):
        return None
    below = lines[number + 1][:_LINE] if number + 1 < len(lines) else ""
    if _ANY_ADDRESS.search(below) and label_of(below) is None:
        return None  # the address was wrapped: the next line has it
    name = label[1] or below  # a table has it in a cell of its own
    return "" if _is_block(lines, number) and _AMAZON_BY_NAME.fullmatch(name) else None


def _is_only_address(address: str, lines: tuple[str, ...], number: int) -> bool:
    """Whether a quoted sender has no other address: everybody may choose Amazon's for his name.

    `From: auto-communication@amazon.com <mallory@evil.example>` comes in one line or wrapped, and in `[mailto:...]`.
    """
    line = lines[number][:_LINE]
    if not _is_block(lines, number):  # some clients write the whole block in one line: as far as the next colon
        line = _IN_QUOTES.sub("", line)
        start, found, rest = line.partition(address)
        line = start + found + _COLON.split(rest, maxsplit=1)[0]
    below = _ADDRESS_FIRST.match(lines[number + 1][:_LINE]) if number + 1 < len(lines) else None
    label = label_of(lines[number - 1]) if number else None
    above = label[1] if label is not None and label[0] is Label.SENDER else ""
    around = [*_ANY_ADDRESS.findall(line), *_ANY_ADDRESS.findall(above), *([below[1]] if below else [])]
    return {found.rstrip(".-") for found in around} == {address}


def _is_block(lines: tuple[str, ...], number: int) -> bool:
    """Whether the line of a sender has other lines of a header block above or under it."""
    around = (*lines[max(0, number - _NEAR) : number], *lines[number + 1 : number + 1 + _NEAR])
    return any((near := label_of(item)) and near[0] is not Label.SENDER for item in around)


def _names_somebody(lines: tuple[str, ...], number: int, line: str) -> bool:
    """Whether the line begins the block of somebody else's quoted mail ("From: Bob", "On Monday, Bob <...> wrote:")."""
    label = label_of(line)
    if label is None:
        return line[:_LINE].rstrip().endswith(":") and _ANY_ADDRESS.search(line[:_LINE]) is not None
    if label[0] is not Label.SENDER:
        return False
    if _QUOTED_SENDER.search(" ".join(lines[number + 1 : number + 2])[:_LINE]):
        return False  # Amazon's own, wrapped
    return _is_block(lines, number)


def _above_block(lines: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Return what stands above the header block of the sender in line `number`. A label may have its value below it."""
    start = number
    while start and (label_of(lines[start - 1]) or (start > 1 and label_of(lines[start - 2]))):
        start -= 1
    return lines[:start]


def _repeats_subject(above: tuple[str, ...], subjects: tuple[str, ...]) -> bool:
    """Whether a subject stands above the letter too: then somebody's mail is quoted around it, in whatever language.

    Nobody repeats the subject in his own note; a block of labels that no table knows does.
    """
    whole = _BLANK.sub("", one_line(above))
    for subject in {without_prefixes(subject).strip() for subject in subjects} - {""}:
        if len(subject) >= _MANY_WORDS and _BLANK.sub("", subject) in whole:
            return True
        if any(line.endswith((f": {subject}", f"：{subject}", f":{subject}")) for line in above):
            return True
    return False


def _names_others(above: tuple[str, ...], around: _Around) -> bool:
    """Whether somebody else's address stands above the letter: it may be that of a quoted mail's sender.

    A signature may hold one too. Then the notice waits for a person, which is the smaller harm. A colleague's address
    does none, unless everybody may have one at that domain.
    """
    house = "" if provider_of(around.sender) else around.sender.rpartition("@")[2]
    found = {address.rstrip(".-") for line in above for address in _ANY_ADDRESS.findall(line)} - {around.sender}
    return any(address.rpartition("@")[2] != house for address in found)


def _is_answered_elsewhere(block: tuple[str, ...]) -> bool:
    """Whether the block names a second sender, or whom to answer, at an address that is not Amazon's."""
    labels = ((line, label_of(line)) for line in block)
    told = (line for line, label in labels if label and label[0] in (Label.SENDER, Label.REPLIES))
    return any(not is_amazon_like(found.rstrip(".-")) for line in told for found in _ANY_ADDRESS.findall(line[:_LINE]))


def _rest_of_block(lines: tuple[str, ...], number: int) -> tuple[int, tuple[str, ...]]:
    """Return where the letter begins after its quoted header block, and what may be its subject.

    The block may name the subject above the sender, and a long subject may be wrapped.
    """
    subjects = list(subjects_in(lines[number]))
    start, others = number + 1, 0
    for position in range(max(0, number - _MAX_BLOCK), min(len(lines), number + 1 + _MAX_BLOCK)):
        label = label_of(lines[position])
        if position > number:
            others = 0 if label else others + 1
            if others > 1 or _DELIMITER.search(lines[position][:_LINE]):
                break  # the block has ended: what looks like a label further down is the letter's own text
        if label is None:
            continue
        start = max(start, position + 1)
        if label[0] is Label.SUBJECT:
            below = lines[position + 1][:_LINE] if position + 1 < len(lines) else ""
            subjects += [label[1], f"{label[1]} {below}".strip(), label[1] + below]
    return start, tuple(subjects)


def _is_marked(text: Text) -> bool:
    """Whether the text holds the marks of a forward: a separator, or three lines of a header block on end."""
    lines = _unquoted(text, 0).lines
    run = 0
    for line in lines:
        run = run + 1 if label_of(line) else 0
        if run == 3:
            return True
    return any(is_separator(line) and any(label_of(below) for below in lines[number + 1 : number + 4])
               for number, line in enumerate(lines))  # fmt: skip


def _unquoted(text: Text, start: int) -> Text:
    """Return the lines from `start` on, without the marks of quoting."""
    return Text(tuple(line.lstrip(">| ") for line in text.lines[start:]), text.links)


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
