"""Seal everything by the newest key, so that an old one can be taken out of the settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.sealed import reseal_everything


class Command(BaseCommand):
    help = "Seal by the newest key (the first of FEEDBACKFIVE_SEALING_KEYS) what an older one sealed. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for count in reseal_everything():
            unreadable += count.unreadable
            lost = f", {count.unreadable:,} that no key opens" if count.unreadable else ""
            self.stdout.write(f"{count.name}: {count.resealed:,} sealed anew, {count.already:,} were already{lost}")
        if unreadable:
            raise CommandError(
                f"{unreadable:,} could not be opened by any of the keys, and were left as they are. Put the key that "
                "sealed them back into FEEDBACKFIVE_SEALING_KEYS and run this again."
            )
        self.stdout.write("Everything is sealed by the newest key. The older ones may be taken out of the settings.")
