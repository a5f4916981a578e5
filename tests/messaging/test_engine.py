"""The process that sends: everything goes out, once, soon, and nobody waits for somebody else's trouble."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import breakers, dispatch, engine
from messaging.gateways.base import Answer, Deferred, Envelope, Receipt
from messaging.models import Channel, Message, Status
from tests.makers import alias, make_account, make_message, make_order, make_seller
from tests.messaging.engines import FakeDoors, running, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def shop(name: str, messages: int, *, channel: Channel = Channel.BUYER_EMAIL) -> AmazonAccount:
    """An account with so many messages that are due."""
    account = make_account(make_seller(name))
    due(account, messages, channel=channel)
    return account


def due(account: AmazonAccount, messages: int, *, channel: Channel = Channel.BUYER_EMAIL) -> None:
    now = timezone.now()
    for _ in range(messages):
        order = make_order(account, buyer=alias(), delivered_at=now - timedelta(days=7))
        make_message(order, channel=channel, due_at=now - timedelta(seconds=1))


def statuses(account: AmazonAccount | None = None) -> Counter[str]:
    with across_sellers("test"):
        messages = Message.objects.filter(account=account) if account else Message.objects.all()
        return Counter(messages.values_list("status", flat=True))


def test_two_engines_over_many_accounts_send_each_message_once() -> None:
    for number in range(6):
        shop(f"shop {number}", 30)
    doors = [FakeDoors(), FakeDoors()]
    with running(*doors):
        wait_until(lambda: statuses() == {Status.SENT: 180})
    sent = [envelope.message_id for ours in doors for _, envelope, _ in ours.delivered]
    assert len(sent) == len(set(sent)) == 180


def test_accounts_that_one_engine_has_no_room_for_are_another_ones_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_KEPT", 3)
    monkeypatch.setattr(engine, "KEPT_FOR", 60.0)
    for number in range(5):
        shop(f"shop {number}", 2)
    begun, until = set[int](), time.monotonic() + 10

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        begun.add(account_id)
        while len(begun) < 5 and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return Receipt("taken")

    with running(FakeDoors(deliver), FakeDoors(deliver)):
        wait_until(lambda: statuses() == {Status.SENT: 10})
    assert time.monotonic() < until


def test_an_engine_that_comes_later_gets_its_part_of_the_accounts() -> None:
    shops = [shop(f"shop {number}", 40).pk for number in range(4)]
    first, second = FakeDoors(at_leisure), FakeDoors(at_leisure)
    with running(first):
        wait_until(lambda: {account_id for account_id, _, _ in first.delivered} == set(shops))
        with running(second):
            wait_until(lambda: len({account_id for account_id, _, _ in second.delivered}) == 2)
            wait_until(lambda: not _due_now())
    assert statuses() == {Status.SENT: 160}
    assert len({account_id for account_id, _, _ in second.delivered}) <= 3  # the first one's last may be its


async def at_leisure(account_id: int, envelope: Envelope) -> Answer:
    await asyncio.sleep(0.4)
    return Receipt("taken")


def test_what_becomes_due_on_an_idle_site_is_handed_over_within_two_seconds() -> None:
    account, doors, waits = shop("a shop", 1), FakeDoors(), []
    with running(doors):
        for number in range(5):
            wait_until(lambda: len(doors.delivered) == number + 1)  # noqa: B023
            time.sleep(0.1 * number)
            began = time.monotonic()
            due(account, 1)
            wait_until(lambda: len(doors.delivered) == number + 2)  # noqa: B023
            waits.append(doors.delivered[-1][2] - began)
    assert sorted(waits)[2] < 2 and max(waits) < 5


def test_a_seller_with_a_long_queue_delays_nobody() -> None:
    big, small = shop("a big shop", 600), shop("a small shop", 10)
    doors = FakeDoors()
    with running(doors):
        wait_until(lambda: statuses(small) == {Status.SENT: 10})
    order = [account_id for account_id, _, _ in doors.delivered]
    assert len(order) - 1 - order[::-1].index(small.pk) < 150  # its last one, among the first of both
    assert statuses(big)[Status.SENT] > 0


@pytest.mark.parametrize("channel", list(Channel))
def test_accounts_that_hang_hold_only_themselves(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SLOW", 0.3)
    hanging = {shop(f"hanging {number}", 5, channel=channel).pk for number in range(60)}
    sound = shop("a sound shop", 40, channel=channel)
    is_over: list[bool] = []

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        while account_id in hanging and not is_over:
            await asyncio.sleep(0.05)
        return Receipt("taken")

    doors = FakeDoors(deliver)
    with running(doors):
        wait_until(lambda: statuses(sound) == {Status.SENT: 40})
        held = Counter(account_id for account_id, _, _ in doors.delivered if account_id in hanging)
        assert held and set(held.values()) == {1}  # one each found it out
        is_over.append(True)


def test_a_throttled_account_waits_alone() -> None:
    throttled, sound = shop("throttled", 5), shop("sound", 20)

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        if account_id == throttled.pk:
            return Deferred("slower", timedelta(seconds=60))
        return Receipt("taken")

    with running(FakeDoors(deliver)):
        wait_until(lambda: statuses(sound) == {Status.SENT: 20})
        wait_until(lambda: statuses(throttled) == {Status.SCHEDULED: 5})


def test_two_engines_together_keep_the_daily_cap(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.pacing.BASE", 25)
    monkeypatch.setattr("messaging.pacing.PER_DAILY_ORDER", 0)
    settings.DAILY_RESERVE = 0
    accounts = [shop(f"shop {number}", 40) for number in range(3)]
    for account in accounts:
        due(account, 10, channel=Channel.REQUEST_REVIEW)
    with running(FakeDoors(), FakeDoors()):
        wait_until(lambda: statuses()[Status.SENT] == 75)
        wait_until(lambda: not _due_now())
        time.sleep(0.5)
    for account in accounts:
        assert statuses(account) == {Status.SENT: 25, Status.SCHEDULED: 25}
    with across_sellers("test"):
        rest = Message.objects.filter(status=Status.SCHEDULED)
        assert all(message.due_at > timezone.now() + timedelta(hours=23) for message in rest)


def _due_now() -> bool:
    with across_sellers("test"):
        return Message.objects.filter(status=Status.SCHEDULED, due_at__lte=timezone.now()).exists()


def test_the_operators_stop_holds_within_five_seconds_and_until_it_is_lifted() -> None:
    shop("a shop", 400)

    async def slowly(account_id: int, envelope: Envelope) -> Answer:
        await asyncio.sleep(0.05)
        return Receipt("taken")

    doors = FakeDoors(slowly)
    with running(doors):
        wait_until(lambda: doors.delivered)
        breakers.stop_everything("We are looking into a fault.", by="operator", now=timezone.now())
        stopped = time.monotonic()
        time.sleep(1.5)
        assert all(at < stopped + 1 for _, _, at in doors.delivered) and len(doors.delivered) < 400
        breakers.go_on(by="operator", now=timezone.now())
        wait_until(lambda: statuses() == {Status.SENT: 400}, 40)


def test_an_engine_that_is_told_to_stop_settles_what_is_in_hand() -> None:
    shop("a shop", 30)

    async def slowly(account_id: int, envelope: Envelope) -> Answer:
        await asyncio.sleep(0.4)
        return Receipt("taken")

    doors = FakeDoors(slowly)
    with running(doors):
        wait_until(lambda: doors.delivered)
    assert statuses()[Status.SENDING] == 0 and statuses()[Status.SENT] == len(doors.delivered)


def test_an_error_of_ours_leaves_the_outcome_unknown_and_the_engine_alive() -> None:
    account = shop("a shop", 3)

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        if len(doors.delivered) == 1:
            raise ZeroDivisionError
        return Receipt("taken")

    doors = FakeDoors(deliver)
    with running(doors):
        wait_until(lambda: statuses(account) == {Status.SENT: 2, Status.UNKNOWN: 1})


def test_outcomes_are_written_when_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    account, settle, failed = shop("a shop", 3), dispatch.settle, list[bool]()

    def settle_later(outcomes: list[dispatch.Outcome], *, now: object) -> None:
        if not failed:
            failed.append(True)
            raise OperationalError("away")
        settle(outcomes, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch, "settle", settle_later)
    doors = FakeDoors()
    with running(doors):
        wait_until(lambda: statuses(account) == {Status.SENT: 3})
    assert len(doors.delivered) == 3


def test_outcomes_are_written_though_nothing_more_can_be_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    account, take_up, taken = shop("a shop", 3), dispatch.take_up, list[bool]()

    def take_up_once(*args: Any, **kwargs: Any) -> list[dispatch.Parcel]:
        if taken:
            raise OperationalError("away")
        taken.append(True)
        return take_up(*args, **kwargs)

    monkeypatch.setattr(dispatch, "take_up", take_up_once)
    with running(FakeDoors()):
        wait_until(lambda: statuses(account) == {Status.SENT: 1, Status.SCHEDULED: 2})


def test_never_more_are_in_sending_than_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        shop(f"shop {number}", 60)
    take_up, counts = dispatch.take_up, list[int]()

    def take_up_and_count(*args: Any, **kwargs: Any) -> list[dispatch.Parcel]:
        parcels = take_up(*args, **kwargs)
        with across_sellers("test"):  # in the same transaction: what others see when it is committed
            counts.append(Message.objects.filter(status=Status.SENDING).count())
        return parcels

    async def deliver(account_id: int, envelope: Envelope) -> Answer:
        await asyncio.sleep(0.02 + 0.001 * (envelope.message_id.int % 40))
        return Receipt("taken")

    monkeypatch.setattr(dispatch, "take_up", take_up_and_count)
    with running(FakeDoors(deliver)):
        wait_until(lambda: statuses() == {Status.SENT: 240})
    assert 25 < max(counts) <= dispatch.BATCH


def test_an_engine_ends_though_the_database_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    account = shop("a shop", 3)
    monkeypatch.setattr(engine, "INSISTS_FOR", 0.5)
    monkeypatch.setattr(dispatch, "settle", _is_away)
    doors, began = FakeDoors(), time.monotonic()
    with running(doors):
        wait_until(lambda: doors.delivered)
        time.sleep(0.2)
    assert time.monotonic() - began < 10
    assert statuses(account)[Status.SENDING] == len(doors.delivered)  # known to nobody: `reap` shows them


def test_an_engine_that_cannot_write_outcomes_any_more_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    shop("a shop", 3)
    monkeypatch.setattr(dispatch, "settle", lambda outcomes, *, now: 1 / 0)

    async def send() -> None:
        await asyncio.wait_for(engine.Engine(FakeDoors(), clock=timezone.now).run(), 15)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(send())


def _is_away(outcomes: list[dispatch.Outcome], *, now: object) -> None:
    raise OperationalError("away")
