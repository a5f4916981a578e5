"""Doorbells: each wakes a verb that looks for rows. Losing or doubling one costs nothing."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from messaging import dispatch, documents, doors, leaving, outbox, silence, withdrawing
from optouts import watching


@shared_task(name="messaging.withdraw_suppressed")
def withdraw_suppressed() -> None:
    withdrawing.withdraw_suppressed(now=timezone.now())


@shared_task(name="messaging.reap")
def reap() -> None:
    now = timezone.now()
    dispatch.reap(older_than=timedelta(seconds=settings.LEASE_SECONDS), now=now)
    outbox.expire(now=now)
    outbox.release_mended(now=now)
    doors.reconcile_unknown(now=now)


@shared_task(name="messaging.purge")
def purge() -> None:
    outbox.purge(now=timezone.now())
    documents.erase_unused(now=timezone.now())


@shared_task(name="messaging.erase_disconnected")
def erase_disconnected() -> None:
    leaving.erase_disconnected(now=timezone.now())


@shared_task(name="messaging.watch_silence")
def watch_silence() -> None:
    now = timezone.now()
    silence.watch(now=now)
    watching.warn_silent(now=now)
