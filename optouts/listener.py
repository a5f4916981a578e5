"""The SMTP and LMTP door for notices. An edge: known address? store, 250; our trouble, 451. It never thinks or bounces.

Every well-formed address gets the same answers, whether it exists or not, so nobody can harvest addresses; mail for
one that does not exist is counted and thrown away unread. The limits are those of `INBOUND.md` 7.
"""

import asyncio
import errno
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

import structlog

from optouts import addresses
from optouts.conversation import NO_ROOM, OK, Conversation, Mail, Wish
from optouts.guests import Guests
from optouts.loops import went_round
from optouts.models import Notice
from optouts.receiving import Delivery
from optouts.storekeeper import Stored, Storekeeper

log = structlog.get_logger(__name__)

MOST_HELD: Final = 128 * 1_048_576  # bytes of all mails that are being taken in or stored
MOST_AHEAD: Final = 65_536  # bytes that a sender may be ahead of our answers
COMMAND_SECONDS, DATA_SECONDS, SESSION_SECONDS = 60.0, 300.0, 600.0
LAST_MAIL_SECONDS: Final = 10.0
LATER: Final = "451 4.3.0 Please try again later"
NO_ROOM_STATES: Final = frozenset({"53100", "53200"})  # PostgreSQL: disk_full, out_of_memory
Clock = Callable[[], datetime]


