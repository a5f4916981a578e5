"""Who wrote this mail? Raw bytes -> what the signatures prove, with a resolver that is handed in.

Flow: raw gate -> [authenticity] -> MIME walk -> reading -> grade. No clock (`now` is handed in, so that a verdict can
be re-proved years later) and no network but the resolver's.

Only a DKIM signature whose `d=` is exactly the domain in From says anything about the author. Every customer of
Amazon SES has `d=amazonses.com`, so signatures of other domains are recorded and never asked about. Amazon's keys
have 1024 bits (seen 2017 to 2025): a stricter minimum would refuse all of its mail.
"""

import base64
import binascii
import logging
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

import dkim
from dkim.asn1 import ASN1FormatError
from dkim.crypto import UnparsableKeyError, parse_public_key

from optouts.rawgate import GateRefusal, RawMessage, inspect

AMAZON_DOMAINS: frozenset[str] = frozenset(
    f"amazon.{tld}"
    for tld in (
        "ae", "ca", "co.jp", "co.uk", "com", "com.au", "com.be", "com.br", "com.mx", "com.tr", "de", "eg", "es",
        "fr", "ie", "in", "it", "nl", "pl", "sa", "se", "sg",
    )
)  # fmt: skip
"""Domains that may sign as Amazon, exactly. `marketplace.amazon.*` is not among them: buyers write from there."""

MAX_SIGNATURES = 8
MAX_AGE = timedelta(days=30)
MAX_CLOCK_SKEW = timedelta(minutes=5)
REQUIRED_HEADERS = frozenset({"from", "to", "subject", "date", "message-id", "content-type"})
"""What Amazon always signs (seen 2017 to 2026), and what a notice is read by."""
REQUIRED_OF_OTHERS = frozenset({"from", "subject", "date"})
"""Google leaves the content type out, Microsoft the recipient."""

_MAX_SIGNATURE_FIELD = 4096
_MAX_KEY_RECORD = 1200  # a 4096-bit key takes 740; the size bounds the arithmetic that a stranger's key can ask for
_MOST_EXPONENT = 1 << 24
_MAX_TROUBLES = 2
_BLANKS = re.compile(rb"[\t ]+")
_MOST_BLANKS = 250
_PLAIN = re.compile(rb"[\t\r\n -~]*")  # RFC 6376, 3.2: tags and their values are printable ASCII and blanks
_LONG_BLANK = re.compile(rb"\s{64}")  # dkimpy's search for b= is quadratic in runs of white space
_TAG_NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}")
_SELECTOR = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,10}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,1400}={0,2}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_RULES = {"d": _DOMAIN, "s": _SELECTOR, "b": _BASE64, "bh": _BASE64}
_CANONICALISATIONS = frozenset({"simple", "relaxed", *(f"{a}/{b}" for a in ("simple", "relaxed")
                                                     for b in ("simple", "relaxed"))})  # fmt: skip
UNREADABLE = (
    dkim.DKIMException, ASN1FormatError, UnparsableKeyError, binascii.Error, ValueError, TypeError, LookupError,
    ArithmeticError, AttributeError,
)  # fmt: skip
"""What dkimpy raises on a hostile signature or key record (fuzzed)."""

SILENT = logging.Logger("optouts.dkim", level=logging.CRITICAL + 1)  # dkimpy logs parts of the mail


class DnsTrouble(Exception):
    """The resolver could not find out (time-out, SERVFAIL). Not an answer: ask again later, and never say "forged".

    Deliberately not a `dkim.DKIMException`: dkimpy would take it for a verdict.
    """


class Resolver(Protocol):
    """Looks up TXT records."""

    def txt(self, name: str, /) -> bytes | None:
        """Return the record at `name` (with its final dot), or None when it provably does not exist.

        Raises DnsTrouble when the answer could not be got.
        """


