"""Doorbells of the planning and of campaigns on trial."""

import time
from typing import Final

from celery import shared_task
from django.utils import timezone

from campaigns import planning, trying

SECONDS: Final = 45  # of work per ring: well under the task's time limit


@shared_task(name="campaigns.plan_stale")
def plan_stale() -> None:
    until = time.monotonic() + SECONDS
    while planning.plan_stale(now=timezone.now()) and time.monotonic() < until:
        pass  # there may be more


@shared_task(name="campaigns.send_trials")
def send_trials() -> None:
    trying.send_trials(now=timezone.now())
