"""The listener as the process that runs in production: without a broker, killed, stopped, on a port that is taken.

The broker's address leads nowhere in all of these tests.
"""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.rowsecurity import across_sellers
from optouts.addresses import full_address
from optouts.models import Notice
from tests.makers import make_address, make_seller
from tests.optouts.smtp_listening import MAIL, ListenerProcess, Sender, database_away, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(transactional_db: None) -> str:
    return full_address(make_address(make_seller()))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[ListenerProcess]:
    """One process for all tests, each of which finds it running: starting one costs a second."""
    folder = tmp_path_factory.mktemp("listener")
    broken = {"FEEDBACKFIVE_BROKER_URL": f"redis+socket://{folder}/no-broker.sock"}
    process = ListenerProcess(folder, variables=broken)
    yield process
    if process.is_running:
        process.end(signal.SIGKILL)


@pytest.fixture
def listener(process: ListenerProcess, transactional_db: None) -> ListenerProcess:
    return process if process.is_running else process.start()


def notices() -> int:
    with across_sellers("test"):
        return Notice.objects.count()


@contextmanager
def no_notice_can_be_stored() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("begin; lock table optouts_notice in exclusive mode")
        try:
            yield
        finally:
            cursor.execute("commit")


def wait_until_a_mail_is_in_hand() -> None:
    def is_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_locks join pg_database on pg_database.oid = database"
                " where datname = current_database() and not granted"
            )
            return bool(cursor.fetchone()[0])

    until = time.monotonic() + 5
    while not is_waiting():
        assert time.monotonic() < until, "the mail never came to the database"
        time.sleep(0.01)


def show_mail(sender: Sender, address: str) -> None:
    sender.greet().begin(address)
    sender.say("DATA")
    sender.write(MAIL + b".\r\n")


def test_without_broker_and_after_the_database_was_away_a_listener_does_its_work_and_logs_no_address(
    listener: ListenerProcess, address: str
) -> None:
    began = time.monotonic()
    assert send(listener.place, address).startswith("250")
    assert time.monotonic() - began < 2
    with database_away():
        assert send(listener.place, address, mail=MAIL + b"two\r\n").startswith("451")
    assert send(listener.place, address, mail=MAIL + b"two\r\n").startswith("250")
    assert notices() == 2
    assert "mails_stored" in listener.log and "mail_not_stored" in listener.log and "Traceback" not in listener.log
    assert address.partition("@")[0] not in listener.log


def test_a_listener_killed_before_it_could_store_has_promised_nothing(listener: ListenerProcess, address: str) -> None:
    with Sender(listener.place) as sender, no_notice_can_be_stored():
        show_mail(sender, address)
        wait_until_a_mail_is_in_hand()
        listener.end(signal.SIGKILL)
        assert sender.answer() == ""
    assert send(listener.start().place, address).startswith("250")
    assert notices() == 1


def test_a_listener_killed_after_it_stored_makes_no_second_notice_of_the_repeat(
    listener: ListenerProcess, address: str
) -> None:
    with Sender(listener.place) as sender:
        show_mail(sender, address)
        while not notices():
            time.sleep(0.001)
        listener.end(signal.SIGKILL)  # whether its 250 was on the way or not, this sender never reads it
    assert send(listener.start().place, address).startswith("250")
    assert notices() == 1


def test_a_listener_told_to_stop_ends_the_mail_in_hand_and_leaves_nobody_waiting(
    listener: ListenerProcess, address: str
) -> None:
    assert listener._process is not None
    with Sender(listener.place) as idle, Sender(listener.place) as sender:
        with no_notice_can_be_stored():
            show_mail(sender, address)
            wait_until_a_mail_is_in_hand()
            listener._process.terminate()
            time.sleep(0.3)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(listener.place)
        assert sender.answer().startswith("250")
        assert idle.answer() == ""
        assert listener._process.wait(5) == 0
    assert notices() == 1


def test_a_port_that_is_taken_is_one_sentence(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.INBOUND_LISTEN = "{}:{}".format(*taken.getsockname())
        with pytest.raises(CommandError, match=r"^Cannot listen on 127\.0\.0\.1:.*address already in use\.$"):
            call_command("listen")
