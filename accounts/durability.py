"""How soon a commit rests on the disk. A verb for what may be lost with the machine, since it is done again anyway."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def soon() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk: seen by all at once, lost if the machine dies within a
    second. Within another transaction it is as durable as that one."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit to off")
        yield
