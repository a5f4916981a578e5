"""SMTP to one relay: kept connections, pipelined where the relay offers it (RFC 2920), a pool of them for many letters.

In: two addresses and a mail. Out: the relay's words with the moment at which it spoke them, or one of two exceptions
that say on which side of the line a failure lies: before the letter was shown, or after. Nothing here repeats a letter
that was shown.

While the relay thinks about one letter, the next one's MAIL, RCPT and DATA are already under way: one round trip a
letter instead of four.
"""

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final
from urllib.parse import SplitResult, unquote

PER_CONNECTION: Final = 100  # letters; relays like to see new connections now and then
OLDEST: Final = timedelta(minutes=5)
MOST_CONNECTIONS: Final = 40
ABREAST: Final = 2  # on one connection: a letter being judged and the next one's envelope
LONGEST_REPLY: Final = 65_536
PIECE: Final = 262_144  # a letter with documents goes out in pieces of so many bytes
SLOWEST: Final = 250_000  # bytes a second: so much longer may a large letter take


class NotShown(Exception):
    """The connection failed, and provably no part of the letter had been sent."""


class Cut(Exception):
    """The connection failed after the letter was shown. It may have been taken."""


class Moment(Enum):
    """What the relay was asked when it gave its answer."""

    SIZE = "EHLO"  # it had said beforehand how large a letter may be
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    LETTER = "DATA"
    VERDICT = "the end of the letter"


@dataclass(frozen=True, slots=True)
class Said:
    """The relay's answer, and at which moment. A code of -1 stands for a line that is no SMTP."""

    moment: Moment
    code: int
    text: str

    @property
    def is_yes(self) -> bool:
        return 200 <= self.code < 300


Reply = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Route:
    """Where letters go: `smtp://`, `smtp+starttls://` or `smtps://`, the login in the address. Times in seconds."""

    address: SplitResult
    hostname: str  # what we call ourselves
    timeout: float
    verdict_timeout: float
    encryption: ssl.SSLContext


