"""A small stand-in for Amazon's Solicitations API for `benchmarks.send_api`: answers after 200 ms, keeps Amazon's quota
of each account (one a second, five at once) and counts. The project's own simulator is a Flask process, and would be
what is measured. `python -m benchmarks.amazons PORT MILLISECONDS`; `GET /counts` tells.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

RATE, BURST = 1.0, 5.0


class Account:
    """A token bucket, and what went through it."""

    def __init__(self) -> None:
        self.tokens, self.at = BURST, time.monotonic()
        self.taken = self.throttled = 0
        self.orders: set[str] = set()
        self.first = self.last = 0.0

    def call(self, order: str) -> int:
        now = time.monotonic()
        self.tokens = min(BURST, self.tokens + (now - self.at) * RATE)
        self.at = now
        if self.tokens < 1:
            self.throttled += 1
            return 429
        self.tokens -= 1
        self.taken += 1
        self.orders.add(order)
        self.first, self.last = self.first or now, now
        return 201


ACCOUNTS: dict[str, Account] = {}


def counts() -> dict[str, Any]:
    return {
        "taken": sum(account.taken for account in ACCOUNTS.values()),
        "throttled": sum(account.throttled for account in ACCOUNTS.values()),
        "orders": sum(len(account.orders) for account in ACCOUNTS.values()),
        "rates": [account.taken / max(account.last - account.first, 0.001) for account in ACCOUNTS.values()],
        "first": min((account.first for account in ACCOUNTS.values()), default=0.0),
        "last": max((account.last for account in ACCOUNTS.values()), default=0.0),
    }


def answer(target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, float]:
    """Status, body, and how late it is."""
    if target.startswith("/counts"):
        return 200, json.dumps(counts()).encode(), 0.0
    if target.startswith("/auth/"):
        token = body.partition(b"refresh_token=")[2].partition(b"&")[0].decode() or "x"
        return (
            200,
            json.dumps({"access_token": f"Atza|{token}", "token_type": "bearer", "expires_in": 3600}).encode(),
            LATE,
        )
    account = ACCOUNTS.setdefault(headers.get("x-amz-access-token", ""), Account())
    return account.call(target.split("/")[4]), b"{}", LATE


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            request, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, content, late = answer(request.split()[1], headers, body)
            await asyncio.sleep(late)
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
                f"x-amzn-RequestId: request\r\nx-amzn-RateLimit-Limit: {RATE}\r\n\r\n".encode()
                + content
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    LATE = float(sys.argv[2]) / 1000
    uvloop.run(main(int(sys.argv[1])))
