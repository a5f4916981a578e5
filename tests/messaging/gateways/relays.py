"""A scripted mail relay: a real SMTP server on the loopback that says what a test tells it to, even nonsense, hangs up
or falls silent at a chosen moment, and remembers what it was told. The simulator, in contrast, behaves like Amazon's.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urlsplit

CUT = "hang up"
HANG = "fall silent"
END = "the final dot"
GREETING = "connect"
YES = {GREETING: "220 relay.example", "DATA": "354 go ahead", END: "250 2.0.0 taken", "QUIT": "221 bye"}


class Relay:
    """`script` maps a command (or GREETING, END) to the answer, CUT or HANG; what is missing is answered with yes.

    An answer that is a list is used up one by one, the last one stays.
    """

    def __init__(self, script: dict[str, str | list[str]]) -> None:
        self.script = script
        self.conversations: list[list[str]] = []  # the lines of each connection
        self.shown: list[bytes] = []  # letters that came in whole, whatever was answered
        self.taken: list[bytes] = []  # letters that were answered with yes
        self.next_comes_first = False  # the verdict waits until something was said behind the letter
        self.overheard: list[bytes] = []
        self.patience = threading.Event()
        relay = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError, _HungUp):
                    relay.converse(self)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> SplitResult:
        return urlsplit(f"smtp://127.0.0.1:{self.server.server_address[1]}")

    @property
    def lines(self) -> list[str]:
        """All that was said to us, over all connections."""
        return [line for conversation in self.conversations for line in conversation]

    def converse(self, handler: socketserver.StreamRequestHandler) -> None:
        said: list[str] = []
        self.conversations.append(said)
        self._answer(handler, GREETING)
        while line := handler.rfile.readline():
            said.append(line.decode("ascii").rstrip("\r\n"))
            verb = said[-1].partition(" ")[0].upper()
            if self._answer(handler, verb).startswith("354"):
                letter = self._read_letter(handler)
                self.shown.append(letter)
                if self.next_comes_first:
                    self.overheard.append(handler.rfile.peek(9)[:9])  # type: ignore[attr-defined]
                if self._answer(handler, END).startswith("2"):
                    self.taken.append(letter)
            if verb == "QUIT":
                return

    def _answer(self, handler: socketserver.StreamRequestHandler, moment: str) -> str:
        planned = self.script.get(moment, YES.get(moment, "250 2.0.0 yes"))
        if isinstance(planned, list):
            planned = planned.pop(0) if len(planned) > 1 else planned[0]
        if planned == HANG:
            self.patience.wait(10)
        if planned in (CUT, HANG):
            raise _HungUp
        handler.wfile.write(planned.encode() + b"\r\n")
        if planned.startswith("421"):
            raise _HungUp
        return planned

    @staticmethod
    def _read_letter(handler: socketserver.StreamRequestHandler) -> bytes:
        lines: list[bytes] = []
        while (line := handler.rfile.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class _HungUp(Exception):
    """We end this connection."""


@contextmanager
def relay(**script: str | list[str]) -> Iterator[Relay]:
    """Run a scripted relay for the time of a `with` block. Names are commands, `greeting` and `end`."""
    names = {"greeting": GREETING, "end": END}
    server = Relay({names.get(name, name): answer for name, answer in script.items()})
    server.server.daemon_threads = True
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.patience.set()
        server.server.shutdown()
        thread.join()
        server.server.server_close()
