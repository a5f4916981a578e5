"""The Celery application and its timetable.

Celery only wakes: every task looks for rows that are due, so a lost or doubled task costs nothing, and a second
beat is harmless (`docs/architecture.md`).
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")

app = Celery("feedbackfive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Receiving this signal is what stops Celery from putting its own logging in place of ours."""


@task_prerun.connect
def begin_with_nobodys_rows(**_: Any) -> None:
    """The connection is kept over tasks; what a task that was cut down has left open must not reach the next."""
    from django.db import close_old_connections

    from accounts.rowsecurity import forget

    close_old_connections()  # and one that PostgreSQL has dropped meanwhile
    forget()


@app.on_after_finalize.connect
def fill_the_timetable(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    wake = float(settings.WAKE_SECONDS)
    often = {
        # With Amazon's own two minutes and its quota, five minutes of delay leave little more than a second.
        "orders.sync_due": 1.0,
        "orders.receive_changes": wake,
        "orders.named_due": wake,
        "orders.languages_due": 2 * wake,
        "orders.reports_due": 2 * wake,
        "orders.subscribe_due": 60.0,
        "accounts.tell_of_the_end": 300.0,
        "campaigns.plan_stale": wake,
        "campaigns.send_trials": 30 * wake,
        "messaging.withdraw_suppressed": wake,
        "optouts.process_received": wake,
        "messaging.reap": max(wake, settings.LEASE_SECONDS / 4),
    }
    for name, seconds in often.items():
        # A ring that nobody has heard when the next one comes is not owed: they must not pile up.
        sender.add_periodic_task(seconds, sender.signature(name), name=name, expires=seconds)
    purges = "accounts.purge", "messaging.purge", "orders.purge", "optouts.purge"
    for name in (*purges, "optouts.look_for_shared", "campaigns.want_countries"):
        sender.add_periodic_task(3600.0, sender.signature(name), name=name)
    for name in ("accounts.remind", "messaging.erase_disconnected"):
        sender.add_periodic_task(6 * 3600.0, sender.signature(name), name=name)
    watch = "messaging.watch_silence"
    sender.add_periodic_task(crontab(hour="6", minute="17"), sender.signature(watch), name=watch)  # once a day, UTC
