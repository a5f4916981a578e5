"""Has this mail been here before? A rule on the header section, cheap enough to be asked before the 250.

A forward that leads back to us would go round for ever. We never bounce, so such a mail is accepted and put aside.
"""

import re
from typing import Final

MOST_TIMES: Final = 3
LOOP_HEADER: Final = "X-FeedbackFive-Loop"
"""A mail of ours that must never come back carries this header with the inbound domain as its value."""


def went_round(raw: bytes, *, domain: str) -> bool:
    """Whether `domain` stands as the receiver in three Received fields, or in our own loop header."""
    head = raw[: max(0, raw.find(b"\r\n\r\n"))].lower()
    if b"\r\n\t" in head or b"\r\n " in head:
        head = head.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
    name = domain.lower().encode()
    if b"\r\n" + LOOP_HEADER.lower().encode() + b": " + name in b"\r\n" + head:
        return True
    if head.count(name) < MOST_TIMES:
        return False
    by_us = re.compile(rb"\sby\s+" + re.escape(name) + rb"(?![a-z0-9.-])")
    return sum(line.startswith(b"received:") and bool(by_us.search(line)) for line in head.split(b"\r\n")) >= MOST_TIMES
