"""The numbers count rows, agree with History, and know no stranger's rows."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Seller
from accounts.rowsecurity import as_seller
from messaging import reports
from messaging.models import Status
from messaging.reports import Day, NotSent
from tests.makers import NOW, make_account, make_message, make_order, make_seller

pytestmark = pytest.mark.django_db


def settled(seller: Seller, status: Status, at: datetime, *, count: int = 1) -> None:
    account = make_account(seller)
    for _ in range(count):
        make_message(make_order(account), status=status, touched_at=at)


def test_today_and_the_week_are_days_of_utc_and_today_counts_as_one_of_seven() -> None:
    seller = make_seller()
    settled(seller, Status.SENT, datetime(2026, 11, 23, 0, 0, tzinfo=UTC))
    settled(seller, Status.SENT, datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    settled(seller, Status.SENT, datetime(2026, 11, 17, 0, 0, tzinfo=UTC))
    settled(seller, Status.SENT, datetime(2026, 11, 16, 23, 59, tzinfo=UTC))

    with as_seller(seller.pk):
        seen = reports.figures(seller, now=NOW)

    assert (seen.sent_today, seen.sent_in_week) == (1, 3)


def test_each_way_of_not_being_sent_is_counted_apart_the_most_frequent_first() -> None:
    seller = make_seller()
    settled(seller, Status.REFUSED, NOW)
    settled(seller, Status.SUPPRESSED, NOW, count=2)
    settled(seller, Status.CANCELLED, NOW, count=3)

    with as_seller(seller.pk):
        seen = reports.figures(seller, now=NOW)

    assert seen.not_sent == (NotSent(Status.SUPPRESSED, 2), NotSent(Status.REFUSED, 1))
    assert seen.not_sent_in_week == 3


def test_what_is_coming_is_what_still_waits_and_is_due_within_seven_days() -> None:
    seller = make_seller()
    account = make_account(seller)
    make_message(make_order(account), due_at=NOW + timedelta(days=6, hours=23))
    make_message(make_order(account), due_at=NOW + timedelta(days=7))
    make_message(make_order(account), due_at=NOW, status=Status.HELD)
    make_message(make_order(account), due_at=NOW, status=Status.SENT, touched_at=NOW)

    with as_seller(seller.pk):
        seen = reports.figures(seller, now=NOW)

    assert (seen.coming_in_week, seen.coming, seen.held) == (2, 3, 1)


def test_every_day_of_the_chart_is_there_also_one_without_messages() -> None:
    seller = make_seller()
    settled(seller, Status.SENT, NOW - timedelta(days=29), count=2)
    settled(seller, Status.BLOCKED, NOW)
    settled(seller, Status.UNKNOWN, NOW)
    settled(seller, Status.SENT, NOW - timedelta(days=30))

    with as_seller(seller.pk):
        days = reports.by_day(seller, now=NOW)

    assert len(days) == 30
    assert days[0] == Day(date(2026, 10, 25), sent=2)
    assert days[1] == Day(date(2026, 10, 26))
    assert days[-1] == Day(date(2026, 11, 23), suppressed=1, other=1)


def test_a_stranger_sees_zeroes() -> None:
    settled(make_seller(), Status.SENT, NOW)
    mallory = make_seller("Mallory's shop")

    with as_seller(mallory.pk):
        assert reports.figures(mallory, now=NOW).sent_today == 0
        assert reports.by_day(mallory, now=NOW)[-1] == Day(date(2026, 11, 23))


def test_more_messages_do_not_cost_more_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    seller = make_seller()
    settled(seller, Status.SENT, NOW, count=20)

    with as_seller(seller.pk), django_assert_num_queries(3):
        reports.figures(seller, now=NOW)
        reports.by_day(seller, now=NOW)
