"""Doorbells: each wakes a verb that looks for rows. Losing or doubling one costs nothing."""

from celery import shared_task
from django.utils import timezone

from accounts import people, reminding


@shared_task(name="accounts.remind")
def remind() -> None:
    reminding.remind(now=timezone.now())


@shared_task(name="accounts.tell_of_the_end")
def tell_of_the_end() -> None:
    reminding.tell_of_the_end(now=timezone.now())


@shared_task(name="accounts.purge")
def purge() -> None:
    people.purge(now=timezone.now())
