"""Looking at processes from outside, for tests of who lives and dies with whom. Linux only, as /proc is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    command: str


def running() -> dict[int, Process]:
    """All processes that are not merely waiting to be buried."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            found[int(folder.name)] = Process(int(folder.name), int(parent), command)
    return found


def below(pid: int) -> list[Process]:
    """The children of a process, their children, and so on."""
    processes, found, parents = running(), [], {pid}
    while parents:
        generation = [process for process in processes.values() if process.parent in parents]
        found += generation
        parents = {process.pid for process in generation}
    return found


def child_named(pid: int, words: str) -> Process | None:
    """The direct child of `pid` whose command contains `words`."""
    return next((each for each in below(pid) if each.parent == pid and words in each.command), None)


def wait_until(condition: Callable[[], object], *, seconds: float, why: str = "") -> None:
    """Fail when `condition` has not become true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {why or condition}"
        time.sleep(0.1)
