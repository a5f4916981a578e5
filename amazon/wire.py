"""The wire to Amazon: opens connections, and turns what comes back, or does not, into our words.

Place in the flow: `client` and `login` send through here; nothing else in the product opens a connection to Amazon.
In: an httpx request. Out: a `Reply`, or one of the exceptions in `errors`.

Nothing of a request or of an answer is logged, and no exception carries the httpx exception that it came from: that one
holds the request, with its token.
"""

import json
import logging
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final

import httpx

from amazon.errors import AccessDenied, AmazonError, NotReached, RefusalKind, Refused, Throttled, Unclear, read_refusal
from amazon.operations import PLANS, Operation, yes_of

USER_AGENT = "FeedbackFive/1.0 (Language=Python)"
A_POOL: Final = 8  # connections

# Before a connection stands, nothing can have been sent. (A full pool is our own queue.)
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

# At INFO httpx logs whole addresses with their query; at DEBUG the package logs access tokens and bodies, and one of
# its loggers sets its own level when it is imported.
_TALKATIVE = ("httpx", "httpcore", "sp_api", "sp_api.base.client")


@dataclass(frozen=True, slots=True)
class Reply:
    """A success in the model's form: its status was the right one, and Amazon's request id was there."""

    body: Mapping[str, object] = field(repr=False)
    request_id: str


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The certificates of the known authorities. Loading them costs more than the rest of a client, so once a
    process."""
    return httpx.create_ssl_context()


def open_connection(*, timeout: timedelta, connect_timeout: timedelta) -> httpx.Client:
    """Open a pool of connections; the caller closes it.

    It follows no redirect and takes no proxy from the environment: a seller's token goes to the address that it was
    meant for, or nowhere.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        verify=_trusted(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(timeout.total_seconds(), connect=connect_timeout.total_seconds()),
        headers={"user-agent": USER_AGENT},
    )


class ManyPools(httpx.AsyncBaseTransport):
    """`most` connections in pools of a few. httpcore looks at every connection of a pool for every request, which made
    one request over a pool of 200 cost 14 ms."""

    def __init__(self, most: int) -> None:
        size = min(most, A_POOL)
        limits = httpx.Limits(max_connections=size, max_keepalive_connections=size, keepalive_expiry=30)
        self._size = size
        self._pools = [
            httpx.AsyncHTTPTransport(verify=_trusted(), trust_env=False, limits=limits) for _ in range(-(-most // size))
        ]
        self._under_way = dict.fromkeys(range(len(self._pools)), 0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Through the first pool that has room, so that few connections are kept while there is little to do."""
        counts = self._under_way
        chosen = next(
            (number for number, count in counts.items() if count < self._size), min(counts, key=counts.__getitem__)
        )
        counts[chosen] += 1
        try:
            return await self._pools[chosen].handle_async_request(request)
        finally:
            counts[chosen] -= 1

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


def open_many(*, timeout: timedelta, connect_timeout: timedelta, most: int) -> httpx.AsyncClient:
    """The same for an event loop: at most about `most` connections for all sellers. The caller closes it."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        transport=ManyPools(most),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(timeout.total_seconds(), connect=connect_timeout.total_seconds()),
        headers={"user-agent": USER_AGENT},
    )


async def exchange_async(connection: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """`exchange`, in an event loop."""
    trouble: AmazonError
    try:
        return await connection.send(request)
    except _BEFORE_SENDING as error:
        trouble = NotReached(f"no connection ({type(error).__name__})")
    except httpx.RequestError as error:
        trouble = Unclear(f"the connection failed after sending began ({type(error).__name__})")
    raise trouble  # out here, so that it is not chained to httpx's exception


def exchange(connection: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request once and return the answer, whatever its status.

    Raises `NotReached` where provably nothing was sent, and `Unclear` for every other trouble on the way.
    """
    trouble: AmazonError
    try:
        return connection.send(request)
    except _BEFORE_SENDING as error:
        trouble = NotReached(f"no connection ({type(error).__name__})")
    except httpx.RequestError as error:
        trouble = Unclear(f"the connection failed after sending began ({type(error).__name__})")
    # Raised out here so that it is not chained to httpx's exception.
    raise trouble


def understand(response: httpx.Response, operation: Operation) -> Reply:
    """Tell what an answer of the Selling Partner API means.

    A success is: the model's one status for the operation, Amazon's request id, and JSON without errors. The
    package that we build on looks at none of the first two, and would count a gateway's HTML page as a message sent.
    Raises `Throttled`, `Refused`, `AccessDenied`, or `Unclear` for anything that is not in Amazon's form.
    """
    status, request_id = response.status_code, response.headers.get("x-amzn-RequestId", "")
    if not request_id:
        raise Unclear(f"status {status} without Amazon's request id")
    if status == 429:
        rate = rate_limit(response)
        plan = PLANS[operation]
        raise Throttled(timedelta(seconds=1 / rate) if rate else plan.interval(), rate)
    body = json_object(response.content)
    if status == yes_of(operation, response.request.method):
        if status == 201 and not response.content:
            body = {}
        if body is None:
            raise Unclear(f"status {status} without JSON")
        if body.get("errors"):
            raise Unclear(f"status {status} with errors")
        return Reply(body, request_id)
    if body is not None and 400 <= status < 500 and status != 408:
        raise _refusal(status, body, request_id)
    raise Unclear(f"status {status}")


def _refusal(status: int, body: Mapping[str, object], request_id: str) -> AmazonError:
    """Read Amazon's list of errors. A "no" in any other form came from something in between."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping) or not isinstance(first.get("code"), str):
        return Unclear(f"status {status} without Amazon's list of errors")
    code, message = first["code"], str(first.get("message") or "")
    denied = status == 401 or (status == 403 and read_refusal(message) is RefusalKind.ACCESS)
    return (AccessDenied if denied else Refused)(status, code, message, request_id)


def rate_limit(response: httpx.Response) -> float | None:
    """The calls a second that Amazon grants this account for this operation, where it says so."""
    try:
        rate = float(response.headers.get("x-amzn-RateLimit-Limit", ""))
    except ValueError:
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def json_object(content: bytes) -> Mapping[str, object] | None:
    """Parse a JSON object; None for anything else."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
