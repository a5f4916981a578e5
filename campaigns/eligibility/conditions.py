"""The rules of a campaign as data: parsed once from their rows, then asked about many orders. Pure.

What Amazon has not told counts as not being so: "is shipped late" says no, "is not shipped late" says yes, and the
check names it. An order with several items is asked about any of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from amazon.marketplaces import find
from campaigns.eligibility.checks import NOT_TOLD, Check, Reason
from orders.facts import OrderFacts

SHOWN: Final = 3  # values of a long list that a check names
LONGEST_LIST: Final = 100_000
LONGEST_VALUE: Final = 120


class BadRule(ValueError):
    """These values make no rule; the text says why, for the seller."""


class Operator(StrEnum):
    IS = "is"  # for a list: any of
    IS_NOT = "is_not"  # none of


class RuleKind(StrEnum):
    FULFILLED_BY = "fulfilled_by"
    SKU = "sku"
    ASIN = "asin"
    ITEM_CONDITION = "item_condition"
    QUANTITY = "quantity"
    ITEM_VALUE = "item_value"
    ORDER_VALUE = "order_value"
    PROMOTION = "promotion"
    BUSINESS = "business"
    PRIME = "prime"
    GIFT = "gift"
    REPLACEMENT = "replacement"
    COUNTRY = "country"
    DOMESTIC = "domestic"
    REPEAT_BUYER = "repeat_buyer"
    SHIPPED_LATE = "shipped_late"
    DELIVERED_LATE = "delivered_late"
    REFUNDED = "refunded"
    RETURNED = "returned"
    CANCELLATION_ASKED = "cancellation_asked"
    ORDERED_BETWEEN = "ordered_between"
    NEGATIVE_FEEDBACK = "negative_feedback"
    LANGUAGE = "language"


REASONS: Final = {kind: Reason[kind.name] for kind in RuleKind}


@dataclass(frozen=True, slots=True)
class Condition(ABC):
    """One rule. `holds` is the comparison itself, made once: the verdict and the explanation both rest on it.

    `cost` is a rank: a verdict asks the cheap ones first.
    """

    cost: ClassVar[int]
    kind: RuleKind
    is_not: bool

    @abstractmethod
    def holds(self, facts: OrderFacts) -> bool | None:
        """Is it so? None: Amazon has not told."""

    @abstractmethod
    def wanted(self) -> str:
        """What is compared with, in words, without "not"."""

    @abstractmethod
    def actual(self, facts: OrderFacts) -> str:
        """What the order has, in words, where it is known."""

    def passes(self, facts: OrderFacts) -> bool:
        return (self.holds(facts) is True) is not self.is_not

    def may_turn(self, facts: OrderFacts) -> bool:
        """May a no become a yes without anybody changing the rule?"""
        holds = self.holds(facts)
        return holds is None or (holds is False and not self.is_not and self.kind in MAY_STILL_HAPPEN)

    def check(self, facts: OrderFacts) -> Check:
        passed, is_known = self.passes(facts), self.holds(facts) is not None
        return Check(
            REASONS[self.kind],
            passed,
            f"not {self.wanted()}" if self.is_not else self.wanted(),
            self.actual(facts) if is_known else NOT_TOLD,
            is_guard=False,
            may_turn=not passed and self.may_turn(facts),
        )


@dataclass(frozen=True, slots=True)
class YesNo(Condition):
    """A plain question about the order."""

    cost = 0
    read: Callable[[OrderFacts], bool | None]

    def holds(self, facts: OrderFacts) -> bool | None:
        return self.read(facts)

    def wanted(self) -> str:
        return "so"

    def actual(self, facts: OrderFacts) -> str:
        return "so" if self.read(facts) else "not so"


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """Is one of the order's values in this set? Of any length: one look-up a value."""

    cost = 1
    values: frozenset[str]
    read: Callable[[OrderFacts], Sequence[str]]

    def holds(self, facts: OrderFacts) -> bool | None:
        found = self.read(facts)
        if not found:
            return None
        return not self.values.isdisjoint(found)

    def wanted(self) -> str:
        if len(self.values) > SHOWN:
            return f"one of your {len(self.values):,}"
        return " or ".join(sorted(self.values))

    def actual(self, facts: OrderFacts) -> str:
        found = list(dict.fromkeys(self.read(facts)))
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return ", ".join(found[:SHOWN]) + more


