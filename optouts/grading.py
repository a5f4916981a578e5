"""How well is it proved? A rule: what the words say x what the signatures prove -> a grade with its reason.

Flow: parsing -> [grading] -> order match -> decisions. The signed To is what binds a notice to a seller: Amazon signs
it, so a notice stolen from another seller cannot be shown here as one's own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from optouts.arc import TRUSTED_SEALERS, Chain, Seal
from optouts.authenticity import AMAZON_DOMAINS, Authentication, SignatureResult
from optouts.decisions import Grade
from optouts.notice_texts import by_subject
from optouts.parsing import NOTICE_SENDERS, Expectations, Reading
from optouts.rawgate import parse_mailbox
from optouts.reasons import Kind, Reason
from optouts.unwrapping import Letter, Route

ACTED_ON = frozenset(
    {Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT, Kind.RESTRICTED, Kind.BLOCKED_FOR_CONTENT}
    | {Kind.SENDER_NOT_APPROVED, Kind.NOT_DELIVERED}
)
_SEALS = {
    Seal.INCOMPLETE: Reason.SEAL_INCOMPLETE,
    Seal.TOO_MANY: Reason.SEAL_INCOMPLETE,
    Seal.UNKNOWN_SEALER: Reason.SEAL_OF_STRANGER,
    Seal.REPORTS_FAILURE: Reason.SEAL_REPORTS_FAILURE,
    Seal.BROKEN: Reason.SEAL_BROKEN,
    Seal.NO_WORD_OF_AMAZON: Reason.SEAL_SILENT,
    Seal.FORM_CHANGED: Reason.SEAL_FORM_CHANGED,
    Seal.OUT_OF_DATE: Reason.SEAL_OUT_OF_DATE,
    Seal.ABSENT: Reason.BROKEN_BY_FORWARDER,
}
NO_CHAIN = Chain(Seal.ABSENT)
_CONTRADICTIONS = frozenset({Reason.TWO_BUYERS, Reason.MARKETPLACE_DISAGREES, Reason.ORDER_IDS_DISAGREE})
_DATED_WRONG = {
    SignatureResult.TOO_OLD: Reason.TOO_OLD,
    SignatureResult.FROM_THE_FUTURE: Reason.FROM_THE_FUTURE,
}
_ATTACHED = {Grade.A1: Grade.A4, Grade.A2: Grade.A4, Grade.A3: Grade.A4_UNKNOWN}
_HANDED_IN = {Grade.A4: Reason.HANDED_IN_SIGNED, Grade.A4_UNKNOWN: Reason.HANDED_IN_SIGNED_UNKNOWN_MAILBOX}
_NOT_SIGNED_BY_AMAZON = frozenset({Reason.NOT_SIGNED, Reason.SIGNATURE_BROKEN})
_LOST_ON_THE_WAY = frozenset({None, SignatureResult.FAILED})
_MENDED_BY_A_SEAL = _LOST_ON_THE_WAY | {SignatureResult.NO_KEY, SignatureResult.DNS_TROUBLE}


@dataclass(frozen=True, slots=True)
class Context:
    """What the seller's side knows when a mail is examined.

    `is_inbound_address` answers whether an address (lower case) is one of this seller's own inbound addresses.
    `mailboxes` are his registered and confirmed mailboxes, lower case. `now` is the time of receipt. `promoted` are the
    names of the shadow templates that an operator has made live, `trusted_sealers` the domains whose ARC seals count.
    `is_handed_in`: a member of the seller's team uploaded the mail. `our_domain` is the one of all inbound addresses:
    what Amazon signed for an address in it that is not this seller's is another seller's notice.
    """

    is_inbound_address: Callable[[str], bool]
    mailboxes: frozenset[str]
    now: datetime
    notice_senders: frozenset[str] = NOTICE_SENDERS
    promoted: frozenset[str] = frozenset()
    trusted_sealers: frozenset[str] = TRUSTED_SEALERS
    is_handed_in: bool = False
    our_domain: str = ""

    @property
    def expectations(self) -> Expectations:
        """What the parser has to know of this."""
        return Expectations(self.notice_senders, self.promoted, self.is_inbound_address)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reading with its grade. `grade` is None for what needs none, or waits for a person to say what it is."""

    kind: Kind
    grade: Grade | None
    reason: Reason


