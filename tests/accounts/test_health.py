"""How an authorisation stands, in days and words."""

from datetime import timedelta

import pytest

from accounts.health import Ability, health, reminder_due
from tests.makers import NOW


@pytest.mark.parametrize(
    ("age", "left", "is_ending", "words"),
    [
        (timedelta(0), 365, False, "in 365 days"),
        (timedelta(days=334), 31, False, "in 31 days"),
        (timedelta(days=335), 30, True, "in 30 days"),
        (timedelta(days=364), 1, True, "in 1 day"),
        (timedelta(days=365), 0, True, "today"),
        (timedelta(days=500), 0, True, "today"),
    ],
)
def test_an_authorisation_lasts_for_365_days(age: timedelta, left: int, is_ending: bool, words: str) -> None:
    found = health(NOW - age, (), now=NOW)

    assert (found.days_left, found.is_ending) == (left, is_ending)
    assert found.ending.endswith(words)


def test_without_an_authorisation_nothing_ends() -> None:
    assert (health(None, (), now=NOW).days_left, health(None, (), now=NOW).is_ending) == (None, False)


@pytest.mark.parametrize("ability", list(Ability))
def test_a_missing_role_is_named_with_what_will_not_work(ability: Ability) -> None:
    (sentence,) = health(NOW, [ability.value], now=NOW).missing

    assert "is missing" in sentence and "connect again" in sentence


@pytest.mark.parametrize(
    ("left", "reminded", "due"),
    [
        (31, None, None),
        (30, None, 30),
        (30, 30, None),
        (14, 30, 14),
        (13, 14, None),
        (3, 14, 3),
        (0, 3, None),
        (2, None, 3),
    ],
)
def test_each_reminder_is_due_once_and_a_late_one_is_not_three(
    left: int, reminded: int | None, due: int | None
) -> None:
    assert reminder_due(left, reminded) == due
