"""`manage.py dispatch`: the process that sends, until it is told to stop. Any number of them may run."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
import uvloop
from django.core.management.base import BaseCommand
from django.utils import timezone

from messaging.doors import SiteDoors
from messaging.engine import Engine

log = structlog.get_logger(__name__)

LOGINS_AT_ONCE = 32  # new access tokens, and what the quotas are told


class Command(BaseCommand):
    help = "Send what is due, on all channels, for all sellers."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(send())


async def send() -> None:
    """SIGTERM and SIGINT: take nothing up any more, wait for what is in hand, write it down, end."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOGINS_AT_ONCE, "aside"))
    engine = Engine(SiteDoors(), clock=timezone.now)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    log.info("dispatch_started")
    await engine.run()
    log.info("dispatch_ended")
