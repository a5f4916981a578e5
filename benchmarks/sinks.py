"""Debian's smtp-sink, which counts what it takes, and smtp-source, which knows nothing but the wire (`postfix`)."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.listener import free_port, wait_for
from feedbackfive.devservices import die_with_parent


@dataclass(frozen=True, slots=True)
class Sink:
    port: int
    log: Path

    def taken(self) -> int:
        """Letters since it was started."""
        counts = re.findall(rb"mesg=(\d+)|(\d+)\s*\r", self.log.read_bytes()[-4000:])
        return int(next((one or other for one, other in reversed(counts)), b"0"))


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    if not Path(program).exists():
        raise SystemExit("smtp-sink is missing: apt install postfix")
    port, log = free_port(), folder / f"sink-{time.time_ns()}.log"
    with log.open("wb") as output:
        command = [program, "-c", "-u", "nobody", f"127.0.0.1:{port}", "1000"]
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, preexec_fn=die_with_parent())
    try:
        wait_for(port)
        yield Sink(port, log)
    finally:
        child.terminate()
        child.wait(10)


def source(port: int, count: int) -> float:
    """Letters a second by smtp-source, ten sessions."""
    command = ["smtp-source", "-s", "10", "-m", str(count), "-l", "3000", "-f", "a@example.com", "-t", "b@example.com"]
    began = time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, env={"PATH": "/usr/sbin:/usr/bin"})
    return count / (time.perf_counter() - began)
