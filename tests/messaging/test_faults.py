"""At most once, whatever dies wherever: the process that sends is killed at a chosen line of its way, again and again,
and what the relay has taken is compared with the rows. A hundred runs: `make test-faults`; a few of them in every run.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from feedbackfive.devservices import die_with_parent
from messaging import dispatch
from messaging.dispatch import BATCH
from messaging.models import Message, Status
from tests.makers import alias, make_account, make_message, make_order, make_seller
from tests.messaging.gateways.relays import relay

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("FAULT_RUNS", "3"))
ACCOUNTS, EACH = 3, 40


def environment(port: int, seed: int) -> dict[str, str]:
    url = urlsplit(os.environ["FEEDBACKFIVE_DATABASE_URL"])
    return dict(os.environ) | {
        "FEEDBACKFIVE_DATABASE_URL": url._replace(path="/" + connection.settings_dict["NAME"]).geturl(),
        "FEEDBACKFIVE_BUYER_RELAY_URL": f"smtp://127.0.0.1:{port}",
        "DIE_SEED": str(seed),
    }


def start(port: int, seed: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.messaging.mortal"],
        cwd=ROOT,
        env=environment(port, seed),
        preexec_fn=die_with_parent(),
    )


@pytest.mark.parametrize("seed", range(RUNS))
def test_nothing_is_doubled_or_lost_when_the_process_that_sends_is_killed(seed: int) -> None:
    chance, now = random.Random(seed), timezone.now()
    messages = [
        make_message(make_order(account, buyer=alias(), delivered_at=now), due_at=now - timedelta(minutes=1))
        for account in [make_account(make_seller(f"shop {number}")) for number in range(ACCOUNTS)]
        for _ in range(EACH)
    ]
    with relay(EHLO=chance.choice(["250 relay.example", "250-relay.example\r\n250 PIPELINING"])) as server:
        deaths = 0
        for life in range(2):
            child = start(server.url.port or 0, seed * 10 + life)
            deaths += _death_of(child) == -9
            states = _states()
            assert states[Status.SENDING] <= BATCH * deaths
        for _ in range(3):  # it lives, and sends the rest; told to stop, it may put back what has not left yet
            child = start(server.url.port or 0, -1)
            _wait(lambda: not _states()[Status.SCHEDULED])
            child.terminate()
            child.wait(30)
            with across_sellers("test"):
                put_back = Message.objects.filter(status=Status.SCHEDULED)
                if not put_back.update(due_at=now - timedelta(minutes=1)):
                    break
        dispatch.reap(older_than=timedelta(0), now=timezone.now() + timedelta(seconds=1))
        taken = Counter(_message_id(letter) for letter in server.taken)
    assert deaths, "the fault was not injected"
    with across_sellers("test"):
        rows = {pk: status for pk, status in Message.objects.values_list("message_id", "status")}
    assert len(rows) == len(messages)
    assert max(taken.values()) == 1, "a letter was handed over twice"
    lost = [pk for pk, status in rows.items() if status == Status.SENT and pk not in taken]
    untold = [pk for pk in taken if rows[pk] not in (Status.SENT, Status.UNKNOWN)]
    assert (lost, untold) == ([], [])
    assert set(rows.values()) <= {Status.SENT, Status.UNKNOWN}
    assert sum(status == Status.UNKNOWN for status in rows.values()) <= BATCH * deaths


def _death_of(child: subprocess.Popen[bytes]) -> int:
    """How it ended. One that has sent everything before its line came is killed where it stands, idle."""
    try:
        return child.wait(60)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait(10)


def _states() -> Counter[str]:
    with across_sellers("test"):
        return Counter(Message.objects.values_list("status", flat=True))


def _message_id(letter: bytes) -> UUID:
    return UUID(letter.partition(b"Message-ID: <")[2][:32].decode())


def _wait(condition: object) -> None:
    deadline = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
