"""Doorbells of the order reading."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from orders import changes, languages, naming, reports, retention, sync

NOT_OWED_AFTER = 30  # seconds: a call that no worker has heard by then is made again
MOST_BATCHES = 50  # of ten messages; then somebody else has his turn
# Long polling: without a wait SQS asks only some of its servers, and may give nothing where there is something. No
# longer than this, for the worker has other things to do.
LISTENS_FOR = timedelta(seconds=2)


@shared_task(name="orders.sync_due")
def sync_due() -> None:
    for account_id in sync.accounts_to_read(now=timezone.now()):
        read_account.apply_async((account_id,), expires=NOT_OWED_AFTER)


@shared_task(name="orders.read_account")
def read_account(account_id: int) -> None:
    every = timedelta(seconds=settings.ORDER_SYNC_SECONDS)
    sync.read_account(account_id, every=every, now=timezone.now())


@shared_task(name="orders.purge")
def purge() -> None:
    now = timezone.now()
    sync.purge(now=now)
    changes.purge(now=now)
    reports.purge(now=now)
    retention.strip_old(now=now)


@shared_task(name="orders.receive_changes")
def receive_changes() -> None:
    queue = changes.open_queue()
    if queue is None:
        return
    try:
        for _ in range(MOST_BATCHES):
            if not changes.receive(queue, now=timezone.now(), wait=LISTENS_FOR):
                return
    finally:
        queue.close()


@shared_task(name="orders.subscribe_due")
def subscribe_due() -> None:
    now = timezone.now()
    changes.subscribe_due(now=now)
    changes.unsubscribe_due(now=now)


@shared_task(name="orders.named_due")
def named_due() -> None:
    for account_id in naming.accounts_with_named(now=timezone.now()):
        read_named.apply_async((account_id,), expires=NOT_OWED_AFTER)


@shared_task(name="orders.read_named")
def read_named(account_id: int) -> None:
    naming.read_named(account_id, now=timezone.now())


@shared_task(name="orders.reports_due")
def reports_due() -> None:
    now = timezone.now()
    reports.want_daily(now=now)
    for report_id in reports.due(now=now):
        work_on_report.apply_async((report_id,), expires=NOT_OWED_AFTER)


# A year of a big seller's orders takes its time; the row's lease is longer still.
@shared_task(name="orders.work_on_report", soft_time_limit=1500, time_limit=1560)
def work_on_report(report_id: int) -> None:
    reports.work_on(report_id, now=timezone.now())


@shared_task(name="orders.languages_due")
def languages_due() -> None:
    for account_id in languages.accounts_to_ask(now=timezone.now()):
        ask_languages.apply_async((account_id,), expires=NOT_OWED_AFTER)


@shared_task(name="orders.ask_languages")
def ask_languages(account_id: int) -> None:
    languages.ask(account_id, now=timezone.now())
