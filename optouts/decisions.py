"""What follows from a notice: a rule. Grade of evidence x whose order it names -> effects (INBOUND.md 4.5).

Flow: grading -> order match -> [decisions] -> intake does it. For findings of kind `OPT_OUT` only. Proof by Amazon's
own signature, bound to this seller and to an order that he wrote to, reaches the list of all sellers by itself; weaker
evidence stops this seller only; no evidence waits for a person; DNS trouble waits for DNS; nothing is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Grade(StrEnum):
    """How well a notice is proved, best first."""

    A1 = "A1"
    """Amazon wrote to the seller's inbound address, and its signature is intact."""
    A2 = "A2"
    """Forwarded intact from a mailbox that the seller registered."""
    A4 = "A4"
    """An attached original that passes all that A1 or A2 asks."""
    A3 = "A3"
    """Amazon's signature is intact; the mail was addressed to a mailbox that nobody registered."""
    A4_UNKNOWN = "A4?"
    """An attached original that passes all that A3 asks."""
    B = "B"
    """The forwarder broke the signature, and a trusted one vouches for it (ARC)."""
    C = "C"
    """A known person of the seller forwarded or uploaded it."""
    D = "D"
    """The right address and the right words, and nothing else."""
    T = "T"
    """Undecided: the signing key could not be looked up just now."""
    X = "X"
    """Contradicts itself, or claims to be Amazon's and is not."""


class OrderState(StrEnum):
    """Whose order a notice names."""

    WRITTEN_TO = "S"
    """This seller's, and we sent (or tried) a message for it at most 60 days before."""
    OURS = "O"
    """This seller's, and nothing was sent for it."""
    UNKNOWN = "U"
    """Nobody's that we know; perhaps not imported yet."""
    FOREIGN = "F"
    """Known only under another seller."""


class Effect(StrEnum):
    """What intake has to do."""

    SUPPRESS_SELLER = "suppress for this seller"
    SUPPRESS_GLOBALLY = "suppress for every seller"
    GLOBAL_PENDING = "suppress for every seller once somebody confirms it"
    GLOBAL_AFTER_CORROBORATION = "suppress for every seller after a second notice"
    PARK = "keep for 7 days and look again at each import of orders"
    HOLD_14_DAYS = "hold this buyer's messages of this seller for 14 days"
    RETRY = "examine again when the DNS answers"
    QUARANTINE = "let a person look"
    ALARM = "call an operator"


@dataclass(frozen=True, slots=True)
class Decision:
    """The effects of one notice, and the sentence that explains them to the seller."""

    effects: frozenset[Effect]
    reason: str


def decide(grade: Grade, order_state: OrderState) -> Decision:
    """Return what follows from evidence of `grade` about an order in `order_state`. Total: every pair has its answer.

    After a park of 7 days without an order, intake quarantines; that is its clock's business, not this table's.
    """
    return TABLE[grade, order_state]


def _rows(grades: str, cells: Mapping[OrderState, Decision]) -> dict[tuple[Grade, OrderState], Decision]:
    return {(Grade(grade), state): decision for grade in grades.split() for state, decision in cells.items()}


def _cell(reason: str, *effects: Effect) -> Decision:
    return Decision(frozenset(effects), reason)


_S, _O, _U, _F = OrderState.WRITTEN_TO, OrderState.OURS, OrderState.UNKNOWN, OrderState.FOREIGN
_PARKED = _cell("The order is not known yet; it is looked up again at each import for 7 days.", Effect.PARK)
_MINE = _cell("The buyer has opted out of your messages.", Effect.SUPPRESS_SELLER)
_NOT_YOURS = _cell("The notice names an order that is not yours; a person looks at it.", Effect.QUARANTINE)
_NOT_YOURS_ALARM = _cell(
    "The notice names an order that is not yours; a person looks at it.", Effect.QUARANTINE, Effect.ALARM
)
_UNPROVED = _cell("Nothing proves that Amazon sent this; a person looks at it.", Effect.QUARANTINE)
_LATER = _cell("The signature could not be checked just now; it is tried again.", Effect.RETRY)
_CONTRADICTION = _cell("The notice contradicts itself or is not Amazon's; a person looks at it.", Effect.QUARANTINE)
_PENDING = _cell(
    "The buyer has opted out of your messages; for other sellers it waits for confirmation.",
    Effect.SUPPRESS_SELLER, Effect.GLOBAL_PENDING,
)  # fmt: skip

TABLE: Mapping[tuple[Grade, OrderState], Decision] = MappingProxyType(
    _rows("A1 A2 A4", {
        _S: _cell("The buyer has opted out through Amazon.", Effect.SUPPRESS_SELLER, Effect.SUPPRESS_GLOBALLY),
        _O: _cell(
            "The buyer has opted out; we had not written about this order, so other sellers wait for a second notice.",
            Effect.SUPPRESS_SELLER, Effect.GLOBAL_AFTER_CORROBORATION,
        ),
        _U: _PARKED,
        _F: _NOT_YOURS_ALARM,
    })
    | _rows("A3 A4? B", {_S: _PENDING, _O: _MINE, _U: _PARKED, _F: _NOT_YOURS})
    | _rows("C", {_S: _MINE, _O: _MINE, _U: _PARKED, _F: _NOT_YOURS})
    | _rows("D", {
        _S: _cell(
            "Nothing proves that Amazon sent this; the buyer's messages wait 14 days while a person looks at it.",
            Effect.HOLD_14_DAYS, Effect.QUARANTINE,
        ),
        _O: _UNPROVED, _U: _UNPROVED, _F: _UNPROVED,
    })
    | _rows("T", {
        _S: _cell(
            "The signature could not be checked just now; the buyer's messages wait until it is.",
            Effect.HOLD_14_DAYS, Effect.RETRY,
        ),
        _O: _LATER, _U: _LATER, _F: _LATER,
    })
    | _rows("X", {
        _S: _CONTRADICTION, _O: _CONTRADICTION, _U: _CONTRADICTION,
        _F: _cell(_CONTRADICTION.reason, Effect.QUARANTINE, Effect.ALARM),
    })
)  # fmt: skip
"""The decision table of INBOUND.md 4.5, every cell."""
