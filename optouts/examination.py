"""Everything about one received mail, in one call: raw bytes -> findings. A rule; intake stores and acts.

Flow: raw gate -> authenticity -> MIME walk -> unwrapping -> parsing -> grading -> [finding] -> intake. Nothing here
reads a row, a clock or the network (but for the resolver that is handed in), so a mail can be examined again years
later, with the key records that were kept, and gives the same findings.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from optouts.arc import Chain, examine_chain
from optouts.authenticity import Authentication, Resolver, Signature, authenticate
from optouts.decisions import Grade
from optouts.grading import (
    ACTED_ON,
    NO_CHAIN,
    Context,
    Verdict,
    grade,
    grade_by_person,
    grade_handed_in,
    is_setup_proved,
    needs_seal,
    signed_recipient,
)
from optouts.mime import Parts, walk
from optouts.parsing import Reading, parse
from optouts.patience import Patience
from optouts.rawgate import RawMessage
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation
from optouts.unwrapping import Letter, Route, unwrap
from optouts.wording import decode_header

MAX_ATTACHED_DEPTH = 3
MAX_ATTACHED = 50

_NOTICES = frozenset({Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT})
_NOT_ATTESTED = frozenset(
    {Reason.UNKNOWN_WORDING, Reason.UNATTESTED_WORDING, Reason.UNKNOWN_SUBJECT, Reason.UNUSUAL_SENDER}
)
_NAMES_AMAZON = re.compile(rb"[@.]amazon\.", re.IGNORECASE)
_ABOVE_THE_MAIL = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:\r?\n){0,20}(?:>?From [^\r\n]{0,500}\r?\n)?")

__all__ = ["Context", "Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one mail (or one original attached to it) is, says and proves.

    Hand only `kind` OPT_OUT to `decisions.decide`; a PROBABLE_OPT_OUT, and every finding without a grade, is for a
    person. `promotable` names the shadow template that fitted: an operator may make it live. `order_id` and `alias`
    come out of Amazon's own sentence and link; below an A grade, and for a buyer's message, they are a claim.
    `fingerprint` is the same for every copy of one signed mail, by whatever way it came: SHA-256, hexadecimal, of the
    signed Message-ID and the body hash. `detail` adds what an operator may want to know to `reason`.
    `says` is what the words come to, whoever wrote them; `reason` is why it was graded so. `is_marked`: a probable
    notice carries Amazon's mark of an opt-out, which nobody signs.
    `confirmation` is set only when the provider's signature is valid. `forwarded_by` is a guess, for show.
    """

    kind: Kind
    grade: Grade | None
    reason: Reason
    detail: str = ""
    order_id: str | None = None
    alias: str | None = None
    marketplace_id: str | None = None
    template: str | None = None
    language: str | None = None
    signed_to: str | None = None
    signed_at: datetime | None = None
    message_id: str | None = None
    fingerprint: str | None = None
    signatures: tuple[Signature, ...] = ()
    route: Route | None = None
    forwarded_by: str | None = None
    confirmation: Confirmation | None = None
    promotable: str | None = None
    chain: Chain | None = None
    says: Reason | None = None
    is_marked: bool = False

    @property
    def asks_to_stop(self) -> bool:
        """Whether a buyer asks in his own words not to be written to: an offer to the seller, never an opt-out."""
        return self.reason is Reason.BUYER_ASKS_TO_STOP

    @property
    def is_new_wording(self) -> bool:
        """Whether Amazon signed and marked an opt-out that nobody has attested: an operator has to hear of it."""
        return self.is_marked and self.signed_at is not None and self.reason in _NOT_ATTESTED


def examine(raw: bytes, *, resolver: Resolver, context: Context) -> tuple[Finding, ...]:
    """Return what `raw` is: at least one finding, several only for several attached originals.

    Never raises on anything that a mail can hold. DNS trouble is a finding of grade T: examine again later. So is a
    question beyond what `patience` allows to a mail and all that is attached to it.
    """
    return _Examination(Patience(resolver), context).of(raw)


@dataclass(slots=True)
class _Examination:
    """One run over a mail and all that is attached to it. `left` bounds the attached mails of the whole tree.

    What lies beyond a bound is not read, and the mail waits for a person because of it: nothing is dropped.
    """

    resolver: Resolver
    context: Context
    left: int = MAX_ATTACHED

    def of(self, raw: bytes, depth: int = 0, outer: Authentication | None = None) -> tuple[Finding, ...]:
        """Return the findings of one mail; `outer` is what is known about the person who attached it."""
        authentication = authenticate(raw, self.resolver, now=self.context.now)
        message = authentication.message
        if message is None:
            return (Finding(Kind.MALFORMED, Grade.X, Reason.GATE, detail=authentication.reason),)
        parts = walk(message)
        letter = unwrap(message, parts)
        reading = parse(message, parts, letter, self.context.expectations)
        chain = NO_CHAIN
        if needs_seal(letter, authentication):
            chain = examine_chain(message, self.resolver, self.context.trusted_sealers, now=self.context.now)
        verdict = grade(reading, letter, authentication, self.context, chain)
        if outer is not None and reading.kind in _NOTICES:
            verdict = _by_attaching(verdict, reading, outer, self.context, is_nested=depth > 1)
        if self.context.is_handed_in:
            verdict = grade_handed_in(verdict, reading)
        finding = replace(
            _finding(reading, verdict, authentication, message),
            route=letter.route, forwarded_by=letter.forwarded_by, chain=None if chain is NO_CHAIN else chain,
        )  # fmt: skip
        if finding.kind is Kind.OPT_OUT and authentication.author is not None:
            return (finding,)  # Amazon attaches nothing to a notice
        own = (finding, *_quoted_below(finding, message, parts, letter, self.context))
        return _together(own, tuple(self._attached(parts.attached, depth, outer or authentication)))

    def _attached(self, originals: tuple[bytes, ...], depth: int, outer: Authentication) -> Iterator[Finding]:
        for original in originals:
            if not self.left or depth >= MAX_ATTACHED_DEPTH:
                yield Finding(Kind.MALFORMED, Grade.X, Reason.MORE_ATTACHED, route=Route.ATTACHED)
                return
            self.left -= 1
            for finding in self.of(without_envelope(original), depth + 1, outer):
                is_spoilt = finding.kind is Kind.MALFORMED and _NAMES_AMAZON.search(original)
                if finding.kind in ACTED_ON or finding.asks_to_stop or is_spoilt:
                    yield _as_attachment(finding)


