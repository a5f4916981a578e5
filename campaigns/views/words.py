"""A campaign in words: what it sends, to which orders, and what always stands in front of it. Pure."""

from dataclasses import dataclass
from typing import Final

from amazon.marketplaces import MARKETPLACES
from campaigns.eligibility import Reason, Verdict
from campaigns.eligibility.conditions import YesNo
from campaigns.eligibility.timing import WEEKDAYS, Anchor, spoken
from campaigns.models import Campaign, Rule
from campaigns.terms import condition_of, timing_of
from messaging.models import Channel

CHANNELS: Final[dict[Channel, str]] = {
    Channel.REQUEST_REVIEW: (
        "Amazon writes to the buyer, in the buyer's language, and asks for a product review and seller feedback. You "
        "cannot change the text, and Amazon sends it once per order."
    ),
    Channel.BUYER_EMAIL: (
        "Your own letter, sent through Amazon's Buyer-Seller Messaging to the buyer's anonymous address. It needs your "
        "sender address for each marketplace, as it is approved in Seller Central."
    ),
}
LANGUAGES: Final = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "sv": "Swedish", "tr": "Turkish",
}
GUARDS: Final[tuple[Reason, ...]] = (
    Reason.NOT_SUPPRESSED, Reason.NOT_EXCLUDED, Reason.ONE_REQUEST, Reason.INSIDE_WINDOW, Reason.DELIVERY_KNOWN,
    Reason.SHIPPED, Reason.NOT_CANCELLED, Reason.MARKETPLACE_USED,
)
GUARDS_OF_LETTERS: Final = (Reason.BUYER_CAN_BE_REACHED, Reason.SENDER_ENTERED, Reason.LETTER_KEEPS_RULES)
VERDICTS: Final[dict[Verdict, str]] = {
    Verdict.ELIGIBLE: "Eligible: a message was planned",
    Verdict.LATER: "Not yet: looked at again by itself",
    Verdict.NOT_ELIGIBLE: "Not eligible",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What the page of a campaign says besides its numbers."""

    channel: str
    timing: str
    rules: tuple[str, ...]
    guards: tuple[str, ...]


def words_for(campaign: Campaign) -> Words:
    """Describe a campaign whose rules are loaded."""
    letters = campaign.channel == Channel.BUYER_EMAIL
    return Words(
        channel=CHANNELS[Channel(campaign.channel)],
        timing=timing(campaign),
        rules=tuple(_rule(rule) for rule in campaign.rules.all()) or ("Every order",),
        guards=tuple(reason.value for reason in (*GUARDS, *(GUARDS_OF_LETTERS if letters else ()))),
    )


def timing(campaign: Campaign) -> str:
    """For a list: "7 days after delivery, at 10:00"."""
    wanted = timing_of(campaign)
    when = f", at {wanted.send_at:%H:%M} marketplace time" if wanted.send_at else ", as soon as due"
    days = [name[:3] for number, name in enumerate(WEEKDAYS) if number in wanted.weekdays]
    on = "" if len(days) == len(WEEKDAYS) else f", on {', '.join(days)}"
    return f"{spoken(wanted.delay)} after {'' if wanted.after is Anchor.DELIVERY else 'the '}{wanted.after}{when}{on}"


def language_name(code: str) -> str:
    return LANGUAGES.get(code, code)


def marketplaces_speaking(code: str) -> list[str]:
    """The ids of all marketplaces whose language this is."""
    return [marketplace.id for marketplace in MARKETPLACES if marketplace.language == code]


def _rule(rule: Rule) -> str:
    condition = condition_of(rule)
    label, wanted = Rule.Kind(rule.kind).label, condition.wanted()
    if isinstance(condition, YesNo):
        return f"{label}: {'no' if condition.is_not else 'yes'}"
    return f"{label}: {'not ' if condition.is_not else ''}{wanted}"