def needs_seal(letter: Letter, authentication: Authentication) -> bool:
    """Whether the mail names Amazon as its sender, lost its signature on the way, and may be vouched for by a seal."""
    return (
        authentication.message is not None
        and authentication.author is None
        and letter.route is Route.FORWARDED
        and letter.has_arc
        and authentication.message.sender_domain in AMAZON_DOMAINS
    )


def grade(
    reading: Reading, letter: Letter, authentication: Authentication, context: Context, chain: Chain = NO_CHAIN
) -> Verdict:
    """Return kind, grade and reason. Total: every combination has a named answer."""
    if reading.kind is Kind.FORWARDING_CONFIRMATION:
        return _grade_setup(reading, authentication)
    if letter.route is Route.BY_HAND:
        return grade_by_person(reading, authentication, context, is_nested=letter.is_nested)
    if letter.sender.rpartition("@")[2] not in AMAZON_DOMAINS:
        return _grade_stranger(reading, letter, authentication, context)
    if authentication.author is not None:
        return _grade_signed(reading, authentication, context)
    if chain.vouches and authentication.failure in _MENDED_BY_A_SEAL:
        return _grade_sealed(reading)
    if authentication.undecided or chain.seal is Seal.DNS_TROUBLE:
        is_waiting = reading.kind in ACTED_ON
        return Verdict(reading.kind, Grade.T, Reason.DNS_TROUBLE) if is_waiting else _ungraded(reading)
    return _grade_unproved(reading, letter, authentication.failure, chain)


def signed_recipient(authentication: Authentication) -> str | None:
    """Return the one address in a To that Amazon signed, lower case, or None."""
    if authentication.author is None or authentication.message is None:
        return None
    return parse_mailbox(authentication.message.get("to") or b"")


def _grade_signed(reading: Reading, authentication: Authentication, context: Context) -> Verdict:
    if reading.kind is Kind.PROBABLE_OPT_OUT and reading.reason not in _CONTRADICTIONS:
        return _ungraded(reading)
    if reading.kind not in ACTED_ON:
        return _ungraded(reading)
    if reading.reason in _CONTRADICTIONS:
        return Verdict(reading.kind, Grade.X, reading.reason)
    recipient = signed_recipient(authentication)
    if recipient is not None and context.is_inbound_address(recipient):
        return Verdict(reading.kind, Grade.A1, Reason.SIGNED_DIRECT)
    if recipient in context.mailboxes:
        return Verdict(reading.kind, Grade.A2, Reason.SIGNED_FORWARDED)
    if recipient is not None and context.our_domain and recipient.endswith(f"@{context.our_domain}"):
        return Verdict(reading.kind, Grade.X, Reason.ANOTHER_SELLERS_NOTICE)
    return Verdict(reading.kind, Grade.A3, Reason.SIGNED_UNKNOWN_MAILBOX)


def _grade_sealed(reading: Reading) -> Verdict:
    """Grade what a trusted forwarder vouches for: enough for this seller, never for all (INBOUND.md 3)."""
    if reading.kind not in ACTED_ON:
        return _ungraded(reading)
    if reading.reason in _CONTRADICTIONS:
        return Verdict(reading.kind, Grade.X, reading.reason)
    if reading.kind is Kind.PROBABLE_OPT_OUT:
        return _ungraded(reading)
    return Verdict(reading.kind, Grade.B, Reason.SEALED)


def _grade_unproved(reading: Reading, letter: Letter, failure: SignatureResult | None, chain: Chain) -> Verdict:
    """Grade a mail that names Amazon as its sender without a passing signature of Amazon's."""
    if failure is SignatureResult.NO_KEY:
        is_notice = reading.kind is Kind.OPT_OUT
        return Verdict(reading.kind, Grade.D, Reason.KEY_WITHDRAWN) if is_notice else _ungraded(reading)
    if failure in _DATED_WRONG:
        return Verdict(reading.kind, Grade.X if reading.kind in ACTED_ON else None, _DATED_WRONG[failure])
    if failure not in _LOST_ON_THE_WAY:
        return Verdict(Kind.FORGED, Grade.X, Reason.SIGNATURE_REFUSED)
    if letter.route is not Route.FORWARDED:
        return Verdict(Kind.FORGED, Grade.X, Reason.SIGNATURE_BROKEN if failure else Reason.NOT_SIGNED)
    if reading.kind is not Kind.OPT_OUT:
        return _ungraded(reading)
    return Verdict(reading.kind, Grade.D, _SEALS[chain.seal])


