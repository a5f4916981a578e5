"""Many dispatchers at the same time, on real connections and real transactions."""

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, transaction

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import dispatch, leaving, outbox, withdrawing
from messaging.gateways.base import Answer, Envelope, Gateway
from messaging.life import move
from messaging.models import Channel, Hold, Message, Status
from optouts import gate
from optouts.gate import Buyer, Clearance, Proof, Reach
from orders.models import Order
from tests.makers import NOW, alias, make_account, make_message, make_order, make_seller, suppress
from tests.messaging.post_office import PostOffice, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(*jobs: Callable[[], object]) -> None:
    """Run each job in a thread of its own with its own connection; errors fail the test."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        try:
            start.wait()
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_eight_dispatchers_over_200_due_messages_with_every_task_doubled_send_200(now: datetime) -> None:
    account = make_account(make_seller())
    for _ in range(200):
        make_message(make_order(account, buyer=alias()))
    office = PostOffice()

    def dispatch_twice() -> None:
        for _ in range(2):
            dispatch.send_due(account.pk, gateways={Channel.BUYER_EMAIL: office}, take=at_once, clock=lambda: now)

    run_at_once(*[dispatch_twice] * 8)

    assert len(office.delivered) == 200
    assert len({envelope.message_id for envelope in office.delivered}) == 200
    with across_sellers("test"):
        assert Counter(Message.objects.values_list("status", flat=True)) == {Status.SENT: 200}


def test_once_an_opt_out_is_committed_no_message_to_that_buyer_enters_sending(now: datetime) -> None:
    accounts = [make_account(make_seller(f"shop {number}")) for number in range(2)]
    buyers = [alias() for _ in range(60)]
    messages = {buyer: [make_message(make_order(account, buyer=buyer)) for account in accounts] for buyer in buyers}
    counter, counting = itertools.count(), threading.Lock()
    committed: dict[UUID, int] = {}
    began, leaks, delivered = threading.local(), [], []

    def tick() -> int:
        with counting:
            return next(counter)

    def begin(channel: Channel) -> timedelta:  # called just before each message is looked at
        began.at = tick()
        return timedelta(0)

    class Office(PostOffice):
        async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
            key = clearance.buyer.alias_key
            assert key is not None
            delivered.append(key)
            if committed.get(key, began.at) < began.at:
                leaks.append(key)
            return await super().deliver(envelope, clearance)

    def opt_all_out() -> None:
        for first, _ in messages.values():
            assert first.alias_key is not None
            buyer = Buyer(first.seller_id, first.order.amazon_order_id, first.order_key, first.alias_key)
            gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT, "A1", "f"), reach=Reach.GLOBAL, now=NOW)
            committed[first.alias_key] = tick()

    def send_from(number: int) -> None:
        gateways: dict[Channel, Gateway] = {Channel.BUYER_EMAIL: Office()}
        for _ in range(3):
            dispatch.send_due(accounts[number % 2].pk, gateways=gateways, take=begin, clock=lambda: now)

    run_at_once(opt_all_out, *[partial(send_from, number) for number in range(4)])

    with across_sellers("test"):
        states = Counter(Message.objects.values_list("status", flat=True))
    assert set(states) <= {Status.SENT, Status.SUPPRESSED} and sum(states.values()) == 120
    assert states[Status.SENT] == len(delivered) and leaks == []


def test_no_batch_that_begins_after_an_opt_out_holds_that_buyer(now: datetime) -> None:
    """Eight dispatchers take batches up while buyers opt out one after the other; all on one clock."""
    accounts = [make_account(make_seller(f"shop {number}")) for number in range(4)]
    buyers = [alias() for _ in range(int(os.environ.get("RACE_BUYERS", "200")))]
    messages = [make_message(make_order(accounts[n % 4], buyer=buyer)) for n, buyer in enumerate(buyers)]
    committed: dict[UUID, float] = {}
    taken: list[tuple[UUID, float]] = []
    done = threading.Event()

    def opt_out_of(part: list[Message]) -> None:
        for message in part:
            assert message.alias_key is not None
            buyer = Buyer(message.seller_id, message.order.amazon_order_id, message.order_key, message.alias_key)
            gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT, "A1", "f"), reach=Reach.GLOBAL, now=NOW)
            committed[message.alias_key] = time.monotonic()
        done.set()

    def take_up(number: int) -> None:
        while not done.is_set():
            began = time.monotonic()
            for parcel in dispatch.take_up({accounts[number % 4].pk: 2}, Channel.BUYER_EMAIL, now=now):
                assert parcel.clearance.buyer.alias_key is not None
                taken.append((parcel.clearance.buyer.alias_key, began))
            time.sleep(0.02)

    run_at_once(partial(opt_out_of, messages[::-1]), *[partial(take_up, number) for number in range(8)])

    assert [key for key, began in taken if committed.get(key, began) < began] == []
    keys = [key for key, _ in taken]
    assert len(keys) == len(set(keys)) and 0 < len(keys) < len(buyers)  # both happened
    with across_sellers("test"):
        assert Message.objects.filter(status=Status.SENDING).count() == len(keys)


def test_a_batch_does_not_wait_for_an_opt_out_that_is_being_written(now: datetime) -> None:
    account = make_account(make_seller())
    blocked, free = (make_message(make_order(account, buyer=alias())) for _ in range(2))
    buyer = Buyer(blocked.seller_id, blocked.order.amazon_order_id, blocked.order_key, blocked.alias_key)
    locked, ended = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with across_sellers("test"), transaction.atomic():
            gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT), reach=Reach.SELLER, now=NOW)
            locked.set()
            assert ended.wait(10)

    def take_up() -> None:
        assert locked.wait(10)
        parcels = dispatch.take_up({account.pk: 10}, Channel.BUYER_EMAIL, now=now)
        ended.set()
        assert [parcel.id for parcel in parcels] == [free.pk]

    run_at_once(write_slowly, take_up)
    assert dispatch.take_up({account.pk: 10}, Channel.BUYER_EMAIL, now=now) == []
    with across_sellers("test"):
        blocked.refresh_from_db()
    assert blocked.status == Status.SUPPRESSED


def test_a_suppression_waits_for_a_clearance_that_is_being_used(now: datetime) -> None:
    """The other half of the promise: a suppression is not committed while a clearance of the same buyer is open."""
    account = make_account(make_seller())
    message = make_message(make_order(account, buyer=alias()))
    buyer = Buyer(message.seller_id, message.order.amazon_order_id, message.order_key, message.alias_key)
    order_of_things: list[str] = []
    cleared, go_on = threading.Event(), threading.Event()

    def clear_slowly() -> None:
        with across_sellers("test"), transaction.atomic():
            assert isinstance(gate.clear(buyer, now=now), gate.Clearance)
            cleared.set()
            go_on.wait(2)
            order_of_things.append("the message moved")

    def suppress() -> None:
        cleared.wait(5)
        threading.Timer(0.3, go_on.set).start()
        gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT), reach=Reach.SELLER, now=now)
        order_of_things.append("the suppression is committed")

    run_at_once(clear_slowly, suppress)
    assert order_of_things == ["the message moved", "the suppression is committed"]


def test_what_is_taken_up_at_once_is_shared_by_nobody(now: datetime) -> None:
    account = make_account(make_seller())
    for _ in range(40):
        make_message(make_order(account, buyer=alias()), due_at=now - timedelta(minutes=1))
    claims: list[list[int]] = []

    def claim() -> None:
        with across_sellers("test"):
            parcels = dispatch.take_up({account.pk: 10}, Channel.BUYER_EMAIL, now=now)
            claims.append([parcel.id for parcel in parcels])

    run_at_once(*[claim] * 4)
    ids = [pk for claimed in claims for pk in claimed]
    assert len(ids) == len(set(ids)) == 40


def test_a_withdrawal_and_a_planner_that_want_the_same_order_and_letter_do_not_wait_for_each_other(
    now: datetime,
) -> None:
    message = make_message(make_order(make_account(make_seller()), buyer=alias()))
    suppress(message.order)
    order_is_held = threading.Event()

    def as_planning_does() -> None:
        with across_sellers("test"), transaction.atomic():
            Order.objects.select_for_update().get(pk=message.order_id)
            order_is_held.set()
            time.sleep(0.5)  # the withdrawal goes as far as it can
            outbox.hold([message.pk], cause=Hold.PAUSED, reason="paused", now=now)

    def withdraw() -> None:
        order_is_held.wait(5)
        withdrawing.withdraw_suppressed(now=now)

    run_at_once(as_planning_does, withdraw)

    with across_sellers("test"):
        assert Message.objects.get(pk=message.pk).status == Status.SUPPRESSED


def test_what_was_handed_over_while_it_was_to_be_withdrawn_is_looked_at_again(now: datetime) -> None:
    message = make_message(make_order(make_account(make_seller()), buyer=alias()))
    suppress(message.order)
    is_held = threading.Event()

    def hand_over() -> None:
        with across_sellers("test"), transaction.atomic():
            move([message.pk], out_of={Status.SCHEDULED}, to=Status.SENDING, at=now, handed_over_at=now)
            is_held.set()
            time.sleep(0.5)  # the withdrawal has found it pending, and waits for its row

    def withdraw() -> None:
        is_held.wait(5)
        assert withdrawing.withdraw_suppressed(now=now) == 0

    run_at_once(hand_over, withdraw)

    with across_sellers("test"):
        move([message.pk], out_of={Status.SENDING}, to=Status.SENT, at=now, settled_at=now)
        withdrawing.withdraw_suppressed(now=now)
        assert Message.objects.get(pk=message.pk).status == Status.BLOCKED


def test_an_account_that_is_connected_again_at_the_last_moment_keeps_its_data(now: datetime) -> None:
    message = make_message(make_order(make_account(make_seller()), buyer=alias()))
    with across_sellers("test"):
        account = AmazonAccount.objects.get()
        leaving.disconnect(account, now=now)
    later, row_is_held = now + timedelta(days=29), threading.Event()

    def connect_again() -> None:
        with across_sellers("test"), transaction.atomic():
            AmazonAccount.objects.filter(pk=account.pk).update(status="connected", disconnected_at=None)
            row_is_held.set()
            time.sleep(0.5)  # the job has found the account, and waits for its row

    def erase() -> None:
        row_is_held.wait(5)
        assert leaving.erase_disconnected(now=later) == 0

    run_at_once(connect_again, erase)

    with across_sellers("test"):
        assert Message.objects.get(pk=message.pk).letter_sealed is not None
