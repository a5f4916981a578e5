"""Doorbells of the notices."""

from functools import lru_cache

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from optouts import intake
from optouts.resolving import DnsResolver


@lru_cache(maxsize=1)
def resolver() -> DnsResolver:
    """One a process: it remembers answers."""
    return DnsResolver(server=settings.DNS_SERVER)


@shared_task(name="optouts.process_received")
def process_received() -> None:
    for notice_id in intake.waiting(now=timezone.now()):
        process_notice.delay(notice_id)


@shared_task(name="optouts.process_notice")
def process_notice(notice_id: int) -> None:
    intake.process(notice_id, resolver=resolver(), now=timezone.now())


@shared_task(name="optouts.purge")
def purge() -> None:
    intake.purge(now=timezone.now())
