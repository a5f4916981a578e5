"""Queues of due messages for the benchmarks of sending, written in bulk, and how they are drained.

The dispatchers are started while an operator's stop is in force; lifting it starts the clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.sites import cpu_seconds, process

PER_ACCOUNT = 1_000  # less than the daily cap of an account with so many orders in a week
TEXT = "Hello,\n\nyour order {order} of the enamel camping mug has arrived. {pad}\n\nYour shop\n"
HTML = "<p>Hello,</p><p>your order <b>{order}</b> of the enamel camping mug has arrived.</p>{pad}<p>Your shop</p>"
PAD = "If anything about it is not as it should be, write to us and we put it right. "


def fill(count: int, *, channel: str = "buyer_email", per_account: int = PER_ACCOUNT) -> list[int]:
    """So many due, personalised messages of 3 KB, over accounts of sellers of their own; returns the accounts."""
    from django.db import connection
    from django.utils import timezone

    from accounts import lookup, secrets
    from accounts.rowsecurity import across_sellers
    from messaging.letters import Letter
    from messaging.models import Channel, Message
    from orders.models import Order
    from tests.makers import US, alias, make_account, make_seller, order_id

    now, accounts = timezone.now(), list[int]()
    with across_sellers("benchmark"):
        for start in range(0, count, per_account):
            account = make_account(make_seller(f"shop {start}"), sender=f"shop{start}@example.com")
            accounts.append(account.pk)
            owner = {"seller_id": account.seller_id, "account_id": account.pk}
            orders = []
            for number in [order_id() for _ in range(min(per_account, count - start))]:
                buyer = alias()
                orders.append(
                    Order(
                        **owner,
                        amazon_order_id=number,
                        marketplace_id=US,
                        status=Order.Status.SHIPPED,
                        fulfilled_by=Order.FulfilledBy.MERCHANT,
                        purchased_at=now - timedelta(days=6),
                        last_updated_at=now,
                        changed_at=now,
                        deliver_by_earliest=now - timedelta(days=3),
                        deliver_by_latest=now - timedelta(days=3),
                        order_key=lookup.order_key(account.seller_id, number),
                        alias_key=lookup.alias_key(buyer),
                        alias_sealed=secrets.seal_text("alias", account.seller_id, buyer),
                    )
                )
            messages = []
            for order in Order.objects.bulk_create(orders, batch_size=1000):
                number = order.amazon_order_id
                text = TEXT.format(order=number, pad=PAD * 10)
                html = HTML.format(order=number, pad=f"<p>{PAD}</p>" * 14)
                letter = Letter(f"Your order {number}", text, html) if channel == Channel.BUYER_EMAIL else None
                messages.append(
                    Message(
                        **owner,
                        order=order,
                        channel=channel,
                        title="Order check-in",
                        due_at=now,
                        expires_at=now + timedelta(days=20),
                        purge_at=now + timedelta(days=20),
                        created_at=now,
                        touched_at=now,
                        alias_key=order.alias_key,
                        order_key=order.order_key,
                        request_key=lookup.request_key(number),
                        letter_sealed=secrets.seal("letter", account.seller_id, letter.to_bytes()) if letter else None,
                        letter_digest=letter.digest if letter else "",
                    )
                )
            Message.objects.bulk_create(messages, batch_size=1000)
    with connection.cursor() as cursor:
        for table in ("messaging_message", "messaging_messageevent", "orders_order"):
            cursor.execute(f"vacuum analyze {table}")
    return accounts


def empty() -> None:
    """Take everything of the last queue away."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("truncate messaging_message, messaging_messageevent, orders_order cascade")


def scheduled() -> int:
    return _count("status = 'scheduled'")


def unsettled() -> int:
    return _count("status in ('scheduled', 'sending')")


def by_status() -> dict[str, int]:
    from django.db import connection

    from accounts.rowsecurity import across_sellers

    with across_sellers("benchmark"), connection.cursor() as cursor:
        cursor.execute("select status, count(*) from messaging_message group by status")
        return dict(cursor.fetchall())


def _count(where: str) -> int:
    from django.db import connection

    from accounts.rowsecurity import across_sellers

    with across_sellers("benchmark"), connection.cursor() as cursor:
        cursor.execute(f"select count(*) from messaging_message where {where}")
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class Drained:
    """How fast a queue was drained, and at what cost to the machine: seconds of CPU of senders and database."""

    messages: int
    seconds: float
    cpu: float
    megabytes: float  # of the biggest sender

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_each(self) -> float:
        return self.cpu / self.messages * 1e6


@contextmanager
def dispatchers(count: int, folder: Path) -> Iterator[list[int]]:
    """So many processes that send, held by a stop; yields their ids."""
    from django.utils import timezone

    from messaging import breakers

    breakers.stop_everything("The benchmark has not begun.", by="benchmark", now=timezone.now())
    with ExitStack() as stack:
        pids = []
        for number in range(count):
            log = folder / f"dispatch{number}.log"
            pids.append(stack.enter_context(process("manage.py", "dispatch", log=log)).pid)
        time.sleep(4)
        yield pids


def drain(
    pids: list[int],
    *,
    until: int = 0,
    patience: float = 600,
    taken: Callable[[], int] | None = None,
    warm: int = 0,
) -> Drained:
    """Lift the stop, and wait until no more than `until` messages are left.

    Counting them costs the database more than sending does, so who can tell otherwise how many were `taken` says so.
    The first `warm` are not measured: each account begins with one at a time, and is counted once.
    """
    from django.utils import timezone

    from messaging import breakers

    at_first = unsettled()
    if taken is None:
        taken = partial(_less_than, at_first)
    before, began = cpu_of_all(pids), time.perf_counter()
    breakers.go_on(by="benchmark", now=timezone.now())
    if warm:
        wait_until(lambda: taken() >= warm, patience)
        before, began = cpu_of_all(pids), time.perf_counter()
    first = taken() if warm else 0
    wait_until(lambda: taken() >= at_first - until, patience)
    seconds, cpu, last = time.perf_counter() - began, cpu_of_all(pids) - before, taken()
    wait_until(lambda: unsettled() <= until, patience)
    memory = max(pss(pid) for pid in pids)
    return Drained(last - first, seconds, cpu, memory)


def _less_than(at_first: int) -> int:
    return at_first - unsettled()


def wait_until(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {patience} s: {by_status()}")
        time.sleep(0.1)


def cpu_of_all(pids: list[int]) -> float:
    """Of these processes with their children, and of PostgreSQL with its own."""
    return sum(_with_children(pid) for pid in [*pids, *postmasters()])


def postmasters() -> list[int]:
    """PostgreSQL's main process of this site."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        backend = cursor.fetchone()[0]
    try:
        stat = Path(f"/proc/{backend}/stat").read_text()
    except OSError:  # it lives in a namespace of its own
        return []
    return [int(stat.rpartition(")")[2].split()[1])]


def _with_children(pid: int) -> float:
    total = cpu_seconds(pid)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total += (int(fields[13]) + int(fields[14])) / 100  # those that have ended
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            total += _with_children(int(child))
    return total


def pss(pid: int) -> float:
    """Megabytes, what is shared with others counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
