"""What a check is, and the names of all of them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

NOT_TOLD: Final = "Amazon has not told"


class Reason(StrEnum):
    """What a check is about, as a page says it. The guards first, then the rules that a campaign may have."""

    CAMPAIGN_ACTIVE = "The campaign is active"
    MARKETPLACE_USED = "The marketplace is in use"
    NOT_SUPPRESSED = "The buyer has not opted out"
    NOT_EXCLUDED = "Your team has not excluded it"
    NOT_CANCELLED = "The order is not cancelled"
    SHIPPED = "The order has been shipped"
    DELIVERY_KNOWN = "The delivery date is known"
    INSIDE_WINDOW = "Inside Amazon's time for this order"
    ONE_REQUEST = "No other message for this order"
    BUYER_CAN_BE_REACHED = "Amazon has given an address for the buyer"
    SENDER_ENTERED = "Your sender address is entered for this marketplace"

    MARKETPLACE_CHOSEN = "The campaign is for this marketplace"
    SINCE_STARTED = "Ordered since the campaign takes orders"
    START_KNOWN = "The day that the delay counts from is known"
    INSIDE_ACTIVE_DATES = "Before the campaign's last day"
    TEMPLATE_FOUND = "There is a template in the buyer's language"
    LETTER_KEEPS_RULES = "Its letter keeps Amazon's text rules"

    FULFILLED_BY = "Fulfilled by"
    SKU = "SKU"
    ASIN = "ASIN"
    ITEM_CONDITION = "Condition of the item"
    QUANTITY = "Number of units"
    ITEM_VALUE = "Price of an item"
    ORDER_VALUE = "Value of the order"
    PROMOTION = "A promotion or discount was used"
    BUSINESS = "A business order"
    PRIME = "A Prime order"
    GIFT = "A gift"
    REPLACEMENT = "A replacement or an exchange"
    COUNTRY = "Country it goes to"
    DOMESTIC = "Goes to the marketplace's own country"
    REPEAT_BUYER = "Bought from you before"
    SHIPPED_LATE = "Shipped late"
    DELIVERED_LATE = "Delivered late"
    REFUNDED = "Refunded"
    RETURNED = "Returned"
    CANCELLATION_ASKED = "The buyer has asked to cancel"
    ORDERED_BETWEEN = "Ordered between"
    NEGATIVE_FEEDBACK = "Left negative feedback"
    LANGUAGE = "Language of the buyer"


class Verdict(StrEnum):
    ELIGIBLE = "eligible"
    LATER = "later"  # all that says no may still turn; the order is decided again when it changes
    NOT_ELIGIBLE = "not_eligible"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison, with the values compared. `may_turn`: what says no now may say yes when the order moves on."""

    reason: Reason
    passed: bool
    expected: str
    actual: str
    is_guard: bool = True  # no campaign can switch it off
    may_turn: bool = False
    until: datetime | None = None  # when looking again makes sense; None: when the order or the campaign changes

    def to_json(self) -> dict[str, Any]:
        """As stored with the follow-up: plain values."""
        return {
            "reason": str(self.reason),
            "passed": self.passed,
            "expected": self.expected,
            "actual": self.actual,
            "is_guard": self.is_guard,
            "may_turn": self.may_turn,
            "until": self.until.isoformat() if self.until else None,
        }