class SignatureResult(StrEnum):
    """What became of one DKIM signature. The values are sentences for people."""

    PASSED = "passed"
    FAILED = "The signature does not fit the mail: something was changed on the way, or it is a forgery."
    NO_KEY = "The signing key is not published (any more)."
    DNS_TROUBLE = "The signing key could not be looked up just now."
    NOT_THE_AUTHOR = "Signed by a domain that is not the sender's: it says nothing about the author."
    NOT_NEEDED = "Not examined: enough signatures of this mail were."
    MALFORMED = "The signature cannot be read."
    LENGTH_LIMITED = "The signature covers only a part of the text (l=)."
    WEAK_ALGORITHM = "The signature uses an algorithm that is not accepted."
    UNSIGNED_HEADERS = "The signature leaves out the sender, the recipient, the subject, the date or the form."
    EXPIRED = "The signature had expired."
    FROM_THE_FUTURE = "The signature is dated in the future."
    TOO_OLD = "The signature is valid but more than 30 days old: the mail may have been sent again."
    UNDATED = "The signature is valid but carries no date."


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field and what it proved. `key_record` is kept so that the verdict can be proved again."""

    domain: str
    selector: str
    result: SignatureResult
    signed_at: datetime | None = None
    body_hash: str = ""
    key_record: str = ""
    signed_headers: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it fits the mail, is fresh, and covers all that is read."""
        return self.result is SignatureResult.PASSED


@dataclass(frozen=True, slots=True)
class Authentication:
    """What is known about the author of a mail.

    `message` is None exactly when the raw gate refused. `aligned` is a passing signature of the very domain in
    From, whoever that is. `undecided` means that only DNS stood between us and a verdict.
    """

    gate: GateRefusal | None
    message: RawMessage | None = None
    signatures: tuple[Signature, ...] = ()
    aligned: Signature | None = None
    undecided: bool = False
    reason: str = ""

    @property
    def author(self) -> Signature | None:
        """The passing signature when it is Amazon's own, else None."""
        if self.aligned is not None and self.aligned.domain in AMAZON_DOMAINS:
            return self.aligned
        return None

    @property
    def failure(self) -> SignatureResult | None:
        """What went wrong with the sender's own signature; None when it passed or there is none."""
        own = [s.result for s in self.signatures if s.result not in _SILENT_RESULTS]
        return own[0] if own and self.aligned is None else None


_SILENT_RESULTS = frozenset({SignatureResult.NOT_THE_AUTHOR, SignatureResult.NOT_NEEDED, SignatureResult.PASSED})


def authenticate(raw: bytes, resolver: Resolver, *, now: datetime) -> Authentication:
    """Prove who wrote `raw`, or say why it cannot be proved. Never raises on hostile input, nor on DNS trouble.

    `now` is the time of receipt; signatures are judged as of then. Asks the resolver at most 8 times, and gives up
    for the time being after two troubles.
    """
    message = inspect(raw)
    if isinstance(message, GateRefusal):
        return Authentication(gate=message, reason=message.value)
    signatures = _verify_all(message, resolver, now)
    aligned = next((s for s in signatures if s.passed), None)
    undecided = aligned is None and any(s.result is SignatureResult.DNS_TROUBLE for s in signatures)
    verdict = Authentication(None, message, signatures, aligned, undecided)
    if aligned is not None:
        return replace(verdict, reason=f"Signed by {aligned.domain}.")
    return replace(verdict, reason=verdict.failure or "The sender did not sign this mail.")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A DKIM-Signature as it claims to be, before anything is proved."""

    index: int
    tags: dict[str, str] = field(default_factory=dict)
    problem: SignatureResult | None = None

    @property
    def signature(self) -> Signature:
        return Signature(
            domain=self.tags.get("d", "").lower(),
            selector=self.tags.get("s", ""),
            result=self.problem or SignatureResult.NOT_NEEDED,
            signed_at=instant(self.tags.get("t")),
            body_hash=self.tags.get("bh", ""),
            signed_headers=_signed_headers(self.tags),
        )


def _verify_all(message: RawMessage, resolver: Resolver, now: datetime) -> tuple[Signature, ...]:
    claims = [_read(index, value, now) for index, value in enumerate(message.all("dkim-signature"))]
    own = _own_domains(message.sender_domain)
    # The author's own first: a forwarder's or a stranger's signatures must not use up the eight.
    claims.sort(key=lambda claim: claim.signature.domain not in own)
    signatures: list[Signature] = []
    verifier: dkim.DKIM | None = None
    troubles, proved, is_hopeless = 0, False, bool(claims) and is_endless(message.body)
    for claim in claims[:MAX_SIGNATURES]:
        signature = claim.signature
        if signature.domain not in own:
            signature = replace(signature, result=SignatureResult.NOT_THE_AUTHOR)
        elif claim.problem is None and is_hopeless and claim.tags.get("c", "").endswith("/relaxed"):
            signature = replace(signature, result=SignatureResult.FAILED)
        elif claim.problem is None and not proved and troubles < _MAX_TROUBLES:
            verifier = verifier or dkim.DKIM(message.raw, logger=SILENT)
            signature = _verify(verifier, claim, resolver, message, now)
            troubles += signature.result is SignatureResult.DNS_TROUBLE
            proved = signature.passed
        signatures.append(signature)
    return tuple(signatures)


def is_endless(body: bytes) -> bool:
    """Does the body hold blanks without end? dkimpy's time grows with the square of a run of them.

    RFC 5322 ends a line after 998 characters, and what Amazon and mailboxes write is folded far below that.
    """
    return max(map(len, _BLANKS.findall(body)), default=0) > _MOST_BLANKS


class KeyRing:
    """Fetches public keys for dkimpy, each once, and remembers the records for the evidence."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._fetched: dict[bytes, bytes | None] = {}

    @property
    def records(self) -> tuple[str, ...]:
        """The key records that were found, in the order of asking."""
        return tuple(record.decode("ascii", "replace") for record in self._fetched.values() if record is not None)

    def ask(self, name: bytes, timeout: int = 5) -> bytes | None:
        """Return the record at `name`, or None when there is no usable key. Raises DnsTrouble."""
        if name not in self._fetched:
            record = key_in(self._resolver.txt(name.decode("ascii")))
            self._fetched[name] = None if record is None or _is_dear(record) else record
        return self._fetched[name]


