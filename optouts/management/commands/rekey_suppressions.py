"""`manage.py rekey_suppressions`: move the list under a new secret, as far as it can be moved. See docs/rekeying.md."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from optouts import rekeying


class Command(BaseCommand):
    help = (
        "Moves addresses, orders and the suppression list under the secret in use (LOOKUP_SECRET, LOOKUP_VERSION). May "
        "be stopped and run again, while the site runs. Nobody comes off the list."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.FORMER_LOOKUP_SECRETS:
            raise CommandError("There is no former secret: set FEEDBACKFIVE_FORMER_LOOKUP_SECRETS (docs/rekeying.md).")
        report = rekeying.rekey(now=timezone.now())
        self.stdout.write(
            f"Moved: {report.entries} entries, {report.orders} orders, {report.addresses} inbound addresses, "
            f"{report.mailboxes} mailboxes."
        )
        if report.doubled:
            self.stdout.write(
                f"{report.doubled} entries stay where they are: their buyer stands under the new key too."
            )
        for version, count in sorted(report.left.items()):
            kept = (
                "still found" if version in settings.FORMER_LOOKUP_SECRETS else "NOT FOUND ANY MORE: restore its secret"
            )
            self.stdout.write(f"{count} entries could not be moved from version {version}; {kept}.")
