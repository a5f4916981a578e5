"""Many notices in one statement, with as little work for each as the listener needs.

`bulk_create` prepares each of two dozen columns of each row, most of which hold their default while a mail waits to be
read; here a default is prepared once. Columns and defaults are the model's own, so a new one needs nothing here.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from optouts.models import Notice


def insert(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Insert rows, given as column -> value; returns digest -> id of all of them, new or there already.

    To be called inside a transaction that may see the rows of all sellers.
    """
    defaults = _defaults()
    by_digest = {str(row["digest"]): [row.get(column, default) for column, default in defaults] for row in rows}
    table = connection.ops.quote_name(Notice._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(column) for column, _ in defaults)
    into = f"insert into {table} ({columns}) values %s on conflict (digest) do nothing returning digest, id"  # noqa: S608 our own names
    with connection.cursor() as cursor:
        ids = dict(execute_values(cursor, into, list(by_digest.values()), page_size=len(by_digest), fetch=True))
    repeats = by_digest.keys() - ids.keys()
    if repeats:
        ids |= dict(Notice.objects.filter(digest__in=repeats).values_list("digest", "pk"))
    return ids


@lru_cache(maxsize=1)
def _defaults() -> tuple[tuple[str, Any], ...]:
    """The columns with what they hold when nothing is said. Those that only the database fills are left to it."""
    fields = [field for field in Notice._meta.local_concrete_fields if not field.primary_key]
    return tuple((str(field.column), field.get_db_prep_save(field.get_default(), connection)) for field in fields)
