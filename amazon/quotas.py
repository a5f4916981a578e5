"""Amazon's quotas, kept on our side, so that we ask only when Amazon will listen.

Place in the flow: order sync and dispatch call `take` before each call to Amazon, and leave the row for later where it
says "wait"; `AmazonClient` reports through `learn` what Amazon says of the real rate.

Amazon counts per account, application and operation with a token bucket. It is kept here as one number per bucket, the
instant at which it will be full again (the generic cell rate algorithm), changed by one script inside the server and
measured by the server's clock, so that any number of workers on any number of machines share it. The numbers are a
courtesy, not a fact: emptied at any moment, they cost a few refusals by Amazon and nothing else.
"""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from amazon.operations import PLANS, Operation, Plan

__all__ = ["PLANS", "Operation", "Plan", "Quotas", "QuotasUnavailable"]

# What Amazon said of a rate is believed for a day; it says so with almost every answer.
_REMEMBERED = timedelta(days=1)
_SENSIBLE_RATES = (0.0001, 1000.0)
_PATIENCE = timedelta(seconds=2)

# KEYS: full-again instant, learnt interval. ARGV: default interval, burst, calls wanted. Times in milliseconds, whole
# numbers, because the server writes numbers with 14 digits. Returns 0 for "go", else how long to wait.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval = tonumber(redis.call('GET', KEYS[2]) or ARGV[1])
local burst, wanted = tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
full_at = math.min(full_at, now + burst * interval)
local wait = full_at + wanted * interval - burst * interval - now
if wait > 0 then return wait end
full_at = full_at + wanted * interval
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', full_at - now))
return 0
"""

# The same, without asking: the bucket is empty now.
_DRAIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local length = tonumber(redis.call('GET', KEYS[2]) or ARGV[1]) * tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.0f', now + length), 'PX', string.format('%.0f', length))
return 0
"""


class QuotasUnavailable(Exception):
    """The server that keeps the quotas cannot be asked. The caller waits: to go on unpaced could cost the account its
    standing with Amazon."""


class Quotas:
    """Buckets per account and operation. `account` is any stable id of a seller's authorisation (no token, no name).

    Safe for threads and processes, as far as the given client is.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._drain = redis.register_script(_DRAIN)

    @classmethod
    def at(cls, url: str) -> Self:
        """Keep the buckets in the server at this address (`redis://`, `unix://`).

        One quick retry, for a connection that a restart has made stale: with the client's own patience every answer of
        Amazon's would cost seconds while the server is away.
        """
        patience = _PATIENCE.total_seconds()
        retry = Retry(NoBackoff(), 1)
        return cls(Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience, retry=retry))

    def close(self) -> None:
        """Close the connections to the server."""
        self._redis.close()

    def take(self, account: str, operation: Operation, *, n: int = 1) -> timedelta:
        """Take `n` calls out of the bucket, all or none. Zero means go; else nothing was taken, and this is the time to
        wait before asking again.

        Raises `QuotasUnavailable` where the server cannot be asked, ValueError where the bucket never holds `n`.
        """
        plan = PLANS[operation]
        if not 1 <= n <= plan.burst:
            raise ValueError(f"{operation} gives 1 to {plan.burst} calls at once")
        return timedelta(milliseconds=self._run(self._take, account, operation, n))

    def take_many(self, accounts: Sequence[str], operation: Operation) -> list[timedelta]:
        """`take` one call of each of these accounts, in one round trip; what `take` says, in their order.

        The last call of a burst stays in the bucket: so a call that is late at Amazon's does not meet the next one.
        """
        plan = PLANS[operation]
        arguments = [_milliseconds(1 / plan.rate), max(1, plan.burst - 1), 1]
        try:
            with self._redis.pipeline(transaction=False) as asked:
                for account in accounts:
                    self._take(keys=_keys(account, operation), args=arguments, client=asked)
                return [timedelta(milliseconds=int(wait)) for wait in asked.execute()]
        except RedisError as error:
            reason = type(error).__name__
        raise QuotasUnavailable(reason)

    def drain(self, account: str, operation: Operation) -> None:
        """Count the bucket as empty. For after a 429: somebody else took from Amazon's, or ours was lost.

        Raises `QuotasUnavailable`.
        """
        self._run(self._drain, account, operation)

    def learn(self, account: str, operation: Operation, rate: float) -> None:
        """Use this rate (calls a second) from now on, for a day. Never raises for the server's trouble, nor for a
        figure that makes no sense: what is not learnt is said again with the next answer."""
        slowest, fastest = _SENSIBLE_RATES
        if not slowest <= rate <= fastest:
            return
        try:
            self._redis.set(_keys(account, operation)[1], _milliseconds(1 / rate), px=_REMEMBERED)
        except RedisError:
            return

    def _run(self, script: Script, account: str, operation: Operation, *more: int) -> int:
        plan = PLANS[operation]
        arguments = [_milliseconds(1 / plan.rate), plan.burst, *more]
        try:
            return int(script(keys=_keys(account, operation), args=arguments))
        except RedisError as error:
            reason = type(error).__name__
        raise QuotasUnavailable(reason)


def _keys(account: str, operation: Operation) -> list[str]:
    """The braces keep both keys on one node of a cluster."""
    bucket = f"quota:{{{account}:{operation}}}"
    return [bucket, f"{bucket}:interval"]


def _milliseconds(seconds: float) -> int:
    """Rounded up: a little slower than allowed, never faster."""
    return max(1, math.ceil(round(seconds * 1000, 6)))
