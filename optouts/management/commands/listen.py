"""`manage.py listen`: the SMTP or LMTP listener for notices, until it is told to stop."""

import asyncio
import os
import pwd
import resource
import signal
import ssl
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from optouts.guests import MOST_CONNECTIONS, Guests
from optouts.listener import NoticeHandler, serve

log = structlog.get_logger(__name__)

MOST_UNANSWERED = 512  # connections that the kernel keeps until we greet them
OTHER_FILES = 100


class Command(BaseCommand):
    help = "Receive notices by SMTP or LMTP and store them (FEEDBACKFIVE_INBOUND_LISTEN)."
    requires_system_checks = ()  # mail does not wait for the pages to be in order

    def handle(self, *args: Any, **options: Any) -> None:
        handler = NoticeHandler(domain=settings.INBOUND_DOMAIN, clock=timezone.now)
        try:
            place = urlsplit(f"//{settings.INBOUND_LISTEN}")
            uvloop.run(listen(handler, place.hostname, place.port or 25))
        except (OSError, ValueError) as trouble:
            said = trouble.strerror if isinstance(trouble, OSError) else trouble
            raise CommandError(f"Cannot listen on {settings.INBOUND_LISTEN}: {said}.") from None


def encryption() -> ssl.SSLContext | None:
    """What STARTTLS offers: nothing without a certificate. Read while we are still root. Raises CommandError."""
    if not settings.INBOUND_CERTIFICATE:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.INBOUND_CERTIFICATE, settings.INBOUND_CERTIFICATE_KEY or None)
    except OSError as trouble:  # what ssl raises, too
        raise CommandError(f"Cannot use the certificate (FEEDBACKFIVE_INBOUND_CERTIFICATE): {trouble}.") from None
    return context


def make_room_for_connections() -> None:
    """Each connection is an open file; the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def listen(handler: NoticeHandler, host: str | None, port: int) -> None:
    """Serve until SIGTERM or SIGINT; then end what is in hand and close the connections."""
    loop = asyncio.get_running_loop()
    stop, guests = asyncio.Event(), Guests()
    make_room_for_connections()
    factory = serve(
        handler,
        hostname=settings.INBOUND_DOMAIN,
        guests=guests,
        tls=encryption(),
        is_local=settings.INBOUND_PROTOCOL == "lmtp",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(factory, host, port, backlog=MOST_UNANSWERED)
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
