"""The pool of connections for all sellers, against a real server on this machine."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import httpx
import pytest

from amazon.errors import NotReached, Unclear
from amazon.wire import A_POOL, exchange_async, open_many

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
T = TypeVar("T")
MOST = 3 * A_POOL


class Server:
    """Answers after a moment, and counts its connections."""

    def __init__(self) -> None:
        self.opened = self.open = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened, self.open = self.opened + 1, self.open + 1
        self.most = max(self.most, self.open)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.02)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


def test_a_crowd_of_requests_is_answered_over_no_more_connections_than_allowed() -> None:
    server = Server()

    async def a_crowd(client: httpx.AsyncClient, url: str) -> list[int]:
        replies = await asyncio.gather(*(_get(client, url) for _ in range(4 * MOST)))
        return [reply.status_code for reply in replies]

    assert _against(server.serve, a_crowd) == [200] * (4 * MOST)
    assert A_POOL < server.most <= MOST


def test_requests_one_after_the_other_share_one_connection() -> None:
    server = Server()

    async def one_by_one(client: httpx.AsyncClient, url: str) -> None:
        for _ in range(5):
            await _get(client, url)

    _against(server.serve, one_by_one)
    assert server.opened == 1


def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unclear() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    with pytest.raises(Unclear):
        _against(hang_up, _get)


def test_a_server_that_is_not_there_was_not_reached() -> None:
    async def elsewhere(client: httpx.AsyncClient, url: str) -> None:
        await _get(client, "http://127.0.0.1:1/")

    with pytest.raises(NotReached):
        _against(Server().serve, elsewhere)


async def _get(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await exchange_async(client, client.build_request("GET", url))


def _against(serve: Serve, job: Callable[[httpx.AsyncClient, str], Awaitable[T]]) -> T:
    async def run() -> T:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        seconds = timedelta(seconds=5)
        async with server, open_many(timeout=seconds, connect_timeout=seconds, most=MOST) as client:
            return await job(client, f"http://127.0.0.1:{port}/")

    return asyncio.run(run())
