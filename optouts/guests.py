"""Who is connected to the listener: so many at once, and so many from one network, so that nobody takes all seats."""

import asyncio
import ipaddress
from collections import Counter
from typing import Final

MOST_CONNECTIONS: Final = 2500  # an idle one costs some kilobytes and nothing else
MOST_PER_NETWORK: Final = 50  # what the big forwarders need; a network is an IPv4 address or an IPv6 /64


class Guests:
    """The open connections. For one event loop."""

    def __init__(self, *, most: int = MOST_CONNECTIONS, most_per_network: int = MOST_PER_NETWORK) -> None:
        self._most, self._most_per_network = most, most_per_network
        self._inside: dict[asyncio.BaseTransport, str] = {}
        self._from: Counter[str] = Counter()

    def admit(self, transport: asyncio.BaseTransport) -> bool:
        """Count a new connection in, unless there are too many already."""
        network = network_of(transport.get_extra_info("peername"))
        if len(self._inside) >= self._most or self._from[network] >= self._most_per_network:
            return False
        self._inside[transport] = network
        self._from[network] += 1
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection out. Idempotent."""
        network = self._inside.pop(transport, None)
        if network is None:
            return
        self._from[network] -= 1
        if not self._from[network]:
            del self._from[network]

    @property
    def count(self) -> int:
        return len(self._inside)

    def send_away(self) -> None:
        """Close all connections; what has been answered still arrives."""
        for transport in list(self._inside):
            transport.close()


def network_of(peer: object) -> str:
    """The network of a socket's peer: one person can have 2^64 addresses of IPv6, but not many networks."""
    if not isinstance(peer, tuple) or not peer:
        return "local"
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])  # a link-local one carries its interface
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped) if address.ipv4_mapped else address.exploded[:19]
