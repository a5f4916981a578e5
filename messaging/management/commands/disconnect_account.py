"""`manage.py disconnect_account`: an operator sets an Amazon account free that belongs to another team."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging.leaving import disconnect


class Command(BaseCommand):
    help = "Disconnect an Amazon account, as its owner would: its team can connect it again as long as nobody else has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", type=int, help="its number, as the admin shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        with across_sellers("an operator sets an Amazon account free"):
            account = AmazonAccount.objects.select_related("seller").filter(pk=options["account"]).first()
            if account is None:
                raise CommandError("There is no such account.")
            done = disconnect(account, now=timezone.now())
        of = f"{account} ({account.selling_partner_id}) of {account.seller}"
        self.stdout.write(f"{of} {'is disconnected' if done else 'was disconnected already'}.")
