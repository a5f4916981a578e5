"""Connections to one relay, for many letters at a time: which one a letter takes, and when one has had its time."""

import asyncio
from typing import Final

from messaging.gateways.smtp import NotShown, Route, Said, Session

MOST_CONNECTIONS: Final = 40
ABREAST: Final = 4  # on one connection to a relay nearby: one judged, the next one's envelope, and more in line
NEARBY: Final = 0.02  # seconds that a letter takes


class Pool:
    """As many connections to one relay as the letters in hand need, at most 40."""

    def __init__(self, route: Route, *, most: int = MOST_CONNECTIONS) -> None:
        self._route, self._most = route, most
        self._sessions: list[Session] = []
        self._leaving: dict[Session, asyncio.Task[None]] = {}
        self._takes = 0.0  # seconds that a letter takes on the wire, smoothed

    async def deliver(self, sender: str, recipient: str, mail: bytes) -> Said:
        """Show one letter once. Raises NotShown or Cut.

        A kept connection may have been closed by the relay since: then the letter, which nobody has seen, goes through
        a new one.
        """
        session = self._choose()
        was_kept = session.is_kept
        try:
            return await self._through(session, sender, recipient, mail)
        except NotShown:
            if not was_kept:
                raise
        return await self._through(self._new(), sender, recipient, mail)

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(session.quit() for session in sessions), *self._leaving.values())

    async def _through(self, session: Session, sender: str, recipient: str, mail: bytes) -> Said:
        try:
            return await session.deliver(sender, recipient, mail)
        finally:
            self._takes += 0.05 * (session.takes - self._takes)
            if session.is_worn and not session.waiting:
                self._take_leave(session)

    def _choose(self) -> Session:
        """The first that has room, else a new one; the one with the fewest letters once there are enough.

        Nearby, letters in line on few connections cost the least. To a relay far away each one that waits for another's
        envelope loses a round trip.
        """
        is_near = self._takes < NEARBY
        while True:
            session = next((one for one in self._sessions if (one.waiting < ABREAST if is_near else one.is_free)), None)
            if session is None and len(self._sessions) < self._most:
                return self._new()
            session = session or min(self._sessions, key=lambda one: one.waiting)
            if not session.is_worn:
                return session
            self._sessions.remove(session)  # it ends when its last letter has gone
            if not session.waiting:
                self._take_leave(session)

    def _new(self) -> Session:
        session = Session(self._route)
        self._sessions.append(session)
        return session

    def _take_leave(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
        if session not in self._leaving:
            self._leaving[session] = leaving = asyncio.ensure_future(session.quit())
            leaving.add_done_callback(lambda _: self._leaving.pop(session))
