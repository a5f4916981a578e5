"""The SMTP and LMTP door for notices. An edge: known address? store, 250; our trouble, 451. It never thinks or bounces.

Every well-formed address gets the same answers, whether it exists or not, so nobody can harvest addresses; mail for
one that does not exist is counted and thrown away unread. The limits are those of `INBOUND.md` 7.
"""

import asyncio
import errno
import logging
import queue
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from optouts import addresses
from optouts.guests import Guests
from optouts.loops import went_round
from optouts.models import Notice
from optouts.receiving import Delivery
from optouts.storekeeper import Storekeeper
from optouts.taking import Taking

log = structlog.get_logger(__name__)

LARGEST: Final = 1_048_576  # bytes; genuine notices have 7 to 100 KB
MOST_HELD: Final = 128 * 1_048_576  # bytes of all mails that are being taken in or stored
MOST_RECIPIENTS: Final = 10
MOST_COMMANDS: Final = {"MAIL": 50, "DATA": 50, "RCPT": 200, "*": 50}  # of each kind, per connection
COMMAND_SECONDS, DATA_SECONDS, SESSION_SECONDS = 60.0, 300.0, 600.0
MOST_RINGS_WAITING: Final = 1000
LAST_MAIL_SECONDS: Final = 10.0
READ_AT_ONCE: Final = 16_384  # bytes; the library's own measure, a line, stops the flow every other line
OK, LATER = "250 2.0.0 OK", "451 4.3.0 Please try again later"
NO_ROOM: Final = "452 4.3.1 No room at the moment, please try again later"
NO_ROOM_STATES: Final = frozenset({"53100", "53200"})  # PostgreSQL: disk_full, out_of_memory
SIMPLE_ADDRESS: Final = re.compile(r"<([A-Za-z0-9._=+/-]{0,64}@[A-Za-z0-9.-]{1,255}|)>( .*)?")
MOST_IN_A_RING: Final = 50  # notices, which one worker reads one after the other
RING_PAUSE_SECONDS: Final = 0.002  # for each notice of the ring before: a crowd gathers, a lone one need not wait
Ring = Callable[[int], None]
Press = Callable[[list[int]], None]
Clock = Callable[[], datetime]


class Doorbell:
    """Wakes a worker for stored notices, from a thread of its own: no trouble of the broker's costs a 250 or a second.

    A lone notice is rung for at once. A task costs more than storing a mail, so in a crowd one ring is for many. A
    ring may be lost; the timetable looks for waiting notices anyway.
    """

    def __init__(self, press: Press) -> None:
        self._press = press
        self._waiting: queue.Queue[int] = queue.Queue(MOST_RINGS_WAITING)
        threading.Thread(target=self._work, name="doorbell", daemon=True).start()

    def ring(self, notice_id: int) -> None:
        """Returns at once."""
        with suppress(queue.Full):
            self._waiting.put_nowait(notice_id)

    def _work(self) -> None:
        while True:
            notice_ids = [self._waiting.get()]
            with suppress(queue.Empty):
                while len(notice_ids) < MOST_IN_A_RING:
                    notice_ids.append(self._waiting.get_nowait())
            try:
                self._press(notice_ids)
            except Exception as trouble:
                log.warning("doorbell_silent", trouble=type(trouble).__name__)
            time.sleep(RING_PAUSE_SECONDS * len(notice_ids))


