"""What does this letter say? A rule: the inner letter -> a `Reading`.

Flow: unwrapping -> [parsing] -> grading. A reading is a claim about the words only; whether Amazon wrote them is
decided in `grading`. The field `X-Space-Notification-Type` is a perfect classifier and worthless as proof, for Amazon
does not sign it: it can make a letter *not* a notice, and raise an alarm about an unknown wording, and nothing else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from accounts.keys import ALIAS_DOMAINS, ALIAS_MARKETPLACES, marketplace_of_alias, normalise_alias
from optouts import notice_texts, shadow_texts, undelivered
from optouts.authenticity import AMAZON_DOMAINS
from optouts.forward_marks import without_prefixes
from optouts.mime import Parts
from optouts.other_causes import leaves_no_doubt, names_another_cause, says_message_undelivered
from optouts.rawgate import RawMessage, parse_mailbox
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation, find_confirmation, find_unknown, provider_of
from optouts.stop_words import asks_to_stop
from optouts.unwrapping import Letter, Route
from optouts.wording import mail_addresses, normalise

NOTICE_SENDERS: frozenset[str] = frozenset({"auto-communication@amazon.com", "auto-communication@amazon.co.jp"})
"""Who sends opt-out notices. Others are learnt in quarantine, never by themselves (INBOUND.md 4.3)."""

OPT_OUT_TYPE = "BUYER_OPTED_OUT_BSM_MESSAGES"
_TYPE_FIELD = "x-space-notification-type"
_MARKETPLACE_FIELD = "x-marketplace-id"
_MARKETPLACE_ID = re.compile(r"[A-Z0-9]{10,16}")
_WITH_SUBJECT = re.compile(r"[?&]subject=", re.IGNORECASE)
_MOST_OF_A_LINK = 1_000
_KNOWN_MARKETPLACES = frozenset(ALIAS_MARKETPLACES.values())
_UNREAD = {
    "application/ms-tnef": Reason.WINMAIL, "application/vnd.ms-tnef": Reason.WINMAIL,
    "application/vnd.ms-outlook": Reason.OUTLOOK_ITEM, "application/pkcs7-mime": Reason.ENCRYPTED,
    "application/x-pkcs7-mime": Reason.ENCRYPTED, "application/pgp-encrypted": Reason.ENCRYPTED,
}  # fmt: skip
_DOCUMENTS = frozenset(
    {"application/zip", "application/x-zip-compressed", "application/pdf", "application/gzip", "application/vnd.rar"}
    | {"application/x-7z-compressed"}
)
"""What may hold a notice and is never opened: those above, and documents and archives under the subject of one."""
_FORMER_FROM = ("x-original-from", "x-original-sender", "reply-to")
_BUYER_MESSAGE_TYPES = frozenset({"BBC_MESSAGE_SENT_TO_MERCHANT"})
_OTHER_MATTERS = frozenset(
    {"BBC_MESSAGE_CONFIRMATION_TO_MERCHANT", "BRC_SELLER_NOTIFICATION", "RETURN_REQUEST", "REFUND_ISSUED"}
    | {"A_Z_CLAIM_RESPONDENT_NOTIFY"}
)
"""Types that were seen (INBOUND.md 1.2): copies of the seller's own words, cancellations, returns, refunds, claims."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a letter says. Template and language are set for notices only.

    `promotable` is the shadow template that matched, whether it is promoted already or not. `is_marked`: a probable
    notice carries Amazon's mark of an opt-out.
    """

    kind: Kind
    reason: Reason
    order_id: str | None = None
    alias: str | None = None
    marketplace_id: str | None = None
    template: str | None = None
    language: str | None = None
    confirmation: Confirmation | None = None
    promotable: str | None = None
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the reader is told from outside: who sends notices, which shadow templates are live, what is our address."""

    senders: frozenset[str] = NOTICE_SENDERS
    promoted: frozenset[str] = frozenset()
    is_ours: Callable[[str], bool] = field(default=lambda address: False)