def _own_domains(sender_domain: str) -> frozenset[str]:
    """The domains that may sign for a sender: exactly his own, and for a buyer's alias Amazon's above it."""
    above = sender_domain.removeprefix("marketplace.")
    return frozenset({sender_domain, above} if above in AMAZON_DOMAINS else {sender_domain})


def _verify(verifier: dkim.DKIM, claim: _Claim, resolver: Resolver, message: RawMessage, now: datetime) -> Signature:
    keys = KeyRing(resolver)
    fields = [item for item in verifier.headers if item[0].lower() == b"dkim-signature"]
    tags = {name.encode("ascii"): value.encode("ascii") for name, value in claim.tags.items()}
    names = [name.encode("ascii") for name in _signed_headers(claim.tags)]
    try:
        # Not `verify()`: that one looks at the machine's clock for t= and x=.
        fits = verifier.verify_sig(tags, names, fields[claim.index], keys.ask)
    except DnsTrouble:
        return replace(claim.signature, result=SignatureResult.DNS_TROUBLE)
    except UNREADABLE:
        fits = False
    if not keys.records:
        return replace(claim.signature, result=SignatureResult.NO_KEY)
    signature = replace(claim.signature, key_record=keys.records[0])
    if signature.signed_at is None and signature.domain not in AMAZON_DOMAINS:
        signature = replace(signature, signed_at=_dated(message))  # Microsoft signs the Date instead of giving t=
    return replace(signature, result=_freshness(signature, now) if fits else SignatureResult.FAILED)


def _read(index: int, value: bytes, now: datetime) -> _Claim:
    """Read one field by our own strict rules; dkimpy gets only what passed them."""
    tags = parse_tags(value)
    if tags is None:
        return _Claim(index, problem=SignatureResult.MALFORMED)
    if not _is_wellformed(tags):
        return _Claim(index, {"d": tags.get("d", "")}, SignatureResult.MALFORMED)
    if "l" in tags:
        return _Claim(index, tags, SignatureResult.LENGTH_LIMITED)
    if tags["a"] != "rsa-sha256":
        return _Claim(index, tags, SignatureResult.WEAK_ALGORITHM)
    required = REQUIRED_HEADERS if tags["d"].lower() in AMAZON_DOMAINS else REQUIRED_OF_OTHERS
    if not required <= set(_signed_headers(tags)):
        return _Claim(index, tags, SignatureResult.UNSIGNED_HEADERS)
    expires = instant(tags.get("x"))
    if "x" in tags and (expires is None or expires < now):
        return _Claim(index, tags, SignatureResult.EXPIRED)
    return _Claim(index, tags)


