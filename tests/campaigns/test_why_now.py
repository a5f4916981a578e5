"""Which rule has set the time of a message, in a sentence: pure, by the table."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from campaigns.eligibility import Anchor, Timing, decide
from campaigns.eligibility.why_now import why_now
from tests.campaigns.test_eligibility import DELIVERED, FACTS, LETTER, REQUEST, STANDING

EARLY = DELIVERED - timedelta(days=10)  # when nothing is in the past
DAYS_2, DAYS_7 = timedelta(days=2), timedelta(days=7)


@pytest.mark.parametrize(
    ("timing", "by_letter", "now", "said"),
    [
        (Timing(DAYS_7), False, EARLY, "7 days after delivery (20 Nov 2026)"),
        (Timing(timedelta(hours=12)), True, EARLY, "12 hours after delivery (20 Nov 2026)"),
        (Timing(timedelta(days=10), Anchor.ORDER), False, EARLY, "10 days after the order (16 Nov 2026)"),
        (Timing(DAYS_2, Anchor.ORDER), False, EARLY, "5 days after delivery (20 Nov 2026), Amazon's earliest"),
        (Timing(DAYS_2, Anchor.ORDER), True, EARLY, "2 days after the order (16 Nov 2026)"),
        (Timing(DAYS_7, send_at=time(10)), False, EARLY, "7 days after delivery (20 Nov 2026), at 10:00"),
        (Timing(DAYS_7, starts_on=date(2026, 12, 1)), False, EARLY, "the campaign's first day (1 Dec 2026)"),
        (  # the 27th is a Friday
            Timing(DAYS_7, weekdays=frozenset({0, 1})), False, EARLY,
            "7 days after delivery (20 Nov 2026), on Monday, the next of its days",
        ),
        (
            Timing(DAYS_7, send_at=time(9, 30), weekdays=frozenset({5})), False, EARLY,
            "7 days after delivery (20 Nov 2026), at 09:30, on Saturday, the next of its days",
        ),
        (  # noon of UTC is four in the morning of Los Angeles
            Timing(DAYS_7, quiet_from=time(22), quiet_until=time(7, 30)), False, EARLY,
            "7 days after delivery (20 Nov 2026), after the quiet hours until 07:30",
        ),
        (
            Timing(DAYS_2), True, DELIVERED + DAYS_7,
            "2 days after delivery (20 Nov 2026) had passed when the campaign took the order, so as soon as possible",
        ),
        (
            Timing(DAYS_2, send_at=time(10)), True, DELIVERED + DAYS_7,
            "2 days after delivery (20 Nov 2026) had passed when the campaign took the order, so as soon as possible, "
            "at 10:00",
        ),
    ],
)  # fmt: skip
def test_the_rule_that_has_set_the_time_is_named(timing: Timing, by_letter: bool, now: datetime, said: str) -> None:
    decision = decide(FACTS, STANDING, replace(LETTER if by_letter else REQUEST, timing=timing), now=now)
    assert decision.due_at is not None
    assert why_now(decision.case) == said
