"""What the timetable does for the notices."""

import time
from functools import lru_cache
from typing import Final

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from optouts import guards, imports, intake, reader, setup
from optouts.resolving import DnsResolver

SECONDS: Final = 45  # of work per wake-up: well under the task's time limit


@lru_cache(maxsize=1)
def resolver() -> DnsResolver:
    """One a process: it remembers answers."""
    return DnsResolver(server=settings.DNS_SERVER)


@shared_task(name="optouts.process_received")
def process_received() -> None:
    """Have notices looked at whose order has come, and read what no reader reads, should none be running."""
    until = time.monotonic() + SECONDS
    intake.wake_parked(now=timezone.now())
    while time.monotonic() < until and reader.read_waiting(resolver(), clock=timezone.now):
        pass


@shared_task(name="optouts.purge")
def purge() -> None:
    intake.purge(now=timezone.now())
    imports.purge(now=timezone.now())
    with across_sellers("what setting up has left behind is purged"):
        setup.purge(now=timezone.now())


@shared_task(name="optouts.look_for_shared")
def look_for_shared() -> None:
    guards.look_for_shared(now=timezone.now())
