"""A no in one sentence: what stands after "Not written to:", and on a message that is taken back. Pure.

Works on checks as they are stored (`Check.to_json`).
"""

from collections.abc import Sequence
from typing import Any, Final

from campaigns.eligibility.checks import NOT_TOLD, Reason

# Of several "no"s the one that a seller has to know first stands first. A plain question has two sentences: for an
# order that is so, and for one that is not.
WHY_NOT: Final[dict[Reason, str | tuple[str, str]]] = {
    Reason.NOT_SUPPRESSED: "{actual}",
    Reason.NOT_EXCLUDED: "{actual}",
    Reason.NOT_CANCELLED: "the order is {actual}",
    Reason.CANCELLATION_ASKED: (
        "the buyer has asked to cancel the order",
        "the buyer has not asked to cancel the order",
    ),
    Reason.REFUNDED: ("the order was refunded", "the order was not refunded"),
    Reason.RETURNED: ("the order was returned", "the order was not returned"),
    Reason.REPLACEMENT: ("the order is a replacement or an exchange", "the order is no replacement or exchange"),
    Reason.MARKETPLACE_USED: "this marketplace is not in use",
    Reason.SHIPPED: "the order has not been shipped ({actual})",
    Reason.DELIVERY_KNOWN: "the delivery date is not known yet",
    Reason.INSIDE_WINDOW: "it is too late by Amazon's rules: {actual}, and it must be {expected}",
    Reason.ONE_REQUEST: "another campaign has this order: {actual}",
    Reason.SENDER_ENTERED: "your sender address for this marketplace is not entered",
    Reason.BUYER_CAN_BE_REACHED: "Amazon has given no address for the buyer",
    Reason.TEMPLATE_FOUND: "the campaign has no template in the marketplace's language",
    Reason.LETTER_KEEPS_RULES: "its letter would break Amazon's text rules ({actual})",
    Reason.MARKETPLACE_CHOSEN: "the campaign is for other marketplaces",
    Reason.SINCE_STARTED: "it was ordered before the campaign takes orders: {actual}, and it must be {expected}",
    Reason.START_KNOWN: "{expected}, from which the campaign counts, is not known yet",
    Reason.INSIDE_ACTIVE_DATES: "the campaign ends before: {actual}, and it must be {expected}",
    Reason.FULFILLED_BY: "the campaign is for orders fulfilled by {expected}, and this one is fulfilled by {actual}",
    Reason.PROMOTION: ("a promotion or discount was used", "no promotion or discount was used"),
    Reason.BUSINESS: ("it is a business order", "it is no business order"),
    Reason.PRIME: ("it is a Prime order", "it is no Prime order"),
    Reason.GIFT: ("it is a gift", "it is no gift"),
    Reason.DOMESTIC: ("it goes to the marketplace's own country", "it goes to another country than the marketplace's"),
    Reason.REPEAT_BUYER: ("the buyer has bought from you before", "the buyer has not bought from you before"),
    Reason.SHIPPED_LATE: ("it was shipped late", "it was not shipped late"),
    Reason.DELIVERED_LATE: ("it was delivered late", "it was not delivered late"),
    Reason.NEGATIVE_FEEDBACK: ("the buyer left negative feedback", "the buyer left no negative feedback"),
    Reason.CAMPAIGN_ACTIVE: "the campaign is not on ({actual})",
}
_RANKS: Final = {str(reason): rank for rank, reason in enumerate(WHY_NOT)}
_LAST: Final = str(Reason.CAMPAIGN_ACTIVE)  # a campaign that is off says nothing about the order


def why_not(failed: Sequence[dict[str, Any]]) -> str:
    """The foremost of these checks, of which there is at least one, as the end of a sentence."""
    check = min(failed, key=lambda check: (check["reason"] == _LAST, _RANKS.get(check["reason"], len(_RANKS))))
    words = WHY_NOT[Reason(check["reason"])] if check["reason"] in _RANKS else None
    if isinstance(words, tuple) and check["actual"] != NOT_TOLD:
        words = words[check["actual"] != "so"]
    if not isinstance(words, str):
        words = "{reason}: it must be {expected}, and it is {actual}"
        if check["actual"] == NOT_TOLD:
            words = "{reason}: Amazon has not told, and it must be {expected}"
    return words.format(reason=check["reason"], expected=check["expected"], actual=check["actual"])
