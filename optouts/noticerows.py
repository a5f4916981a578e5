"""Many notices in one statement, with as little work for each as the listener needs.

`bulk_create` prepares each of two dozen columns of each row, most of which hold their default while a mail waits to be
read; here these stand in the statement, which is planned once for each connection. Columns and defaults are the model's
own, so a new one needs nothing here.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from django.db import connection

from accounts.prepared import Call, Prepared, rows_of_last
from optouts.models import Notice

_GIVEN: Final = {
    "seller_id": None, "address_id": None, "digest": None, "size": None, "raw_sealed": None, "received_at": None,
    "look_at": None, "purge_at": None, "source": Notice.Source.SMTP, "uploaded_by_id": None,
    "status": Notice.Status.RECEIVED, "reason": "", "processed_at": None,
}  # fmt: skip
"""What a door may say of a mail, with what it means when it says nothing."""


def insert(rows: Iterable[Mapping[str, Any]], *, first: Iterable[Call] = ()) -> dict[str, int]:
    """Insert rows, given as column -> value; returns digest -> id of all of them, new or there already.

    To be called inside a transaction that may see the rows of all sellers. `first` goes along in the same trip.
    """
    by_digest = {str(row["digest"]): {**_GIVEN, **row} for row in rows}
    assert all(row.keys() == _GIVEN.keys() for row in by_digest.values())
    columns = [[row[column] for row in by_digest.values()] for column in _GIVEN]
    ids = dict(rows_of_last(*first, Call(_statement(), columns)))
    repeats = by_digest.keys() - ids.keys()
    if repeats:
        ids |= dict(Notice.objects.filter(digest__in=repeats).values_list("digest", "pk"))
    return ids


@cache
def _statement() -> Prepared:
    """Columns that only the database fills are left to it."""
    types = {str(field.column): (field.db_type(connection) or "").partition("(")[0] for field in _fields()}
    with connection.cursor() as cursor:
        values = {
            column: f"given.{column}" if column in _GIVEN else f"{cursor.mogrify('%s', [default]).decode()}::{type_}"
            for (column, type_), default in zip(types.items(), _defaults(), strict=True)
        }
    given = ", ".join(f"${number}" for number, _ in enumerate(_GIVEN, start=1))
    return Prepared(
        "insert_notices",
        [f"{types[column]}[]" for column in _GIVEN],
        f"insert into optouts_notice ({', '.join(values)}) select {', '.join(values.values())}"  # noqa: S608 our own
        f" from unnest({given}) as given({', '.join(_GIVEN)}) on conflict (digest) do nothing returning digest, id",
    )


def _fields() -> list[Any]:
    return [field for field in Notice._meta.local_concrete_fields if not field.primary_key]


def _defaults() -> list[Any]:
    return [field.get_db_prep_save(field.get_default(), connection) for field in _fields()]