def parse(message: RawMessage, parts: Parts, letter: Letter, expected: Expectations) -> Reading:
    """Return what `letter` says. Never raises; exactly one kind, and a reason for it."""
    if parts.refusal is not None:
        return Reading(Kind.MALFORMED, Reason.UNREADABLE_PARTS)
    provider = provider_of(message.sender, letter.subject, letter.texts)
    if provider is not None:
        confirmation = find_confirmation(provider, letter.subject, letter.texts)
        reason = Reason.FORWARDING_REQUEST if confirmation.link else Reason.FORWARDING_REQUEST_WITHOUT_LINK
        return Reading(Kind.FORWARDING_CONFIRMATION, reason, confirmation=confirmation)
    listed = _written_anew(message, letter, expected)
    reading = _no_notice(message, parts, listed or letter) or _notice(message, listed or letter, expected)
    if reading.kind is Kind.OPT_OUT and message.get("list-id") is not None:
        return replace(reading, kind=Kind.PROBABLE_OPT_OUT, reason=Reason.MAILING_LIST)
    if reading.kind is Kind.PROBABLE_OPT_OUT:
        return replace(reading, is_marked=OPT_OUT_TYPE in _values(message, _TYPE_FIELD))
    if reading.reason is not Reason.NOTHING_ABOUT_OPT_OUT:
        return reading
    if unread := sorted(_UNREAD[kind] for kind in _UNREAD.keys() & parts.other_types):
        return Reading(Kind.MALFORMED, unread[0])
    if _DOCUMENTS & parts.other_types and _is_handed_on(letter):
        return Reading(Kind.MALFORMED, Reason.PACKED)
    question = find_unknown(letter.subject, letter.texts, expected.is_ours)
    if question is not None:
        return Reading(
            Kind.FORWARDING_CONFIRMATION, Reason.LOOKS_LIKE_FORWARDING_REQUEST, confirmation=question
        )  # fmt: skip
    return reading


def _written_anew(message: RawMessage, letter: Letter, expected: Expectations) -> Letter | None:
    """Return the letter under Amazon's own name, if a list of the seller's has put its address in the place of it.

    A group with an address such as orders@shop writes From anew, for its members' servers would refuse Amazon's there,
    and keeps the old one in another field, which anybody can write: like every mail of a list it is for a person.
    """
    if message.get("list-id") is None or _is_amazon(letter) or letter.route is Route.BY_HAND:
        return None
    kept = (parse_mailbox(value) for name in _FORMER_FROM if (value := message.get(name)))
    sender = next((address for address in kept if address in expected.senders), None)
    if sender is None:
        return None
    bare = tuple(without_prefixes(normalise(subject)) for subject in letter.subjects)  # a list adds its name
    return replace(letter, sender=sender, subjects=(*letter.subjects, *bare))


def _no_notice(message: RawMessage, parts: Parts, letter: Letter) -> Reading | None:
    """Return the reading of what can never be a notice, whatever sentence it holds."""
    if parts.content_type == "multipart/report" or "message/delivery-status" in parts.other_types:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.DELIVERY_REPORT)
    if b"auto-replied" in (message.get("auto-submitted") or b"").lower():
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.AUTOMATIC_REPLY)
    if message.get("list-id") is not None and not _is_amazon(letter):
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.MAILING_LIST)
    if letter.route is Route.REPLY:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.REPLY)
    types = _values(message, _TYPE_FIELD)
    if letter.sender.rpartition("@")[2] in ALIAS_DOMAINS or types & _BUYER_MESSAGE_TYPES:
        return _buyer_message(letter)
    if types - {OPT_OUT_TYPE}:
        about = None if types & _OTHER_MATTERS else _about_messages(letter, letter.flat_texts, types)
        return about or Reading(Kind.OTHER_AMAZON, Reason.ANOTHER_TYPE)
    return None


def _buyer_message(letter: Letter) -> Reading:
    """Read a buyer's own words: which order, and whether he asks not to be written to."""
    said = [*letter.said, *letter.flat_texts]
    ids = [found for text in (normalise(" ".join(letter.subjects)), *said) for found in shadow_texts.order_ids(text)]
    reason = Reason.BUYER_ASKS_TO_STOP if any(asks_to_stop(text) for text in letter.said) else Reason.BUYER_MESSAGE
    return Reading(
        Kind.BUYER_MESSAGE, reason, order_id=ids[0] if len(set(ids)) == 1 else None,
        alias=normalise_alias(letter.sender),
    )  # fmt: skip


def _notice(message: RawMessage, letter: Letter, expected: Expectations) -> Reading:
    flat = letter.flat_texts
    matches = [match for text in flat for match in notice_texts.find(text)]
    if not matches:
        return _without_sentence(message, letter, flat, expected)
    text = matches[0].text
    found = Reading(Kind.OPT_OUT, Reason.OPTED_OUT, template=text.name, language=text.language)
    order_ids = {match.order_id for match in matches}
    if len(order_ids) > 1 or not all(match.is_clear for match in matches):
        named = order_ids.pop() if len(order_ids) == 1 else None  # another id stands near: a person decides
        return replace(found, kind=Kind.PROBABLE_OPT_OUT, reason=Reason.ORDER_IDS_DISAGREE, order_id=named)
    found = replace(found, order_id=order_ids.pop())
    if letter.sender not in expected.senders:
        is_amazon = _is_amazon(letter)
        kind = Kind.PROBABLE_OPT_OUT if is_amazon or letter.route is Route.BY_HAND else Kind.NOT_AN_OPT_OUT
        reason = Reason.UNUSUAL_SENDER if is_amazon else Reason.QUOTED_SENTENCE
        return replace(_with_buyer(found, message, letter), kind=kind, reason=reason)
    if not any(text in notice_texts.by_subject(subject) for subject in letter.subjects):
        return replace(_with_buyer(found, message, letter), kind=Kind.PROBABLE_OPT_OUT, reason=Reason.UNKNOWN_SUBJECT)
    return _with_buyer(found, message, letter)


