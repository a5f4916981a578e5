"""Wakes a worker for stored notices, from a page or a webhook. A ring may be lost: the timetable looks anyway."""

from collections.abc import Sequence

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def ring(notice_ids: Sequence[int]) -> None:
    """Call after the commit. Never raises for a broker that is away."""
    if not notice_ids:
        return
    try:
        current_app.send_task("optouts.process_notices", (list(notice_ids),), retry=False)
    except (OperationalError, OSError) as trouble:
        log.warning("doorbell_silent", trouble=type(trouble).__name__)
