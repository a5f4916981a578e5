"""Doorbells: each wakes a verb that looks for rows. Losing or doubling one costs nothing."""

from celery import shared_task
from django.utils import timezone

from accounts import reminding


@shared_task(name="accounts.remind")
def remind() -> None:
    reminding.remind(now=timezone.now())