@dataclass(frozen=True, slots=True)
class Between(Condition):
    """Is one of the order's numbers in this range, both ends included? With a currency, of orders in that one only."""

    cost = 2
    low: Decimal | None
    high: Decimal | None
    currency: str
    read: Callable[[OrderFacts], Sequence[tuple[Decimal, str]]]

    def holds(self, facts: OrderFacts) -> bool | None:
        found = self.read(facts)
        if not found:
            return None
        for number, currency in found:
            if currency == self.currency and self._fits(number):
                return True
        return False

    def passes(self, facts: OrderFacts) -> bool:
        if self.holds(facts):
            return not self.is_not
        return self.is_not or self._is_of_another_currency(facts)  # then the rule says nothing about this order

    def _is_of_another_currency(self, facts: OrderFacts) -> bool:
        found = self.read(facts)
        return bool(found) and all(currency != self.currency for _, currency in found)

    def _fits(self, number: Decimal) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def wanted(self) -> str:
        return _range(self.low, self.high, f" {self.currency}" if self.currency else "")

    def actual(self, facts: OrderFacts) -> str:
        words = ", ".join(f"{number:f} {currency}".strip() for number, currency in self.read(facts)[:SHOWN])
        return f"{words}: this rule is for {self.currency} only" if self._is_of_another_currency(facts) else words


@dataclass(frozen=True, slots=True)
class OrderedBetween(Condition):
    """Ordered on one of these days, both included, by the marketplace's clocks."""

    cost = 3
    first: date | None
    last: date | None

    def holds(self, facts: OrderFacts) -> bool | None:
        day = _day_of(facts.purchased_at, facts.marketplace_id)
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def wanted(self) -> str:
        return _range(self.first, self.last, "")

    def actual(self, facts: OrderFacts) -> str:
        return _day_of(facts.purchased_at, facts.marketplace_id).isoformat()


def _day_of(instant: datetime, marketplace_id: str) -> date:
    marketplace = find(marketplace_id)
    return instant.astimezone(ZoneInfo(marketplace.time_zone if marketplace else "UTC")).date()


def _range(low: object | None, high: object | None, unit: str) -> str:
    if low is None:
        return f"at most {high}{unit}"
    return f"at least {low}{unit}" if high is None else f"{low} to {high}{unit}"


def _negative(facts: OrderFacts) -> bool | None:
    return facts.feedback_rating is not None  # Amazon reports the bad ones only; no report means none


def _domestic(facts: OrderFacts) -> bool | None:
    marketplace = find(facts.marketplace_id)
    if not facts.destination_country or marketplace is None:
        return None
    return facts.destination_country == marketplace.country


YES_NO: Final[Mapping[RuleKind, Callable[[OrderFacts], bool | None]]] = {
    RuleKind.PROMOTION: lambda facts: facts.is_promotion_used,
    RuleKind.BUSINESS: lambda facts: "AMAZON_BUSINESS" in facts.programs,
    RuleKind.PRIME: lambda facts: "PRIME" in facts.programs,
    RuleKind.GIFT: lambda facts: any(item.is_gift for item in facts.items) if facts.items else None,
    RuleKind.REPLACEMENT: lambda facts: facts.is_replacement or facts.is_exchange,
    RuleKind.DOMESTIC: _domestic,
    RuleKind.REPEAT_BUYER: lambda facts: None if facts.earlier_orders is None else facts.earlier_orders > 0,
    RuleKind.SHIPPED_LATE: lambda facts: facts.is_shipped_late,
    RuleKind.DELIVERED_LATE: lambda facts: facts.is_delivered_late,
    RuleKind.REFUNDED: lambda facts: facts.refunded_at is not None,
    RuleKind.RETURNED: lambda facts: facts.returned_at is not None,
    RuleKind.CANCELLATION_ASKED: lambda facts: facts.is_cancellation_requested,
    RuleKind.NEGATIVE_FEEDBACK: _negative,
}
LISTS: Final[Mapping[RuleKind, Callable[[OrderFacts], Sequence[str]]]] = {
    RuleKind.FULFILLED_BY: lambda facts: (facts.fulfilled_by,),
    RuleKind.SKU: lambda facts: [item.sku.lower() for item in facts.items if item.sku],
    RuleKind.ASIN: lambda facts: [item.asin for item in facts.items if item.asin],
    RuleKind.ITEM_CONDITION: lambda facts: [item.condition for item in facts.items if item.condition],
    RuleKind.COUNTRY: lambda facts: (facts.destination_country,) if facts.destination_country else (),
    RuleKind.LANGUAGE: lambda facts: (facts.language[:2],) if facts.language else (),
}
NUMBERS: Final[Mapping[RuleKind, Callable[[OrderFacts], Sequence[tuple[Decimal, str]]]]] = {
    RuleKind.QUANTITY: lambda facts: [(Decimal(sum(i.quantity for i in facts.items)), "")] if facts.items else [],
    RuleKind.ITEM_VALUE: lambda facts: [(i.unit_price, i.currency) for i in facts.items if i.unit_price is not None],
    RuleKind.ORDER_VALUE: lambda facts: [(facts.total, facts.currency)] if facts.total is not None else [],
}
MAY_STILL_HAPPEN: Final = frozenset(
    {
        RuleKind.REFUNDED,
        RuleKind.RETURNED,
        RuleKind.CANCELLATION_ASKED,
        RuleKind.NEGATIVE_FEEDBACK,
        RuleKind.DELIVERED_LATE,
    }
)
NEEDS_ITEMS: Final = frozenset(
    {
        RuleKind.SKU,
        RuleKind.ASIN,
        RuleKind.ITEM_CONDITION,
        RuleKind.QUANTITY,
        RuleKind.ITEM_VALUE,
        RuleKind.GIFT,
    }
)
CHOICES: Final[Mapping[RuleKind, tuple[str, ...]]] = {  # closed sets; the others take any value
    RuleKind.FULFILLED_BY: ("merchant", "amazon"),
    RuleKind.ITEM_CONDITION: ("new", "used", "collectible", "refurbished", "club"),
}


