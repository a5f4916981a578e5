"""SMTP to one relay over one connection, pipelined where the relay offers it (RFC 2920). `pool` keeps many of them.

In: two addresses and a mail. Out: the relay's words with the moment at which it spoke them, or one of two exceptions
that say on which side of the line a failure lies: before the letter was shown, or after. Nothing here repeats a letter
that was shown.

While the relay thinks about one letter, the next one's MAIL, RCPT and DATA are already under way: one round trip a
letter instead of four.
"""

import asyncio
import base64
import math
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Final
from urllib.parse import SplitResult, unquote

PER_CONNECTION: Final = 100  # letters; relays like to see new connections now and then
OLDEST: Final = timedelta(minutes=5)
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


ENVELOPE: Final = (Moment.SENDER, Moment.RECIPIENT, Moment.LETTER)
Reply = tuple[int, str]
Heard = Callable[[int, str], object]  # what is to be done with an answer


@dataclass(frozen=True, slots=True)
class Route:
    """Where letters go: `smtp://`, `smtp+starttls://` or `smtps://`, the login in the address. Times in seconds."""

    address: SplitResult
    hostname: str  # what we call ourselves
    timeout: float
    verdict_timeout: float
    encryption: ssl.SSLContext


class _Passage:
    """One letter on its way through a session."""

    __slots__ = ("answer", "begun_at", "envelope", "is_shown", "mail", "no")

    def __init__(self, sender: str, recipient: str, mail: bytes, answer: asyncio.Future[Said]) -> None:
        self.envelope = {
            Moment.SENDER: f"MAIL FROM:<{sender}>\r\n".encode("ascii"),
            Moment.RECIPIENT: f"RCPT TO:<{recipient}>\r\n".encode("ascii"),
            Moment.LETTER: b"DATA\r\n",
        }
        self.mail, self.answer = mail, answer
        self.begun_at = 0.0
        self.is_shown = False
        self.no: Said | None = None