class Session(asyncio.Protocol):
    """One connection. Letters go through it one behind the other; `waiting` is how many are in it or wait for it."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._transport: asyncio.Transport | None = None
        self._expected: deque[asyncio.Future[Reply]] = deque()
        self._heard, self._lines = b"", list[str]()
        self._unsent = bytearray()
        self._envelopes = asyncio.Lock()
        self._verdict: asyncio.Future[Reply] | None = None
        self._extensions: dict[str, str] = {}
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.waiting = self.begun = 0
        self.opened_at = asyncio.get_running_loop().time()
        self.is_open = True  # until it is known to be closed
        self.ready = asyncio.ensure_future(self._open())
        self.ready.add_done_callback(lambda opened: opened.cancelled() or opened.exception())

    @property
    def is_worn(self) -> bool:
        """It has carried enough, and ends when it is idle."""
        age = asyncio.get_running_loop().time() - self.opened_at
        return not self.is_open or self.begun >= PER_CONNECTION or age > OLDEST.total_seconds()

    @property
    def _is_pipelining(self) -> bool:
        return "PIPELINING" in self._extensions

    @property
    def _takes_at_most(self) -> int:
        """The size that the relay has announced (RFC 1870); 0: none."""
        size = self._extensions.get("SIZE", "")
        return int(size) if size.isascii() and size.isdigit() and len(size) < 12 else 0

    async def deliver(self, sender: str, recipient: str, mail: bytes) -> Said:
        """Show one letter once. Raises NotShown or Cut; then this connection is closed."""
        async with self._envelopes:  # until our letter is written; then the next may say whom it is from
            try:
                await asyncio.shield(self.ready)
                if self._takes_at_most and len(mail) > self._takes_at_most:
                    return Said(Moment.SIZE, 552, "larger than the relay takes")
                if (no := await self._introduce(sender, recipient)) is not None:
                    return no
            except (OSError, TimeoutError) as trouble:
                self.drop()
                raise NotShown(type(trouble).__name__) from None
            verdict = self._verdict = self._expect()  # it may come before a large letter is out
            try:
                await self._show(mail)
            except (OSError, TimeoutError) as trouble:
                self.drop()
                if not verdict.done() or verdict.exception():
                    raise Cut(type(trouble).__name__) from None
        try:
            async with asyncio.timeout(self._route.verdict_timeout):
                code, text = await verdict
        except (OSError, TimeoutError) as trouble:
            self.drop()
            raise Cut(type(trouble).__name__) from None
        if not (200 <= code < 300 or 400 <= code < 600):
            self.drop()  # we do not understand each other any more
        return Said(Moment.VERDICT, code, text)

    async def quit(self) -> None:
        """Say good-bye, and do not insist on an answer."""
        if self.is_open and self.ready.done():
            try:
                async with asyncio.timeout(min(2.0, self._route.timeout)):
                    await self._ask(b"QUIT")
            except (OSError, TimeoutError):
                pass
        self.ready.cancel()
        self.drop()

    def drop(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        self._fail(ConnectionAbortedError())

    async def _show(self, mail: bytes) -> None:
        """Write the letter. A large one goes in pieces, each when the last has gone: the network's buffers would hold
        it several times over. Raises OSError or TimeoutError."""
        stuffed = _stuffed(mail)
        if len(stuffed) <= PIECE:
            self._write(stuffed)
            return
        async with asyncio.timeout(self._route.timeout + len(stuffed) / SLOWEST):
            for begin in range(0, len(stuffed), PIECE):
                self._write(stuffed[begin : begin + PIECE])
                self._flush()
                await self._may_write.wait()
                if not self.is_open:
                    raise ConnectionResetError

    async def _introduce(self, sender: str, recipient: str) -> Said | None:
        """MAIL, RCPT, DATA up to the go-ahead. None: the relay wants to see the letter."""
        self.begun += 1
        commands = [
            (Moment.SENDER, f"MAIL FROM:<{sender}>".encode("ascii")),
            (Moment.RECIPIENT, f"RCPT TO:<{recipient}>".encode("ascii")),
            (Moment.LETTER, b"DATA"),
        ]
        replies: Iterator[tuple[Moment, asyncio.Future[Reply]]]
        if not self._is_pipelining:
            replies = ((moment, self._ask(command)) for moment, command in commands)  # each when the last is answered
        else:
            replies = iter([(moment, self._ask(command)) for moment, command in commands])
        if self._verdict is not None and not self._verdict.done():
            await asyncio.wait([self._verdict])  # its time is its own: ours begins after it
        async with asyncio.timeout(self._route.timeout):
            for moment, reply in replies:
                code, text = await reply
                if moment is Moment.LETTER and code == 354:
                    return None
                if moment is Moment.LETTER or not 200 <= code < 300:
                    await self._start_afresh([reply for _, reply in replies] if self._is_pipelining else [])
                    return Said(moment, code, text)
        raise AssertionError("DATA has an answer")

    async def _start_afresh(self, unheard: list[asyncio.Future[Reply]]) -> None:
        """The relay goes no further with this letter; the next one finds it as if nothing had been said."""
        try:
            if any([(await reply)[0] == 354 for reply in unheard]):
                raise ConnectionAbortedError  # it wants a letter for nobody: an empty one would be a letter too
            _insist(await self._ask(b"RSET"))
        except OSError:
            self.drop()

    async def _open(self) -> None:
        """Connect, greet, encrypt, log in. Raises OSError or TimeoutError, also for a relay that says no."""
        loop, address = asyncio.get_running_loop(), self._route.address
        is_tls = address.scheme == "smtps"
        async with asyncio.timeout(self._route.timeout):
            greeting = self._expect()
            self._transport, _ = await loop.create_connection(
                lambda: self,
                address.hostname or "",
                address.port or 25,
                ssl=self._route.encryption if is_tls else None,
                server_hostname=address.hostname if is_tls else None,
            )
            _insist(await greeting)
            await self._greet()
            if address.scheme == "smtp+starttls":
                await self._encrypt(loop)
                await self._greet()
            if address.username:
                await self._log_in(unquote(address.username), unquote(address.password or ""))

    async def _greet(self) -> None:
        code, text = await self._ask(b"EHLO " + self._route.hostname.encode("ascii"))
        if 500 <= code < 600:
            _insist(await self._ask(b"HELO " + self._route.hostname.encode("ascii")))
            text = ""
        else:
            _insist((code, text))
        words = [line.split(None, 1) for line in text.upper().split("\n")[1:] if line.strip()]
        self._extensions = {name: (more or [""])[0] for name, *more in words}

    async def _encrypt(self, loop: asyncio.AbstractEventLoop) -> None:
        _insist(await self._ask(b"STARTTLS"))
        if self._heard or self._lines:
            raise ConnectionAbortedError  # said in the clear, to be read as if encrypted: somebody stands in between
        assert self._transport is not None
        encrypted = await loop.start_tls(
            self._transport, self, self._route.encryption, server_hostname=self._route.address.hostname
        )
        assert isinstance(encrypted, asyncio.Transport)
        self._transport = encrypted

    async def _log_in(self, user: str, password: str) -> None:
        if "PLAIN" in self._extensions.get("AUTH", "").split():
            _insist(await self._ask(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode())))
            return
        for words in (b"AUTH LOGIN", base64.b64encode(user.encode())):
            if (await self._ask(words))[0] != 334:
                raise ConnectionRefusedError
        _insist(await self._ask(base64.b64encode(password.encode())))

    def _ask(self, command: bytes) -> asyncio.Future[Reply]:
        self._write(command + b"\r\n")
        return self._expect()

    def _expect(self) -> asyncio.Future[Reply]:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.is_open:
            self._expected.append(reply)
        else:
            reply.set_exception(ConnectionAbortedError())
        reply.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody has to look at it
        return reply

    def _write(self, data: bytes) -> None:
        """In one piece with what else is written at this moment: a letter, and the next one's envelope."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += data

    def _flush(self) -> None:
        if self._transport is not None and self._unsent and not self._transport.is_closing():
            self._transport.write(bytes(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            self._hear(line.rstrip(b"\r"))
        if len(self._heard) > LONGEST_REPLY or len(self._lines) > 100:
            self.drop()

    def _hear(self, line: bytes) -> None:
        self._lines.append(line[4:].decode("ascii", "replace"))
        if line[3:4] == b"-":
            return
        code = int(line[:3]) if line[:3].isdigit() else -1
        text, self._lines = "\n".join(self._lines), []
        while self._expected and self._expected[0].done():  # given up
            self._expected.popleft()
        if not self._expected:
            self.drop()  # nobody has asked: it says that it hangs up, or we have lost count
            return
        self._expected.popleft().set_result((code, text))

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._may_write.set()
        self._fail(ConnectionResetError())

    def _fail(self, trouble: OSError) -> None:
        while self._expected:
            reply = self._expected.popleft()
            if not reply.done():
                reply.set_exception(trouble)


class Pool:
    """As many connections to one relay as the letters in hand need, at most 40."""

    def __init__(self, route: Route, *, most: int = MOST_CONNECTIONS) -> None:
        self._route, self._most = route, most
        self._sessions: list[Session] = []
        self._leaving: set[asyncio.Task[None]] = set()

    async def deliver(self, sender: str, recipient: str, mail: bytes) -> Said:
        """Show one letter once. Raises NotShown or Cut.

        A kept connection may have been closed by the relay since: then the letter, which nobody has seen, goes through
        a new one.
        """
        session = self._choose()
        was_kept = session.begun > 0
        try:
            return await self._through(session, sender, recipient, mail)
        except NotShown:
            if not was_kept:
                raise
        return await self._through(self._new(), sender, recipient, mail)

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(session.quit() for session in sessions), *self._leaving)

    async def _through(self, session: Session, sender: str, recipient: str, mail: bytes) -> Said:
        session.waiting += 1
        try:
            return await session.deliver(sender, recipient, mail)
        finally:
            session.waiting -= 1
            if session.is_worn and not session.waiting:
                self._take_leave(session)

    def _choose(self) -> Session:
        """The first that has room, else a new one; the one with the fewest letters once there are enough."""
        while True:
            session = next((session for session in self._sessions if session.waiting < ABREAST), None)
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
        leaving = asyncio.ensure_future(session.quit())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


def _insist(reply: Reply) -> None:
    if not 200 <= reply[0] < 300:
        raise ConnectionRefusedError


def _stuffed(mail: bytes) -> bytes:
    """With the dots of RFC 5321, 4.5.2. The mail ends with a line end."""
    return (b"." if mail.startswith(b".") else b"") + mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"
