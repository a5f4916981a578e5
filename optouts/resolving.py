"""TXT records for `authenticity`: from the DNS in production, from a fixed list in demo, replay and tests.

An edge. The DNS resolver remembers answers for their time to live (at least a minute, at most a day; "does not
exist" for at most five minutes, that nobody answers for ten seconds), so that a burst of notices asks once, and learns
at once that it cannot know. Both kinds keep `authenticity.Resolver`.
"""

import threading
import time
from collections.abc import Callable, Mapping

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from optouts.authenticity import DnsTrouble, key_in

MIN_SECONDS, MAX_SECONDS, MAX_SECONDS_ABSENT = 60.0, 86_400.0, 300.0
SECONDS_OF_TROUBLE = 10.0  # RFC 9520 wants failures remembered, too; a mail in trouble is looked at again in a minute
MAX_REMEMBERED = 10_000


class RecordedResolver:
    """Answers from a list of name -> record; everything else provably does not exist.

    For the demo's stand-in, for proving an old verdict again with the key that was kept, and for tests.
    """

    def __init__(self, records: Mapping[str, str]) -> None:
        self._records = {_canonical(name): record.encode() for name, record in records.items()}

    def txt(self, name: str, /) -> bytes | None:
        """Return the listed record, or None."""
        return self._records.get(_canonical(name))


class DnsResolver:
    """Asks the machine's name servers, or one given server. Safe to share between threads."""

    def __init__(
        self, *, server: str = "", lifetime: float = 5.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`lifetime` is the longest that one question may take, in seconds, over all servers and retries.

        `server` is "address:port"; empty means the servers that the machine is set up with.
        """
        self._server = server
        self._lifetime = lifetime
        self._monotonic = monotonic
        self._resolver: dns.resolver.Resolver | None = None
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[float, bytes | None | DnsTrouble]] = {}

    def txt(self, name: str, /) -> bytes | None:
        """Return the key record at `name`, or None when there provably is none; else raise DnsTrouble."""
        name = _canonical(name)
        until, answer = self._remembered.get(name, (0.0, None))
        if until <= self._monotonic():
            answer, seconds = self._ask(name)
            with self._lock:
                if len(self._remembered) >= MAX_REMEMBERED:  # strangers choose the names: the memory must stay flat
                    self._remembered.clear()
                self._remembered[name] = (self._monotonic() + seconds, answer)
        if isinstance(answer, DnsTrouble):
            raise DnsTrouble(*answer.args)
        return answer

    def _ask(self, name: str) -> tuple[bytes | None | DnsTrouble, float]:
        try:
            if self._resolver is None:
                self._resolver = _resolver(self._server)
            answer = self._resolver.resolve(name, dns.rdatatype.TXT, lifetime=self._lifetime, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel):
            return None, MAX_SECONDS_ABSENT
        except (dns.exception.DNSException, OSError) as trouble:
            return DnsTrouble(type(trouble).__name__), SECONDS_OF_TROUBLE
        records = [b"".join(item.strings) for item in answer]
        record = next(filter(key_in, records), None)  # of several, the one that may be a key; no other is kept
        ttl = float(answer.rrset.ttl) if answer.rrset is not None else MIN_SECONDS
        return record, min(max(ttl, MIN_SECONDS), MAX_SECONDS)


def _resolver(server: str) -> dns.resolver.Resolver:
    if not server:
        return dns.resolver.Resolver()
    host, _, port = server.rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port)
    return resolver


def _canonical(name: str) -> str:
    return name.rstrip(".").lower() + "."