class Session(asyncio.Protocol):
    """One connection, as a machine that moves with each line it hears; only opening and closing it are coroutines.

    Letters go through it one behind the other. `_asked` is who hears the next answers, in their order. At most one
    letter is being introduced (MAIL, RCPT, DATA), and at most one before it is being judged (after its last dot).
    """

    def __init__(self, route: Route) -> None:
        self._route, self._loop = route, asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._asked: deque[Heard] = deque()
        self._unread, self._lines = b"", list[str]()
        self._unsent: list[bytes] = []
        self._queue: deque[_Passage] = deque()
        self._introduced: _Passage | None = None
        self._judged: _Passage | None = None
        self._rest = b""  # of a large letter, not written yet
        self._question: asyncio.Future[Reply] | None = None  # asked while the connection is opened or closed
        self._extensions: dict[str, str] = {}
        self._is_pipelining, self._takes_at_most = False, 0
        self._is_paused = self._is_ready = False
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = self.begun = 0  # letters in it, and letters it was ever given
        self.takes = 0.0  # seconds that its last letter took
        self.opened_at = self._loop.time()
        self.is_open = True  # until it is known to be closed
        self._opening = asyncio.ensure_future(self._open())
        self._opening.add_done_callback(self._opened)

    @property
    def is_kept(self) -> bool:
        """It was opened for a letter before."""
        return self._is_ready

    @property
    def is_free(self) -> bool:
        """The next letter would be introduced at once, though the one before it may still be judged."""
        return self._is_ready and self._introduced is None and not self._queue and not self._rest

    @property
    def is_worn(self) -> bool:
        """It has carried enough, and ends when it is idle."""
        if not self.is_open or self.begun >= PER_CONNECTION:
            return True
        return self._loop.time() - self.opened_at > OLDEST.total_seconds()

    def deliver(self, sender: str, recipient: str, mail: bytes) -> asyncio.Future[Said]:
        """Show one letter once, behind those before it. Fails with NotShown or Cut; then this connection is closed."""
        letter = _Passage(sender, recipient, mail, self._loop.create_future())
        self.begun += 1
        self.waiting += 1
        self._queue.append(letter)
        if self.is_open:
            self._introduce()
            self._flush()
        else:
            self._fail(ConnectionAbortedError())
        return letter.answer

    async def quit(self) -> None:
        """Say good-bye, and do not insist on an answer."""
        if self.is_open and self._is_ready:
            try:
                async with asyncio.timeout(min(2.0, self._route.timeout)):
                    await self._ask(b"QUIT")
            except (OSError, TimeoutError):
                pass
        self._opening.cancel()
        self.drop()

    def drop(self, trouble: BaseException | None = None) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        self._fail(trouble or ConnectionAbortedError())

    # --- One letter: introduced, shown, judged --------------------------------------------------------------------

    def _introduce(self) -> None:
        """Say whom the next letter is from and for, once the one before it has been written."""
        while self._queue and self._introduced is None and not self._rest and self._is_ready:
            letter = self._queue.popleft()
            if letter.answer.done():  # nobody waits for it any more, and nobody has seen it
                self.waiting -= 1
                continue
            if self._takes_at_most and len(letter.mail) > self._takes_at_most:
                self._end(letter, Said(Moment.SIZE, 552, "larger than the relay takes"))
                continue
            self._introduced, letter.begun_at = letter, self._loop.time()
            for moment in ENVELOPE if self._is_pipelining else ENVELOPE[:1]:
                self._say(letter, moment)
            if self._judged is None:  # else its time is its own: ours begins after it
                self._wait_for(self._route.timeout)

    def _say(self, letter: _Passage, moment: Moment) -> None:
        self._unsent.append(letter.envelope[moment])
        self._asked.append(partial(self._heard_of, letter, moment))

    def _heard_of(self, letter: _Passage, moment: Moment, code: int, text: str) -> None:
        """The relay's answer to MAIL, RCPT or DATA. The first that is no ends it, but all that was said is answered."""
        if letter.no is not None:
            if code == 354:
                self.drop()  # it wants a letter for nobody: an empty one would be a letter too
                return
        elif moment is Moment.LETTER and code == 354:
            self._show(letter)
            return
        elif moment is Moment.LETTER or not 200 <= code < 300:
            letter.no = Said(moment, code, text)
        elif not self._is_pipelining:
            self._say(letter, ENVELOPE[ENVELOPE.index(moment) + 1])
        if letter.no is not None and (moment is Moment.LETTER or not self._is_pipelining):
            self._unsent.append(b"RSET\r\n")  # the next one finds it as if nothing had been said
            self._asked.append(partial(self._started_afresh, letter))

    def _started_afresh(self, letter: _Passage, code: int, text: str) -> None:
        if not 200 <= code < 300:
            self.drop()
            return
        self._introduced = None
        assert letter.no is not None
        self._end(letter, letter.no)
        self._introduce()

    def _show(self, letter: _Passage) -> None:
        """Write the letter, and introduce the next one in the same breath.

        A large one goes in pieces, each when the last has gone: the network's buffers would hold it several times over.
        """
        letter.is_shown = True
        self._introduced, self._judged = None, letter
        self._asked.append(partial(self._heard_verdict, letter))  # it may come before a large letter is out
        stuffed = _stuffed(letter.mail)
        if len(stuffed) <= PIECE:
            self._unsent.append(stuffed)
            self._wait_for(self._route.verdict_timeout)
            self._introduce()
        else:
            self._rest = stuffed
            self._wait_for(self._route.timeout + len(stuffed) / SLOWEST)
            self._show_rest()

    def _show_rest(self) -> None:
        while self._rest and not self._is_paused and self.is_open:
            self._unsent.append(self._rest[:PIECE])
            self._rest = self._rest[PIECE:]
            self._flush()
            if not self._rest:
                self._wait_for(self._route.verdict_timeout)
                self._introduce()

    def _heard_verdict(self, letter: _Passage, code: int, text: str) -> None:
        self._judged = None
        self.takes = self._loop.time() - letter.begun_at
        if self._introduced is not None:
            self._wait_for(self._route.timeout)
        self._end(letter, Said(Moment.VERDICT, code, text))
        if not (200 <= code < 300 or 400 <= code < 600):
            self.drop()  # we do not understand each other any more

    def _end(self, letter: _Passage, said: Said | NotShown | Cut) -> None:
        self.waiting -= 1
        if letter.answer.done():  # nobody waits for it any more
            return
        if isinstance(said, Said):
            letter.answer.set_result(said)
        else:
            letter.answer.set_exception(said)

    def _fail(self, trouble: BaseException) -> None:
        """It is over with this connection: what that means for each letter depends on how far it had come."""
        letters = [letter for letter in (self._judged, self._introduced, *self._queue) if letter is not None]
        self._judged = self._introduced = None
        self._queue.clear()
        self._asked.clear()
        self._unsent.clear()
        self._rest = b""
        if self._question is not None and not self._question.done():
            self._question.set_exception(ConnectionAbortedError())
        if self._timer is not None:
            self._timer.cancel()
        name = type(trouble).__name__
        for letter in letters:
            self._end(letter, letter.no or (Cut(name) if letter.is_shown else NotShown(name)))

    # --- Opening ------------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Connect, greet, encrypt, log in. Raises OSError or TimeoutError, also for a relay that says no."""
        address = self._route.address
        is_tls = address.scheme == "smtps"
        async with asyncio.timeout(self._route.timeout):
            greeting = self._expect()
            self._transport, _ = await self._loop.create_connection(
                lambda: self,
                address.hostname or "",
                address.port or 25,
                ssl=self._route.encryption if is_tls else None,
                server_hostname=address.hostname if is_tls else None,
            )
            _insist(await greeting)
            await self._greet()
            if address.scheme == "smtp+starttls":
                await self._encrypt()
                await self._greet()
            if address.username:
                await self._log_in(unquote(address.username), unquote(address.password or ""))

    def _opened(self, opening: asyncio.Task[None]) -> None:
        if opening.cancelled() or not self.is_open:
            self.drop()
        elif trouble := opening.exception():
            self.drop(trouble)
        else:
            self._is_ready = True
            self._introduce()
            self._flush()

    async def _greet(self) -> None:
        code, text = await self._ask(b"EHLO " + self._route.hostname.encode("ascii"))
        if 500 <= code < 600:
            _insist(await self._ask(b"HELO " + self._route.hostname.encode("ascii")))
            text = ""
        else:
            _insist((code, text))
        words = [line.split(None, 1) for line in text.upper().split("\n")[1:] if line.strip()]
        self._extensions = {name: (more or [""])[0] for name, *more in words}
        self._is_pipelining = "PIPELINING" in self._extensions
        size = self._extensions.get("SIZE", "")  # RFC 1870; 0: none
        self._takes_at_most = int(size) if size.isascii() and size.isdigit() and len(size) < 12 else 0

    async def _encrypt(self) -> None:
        _insist(await self._ask(b"STARTTLS"))
        if self._unread or self._lines:
            raise ConnectionAbortedError  # said in the clear, to be read as if encrypted: somebody stands in between
        assert self._transport is not None
        encrypted = await self._loop.start_tls(
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
        self._unsent.append(command + b"\r\n")
        answer = self._expect()
        self._flush()
        return answer

    def _expect(self) -> asyncio.Future[Reply]:
        answer = self._question = self._loop.create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody has to look at it
        if self.is_open:
            self._asked.append(self._heard_answer)
        else:
            answer.set_exception(ConnectionAbortedError())
        return answer

    def _heard_answer(self, code: int, text: str) -> None:
        assert self._question is not None
        if not self._question.done():
            self._question.set_result((code, text))

    # --- The wire -----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write all that was said since, in one piece."""
        if self._unsent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._hear(line.rstrip(b"\r"))
        if len(self._unread) > LONGEST_REPLY or len(self._lines) > 100:
            self.drop()
        self._flush()

    def _hear(self, line: bytes) -> None:
        self._lines.append(line[4:].decode("ascii", "replace"))
        if line[3:4] == b"-":
            return
        code = int(line[:3]) if line[:3].isdigit() else -1
        text, self._lines = "\n".join(self._lines), []
        if self._asked:
            self._asked.popleft()(code, text)
        else:
            self.drop()  # nobody has asked: it says that it hangs up, or we have lost count

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._show_rest()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._fail(ConnectionResetError())

    def _wait_for(self, seconds: float) -> None:
        """So long for the next answer, or for the whole envelope's. One timer serves for many letters."""
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._judged is None and self._introduced is None and not self._rest:
            return
        if self._loop.time() >= self._deadline:
            self.drop(TimeoutError())
        else:
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_clock)


def _insist(reply: Reply) -> None:
    if not 200 <= reply[0] < 300:
        raise ConnectionRefusedError


def _stuffed(mail: bytes) -> bytes:
    """With the dots of RFC 5321, 4.5.2. The mail ends with a line end."""
    return (b"." if mail.startswith(b".") else b"") + mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"