def _is_amazon(letter: Letter) -> bool:
    """Whether the letter names Amazon as its sender; a quoted one may do so by name alone."""
    return letter.sender.rpartition("@")[2] in AMAZON_DOMAINS or not letter.sender


def _with_buyer(found: Reading, message: RawMessage, letter: Letter) -> Reading:
    """Add alias and marketplace, and hold them against each other (the marketplace field is an unsigned hint)."""
    aliases = {alias for address in mail_addresses(letter.links) if (alias := normalise_alias(address))}
    if len(aliases) > 1:
        return replace(found, reason=Reason.TWO_BUYERS)
    alias = next(iter(aliases), None)
    hints = _values(message, _MARKETPLACE_FIELD) & _KNOWN_MARKETPLACES
    implied = marketplace_of_alias(alias) if alias else None
    if len(hints) > 1 or (hints and implied and implied not in hints):
        return replace(found, reason=Reason.MARKETPLACE_DISAGREES, alias=alias)
    return replace(found, alias=alias, marketplace_id=implied or next(iter(hints), None))


def _is_handed_on(letter: Letter) -> bool:
    """Whether the subject is that of a notice, whose words then stand in what is attached."""
    return any(
        notice_texts.by_subject(subject) or (shadow_texts.is_about_a_message(plain) and shadow_texts.fails(plain))
        for subject in letter.subjects
        if (plain := normalise(subject))
    )


def _without_sentence(message: RawMessage, letter: Letter, flat: tuple[str, ...], expected: Expectations) -> Reading:
    """Read a letter that holds no attested sentence."""
    if not _is_amazon(letter) and letter.route is not Route.BY_HAND:
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.NOTHING_ABOUT_OPT_OUT)
    headed = _below_subject(letter, flat)
    shadow = _shadow(message, letter, headed, expected)
    if shadow is not None:
        is_loose = headed is not flat and shadow.kind is Kind.OPT_OUT  # the words have to name their order to act
        return replace(shadow, kind=Kind.PROBABLE_OPT_OUT, reason=Reason.UNATTESTED_WORDING) if is_loose else shadow
    flat = headed
    if not _is_amazon(letter):
        if _may_be_quoted_bare(letter, flat):
            return _unknown(message, letter, flat, Reason.UNKNOWN_CAUSE)
        return Reading(Kind.NOT_AN_OPT_OUT, Reason.NOTHING_ABOUT_OPT_OUT)
    types = _values(message, _TYPE_FIELD)
    about = _about_messages(letter, flat, types)
    if about is not None:
        return about
    is_usual = not letter.sender or letter.sender.partition("@")[0] in {
        sender.partition("@")[0] for sender in expected.senders  # from another domain of Amazon's, too
    }
    is_marked = OPT_OUT_TYPE in types
    if is_marked or (is_usual and _is_suspicious(letter, flat)):
        return _unknown(message, letter, flat, Reason.UNKNOWN_WORDING if is_marked else Reason.UNKNOWN_CAUSE)
    has_other_cause = any(names_another_cause(text) for text in flat)
    if is_usual and not has_other_cause and any(notice_texts.by_subject(subject) for subject in letter.subjects):
        return Reading(Kind.PROBABLE_OPT_OUT, Reason.SUBJECT_ONLY)
    return Reading(Kind.OTHER_AMAZON, Reason.OTHER_AMAZON_MAIL)


def _below_subject(letter: Letter, flat: tuple[str, ...]) -> tuple[str, ...]:
    """Texts that name no order, below the subject if that names one: "Message for order 1-2-3 not delivered"."""
    subject = normalise(letter.subject)
    if any(map(shadow_texts.order_ids, flat)) or len(shadow_texts.order_ids(subject)) != 1:
        return flat
    return tuple(f"{subject} | {text}" for text in flat)


def _about_messages(letter: Letter, flat: tuple[str, ...], types: frozenset[str]) -> Reading | None:
    """Read what else Amazon says about the seller's messages; of its own words only.

    A machine type other than that of an opt-out makes a letter no notice of one, and says nothing against these: nobody
    has seen under which type Amazon sends them. Under that of an opt-out only the words that are known count.
    """
    if not _is_amazon(letter):
        return None
    for phrases in notice_texts.OTHER_PHRASES:
        if any(phrases.patterns.search(text) for text in (_about_orders(flat) if phrases.is_beside_order else flat)):
            return Reading(phrases.kind, phrases.reason)
    if OPT_OUT_TYPE in types:
        return None
    if any(map(undelivered.says_restricted, flat)):
        return Reading(Kind.RESTRICTED, Reason.ACCOUNT_RESTRICTED)
    causes = [cause for text in flat if (cause := undelivered.cause_beside_order(text)) is not None]
    return Reading(*causes[0]) if causes else None


