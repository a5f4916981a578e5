"""Is this order to be followed up by this campaign, when, and why? The one engine that plans and explains. Pure.

`decide` makes every check, also after one has said no, so that a page can show all of them with their values. What is
a rule of the campaign may be changed by the seller; what is a guard (cancelled, excluded from Amazon's window, opted
out, already asked) may not.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from orders.facts import OrderFacts

EARLIEST_AFTER_DELIVERY: Final = timedelta(days=5)  # Amazon's window for a review request (AMAZON.md 1.2)
LATEST_AFTER_DELIVERY: Final = timedelta(days=30)  # and for any proactive message (AMAZON.md 6)


class Reason(StrEnum):
    """What a check is about, as a page says it."""

    CAMPAIGN_ACTIVE = "The campaign is active"
    MARKETPLACE_USED = "The marketplace is in use"
    NOT_CANCELLED = "The order is not cancelled"
    NO_CANCELLATION_ASKED = "The buyer has not asked to cancel"
    SHIPPED = "The order has been shipped"
    NOT_A_REPLACEMENT = "The order is no replacement or exchange"
    FULFILLED_BY = "Fulfilled by"
    BUYER_CAN_BE_REACHED = "Amazon has given an address for the buyer"
    SENDER_ENTERED = "Your sender address is entered for this marketplace"
    TEMPLATE_FOUND = "There is a template in the marketplace's language"
    NOT_SUPPRESSED = "The buyer has not opted out"
    NOT_EXCLUDED = "Your team has not excluded it"
    ONE_REQUEST = "No other message for this order"
    DELIVERY_KNOWN = "The delivery date is known"
    INSIDE_WINDOW = "Inside Amazon's time for this order"


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

    def to_json(self) -> dict[str, Any]:
        """As stored with the follow-up: plain values."""
        return asdict(self) | {"reason": self.reason.value}


@dataclass(frozen=True, slots=True)
class Terms:
    """A campaign as the engine sees it."""

    name: str
    is_active: bool
    asks_by_letter: bool  # Buyer-Seller e-mail; else Request a Review
    delay: timedelta  # after delivery
    send_at: time | None  # in the marketplace's time zone; None: as soon as due
    fulfilled_by: str | None = None  # "amazon" or "merchant"; None: both


@dataclass(frozen=True, slots=True)
class Standing:
    """What other tables say of the order at this moment."""

    time_zone: str
    is_marketplace_used: bool = True
    has_sender: bool = True
    template: str | None = "en"  # the language of the template that would be used; None: there is none
    suppressed: str | None = None  # the reason, if the buyer is on the list
    excluded: str | None = None  # the reason, if the seller has excluded the order, its buyer or what was bought
    taken_by: str | None = None  # the campaign whose message this order has already


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    checks: tuple[Check, ...]
    due_at: datetime | None = None
    expires_at: datetime | None = None


def decide(facts: OrderFacts, standing: Standing, terms: Terms, *, now: datetime) -> Decision:
    """Make every check and say what follows. Same values in, same decision out."""
    due_at, expires_at = when(facts, standing, terms, not_before=now)
    checks = (
        *_about_the_campaign(facts, standing, terms),
        *_about_the_order(facts),
        *_about_the_buyer(facts, standing, terms),
        _delivery_known(facts),
        _inside_window(facts, due_at, expires_at),
    )
    failed = [check for check in checks if not check.passed]
    if not failed:
        return Decision(Verdict.ELIGIBLE, checks, due_at, expires_at)
    return Decision(Verdict.LATER if all(check.may_turn for check in failed) else Verdict.NOT_ELIGIBLE, checks)


def when(
    facts: OrderFacts, standing: Standing, terms: Terms, *, not_before: datetime
) -> tuple[datetime | None, datetime | None]:
    """When it is due and when it is too late; both None while the delivery is not known.

    What ought to have been sent in the past is due at the first fitting moment from `not_before` on.
    """
    if facts.delivered_at is None:
        return None, None
    due_at = facts.delivered_at + terms.delay
    if not terms.asks_by_letter:
        due_at = max(due_at, facts.delivered_at + EARLIEST_AFTER_DELIVERY)
    expires_at = (facts.deliver_by_earliest or facts.delivered_at) + LATEST_AFTER_DELIVERY
    return at_time_of_day(max(due_at, min(not_before, expires_at)), terms.send_at, standing.time_zone), expires_at


def at_time_of_day(instant: datetime, wanted: time | None, time_zone: str) -> datetime:
    """The first moment at or after `instant` at which clocks in this zone show `wanted`, in UTC.

    On the night when clocks go forward an hour that does not exist becomes the one after it; when they go back, the
    first of the two counts (PEP 495).
    """
    if wanted is None:
        return instant
    local = instant.astimezone(ZoneInfo(time_zone))
    moment = local.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0, fold=0)
    for days in range(3):
        candidate = (moment + timedelta(days=days)).astimezone(UTC)
        if candidate >= instant:
            return candidate
    raise AssertionError("no day has more than 25 hours")


def _about_the_campaign(facts: OrderFacts, standing: Standing, terms: Terms) -> list[Check]:
    checks = [
        Check(Reason.CAMPAIGN_ACTIVE, terms.is_active, "active", "active" if terms.is_active else "not active"),
        Check(
            Reason.MARKETPLACE_USED,
            standing.is_marketplace_used,
            "in use",
            "in use" if standing.is_marketplace_used else "not in use",
        ),
    ]
    if terms.fulfilled_by:
        checks.append(
            Check(
                Reason.FULFILLED_BY,
                facts.fulfilled_by == terms.fulfilled_by,
                terms.fulfilled_by,
                facts.fulfilled_by,
                is_guard=False,
            )
        )
    return checks


def _about_the_order(facts: OrderFacts) -> list[Check]:
    is_cancelled = facts.status in ("cancelled", "unfulfillable")
    is_repeat = facts.is_replacement or facts.is_exchange
    kind = "replacement" if facts.is_replacement else "exchange" if facts.is_exchange else "first order"
    return [
        Check(Reason.NOT_CANCELLED, not is_cancelled, "any other status", facts.status),
        Check(
            Reason.NO_CANCELLATION_ASKED,
            not facts.is_cancellation_requested,
            "not asked",
            "asked" if facts.is_cancellation_requested else "not asked",
        ),
        Check(Reason.SHIPPED, facts.status == "shipped", "shipped", facts.status, may_turn=not is_cancelled),
        Check(Reason.NOT_A_REPLACEMENT, not is_repeat, "first order", kind),
    ]


def _about_the_buyer(facts: OrderFacts, standing: Standing, terms: Terms) -> list[Check]:
    checks = [
        Check(
            Reason.NOT_SUPPRESSED,
            standing.suppressed is None,
            "not on the list",
            standing.suppressed or "not on the list",
        ),
        Check(Reason.NOT_EXCLUDED, standing.excluded is None, "not excluded", standing.excluded or "not excluded"),
        Check(Reason.ONE_REQUEST, standing.taken_by is None, "none", standing.taken_by or "none"),
    ]
    if terms.asks_by_letter:
        checks += [
            Check(
                Reason.BUYER_CAN_BE_REACHED,
                facts.has_alias,
                "an address",
                "an address" if facts.has_alias else "none given",
            ),
            Check(
                Reason.SENDER_ENTERED, standing.has_sender, "entered", "entered" if standing.has_sender else "missing"
            ),
            Check(
                Reason.TEMPLATE_FOUND,
                standing.template is not None,
                "a template",
                standing.template or "none",
                is_guard=False,
            ),
        ]
    return checks


def _delivery_known(facts: OrderFacts) -> Check:
    if facts.delivered_at is None:
        return Check(Reason.DELIVERY_KNOWN, False, "a date", "not known yet", may_turn=True)
    return Check(Reason.DELIVERY_KNOWN, True, "a date", f"{facts.delivered_at:%Y-%m-%d} ({facts.delivery_kind})")


def _inside_window(facts: OrderFacts, due_at: datetime | None, expires_at: datetime | None) -> Check:
    if due_at is None or expires_at is None:
        return Check(Reason.INSIDE_WINDOW, False, "a known delivery date", "not known yet", may_turn=True)
    return Check(
        Reason.INSIDE_WINDOW,
        due_at < expires_at,
        f"before {expires_at:%Y-%m-%d %H:%M} UTC",
        f"due {due_at:%Y-%m-%d %H:%M} UTC",
    )
