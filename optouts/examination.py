"""Everything about one received mail, in one call: raw bytes -> findings. A rule; intake stores and acts.

Flow: raw gate -> authenticity -> MIME walk -> unwrapping -> parsing -> grading -> [finding] -> intake. Nothing here
reads a row, a clock or the network (but for the resolver that is handed in), so a mail can be examined again years
later, with the key records that were kept, and gives the same findings.
"""

import hashlib
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
from optouts.mime import walk
from optouts.parsing import Reading, parse
from optouts.rawgate import RawMessage
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation
from optouts.unwrapping import Route, unwrap
from optouts.wording import decode_header

MAX_ATTACHED_DEPTH = 3
MAX_ATTACHED = 20

_NOTICES = frozenset({Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT})

__all__ = ["Context", "Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one mail (or one original attached to it) is, says and proves.

    Hand only `kind` OPT_OUT to `decisions.decide`; a PROBABLE_OPT_OUT, and every finding without a grade, is for a
    person. `promotable` names the shadow template that fitted: an operator may make it live. `order_id` and `alias`
    come out of Amazon's own sentence and link; below an A grade, and for a buyer's message, they are a claim.
    `fingerprint` is the same for every copy of one signed mail, by whatever way it came: SHA-256, hexadecimal, of the
    signed Message-ID and the body hash. `detail` adds what an operator may want to know to `reason`.
    `says` is what the words come to, whoever wrote them; `reason` is why it was graded so.
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

    @property
    def asks_to_stop(self) -> bool:
        """Whether a buyer asks in his own words not to be written to: an offer to the seller, never an opt-out."""
        return self.reason is Reason.BUYER_ASKS_TO_STOP

    @property
    def is_new_wording(self) -> bool:
        """Whether Amazon signed an opt-out in words that no template knows: an operator has to hear of it."""
        return self.reason is Reason.UNKNOWN_WORDING and self.signed_at is not None


def examine(raw: bytes, *, resolver: Resolver, context: Context) -> tuple[Finding, ...]:
    """Return what `raw` is: at least one finding, several only for several attached originals.

    Never raises on anything that a mail can hold. DNS trouble is a finding of grade T: examine again later.
    """
    return _Examination(resolver, context).of(raw)


@dataclass(slots=True)
class _Examination:
    """One run over a mail and all that is attached to it. `left` bounds the attached mails of the whole tree."""

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
        if outer is not None and verdict.kind is Kind.FORGED and reading.kind in _NOTICES:
            verdict = _by_attaching(reading, outer, self.context, is_nested=depth > 1)
        if self.context.is_handed_in:
            verdict = grade_handed_in(verdict, reading)
        finding = replace(
            _finding(reading, verdict, authentication, message),
            route=letter.route, forwarded_by=letter.forwarded_by, chain=None if chain is NO_CHAIN else chain,
        )  # fmt: skip
        if finding.kind is Kind.OPT_OUT or depth >= MAX_ATTACHED_DEPTH:
            return (finding,)
        # A bounce or a digest may carry anything; what is no notice inside does not hide what the mail itself is.
        return tuple(self._attached(parts.attached, depth, outer or authentication)) or (finding,)

    def _attached(self, originals: tuple[bytes, ...], depth: int, outer: Authentication) -> Iterator[Finding]:
        for original in originals:
            if not self.left:
                return
            self.left -= 1
            for finding in self.of(original, depth + 1, outer):
                if finding.kind in ACTED_ON or finding.asks_to_stop:
                    yield _as_attachment(finding)


def _by_attaching(reading: Reading, outer: Authentication, context: Context, *, is_nested: bool) -> Verdict:
    """Grade an attached copy that proves nothing itself (Outlook writes it anew): it is worth what its sender is."""
    verdict = grade_by_person(reading, outer, context, is_nested=is_nested)
    is_unknown = verdict.reason is Reason.FORWARDED_BY_HAND
    return replace(verdict, reason=Reason.ATTACHED_UNSIGNED) if is_unknown else verdict


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
