"""What a forwarder vouches for: the ARC chain of a mail (RFC 8617), verified by us. A rule.

Flow: authenticity -> [arc] -> grading. Asked only when a forwarder broke Amazon's own signature. A chain proves that a
named sealer says something, so every sealer must be one that we trust, and of all that they say only one thing is
read: `dkim=pass` for the domain in From, in the results of the *first* instance, which saw the mail as Amazon sent it.

Google's message signature leaves the content type out: whoever has a sealed mail could give it another boundary, and a
parser would read another text. `_is_whole` refuses bodies that do not fit their declared form from the first byte.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import dkim

from optouts.authenticity import (
    MAX_AGE,
    MAX_CLOCK_SKEW,
    SILENT,
    UNREADABLE,
    DnsTrouble,
    KeyRing,
    Resolver,
    instant,
    is_endless,
    is_signable,
    parse_tags,
)
from optouts.mime import parse_content_type
from optouts.rawgate import RawMessage

TRUSTED_SEALERS: frozenset[str] = frozenset({"google.com", "microsoft.com", "zohomail.com"})
"""Whose seals are believed. Others are added when a live mail has shown their `d=` (INBOUND.md 3)."""

MAX_INSTANCES = 10
REQUIRED_HEADERS = frozenset({"from", "to", "subject", "date", "message-id"})

_RESULTS, _MESSAGE, _SEAL = "arc-authentication-results", "arc-message-signature", "arc-seal"
_NAMES = (_RESULTS, _MESSAGE, _SEAL)
_INSTANCE = re.compile(r"(?:^|;)\s{0,20}i\s{0,5}=\s{0,5}([0-9]{1,2})\s{0,20}(?:;|$)")
_RESULT = re.compile(r"([a-z-]{1,20})\s{0,5}=\s{0,5}([a-z]{1,12})(?=\s|$)")
_PROPERTY = re.compile(r"(?:^|\s)header\.([id])\s{0,5}=\s{0,5}@?([a-z0-9.-]{1,100})(?=\s|$)")
_MAX_RESULTS = 8192


class Seal(StrEnum):
    """What became of a chain. The values are sentences for people."""

    VOUCHED = "A forwarder that we trust saw Amazon's valid signature and sealed that it did."
    ABSENT = "No forwarder sealed the mail."
    INCOMPLETE = "The forwarders' seals have gaps, doubles or parts that cannot be read."
    TOO_MANY = "The mail has more seals than are examined."
    UNKNOWN_SEALER = "One of the seals is by somebody whose word does not count here."
    REPORTS_FAILURE = "A forwarder says that the chain of seals was already broken."
    BROKEN = "The forwarder's seal does not fit the mail: it was changed after it was sealed."
    NO_WORD_OF_AMAZON = "The forwarder does not say that Amazon's signature was valid."
    FORM_CHANGED = "The parts of the sealed mail do not fit the form that it declares."
    OUT_OF_DATE = "The seal is more than 30 days old or dated in the future."
    DNS_TROUBLE = "The key of the seal could not be looked up just now."


@dataclass(frozen=True, slots=True)
class Chain:
    """The verdict, the sealers from the first forwarder to the last, and the key records that were used."""

    seal: Seal
    sealers: tuple[str, ...] = ()
    key_records: tuple[str, ...] = ()

    @property
    def vouches(self) -> bool:
        """Whether a trusted chain says that the signature of the domain in From was valid."""
        return self.seal is Seal.VOUCHED


@dataclass(frozen=True, slots=True)
class _Set:
    """The three fields of one instance, as dkimpy has them, and their tags."""

    results: tuple[bytes, bytes]
    message: tuple[bytes, bytes]
    seal: tuple[bytes, bytes]
    message_tags: dict[str, str]
    seal_tags: dict[str, str]


def examine_chain(message: RawMessage, resolver: Resolver, trusted: frozenset[str], *, now: datetime) -> Chain:
    """Return what the chain of `message` proves about the domain in From. Never raises.

    Asks the resolver only about domains in `trusted`, at most once for each key.
    """
    if not message.all(_SEAL):
        return Chain(Seal.ABSENT)
    if max(len(message.all(name)) for name in _NAMES) > MAX_INSTANCES:
        return Chain(Seal.TOO_MANY)
    if is_endless(message.body):
        return Chain(Seal.BROKEN)
    try:
        verifier = dkim.DKIM(message.raw, logger=SILENT)
    except UNREADABLE:
        return Chain(Seal.INCOMPLETE)
    sets = _sets(verifier.headers)
    if sets is None:
        return Chain(Seal.INCOMPLETE)
    sealers = tuple(item.seal_tags["d"].lower() for item in sets)
    problem = _claims(sets, sealers, trusted, message, now)
    if problem is not None:
        return Chain(problem, sealers)
    keys = KeyRing(resolver)
    try:
        seal = Seal.VOUCHED if _verify(verifier, sets, keys) else Seal.BROKEN
    except DnsTrouble:
        seal = Seal.DNS_TROUBLE
    return Chain(seal, sealers, keys.records)


def vouched_domains(results: str) -> frozenset[str]:
    """Return the domains for which an Authentication-Results value says `dkim=pass` (RFC 8601, read narrowly).

    Comments are dropped; of each result only `header.d` and `header.i` are read, and both must name one domain.
    """
    plain = _without_comments(results[:_MAX_RESULTS].lower())
    if plain is None:
        return frozenset()
    found: set[str] = set()
    for item in plain.split(";"):
        result = _RESULT.match(item.strip())
        if result is None or result.groups() != ("dkim", "pass"):
            continue
        named = {match[2] for match in _PROPERTY.finditer(item)}
        found |= named if len(named) == 1 else set()
    return frozenset(found)


def _without_comments(text: str) -> str | None:
    """Drop `(...)`, nested too, and disarm what is quoted; None when it could be read in more than one way.

    A stranger chooses the local part of his envelope sender, and forwarders print it: quotes inside comments, escapes
    and what does not close are not argued about.
    """
    kept: list[str] = []
    depth, is_quoted = 0, False
    for letter in text:
        if letter == "\\" or (letter == '"' and depth):
            return None
        if letter == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            kept.append("_" if letter in " \t;=()" else letter)
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            kept.append(" ")
        elif not depth:
            kept.append(letter)
        if depth < 0:
            return None
    return None if depth or is_quoted else "".join(kept)


def _sets(headers: list[tuple[bytes, bytes]]) -> tuple[_Set, ...] | None:
    """Return the instances 1 to n, each with exactly its three fields, or None."""
    found: dict[tuple[int, str], tuple[bytes, bytes]] = {}
    for field in headers:
        name = field[0].decode("ascii", "replace").lower()
        if name not in _NAMES:
            continue
        match = _INSTANCE.search(field[1].decode("ascii", "replace").replace("\r\n", ""))
        key = (int(match[1]) if match else 0, name)
        if match is None or key in found:
            return None
        found[key] = field
    count = len(found) // 3
    wanted = {(instance, name) for instance in range(1, count + 1) for name in _NAMES}
    if not count or found.keys() != wanted:
        return None
    sets = [_read(found, instance) for instance in range(1, count + 1)]
    complete = tuple(item for item in sets if item is not None)
    return complete if len(complete) == count else None


def _read(found: dict[tuple[int, str], tuple[bytes, bytes]], instance: int) -> _Set | None:
    results, message, seal = (found[instance, name] for name in _NAMES)
    message_tags, seal_tags = parse_tags(message[1]), parse_tags(seal[1])
    if message_tags is None or seal_tags is None:
        return None
    is_readable = (
        message_tags.get("i") == seal_tags.get("i") == str(instance)
        and is_signable(message_tags, {"d", "s", "b", "bh"})
        and is_signable(seal_tags, {"d", "s", "b"})
        and {"h", "l"} & seal_tags.keys() == set()
        and "l" not in message_tags
        and message_tags.get("c", "relaxed/relaxed") in ("relaxed/relaxed", "relaxed/simple")
        and seal_tags.get("cv") in ("none", "pass", "fail")
    )
    return _Set(results, message, seal, message_tags, seal_tags) if is_readable else None


def _claims(
    sets: tuple[_Set, ...], sealers: tuple[str, ...], trusted: frozenset[str], message: RawMessage, now: datetime
) -> Seal | None:
    """Return what is wrong with the chain as it stands, before anything is proved."""
    states = [item.seal_tags["cv"] for item in sets]
    if "fail" in states:
        return Seal.REPORTS_FAILURE
    if states != ["none", *["pass"] * (len(sets) - 1)]:
        return Seal.INCOMPLETE
    newest = sets[-1].message_tags
    if not trusted.issuperset(sealers) or newest["d"].lower() not in trusted:
        return Seal.UNKNOWN_SEALER
    if not set(_names(newest)) >= REQUIRED_HEADERS:
        return Seal.BROKEN
    for item in sets:
        sealed_at = instant(item.seal_tags.get("t"))
        if sealed_at is None or not now - MAX_AGE <= sealed_at <= now + MAX_CLOCK_SKEW:
            return Seal.OUT_OF_DATE
    first = sets[0].results[1].decode("ascii", "replace").replace("\r\n", "")
    if message.sender_domain not in vouched_domains(first):
        return Seal.NO_WORD_OF_AMAZON
    return None if "content-type" in _names(newest) or _is_whole(message) else Seal.FORM_CHANGED


def _is_whole(message: RawMessage) -> bool:
    """Whether the body begins and ends as its declared form says: no preamble, nothing after, no hidden parts."""
    content_type, parameters = parse_content_type(message.get("content-type"))
    body = message.body.strip()
    if not content_type.startswith("multipart/"):
        return not body.startswith(b"--")
    mark = b"--" + parameters.get("boundary", "").encode("ascii", "replace")
    return len(mark) > 2 and body.startswith(mark + b"\r\n") and body.endswith(mark + b"--")


def _verify(verifier: dkim.DKIM, sets: tuple[_Set, ...], keys: KeyRing) -> bool:
    """Prove the newest message signature and every seal. Raises DnsTrouble."""
    newest = sets[-1]
    names = [name.encode("ascii") for name in _names(newest.message_tags)]
    if b"arc-seal" in names or not _fits(verifier, newest.message_tags, names, newest.message, keys):
        return False
    # dkimpy takes fields of one name from the bottom up: the newest instance stands on top.
    verifier.headers = [field for item in reversed(sets) for field in (item.seal, item.message, item.results)]
    for position, item in enumerate(sets):
        signed = [name.encode("ascii") for name in _NAMES] * position + [_RESULTS.encode(), _MESSAGE.encode()]
        tags = {name: value for name, value in item.seal_tags.items() if name != "bh"}
        if not _fits(verifier, tags, signed, item.seal, keys):
            return False
    return True


def _fits(
    verifier: dkim.DKIM, tags: dict[str, str], names: list[bytes], field: tuple[bytes, bytes], keys: KeyRing
) -> bool:
    values = {name.encode("ascii"): value.encode("ascii") for name, value in tags.items()}
    values.setdefault(b"c", b"relaxed/relaxed")
    try:
        return bool(verifier.verify_sig(values, names, field, keys.ask))
    except DnsTrouble:
        raise
    except UNREADABLE:
        return False


def _names(tags: dict[str, str]) -> list[str]:
    return [name.lower() for name in tags.get("h", "").split(":") if name]
