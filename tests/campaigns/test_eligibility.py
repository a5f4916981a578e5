"""The engine that decides and explains: pure, by the table."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.eligibility import Decision, Reason, Standing, Terms, Timing, Verdict, at_time_of_day, decide
from campaigns.eligibility.conditions import Operator, RuleKind, parse
from orders.facts import OrderFacts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DELIVERED = NOW - timedelta(days=3)
FACTS = OrderFacts(
    amazon_order_id="111-1111111-1111111",
    marketplace_id="ATVPDKIKX0DER",
    status="shipped",
    fulfilled_by="merchant",
    purchased_at=DELIVERED - timedelta(days=4),
    deliver_by_earliest=DELIVERED - timedelta(days=2),
    deliver_by_latest=DELIVERED,
    delivery_kind="promise",
    is_replacement=False,
    is_exchange=False,
    is_cancellation_requested=False,
    has_alias=True,
)
STANDING = Standing(time_zone="America/Los_Angeles")
LETTER = Terms(
    "Order check-in",
    is_active=True,
    asks_by_letter=True,
    timing=Timing(timedelta(days=2)),
    conditions=(
        parse(RuleKind.FULFILLED_BY, Operator.IS, ["merchant"]),
        parse(RuleKind.REPLACEMENT, Operator.IS_NOT, []),
        parse(RuleKind.CANCELLATION_ASKED, Operator.IS_NOT, []),
    ),
    languages=frozenset({"en"}),
)
REQUEST = Terms("Request", is_active=True, asks_by_letter=False, timing=Timing(timedelta(days=7)))


def failed(decision: Decision) -> set[Reason]:
    return {check.reason for check in decision.checks if not check.passed}


def test_an_order_that_passes_every_check_is_due_after_the_delay() -> None:
    decision = decide(FACTS, STANDING, REQUEST, now=NOW)
    assert decision.verdict is Verdict.ELIGIBLE and failed(decision) == set()
    assert decision.due_at == DELIVERED + timedelta(days=7)


def test_what_was_due_in_the_past_is_due_now() -> None:
    assert decide(FACTS, STANDING, LETTER, now=NOW).due_at == NOW


def test_it_expires_30_days_after_the_earliest_delivery() -> None:
    assert FACTS.deliver_by_earliest
    decision = decide(FACTS, STANDING, REQUEST, now=NOW)
    assert decision.expires_at == FACTS.deliver_by_earliest + timedelta(days=30)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "cancelled"}, Reason.NOT_CANCELLED),
        ({"status": "unfulfillable"}, Reason.NOT_CANCELLED),
        ({"is_cancellation_requested": True}, Reason.CANCELLATION_ASKED),
        ({"is_replacement": True}, Reason.REPLACEMENT),
        ({"is_exchange": True}, Reason.REPLACEMENT),
        ({"fulfilled_by": "amazon"}, Reason.FULFILLED_BY),
        ({"fulfilled_by": "unrecognised"}, Reason.FULFILLED_BY),
        ({"has_alias": False}, Reason.BUYER_CAN_BE_REACHED),
    ],
)
def test_each_fact_that_forbids_a_letter_has_its_name(change: dict[str, object], reason: Reason) -> None:
    decision = decide(replace(FACTS, **change), STANDING, LETTER, now=NOW)  # type: ignore[arg-type]
    assert decision.verdict is Verdict.NOT_ELIGIBLE and reason in failed(decision)
    assert decision.due_at is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "unshipped"}, Reason.SHIPPED),
        ({"status": "pending"}, Reason.SHIPPED),
        ({"status": "partially_shipped"}, Reason.SHIPPED),
        ({"status": "unrecognised"}, Reason.SHIPPED),
        ({"deliver_by_latest": None}, Reason.DELIVERY_KNOWN),
    ],
)
def test_what_may_still_turn_is_later_and_not_never(change: dict[str, object], reason: Reason) -> None:
    decision = decide(replace(FACTS, **change), STANDING, LETTER, now=NOW)  # type: ignore[arg-type]
    assert decision.verdict is Verdict.LATER and reason in failed(decision) and decision.due_at is None
    never = replace(FACTS, is_replacement=True, **change)  # type: ignore[arg-type]
    assert decide(never, STANDING, LETTER, now=NOW).verdict is Verdict.NOT_ELIGIBLE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"suppressed": "the buyer has opted out through Amazon"}, Reason.NOT_SUPPRESSED),
        ({"taken_by": "Order check-in"}, Reason.ONE_REQUEST),
        ({"is_marketplace_used": False}, Reason.MARKETPLACE_USED),
        ({"has_sender": False}, Reason.SENDER_ENTERED),
        ({"excluded": "your team has excluded this order"}, Reason.NOT_EXCLUDED),
        ({"language": "ja"}, Reason.TEMPLATE_FOUND),
    ],
)
def test_each_circumstance_that_forbids_a_letter_has_its_name(change: dict[str, object], reason: Reason) -> None:
    decision = decide(FACTS, replace(STANDING, **change), LETTER, now=NOW)  # type: ignore[arg-type]
    assert decision.verdict is Verdict.NOT_ELIGIBLE and failed(decision) == {reason}


def test_a_request_needs_no_address_no_sender_and_no_template() -> None:
    standing = replace(STANDING, has_sender=False, language="ja")
    assert decide(replace(FACTS, has_alias=False), standing, REQUEST, now=NOW).verdict is Verdict.ELIGIBLE


def test_a_paused_campaign_asks_nobody() -> None:
    assert failed(decide(FACTS, STANDING, replace(REQUEST, is_active=False), now=NOW)) == {Reason.CAMPAIGN_ACTIVE}


def test_the_loser_of_a_conflict_names_the_winner() -> None:
    decision = decide(FACTS, replace(STANDING, taken_by="Order check-in"), REQUEST, now=NOW)
    [check] = [check for check in decision.checks if check.reason is Reason.ONE_REQUEST]
    assert check.actual == "Order check-in"


def test_a_request_is_never_due_before_amazons_fifth_day_whatever_the_campaign_says() -> None:
    decision = decide(FACTS, STANDING, replace(REQUEST, timing=Timing(timedelta(days=1))), now=NOW)
    assert decision.due_at == DELIVERED + timedelta(days=5)


@pytest.mark.parametrize("days", [31, 40, 400])
def test_an_order_past_amazons_30_days_is_too_late_for_good(days: int) -> None:
    old = replace(FACTS, deliver_by_latest=NOW - timedelta(days=days), deliver_by_earliest=None)
    decision = decide(old, STANDING, LETTER, now=NOW)
    assert decision.verdict is Verdict.NOT_ELIGIBLE and failed(decision) == {Reason.INSIDE_WINDOW}


def test_a_time_of_day_that_falls_behind_the_window_is_too_late() -> None:
    edge = replace(FACTS, deliver_by_latest=NOW - timedelta(days=29, hours=23), deliver_by_earliest=None)
    in_an_hour = replace(LETTER, timing=Timing(timedelta(days=2), send_at=time(23)))
    assert decide(edge, Standing(time_zone="UTC"), in_an_hour, now=NOW).verdict is Verdict.NOT_ELIGIBLE


def test_every_check_is_made_even_after_a_no() -> None:
    everything_wrong = replace(FACTS, status="cancelled", is_replacement=True, has_alias=False)
    all_right = decide(FACTS, STANDING, LETTER, now=NOW)
    assert len(decide(everything_wrong, STANDING, LETTER, now=NOW).checks) == len(all_right.checks)


def test_only_the_sellers_own_conditions_are_no_guards() -> None:
    decision = decide(FACTS, STANDING, LETTER, now=NOW)
    rules = {Reason.FULFILLED_BY, Reason.REPLACEMENT, Reason.CANCELLATION_ASKED}
    assert {c.reason for c in decision.checks if not c.is_guard} == {*rules, Reason.TEMPLATE_FOUND}


def test_a_check_can_be_stored_as_plain_values() -> None:
    for check in decide(FACTS, STANDING, LETTER, now=NOW).checks:
        assert set(check.to_json()) == {"reason", "passed", "expected", "actual", "is_guard", "may_turn", "until"}


@pytest.mark.parametrize(
    ("instant", "wanted", "zone", "expected"),
    [
        # ten in the morning in Rome is nine UTC in winter and eight in summer
        ("2026-11-23T07:00", time(10), "Europe/Rome", "2026-11-23T09:00"),
        ("2026-11-23T09:00", time(10), "Europe/Rome", "2026-11-23T09:00"),
        ("2026-11-23T09:01", time(10), "Europe/Rome", "2026-11-24T09:00"),
        ("2026-07-01T07:00", time(10), "Europe/Rome", "2026-07-01T08:00"),
        # clocks go back on 25 October 2026: the first 02:30 counts, and no day is skipped
        ("2026-10-25T00:00", time(2, 30), "Europe/Rome", "2026-10-25T00:30"),
        ("2026-10-25T00:45", time(2, 30), "Europe/Rome", "2026-10-26T01:30"),
        # clocks go forward on 29 March 2026: 02:30 does not exist and becomes 03:30
        ("2026-03-29T00:30", time(2, 30), "Europe/Rome", "2026-03-29T01:30"),
        # the day in the marketplace is not the day in UTC
        ("2026-11-24T03:00", time(20), "America/Los_Angeles", "2026-11-24T04:00"),
        ("2026-11-23T12:00", time(9), "Asia/Tokyo", "2026-11-24T00:00"),
    ],
)
def test_the_time_of_day_is_the_marketplaces_own(instant: str, wanted: time, zone: str, expected: str) -> None:
    found = at_time_of_day(datetime.fromisoformat(instant).replace(tzinfo=UTC), wanted, zone)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_as_soon_as_due_means_this_very_instant() -> None:
    assert at_time_of_day(NOW, None, "Europe/Rome") == NOW