class NoticeHandler:
    """What the connections share: the domain, the storekeeper, the memory that mails in hand may take.

    `ring` is told of each stored notice, on the event loop: it must not block.
    """

    def __init__(self, *, domain: str, ring: Ring, clock: Clock) -> None:
        self._domain, self._ring = domain, ring
        self._storekeeper = Storekeeper(clock=clock)
        self._in_hand = 0
        self.held = 0  # bytes

    def __dir__(self) -> list[str]:
        """The library looks for hooks at every connection."""
        return ["handle_RCPT", "handle_exception"]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        local_part, _, domain = address.rpartition("@")
        if domain.lower() != self._domain or not addresses.is_well_formed(local_part):
            return "550 5.1.1 No such address"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return OK

    async def accept(self, recipients: list[str], content: bytes) -> str:
        """Have the mail stored for each recipient, and return the answer. 250 only after the commit."""
        round_again = went_round(content, domain=self._domain)
        local_parts = dict.fromkeys(recipient.rpartition("@")[0].lower() for recipient in recipients)
        deliveries = [Delivery(part, content, Notice.Source.SMTP, round_again) for part in local_parts]
        self._in_hand += 1
        try:
            stored = await self._storekeeper.store(deliveries)
        except Exception as trouble:
            log.error("mail_not_stored", trouble=type(trouble).__name__)
            return NO_ROOM if _is_full(trouble) else LATER
        finally:
            self._in_hand -= 1
        for notice_id in stored:
            if notice_id is not None and not round_again:
                self._ring(notice_id)
        return OK

    async def handle_exception(self, error: Exception) -> str:
        """aiosmtpd would answer 500 with the exception's text."""
        log.error("listener_trouble", trouble=type(error).__name__)
        return LATER

    async def finish(self) -> None:
        """Give the mails in hand a little time to be stored and answered, then let the database go."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_MAIL_SECONDS
        while self._in_hand and loop.time() < until:
            await asyncio.sleep(0.02)
        self._storekeeper.close()


class NoticeServer(SMTP):
    """One connection: aiosmtpd with our limits. VRFY, EXPN, AUTH and HELP tell nothing."""

    line_length_limit = READ_AT_ONCE  # commands have their own limit, the lines of a mail theirs in `taking`

    def __init__(
        self, handler: NoticeHandler, *, hostname: str, guests: Guests, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(
            handler,
            data_size_limit=LARGEST,
            hostname=hostname,
            ident="FeedbackFive",
            timeout=COMMAND_SECONDS,
            enable_SMTPUTF8=False,
            decode_data=False,
            command_call_limit=dict(MOST_COMMANDS),
            tls_context=tls,
        )
        self._handler, self._guests = handler, guests
        self._seat: asyncio.Transport | None = None  # None: turned away, or gone
        self._session_end: asyncio.TimerHandle | None = None

    def __dir__(self) -> list[str]:
        """The library looks itself through for commands at every connection: a third of a short one's cost."""
        return COMMANDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._seat is not None:  # the same guest, behind TLS now; what was sent in the clear is forgotten
            super().connection_made(transport)
            return
        if not self._guests.admit(transport):
            transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")
            transport.close()
            return
        self._seat = transport
        super().connection_made(transport)
        self._session_end = self.loop.call_later(SESSION_SECONDS, transport.close)

    def eof_received(self) -> bool | None:
        return bool(super().eof_received()) if self._seat is not None else None

    def connection_lost(self, error: Exception | None) -> None:
        if self._seat is None:
            return
        self._guests.leave(self._seat)
        self._seat = None
        if self._session_end is not None:
            self._session_end.cancel()
        super().connection_lost(error)

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """As the library's, in one write, and without AUTH behind TLS."""
        if not hostname:
            await self.push("501 5.5.4 Syntax: EHLO hostname")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call]
        assert self.session is not None
        self.session.extended_smtp, self.session.host_name = True, hostname
        offered = [self.hostname, f"SIZE {LARGEST}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.tls_context and not self.session.ssl:
            offered.append("STARTTLS")
        await self.push("\r\n".join([f"250-{line}" for line in offered] + ["250 HELP"]))

    async def smtp_DATA(self, arg: str | None) -> None:
        """As the library's, in chunks instead of lines: a mail of 6 KB has a hundred of these."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        recipients = list(self.envelope.rcpt_tos)
        if arg or not recipients:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Need RCPT first")
            return
        self._reset_timeout(DATA_SECONDS)  # a slow line is not an idle one
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        held = 0
        try:
            taking = Taking(largest=LARGEST)
            behind, is_full = None, False
            while behind is None:
                chunk = await self._reader.read(1 << 20)  # all that is there
                if not chunk:
                    raise ConnectionResetError
                if is_full := is_full or self._handler.held > MOST_HELD:
                    taking.forget()
                behind = taking.feed(chunk)
                self._handler.held += taking.held - held
                held = taking.held
            if behind:
                self._reader.feed_data(behind)  # the next commands
            refusal = NO_ROOM if is_full else taking.refusal()
            said = refusal or await self._handler.accept(recipients, taking.mail())
        finally:
            self._handler.held -= held
        self._set_rset_state()  # type: ignore[no-untyped-call]
        await self.push(self.answers(said, recipients))

    def answers(self, said: str, recipients: list[str]) -> str:
        """What is said at the end of a mail."""
        return said

    async def smtp_LHLO(self, arg: str | None) -> None:
        await self.push("500 5.5.1 Say EHLO")

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push("502 5.5.1 Not implemented")

    smtp_EXPN = smtp_AUTH = smtp_VRFY

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("214 2.0.0")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The library parses with all of RFC 5322, which costs more than the rest of the command."""
        simple = SIMPLE_ADDRESS.fullmatch(arg)
        if simple is None or not simple[1]:
            found: tuple[str | None, str | None] = super()._getaddr(arg)
            return found
        return simple[1], simple[2] or ""


COMMANDS: Final = [name for name in dir(NoticeServer) if name.startswith("smtp_")]


class LocalNoticeServer(NoticeServer):
    """LMTP (RFC 2033), behind a mail server of our own: one answer for each recipient."""

    async def smtp_LHLO(self, hostname: str | None) -> None:
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str | None) -> None:
        await self.push("500 5.5.1 Say LHLO")

    smtp_HELO = smtp_EHLO

    def answers(self, said: str, recipients: list[str]) -> str:
        return "\r\n".join([said] * len(recipients))


def serve(
    handler: NoticeHandler,
    *,
    hostname: str,
    guests: Guests | None = None,
    tls: ssl.SSLContext | None = None,
    is_local: bool = False,
) -> Callable[[], asyncio.Protocol]:
    """A factory of connections for `loop.create_server`. `is_local`: LMTP instead of SMTP."""
    # The library logs commands, with the addresses in them, and peers; what we want to know we log ourselves.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    doorkeeper, kind = guests or Guests(), LocalNoticeServer if is_local else NoticeServer
    return lambda: kind(handler, hostname=hostname, guests=doorkeeper, tls=tls)


def _is_full(trouble: BaseException) -> bool:
    """Whether there is no room for the mail, here or in the database."""
    state: Any = getattr(trouble.__cause__, "pgcode", None)
    return state in NO_ROOM_STATES or (isinstance(trouble, OSError) and trouble.errno == errno.ENOSPC)
