"""What a letter costs PostgreSQL, by statement: taken up and settled in one process, with no network in between.

`python -m benchmarks.statements [LETTERS] [BATCH]` prints microseconds of CPU for each letter, by the clock of the
backend (`schedstat`), so that what others do on the machine counts little.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import queues
from benchmarks.sites import pulse, site

WARM = 1_000  # letters: what is prepared is planned, what is in no cache is read
ACCOUNTS = 10
WIDTH = 70


class Clock:
    """The backend's CPU around each statement."""

    def __init__(self, backend: int) -> None:
        self._schedstat = Path(f"/proc/{backend}/schedstat")
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        return self.around(sql, lambda: execute(sql, params, many, context))

    def around(self, name: str, job: Callable[[], Any]) -> Any:
        name, before = " ".join(name.split())[:WIDTH], self.now()
        try:
            return job()
        finally:
            self.spent[name] += self.now() - before
            self.calls[name] += 1

    def now(self) -> float:
        return int(self._schedstat.read_text().split()[0]) / 1e3


def main(count: int, batch: int) -> None:
    with site():
        from django.db import connection

        accounts = queues.fill(count + WARM, per_account=(count + WARM) // ACCOUNTS)
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            clock = Clock(cursor.fetchone()[0])
        drain(accounts, WARM, batch)
        commit = connection._commit  # type: ignore[attr-defined]  # the one statement that no wrapper sees
        connection._commit = lambda: clock.around("commit", commit)  # type: ignore[attr-defined]
        cpu, whole = time.process_time(), clock.now()
        with connection.execute_wrapper(clock):
            drain(accounts, count, batch)
        cpu, whole = time.process_time() - cpu, clock.now() - whole
        for name, spent in sorted(clock.spent.items(), key=lambda item: -item[1]):
            print(f"{spent / count:8.1f} us a letter, {clock.calls[name] / count * batch:5.1f} a batch: {name}")
        print(f"{whole / count:8.1f} us of PostgreSQL a letter in all, {cpu / count * 1e6:.0f} of Python; {pulse()}")


def drain(accounts: list[int], count: int, batch: int) -> None:
    """In batches out of all accounts alike, as the engine does while each has a long queue."""
    from django.utils import timezone

    from messaging import dispatch
    from messaging.gateways.base import Receipt
    from messaging.models import Channel

    shares, done = dict.fromkeys(accounts, batch // len(accounts)), 0
    while done < count:
        parcels = dispatch.take_up(shares, Channel.BUYER_EMAIL, now=timezone.now())
        assert parcels, f"only {done} of {count}"
        dispatch.settle([(parcel, Receipt("250 2.0.0 Ok: queued")) for parcel in parcels], now=timezone.now())
        done += len(parcels)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000, int(sys.argv[2]) if len(sys.argv) > 2 else 50)
