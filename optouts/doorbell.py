"""Tells the readers that a notice wants looking at, through the database, in the transaction that stored it.

So no ring goes out for what was not stored, none needs a broker, and a door has nothing to do afterwards. A ring
says "look", not at what: a lost or doubled one costs nothing, since the rows are the queue (`Notice.look_at`).
"""

import select
import socket
from typing import Any, Final

from django.db import connection

from accounts.prepared import Call, Prepared

CHANNEL: Final = "notices"


_RING: Final = Prepared("ring", (), f"select pg_notify('{CHANNEL}', '')")


def ring() -> None:
    """Wake the readers once the surrounding transaction is committed; several rings in one transaction are one."""
    _RING.rows()


def ringing() -> Call:
    """What does the same."""
    return Call(_RING, [])


class Doorbell:
    """A reader's ear, on the database connection of the thread that uses it."""

    def __init__(self) -> None:
        self._listening: Any = None  # the connection that has been told to listen
        self._awake, self._asleep = socket.socketpair()

    def listen(self) -> None:
        """From now on no ring is missed. Cheap to repeat, and needed again when the connection was lost."""
        connection.ensure_connection()
        if connection.connection is not self._listening:
            with connection.cursor() as cursor:
                cursor.execute(f"listen {CHANNEL}")
            self._listening = connection.connection

    def wait(self, seconds: float) -> None:
        """Return at a ring that came since the last `wait`, at `wake`, or when the time is over.

        Call after `listen`, outside a transaction.
        """
        if self._listening.notifies:  # came along with the answer to a statement
            self._listening.notifies.clear()
            return
        with connection.wrap_database_errors:
            ready, _, _ = select.select([self._listening, self._asleep], [], [], seconds)
            self._listening.poll()
        if self._asleep in ready:
            self._asleep.recv(64)
        self._listening.notifies.clear()

    def close(self) -> None:
        """Hear nothing any more. The connection is its thread's."""
        self._awake.close()
        self._asleep.close()

    def wake(self) -> None:
        """End a `wait`, now or to come. From any thread or signal handler."""
        self._awake.send(b"\0")
