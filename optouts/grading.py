"""How well is it proved? A rule: what the words say x what the signatures prove -> a grade with its reason.

Flow: parsing -> [grading] -> order match -> decisions. The signed To is what binds a notice to a seller: Amazon signs
it, so a notice stolen from another seller cannot be shown here as one's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from optouts.authenticity import AMAZON_DOMAINS, Authentication, SignatureResult
from optouts.decisions import Grade
from optouts.notice_texts import by_subject
from optouts.parsing import NOTICE_SENDERS, Reading
from optouts.rawgate import parse_mailbox
from optouts.reasons import Kind, Reason
from optouts.unwrapping import Letter, Route

ACTED_ON = frozenset({Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT, Kind.RESTRICTED, Kind.BLOCKED_FOR_CONTENT})
_CONTRADICTIONS = frozenset({Reason.TWO_BUYERS, Reason.MARKETPLACE_DISAGREES, Reason.ORDER_IDS_DISAGREE})
_DATED_WRONG = {
    SignatureResult.TOO_OLD: Reason.TOO_OLD,
    SignatureResult.FROM_THE_FUTURE: Reason.FROM_THE_FUTURE,
}
_LOST_ON_THE_WAY = frozenset({None, SignatureResult.FAILED})


@dataclass(frozen=True, slots=True)
class Context:
    """What the seller's side knows when a mail is examined.

    `is_inbound_address` answers whether an address (lower case) is one of this seller's own inbound addresses.
    `mailboxes` are his registered and confirmed mailboxes, lower case. `now` is the time of receipt.
    """

    is_inbound_address: Callable[[str], bool]
    mailboxes: frozenset[str]
    now: datetime
    notice_senders: frozenset[str] = NOTICE_SENDERS


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reading with its grade. `grade` is None for what needs none, or waits for a person to say what it is."""

    kind: Kind
    grade: Grade | None
    reason: Reason


def grade(reading: Reading, letter: Letter, authentication: Authentication, context: Context) -> Verdict:
    """Return kind, grade and reason. Total: every combination has a named answer."""
    if reading.kind is Kind.FORWARDING_CONFIRMATION:
        return _grade_setup(reading, authentication)
    if letter.route is Route.BY_HAND:
        return _grade_by_hand(reading)
    if letter.sender.rpartition("@")[2] not in AMAZON_DOMAINS:
        return _grade_stranger(reading, letter)
    if authentication.author is not None:
        return _grade_signed(reading, authentication, context)
    if authentication.undecided:
        is_waiting = reading.kind in ACTED_ON
        return Verdict(reading.kind, Grade.T, Reason.DNS_TROUBLE) if is_waiting else _ungraded(reading)
    return _grade_unproved(reading, letter, authentication.failure)


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
    return Verdict(reading.kind, Grade.A3, Reason.SIGNED_UNKNOWN_MAILBOX)


def _grade_unproved(reading: Reading, letter: Letter, failure: SignatureResult | None) -> Verdict:
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
    return Verdict(reading.kind, Grade.D, Reason.SEAL_NOT_EXAMINED if letter.has_arc else Reason.BROKEN_BY_FORWARDER)


def _grade_by_hand(reading: Reading) -> Verdict:
    """Grade what a person quotes. Words that we do not know, under the name of Amazon's notices, are probable ones."""
    if reading.kind is Kind.OPT_OUT:
        return Verdict(reading.kind, Grade.D, Reason.FORWARDED_BY_HAND)
    if reading.reason in (Reason.OTHER_AMAZON_MAIL, Reason.QUOTED_SENTENCE):
        return Verdict(Kind.PROBABLE_OPT_OUT, None, Reason.FORWARDED_BY_HAND)
    return Verdict(reading.kind, None, Reason.FORWARDED_BY_HAND) if reading.kind in ACTED_ON else _ungraded(reading)


def _grade_stranger(reading: Reading, letter: Letter) -> Verdict:
    """Grade a mail of somebody who is not Amazon: Amazon's sentence under Amazon's subject imitates a notice."""
    if reading.reason is Reason.QUOTED_SENTENCE and by_subject(letter.subject):
        return Verdict(Kind.FORGED, Grade.X, Reason.IMITATION)
    return _ungraded(reading)


def _grade_setup(reading: Reading, authentication: Authentication) -> Verdict:
    if authentication.aligned is not None:
        return _ungraded(reading)
    if authentication.undecided:
        return Verdict(reading.kind, Grade.T, Reason.DNS_TROUBLE)
    return Verdict(Kind.FORGED, Grade.X, Reason.SETUP_NOT_SIGNED)


def _ungraded(reading: Reading) -> Verdict:
    return Verdict(reading.kind, None, reading.reason)
