"""How an Amazon account's authorisation stands, in words. A rule: no rows, no clock.

Amazon ends an authorisation after 365 days (AMAZON.md 1.8), it can be taken back at any time, and it may lack a role:
then some calls are denied and the others are not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.choices import Choices

AUTHORISED_FOR: Final = timedelta(days=365)
REMINDERS: Final = (30, 14, 3)  # days before the end, each mailed once


class Ability(Choices):
    """What a role allows."""

    READ_ORDERS = "read_orders", "reading orders"
    REQUEST_REVIEWS = "request_reviews", "Request a Review"
    ORDER_MESSAGES = "order_messages", "order messages"
    BUYER_LANGUAGE = "buyer_language", "asking for buyers' languages"


ROLES: Final[dict[str, str]] = {
    Ability.READ_ORDERS: "Inventory and Order Tracking",
    Ability.REQUEST_REVIEWS: "Buyer Solicitation",
    Ability.ORDER_MESSAGES: "Buyer Communication",
    Ability.BUYER_LANGUAGE: "Buyer Communication",
}
"""Amazon's names of the roles, as Seller Central shows them."""

WITHOUT: Final[dict[str, str]] = {
    Ability.READ_ORDERS: "no new orders are read, so nothing new is sent",
    Ability.REQUEST_REVIEWS: "no reviews are requested; what waits is held, not lost",
    Ability.ORDER_MESSAGES: "order messages cannot be sent; Buyer-Seller e-mail goes on",
    Ability.BUYER_LANGUAGE: "buyers' languages cannot be asked for; letters take that of their marketplace",
}


@dataclass(frozen=True, slots=True)
class Health:
    """`days_left` counts to the end of the authorisation, at least 0; None where there is none."""

    days_left: int | None
    missing: tuple[str, ...]  # sentences, one for each role that is missing

    @property
    def is_ending(self) -> bool:
        """Is it time to connect again?"""
        return self.days_left is not None and self.days_left <= REMINDERS[0]

    @property
    def ending(self) -> str:
        """The end in words."""
        if not self.days_left:
            return "Amazon's authorisation ends today"
        return f"Amazon's authorisation ends in {self.days_left} day{'s' * (self.days_left != 1)}"


def health(authorised_at: datetime | None, denied: Iterable[str], *, now: datetime) -> Health:
    """`authorised_at`: when the authorisation in force was given; None: there is none."""
    missing = tuple(
        f"The role “{ROLES[ability]}” is missing: {WITHOUT[ability]}. Add it in Seller Central and connect again."
        for ability in Ability.values
        if ability in set(denied)
    )
    if authorised_at is None:
        return Health(None, missing)
    return Health(max(0, (authorised_at + AUTHORISED_FOR - now).days), missing)


def reminder_due(days_left: int, reminded: int | None) -> int | None:
    """Which reminder to send: 30, 14 or 3 days before; None: none, or it has been sent."""
    due = min((days for days in REMINDERS if days_left <= days), default=None)
    return due if due is not None and (reminded is None or due < reminded) else None