def parse(kind: RuleKind, operator: Operator, values: Iterable[str]) -> Condition:
    """One rule as it is stored. Raises BadRule. `values`: a list's members; for a range its two ends, either of them
    empty, and for money the currency; nothing for a plain question."""
    is_not, given = operator is Operator.IS_NOT, list(values)
    if kind in YES_NO:
        return YesNo(kind, is_not, YES_NO[kind])
    if kind in LISTS:
        return AnyOf(kind, is_not, _members(kind, given), LISTS[kind])
    low, high, currency = (*(value.strip() for value in given), "", "", "")[:3]
    if not low and not high:
        raise BadRule("Enter at least one end of the range.")
    if kind is RuleKind.ORDERED_BETWEEN:
        first, last = _day(low), _day(high)
        _in_order(first, last)
        return OrderedBetween(kind, is_not, first, last)
    least, most = _number(low), _number(high)
    _in_order(least, most)
    if kind is RuleKind.QUANTITY:
        return Between(kind, is_not, least, most, "", NUMBERS[kind])
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise BadRule("Choose the currency, like USD or EUR.")
    return Between(kind, is_not, least, most, currency.upper(), NUMBERS[kind])


def _members(kind: RuleKind, given: list[str]) -> frozenset[str]:
    found = frozenset(_member(kind, value.strip()) for value in given if value.strip())
    if not found:
        raise BadRule("The list is empty. Add at least one value.")
    if len(found) > LONGEST_LIST:
        raise BadRule(f"The list has {len(found):,} values; {LONGEST_LIST:,} is the most.")
    return found


def _member(kind: RuleKind, value: str) -> str:
    if len(value) > LONGEST_VALUE or not value.isprintable():
        raise BadRule(f"A value is at most {LONGEST_VALUE} characters on one line.")
    if kind in CHOICES and value not in CHOICES[kind]:
        raise BadRule(f"“{value}” is not one of: {', '.join(CHOICES[kind])}.")
    if kind is RuleKind.ASIN and not (len(value) == 10 and value.isascii() and value.isalnum()):
        raise BadRule(f"“{value}” is not an ASIN: ten letters and digits, like B0ABCDEF12.")
    if kind in (RuleKind.COUNTRY, RuleKind.LANGUAGE) and not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise BadRule(f"“{value}” is not a code of two letters, like US or de.")
    return value.upper() if kind in (RuleKind.ASIN, RuleKind.COUNTRY) else value.lower()


def _number(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BadRule(f"“{text[:20]}” is not a number.") from None
    if not number.is_finite() or not 0 <= number < 10**12:
        raise BadRule("A number is 0 or more, and less than a million million.")
    return Decimal(f"{number:f}")  # never in the form 1E+2


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadRule(f"“{text[:20]}” is not a day, like 2026-11-30.") from None


def _in_order(low: Decimal | date | None, high: Decimal | date | None) -> None:
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        raise BadRule(f"Nothing lies between {low} and {high}: the first must not be more than the second.")
