"""Are 1,000 accounts polled by one worker ever more than five minutes behind?

`python -m benchmarks.polling [ACCOUNTS] [--minutes M] [--threads N]`: a simulated Amazon with its real quotas (one
search an account in 178.6 seconds), real time, and one process that does what beat and worker do: each second it asks
which accounts are due, and a few threads read them. Every 20 seconds orders of a twentieth of the accounts change.
After the warm-up (every account read once) it notes each second, for each account, how far back everything is read:
the age of the oldest change that could be unread. Amazon itself holds every change back for two minutes, and the quota
lets 178.6 seconds pass between two searches: 298.6 seconds are the least that polling alone can reach in the long run.
The simulator counts what it had to refuse.
"""

import argparse
import logging
import queue
import random
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from benchmarks.sites import percentile, pulse, site

BEAT = 1.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("accounts", type=int, nargs="?", default=1000)
    arguments.add_argument("--minutes", type=float, default=8.0)
    arguments.add_argument("--threads", type=int, default=8)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="ff5-polling-") as folder, site():
        from tests.amazon.harness import Amazon

        amazon = Amazon(Path(folder))
        amazon.start()
        try:
            run(amazon, chosen.accounts, timedelta(minutes=chosen.minutes), chosen.threads)
        finally:
            amazon.stop()


def run(amazon: Any, count: int, lasting: timedelta, threads: int) -> None:
    from django.conf import settings
    from django.db import connection

    from accounts.rowsecurity import across_sellers
    from orders import sync
    from orders.models import OrderReading
    from tests.makers import US, make_connected_account, make_seller

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    application = amazon.application
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = application["client_id"], application["client_secret"]
    settings.AMAZON_APPLICATION_ID = application["application_id"]
    settings.AMAZON_ENDPOINT, settings.AMAZON_LOGIN_URL = amazon.base_url, f"{amazon.base_url}/auth/o2/token"
    every = timedelta(seconds=settings.ORDER_SYNC_SECONDS)

    theirs = [amazon.account(marketplace_ids=[US], store_name=f"Shop {number}") for number in range(count)]
    ours = [make_connected_account(make_seller(f"Shop {number}"), each) for number, each in enumerate(theirs)]
    print(
        f"{count:,} accounts, each polled every {every.total_seconds():.0f} s by {threads} threads; {pulse()}",
        flush=True,
    )

    due: queue.Queue[int | None] = queue.Queue()
    ended = threading.Event()

    def work() -> None:
        while (account_id := due.get()) is not None:
            sync.read_account(account_id, every=every, now=datetime.now(UTC))
        connection.close()

    def beat() -> None:
        while not ended.wait(BEAT):
            for account_id in sync.accounts_to_read(now=datetime.now(UTC)):
                due.put(account_id)
        connection.close()

    crew = [threading.Thread(target=work) for _ in range(threads)] + [threading.Thread(target=beat)]
    for thread in crew:
        thread.start()

    began, chance = time.monotonic(), random.Random(7)
    worst: dict[int, float] = {account.pk: 0.0 for account in ours}
    warm_at: float | None = None
    last_change = 0.0
    while time.monotonic() - began < lasting.total_seconds():
        time.sleep(BEAT)
        moment = datetime.now(UTC)
        if time.monotonic() - last_change > 20:
            last_change = time.monotonic()
            for index in chance.sample(range(count), max(1, count // 20)):
                amazon.order(theirs[index], updated_at=moment)
        with across_sellers("benchmark"):
            read = dict(OrderReading.objects.values_list("account_id", "read_until"))
        if warm_at is None:
            if len(read) == count and all(read.values()):
                warm_at = time.monotonic() - began
                print(f"warm after {warm_at:.0f} s; {pulse()}", flush=True)
            continue
        for account_id, until in read.items():
            assert until is not None
            worst[account_id] = max(worst[account_id], (moment - until).total_seconds())
    ended.set()
    crew[-1].join()
    for _ in range(threads):
        due.put(None)
    for thread in crew[:-1]:
        thread.join()
    calls = amazon.calls("searchOrders")
    refused = sum(call["status"] == 429 for call in calls)
    ages = sorted(worst.values())
    print(
        f"{len(calls):,} searches, {refused} of them refused for their pace; oldest change that could have been unread:"
        f" median {percentile(ages, 0.5):.1f} s, 99th {percentile(ages, 0.99):.1f} s, worst account {ages[-1]:.1f} s"
        f" (least possible: 298.6 s); {sum(age >= 300 for age in ages)} accounts over five minutes; {pulse()}"
    )


if __name__ == "__main__":
    main()
