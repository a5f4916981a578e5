"""Trouble on demand: the next N calls that match fail in a chosen way (tests of the product's hard cases).

Faults live in memory: a restarted simulator is a healthy one.
"""

import threading
from dataclasses import dataclass

ANY = "*"

HTTP_KINDS = {"html503", "cut", "cut_after", "slow", "forbidden", "denied", "throttle"}
SMTP_KINDS = {"rcpt451", "cut", "cut_after"}
RELAY = "relay"


@dataclass(slots=True)
class Fault:
    """One planned trouble.

    `operation` is an operation's name, `token` for the login endpoint, `relay` for the buyer mail relay, or `*` for any
    HTTP operation. `seconds` counts for `slow` only.
    """

    operation: str
    kind: str
    times: int
    seconds: float = 0.0


class Faults:
    """The planned troubles, first planned first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add a trouble. Raises ValueError for a kind that the door does not know."""
        known = SMTP_KINDS if fault.operation == RELAY else HTTP_KINDS
        if fault.kind not in known:
            raise ValueError(f"fault kind {fault.kind!r} is none of {', '.join(sorted(known))}")
        with self._lock:
            self._planned.append(fault)

    def take(self, operation: str, kinds: set[str] | None = None) -> Fault | None:
        """Use up one turn of the first trouble that matches, if any. The relay is never matched by `*`."""
        with self._lock:
            for fault in self._planned:
                matches = fault.operation == operation or (fault.operation == ANY and operation != RELAY)
                if matches and (kinds is None or fault.kind in kinds):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._planned.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        """Forget all planned troubles."""
        with self._lock:
            self._planned.clear()
