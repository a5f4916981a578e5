"""Access tokens, kept for as long as they are valid.

Place in the flow: `client` asks here before every request; here `login.refresh` is asked when there is no token any
more. One cache serves a whole process: make it once, at the edge, and hand it to every client.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Never

from amazon.application import Application, Authorisation
from amazon.login import refresh

_MARGIN = timedelta(minutes=1)
_YOUNG = timedelta(seconds=30)


@dataclass(slots=True)
class _Slot:
    """The place of one authorisation's token. `users` counts the threads that hold it, so that it is not thrown away
    under them; it is guarded by the cache's lock, the rest by the slot's own."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    value: str = ""
    asked_at: float = 0.0
    good_until: float = float("-inf")


class TokenCache:
    """Access tokens by application and authorisation, for all threads of a process and any number of sellers.

    Threads that need the same token at the same moment make one call to Login with Amazon; threads that need different
    ones do not wait for each other. A token is used until a minute before it expires, by the clock that nobody sets.
    It lives in memory only: it cannot be pickled, and shows no token. Make it after a fork, or before any thread
    starts.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._slots: dict[bytes, _Slot] = {}

    def get(self, application: Application, authorisation: Authorisation) -> str:
        """Return a valid access token. Raises what `login.refresh` raises; a failure is not remembered."""
        with self._slot(application, authorisation) as slot:
            now = self._clock()
            if now < slot.good_until:
                return slot.value
            token = refresh(application, authorisation.refresh_token)
            slot.value, slot.asked_at = token.value, now
            slot.good_until = now + (token.expires_in - _MARGIN).total_seconds()
            return token.value

    def peek(self, application: Application, authorisation: Authorisation) -> str:
        """The token that is kept, without asking anybody or waiting; empty where there is none that is valid."""
        slot = self._slots.get(_key(application, authorisation))
        return slot.value if slot is not None and self._clock() < slot.good_until else ""

    def forget(self, application: Application, authorisation: Authorisation, token: str) -> bool:
        """Drop a token that Amazon did not accept. Return whether asking again with another one makes sense.

        It does not where the token is less than half a minute old: then a role is missing, and without this rule every
        refused request would cost two more. An older one is asked for anew first, because an authorisation that was
        withdrawn shows itself to the API as access denied, and only Login with Amazon tells the two apart.
        """
        with self._slot(application, authorisation) as slot:
            if slot.value != token:
                return True
            if self._clock() - slot.asked_at < _YOUNG.total_seconds():
                return False
            slot.value, slot.good_until = "", float("-inf")
            return True

    @contextmanager
    def _slot(self, application: Application, authorisation: Authorisation) -> Iterator[_Slot]:
        key = _key(application, authorisation)
        with self._guard:
            slot = self._slots.setdefault(key, _Slot())
            slot.users += 1
        try:
            with slot.lock:
                yield slot
        finally:
            with self._guard:
                slot.users -= 1
                self._throw_away_expired()

    def _throw_away_expired(self) -> None:
        now = self._clock()
        for key in [key for key, slot in self._slots.items() if not slot.users and slot.good_until <= now]:
            del self._slots[key]

    def __repr__(self) -> str:
        return f"<TokenCache of {len(self._slots)}>"

    def __reduce__(self) -> Never:
        raise TypeError("access tokens are not written anywhere")


def _key(application: Application, authorisation: Authorisation) -> bytes:
    """The application belongs to the key: two applications may serve one seller."""
    parts = (application.login_url, application.client_id, authorisation.refresh_token)
    return hashlib.sha256("\0".join(parts).encode()).digest()
