"""Statements that PostgreSQL plans once for each connection, for what is asked a hundred times a second.

A short statement that touches tables behind the wall takes longer to plan than to carry out. What is asked seldom, or
about many rows at once, has no use for this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import connection

_known: Final[WeakKeyDictionary[Any, set[str]]] = WeakKeyDictionary()  # names, by the connection that knows them


class Prepared:
    """One statement, with `$1`, `$2`, ... for its parameters of these types. No other has its `name`."""

    def __init__(self, name: str, types: Sequence[str], statement: str) -> None:
        self.name = name
        given, parameters = ", ".join(types), ", ".join(f"%s::{type_}" for type_ in types)
        self.prepare = f"prepare {name} ({given}) as {statement}" if types else f"prepare {name} as {statement}"
        self.execute = f"execute {name} ({parameters})" if types else f"execute {name}"

    def rows(self, *parameters: Any) -> list[tuple[Any, ...]]:
        """Carry it out; what it returns. Raises what `cursor.execute` raises."""
        return rows_of_last(Call(self, parameters))


@dataclass(frozen=True, slots=True)
class Call:
    """A statement with its parameters, to be carried out by `rows_of_last`."""

    statement: Prepared
    parameters: Sequence[Any]


def rows_of_last(*calls: Call) -> list[tuple[Any, ...]]:
    """Carry these out in their order, in one round trip; what the last returns. Raises what `cursor.execute` raises.

    Within a transaction each sees what was committed when it began, as if it had been sent alone; outside of one they
    are one transaction.
    """
    connection.ensure_connection()
    known = _known.setdefault(connection.connection, set())
    with connection.cursor() as cursor:
        for statement in (call.statement for call in calls):
            if statement.name not in known:
                cursor.execute(statement.prepare)
                known.add(statement.name)  # stays prepared, whatever becomes of the transaction
        carry_out = "; ".join(call.statement.execute for call in calls)
        cursor.execute(carry_out, [parameter for call in calls for parameter in call.parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
