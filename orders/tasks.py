"""Doorbells of the order reading."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from orders import sync


@shared_task(name="orders.sync_due")
def sync_due() -> None:
    for account_id in sync.accounts_to_read(now=timezone.now()):
        read_account.delay(account_id)


@shared_task(name="orders.read_account")
def read_account(account_id: int) -> None:
    every = timedelta(seconds=settings.ORDER_SYNC_SECONDS)
    sync.read_account(account_id, every=every, now=timezone.now())


@shared_task(name="orders.purge")
def purge() -> None:
    sync.purge(now=timezone.now())
