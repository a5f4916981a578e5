"""The expected number of notices, what none of them means, and what is said about it."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optouts.silence import FLOOR, Record, Symptoms, Verdict, diagnose, judge, rate, sentence

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOBODY = Record()


def test_a_sellers_own_rate_is_taken_once_he_has_had_enough_notices() -> None:
    everybody = Record(100_000, 1_000)
    assert rate(Record(1_000, 5), everybody) == 0.005
    assert rate(Record(1_000, 4), everybody) == 0.01


def test_where_little_is_known_the_floor_is_taken_and_a_site_that_hears_nothing_does_not_find_that_normal() -> None:
    assert rate(NOBODY, NOBODY) == FLOOR
    assert rate(NOBODY, Record(1_000_000, 60)) == FLOOR
    assert rate(NOBODY, Record(10, 10)) == FLOOR


def test_the_chance_of_none_follows_poisson() -> None:
    judged = judge(4_200, Record(10_000, 71), NOBODY)
    assert judged.expected == pytest.approx(29.82)
    assert judged.chance == pytest.approx(math.exp(-29.82))
    assert judged.verdict is Verdict.SILENT


@pytest.mark.parametrize(
    ("sent", "verdict"),
    [(0, Verdict.OK), (299, Verdict.OK), (300, Verdict.QUIET), (690, Verdict.QUIET), (691, Verdict.SILENT)],
)
def test_the_verdict_turns_where_none_is_unlikely_and_where_it_is_hardly_possible(sent: int, verdict: Verdict) -> None:
    assert judge(sent, Record(1_000, 10), NOBODY).verdict is verdict


counts = st.integers(0, 10**7)


@given(counts, counts, counts, counts, counts)
def test_any_figures_are_judged_and_more_messages_never_make_silence_likelier(
    sent: int, own_sent: int, own: int, all_sent: int, every: int
) -> None:
    records = Record(own_sent, own), Record(all_sent, every)
    less, more = judge(sent, *records), judge(sent + 1, *records)
    assert 0.0 <= more.chance <= less.chance <= 1.0
    assert 0 <= less.expected <= sent


@pytest.mark.parametrize(
    ("sent", "expected", "days", "had", "said"),
    [
        (4200, 29.8, 6, True, "4,200 sent, about 30 notices expected, none for 6 days"),
        (300, 1.2, 1, True, "300 sent, about 1 notice expected, none for 1 day"),
        (5000, 10.0, 12, False, "5,000 sent, about 10 notices expected, none so far"),
        (20, 0.1, 0, True, "20 sent, hardly a notice expected, none for 0 days"),
    ],
)
def test_it_is_said_in_one_sentence(sent: int, expected: float, days: int, had: bool, said: str) -> None:
    assert sentence(sent, expected, days=days, had_notice=had) == said


def test_where_all_is_well_nothing_is_found() -> None:
    assert diagnose(Symptoms(last_mail_at=NOW, last_notice_at=NOW, proved=3), Verdict.OK, now=NOW) == ()


@pytest.mark.parametrize(
    ("symptoms", "words"),
    [
        (Symptoms(), "neither Amazon nor a mailbox has it yet"),
        (Symptoms(last_mail_at=NOW - timedelta(hours=2)), "is switched off"),
        (Symptoms(last_mail_at=NOW - timedelta(days=9), last_notice_at=NOW - timedelta(days=9)), "stopped together"),
        (Symptoms(last_mail_at=NOW - timedelta(days=9)), "Look in Seller Central whether Buyer Opt-Out"),
        (Symptoms(has_request=True), "forwarding to be confirmed"),
        (Symptoms(is_test_missing=True), "has not come back"),
        (Symptoms(unproved=2, proved=1), "signature is lost"),
        (Symptoms(test="changed"), "signature is lost"),
        (Symptoms(on_former=True), "was replaced"),
    ],
)
def test_the_likeliest_cause_is_named(symptoms: Symptoms, words: str) -> None:
    assert any(words in found for found in diagnose(symptoms, Verdict.SILENT, now=NOW))
