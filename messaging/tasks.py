"""Doorbells: each wakes a verb that looks for rows. Losing or doubling one costs nothing."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from messaging import dispatch, doors, outbox


@shared_task(name="messaging.send_due")
def send_due() -> None:
    for account_id in dispatch.accounts_with_due(now=timezone.now()):
        send_due_of_account.delay(account_id)


@shared_task(name="messaging.send_due_of_account")
def send_due_of_account(account_id: int) -> None:
    with doors.opened(account_id) as (gateways, take):
        run = dispatch.send_due(account_id, gateways=gateways, take=take, clock=timezone.now)
    if run.wait is not None and run.wait < timedelta(seconds=30):
        send_due_of_account.apply_async((account_id,), countdown=run.wait.total_seconds())


@shared_task(name="messaging.withdraw_suppressed")
def withdraw_suppressed() -> None:
    outbox.withdraw_suppressed(now=timezone.now())


@shared_task(name="messaging.reap")
def reap() -> None:
    dispatch.reap(older_than=timedelta(seconds=settings.LEASE_SECONDS), now=timezone.now())
    doors.reconcile_unknown(now=timezone.now())


@shared_task(name="messaging.purge")
def purge() -> None:
    outbox.purge(now=timezone.now())
