"""Small tools for the simulator's own tests: a signed-in caller, a listener that keeps what it gets, a resolver."""

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.resolver
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.amazon.harness import Amazon, Json

US = "ATVPDKIKX0DER"
REVIEW = "productReviewAndSellerFeedback"


@dataclass
class Caller:
    """A client signed in for one account, asking by hand what the product asks through its own client."""

    amazon: Amazon
    account: Json

    def __post_init__(self) -> None:
        self._token = self.amazon.access_token(self.account)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"x-amz-access-token": self._token}
        return httpx.request(method, f"{self.amazon.base_url}{path}", headers=headers, timeout=10, **more)

    def search(self, **query: Any) -> httpx.Response:
        return self.ask("GET", "/orders/2026-01-01/orders", params=query)

    def order(self, order: Json, **query: Any) -> httpx.Response:
        return self.ask("GET", f"/orders/2026-01-01/orders/{order['order_id']}", params=query)

    def actions(self, order: Json, api: str = "solicitations") -> list[str]:
        path = f"/{api}/v1/orders/{order['order_id']}"
        answer = self.ask("GET", path, params={"marketplaceIds": order["marketplace_id"]}).json()
        return [action["name"] for action in answer["_links"]["actions"]]

    def solicit(self, order: Json, query: Any = None, **more: Any) -> httpx.Response:
        path = f"/solicitations/v1/orders/{order['order_id']}/solicitations/{REVIEW}"
        params = {"marketplaceIds": order["marketplace_id"]} if query is None else query
        return self.ask("POST", path, params=params, **more)

    def message(self, order: Json, body: Any, kind: str = "unexpectedProblem") -> httpx.Response:
        path = f"/messaging/v1/orders/{order['order_id']}/messages/{kind}"
        return self.ask("POST", path, params={"marketplaceIds": order["marketplace_id"]}, json=body)


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of Amazon's no."""
    error = response.json()["errors"][0]
    return response.status_code, error["code"], error["message"]


def write_to(amazon: Amazon, order: Json, sender: str, **changes: str) -> None:
    """Send an e-mail to an order's buyer through the relay."""
    parts = {
        "from": sender,
        "message_id": f"<{order['order_id']}@test.example>",
        "subject": f"Your order {order['order_id']}",
        "body": "Is everything as you hoped?",
    } | changes
    raw = (
        f"From: Shop <{parts['from']}>\r\nTo: {order['alias']}\r\nMessage-ID: {parts['message_id']}\r\n"
        f"Subject: {parts['subject']}\r\n\r\n{parts['body']}\r\n"
    )
    with smtplib.SMTP(*amazon.smtp, timeout=10) as connection:
        connection.sendmail(sender, [str(changes.get("to", order["alias"]))], raw)


@dataclass
class Listener:
    """A mail listener that keeps envelopes and bytes; `answers` are given first, then 250."""

    port: int = 0
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append((str(envelope.mail_from), [str(each) for each in envelope.rcpt_tos], content))
        return "250 OK"


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port, in a thread of its own."""
    listener, loop = Listener(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(listener, loop=loop), "127.0.0.1", 0))
    listener.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listener
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def txt_from(amazon: Amazon) -> Any:
    """A look-up of TXT records for dkimpy, asked over UDP."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [amazon.dns[0]], amazon.dns[1]

    def look_up(name: bytes, timeout: float = 5) -> bytes | None:
        try:
            answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        except dns.resolver.NXDOMAIN:
            return None
        return b"".join(answer[0].strings)

    return look_up
