"""Ports of the demo: two that people type, and some on the loopback interface that nobody needs to know."""

import random
import socket
import time
from dataclasses import dataclass
from typing import Final

from feedbackfive.demo.trouble import Trouble

HOST: Final = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections: while a child is being started again, its
# port would else be anybody's.
INTERNAL: Final = range(20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Ports:
    """Chosen once; a child that is started again finds the same ones."""

    site: int
    amazon: int
    relay: int
    people_mail: int
    dns: int
    inbound: int


def choose(site: int, *, patience: float = 0) -> Ports:
    """The two public ports, and four free ones. Waits `patience` seconds for a predecessor that is still ending.

    Raises Trouble when a public one is taken or may not be had.
    """
    for port in (site, site + 1):
        _insist_on(port, patience)
    candidates = random.sample(INTERNAL, len(INTERNAL))
    free = (port for port in candidates if port not in (site, site + 1) and _is_free(port))
    relay, people_mail, dns, inbound = next(free), next(free), next(free), next(free)
    return Ports(site, site + 1, relay, people_mail, dns, inbound)


def _insist_on(port: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bind(port, socket.SOCK_STREAM)
        except PermissionError:
            raise Trouble(f"Port {port} is reserved for root; choose another: make demo PORT=8000.") from None
        except OSError as reason:
            if time.monotonic() >= deadline:
                raise Trouble(
                    f"Port {port} cannot be had ({reason.strerror}); choose another: make demo PORT={port + 100}."
                ) from None
        time.sleep(0.2)


def _is_free(port: int) -> bool:
    try:
        _bind(port, socket.SOCK_STREAM)
        _bind(port, socket.SOCK_DGRAM)
    except OSError:
        return False
    return True


def _bind(port: int, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as door:
        if kind is socket.SOCK_STREAM:
            # Closed connections of a predecessor are no matter.
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((HOST, port))
