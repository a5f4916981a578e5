"""The checks that every campaign makes, in the order in which a seller has to know them. Pure.

Those of Amazon and of the seller's own lists are guards: no campaign can switch them off. Each is a row of one table:
the same comparison gives the verdict and, when somebody asks, the words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.eligibility.checks import NOT_TOLD, Check, Reason
from campaigns.eligibility.conditions import Condition
from campaigns.eligibility.letters import broken_rule
from campaigns.eligibility.timing import Anchor, Timing, anchored_at, due_and_expiry
from campaigns.rendering import Source
from orders.facts import OrderFacts


class NoMatch(StrEnum):
    """What becomes of an order whose buyer's language no template has."""

    SKIP = "skip"
    REQUEST = "request"  # Request a Review instead: Amazon writes in the buyer's language


@dataclass(frozen=True, slots=True)
class Terms:
    """A campaign as the engine sees it: made once, asked about many orders."""

    name: str
    is_active: bool
    asks_by_letter: bool  # Buyer-Seller e-mail; else Request a Review
    timing: Timing
    conditions: tuple[Condition, ...] = ()
    marketplaces: frozenset[str] = frozenset()  # none: all
    languages: frozenset[str] = frozenset()  # of its templates
    letters: Mapping[str, Source] = field(default_factory=dict, compare=False)  # by language
    no_match: NoMatch = NoMatch.SKIP
    takes_since: datetime | None = None  # orders bought before it was switched on, less the catch-up, are left alone
    state: str = field(default="", compare=False)  # how a page calls a campaign that is not active


@dataclass(frozen=True, slots=True)
class Standing:
    """What other tables say of the order at this moment."""

    time_zone: str
    language: str = "en"  # of the marketplace; the buyer's own, where known, goes before it
    is_marketplace_used: bool = True
    has_sender: bool = True
    store_name: str = ""
    suppressed: str | None = None  # the reason, if the buyer is on the list
    excluded: str | None = None  # the reason, if the seller has excluded the order, its buyer or what was bought
    taken_by: str | None = None  # the campaign whose message this order has already


@dataclass(slots=True)
class Case:
    """One order before one campaign, with what follows from both. Its times are worked out when they are asked for:
    most orders are turned down before that."""

    facts: OrderFacts
    standing: Standing
    terms: Terms
    taken_by: str | None
    by_letter: bool
    language: str | None
    now: datetime
    times: tuple[datetime | None, datetime | None] | None = None

    @property
    def due_at(self) -> datetime | None:
        return (self.times or self.work_out())[0]

    @property
    def expires_at(self) -> datetime | None:
        return (self.times or self.work_out())[1]

    def work_out(self) -> tuple[datetime | None, datetime | None]:
        self.times = self.times_if_made_at(self.now)
        return self.times

    def times_if_made_at(self, instant: datetime) -> tuple[datetime | None, datetime | None]:
        """When the same would be due, and too late, had it been decided then."""
        return due_and_expiry(
            self.facts, self.terms.timing, self.standing.time_zone, by_letter=self.by_letter, not_before=instant
        )


Words = Callable[[Case], str]


@dataclass(frozen=True, slots=True)
class Guard:
    reason: Reason
    passes: Callable[[Case], bool]
    expected: Words
    actual: Words
    may_turn: Callable[[Case], bool] = lambda case: False
    is_guard: bool = True
    until: Callable[[Case], datetime | None] = lambda case: None

    def check(self, case: Case) -> Check:
        passed = self.passes(case)
        return Check(
            self.reason,
            passed,
            self.expected(case),
            self.actual(case),
            is_guard=self.is_guard,
            may_turn=not passed and self.may_turn(case),
            until=None if passed else self.until(case),
        )


def _says(text: str) -> Words:
    return lambda case: text


def _is_cancelled(case: Case) -> bool:
    return case.facts.status in ("cancelled", "unfulfillable")


def _ends_at(case: Case) -> datetime | None:
    """The midnight after the campaign's last day."""
    last = case.terms.timing.ends_on
    if last is None:
        return None
    return datetime.combine(last + timedelta(days=1), time(), ZoneInfo(case.standing.time_zone)).astimezone(UTC)


def _ends_later(case: Case) -> bool:
    ends_at = _ends_at(case)
    return ends_at is None or case.due_at is None or case.due_at < ends_at


def _delivered(case: Case) -> str:
    at = case.facts.delivered_at
    return f"{at:%Y-%m-%d} ({case.facts.delivery_kind})" if at else "not known yet"


def _start(case: Case) -> str:
    at = anchored_at(case.facts, case.terms.timing)
    if at is None:
        return NOT_TOLD
    is_promise = case.terms.timing.after is Anchor.SHIPMENT and case.facts.shipped_at is None
    return f"{at:%Y-%m-%d}" + (" (the end of the promised time to ship)" if is_promise else "")


def _has_time_left(case: Case) -> bool:
    due_at, expires_at = case.times or case.work_out()
    return due_at is not None and expires_at is not None and due_at < expires_at


def _is_time_unknown(case: Case) -> bool:
    return case.due_at is None


def _buyers_language(case: Case) -> str:
    return case.facts.language[:2].lower() or f"{case.standing.language} (the marketplace's; the buyer's is not known)"


def _broken_rule(case: Case) -> str | None:
    source = case.terms.letters.get(case.language or "")
    return broken_rule(source, case.language or "", case.facts, case.standing.store_name) if source else None


def _shipping_promise(case: Case) -> datetime | None:
    return case.facts.ship_by_latest


