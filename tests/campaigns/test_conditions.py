"""Every kind of rule, by the table: what holds, what does not, and what follows where Amazon has not told."""

import time as clock
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from campaigns.eligibility import NOT_TOLD, Standing, Timing, Verdict, decide, impossible
from campaigns.eligibility.conditions import BadRule, Operator, RuleKind, parse
from campaigns.eligibility.guards import NoMatch
from campaigns.eligibility.timing import Anchor, fitting
from orders.facts import ItemFacts, OrderFacts
from tests.campaigns.test_eligibility import FACTS, LETTER, NOW, REQUEST, STANDING

IS, IS_NOT = Operator.IS, Operator.IS_NOT
MUG = ItemFacts("Mug-1", "B0ABCDEF12", "A mug", 2, Decimal("12.50"), "USD", "new", is_gift=True)
BOUGHT = replace(
    FACTS, items=(MUG,), total=Decimal("25.00"), currency="USD", destination_country="US", language="en-US",
    earlier_orders=1, is_promotion_used=True, programs=frozenset({"PRIME", "AMAZON_BUSINESS"}), shipped_at=NOW,
    ship_by_latest=NOW - timedelta(days=1), is_delivered_late=True, refunded_at=NOW, returned_at=NOW,
    feedback_rating=1, is_cancellation_requested=True, is_replacement=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values", "unlike"),
    [
        (RuleKind.FULFILLED_BY, ["merchant"], {"fulfilled_by": "amazon"}),
        (RuleKind.SKU, ["other", " mug-1 "], {"items": (replace(MUG, sku="Mug-2"),)}),
        (RuleKind.ASIN, ["b0abcdef12"], {"items": (replace(MUG, asin="B0ABCDEF13"),)}),
        (RuleKind.ITEM_CONDITION, ["new"], {"items": (replace(MUG, condition="used"),)}),
        (RuleKind.QUANTITY, ["2", "3", ""], {"items": (MUG, MUG)}),
        (RuleKind.ITEM_VALUE, ["12.50", "", "usd"], {"items": (replace(MUG, unit_price=Decimal("12.49")),)}),
        (RuleKind.ORDER_VALUE, ["", "25", "USD"], {"total": Decimal("25.01")}),
        (RuleKind.PROMOTION, [], {"is_promotion_used": False}),
        (RuleKind.BUSINESS, [], {"programs": frozenset({"PRIME"})}),
        (RuleKind.PRIME, [], {"programs": frozenset()}),
        (RuleKind.GIFT, [], {"items": (replace(MUG, is_gift=False),)}),
        (RuleKind.REPLACEMENT, [], {"is_replacement": False}),
        (RuleKind.COUNTRY, ["us", "CA"], {"destination_country": "MX"}),
        (RuleKind.DOMESTIC, [], {"destination_country": "CA"}),
        (RuleKind.REPEAT_BUYER, [], {"earlier_orders": 0}),
        (RuleKind.SHIPPED_LATE, [], {"shipped_at": NOW - timedelta(days=2)}),
        (RuleKind.DELIVERED_LATE, [], {"is_delivered_late": False}),
        (RuleKind.REFUNDED, [], {"refunded_at": None}),
        (RuleKind.RETURNED, [], {"returned_at": None}),
        (RuleKind.CANCELLATION_ASKED, [], {"is_cancellation_requested": False}),
        (RuleKind.ORDERED_BETWEEN, ["2026-11-16", "2026-11-16"], {"purchased_at": NOW}),
        (RuleKind.NEGATIVE_FEEDBACK, [], {"feedback_rating": None}),
        (RuleKind.LANGUAGE, ["EN"], {"language": "de-DE"}),
    ],
)
def test_each_kind_says_yes_no_and_the_opposite(kind: RuleKind, values: list[str], unlike: dict[str, object]) -> None:
    like, other = BOUGHT, replace(BOUGHT, **unlike)  # type: ignore[arg-type]
    wanted, unwanted = parse(kind, IS, values), parse(kind, IS_NOT, values)
    assert [wanted.passes(like), wanted.passes(other)] == [True, False]
    assert [unwanted.passes(like), unwanted.passes(other)] == [False, True]
    for rule in (wanted, unwanted):
        for facts in (like, other):
            check = rule.check(facts)
            assert check.passed is rule.passes(facts) and not check.is_guard
            assert check.expected and check.actual and check.actual != NOT_TOLD


