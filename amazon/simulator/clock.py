"""Instants of the simulator: seconds since 1970 inside, ISO 8601 in UTC towards Amazon's callers."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> float:
    """The present instant."""
    return time.time()


def iso(at: float) -> str:
    """An instant in the form of the Selling Partner API, e.g. `2026-11-23T06:37:00Z` (whole seconds, rounded down)."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mail_date(at: float) -> str:
    """An instant as RFC 5322 writes it in a Date header."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def day(at: float) -> str:
    """The UTC day of an instant, `2026-11-23`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def instant(value: float | int | str) -> float:
    """Read an instant given as seconds or as ISO 8601 with an offset; without one it counts as UTC.

    Raises ValueError for anything else.
    """
    if isinstance(value, bool):
        raise ValueError("an instant cannot be a truth value")
    if isinstance(value, int | float):
        return float(value)
    read = datetime.fromisoformat(value)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
