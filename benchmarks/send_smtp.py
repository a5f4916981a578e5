"""Buyer-Seller e-mail to Debian's smtp-sink, beside what others reach in the same hour. Everything is a ratio.

`python -m benchmarks.send_smtp [--messages 20000] [--rounds 3] [--only ours,growth,lists,far,kill]` with `nice`. Needs
`smtp-sink` and `smtp-source` (apt install postfix) and the package registry for django-post_office.
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.listener import free_port
from benchmarks.sinks import Sink, sink, source
from benchmarks.sites import process, pulse, site

PARTS = ("ours", "growth", "lists", "far", "kill")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    given = parser.parse_args()
    wanted = given.only.split(",")
    with tempfile.TemporaryDirectory(prefix="ff5-sinks-") as folder, sink(Path(folder)) as relay:
        with site(FEEDBACKFIVE_BUYER_RELAY_URL=f"smtp://127.0.0.1:{relay.port}") as logs:
            for part in PARTS:
                if part in wanted:
                    print(f"\n{part}: {pulse()}", flush=True)
                    globals()[part](given.messages, given.rounds, relay, logs)


def drained(  # type: ignore[no-untyped-def]
    count: int, relay: Sink, logs: Path, *, processes: int = 2, until: int = 0, warm: int = 0, per_account: int = 1_000
):
    """Fill a queue, drain it, and hold the sink's count against the rows'."""
    from benchmarks import queues

    queues.empty()
    queues.fill(count, per_account=per_account)
    before = relay.taken()
    with queues.dispatchers(processes, logs) as pids:
        result = queues.drain(pids, until=until, taken=lambda: relay.taken() - before, warm=warm)
        if until:
            from django.utils import timezone

            from messaging import breakers

            breakers.stop_everything("Enough was measured.", by="benchmark", now=timezone.now())
            queues.wait_until(lambda: queues.by_status().get("sending", 0) == 0, 60)
    time.sleep(0.5)
    sent = queues.by_status().get("sent", 0)
    assert relay.taken() - before == sent, f"the sink took {relay.taken() - before}, the rows say {sent}"
    return result


def ours(count: int, rounds: int, relay: Sink, logs: Path) -> None:
    """Side by side with the peers, round by round."""
    from benchmarks import peers

    found: dict[str, list[float]] = {"ours": [], "post_office": [], "task": [], "source": []}
    for number in range(rounds):
        result = drained(count, relay, logs)
        found["ours"].append(result.rate)
        found["post_office"].append(peers.post_office(min(count, 5000), relay, logs))
        found["task"].append(peers.task_for_each(min(count, 500), relay, logs))
        found["source"].append(source(relay.port, count))
        print(
            f"  round {number + 1}: "
            + ", ".join(f"{name} {rates[-1]:.0f}/s" for name, rates in found.items())
            + f"; ours {result.cpu_each:.0f} us of CPU each with the database, {result.megabytes:.0f} MB; {pulse()}",
            flush=True,
        )
    middle = {name: statistics.median(rates) for name, rates in found.items()}
    print(
        f"  ours / django-post_office (2 processes, batches of 1,000): {middle['ours'] / middle['post_office']:.2f} (6)"
    )
    print(f"  ours / a Celery task for each message: {middle['ours'] / middle['task']:.1f} (50)")
    print(f"  ours / smtp-source with ten sessions: {middle['ours'] / middle['source']:.2f} (0.33)")


def growth(count: int, rounds: int, relay: Sink, logs: Path) -> None:
    """The same number of messages of as many accounts, out of a queue of 2,000 and of 200,000."""
    small = drained(2_400, relay, logs, processes=1, warm=400, per_account=12)
    large = drained(200_000, relay, logs, processes=1, warm=400, until=197_600)
    print(f"  CPU a message at 200,000 queued / at 2,000: {large.cpu_each / small.cpu_each:.2f} (1.10)")


def lists(count: int, rounds: int, relay: Sink, logs: Path) -> None:
    """With an empty suppression list, and with large ones."""
    from benchmarks.lookups import grow_to

    costs = {0: drained(4_000, relay, logs, processes=1).cpu_each}
    for size in (1_000_000, 10_000_000):
        from accounts.rowsecurity import across_sellers

        with across_sellers("benchmark"):
            grow_to(size)
        costs[size] = drained(4_000, relay, logs, processes=1).cpu_each
        print(f"  CPU a message with {size:,} keys on the list / with none: {costs[size] / costs[0]:.2f} (1.05)")


def far(count: int, rounds: int, relay: Sink, logs: Path) -> None:
    """Through a line with a round trip of 20 ms, from one process."""
    with distant(relay.port, logs):
        result = drained(min(count, 5_000), relay, logs, processes=1)
    print(f"  {result.rate:.0f}/s from one process through 20 ms (1,000)")


@contextmanager
def distant(port: int, logs: Path) -> Iterator[None]:
    """The relay of the settings lies 20 ms away."""
    near, there = os.environ["FEEDBACKFIVE_BUYER_RELAY_URL"], free_port()
    with process("-m", "benchmarks.delaying", str(there), str(port), log=logs / "delaying.log"):
        time.sleep(1)
        os.environ["FEEDBACKFIVE_BUYER_RELAY_URL"] = f"smtp://127.0.0.1:{there}"
        try:
            yield
        finally:
            os.environ["FEEDBACKFIVE_BUYER_RELAY_URL"] = near


def kill(count: int, rounds: int, relay: Sink, logs: Path) -> None:
    """What a kill -9 in the middle leaves unknown."""
    from django.utils import timezone

    from benchmarks import queues
    from messaging import breakers

    worst = 0
    for number in range(5):
        queues.empty()
        queues.fill(3_000)
        with queues.dispatchers(1, logs) as [pid]:
            breakers.go_on(by="benchmark", now=timezone.now())
            queues.wait_until(lambda: queues.by_status().get("sent", 0) > 300 + 100 * number, 60)  # noqa: B023
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        worst = max(worst, queues.by_status().get("sending", 0))
    print(f"  the most that a killed process left without an outcome: {worst} (50)")


if __name__ == "__main__":
    main()