def test_every_kind_is_in_the_table() -> None:
    marks = test_each_kind_says_yes_no_and_the_opposite.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(RuleKind)


@pytest.mark.parametrize(
    ("kind", "values", "unknown"),
    [
        (RuleKind.SKU, ["mug-1"], {"items": ()}),
        (RuleKind.QUANTITY, ["1", "", ""], {"items": ()}),
        (RuleKind.GIFT, [], {"items": ()}),
        (RuleKind.ORDER_VALUE, ["1", "", "USD"], {"total": None}),
        (RuleKind.PROMOTION, [], {"is_promotion_used": None}),
        (RuleKind.COUNTRY, ["US"], {"destination_country": ""}),
        (RuleKind.DOMESTIC, [], {"destination_country": ""}),
        (RuleKind.REPEAT_BUYER, [], {"earlier_orders": None}),
        (RuleKind.SHIPPED_LATE, [], {"shipped_at": None}),
        (RuleKind.DELIVERED_LATE, [], {"is_delivered_late": None}),
        (RuleKind.LANGUAGE, ["en"], {"language": ""}),
    ],
)
def test_what_amazon_has_not_told_counts_as_not_being_so(
    kind: RuleKind, values: list[str], unknown: dict[str, object]
) -> None:
    facts = replace(BOUGHT, **unknown)  # type: ignore[arg-type]
    wanted, unwanted = parse(kind, IS, values).check(facts), parse(kind, IS_NOT, values).check(facts)
    assert (wanted.passed, wanted.actual, wanted.may_turn) == (False, NOT_TOLD, True)
    assert (unwanted.passed, unwanted.actual) == (True, NOT_TOLD)


def test_a_range_of_one_currency_says_nothing_about_another() -> None:
    rule = parse(RuleKind.ORDER_VALUE, IS, ["1000", "", "EUR"])
    assert rule.passes(BOUGHT) and "this rule is for EUR only" in rule.check(BOUGHT).actual


def test_the_day_of_the_order_is_the_marketplaces() -> None:
    late = replace(FACTS, purchased_at=datetime(2026, 11, 17, 3, 0, tzinfo=UTC))  # still the 16th in Los Angeles
    assert parse(RuleKind.ORDERED_BETWEEN, IS, ["", "2026-11-16"]).passes(late)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (RuleKind.SKU, []), (RuleKind.SKU, ["a\x00b"]), (RuleKind.SKU, ["x" * 121]), (RuleKind.ASIN, ["short"]),
        (RuleKind.FULFILLED_BY, ["nobody"]), (RuleKind.QUANTITY, ["", "", ""]), (RuleKind.QUANTITY, ["many", "", ""]),
        (RuleKind.QUANTITY, ["NaN", "", ""]), (RuleKind.QUANTITY, ["-1", "", ""]), (RuleKind.QUANTITY, ["3", "2", ""]),
        (RuleKind.ORDER_VALUE, ["1", "2", ""]), (RuleKind.ORDER_VALUE, ["1e400", "", "USD"]),
        (RuleKind.ORDERED_BETWEEN, ["soon", ""]), (RuleKind.COUNTRY, ["USA"]),
    ],
)  # fmt: skip
def test_what_makes_no_rule_is_refused_in_words(kind: RuleKind, values: list[str]) -> None:
    with pytest.raises(BadRule, match=r"\w+ \w+"):
        parse(kind, IS, values)


def test_a_hundred_thousand_values_are_one_look_up() -> None:
    rule = parse(RuleKind.SKU, IS, (f"sku-{n}" for n in range(100_000)))
    started = clock.process_time()
    for _ in range(10_000):
        assert not rule.passes(BOUGHT)
    assert clock.process_time() - started < 1
    assert rule.check(BOUGHT).expected == "one of your 100,000"


