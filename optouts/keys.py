"""Moved to `accounts.keys`, a lower floor that the order reading may use too."""

from accounts.keys import *  # noqa: F403
