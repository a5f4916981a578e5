"""Engines for tests: the real one in an event loop of its own, with doors that a test writes."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from messaging.engine import Engine
from messaging.gateways.base import Answer, Envelope, Receipt
from messaging.models import Channel
from optouts.gate import Clearance

Deliver = Callable[[int, Envelope], Awaitable[Answer]]


async def take_it(account_id: int, envelope: Envelope) -> Answer:
    return Receipt("taken")


class FakeDoors:
    """Every gateway writes into `delivered` the account, the envelope and the instant, and answers as the test says."""

    def __init__(self, deliver: Deliver = take_it, leave: Callable[[int], timedelta] | None = None) -> None:
        self.delivered: list[tuple[int, Envelope, float]] = []
        self._deliver, self._leave = deliver, leave

    def gateway(self, account_id: int, channel: Channel) -> "FakeGateway":
        return FakeGateway(self, account_id)

    def prepare(self, account_ids: Iterable[int]) -> None:
        pass

    def leave(self, account_ids: Iterable[int], channel: Channel) -> dict[int, timedelta]:
        return {account_id: self._leave(account_id) for account_id in account_ids} if self._leave else {}

    async def close(self) -> None:
        pass

    async def deliver(self, account_id: int, envelope: Envelope) -> Answer:
        self.delivered.append((account_id, envelope, time.monotonic()))
        return await self._deliver(account_id, envelope)


class FakeGateway:
    def __init__(self, doors: FakeDoors, account_id: int) -> None:
        self._doors, self._account_id = doors, account_id

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        assert isinstance(clearance, Clearance)
        return await self._doors.deliver(self._account_id, envelope)

    async def close(self) -> None:
        pass


@contextmanager
def running(*doors: FakeDoors, clock: Callable[[], datetime] = timezone.now) -> Iterator[list[Engine]]:
    """One engine for each of these doors, each in a thread and a loop of its own."""
    engines: list[Engine] = []
    loops: list[asyncio.AbstractEventLoop] = []
    troubles: list[BaseException] = []
    ready = threading.Barrier(len(doors) + 1)

    def run(ours: FakeDoors) -> None:
        async def main() -> None:
            engine = Engine(ours, clock=clock)
            engines.append(engine)
            loops.append(asyncio.get_running_loop())
            ready.wait()
            await engine.run()

        try:
            asyncio.run(main())
        except BaseException as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=run, args=(ours,)) for ours in doors]
    for thread in threads:
        thread.start()
    ready.wait(10)
    try:
        yield engines
    finally:
        for engine, loop in zip(engines, loops, strict=True):
            loop.call_soon_threadsafe(engine.stop)
        for thread in threads:
            thread.join(30)
    assert troubles == [] and not any(thread.is_alive() for thread in threads)


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