@pytest.mark.parametrize(
    ("facts", "no_match", "verdict", "by_letter", "language"),
    [
        ({"language": "de-DE"}, NoMatch.SKIP, Verdict.ELIGIBLE, True, "de"),
        ({"language": ""}, NoMatch.SKIP, Verdict.ELIGIBLE, True, "en"),  # the marketplace's
        ({"language": "ja-JP"}, NoMatch.SKIP, Verdict.NOT_ELIGIBLE, True, None),
        ({"language": "ja-JP"}, NoMatch.REQUEST, Verdict.ELIGIBLE, False, None),
        ({"language": "ja-JP", "has_alias": False}, NoMatch.REQUEST, Verdict.ELIGIBLE, False, None),
    ],
)
def test_the_buyers_language_picks_the_template(
    facts: dict[str, object], no_match: NoMatch, verdict: Verdict, by_letter: bool, language: str | None
) -> None:
    terms = replace(LETTER, languages=frozenset({"en", "de"}), no_match=no_match)
    decision = decide(replace(FACTS, **facts), STANDING, terms, now=NOW)  # type: ignore[arg-type]
    assert (decision.verdict, decision.by_letter, decision.language) == (verdict, by_letter, language)
    if not by_letter:  # then Amazon's days for a request count
        assert FACTS.delivered_at and decision.due_at == FACTS.delivered_at + timedelta(days=5)


@pytest.mark.parametrize(
    ("instant", "timing", "zone", "expected"),
    [
        # Monday 23 November 2026
        ("2026-11-23T12:00", {"weekdays": frozenset({2})}, "UTC", "2026-11-25T00:00"),
        ("2026-11-23T12:00", {"weekdays": frozenset({0}), "send_at": time(9)}, "UTC", "2026-11-30T09:00"),
        ("2026-11-23T23:00", {"quiet_from": time(21), "quiet_until": time(8)}, "UTC", "2026-11-24T08:00"),
        ("2026-11-24T03:00", {"quiet_from": time(21), "quiet_until": time(8)}, "UTC", "2026-11-24T08:00"),
        ("2026-11-24T08:00", {"quiet_from": time(21), "quiet_until": time(8)}, "UTC", "2026-11-24T08:00"),
        ("2026-11-24T12:30", {"quiet_from": time(12), "quiet_until": time(14)}, "UTC", "2026-11-24T14:00"),
        # quiet until Saturday morning, and Saturdays are out: Monday from midnight is quiet too
        ("2026-11-27T22:00", {"quiet_from": time(21), "quiet_until": time(8), "weekdays": frozenset(range(5))}, "UTC",
         "2026-11-30T08:00"),
        # it is 22:30 in Rome, not in UTC; quiet until 02:30 on the night when 02:30 does not exist
        ("2026-11-23T21:30", {"quiet_from": time(22), "quiet_until": time(7)}, "Europe/Rome", "2026-11-24T06:00"),
        ("2026-03-28T23:00", {"quiet_from": time(23), "quiet_until": time(2, 30)}, "Europe/Rome", "2026-03-29T01:30"),
    ],
)  # fmt: skip
def test_days_and_quiet_hours_are_the_marketplaces(
    instant: str, timing: dict[str, object], zone: str, expected: str
) -> None:
    wanted = Timing(timedelta(), **timing)  # type: ignore[arg-type]
    found = fitting(datetime.fromisoformat(instant).replace(tzinfo=UTC), wanted, zone)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Anchor.ORDER, FACTS.purchased_at + timedelta(days=10)),
        (Anchor.SHIPMENT, NOW + timedelta(days=10)),
        (Anchor.DELIVERY, NOW + timedelta(days=7)),
    ],
)
def test_the_delay_counts_from_order_shipment_or_delivery(after: Anchor, expected: datetime) -> None:
    terms = replace(REQUEST, timing=Timing(timedelta(days=10), after))
    assert decide(replace(FACTS, shipped_at=NOW), STANDING, terms, now=NOW).due_at == expected


