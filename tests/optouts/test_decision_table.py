"""The decision table of INBOUND.md 4.5, every cell, written a second time."""

import pytest

from optouts.decisions import TABLE, Effect, Grade, OrderState, decide

SELLER, GLOBAL = Effect.SUPPRESS_SELLER, Effect.SUPPRESS_GLOBALLY
PENDING, LATER = Effect.GLOBAL_PENDING, Effect.GLOBAL_AFTER_CORROBORATION
PARK, HOLD, RETRY = Effect.PARK, Effect.HOLD_14_DAYS, Effect.RETRY
PERSON, ALARM = Effect.QUARANTINE, Effect.ALARM

CELLS = {
    "A1": ({SELLER, GLOBAL}, {SELLER, LATER}, {PARK}, {PERSON, ALARM}),
    "A2": ({SELLER, GLOBAL}, {SELLER, LATER}, {PARK}, {PERSON, ALARM}),
    "A4": ({SELLER, GLOBAL}, {SELLER, LATER}, {PARK}, {PERSON, ALARM}),
    "A3": ({SELLER, PENDING}, {SELLER}, {PARK}, {PERSON}),
    "A4?": ({SELLER, PENDING}, {SELLER}, {PARK}, {PERSON}),
    "B": ({SELLER, PENDING}, {SELLER}, {PARK}, {PERSON}),
    "C": ({SELLER}, {SELLER}, {PARK}, {PERSON}),
    "D": ({HOLD, PERSON}, {PERSON}, {PERSON}, {PERSON}),
    "T": ({HOLD, RETRY}, {RETRY}, {RETRY}, {RETRY}),
    "X": ({PERSON}, {PERSON}, {PERSON}, {PERSON, ALARM}),
}


@pytest.mark.parametrize("grade", Grade)
@pytest.mark.parametrize(("column", "state"), list(enumerate("SOUF")))
def test_each_cell_has_its_effects(grade: Grade, column: int, state: str) -> None:
    decision = decide(grade, OrderState(state))

    assert decision.effects == CELLS[grade.value][column]
    assert decision.reason.endswith(".")


def test_the_table_has_every_cell_and_no_other() -> None:
    assert set(TABLE) == {(grade, state) for grade in Grade for state in OrderState}


def test_only_three_cells_reach_every_seller_at_once() -> None:
    reaching = {pair for pair, decision in TABLE.items() if GLOBAL in decision.effects}

    assert reaching == {(grade, OrderState.WRITTEN_TO) for grade in (Grade.A1, Grade.A2, Grade.A4)}


def test_an_order_of_another_seller_never_suppresses_anybody() -> None:
    for grade in Grade:
        assert not decide(grade, OrderState.FOREIGN).effects & {SELLER, GLOBAL, PENDING, LATER, HOLD}


def test_nothing_is_dropped() -> None:
    assert all(decision.effects for decision in TABLE.values())
