"""Pace and fairness by themselves: whose turn it is, what a day has room for, and that nobody goes without leave."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AmazonAccount
from messaging import dispatch, pacing
from messaging.dispatch import Parcel
from messaging.engine import Account, Engine
from messaging.gateways.base import Deferred, Receipt
from messaging.models import Channel, Message
from messaging.outbox import DAILY_LIMIT
from tests.makers import alias, make_account, make_critical_message, make_message, make_order, make_seller
from tests.messaging.engines import FakeDoors
from tests.messaging.gateways.envelopes import CLEARANCE, envelope

LETTERS = Channel.BUYER_EMAIL


def engine_with(accounts: int, *, width: int = 50, doors: FakeDoors | None = None) -> Engine:
    """An engine that keeps so many accounts, each with plenty that is due."""
    engine = Engine(doors or FakeDoors(), clock=timezone.now)
    for number in range(1, accounts + 1):
        kept = Account(time.monotonic(), 10_000, time.monotonic())
        kept.lanes[LETTERS].is_due, kept.lanes[LETTERS].width = True, width
        engine._accounts[number] = kept
    return engine


def test_every_account_with_something_due_gets_an_equal_part() -> None:
    assert engine_with(2)._shares(LETTERS) == {1: 25, 2: 25}
    assert engine_with(50)._shares(LETTERS) == dict.fromkeys(range(1, 51), 1)


def test_who_had_a_turn_goes_to_the_end_of_the_line() -> None:
    engine = engine_with(60)
    first = set(engine._shares(LETTERS))
    assert len(first) == 50 and set(range(1, 61)) - first <= set(engine._shares(LETTERS))


def test_an_account_of_which_nothing_is_known_begins_with_one() -> None:
    fresh = Account(time.monotonic(), 10_000, time.monotonic())
    assert {lane.width for lane in fresh.lanes.values()} == {1}


def test_hands_that_have_waited_long_are_no_hands_of_the_others() -> None:
    engine = engine_with(1)
    engine._hands[LETTERS] = dict.fromkeys(range(50), time.monotonic())
    assert engine._shares(LETTERS) == {}
    engine._hands[LETTERS] = dict.fromkeys(range(50), time.monotonic() - 3)
    assert engine._shares(LETTERS) == {1: 50}


def test_who_has_no_leave_is_not_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[int, int]] = []

    def take_up(shares: dict[int, int], *_: Any, **__: Any) -> list[Any]:
        asked.append(shares)
        return []

    monkeypatch.setattr(dispatch, "take_up", take_up)
    doors = FakeDoors(leave=lambda account_id: timedelta(seconds=account_id - 1))
    waits, _ = engine_with(2, doors=doors)._take_up(Channel.REQUEST_REVIEW, {1: 1, 2: 1})
    assert asked == [{1: 1}] and waits[2] == timedelta(seconds=1)


# --- What a day has room for ---


@pytest.fixture
def account(all_sellers: None) -> AmazonAccount:
    return make_account(make_seller())


def test_a_part_of_the_day_is_kept_back_for_what_the_seller_writes_by_hand(
    account: AmazonAccount, now: datetime, settings: Settings
) -> None:
    settings.DAILY_RESERVE = 0.25
    assert pacing.daily_cap(account.pk, now=now) == 450
    settings.DAILY_RESERVE = 0
    for _ in range(7):
        make_order(account, purchased_at=now - timedelta(days=1))
    assert pacing.daily_cap(account.pk, now=now) == 605  # five times one order a day, and 600


def test_of_what_the_day_has_no_room_for_the_least_important_moves_however_long_it_waits(
    account: AmazonAccount, now: datetime
) -> None:
    older = make_message(make_order(account, buyer=alias()), due_at=now - timedelta(hours=5), priority=100)
    urgent = make_message(make_order(account, buyer=alias()), due_at=now - timedelta(hours=1), priority=1)
    assert pacing.move_overflow(account.pk, left=1, now=now) == 1
    moved, kept = Message.objects.get(pk=older.pk), Message.objects.get(pk=urgent.pk)
    assert moved.due_at >= now + timedelta(hours=23) and moved.reason == DAILY_LIMIT
    assert kept.due_at == now - timedelta(hours=1)


def test_what_a_person_wrote_by_hand_takes_from_the_part_that_is_kept_back_for_it(
    account: AmazonAccount, now: datetime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DAILY_RESERVE = 0.5
    monkeypatch.setattr(pacing, "BASE", 2)
    monkeypatch.setattr(pacing, "PER_DAILY_ORDER", 0)
    make_message(make_order(account, buyer=alias()), status="sent", handed_over_at=now)
    of_campaign = make_message(make_order(account, buyer=alias()), due_at=now - timedelta(hours=1))
    by_hand = make_critical_message(make_order(account, buyer=alias()))
    Message.objects.filter(pk=by_hand.pk).update(due_at=now)

    assert pacing.left_of([account.pk], now=now) == {account.pk: 1}
    of_campaign.refresh_from_db()
    by_hand.refresh_from_db()
    assert by_hand.due_at == now and of_campaign.due_at > now and of_campaign.reason == DAILY_LIMIT

    make_message(make_order(account, buyer=alias()), status="sent", handed_over_at=now)
    assert pacing.left_of([account.pk], now=now) == {account.pk: 0}  # Amazon's own limit holds by hand, too


def test_an_account_whose_messages_are_put_off_one_after_the_other_is_asked_less_and_less_often() -> None:
    engine = engine_with(1)
    lane, pauses = engine._accounts[1].lanes[LETTERS], []
    parcel = Parcel(7, 1, LETTERS, "", 0, envelope(), CLEARANCE)
    for _ in range(6):
        engine._learn(parcel, Deferred("slower", timedelta(seconds=100), is_general=True))
        pauses.append(round((lane.not_before - time.monotonic()) / 100))
    engine._learn(parcel, Receipt("taken"))

    assert pauses == [1, 2, 4, 8, 16, 16] and lane.put_off == 0
