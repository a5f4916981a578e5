"""Keeps children running: whoever ends is started again, whoever should end does, with everything he started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from feedbackfive.demo.trouble import Trouble
from feedbackfive.devservices import Child

FIRST_PAUSE: Final = 1.0  # seconds before a child is started again; doubled each time it ends soon after
LONGEST_PAUSE: Final = 15.0
HOPELESS_PAUSE: Final = 2.0  # while the demo starts, three ends in a row are enough
SOON: Final = 20.0
PATIENCE: Final = 25.0  # seconds that children have to end in good order: a message in hand should be finished
QUIET_PATIENCE: Final = 3.0


@dataclass(slots=True)
class Watched:
    child: Child
    environment: Mapping[str, str] | None
    process: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)
    pause: float = FIRST_PAUSE
    has_restarted: bool = False
    again_at: float | None = None  # it has ended; this is when to start it again


class Supervisor:
    """All methods from the main thread: the kernel ties the life of a child to the thread that forked it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watched: list[Watched] = []

    def start(self, child: Child, environment: Mapping[str, str] | None) -> None:
        """Start a child and keep it running."""
        self.adopt(child, environment, child.spawn(environment))

    def adopt(self, child: Child, environment: Mapping[str, str] | None, process: subprocess.Popen[bytes]) -> None:
        """Keep a child running that somebody else has started."""
        self._watched.append(Watched(child, environment, process))

    def run_once(self, child: Child, environment: Mapping[str, str]) -> None:
        """Run a child to its end while the others are watched. Raises Trouble when it fails."""
        process = child.spawn(environment)
        try:
            while process.poll() is None:
                self.look()
                time.sleep(0.05)
        finally:
            _end_group(process)
        if process.returncode:
            raise Trouble(f"The demo's step {child.name!r} failed; its log is {child.log}.")

    def refuse_to_hope(self) -> None:
        """Raise Trouble when a child has ended soon after its start, time and again."""
        for watched in self._watched:
            if watched.pause > HOPELESS_PAUSE:
                raise Trouble(f"The {watched.child.name} does not stay up; its log is {watched.child.log}.")

    def look(self) -> None:
        """Start again whoever has ended, after a pause that grows while it does not help."""
        now = time.monotonic()
        for watched in self._watched:
            if watched.again_at is None and watched.process.poll() is not None:
                self._plan_restart(watched, now)
            elif watched.again_at is not None and watched.again_at <= now:
                _end_group(watched.process)  # what a killed child left behind has had the pause to finish its work
                watched.process = watched.child.spawn(watched.environment)
                watched.started_at, watched.again_at = now, None

    def _plan_restart(self, watched: Watched, now: float) -> None:
        is_soon = now - watched.started_at < SOON
        watched.pause = min(watched.pause * 2, LONGEST_PAUSE) if is_soon and watched.has_restarted else FIRST_PAUSE
        watched.has_restarted = True
        watched.again_at = now + watched.pause
        hint = f"; its log is {watched.child.log}" if watched.pause > FIRST_PAUSE else ""
        self._say(f"{watched.child.name} {_fate(watched.process.returncode)} and is started again{hint}.")

    def stop(self) -> None:
        """End all, the last one first: in good order, then by force. A second Ctrl-C hurries."""
        deadline = time.monotonic() + PATIENCE
        try:
            for watched in reversed(self._watched):
                self._ask_to_end(watched, deadline)
        except KeyboardInterrupt:
            self._say("Killing what still runs.")
        for watched in reversed(self._watched):
            if watched.process.poll() is None:
                watched.process.kill()
                watched.process.wait()
            _end_group(watched.process)
        self._watched.clear()

    def _ask_to_end(self, watched: Watched, deadline: float) -> None:
        if watched.process.poll() is not None:
            return
        watched.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            watched.process.wait(QUIET_PATIENCE)
            return
        self._say(f"Waiting for the {watched.child.name} to finish its work; Ctrl-C again kills it ...")
        with suppress(subprocess.TimeoutExpired):
            watched.process.wait(max(0.0, deadline - time.monotonic()))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child that has ended: processes that it started and did not end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _fate(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
