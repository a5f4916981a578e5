"""The Celery application and its timetable.

Celery only wakes: every task looks for rows that are due, so a lost or doubled task costs nothing, and a second
beat is harmless (`docs/architecture.md`).
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")

app = Celery("feedbackfive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Receiving this signal is what stops Celery from putting its own logging in place of ours."""


@app.on_after_finalize.connect
def fill_the_timetable(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    wake = float(settings.WAKE_SECONDS)
    sender.add_periodic_task(min(wake, settings.ORDER_SYNC_SECONDS), sender.signature("orders.sync_due"))
    sender.add_periodic_task(wake, sender.signature("campaigns.plan_stale"))
    sender.add_periodic_task(wake, sender.signature("messaging.send_due"))
    sender.add_periodic_task(wake, sender.signature("messaging.withdraw_suppressed"))
    sender.add_periodic_task(wake, sender.signature("optouts.process_received"))
    sender.add_periodic_task(max(wake, settings.LEASE_SECONDS / 4), sender.signature("messaging.reap"))
    sender.add_periodic_task(3600.0, sender.signature("messaging.purge"))
    sender.add_periodic_task(3600.0, sender.signature("orders.purge"))
    sender.add_periodic_task(3600.0, sender.signature("optouts.purge"))
