"""Doorbells of the planning, of what it has to be told, and of campaigns on trial."""

import time
from typing import Final

from celery import shared_task
from django.utils import timezone

from campaigns import countries, planning, trying

SECONDS: Final = 45  # of work per ring: well under the task's time limit


@shared_task(name="campaigns.plan_stale")
def plan_stale() -> None:
    until = time.monotonic() + SECONDS
    while planning.plan_stale(now=timezone.now()) and time.monotonic() < until:
        pass  # there may be more


@shared_task(name="campaigns.want_countries")
def want_countries() -> None:
    countries.want_countries(now=timezone.now())


@shared_task(name="campaigns.send_trials")
def send_trials() -> None:
    trying.send_trials(now=timezone.now())
