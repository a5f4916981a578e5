"""Doorbells of the notices."""

import time
from functools import lru_cache
from typing import Final

from celery import shared_task
from django.conf import settings
from django.dispatch import Signal
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from optouts import guards, imports, intake, setup
from optouts.models import Notice
from optouts.resolving import DnsResolver

buyers_suppressed: Final = Signal()  # committed; whoever has something for them takes it back
SECONDS: Final = 45  # of work per ring: well under the task's time limit


@lru_cache(maxsize=1)
def resolver() -> DnsResolver:
    """One a process: it remembers answers."""
    return DnsResolver(server=settings.DNS_SERVER)


@shared_task(name="optouts.process_received")
def process_received() -> None:
    until = time.monotonic() + SECONDS
    intake.wake_parked(now=timezone.now())
    for notice_id in intake.waiting(now=timezone.now()):
        if time.monotonic() > until:
            return  # the next ring goes on
        intake.process(notice_id, resolver=resolver(), now=timezone.now())


@shared_task(name="optouts.process_notices")
def process_notices(notice_ids: list[int]) -> None:
    read = [intake.process(notice_id, resolver=resolver(), now=timezone.now()) for notice_id in notice_ids]
    if any(notice is not None and notice.status == Notice.Status.APPLIED for notice in read):
        buyers_suppressed.send(sender=None)


@shared_task(name="optouts.purge")
def purge() -> None:
    intake.purge(now=timezone.now())
    imports.purge(now=timezone.now())
    with across_sellers("what setting up has left behind is purged"):
        setup.purge(now=timezone.now())


@shared_task(name="optouts.look_for_shared")
def look_for_shared() -> None:
    guards.look_for_shared(now=timezone.now())
