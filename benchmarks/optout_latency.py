"""From the end of a notice's DATA to "suppressed, and its pending message withdrawn", with the sender running.

`python -m benchmarks.optout_latency [NOTICES] [--rate N] [--pending N] [--readers N]`: real processes (listener,
reader, DNS server, relay that throws letters away); notices at an even pace; the DNS answer is cached after the first.
"""

import argparse
import json
import smtplib
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.listener import free_port, wait_for
from benchmarks.sites import percentile, process, pulse, site

PER_CONNECTION = 45
LETTERS = 1500
LATER = datetime(2100, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 60


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("notices", nargs="?", type=int, default=300)
    reader.add_argument("--rate", type=float, default=100)
    reader.add_argument("--pending", type=int, default=0, help="messages of the same seller that wait for later")
    reader.add_argument("--readers", type=int, default=1, help="processes that read notices")
    asked = reader.parse_args()
    inbound, relay = free_port(), free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        dns = int(free.getsockname()[1])
    variables = {
        "FEEDBACKFIVE_INBOUND_LISTEN": f"127.0.0.1:{inbound}",
        "FEEDBACKFIVE_BUYER_RELAY_URL": f"smtp://127.0.0.1:{relay}",
        "FEEDBACKFIVE_DNS_SERVER": f"127.0.0.1:{dns}",
    }
    with site(**variables) as folder, ExitStack() as stack:
        _run(asked, inbound, relay, dns, folder, stack)


def _run(asked: argparse.Namespace, inbound: int, relay: int, dns: int, folder: Path, stack: ExitStack) -> None:
    from django.db import connection
    from django.utils import timezone

    from accounts.rowsecurity import across_sellers
    from benchmarks.notices import cases
    from messaging.models import Message, Status
    from tests.makers import alias, make_account, make_message, make_order, make_seller
    from tests.notices.builder import FakeDns

    count, rate, pending = asked.notices, asked.rate, asked.pending
    now = timezone.now()
    with across_sellers("benchmark"):
        address, made = cases(count + 1, now=now, pending=pending)
    busy = [make_account(make_seller(f"Busy shop {number}")) for number in range(3)]
    letters = [
        make_message(make_order(busy[number % 3], buyer=alias(), delivered_at=now - timedelta(days=6)), due_at=LATER)
        for number in range(LETTERS)
    ]
    with connection.cursor() as cursor:  # as autovacuum does on a site that has been running for an hour
        cursor.execute("analyze orders_order, messaging_message")
    keys = folder / "keys.json"
    keys.write_text(json.dumps(FakeDns().records))
    for command, log in (
        (["manage.py", "listen"], "listener"),
        (["-m", "benchmarks.discarding", str(relay)], "relay"),
        (["-m", "benchmarks.keys", str(dns), str(keys)], "dns"),
        *[(["manage.py", "read_notices"], "reader")] * asked.readers,
    ):
        stack.enter_context(process(*command, log=folder / f"{log}.log"))
    wait_for(inbound)
    wait_for(relay)
    with across_sellers("benchmark"):
        first = _send(inbound, address, made[:1], 1)
        _wait(lambda: Message.objects.filter(pk__in=first, status=Status.SUPPRESSED).exists(), folder)
        stack.enter_context(process("manage.py", "dispatch", log=folder / "dispatch.log"))
        _wait(lambda: "dispatch_started" in (folder / "dispatch.log").read_text(), folder)
        began, seconds = timezone.now(), count / rate
        for number, letter in enumerate(letters):  # the sender has something to do all the time
            letter.due_at = began + timedelta(seconds=seconds * number / LETTERS)
        Message.objects.bulk_update(letters, ["due_at"])
        ended = _send(inbound, address, made[1:], rate)
        withdrawn = Message.objects.filter(pk__in=ended, status=Status.SUPPRESSED)
        _wait(lambda: withdrawn.count() == len(ended), folder)
        latencies = [
            settled.timestamp() - ended[pk] for pk, settled in withdrawn.values_list("pk", "settled_at") if settled
        ]
        sent = Message.objects.filter(account__in=busy, status=Status.SENT).count()
    print(
        f"{count} notices at {rate:.0f}/s, {pending:,} other messages of the seller, {sent} letters sent meanwhile:"
        f" end of DATA to withdrawn p50 {percentile(latencies, 0.5) * 1e3:.0f} ms,"
        f" p95 {percentile(latencies, 0.95) * 1e3:.0f} ms, p99 {percentile(latencies, 0.99) * 1e3:.0f} ms,"
        f" worst {max(latencies) * 1e3:.0f} ms   ({pulse()})"
    )


def _send(port: int, address: str, made: list[Any], rate: float) -> dict[int, float]:
    """Deliver at an even pace; returns message -> the instant of the last byte of its notice."""
    ended: dict[int, float] = {}
    connection: smtplib.SMTP | None = None
    began = time.monotonic()
    for number, case in enumerate(made):
        if connection is None or number % PER_CONNECTION == 0:
            connection = smtplib.SMTP("127.0.0.1", port)
            assert connection.sock is not None
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the last byte waits 40 ms
            connection.ehlo()
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        connection.mail("bounce@bounces.amazon.com")
        connection.rcpt(address)
        connection.docmd("DATA")
        connection.send(smtplib.quotedata(case.raw.decode("ascii")).encode("ascii"))
        ended[case.message_id] = time.time()
        connection.send(b".\r\n")
        code, said = connection.getreply()
        assert code == 250, said
    return ended


def _wait(is_so: Any, folder: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit("not withdrawn in time:\n" + (folder / "reader.log").read_text()[-3000:])
        time.sleep(0.05)


if __name__ == "__main__":
    main()
