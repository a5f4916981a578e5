"""The reader: what waits is read by itself, at once, by one of many, and no mail takes its neighbours with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import durability
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from feedbackfive.devservices import die_with_parent
from messaging import withdrawing
from messaging.models import Message, Status
from optouts import addresses, gate, intake, promotions, reader
from optouts.authenticity import DnsTrouble
from optouts.doorbell import Doorbell
from optouts.models import InboundAddress, Notice
from optouts.reader import Reader
from optouts.receiving import Delivery, store
from tests.makers import IT, make_account, make_address, make_message, make_order, make_seller, make_user
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, NOW, ORDER, FakeDns
from tests.optouts.smtp_listening import ROOT, database_of_the_tests, throw_out_everybody

pytestmark = pytest.mark.django_db(transaction=True)

SELLER = gate.Reach.SELLER
PLAIN = b"From: a@b.example\r\nSubject: Hello\r\n\r\nNumber %d\r\n"


@pytest.fixture
def account(transactional_db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


@pytest.fixture
def address(account: AmazonAccount) -> InboundAddress:
    return make_address(account.seller)


def take_in(address: InboundAddress, count: int = 1) -> list[int]:
    return [intake.receive(address, PLAIN % number, now=NOW) for number in range(count)]


def notice(pk: int) -> Notice:
    with across_sellers("test"):
        return Notice.objects.get(pk=pk)


def status(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def read(dns: FakeDns | None = None, *, hours: float = 0) -> int:
    return reader.read_waiting(dns or FakeDns(), clock=lambda: NOW + timedelta(hours=hours))


def wait_until(is_so: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.01)


@contextmanager
def reading() -> Iterator[Reader]:
    """A reader in a thread of this process."""
    running = Reader(FakeDns(), clock=timezone.now)

    def run() -> None:
        try:
            running.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield running
    finally:
        running.stop()
        thread.join(10)
        assert not thread.is_alive()
        running.close()


# --- The bell ---


@pytest.fixture
def waited(transactional_db: None) -> Iterator[Callable[[], float]]:
    """How long a bell's `wait` took, of two seconds at most. It listens from the beginning."""
    bell = Doorbell()
    bell.listen()

    def wait() -> float:
        began = time.monotonic()
        bell.wait(2)
        return time.monotonic() - began

    yield wait
    with connection.cursor() as cursor:
        cursor.execute("unlisten *")
    bell.close()


def elsewhere(job: Callable[[], object]) -> None:
    """Do something over another connection."""

    def do() -> None:
        try:
            job()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    thread.join(10)


def test_each_door_rings_for_what_it_has_stored(address: InboundAddress, waited: Callable[[], float]) -> None:
    elsewhere(lambda: take_in(address))
    assert waited() < 1
    delivery = Delivery(address.local_part, PLAIN % 7, Notice.Source.MAILGUN)
    elsewhere(lambda: store([delivery], now=NOW))
    assert waited() < 1
    assert waited() > 1.5  # each ring is heard once


def test_nobody_is_woken_for_a_mail_that_is_not_to_be_read(
    address: InboundAddress, waited: Callable[[], float]
) -> None:
    delivery = Delivery(address.local_part, PLAIN % 7, Notice.Source.SMTP, went_round=True)
    elsewhere(lambda: store([delivery], now=NOW))
    assert waited() > 1.5


def test_what_was_not_committed_rings_no_bell(address: InboundAddress, waited: Callable[[], float]) -> None:
    def change_your_mind() -> None:
        with transaction.atomic():
            take_in(address)
            transaction.set_rollback(True)

    elsewhere(change_your_mind)
    assert waited() > 1.5


def test_a_ring_that_comes_while_something_is_asked_is_not_missed(
    address: InboundAddress, waited: Callable[[], float]
) -> None:
    elsewhere(lambda: take_in(address))
    with across_sellers("test"):
        Notice.objects.count()  # the notification comes along with this answer
    assert waited() < 1


# --- The reader ---


