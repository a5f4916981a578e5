"""From the instant at which a message is due to its hand-over, on a site that has nothing else to do.

`python -m benchmarks.due_latency [MESSAGES]` (200 of each): the real processes (dispatch, and a worker and a beat for
planning), smtp-sink for letters, the simulated Amazon for review requests. Goal: 2 s in the middle, 5 s at the 99th
percentile. *Planned before*: the message is there, and its instant comes. *Just learnt*: the site hears of an order
that is due already; then planning's own beat (10 s) comes on top, which the goal is not about. "Handed over" is when
the answer of the relay or of Amazon is written down.
"""

import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.listener import wait_for
from benchmarks.sinks import sink
from benchmarks.sites import percentile, process, pulse, site
from tests.amazon.harness import Amazon

SELLERS = 8
EVERY = 0.37  # seconds between two messages: no multiple of any beat of ours
LEAD = 20.0  # seconds that planning has before the first is due
GOAL = (2.0, 5.0)
PATIENCE_SECONDS = 90
WEEK, CHECK_IN = timedelta(days=7), timedelta(days=2)
CELERY = ["-m", "celery", "-A", "feedbackfive"]


def main(count: int) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(site(FEEDBACKFIVE_ORDER_SYNC_SECONDS="3600"))
        letters = stack.enter_context(sink(folder))
        amazon = stack.enter_context(Amazon.running(folder))
        _point_at(amazon, letters.port)
        logs = folder / "processes.log"
        for command in (
            ["manage.py", "dispatch"],
            [*CELERY, "worker", "--pool", "solo", "--loglevel", "warning", "--without-mingle"],
            [*CELERY, "beat", "--loglevel", "warning", "--schedule", str(folder / "beat")],
        ):
            stack.enter_context(process(*command, log=logs))
        wait_for(letters.port)
        accounts = _accounts(amazon)
        print(pulse())
        for channel, after, by in (("buyer_email", CHECK_IN, "merchant"), ("request_review", WEEK, "amazon")):
            for way, lead in (("planned before", LEAD), ("just learnt", 0.0)):
                seconds = _measure(amazon, accounts, count, after=after, by=by, lead=lead, logs=logs)
                middle, last = percentile(seconds, 0.5), percentile(seconds, 0.99)
                reached = "reached" if middle <= GOAL[0] and last <= GOAL[1] else "NOT REACHED"
                said = f"{channel}, {way}: p50 {middle:.2f} s, p99 {last:.2f} s, worst {max(seconds):.2f} s"
                print(f"{said}, goal {reached}" if lead else said, f"  ({pulse()})")
        print(pulse())


def _point_at(amazon: Amazon, relay: int) -> None:
    """The site was set up before Amazon's ports were known."""
    import os

    from django.conf import settings

    given = {
        "FEEDBACKFIVE_AMAZON_CLIENT_ID": amazon.application["client_id"],
        "FEEDBACKFIVE_AMAZON_CLIENT_SECRET": amazon.application["client_secret"],
        "FEEDBACKFIVE_AMAZON_ENDPOINT": amazon.base_url,
        "FEEDBACKFIVE_AMAZON_LOGIN_URL": f"{amazon.base_url}/auth/o2/token",
        "FEEDBACKFIVE_BUYER_RELAY_URL": f"smtp://127.0.0.1:{relay}",
    }
    os.environ.update(given)
    assert settings.configured  # of this process, which sends nothing itself


def _accounts(amazon: Amazon) -> list[tuple[Any, dict[str, Any]]]:
    from accounts.rowsecurity import across_sellers
    from campaigns.models import Campaign
    from tests.makers import make_campaigns, make_connected_account, make_seller

    made = []
    for number in range(SELLERS):
        seller = make_seller(f"Shop {number}")
        theirs = amazon.account(store_name=seller.name)
        made.append((make_connected_account(seller, theirs), theirs))
        make_campaigns(seller)
    with across_sellers("benchmark"):
        Campaign.objects.update(activated_at=datetime(2026, 1, 1, tzinfo=UTC))
    return made


def _measure(
    amazon: Amazon,
    accounts: list[tuple[Any, dict[str, Any]]],
    count: int,
    *,
    after: timedelta,
    by: str,
    lead: float,
    logs: Path,
) -> list[float]:
    """Seconds from the instant at which each message could go. `after`: the campaign's delay."""
    from accounts.rowsecurity import across_sellers
    from messaging.models import Message
    from tests.makers import alias, make_order

    began, due = datetime.now(UTC), {}
    for number in range(count):
        at = began + timedelta(seconds=lead + EVERY * number)
        if not lead:
            time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
        account, theirs = accounts[number % SELLERS]
        delivered_at = at - after if lead else at - after - timedelta(hours=1)
        window = [(delivered_at - timedelta(days=1)).isoformat(), delivered_at.isoformat()]
        placed = amazon.order(theirs, deliver_by=window, fulfilled_by=by.upper())
        now = datetime.now(UTC)
        order = make_order(
            account,
            buyer=alias() if by == "merchant" else None,
            amazon_order_id=placed["order_id"],
            delivered_at=delivered_at,
            fulfilled_by=by,
            changed_at=now,
            replan_at=now,
        )
        due[order.pk] = at if lead else now
    until = time.monotonic() + PATIENCE_SECONDS + lead + (EVERY * count if lead else 0)
    with across_sellers("benchmark"):
        rows = Message.objects.filter(order__in=list(due), status="sent")
        while rows.count() < count:
            if time.monotonic() > until:
                standing = Message.objects.filter(order__in=list(due)).values_list("status", "reason").distinct()
                raise SystemExit(f"not sent in time: {list(standing)[:5]}\n{logs.read_text()[-2000:]}")
            time.sleep(0.2)
        found = list(rows.values_list("order_id", "created_at", "settled_at"))
    # From when it was there, should planning have come too late for its instant.
    return [
        (settled_at - (max(due[pk], created_at) if lead else due[pk])).total_seconds()
        for pk, created_at, settled_at in found
        if settled_at is not None
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
