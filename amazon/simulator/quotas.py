"""Amazon's usage plans: one token bucket per selling partner and operation (AMAZON.md 1.0).

Buckets live in memory: after a restart they are full, which is kinder than Amazon.
"""

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A usage plan: tokens per second, and the most that the bucket holds."""

    rate: float
    burst: int


class Quotas:
    """The buckets. A plan may be overridden per operation, as Amazon does for big sellers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self._overrides: dict[str, Plan] = {}

    def override(self, operation: str, plan: Plan) -> None:
        """Give an operation another plan, for every account, with full buckets."""
        with self._lock:
            self._overrides[operation] = plan
            self._buckets = {key: value for key, value in self._buckets.items() if key[1] != operation}

    def plan(self, operation: str, default: Plan) -> Plan:
        """The plan in force."""
        return self._overrides.get(operation, default)

    def take(self, selling_partner_id: str, operation: str, plan: Plan) -> bool:
        """Take one token; False when the bucket is empty."""
        key = (selling_partner_id, operation)
        at = time.monotonic()
        with self._lock:
            tokens, filled_at = self._buckets.get(key, (float(plan.burst), at))
            tokens = min(float(plan.burst), tokens + (at - filled_at) * plan.rate)
            allowed = tokens >= 1.0
            self._buckets[key] = (tokens - 1.0 if allowed else tokens, at)
            return allowed

    def reset(self) -> None:
        """Fill every bucket and forget the overrides."""
        with self._lock:
            self._buckets.clear()
            self._overrides.clear()
