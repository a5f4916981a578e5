"""`manage.py listen`: the SMTP listener for notices, until it is told to stop."""

import asyncio
import os
import pwd
import signal
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from optouts.guests import Guests
from optouts.listener import Doorbell, NoticeHandler, serve
from optouts.tasks import process_notice

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Receive notices by SMTP and store them (FEEDBACKFIVE_INBOUND_LISTEN)."
    requires_system_checks = ()  # mail does not wait for the pages to be in order

    def handle(self, *args: Any, **options: Any) -> None:
        handler = NoticeHandler(domain=settings.INBOUND_DOMAIN, ring=Doorbell(ring).ring, clock=timezone.now)
        try:
            place = urlsplit(f"//{settings.INBOUND_LISTEN}")
            asyncio.run(listen(handler, place.hostname, place.port or 25))
        except (OSError, ValueError) as trouble:
            said = trouble.strerror if isinstance(trouble, OSError) else trouble
            raise CommandError(f"Cannot listen on {settings.INBOUND_LISTEN}: {said}.") from None


def ring(notice_id: int) -> None:
    process_notice.apply_async((notice_id,), retry=False)


async def listen(handler: NoticeHandler, host: str | None, port: int) -> None:
    """Serve until SIGTERM or SIGINT; then end what is in hand and close the connections."""
    loop = asyncio.get_running_loop()
    stop, guests = asyncio.Event(), Guests()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(serve(handler, hostname=settings.INBOUND_DOMAIN, guests=guests), host, port)
    drop_privileges(settings.INBOUND_USER)
    log.info("listening", address=settings.INBOUND_LISTEN)
    await stop.wait()
    server.close()
    await handler.finish()
    guests.send_away()  # before waiting: an idle connection would keep the server open
    await server.wait_closed()


def drop_privileges(user: str) -> None:
    """Become `user` once the port is bound. Nothing to do when not root or when no user is named."""
    if os.geteuid() or not user:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise CommandError(f"There is no user {user} (FEEDBACKFIVE_INBOUND_USER).") from None
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
