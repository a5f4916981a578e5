"""Many rows in one statement. Into a table they travel as one JSON document, so the server plans a single insertion.

Django's `bulk_create` prepares every column of every row by itself. Here a column that no row names is left to the
model's default, made once; columns and types are the model's own, so a new column needs nothing here.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL

Row = Mapping[str, object]


def insert(
    model: type[Model],
    rows: Sequence[Row],
    *,
    conflict: str = "on conflict do nothing",
    returning: Sequence[str] = ("id",),
) -> list[tuple[Any, ...]]:
    """Insert rows, given as column -> value, all with the same columns; returns those that were written.

    `conflict` says what becomes of a row that is there already. A default that differs from row to row, like a random
    key, has to be among the columns. Bad values raise `django.db.DataError`.
    """
    if not rows:
        return []
    with connection.cursor() as cursor:
        sql, shared = _statement(model, tuple(rows[0]), tuple(returning), conflict)
        cursor.execute(sql, [*shared, document(rows)])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def among(ids: Iterable[int]) -> RawSQL:
    """For `filter(pk__in=among(ids))` with thousands of them: Django looks at each member of a list by itself."""
    return RawSQL("select unnest(%s::bigint[])", [list(ids)])


def document(rows: Iterable[Row]) -> str:
    return json.dumps(list(rows), default=_plain)


def typed(columns: Mapping[str, str]) -> str:
    """The columns of a document with their types, for `jsonb_to_recordset`."""
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


@lru_cache(maxsize=64)
def _statement(
    model: type[Model], given: tuple[str, ...], returning: tuple[str, ...], conflict: str
) -> tuple[str, tuple[Any, ...]]:
    """The insertion, and the values that all rows share."""
    fields = {str(field.column): field for field in model._meta.local_concrete_fields if not field.primary_key}
    kinds = {name: str(fields[name].db_type(connection)).partition("(")[0] for name in given}
    shared = {
        name: field.get_db_prep_save(field.get_default(), connection)
        for name, field in fields.items()
        if name not in given and not field.has_db_default()
    }
    into, values = ", ".join([*given, *shared]), ", ".join([*given, *["%s"] * len(shared)])
    sql = f"""
        insert into {model._meta.db_table} ({into})
        select {values} from jsonb_to_recordset(%s::jsonb) as given({typed(kinds)})
        {conflict} returning {", ".join(returning)}"""  # noqa: S608 - columns of our own
    return sql, tuple(shared.values())


def _plain(value: object) -> str:
    """What JSON has no form for, in the form that PostgreSQL reads."""
    return _WRITERS[type(value)](value)


_WRITERS: Final[Mapping[type, Callable[..., str]]] = {
    datetime: datetime.isoformat,
    bytes: lambda value: "\\x" + value.hex(),
    Decimal: str,
    UUID: str,
}
