"""The process that sends, when the ground moves under it: it hands nothing over twice, and keeps the daily cap."""

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from messaging import dispatch, engine, pacing
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt
from messaging.models import Channel, Status
from tests.messaging.engines import FakeDoors, running, wait_until
from tests.messaging.test_engine import shop, statuses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cap(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("messaging.pacing.BASE", 25)
    monkeypatch.setattr("messaging.pacing.PER_DAILY_ORDER", 0)
    settings.DAILY_RESERVE = 0
    return 25


class Hand:
    """Holds every letter until it is told to let go, or for so long that the test has failed."""

    def __init__(self) -> None:
        self.is_open = False
        self._until = time.monotonic() + 20

    async def deliver(self, account_id: int, envelope: Envelope) -> Answer:
        while not self.is_open and time.monotonic() < self._until:
            await asyncio.sleep(0.02)
        return Receipt("taken")


def test_who_has_lost_an_account_with_letters_in_hand_takes_nothing_up_until_it_keeps_it_again() -> None:
    account, hand = shop("a shop", 5), Hand()
    doors = FakeDoors(hand.deliver)
    with running(doors):
        wait_until(lambda: doors.delivered)
        wait_until(_cut_off_whoever_keeps_accounts)
        wait_until(lambda: pacing.keep([account.pk]))  # another process does now, and counts what is left today
        time.sleep(1)  # the engine has looked by then
        hand.is_open = True
        wait_until(lambda: statuses(account)[Status.SENT] == 1)
        time.sleep(1)
        assert len(doors.delivered) == 1
        pacing.give_up([account.pk])
        wait_until(lambda: statuses(account) == {Status.SENT: 5})
    assert len(doors.delivered) == 5


def _cut_off_whoever_keeps_accounts() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = %s and granted"
            " and database = (select oid from pg_database where datname = current_database())",
            [pacing.LOCKS],
        )
        return int(cursor.rowcount)


def test_an_account_is_kept_however_old_the_connection_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 1)
    account, hand = shop("a shop", 2), Hand()
    doors = FakeDoors(hand.deliver)
    with running(doors):
        wait_until(lambda: doors.delivered)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            assert pacing.keep([account.pk]) == set()
            time.sleep(0.02)
        hand.is_open = True
        wait_until(lambda: statuses(account) == {Status.SENT: 2})


def test_who_counts_again_while_messages_are_being_taken_up_keeps_the_daily_cap(
    cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, take_up = shop("a shop", 60), dispatch.take_up

    def take_up_slowly(*args: Any, **kwargs: Any) -> list[dispatch.Parcel]:
        parcels = take_up(*args, **kwargs)
        time.sleep(1)  # before the commit, where outcomes are written with it: who counts now does not see them
        return parcels

    monkeypatch.setattr(dispatch, "take_up", take_up_slowly)
    with running(FakeDoors()):
        wait_until(lambda: statuses(account)[Status.SENT] >= cap)
        time.sleep(2.5)
    assert statuses(account) == {Status.SENT: cap, Status.SCHEDULED: 60 - cap}


def test_a_batch_of_whose_commit_nothing_was_heard_counts_against_the_daily_cap(
    cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, take_up, cut = shop("a shop", 60), dispatch.take_up, list[int]()

    def take_up_and_be_cut_off(shares: Any, channel: Channel, **kwargs: Any) -> list[dispatch.Parcel]:
        parcels = take_up(shares, channel, **kwargs)
        if not connection.in_atomic_block and parcels and not cut:
            cut.append(len(parcels))
            raise OperationalError("the connection was lost")
        return parcels

    monkeypatch.setattr(dispatch, "take_up", take_up_and_be_cut_off)
    doors = FakeDoors()
    with running(doors):
        wait_until(lambda: statuses(account)[Status.SENT] >= cap - 1)
        time.sleep(1)
    assert statuses(account) == {Status.SENT: cap - 1, Status.SENDING: 1, Status.SCHEDULED: 60 - cap}
    assert cut == [1] and len(doors.delivered) == cap - 1  # `reap` shows the one as unknown; it is never handed over


def test_a_server_that_breaks_off_every_letter_does_not_get_the_whole_queue() -> None:
    broken, sound = shop("broken", 200), shop("sound", 20)

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        if account_id == broken.pk:
            raise OutcomeUnknown("the connection broke after the letter was shown")
        return Receipt("taken")

    with running(FakeDoors(deliver)):
        wait_until(lambda: statuses(sound) == {Status.SENT: 20})
        time.sleep(2)
    assert statuses(broken) == {Status.UNKNOWN: 2, Status.SCHEDULED: 198}


def test_letters_that_break_off_together_are_one_mishap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "AFTER_TROUBLE", 2.0)  # sixteen times that, if each counted
    account, together = shop("a shop", 100), asyncio.Event()

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        number = len(doors.delivered)
        if 15 < number <= 31 and not together.is_set():
            if number == 31:
                together.set()
            await together.wait()
            raise OutcomeUnknown("the relay was started anew")
        return Receipt("taken")

    doors = FakeDoors(deliver)
    with running(doors):
        wait_until(lambda: statuses(account)[Status.SENT] == 84, 12)
    assert statuses(account) == {Status.SENT: 84, Status.UNKNOWN: 16}


def test_an_account_that_was_connected_again_while_it_sends_goes_on_with_the_new_authorisation() -> None:
    account = shop("a shop", 5, channel=Channel.REQUEST_REVIEW)
    read = list[int]()

    class Doors(FakeDoors):
        def prepare(self, account_ids: Iterable[int]) -> None:
            read.extend(account_ids)

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        if len(read) < 2:  # what was read first is not accepted any more, and another has been given since
            return AccountTrouble("Amazon no longer accepts the authorisation", lost="the mark of the former one")
        return Receipt("taken")

    with running(Doors(deliver)):
        wait_until(lambda: statuses(account) == {Status.SENT: 5})


def test_a_later_that_is_written_again_takes_nothing_out_of_the_hands_of_who_has_it_since() -> None:
    account, now = shop("a shop", 1), timezone.now()
    [parcel] = dispatch.take_up({account.pk: 1}, Channel.BUYER_EMAIL, now=now)
    later: list[dispatch.Outcome] = [(parcel, Deferred("not now", timedelta(0)))]
    dispatch.settle(later, now=now)
    [again] = dispatch.take_up({account.pk: 1}, Channel.BUYER_EMAIL, now=now + timedelta(seconds=1))
    dispatch.settle(later, now=now + timedelta(seconds=2))  # nothing had been heard of the first commit
    assert statuses(account) == {Status.SENDING: 1}
    dispatch.settle([(again, Receipt("taken"))], now=now + timedelta(seconds=3))
    assert statuses(account) == {Status.SENT: 1}
