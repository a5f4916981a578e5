"""Envelopes and clearances for the tests of the gateways, without a row."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from messaging.gateways.base import Answer, Envelope, Gateway, OutcomeUnknown
from messaging.letters import Letter
from optouts import gate

ORDER = "171-1234567-7654321"
ITALY = "APJ6JRA9NG5V4"
LETTER = Letter(
    f"Il tuo ordine {ORDER}", f"Ciao,\n\nil tuo ordine {ORDER} è arrivato?\n", f"<p>Il tuo ordine {ORDER}</p>"
)
CLEARANCE = gate.Clearance(  # minted by hand, because no row stands behind these envelopes
    gate.Buyer(1, ORDER, uuid4(), None), datetime(2026, 11, 23, 12, 0, tzinfo=UTC), gate._MINT
)


LOOP = asyncio.Runner()  # one for all, since a kept connection belongs to its loop


def close(gateway: Gateway) -> None:
    LOOP.run(gateway.close())


def envelope(**changes: Any) -> Envelope:
    plain = Envelope(uuid4(), ORDER, ITALY, LETTER, "shop@example.com", "5r27lqfzscx6cpl@marketplace.amazon.it")
    return replace(plain, **changes)


def letter(**changes: Any) -> Letter:
    return replace(LETTER, **changes)


def ask(gateway: Gateway, given: Envelope) -> Answer | OutcomeUnknown:
    """Deliver and return the answer; "nobody knows" is one, any other exception is not."""
    try:
        return LOOP.run(gateway.deliver(given, CLEARANCE))
    except OutcomeUnknown as unknown:
        return unknown
