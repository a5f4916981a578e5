"""A mail listener for tests, in this process or in one of its own, and a sender that says what it likes."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast
from urllib.parse import urlsplit

import psycopg2
import uvloop
from django.conf import settings
from django.db import connection
from django.utils import timezone

from feedbackfive.devservices import die_with_parent
from optouts.guests import Guests
from optouts.listener import NoticeHandler, serve

ROOT = Path(__file__).resolve().parents[2]
MAIL = b"From: auto-communication@amazon.com\r\nSubject: Hello\r\n\r\nText\r\n"
Place = tuple[str, int]


class Sender:
    """One SMTP connection, spoken by hand: says lines, returns answers."""

    def __init__(self, place: Place) -> None:
        self._socket = socket.create_connection(place, timeout=10)
        self._lines = self._socket.makefile("rb")
        self.greeting = self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def say(self, line: str) -> str:
        """Say one line and return the whole answer, lines joined by blanks."""
        self.write(line.encode() + b"\r\n")
        return self.answer()

    def write(self, content: bytes) -> None:
        with suppress(ConnectionError):  # hung up: then there is no answer either
            self._socket.sendall(content)

    def answer(self) -> str:
        """The next answer; empty when the connection was closed."""
        said: list[str] = []
        with suppress(ConnectionError):
            while line := self._lines.readline():
                said.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    break
        return " ".join(said)

    def greet(self) -> Self:
        assert self.say("EHLO mail-sim.example").startswith("250")
        return self

    def begin(self, *recipients: str, sender: str = "bounce@bounces.amazon.com") -> str:
        """MAIL and RCPT; returns the answer to the last line said."""
        said = self.say(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            said = self.say(f"RCPT TO:<{recipient}>")
        return said

    def deliver(self, *recipients: str, mail: bytes = MAIL) -> str:
        """A whole mail; returns the answer to its end."""
        assert self.begin(*recipients).startswith("250")
        assert self.say("DATA").startswith("354")
        self.write(mail + b".\r\n")
        return self.answer()


def send(place: Place, *recipients: str, mail: bytes = MAIL) -> str:
    """One mail on a connection of its own; returns the answer to its end, empty when none came."""
    with Sender(place) as sender:
        return sender.greet().deliver(*recipients, mail=mail)


@contextmanager
def listening(
    *, guests: Guests | None = None, tls: ssl.SSLContext | None = None, is_local: bool = False
) -> Iterator[Place]:
    """The listener in a thread of this process, with an event loop of its own."""
    loop = uvloop.new_event_loop()  # as in production
    handler = NoticeHandler(domain=settings.INBOUND_DOMAIN, clock=timezone.now)
    seats = guests or Guests()
    factory = serve(handler, hostname="in.example", guests=seats, tls=tls, is_local=is_local)
    make = loop.create_server(factory, "127.0.0.1", 0)
    server = loop.run_until_complete(make)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def end() -> None:
        server.close()
        await handler.finish()
        seats.send_away()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    try:
        place: Place = cast("asyncio.Server", server).sockets[0].getsockname()  # uvloop's has them too
        yield place
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class ListenerProcess:
    """`manage.py listen` on the test database. Its port stays the same when it is started again."""

    folder: Path
    place: Place = ("127.0.0.1", 0)
    variables: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        if not self.place[1]:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.place = free.getsockname()
        with (self.folder / "listener.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "listen"],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
            )
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), Sender(self.place) as sender:
                if sender.greeting.startswith("220"):
                    return self
            time.sleep(0.05)
        raise AssertionError(f"the listener did not start: {self.log}")

    def _environment(self) -> dict[str, str]:
        ours = database_of_the_tests() | {"FEEDBACKFIVE_INBOUND_LISTEN": "{}:{}".format(*self.place)}
        return dict(os.environ) | ours | self.variables

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        code = self._process.wait(15)
        self._process = None
        return code

    @property
    def log(self) -> str:
        return (self.folder / "listener.log").read_text()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


def database_of_the_tests() -> dict[str, str]:
    """The environment variable that leads a process to the database of the tests."""
    url = urlsplit(os.environ["FEEDBACKFIVE_DATABASE_URL"])
    return {"FEEDBACKFIVE_DATABASE_URL": url._replace(path="/" + str(connection.settings_dict["NAME"])).geturl()}


@contextmanager
def database_away() -> Iterator[None]:
    """Everybody but the test is thrown out of its database, and nobody gets in, as while PostgreSQL restarts."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with closing(psycopg2.connect(os.environ["FEEDBACKFIVE_DATABASE_URL"])) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute(f"alter database {name} allow_connections false")
            throw_out_everybody()
            try:
                yield
            finally:
                cursor.execute(f"alter database {name} allow_connections true")


def throw_out_everybody() -> None:
    """End all sessions of the tests' database but the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
