"""`manage.py prepare_demo`: one step of the demo's start; see `feedbackfive.demo`."""

from argparse import ArgumentParser
from typing import Any

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from feedbackfive.demo.seeding import seed


class Command(BaseCommand):
    help = "Migrate, and open the demo's sellers. Part of make demo; refuses to run on any other site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--amazon", required=True, metavar="URL", help="where the simulated Amazon answers")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEMO:
            raise CommandError("This site is no demo: its passwords would be known to everybody.")
        call_command("migrate", verbosity=0)
        with httpx.Client(base_url=options["amazon"], timeout=60, trust_env=False) as amazon:
            try:
                seed(amazon, now=timezone.now())
            except httpx.HTTPError as trouble:
                raise CommandError(f"The simulated Amazon does not answer: {trouble}") from None