def without_envelope(original: bytes) -> bytes:
    """Return a saved mail without what some programs write above its first field: a mark, empty lines, mbox's line."""
    return _ABOVE_THE_MAIL.sub(b"", original, count=1)


def _quoted_below(
    first: Finding, message: RawMessage, parts: Parts, letter: Letter, context: Context
) -> Iterator[Finding]:
    """Yield further notices in a forward by hand. Each is for a person: the seams of a text prove nothing."""
    if first.kind not in _NOTICES:
        return
    told = {first.order_id}
    for following in letter.below:
        reading = parse(message, parts, following, context.expectations)
        if reading.kind in _NOTICES and reading.order_id not in told:
            told.add(reading.order_id)
            yield Finding(
                Kind.PROBABLE_OPT_OUT, None, Reason.QUOTED_BELOW, order_id=reading.order_id, alias=reading.alias,
                template=reading.template, language=reading.language, promotable=reading.promotable,
                route=letter.route, forwarded_by=letter.forwarded_by, says=reading.reason,
            )  # fmt: skip


def _together(own: tuple[Finding, ...], attached: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return what a mail says and what is attached to it.

    A bounce or a digest may carry anything: what is no notice itself steps back behind what it carries. So does a
    quotation behind an original about the same order that proves more.
    """
    if not attached:
        return own
    kept = (
        finding
        for finding in own
        if (finding.kind in ACTED_ON or finding.asks_to_stop)
        and not any(
            finding.order_id == other.order_id and _weight(other) <= _weight(finding)
            for other in attached
            if finding.order_id and other.kind in _NOTICES
        )
    )
    return (*kept, *attached)


def _weight(finding: Finding) -> tuple[bool, int]:
    """The lower, the better proved."""
    return finding.kind is not Kind.OPT_OUT, list(Grade).index(finding.grade) if finding.grade else len(Grade)


def _by_attaching(
    verdict: Verdict, reading: Reading, outer: Authentication, context: Context, *, is_nested: bool
) -> Verdict:
    """Grade an attached copy that proves nothing itself (Outlook writes it anew): it is worth what its sender is.

    So is an original that has grown too old to prove anything, in the hands of a person of the seller's.
    """
    has_aged = verdict.reason in (Reason.TOO_OLD, Reason.KEY_WITHDRAWN)
    if verdict.kind is not Kind.FORGED and not has_aged:
        return verdict
    by_person = grade_by_person(reading, outer, context, is_nested=is_nested)
    if has_aged:
        is_gone = verdict.reason is Reason.KEY_WITHDRAWN  # which is looked up once more, whatever the grade
        known = replace(by_person, reason=verdict.reason) if is_gone else by_person
        return known if by_person.grade is Grade.C else verdict
    is_unknown = by_person.reason is Reason.FORWARDED_BY_HAND
    return replace(by_person, reason=Reason.ATTACHED_UNSIGNED) if is_unknown else by_person


def _finding(reading: Reading, verdict: Verdict, authentication: Authentication, message: RawMessage) -> Finding:
    finding = Finding(
        verdict.kind, verdict.grade, verdict.reason,
        detail=authentication.reason,
        message_id=decode_header(message.get("message-id"))[:500] or None,
        signatures=authentication.signatures,
    )  # fmt: skip
    author = authentication.author
    if author is not None:
        finding = replace(
            finding, signed_to=signed_recipient(authentication), signed_at=author.signed_at,
            fingerprint=_fingerprint(message, author),
        )  # fmt: skip
    if verdict.kind is Kind.FORGED:
        return finding
    return replace(
        finding, order_id=reading.order_id, alias=reading.alias, marketplace_id=reading.marketplace_id,
        template=reading.template, language=reading.language, promotable=reading.promotable,
        confirmation=reading.confirmation if is_setup_proved(authentication) else None, says=reading.reason,
        is_marked=reading.is_marked,
    )  # fmt: skip


def _fingerprint(message: RawMessage, author: Signature) -> str:
    return hashlib.sha256((message.get("message-id") or b"") + b"\0" + author.body_hash.encode("ascii")).hexdigest()


def _as_attachment(finding: Finding) -> Finding:
    """Grade an attached original: who attached it is free, what Amazon signed is not."""
    finding = replace(finding, route=Route.ATTACHED)
    if finding.grade in (Grade.A1, Grade.A2):
        return replace(finding, grade=Grade.A4, reason=Reason.SIGNED_ATTACHMENT)
    if finding.grade is Grade.A3:
        return replace(finding, grade=Grade.A4_UNKNOWN, reason=Reason.SIGNED_ATTACHMENT_UNKNOWN_MAILBOX)
    return finding