def parse_tags(value: bytes) -> dict[str, str] | None:
    """Split `k=v; k=v` (RFC 6376, 3.2), or return None when it is not one clear list of tags."""
    if len(value) > _MAX_SIGNATURE_FIELD or _LONG_BLANK.search(value) or not value.isascii():
        return None
    tags: dict[str, str] = {}
    items = value.decode("ascii").split(";")
    if not items[-1].strip():
        items.pop()
    for item in items:
        name, equals, content = item.partition("=")
        name = name.strip()
        if not equals or not _TAG_NAME.fullmatch(name) or name in tags:
            return None
        tags[name] = "".join(content.split()) if name in ("b", "bh", "h") else content.strip()
    return tags


def is_signable(tags: dict[str, str], names: set[str]) -> bool:
    """Whether the tags `names` are there and look as they must, and the algorithm is the one that is accepted."""
    return tags.get("a") == "rsa-sha256" and _are_wellformed(tags, names)


def _are_wellformed(tags: dict[str, str], names: set[str]) -> bool:
    return all(
        _RULES[name].fullmatch(tags.get(name, "").lower() if name == "d" else tags.get(name, "")) for name in names
    )


def _is_wellformed(tags: dict[str, str]) -> bool:
    domain = tags.get("d", "").lower()
    identity = tags.get("i", f"@{domain}").lower()
    return (
        tags.get("v") == "1"
        and {"a", "h"} <= tags.keys()
        and _are_wellformed(tags, {"d", "s", "b", "bh"})
        and tags.get("c", "simple") in _CANONICALISATIONS
        and tags.get("q", "dns/txt") == "dns/txt"
        and (identity.endswith(f"@{domain}") or identity.endswith(f".{domain}"))
        and ("t" not in tags or instant(tags["t"]) is not None)
    )


def _signed_headers(tags: dict[str, str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in tags.get("h", "").split(":") if name)


def instant(seconds: str | None) -> datetime | None:
    """Return the moment of a `t=` or `x=` tag, or None when it is none."""
    if seconds is None or not _NUMBER.fullmatch(seconds):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _dated(message: RawMessage) -> datetime | None:
    """Return the moment in Date, or None."""
    try:
        moment = parsedate_to_datetime((message.get("date") or b"")[:100].decode("ascii"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None


def _freshness(signature: Signature, now: datetime) -> SignatureResult:
    if signature.signed_at is None:
        return SignatureResult.UNDATED
    if signature.signed_at > now + MAX_CLOCK_SKEW:
        return SignatureResult.FROM_THE_FUTURE
    if signature.signed_at < now - MAX_AGE:
        return SignatureResult.TOO_OLD
    return SignatureResult.PASSED


def key_in(record: bytes | None) -> bytes | None:
    """Return the record if it may be a key record (RFC 6376, 3.6.1), else None, as if there was none.

    What is returned is short plain text, so it can be written down as it is: whoever publishes a record may put
    anything into it, and a database keeps no NUL.
    """
    if record is None or len(record) > _MAX_KEY_RECORD or not _PLAIN.fullmatch(record) or not _has_key(record):
        return None
    return record


def _is_dear(record: bytes) -> bool:
    """Whether to verify by this key takes a stranger's half second of arithmetic instead of a thousandth.

    Keys have 65537, or 3, for their exponent; one as long as the modulus is made to keep us busy.
    """
    tags = parse_tags(record)
    try:
        exponent = parse_public_key(base64.b64decode((tags or {}).get("p", "")))["publicExponent"]
    except UNREADABLE:
        return False  # dkimpy says of it what is to be said
    return bool(exponent >= _MOST_EXPONENT)


def _has_key(record: bytes) -> bool:
    """Whether the record holds a key. An empty `p=` means that the key was withdrawn (RFC 6376, 3.6.1)."""
    return re.search(rb"(?:^|;)\s{0,20}p\s{0,20}=\s{0,20}[A-Za-z0-9+/]", record) is not None
