"""Does everything answer? Each probe asks one process as its users do."""

import contextlib
import smtplib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import redis

from feedbackfive.demo.ports import HOST, Ports
from feedbackfive.demo.supervisor import Supervisor
from feedbackfive.demo.trouble import Trouble

LONGEST: Final = 90.0  # seconds; a laptop needs five
Probe = Callable[[], bool]


def wait_for(probes: Mapping[str, Probe], supervisor: Supervisor, *, logs: object) -> None:
    """Block until every probe has been answered once. Raises Trouble with the names of those that were not.

    Gives up early when a process does not stay up.
    """
    missing = dict(probes)
    deadline = time.monotonic() + LONGEST
    while missing:
        supervisor.look()
        supervisor.refuse_to_hope()
        missing = {name: probe for name, probe in missing.items() if not _answers(probe)}
        if missing and time.monotonic() > deadline:
            raise Trouble(f"No answer from {', '.join(missing)} within {LONGEST:.0f} seconds; the logs are in {logs}.")
        if missing:
            time.sleep(0.1)


def _answers(probe: Probe) -> bool:
    with contextlib.suppress(OSError, httpx.HTTPError, redis.RedisError, smtplib.SMTPException):
        return probe()
    return False


def amazon(ports: Ports) -> Probe:
    return lambda: httpx.get(f"http://{HOST}:{ports.amazon}/control/world", trust_env=False).is_success


def site(ports: Ports) -> Probe:
    """The sign-in page is there: Django, its database and its templates work."""
    return lambda: httpx.get(f"http://{HOST}:{ports.site}/people/login/", trust_env=False).is_success


def listener(ports: Ports) -> Probe:
    def greets() -> bool:
        with smtplib.SMTP(HOST, ports.inbound, timeout=5) as session:
            return session.noop()[0] == 250

    return greets


def worker(cache_url: str) -> Probe:
    """Somebody waits at the queue: a client of Valkey stands in a blocking read."""

    def waits() -> bool:
        with contextlib.closing(redis.Redis.from_url(cache_url)) as valkey:
            clients: list[dict[str, Any]] = valkey.client_list()
            return any(client["cmd"] == "brpop" for client in clients)

    return waits
