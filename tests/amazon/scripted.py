"""A scripted Amazon for the odd answers: a real HTTP server on the loopback that says what a test tells it to, even
nonsense, and remembers every byte that it was asked. The simulator, in contrast, behaves like Amazon.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from amazon.application import Application, Authorisation
from amazon.client import AmazonClient, Observer
from amazon.marketplaces import Region
from amazon.tokens import TokenCache

ORDER = "171-1234567-7654321"
ITALY = "APJ6JRA9NG5V4"
REQUEST_ID = "11112222-3333-4444-5555-666677778888"
LOGIN_PATH = "/auth/o2/token"


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Message
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Answer:
    """What to say. `after` holds the answer back until that event; `cuts` hangs up instead of answering."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: {"x-amzn-RequestId": REQUEST_ID})
    content_type: str = "application/json"
    after: threading.Event | None = None
    cuts: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def refusal(status: int, code: str, message: str) -> Answer:
    """A "no" in Amazon's form."""
    return Answer(status, {"errors": [{"code": code, "message": message, "details": ""}]})


def html(status: int) -> Answer:
    """What a gateway in between says."""
    return Answer(status, b"<html><h1>Service Unavailable</h1></html>", headers={}, content_type="text/html")


def token(value: object = "Atza|access", *, expires_in: object = 3600) -> Answer:
    return Answer(200, {"access_token": value, "token_type": "bearer", "expires_in": expires_in}, headers={})


Script = Callable[[Seen], Answer]


class Scripted:
    """The server: `calls` and `logins` are what it was asked, in order."""

    def __init__(self, script: Script, login: Script) -> None:
        self.calls: list[Seen] = []
        self.logins: list[Seen] = []
        self._connected = 0
        self._changed = threading.Condition()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                scripted.count(1)
                try:
                    super().handle()
                finally:
                    scripted.count(-1)

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                query = parse_qsl(parts.query, keep_blank_values=True)
                seen = Seen(self.command, parts.path, query, self.headers, body)
                is_login = parts.path == LOGIN_PATH
                (scripted.logins if is_login else scripted.calls).append(seen)
                answer = (login if is_login else script)(seen)
                if answer.after:
                    answer.after.wait(10)
                if answer.cuts:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                content = answer.content()
                headers = {"content-type": answer.content_type, "content-length": str(len(content)), **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False

    def count(self, change: int) -> None:
        with self._changed:
            self._connected += change
            self._changed.notify_all()

    def wait_until_all_hung_up(self, patience: timedelta) -> bool:
        """Whether every connection that was made to us is closed, or closes in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._connected == 0, patience.total_seconds())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def application(self, **other: object) -> Application:
        fields: dict[str, object] = {
            "client_id": "amzn1.application-oa2-client.test",
            "client_secret": "the-secret",
            "application_id": "amzn1.sp.solution.test",
            "login_url": self.url + LOGIN_PATH,
            "endpoint": self.url,
            "api_timeout": timedelta(seconds=5),
        }
        return Application(**{**fields, **other})  # type: ignore[arg-type]

    def client(
        self, *, tokens: TokenCache | None = None, observe: Observer | None = None, **application: object
    ) -> AmazonClient:
        return AmazonClient(
            self.application(**application), AUTHORISATION, tokens=tokens or TokenCache(), observe=observe
        )


AUTHORISATION = Authorisation(Region.EU, "Atzr|refresh")


@contextmanager
def scripted(
    script: Script | Answer = Answer(),  # noqa: B008  (an immutable value)
    *,
    login: Script | Answer = token(),  # noqa: B008
) -> Iterator[Scripted]:
    """Run a scripted Amazon for the time of a `with` block."""
    server = Scripted(_as_script(script), _as_script(login))
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        thread.join()
        server.server.server_close()


def _as_script(script: Script | Answer) -> Script:
    return (lambda seen: script) if isinstance(script, Answer) else script


def closed_port() -> str:
    """An address at which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_address[1]}"


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)
