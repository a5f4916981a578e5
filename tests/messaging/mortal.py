"""`manage.py dispatch` that kills itself with -9 at a moment chosen by a seed: before or after any step of its way.

The steps are every statement and commit, every write to the relay and every line heard from it. DIE_SEED below zero: it
lives. Runs as a process of its own.
"""

import os
import random
import signal
from collections.abc import Callable
from typing import Any

import django

SEED = int(os.environ["DIE_SEED"])
STEPS = 400  # about what sending a hundred letters takes
_steps = iter(range(1, 10**9))
_last = random.Random(SEED).randint(1, STEPS) if SEED >= 0 else 0


def step() -> None:
    if next(_steps) == _last:
        os.kill(os.getpid(), signal.SIGKILL)


def mortal(owner: Any, name: str) -> None:
    """Every call of this function is two steps: one before it, and one after it."""
    original: Callable[..., Any] = getattr(owner, name)

    def stepping(*args: Any, **kwargs: Any) -> Any:
        step()
        answer = original(*args, **kwargs)
        step()
        return answer

    setattr(owner, name, stepping)


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db.backends.postgresql.base import DatabaseWrapper
    from django.db.backends.utils import CursorWrapper

    from messaging.gateways.smtp import Session

    mortal(DatabaseWrapper, "commit")
    mortal(DatabaseWrapper, "_commit")
    mortal(CursorWrapper, "execute")
    mortal(Session, "_flush")
    mortal(Session, "_hear")
    call_command("dispatch")


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "feedbackfive.settings"
    main()
