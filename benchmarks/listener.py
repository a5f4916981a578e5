"""How many mails a second the listener stores durably, beside aiosmtpd that throws them away, in the same run.

`python -m benchmarks.listener [MAILS] [--idle N]`: kept and new connections, 20 at a time, one process, 6 KB each.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from typing import Any

from benchmarks.sites import cpu_seconds, megabytes, process, pulse, site

ROUNDS = 3
IDLE_PER_NETWORK = 49  # the listener allows 50


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as there:
            if there.recv(3) == b"220":
                return
        time.sleep(0.1)
    raise SystemExit("the listener did not start")


def send(port: int, address: str, mails: int, how: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.senders", "127.0.0.1", str(port), address, str(mails), how]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def idle(port: int, count: int, stack: ExitStack) -> None:
    """Connections that say nothing, from as many networks as it takes."""
    for number in range(count):
        source = f"127.1.{number // IDLE_PER_NETWORK // 250}.{number // IDLE_PER_NETWORK % 250 + 1}"
        there = stack.enter_context(socket.create_connection(("127.0.0.1", port), source_address=(source, 0)))
        assert there.recv(3) == b"220"


def measure(name: str, port: int, pid: int, address: str, mails: int) -> None:
    for how in ("kept", "new"):
        before = cpu_seconds(pid)
        found = send(port, address, mails, how)
        cpu = (cpu_seconds(pid) - before) / mails * 1e6
        print(
            f"{name:24} {how:4} {found['rate']:7.0f} mails/s  p50 {found['p50'] * 1e3:5.1f} ms  p95"
            f" {found['p95'] * 1e3:5.1f} ms  {cpu:5.0f} us CPU a mail  {megabytes(pid):5.1f} MB   ({pulse()})",
            flush=True,
        )


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("mails", nargs="?", type=int, default=5000)
    reader.add_argument("--idle", type=int, default=0, help="connections that say nothing meanwhile")
    asked = reader.parse_args()
    port, other = free_port(), free_port()
    with site(FEEDBACKFIVE_INBOUND_LISTEN=f"127.0.0.1:{port}") as folder, ExitStack() as stack:
        from optouts.addresses import full_address
        from tests.makers import make_address, make_seller

        address = full_address(make_address(make_seller()))
        listener = stack.enter_context(process("manage.py", "listen", log=folder / "listener.log"))
        discarding = stack.enter_context(process("-m", "benchmarks.discarding", str(other), log=folder / "other.log"))
        wait_for(port)
        wait_for(other)
        idle(port, asked.idle, stack)
        for _ in range(ROUNDS):
            measure(f"listener, {asked.idle} idle", port, listener.pid, address, asked.mails)
            measure("aiosmtpd, discarding", other, discarding.pid, address, asked.mails)


if __name__ == "__main__":
    main()