def test_a_notice_is_read_and_what_is_pending_withdrawn_without_waiting_for_the_next_look(
    account: AmazonAccount, address: InboundAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LOOK_EVERY", 600)
    order = make_order(account, buyer=ALIAS, amazon_order_id=ORDER, marketplace_id=IT, last_written_at=NOW)
    message = make_message(order, due_at=NOW + timedelta(days=1000))
    raw = AMAZON.sign(replace(ITALIAN, to=addresses.full_address(address)).build())
    with reading():
        time.sleep(0.3)  # it waits by now
        pk = intake.receive(address, raw, now=NOW)
        wait_until(lambda: notice(pk).status == Notice.Status.APPLIED)

        wait_until(lambda: status(message) == Status.SUPPRESSED)


def test_each_reader_withdraws_for_what_it_has_entered_and_leaves_the_rest_to_the_timetable(
    account: AmazonAccount, address: InboundAddress
) -> None:
    order = make_order(account, buyer=ALIAS, amazon_order_id=ORDER, marketplace_id=IT, last_written_at=NOW)
    other = make_order(account, amazon_order_id="407-0000001-2222222")
    ours, theirs = (make_message(each, due_at=NOW + timedelta(days=1000)) for each in (order, other))
    with across_sellers("test"):
        gate.suppress(gate.buyer_of(other), gate.Proof("notice 1", gate.OPTED_OUT, "A1"), reach=SELLER, now=NOW)
    intake.receive(address, AMAZON.sign(replace(ITALIAN, to=addresses.full_address(address)).build()), now=NOW)
    assert read() == 1
    assert [status(message) for message in (ours, theirs)] == [Status.SUPPRESSED, Status.SCHEDULED]
    assert withdrawing.withdraw_suppressed(now=NOW) == 1
    assert status(theirs) == Status.SUPPRESSED


def test_what_followed_from_a_batch_is_on_the_disk_before_the_next_is_begun(
    address: InboundAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, unread = take_in(address, reader.MOST_AT_ONCE + 2), []
    monkeypatch.setattr(durability, "flush", lambda: unread.append(sum(notice(pk).look_at is not None for pk in ids)))
    with reading():
        wait_until(lambda: len(unread) == 2)
    assert unread == [2, 0]


def test_what_waited_before_it_began_is_read_at_once(address: InboundAddress) -> None:
    ids = take_in(address, 25)
    with reading():
        wait_until(lambda: all(notice(pk).look_at is None for pk in ids))


def test_it_goes_on_when_the_database_has_thrown_it_out(
    address: InboundAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "AFTER_TROUBLE", 0.05)
    with reading():
        time.sleep(0.3)
        throw_out_everybody()
        [pk] = take_in(address)
        wait_until(lambda: notice(pk).look_at is None)


def test_it_ends_at_once_though_nobody_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LOOK_EVERY", 600)
    with reading():
        time.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_as_a_process_it_reads_and_ends_by_sigterm(address: InboundAddress, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "read_notices"],
            cwd=ROOT,
            env=dict(os.environ) | database_of_the_tests(),
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),
        )
    [pk] = take_in(address)
    wait_until(lambda: notice(pk).look_at is None, 20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert "reading_ended" in (tmp_path / "log").read_text()


# --- Claims, and mails that break their reader ---


def test_a_notice_that_is_being_read_is_given_to_nobody_else(address: InboundAddress) -> None:
    ids = take_in(address, 5)
    with across_sellers("test"):
        assert {claimed.pk for claimed in intake.claim(3, now=NOW)} == set(ids[:3])
        assert {claimed.pk for claimed in intake.claim(3, now=NOW)} == set(ids[3:])
        assert intake.claim(3, now=NOW) == []


def test_what_a_dead_reader_held_is_read_when_its_lease_is_over_each_alone(address: InboundAddress) -> None:
    ids = take_in(address, 3)
    with across_sellers("test"):
        intake.claim(3, now=NOW)  # and the reader dies
        [fresh] = [intake.receive(address, PLAIN % 99, now=NOW)]
        later = NOW + intake.LEASE
        assert [claimed.pk for claimed in intake.claim(3, now=later)] == [fresh]
        assert [len(intake.claim(3, now=later)) for _ in range(4)] == [1, 1, 1, 0]
        assert all(notice(pk).crashes == 2 for pk in ids)


def test_a_mail_over_which_the_reader_stumbles_stops_none_of_its_neighbours(
    address: InboundAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = take_in(address, 3)
    wise = intake.read

    def stumbles(of: Notice, raw: bytes, surroundings: intake.Surroundings, *, resolver: FakeDns) -> object:
        if of.pk == ids[1]:
            raise RecursionError
        return wise(of, raw, surroundings, resolver=resolver)

    monkeypatch.setattr(intake, "read", stumbles)
    assert read() == 3
    assert [notice(pk).status for pk in ids] == ["ignored", "received", "ignored"]
    for hours in range(1, 5):
        read(hours=hours)
    assert (notice(ids[1]).status, notice(ids[1]).reason) == (Notice.Status.QUARANTINED, intake.UNREADABLE)


def test_dns_trouble_of_one_keeps_no_other_from_being_read(address: InboundAddress) -> None:
    class Trouble(FakeDns):
        def txt(self, name: str, /) -> bytes | None:
            raise DnsTrouble("away")

    signed = AMAZON.sign(replace(ITALIAN, to=addresses.full_address(address)).build())
    first = intake.receive(address, signed, now=NOW)
    [second] = take_in(address)
    assert read(Trouble()) == 2
    assert (notice(first).status, notice(second).status) == ("received", "ignored")
    look_again = notice(first).look_at
    assert look_again is not None and look_again > NOW


def test_a_mail_that_takes_for_ever_ends_its_process() -> None:
    watched = (
        "import django, time; django.setup(); from optouts import reader; reader.MAIL_SECONDS = 0.2\n"
        "with reader._watched(): time.sleep(30)"
    )
    began = time.monotonic()
    environment = dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "feedbackfive.settings"}
    ended = subprocess.run([sys.executable, "-c", watched], cwd=ROOT, env=environment, capture_output=True)
    assert ended.returncode == 1 and time.monotonic() - began < 20
    assert b"Timeout" in ended.stderr


def test_a_wording_attested_while_its_notice_is_being_read_is_not_missed(address: InboundAddress) -> None:
    [pk] = take_in(address)
    with across_sellers("test"):
        [claimed] = intake.claim(1, now=NOW)
        promotions.promote_templates([claimed], by=make_user(), now=NOW + timedelta(seconds=1))
        assert intake.read_claimed(claimed, intake.Surroundings(), resolver=FakeDns(), now=NOW)
    assert notice(pk).look_at == NOW + timedelta(seconds=1)  # once more, with what was attested meanwhile
