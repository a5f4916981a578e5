"""Group commit: many sessions wait at once, one transaction serves them all, and each gets its own answer.

Flow: listener (event loop) -> [queue] -> a writer's thread -> `receiving.store` -> answer on the event loop. There is
no waiting for company: while a writer commits, the next mails gather, so a lone mail is stored at once and a crowd
shares a commit every few milliseconds.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from optouts import receiving
from optouts.receiving import Delivery

log = structlog.get_logger(__name__)

WRITERS: Final = 1  # the more mails share a commit, the less each costs; a second writer halves the groups
MOST_AT_ONCE: Final = 64  # deliveries in a transaction
MOST_BYTES_AT_ONCE: Final = 8 * 1_048_576

Stored = list[int | None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One session's mail, with the future that its session waits for."""

    deliveries: Sequence[Delivery]
    future: asyncio.Future[Stored]

    @property
    def size(self) -> int:
        return sum(len(delivery.raw) for delivery in self.deliveries)


class Storekeeper:
    """Stores mails for one event loop. Its threads own the database connections, so the loop never waits for one."""

    def __init__(self, *, clock: Callable[[], datetime], writers: int = WRITERS) -> None:
        self._clock = clock
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._writers = [threading.Thread(target=self._work, name=f"writer-{n}", daemon=True) for n in range(writers)]
        for writer in self._writers:
            writer.start()

    def store(self, deliveries: Sequence[Delivery]) -> asyncio.Future[Stored]:
        """Gives what `receiving.store` returns, after the commit, or raises what stood in the way of this very mail."""
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.put(Waiting(deliveries, future))
        return future

    def close(self) -> None:
        """End the writers once they have stored what waits; their connections are closed. Returns at once."""
        for _ in self._writers:
            self._waiting.put(None)

    def _work(self) -> None:
        while batch := self._take():
            answers = self._settle(batch)
            batch[0].future.get_loop().call_soon_threadsafe(_answer, batch, answers)
        connections.close_all()

    def _take(self) -> list[Waiting]:
        """Wait for a mail, and take what has gathered behind it. Empty: the end."""
        batch: list[Waiting] = []
        taken = size = 0
        following = self._waiting.get()
        while following is not None:
            batch.append(following)
            taken, size = taken + len(following.deliveries), size + following.size
            if taken >= MOST_AT_ONCE or size >= MOST_BYTES_AT_ONCE:
                return batch
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._waiting.put(None)  # this writer's own end, met too early
        return batch

    def _settle(self, batch: list[Waiting]) -> list[Stored | Exception]:
        """Store the mails together, or, when one of them is at fault, each alone."""
        try:
            return list(self._store(batch))
        except (OperationalError, InterfaceError) as trouble:  # the database's fault, not a mail's
            return [trouble] * len(batch)
        except Exception as trouble:
            if len(batch) == 1:
                return [trouble]
            return [answer for waiting in batch for answer in self._settle([waiting])]

    def _store(self, batch: list[Waiting]) -> list[Stored]:
        close_old_connections()  # also notices that PostgreSQL was restarted
        deliveries = [delivery for waiting in batch for delivery in waiting.deliveries]
        stored = receiving.store(deliveries, now=self._clock())
        log.info(
            "mails_stored",
            notices=[pk for pk in stored if pk is not None],
            for_nobody=stored.count(None),
            size=sum(waiting.size for waiting in batch),
        )
        following = iter(stored)
        return [[next(following) for _ in waiting.deliveries] for waiting in batch]


def _answer(batch: list[Waiting], answers: list[Stored | Exception]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.future.done():
            continue  # its session has ended; the sender will send again, and find its mail stored
        if isinstance(answer, Exception):
            waiting.future.set_exception(answer)
        else:
            waiting.future.set_result(answer)
