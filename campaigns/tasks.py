"""Doorbell of the planning."""

from celery import shared_task
from django.utils import timezone

from campaigns import planning


@shared_task(name="campaigns.plan_stale")
def plan_stale() -> None:
    while planning.plan_stale(now=timezone.now()) >= planning.LIMIT:
        pass  # a full page: there is more
