"""How soon a commit rests on the disk. A verb for what may be lost with the machine, since it is done again anyway."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakSet

from django.db import Error, connection, transaction

_waiting_for_none: Final[WeakSet[Any]] = WeakSet()  # connections whose commits wait for `flush`


@contextmanager
def soon() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk: seen by all at once, lost if the machine dies within a
    second. Within another transaction it is as durable as that one."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        if connection.connection not in _waiting_for_none:
            with connection.cursor() as cursor:
                cursor.execute("set local synchronous_commit to off")
        yield


@contextmanager
def together() -> Iterator[None]:
    """No commit of this connection within waits for the disk: `flush` waits for all of them.

    They reach the disk in their order, so a machine that dies leaves what was there at some instant before, as if all
    that followed had not been begun. For a queue whose rows say what has been done with them.
    """
    connection.ensure_connection()
    driver = connection.connection
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('synchronous_commit'), set_config('synchronous_commit', 'off', false)"
        )  # from left to right
        before = cursor.fetchone()[0]
    _waiting_for_none.add(driver)
    try:
        yield
    finally:
        _waiting_for_none.discard(driver)
        if connection.connection is driver:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("select set_config('synchronous_commit', %s, false)", [before])


def flush() -> None:
    """Return when all that this connection has committed `together` is on the disk. Outside a transaction."""
    if connection.in_atomic_block or connection.connection not in _waiting_for_none:
        return
    with connection.cursor() as cursor:  # one trip; a commit that has written nothing would wait for nothing
        cursor.execute(
            "begin; set local synchronous_commit to on; select pg_logical_emit_message(true, 'flush', ''); commit"
        )
