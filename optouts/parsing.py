"""What does this letter say? A rule: the inner letter -> a `Reading`.

Flow: unwrapping -> [parsing] -> grading. A reading is a claim about the words only; whether Amazon wrote them is
decided in `grading`. The field `X-Space-Notification-Type` is a perfect classifier and worthless as proof, for Amazon
does not sign it: it can make a letter *not* a notice, and raise an alarm about an unknown wording, and nothing else.
"""

import re
from dataclasses import dataclass

from accounts.keys import ALIAS_DOMAINS, ALIAS_MARKETPLACES, marketplace_of_alias, normalise_alias
from optouts import notice_texts
from optouts.authenticity import AMAZON_DOMAINS
from optouts.mime import Parts
from optouts.rawgate import RawMessage
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation, find_confirmation, is_setup_sender
from optouts.unwrapping import Letter, Route
from optouts.wording import mail_addresses

NOTICE_SENDERS: frozenset[str] = frozenset({"auto-communication@amazon.com", "auto-communication@amazon.co.jp"})
"""Who sends opt-out notices. Others are learnt in quarantine, never by themselves (INBOUND.md 4.3)."""

OPT_OUT_TYPE = "BUYER_OPTED_OUT_BSM_MESSAGES"
_TYPE_FIELD = "x-space-notification-type"
_MARKETPLACE_FIELD = "x-marketplace-id"
_MARKETPLACE_ID = re.compile(r"[A-Z0-9]{10,16}")
_KNOWN_MARKETPLACES = frozenset(ALIAS_MARKETPLACES.values())
_BUYER_MESSAGE_TYPES = frozenset({"BBC_MESSAGE_SENT_TO_MERCHANT"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a letter says. Order, alias and template are set for notices only."""

    kind: Kind
    reason: Reason
    order_id: str | None = None
    alias: str | None = None
    marketplace_id: str | None = None
    template: str | None = None
    language: str | None = None
    confirmation: Confirmation | None = None


def parse(message: RawMessage, parts: Parts, letter: Letter, senders: frozenset[str] = NOTICE_SENDERS) -> Reading:
    """Return what `letter` says. Never raises; exactly one kind, and a reason for it."""
    if parts.refusal is not None:
        return Reading(Kind.MALFORMED, Reason.UNREADABLE_PARTS)
    if is_setup_sender(message.sender):
        confirmation = find_confirmation(letter.subject, letter.texts)
        reason = Reason.FORWARDING_REQUEST if confirmation.link else Reason.FORWARDING_REQUEST_WITHOUT_LINK
        return Reading(Kind.FORWARDING_CONFIRMATION, reason, confirmation=confirmation)
    return _no_notice(message, parts, letter) or _notice(message, letter, senders)


def _no_notice(message: RawMessage, parts: Parts, letter: Letter) -> Reading | None:
    """Return the reading of what can never be a notice, whatever sentence it holds."""
    if parts.content_type == "multipart/report" or "message/delivery-status" in parts.other_types:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.DELIVERY_REPORT)
    if b"auto-replied" in (message.get("auto-submitted") or b"").lower():
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.AUTOMATIC_REPLY)
    if message.get("list-id") is not None:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.MAILING_LIST)
    if letter.route is Route.REPLY:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.REPLY)
    types = _values(message, _TYPE_FIELD)
    if message.sender_domain in ALIAS_DOMAINS or types & _BUYER_MESSAGE_TYPES:
        return Reading(Kind.BUYER_MESSAGE, Reason.BUYER_MESSAGE)
    if types - {OPT_OUT_TYPE}:
        return Reading(Kind.OTHER_AMAZON, Reason.ANOTHER_TYPE)
    return None


def _notice(message: RawMessage, letter: Letter, senders: frozenset[str]) -> Reading:
    flat = letter.flat_texts
    matches = [match for text in flat for match in notice_texts.find(text)]
    if not matches:
        return _without_sentence(message, letter, flat, senders)
    text = matches[0].text
    found = Reading(Kind.OPT_OUT, Reason.OPTED_OUT, template=text.name, language=text.language)
    order_ids = {match.order_id for match in matches}
    if len(order_ids) > 1 or not all(match.is_clear for match in matches):
        return _with(found, Kind.PROBABLE_OPT_OUT, Reason.ORDER_IDS_DISAGREE)
    found = _with(found, found.kind, found.reason, order_id=order_ids.pop())
    if letter.sender not in senders:
        is_amazon = letter.sender.rpartition("@")[2] in AMAZON_DOMAINS
        kind = Kind.PROBABLE_OPT_OUT if is_amazon else Kind.NOT_AN_OPT_OUT
        return _with(found, kind, Reason.UNUSUAL_SENDER if is_amazon else Reason.QUOTED_SENTENCE)
    if text not in notice_texts.by_subject(letter.subject):
        return _with(found, Kind.PROBABLE_OPT_OUT, Reason.UNKNOWN_SUBJECT)
    return _with_buyer(found, message, letter)


def _with_buyer(found: Reading, message: RawMessage, letter: Letter) -> Reading:
    """Add alias and marketplace, and hold them against each other (the marketplace field is an unsigned hint)."""
    aliases = {alias for address in mail_addresses(letter.links) if (alias := normalise_alias(address))}
    if len(aliases) > 1:
        return _with(found, Kind.OPT_OUT, Reason.TWO_BUYERS)
    alias = next(iter(aliases), None)
    hints = _values(message, _MARKETPLACE_FIELD) & _KNOWN_MARKETPLACES
    implied = marketplace_of_alias(alias) if alias else None
    if len(hints) > 1 or (hints and implied and implied not in hints):
        return _with(found, Kind.OPT_OUT, Reason.MARKETPLACE_DISAGREES, alias=alias)
    return _with(found, Kind.OPT_OUT, Reason.OPTED_OUT, alias=alias, marketplace_id=implied or next(iter(hints), None))


def _without_sentence(
    message: RawMessage, letter: Letter, flat: tuple[str, ...], senders: frozenset[str]
) -> Reading:
    if letter.sender.rpartition("@")[2] not in AMAZON_DOMAINS:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.NOTHING_ABOUT_OPT_OUT)
    if any(phrase in text for text in flat for phrase in notice_texts.RESTRICTED_PHRASES):
        return Reading(Kind.RESTRICTED, Reason.ACCOUNT_RESTRICTED)
    if any(phrase in text for text in flat for phrase in notice_texts.BLOCKED_PHRASES):
        return Reading(Kind.BLOCKED_FOR_CONTENT, Reason.CONTENT_BLOCKED)
    if OPT_OUT_TYPE in _values(message, _TYPE_FIELD):
        return Reading(Kind.PROBABLE_OPT_OUT, Reason.UNKNOWN_WORDING)
    if letter.sender in senders and notice_texts.by_subject(letter.subject):
        return Reading(Kind.PROBABLE_OPT_OUT, Reason.SUBJECT_ONLY)
    return Reading(Kind.OTHER_AMAZON, Reason.OTHER_AMAZON_MAIL)


def _values(message: RawMessage, name: str) -> frozenset[str]:
    """Return every value of an unsigned field: a second one, added on the way, must not hide the first."""
    return frozenset(value.decode("ascii", "replace").strip().upper()[:100] for value in message.all(name))


def _with(
    reading: Reading, kind: Kind, reason: Reason, *,
    order_id: str | None = None, alias: str | None = None, marketplace_id: str | None = None,
) -> Reading:  # fmt: skip
    return Reading(
        kind, reason, order_id or reading.order_id, alias or reading.alias, marketplace_id or reading.marketplace_id,
        reading.template, reading.language,
    )  # fmt: skip
