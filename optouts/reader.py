"""The process that reads notices. `manage.py read_notices` runs it, any number of times.

Flow: a door stores a mail and rings -> `read_waiting` -> verdicts -> `buyers_suppressed`. It is a process of its own
because a notice is in a hurry, while the workers may be busy with a page of orders; and because what strangers write
is read here: what it does to its reader it does to nothing else. The timetable's task calls `read_waiting`, too.
"""

import faulthandler
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections
from django.dispatch import Signal

from accounts import durability
from accounts.rowsecurity import across_sellers
from optouts import intake
from optouts.authenticity import Resolver
from optouts.doorbell import Doorbell
from optouts.models import Notice

log = structlog.get_logger(__name__)

buyers_suppressed: Final = Signal()  # `entries` of the list, committed; whoever has something for them takes it back
MOST_AT_ONCE: Final = 10  # claimed together: what a crash keeps from being read until the lease ends
LOOK_EVERY: Final = 5.0  # seconds, though nobody rings: what was put off has come due
MAIL_SECONDS: Final = 60  # for one mail; the slowest that we know takes a tenth of a second
AFTER_TROUBLE: Final = 1.0  # seconds
Clock = Callable[[], datetime]


def read_waiting(resolver: Resolver, *, clock: Clock) -> int:
    """Read the oldest notices that wait, at most ten; returns how many. What follows from them is committed."""
    read, entries = 0, set[int]()
    with across_sellers("notices are read"):
        surroundings = intake.Surroundings()
        for notice in intake.claim(MOST_AT_ONCE, now=clock()):
            with _watched():
                entries.update(_read(notice, resolver, surroundings, clock=clock))
            read += 1
        if entries:
            buyers_suppressed.send(sender=None, entries=entries)
    if read:
        durability.flush()
    return read


class Reader:
    """Reads until `stop`."""

    def __init__(self, resolver: Resolver, *, clock: Clock) -> None:
        self._resolver, self._clock = resolver, clock
        self._doorbell = Doorbell()
        self._is_stopping = False

    def stop(self) -> None:
        """Finish the mails in hand; `run` ends then. From any thread or signal handler."""
        self._is_stopping = True
        self._doorbell.wake()

    def close(self) -> None:
        """After `run`."""
        self._doorbell.close()

    def run(self) -> None:
        while not self._is_stopping:
            try:
                close_old_connections()
                # For as long as the connection lasts: a notice has no time to say it anew. What follows from a batch
                # is seen at once and reaches the disk together; without it the notices would be unread.
                with across_sellers("notices are read"), durability.together():
                    self._doorbell.listen()
                    while not self._is_stopping:
                        self._read_and_wait()
            except (OperationalError, InterfaceError) as trouble:
                log.warning("database_trouble", trouble=type(trouble).__name__)
                time.sleep(AFTER_TROUBLE)

    def _read_and_wait(self) -> None:
        while not self._is_stopping and read_waiting(self._resolver, clock=self._clock):
            pass
        if not self._is_stopping:
            self._doorbell.wait(LOOK_EVERY)


def _read(notice: Notice, resolver: Resolver, surroundings: intake.Surroundings, *, clock: Clock) -> Iterable[int]:
    """The entries of the list that stand behind it. A mail that its reader stumbles over is tried again later."""
    try:
        verdict = intake.read_claimed(notice, surroundings, resolver=resolver, now=clock())
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("notice_not_read", notice=notice.pk)
        return ()
    return verdict.entries if verdict else ()


@contextmanager
def _watched() -> Iterator[None]:
    """End the process when one mail takes for ever; it is counted, and left to a person after three times."""
    faulthandler.dump_traceback_later(MAIL_SECONDS, exit=True, file=2)  # standard error
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
