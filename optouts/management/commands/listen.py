"""`manage.py listen`: the SMTP listener for notices, until it is told to stop."""

import asyncio
import os
import pwd
import signal
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from optouts.listener import NoticeHandler, serve
from optouts.tasks import process_notice

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Receive notices by SMTP and store them (FEEDBACKFIVE_INBOUND_LISTEN)."

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = settings.INBOUND_LISTEN.rpartition(":")
        handler = NoticeHandler(domain=settings.INBOUND_DOMAIN, ring=ring, clock=timezone.now)
        try:
            asyncio.run(listen(handler, host, int(port)))
        except OSError as trouble:
            raise CommandError(f"Cannot listen on {settings.INBOUND_LISTEN}: {trouble.strerror}.") from None


def ring(notice_id: int) -> None:
    process_notice.apply_async((notice_id,), retry=False)


async def listen(handler: NoticeHandler, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(serve(handler, hostname=settings.INBOUND_DOMAIN), host, port)
    drop_privileges(settings.INBOUND_USER)
    log.info("listening", address=settings.INBOUND_LISTEN)
    async with server:
        await stop.wait()


def drop_privileges(user: str) -> None:
    """Become `user` once the port is bound. Nothing to do when not root or when no user is named."""
    if os.geteuid() or not user:
        return
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
