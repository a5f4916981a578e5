"""Everything about one received mail, in one call: raw bytes -> findings. A rule; intake stores and acts.

Flow: raw gate -> authenticity -> MIME walk -> unwrapping -> parsing -> grading -> [finding] -> intake. Nothing here
reads a row, a clock or the network (but for the resolver that is handed in), so a mail can be examined again years
later, with the key records that were kept, and gives the same findings.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from optouts.authenticity import Authentication, Resolver, Signature, authenticate
from optouts.decisions import Grade
from optouts.grading import ACTED_ON, Context, Verdict, grade, signed_recipient
from optouts.mime import walk
from optouts.parsing import Reading, parse
from optouts.rawgate import RawMessage
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation
from optouts.unwrapping import Route, unwrap
from optouts.wording import decode_header

MAX_ATTACHED_DEPTH = 3
MAX_ATTACHED = 20

__all__ = ["Context", "Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one mail (or one original attached to it) is, says and proves.

    Hand only `kind` OPT_OUT to `decisions.decide`; a PROBABLE_OPT_OUT, and every finding without a grade, is for a
    person. `order_id` and `alias` come out of Amazon's own sentence and link; below an A grade they are a claim.
    `fingerprint` is the same for every copy of one signed mail, by whatever way it came: SHA-256, hexadecimal, of the
    signed Message-ID and the body hash. `detail` adds what an operator may want to know to `reason`.
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


def examine(raw: bytes, *, resolver: Resolver, context: Context) -> tuple[Finding, ...]:
    """Return what `raw` is: at least one finding, several only for several attached originals.

    Never raises on anything that a mail can hold. DNS trouble is a finding of grade T: examine again later.
    """
    return _examine(raw, resolver, context, 0)


def _examine(raw: bytes, resolver: Resolver, context: Context, depth: int) -> tuple[Finding, ...]:
    authentication = authenticate(raw, resolver, now=context.now)
    message = authentication.message
    if message is None:
        return (Finding(Kind.MALFORMED, Grade.X, Reason.GATE, detail=authentication.reason),)
    parts = walk(message)
    letter = unwrap(message, parts)
    reading = parse(message, parts, letter, context.notice_senders)
    verdict = grade(reading, letter, authentication, context)
    outer = replace(
        _finding(reading, verdict, authentication, message), route=letter.route, forwarded_by=letter.forwarded_by
    )
    if outer.kind is Kind.OPT_OUT or depth >= MAX_ATTACHED_DEPTH:
        return (outer,)
    inner = [
        _as_attachment(finding)
        for attached in parts.attached[:MAX_ATTACHED]
        for finding in _examine(attached, resolver, context, depth + 1)
    ]
    # A bounce or a digest may carry anything; what is no notice inside does not hide what the mail itself is.
    return tuple(finding for finding in inner if finding.kind in ACTED_ON) or (outer,)


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
        template=reading.template, language=reading.language,
        confirmation=reading.confirmation if authentication.aligned is not None else None,
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
