"""The SMTP door for notices. An edge: known address? store, 250; our trouble, 451. It never thinks and never bounces.

Every well-formed address gets the same answers, whether it exists or not, so nobody can harvest addresses; mail for
one that does not exist is counted and thrown away unread.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections

from optouts import addresses, intake

log = structlog.get_logger(__name__)

LARGEST: Final = 1_048_576  # bytes; genuine notices have 7 to 100 KB
MOST_RECIPIENTS: Final = 10
COMMAND_TIMEOUT: Final = 60.0
OK, LATER = "250 2.0.0 OK", "451 4.3.0 Please try again later"
Ring = Callable[[int], None]
Clock = Callable[[], Any]


class NoticeHandler:
    """aiosmtpd's handler. `ring` wakes a worker for a stored notice; it may fail, the timetable rings again."""

    def __init__(self, *, domain: str, ring: Ring, clock: Clock) -> None:
        self._domain, self._ring, self._clock = domain, ring, clock

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
        try:
            for recipient in envelope.rcpt_tos:
                await sync_to_async(self._store, thread_sensitive=True)(recipient, content)
        except (DatabaseError, InterfaceError, OSError) as trouble:
            log.error("mail_not_stored", trouble=type(trouble).__name__)
            return LATER
        return OK

    async def handle_exception(self, error: Exception) -> str:
        """aiosmtpd would answer 500 with the exception's text."""
        log.error("listener_trouble", trouble=type(error).__name__)
        return LATER

    def _store(self, recipient: str, content: bytes) -> None:
        """Commit the mail, or raise. Runs in the one thread that owns the database connection."""
        close_old_connections()
        address = addresses.find_address(recipient.rpartition("@")[0])
        if address is None:
            log.info("mail_for_nobody", size=len(content))
            return
        notice_id = intake.receive(address, content, now=self._clock())
        log.info("mail_stored", notice=notice_id, size=len(content))
        try:
            self._ring(notice_id)
        except Exception as trouble:  # the doorbell is a courtesy: no trouble of the broker's may cost a 250
            log.warning("doorbell_silent", trouble=type(trouble).__name__)


class NoticeServer(SMTP):
    """aiosmtpd with our limits. VRFY and HELP tell nothing."""

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push("502 5.5.1 Not implemented")

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("214 2.0.0")


def serve(handler: NoticeHandler, *, hostname: str) -> Callable[[], asyncio.Protocol]:
    """A factory of connections for `loop.create_server`."""
    return lambda: NoticeServer(
        handler, data_size_limit=LARGEST, hostname=hostname, ident="FeedbackFive", timeout=COMMAND_TIMEOUT,
        enable_SMTPUTF8=False, decode_data=False,
    )


def _has_proper_lines(content: bytes) -> bool:
    """Bare CR or LF is how mails are smuggled, and no genuine server sends one."""
    return content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")
