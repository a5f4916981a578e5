"""What every gateway takes and answers.

Three failures, not one: `Refused` (no, for good) and `Deferred` (provably nothing left the house; try later) may be
said only by a gateway that knows. A gateway that cannot know raises `OutcomeUnknown`, and the message is shown so.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from messaging.letters import Letter
from optouts.gate import Clearance


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes out, and on whose behalf."""

    message_id: UUID
    amazon_order_id: str
    marketplace_id: str
    letter: Letter | None
    sender: str = field(repr=False)  # the seller's approved address on this marketplace; empty where none is needed
    alias: str | None = field(repr=False)
    delivered_by: datetime | None = None  # the latest time that we know of
    kind: str = ""  # of an order message: Amazon's own word
    is_in_doubt: bool = False  # something was tried for this order before: ask Amazon first where it can be asked


@dataclass(frozen=True, slots=True)
class Receipt:
    """Amazon took it. `reference` is Amazon's request id or the relay's answer."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No, for good; nothing was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLate:
    """Nothing was sent, and never will be: Amazon's time for the order is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nothing was sent, provably; it may be tried again.

    `after` None leaves the pause to dispatch, which backs off. `is_general`: it is the route's trouble, not the
    letter's, so trying others now is useless.
    """

    reason: str
    after: timedelta | None = None
    is_general: bool = False


@dataclass(frozen=True, slots=True)
class AccountTrouble:
    """Nothing was sent, and nothing will be for this account until a person has acted: hold, do not burn."""

    reason: str
    lost: str = ""  # the mark of the token that Amazon no longer accepts

    @property
    def is_revoked(self) -> bool:
        return bool(self.lost)


class OutcomeUnknown(Exception):
    """It may have been sent. The text says what happened, without addresses."""


Answer = Receipt | Refused | TooLate | Deferred | AccountTrouble


class Gateway(Protocol):
    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        """Hand over once. Raises OutcomeUnknown when it cannot be known whether it was taken.

        Safe for any number of letters at the same time, in one event loop.
        """
        ...

    async def close(self) -> None: ...