def grade_by_person(
    reading: Reading, authentication: Authentication, context: Context, *, is_nested: bool = False
) -> Verdict:
    """Grade what a person quotes or attaches: who is he? His own signature and his registered mailbox tell.

    What he quotes out of somebody else's mail (`is_nested`) is that person's word, and nobody knows him. A notice whose
    words are not attested in every point waits for a person, whoever forwards it.
    """
    if reading.reason in _CONTRADICTIONS:
        return Verdict(reading.kind, Grade.X, reading.reason)
    message = authentication.message
    is_mailbox = message is not None and message.sender in context.mailboxes
    is_known = is_mailbox and authentication.aligned is not None and not is_nested
    reason = Reason.FORWARDED_BY_REGISTERED if is_known else Reason.FORWARDED_BY_HAND
    if reading.kind is Kind.OPT_OUT:
        if is_mailbox and authentication.undecided:
            return Verdict(reading.kind, Grade.T, Reason.DNS_TROUBLE)
        return Verdict(reading.kind, Grade.C if is_known else Grade.D, reason)
    if reading.reason is Reason.QUOTED_SENTENCE:
        return Verdict(Kind.PROBABLE_OPT_OUT, None, reason)
    return Verdict(reading.kind, None, reason) if reading.kind in ACTED_ON else _ungraded(reading)


def grade_handed_in(verdict: Verdict, reading: Reading) -> Verdict:
    """Grade what a member uploaded: what Amazon signed proves itself, all else is her word (INBOUND.md 4.4).

    Her word does not mend a contradiction, nor a signature that was tampered with, and it does not vouch for a stranger
    who imitates Amazon. Whether the DNS answers is waited for, as always.
    """
    if verdict.grade in _ATTACHED:
        return replace(verdict, grade=_ATTACHED[verdict.grade], reason=_HANDED_IN[_ATTACHED[verdict.grade]])
    if verdict.reason is Reason.ANOTHER_SELLERS_NOTICE:
        return verdict
    is_doubtful = verdict.kind is Kind.FORGED and verdict.reason not in _NOT_SIGNED_BY_AMAZON
    if is_doubtful or verdict.grade is Grade.T or verdict.reason in _CONTRADICTIONS:
        return verdict
    if reading.kind is Kind.OPT_OUT and verdict.grade is not None:
        is_gone = verdict.reason is Reason.KEY_WITHDRAWN  # which is looked up once more, whatever the grade
        return Verdict(reading.kind, Grade.C, verdict.reason if is_gone else Reason.HANDED_IN)
    if verdict.kind is Kind.FORGED:
        return Verdict(reading.kind, None, Reason.HANDED_IN) if reading.kind in ACTED_ON else _ungraded(reading)
    return verdict


def _grade_stranger(reading: Reading, letter: Letter, authentication: Authentication, context: Context) -> Verdict:
    """Grade a mail of somebody who is not Amazon: Amazon's sentence under Amazon's subject imitates a notice.

    From a mailbox that the seller registered it is rather a forward without its marks: a person looks.
    """
    message = authentication.message
    if reading.reason is Reason.QUOTED_SENTENCE and message is not None and message.sender in context.mailboxes:
        return Verdict(Kind.PROBABLE_OPT_OUT, None, Reason.QUOTED_SENTENCE)
    if reading.reason is Reason.QUOTED_SENTENCE and by_subject(letter.subject):
        return Verdict(Kind.FORGED, Grade.X, Reason.IMITATION)
    return _ungraded(reading)


def _grade_setup(reading: Reading, authentication: Authentication) -> Verdict:
    if is_setup_proved(authentication) or reading.reason is Reason.LOOKS_LIKE_FORWARDING_REQUEST:
        return _ungraded(reading)
    if authentication.undecided:
        return Verdict(reading.kind, Grade.T, Reason.DNS_TROUBLE)
    return Verdict(Kind.FORGED, Grade.X, Reason.SETUP_NOT_SIGNED)


def is_setup_proved(authentication: Authentication) -> bool:
    """Whether the sender signed the mail and its recipient: a question to somebody else must not be shown here."""
    return authentication.aligned is not None and "to" in authentication.aligned.signed_headers


def _ungraded(reading: Reading) -> Verdict:
    return Verdict(reading.kind, None, reading.reason)
