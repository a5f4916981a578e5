"""`manage.py read_notices`: the process that reads notices, until it is told to stop. Any number of them may run."""

import signal
from contextlib import closing
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.utils import timezone

from optouts.reader import Reader
from optouts.tasks import resolver

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Read the notices that have come in, and put buyers who have opted out on the list."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        reader = Reader(resolver(), clock=timezone.now)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reader.stop())
        log.info("reading_started")
        with closing(reader):
            reader.run()
        log.info("reading_ended")