def _unknown(message: RawMessage, letter: Letter, flat: tuple[str, ...], reason: Reason) -> Reading:
    ids = {found for text in flat for found in shadow_texts.order_ids(text)}
    found = Reading(Kind.PROBABLE_OPT_OUT, reason, order_id=ids.pop() if len(ids) == 1 else None)
    return replace(_with_buyer(found, message, letter), reason=reason)


def _may_be_quoted_bare(letter: Letter, flat: tuple[str, ...]) -> bool:
    """Whether a person forwards a notice without its header block: words of Amazon that deny something of a buyer."""
    if not any("amazon" in text for text in (*flat, *letter.subjects, *letter.links)):
        return False
    return not any(names_another_cause(text) for text in flat) and any(map(shadow_texts.denies_the_buyer, flat))


def _is_suspicious(letter: Letter, flat: tuple[str, ...]) -> bool:
    """Whether a letter of the notice sender about an order may be an opt-out in words that no template knows.

    Of what a person forwards by hand from that very address it is enough that it is about a message, for why else
    would he forward it here? A mail of Amazon's own must say that the message was not delivered, or deny something of
    its buyer, or show the way round an opt-out. Another cause beside the order rules it out.
    """
    if any(names_another_cause(text) for text in flat):
        return False
    if letter.route is Route.BY_HAND and letter.sender:
        subject = normalise(letter.subject)
        return any(shadow_texts.is_about_a_message(f"{near} | {subject}") for near in _beside_orders(flat))
    return _shows_the_way_round(letter, flat) or any(
        says_message_undelivered(text, letter.subject) or shadow_texts.denies_the_buyer(text) for text in flat
    )


def _shows_the_way_round(letter: Letter, flat: tuple[str, ...]) -> bool:
    """Whether a letter about an order links to its buyer with a subject begun: `mailto:alias?subject= [Important]`.

    Amazon writes so where a buyer has opted out (INBOUND.md 1.1), whatever the language.
    """
    begun = [link for link in letter.links if _WITH_SUBJECT.search(link[:_MOST_OF_A_LINK])]
    buyers = [address for address in mail_addresses(tuple(begun)) if normalise_alias(address)]
    return bool(buyers) and any(shadow_texts.order_ids(text) for text in flat)


def _about_orders(flat: tuple[str, ...]) -> tuple[str, ...]:
    """What stands beside the orders that a letter names; all of it when it names none."""
    return _beside_orders(flat) or flat


def _beside_orders(flat: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(near for text in flat for near in shadow_texts.surroundings(text))


def _shadow(message: RawMessage, letter: Letter, flat: tuple[str, ...], expected: Expectations) -> Reading | None:
    """Return the reading of a text that resembles a notice; of a promoted template it is one."""
    matches = [match for text in flat for match in shadow_texts.find(text, letter.subjects)]
    if not matches:
        return None
    text = matches[0].text
    found = Reading(Kind.PROBABLE_OPT_OUT, Reason.UNATTESTED_WORDING, language=text.language, promotable=text.name)
    order_ids = {match.order_id for match in matches}
    if len(order_ids) > 1 or not all(match.is_clear for match in matches):
        return replace(found, reason=Reason.ORDER_IDS_DISAGREE)
    found = replace(found, order_id=order_ids.pop(), template=text.name)
    with_buyer = _with_buyer(found, message, letter)
    if text.name not in expected.promoted or not all(map(leaves_no_doubt, flat)):
        return replace(with_buyer, reason=found.reason)  # loose words must not act by themselves where there is a doubt
    if letter.sender not in expected.senders:
        return replace(with_buyer, reason=Reason.UNUSUAL_SENDER)
    if not any(shadow_texts.says_undelivered(text, subject) for subject in letter.subjects):
        return replace(with_buyer, reason=Reason.UNKNOWN_SUBJECT)
    reason = with_buyer.reason if with_buyer.reason is not Reason.UNATTESTED_WORDING else Reason.OPTED_OUT
    return replace(with_buyer, kind=Kind.OPT_OUT, reason=reason)


def _values(message: RawMessage, name: str) -> frozenset[str]:
    """Return every value of an unsigned field: a second one, added on the way, must not hide the first."""
    return frozenset(value.decode("ascii", "replace").strip().upper()[:100] for value in message.all(name))
