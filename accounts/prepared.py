"""Statements that PostgreSQL plans once for each connection, for what is asked a hundred times a second.

A short statement that touches tables behind the wall takes longer to plan than to carry out. What is asked seldom, or
about many rows at once, has no use for this.
"""

from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import connection

_known: Final[WeakKeyDictionary[Any, set[str]]] = WeakKeyDictionary()  # names, by the connection that knows them


class Prepared:
    """One statement, with `$1`, `$2`, ... for its parameters of these types. No other has its `name`."""

    def __init__(self, name: str, types: Sequence[str], statement: str) -> None:
        self._name = name
        self._prepare = f"prepare {name} ({', '.join(types)}) as {statement}"
        self._execute = f"execute {name} ({', '.join(f'%s::{type_}' for type_ in types)})"

    def rows(self, *parameters: Any) -> list[tuple[Any, ...]]:
        """Carry it out; what it returns. Raises what `cursor.execute` raises."""
        connection.ensure_connection()
        known = _known.setdefault(connection.connection, set())
        with connection.cursor() as cursor:
            if self._name not in known:
                cursor.execute(self._prepare)
                known.add(self._name)  # stays prepared, whatever becomes of the transaction
            cursor.execute(self._execute, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