class NoticeHandler:
    """What the connections share: the domain, the storekeeper, the memory that mails in hand may take."""

    def __init__(self, *, domain: str, clock: Clock) -> None:
        self.domain = domain
        self._storekeeper = Storekeeper(clock=clock)
        self._in_hand = 0
        self.held = 0  # bytes

    def is_ours(self, address: str) -> bool:
        """Could this be one of our addresses? Whether it exists is not told."""
        local_part, _, domain = address.rpartition("@")
        return domain.lower() == self.domain and addresses.is_well_formed(local_part)

    def accept(self, mail: Mail, answer: Callable[[str], None]) -> None:
        """Have the mail stored for each recipient, and call `answer` with what to say: 250 only after the commit."""
        round_again = went_round(mail.content, domain=self.domain)
        local_parts = dict.fromkeys(recipient.rpartition("@")[0].lower() for recipient in mail.recipients)
        deliveries = [Delivery(part, mail.content, Notice.Source.SMTP, round_again) for part in local_parts]
        self._in_hand += 1
        self.held += len(mail.content)

        def settle(stored: asyncio.Future[Stored]) -> None:
            self._in_hand -= 1
            self.held -= len(mail.content)
            answer(_said(stored))

        self._storekeeper.store(deliveries).add_done_callback(settle)

    async def finish(self) -> None:
        """Give the mails in hand a little time to be stored and answered, then let the database go."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_MAIL_SECONDS
        while self._in_hand and loop.time() < until:
            await asyncio.sleep(0.02)
        self._storekeeper.close()


class Lobby:
    """What the connections of one listener share besides the handler: the seats, the certificate, what is going on."""

    def __init__(self, guests: Guests, tls: ssl.SSLContext | None) -> None:
        self.guests, self.tls = guests, tls
        self._handshakes: set[asyncio.Task[None]] = set()

    def remember(self, handshake: asyncio.Task[None]) -> None:
        """An event loop forgets tasks that nobody holds."""
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)


class Connection(asyncio.Protocol):
    """One connection: carries bytes between the wire and its `Conversation`, and watches the clock.

    It needs no task and no stream of its own, which is what makes it cheap: an idle one is a timer and a few objects.
    """

    def __init__(self, handler: NoticeHandler, conversation: Conversation, lobby: Lobby) -> None:
        self._handler, self._conversation, self._lobby = handler, conversation, lobby
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None  # None: turned away, or gone
        self._seat: asyncio.Transport | None = None  # the same, but for TLS
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._session_ends = self._rings_at = 0.0
        self._turns = self._held = 0
        self._is_busy = False  # its mail is being stored, or TLS begins

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in deed, not by descent
        if not self._lobby.guests.admit(transport):
            transport.write(b"421 4.7.0 Too many connections, please try again later\r\n")
            transport.close()
            return
        self._transport = self._seat = transport
        self._session_ends = self._loop.time() + SESSION_SECONDS
        self._expect(COMMAND_SECONDS)
        transport.write(self._conversation.said())

    def connection_lost(self, error: Exception | None) -> None:
        if self._seat is None:
            return
        self._lobby.guests.leave(self._seat)
        self._transport = self._seat = None
        self._handler.held -= self._held
        self._held = 0
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._conversation.hear(data)
        if self._is_busy:
            if self._conversation.waiting > MOST_AHEAD:
                self._transport.pause_reading()
            return
        self._go_on()

    def _go_on(self) -> None:
        """Let the conversation go on, write its answers, do what it asks for."""
        assert self._transport is not None
        conversation = self._conversation
        if conversation.is_in_mail and self._handler.held > MOST_HELD:
            conversation.let_go()
        try:
            wanted = conversation.go_on()
        except Exception as trouble:
            log.error("listener_trouble", trouble=type(trouble).__name__)
            self._transport.write(b"421 4.3.0 Trouble here, please try again later\r\n")
            self._transport.close()
            return
        self._handler.held += conversation.held - self._held
        self._held = conversation.held
        if conversation.turns != self._turns:
            self._turns = conversation.turns
            self._expect(DATA_SECONDS if conversation.is_in_mail or isinstance(wanted, Mail) else COMMAND_SECONDS)
        if said := conversation.said():
            self._transport.write(said)
        if isinstance(wanted, Mail):
            self._is_busy = True
            self._handler.accept(wanted, self._answer)
        elif wanted is Wish.BEGIN_TLS:
            self._is_busy = True
            self._transport.pause_reading()  # the next bytes are the handshake's
            self._lobby.remember(self._loop.create_task(self._begin_tls(self._transport)))
        elif wanted is Wish.HANG_UP:
            self._transport.close()

    def _answer(self, said: str) -> None:
        """The mail has been stored, or not: say so, and go on with what has come meanwhile."""
        if self._transport is None:
            return  # it has hung up; the sender will send again, and find its mail stored
        self._is_busy = False
        self._conversation.answer(said)
        self._expect(COMMAND_SECONDS)
        self._transport.resume_reading()
        self._go_on()

    async def _begin_tls(self, transport: asyncio.Transport) -> None:
        assert self._lobby.tls is not None
        try:
            inside = await self._loop.start_tls(
                transport, self, self._lobby.tls, server_side=True, ssl_handshake_timeout=COMMAND_SECONDS
            )
        except OSError:  # what ssl raises, too: nonsense instead of a handshake, or nobody there any more
            transport.abort()
            self.connection_lost(None)
            return
        if inside is None or self._seat is None:
            return
        self._transport, self._is_busy = inside, False
        self._conversation.begin_anew()

    def _expect(self, seconds: float) -> None:
        """Hang up when nothing new has been said in this time. One timer serves a connection's whole life."""
        self._due = min(self._loop.time() + seconds, self._session_ends)
        if self._timer is None or self._rings_at > self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._set_timer()

    def _set_timer(self) -> None:
        self._rings_at = self._due
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        if self._seat is None:
            return
        if self._loop.time() < self._due:
            self._set_timer()
        elif self._transport is not None:
            self._transport.close()
            self._seat.close()


def serve(
    handler: NoticeHandler,
    *,
    hostname: str,
    guests: Guests | None = None,
    tls: ssl.SSLContext | None = None,
    is_local: bool = False,
) -> Callable[[], asyncio.Protocol]:
    """A factory of connections for `loop.create_server`. `is_local`: LMTP instead of SMTP."""
    lobby = Lobby(guests or Guests(), tls)

    def connect() -> Connection:
        talk = Conversation(hostname=hostname, is_ours=handler.is_ours, offers_tls=tls is not None, is_local=is_local)
        return Connection(handler, talk, lobby)

    return connect


def _said(stored: asyncio.Future[Stored]) -> str:
    if (trouble := stored.exception()) is None:
        return OK
    log.error("mail_not_stored", trouble=type(trouble).__name__)
    return NO_ROOM if _is_full(trouble) else LATER


def _is_full(trouble: BaseException) -> bool:
    """Whether there is no room for the mail, here or in the database."""
    state: Any = getattr(trouble.__cause__, "pgcode", None)
    return state in NO_ROOM_STATES or (isinstance(trouble, OSError) and trouble.errno == errno.ENOSPC)