GUARDS: Final[tuple[Guard, ...]] = (
    Guard(
        Reason.CAMPAIGN_ACTIVE,
        lambda case: case.terms.is_active,
        _says("active"),
        lambda case: "active" if case.terms.is_active else case.terms.state or "not active",
    ),
    Guard(
        Reason.MARKETPLACE_USED,
        lambda case: case.standing.is_marketplace_used,
        _says("in use"),
        lambda case: "in use" if case.standing.is_marketplace_used else "not in use",
    ),
    Guard(
        Reason.NOT_SUPPRESSED,
        lambda case: case.standing.suppressed is None,
        _says("not on the list"),
        lambda case: case.standing.suppressed or "not on the list",
    ),
    Guard(
        Reason.NOT_EXCLUDED,
        lambda case: case.standing.excluded is None,
        _says("not excluded"),
        lambda case: case.standing.excluded or "not excluded",
    ),
    Guard(
        Reason.NOT_CANCELLED,
        lambda case: not _is_cancelled(case),
        _says("any other status"),
        lambda case: case.facts.status,
    ),
    Guard(
        Reason.SHIPPED,
        lambda case: case.facts.status == "shipped",
        _says("shipped"),
        lambda case: case.facts.status,
        may_turn=lambda case: not _is_cancelled(case),
        until=_shipping_promise,
    ),
    Guard(
        Reason.DELIVERY_KNOWN,
        lambda case: case.facts.deliver_by_latest is not None,
        _says("a date"),
        _delivered,
        may_turn=lambda case: True,
    ),
    Guard(
        Reason.INSIDE_WINDOW,
        _has_time_left,
        lambda case: f"before {case.expires_at:%Y-%m-%d %H:%M} UTC" if case.expires_at else "a known delivery date",
        lambda case: f"due {case.due_at:%Y-%m-%d %H:%M} UTC" if case.due_at else "not known yet",
        may_turn=_is_time_unknown,
    ),
)
# The last of all checks: whether others are ahead only matters where everything else says yes.
ONE_REQUEST: Final = Guard(
    Reason.ONE_REQUEST,
    lambda case: case.taken_by is None,
    _says("none"),
    lambda case: case.taken_by or "none",
)
GUARDS_OF_LETTERS: Final[tuple[Guard, ...]] = (
    Guard(
        Reason.BUYER_CAN_BE_REACHED,
        lambda case: case.facts.has_alias,
        _says("an address"),
        lambda case: "an address" if case.facts.has_alias else "none given",
    ),
    Guard(
        Reason.SENDER_ENTERED,
        lambda case: case.standing.has_sender,
        _says("entered"),
        lambda case: "entered" if case.standing.has_sender else "missing",
    ),
    Guard(
        Reason.TEMPLATE_FOUND,
        lambda case: case.language is not None,
        lambda case: f"one in {' or '.join(sorted(case.terms.languages))}" if case.terms.languages else "a template",
        _buyers_language,
        is_guard=False,
    ),
    Guard(
        Reason.LETTER_KEEPS_RULES,
        lambda case: _broken_rule(case) is None,
        _says("nothing that Amazon forbids"),
        lambda case: _broken_rule(case) or "nothing that Amazon forbids",
    ),
)
# The campaign's own settings that are no rows: asked about only where they are set.
SETTINGS: Final[tuple[tuple[Callable[[Terms], bool], Guard], ...]] = (
    (
        lambda terms: bool(terms.marketplaces),
        Guard(
            Reason.MARKETPLACE_CHOSEN,
            lambda case: case.facts.marketplace_id in case.terms.marketplaces,
            _says("one of the campaign's marketplaces"),
            lambda case: (
                "one of them" if case.facts.marketplace_id in case.terms.marketplaces else "another marketplace"
            ),
            is_guard=False,
        ),
    ),
    (
        lambda terms: terms.takes_since is not None,
        Guard(
            Reason.SINCE_STARTED,
            lambda case: case.terms.takes_since is None or case.facts.purchased_at >= case.terms.takes_since,
            lambda case: f"from {case.terms.takes_since:%Y-%m-%d %H:%M} UTC on" if case.terms.takes_since else "",
            lambda case: f"{case.facts.purchased_at:%Y-%m-%d %H:%M} UTC",
            is_guard=False,
        ),
    ),
    (
        lambda terms: terms.timing.after is not Anchor.DELIVERY,
        Guard(
            Reason.START_KNOWN,
            lambda case: anchored_at(case.facts, case.terms.timing) is not None,
            lambda case: f"the day of the {case.terms.timing.after}",
            _start,
            may_turn=lambda case: True,
            is_guard=False,
        ),
    ),
    (
        lambda terms: terms.timing.ends_on is not None,
        Guard(
            Reason.INSIDE_ACTIVE_DATES,
            _ends_later,
            lambda case: f"by the end of {case.terms.timing.ends_on}",
            lambda case: f"due {case.due_at:%Y-%m-%d %H:%M} UTC" if case.due_at else "not known yet",
            is_guard=False,
        ),
    ),
)


def language_for(facts: OrderFacts, standing: Standing, terms: Terms) -> str | None:
    """The template's language: the buyer's own, or the marketplace's while that is not known; None: there is none."""
    wanted = facts.language[:2].lower() if facts.language else standing.language
    return wanted if wanted in terms.languages else None


def guards_for(terms: Terms, *, by_letter: bool) -> tuple[Guard, ...]:
    """All of them that this campaign makes of an order that it would follow up by this channel."""
    own = tuple(guard for is_set, guard in SETTINGS if is_set(terms))
    return (*GUARDS, *(GUARDS_OF_LETTERS if by_letter else ()), *own)
