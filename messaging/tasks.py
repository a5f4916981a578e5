"""Doorbells: each wakes a verb that looks for rows. Losing or doubling one costs nothing."""

import math
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from messaging import dispatch, doors, outbox, silence
from optouts import watching

SOON: Final = timedelta(seconds=30)  # a wait that is shorter is worth a doorbell of its own


@shared_task(name="messaging.send_due")
def send_due() -> None:
    for account_id in dispatch.accounts_with_due(now=timezone.now()):
        send_due_of_account.apply_async((account_id,), expires=settings.WAKE_SECONDS)


@shared_task(name="messaging.send_due_of_account")
def send_due_of_account(account_id: int) -> None:
    with dispatch.alone_with(account_id) as is_alone:
        if not is_alone:
            return  # somebody is at it, and rings again if there is more
        with doors.opened(account_id) as (gateways, take):
            run = dispatch.send_due(account_id, gateways=gateways, take=take, clock=timezone.now)
    if run.wait is not None and run.wait < SOON:
        pause = max(0.2, run.wait.total_seconds())
        if cache.add(f"ring-{account_id}", "rung", timeout=math.ceil(pause)):  # one ring at a time, or they multiply
            send_due_of_account.apply_async((account_id,), countdown=pause)


@shared_task(name="messaging.withdraw_suppressed")
def withdraw_suppressed() -> None:
    outbox.withdraw_suppressed(now=timezone.now())


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


@shared_task(name="messaging.watch_silence")
def watch_silence() -> None:
    now = timezone.now()
    silence.watch(now=now)
    watching.warn_silent(now=now)
