"""`manage.py inbound_replay`: read kept notices again, show what would come out differently, apply upgrades."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from optouts import readings, replay
from optouts.models import Notice
from optouts.reasons import Kind
from optouts.resolving import DnsResolver


class Command(BaseCommand):
    help = (
        "Reads notices whose mail is still kept by today's rules and prints one line for each that comes out "
        "differently. Upgrades are applied; nothing is ever sent, and nobody comes off the list."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=_date, help="received on this day (YYYY-MM-DD, UTC) or later")
        parser.add_argument("--kind", choices=[kind.value for kind in Kind], default="")
        parser.add_argument("--status", choices=[value for value, _ in Notice.Status.offered()], default="")
        parser.add_argument("--dns", choices=["kept", "live"], default="kept", help="whose keys judge (default: kept)")
        parser.add_argument("--dry-run", action="store_true", help="print, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        live = DnsResolver(server=settings.DNS_SERVER)
        with across_sellers("which notices are read again"):
            notices = replay.chosen(since=options["since"], kind=options["kind"], status=options["status"])
            ids = list(notices.values_list("pk", flat=True))
        found = applied = 0
        for difference in replay.replay(
            ids,
            resolver_for=lambda notice: live if options["dns"] == "live" else readings.kept_keys(notice),
            now=timezone.now(),
            is_dry=options["dry_run"],
        ):
            found, applied = found + 1, applied + difference.is_applied
            self.stdout.write(str(difference))
        self.stderr.write(f"{len(ids)} read, {found} different, {applied} applied")


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise CommandError(f"{text} is not a day: write it as 2026-11-23.") from None
