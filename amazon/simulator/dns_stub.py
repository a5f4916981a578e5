"""A DNS server of a few lines: the TXT records of the simulated mail domains' keys, over UDP.

SERVFAIL for the names that it is told to have trouble with, NXDOMAIN for the rest.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL = 60


class KeyRecords(asyncio.DatagramProtocol):
    """Answers questions with what `look_up` gives for a name without its final dot, unless it `has_trouble` with it."""

    def __init__(
        self, look_up: Callable[[str], str | None], has_trouble: Callable[[str], bool] = lambda name: False
    ) -> None:
        self._look_up, self._has_trouble = look_up, has_trouble
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        # In Python 3.11 asyncio's own transport is no subclass of DatagramTransport: a cast, not a check.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question; what is no question gets no answer."""
        try:
            answer = self._answer(dns.message.from_wire(data))
        except dns.exception.DNSException:
            return
        if self._transport is not None:
            self._transport.sendto(answer.to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if not query.question:
            answer.set_rcode(dns.rcode.FORMERR)
            return answer
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        if self._has_trouble(name):
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        text = self._look_up(name)
        if text is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.TXT:
            # A character string of a TXT record holds 255 bytes at most.
            parts = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
            answer.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "TXT", parts))
        return answer
