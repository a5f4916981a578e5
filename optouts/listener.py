"""The SMTP door for notices. An edge: known address? store, 250; our trouble, 451. It never thinks and never bounces.

Every well-formed address gets the same answers, whether it exists or not, so nobody can harvest addresses; mail for
one that does not exist is counted and thrown away unread. The limits are those of `INBOUND.md` 7.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import Error, close_old_connections, connections

from optouts import addresses, intake
from optouts.guests import Guests

log = structlog.get_logger(__name__)

LARGEST: Final = 1_048_576  # bytes; genuine notices have 7 to 100 KB
MOST_RECIPIENTS: Final = 10
MOST_COMMANDS: Final = {"MAIL": 50, "DATA": 50, "RCPT": 200, "*": 50}  # of each kind, per connection
COMMAND_SECONDS, DATA_SECONDS, SESSION_SECONDS = 60.0, 300.0, 600.0
MOST_RINGS_WAITING: Final = 1000
LAST_MAIL_SECONDS: Final = 10.0
OK, LATER = "250 2.0.0 OK", "451 4.3.0 Please try again later"
Ring = Callable[[int], None]
Clock = Callable[[], datetime]


class Doorbell:
    """Wakes a worker for a stored notice, from a thread of its own: no trouble of the broker's costs a 250 or a second.

    A ring may be lost; the timetable looks for waiting notices anyway.
    """

    def __init__(self, press: Ring) -> None:
        self._press = press
        self._waiting: queue.Queue[int] = queue.Queue(MOST_RINGS_WAITING)
        threading.Thread(target=self._work, name="doorbell", daemon=True).start()

    def ring(self, notice_id: int) -> None:
        """Returns at once."""
        with suppress(queue.Full):
            self._waiting.put_nowait(notice_id)

    def _work(self) -> None:
        while True:
            notice_id = self._waiting.get()
            try:
                self._press(notice_id)
            except Exception as trouble:
                log.warning("doorbell_silent", trouble=type(trouble).__name__)


class NoticeHandler:
    """aiosmtpd's handler. `ring` is told of each stored notice, on the event loop: it must not block.

    One thread owns the database connection, so the event loop goes on while the database works.
    """

    def __init__(self, *, domain: str, ring: Ring, clock: Clock) -> None:
        self._domain, self._ring, self._clock = domain, ring, clock
        self._storekeeper = ThreadPoolExecutor(1, thread_name_prefix="storekeeper")
        self._in_hand = 0

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

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if not _has_proper_lines(content):
            return "550 5.6.0 Lines must end in CRLF"
        self._in_hand += 1
        try:
            loop = asyncio.get_running_loop()
            stored = await loop.run_in_executor(self._storekeeper, self._store, tuple(envelope.rcpt_tos), content)
        except (Error, OSError) as trouble:
            log.error("mail_not_stored", trouble=type(trouble).__name__)
            return LATER
        finally:
            self._in_hand -= 1
        for notice_id in stored:
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
        if not self._in_hand:
            await loop.run_in_executor(self._storekeeper, connections.close_all)
        self._storekeeper.shutdown(wait=False, cancel_futures=True)

    def _store(self, recipients: tuple[str, ...], content: bytes) -> list[int]:
        """Commit the mail for each recipient, or raise: a repeat finds what was stored by its digest."""
        close_old_connections()  # also notices that PostgreSQL was restarted
        found = (addresses.find_address(recipient.rpartition("@")[0]) for recipient in recipients)
        stored = [intake.receive(address, content, now=self._clock()) for address in found if address is not None]
        if stored:
            log.info("mail_stored", notices=stored, size=len(content))
        else:
            log.info("mail_for_nobody", size=len(content))
        return stored


class NoticeServer(SMTP):
    """One connection: aiosmtpd with our limits. VRFY, EXPN, AUTH and HELP tell nothing."""

    def __init__(self, handler: NoticeHandler, *, hostname: str, guests: Guests) -> None:
        super().__init__(
            handler,
            data_size_limit=LARGEST,
            hostname=hostname,
            ident="FeedbackFive",
            timeout=COMMAND_SECONDS,
            enable_SMTPUTF8=False,
            decode_data=False,
            command_call_limit=dict(MOST_COMMANDS),
        )
        self._guests, self._is_guest = guests, False
        self._session_end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._is_guest = self._guests.admit(transport)
        if not self._is_guest:
            transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")
            transport.close()
            return
        super().connection_made(transport)
        self._session_end = self.loop.call_later(SESSION_SECONDS, transport.close)

    def eof_received(self) -> bool | None:
        return bool(super().eof_received()) if self._is_guest else None

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_guest:
            return
        if self.transport is not None:
            self._guests.leave(self.transport)
        if self._session_end is not None:
            self._session_end.cancel()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:
        self._reset_timeout(DATA_SECONDS)  # a slow line is not an idle one
        await super().smtp_DATA(arg)

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push("502 5.5.1 Not implemented")

    smtp_EXPN = smtp_AUTH = smtp_VRFY

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("214 2.0.0")


def serve(handler: NoticeHandler, *, hostname: str, guests: Guests | None = None) -> Callable[[], asyncio.Protocol]:
    """A factory of connections for `loop.create_server`."""
    # The library logs commands, with the addresses in them, and peers; what we want to know we log ourselves.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    doorkeeper = guests or Guests()
    return lambda: NoticeServer(handler, hostname=hostname, guests=doorkeeper)


def _has_proper_lines(content: bytes) -> bool:
    """Bare CR or LF is how mails are smuggled, and no genuine server sends one."""
    return content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