def test_a_campaign_waits_for_its_first_day_and_stops_after_its_last() -> None:
    zone = Standing("UTC")
    later = replace(REQUEST, timing=Timing(timedelta(days=7), starts_on=date(2026, 12, 5)))
    assert decide(FACTS, zone, later, now=NOW).due_at == datetime(2026, 12, 5, tzinfo=UTC)
    over = replace(REQUEST, timing=Timing(timedelta(days=7), ends_on=date(2026, 11, 26)))
    assert decide(FACTS, zone, over, now=NOW).verdict is Verdict.NOT_ELIGIBLE
    just = replace(REQUEST, timing=Timing(timedelta(days=7), ends_on=date(2026, 11, 27)))
    assert decide(FACTS, zone, just, now=NOW).verdict is Verdict.ELIGIBLE


@pytest.mark.parametrize(
    ("timing", "by_letter", "said"),
    [
        (Timing(timedelta(days=2), Anchor.ORDER), False, "2 days after the order would be at least 3 days too early"),
        (Timing(timedelta(days=4, hours=12)), False, "4 days and 12 hours would be 12 hours too early"),
        (Timing(timedelta(days=5)), False, None),
        (Timing(timedelta()), True, None),
        (Timing(timedelta(days=29, hours=23)), True, None),
        (Timing(timedelta(days=30)), True, "exactly when that time ends"),
        (Timing(timedelta(days=40), Anchor.ORDER), True, None),
        (Timing(timedelta(days=7), quiet_from=time(8), quiet_until=time(8)), True, "last all day"),
        (Timing(timedelta(days=7), ends_on=date(2026, 11, 23)), False, None),
        (Timing(timedelta(days=7), ends_on=date(2026, 11, 20)), False, "was over 3 days ago"),
        # the 23rd is a Monday
        (Timing(timedelta(days=7), ends_on=date(2026, 11, 26), weekdays=frozenset({0})), True, None),
        (Timing(timedelta(days=7), ends_on=date(2026, 11, 26), weekdays=frozenset({4, 5})), True,
         "there is no Friday or Saturday from 2026-11-23 on"),
        (Timing(timedelta(days=7), starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 6), weekdays=frozenset({0})),
         True, "there is no Monday from 2026-12-01 on"),
    ],
)
def test_a_setting_that_can_never_send_is_told_with_the_arithmetic(
    timing: Timing, by_letter: bool, said: str | None
) -> None:
    found = impossible(timing, by_letter=by_letter, now=NOW)
    assert found is None if said is None else found is not None and said in found


@pytest.mark.parametrize(
    ("delay", "by_letter", "last", "first"),
    [
        (7, False, date(2026, 11, 29), "2026-11-30"),
        (7, False, date(2026, 11, 30), None),
        (2, True, date(2026, 11, 24), "2026-11-25"),
        (2, True, date(2026, 11, 25), None),
        # a request waits for Amazon's days, whatever the delay is
        (5, False, date(2026, 11, 27), "2026-11-28"),
    ],
)
def test_a_last_day_before_the_first_order_could_be_due_is_told_with_the_arithmetic(
    delay: int, by_letter: bool, last: date, first: str | None
) -> None:
    timing = Timing(timedelta(days=delay), ends_on=last)
    found = impossible(timing, by_letter=by_letter, now=NOW, takes_since=NOW)
    if first is None:
        assert found is None
    else:
        assert found is not None and f"from 2026-11-23 on, and {delay} days later it is {first}" in found


def test_orders_from_before_the_campaign_took_any_are_left_alone() -> None:
    facts: OrderFacts = FACTS
    terms = replace(REQUEST, takes_since=facts.purchased_at)
    assert decide(facts, STANDING, terms, now=NOW).verdict is Verdict.ELIGIBLE
    older = replace(facts, purchased_at=facts.purchased_at - timedelta(seconds=1))
    assert decide(older, STANDING, terms, now=NOW).verdict is Verdict.NOT_ELIGIBLE
