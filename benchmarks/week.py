"""A week's mail in an hour: does the listener keep its latency and its memory while the reader works behind it?

`python -m benchmarks.week [--mails 300000] [--minutes 60]`: `mails` are a week's; they come at the pace of a week in an
hour for so many minutes, one real notice after the other, with a real listener and reader.
"""

import argparse
import json
import smtplib
import socket
import time
from contextlib import ExitStack

from benchmarks.listener import free_port, wait_for
from benchmarks.sites import megabytes, percentile, process, pulse, site

PER_CONNECTION = 45
TOLD_EVERY = 60.0  # seconds


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("--mails", type=int, default=300_000)
    reader.add_argument("--minutes", type=float, default=60)
    asked = reader.parse_args()
    rate = asked.mails / 3600
    inbound = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        dns = int(free.getsockname()[1])
    variables = {
        "FEEDBACKFIVE_INBOUND_LISTEN": f"127.0.0.1:{inbound}",
        "FEEDBACKFIVE_DNS_SERVER": f"127.0.0.1:{dns}",
    }
    with site(**variables) as folder, ExitStack() as stack:
        from django.utils import timezone

        from accounts.rowsecurity import across_sellers
        from benchmarks.notices import cases
        from optouts.models import Notice
        from tests.notices.builder import FakeDns

        with across_sellers("benchmark"):
            address, made = cases(2_000, now=timezone.now())
        keys = folder / "keys.json"
        keys.write_text(json.dumps(FakeDns().records))
        listener = stack.enter_context(process("manage.py", "listen", log=folder / "listener.log"))
        stack.enter_context(process("-m", "benchmarks.keys", str(dns), str(keys), log=folder / "dns.log"))
        stack.enter_context(process("manage.py", "read_notices", log=folder / "reader.log"))
        wait_for(inbound)
        waits: list[float] = []
        connection: smtplib.SMTP | None = None
        began = told = time.monotonic()
        for number in range(int(rate * asked.minutes * 60)):
            if connection is None or number % PER_CONNECTION == 0:
                connection = smtplib.SMTP("127.0.0.1", inbound)
                assert connection.sock is not None
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            case = made[number % len(made)]
            # An unsigned field makes each a mail of its own; the signature holds.
            raw = f"X-Number: {number}\r\n".encode() + case.raw
            sent = time.perf_counter()
            connection.sendmail("bounce@bounces.amazon.com", [address], raw)
            waits.append(time.perf_counter() - sent)
            if time.monotonic() - told >= TOLD_EVERY:
                told = time.monotonic()
                with across_sellers("benchmark"):
                    unread = Notice.objects.filter(look_at__isnull=False).count()
                print(
                    f"after {(told - began) / 60:4.1f} min: {number + 1:,} mails,"
                    f" p50 {percentile(waits, 0.5) * 1e3:.1f} ms, p95 {percentile(waits, 0.95) * 1e3:.1f} ms,"
                    f" worst {max(waits) * 1e3:.0f} ms, listener {megabytes(listener.pid):.0f} MB, {unread:,} unread"
                    f"   ({pulse()})",
                    flush=True,
                )
                waits.clear()


if __name__ == "__main__":
    main()
