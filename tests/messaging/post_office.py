"""A gateway of our own that delivers into a list, and whatever answer a test wants."""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from messaging.gateways.base import Answer, Envelope, Receipt
from messaging.models import Channel
from optouts.gate import Clearance


class PostOffice:
    def __init__(self, answer: Callable[[Envelope], Answer] | None = None) -> None:
        self.delivered: list[Envelope] = []
        self._answer = answer or (lambda envelope: Receipt("taken"))
        self._lock = Lock()

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        assert isinstance(clearance, Clearance)
        with self._lock:
            self.delivered.append(envelope)
        return self._answer(envelope)

    async def close(self) -> None:
        pass


def at_once(channel: Channel) -> timedelta:
    """A pace that never says wait."""
    return timedelta(0)
