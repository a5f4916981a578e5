"""A whole site in processes of its own, on the test database, and a simulated Amazon."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.lifecycle import connect_account
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import Region
from feedbackfive.devservices import die_with_parent
from feedbackfive.signup import begin
from messaging.models import Message
from optouts.addresses import full_address, open_address
from tests.amazon.harness import Amazon, Json
from tests.makers import make_user

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "feedbackfive"]
COMMANDS = {
    "worker": [
        *CELERY,
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--loglevel",
        "warning",
        "--without-mingle",
    ],
    "beat": [*CELERY, "beat", "--loglevel", "warning", "--schedule"],
    "dispatch": [sys.executable, "manage.py", "dispatch"],
    "listen": [sys.executable, "manage.py", "listen"],
    "read_notices": [sys.executable, "manage.py", "read_notices"],
}


@dataclass
class Site:
    """The processes of the product, and what a journey asks of them."""

    amazon: Amazon
    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        command = COMMANDS[name] + ([str(self.folder / "schedule")] if name == "beat" else [])
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process with all of its children, as the kernel would when memory runs out."""
        process = self.processes.pop(name)
        os.killpg(process.pid, how)
        process.wait(20)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name, signal.SIGKILL)

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def seller(self, name: str, *, mode: str = "direct", **account: Any) -> tuple[AmazonAccount, Json]:
        """A seller who has signed up, connected his account, switched both campaigns on and told Amazon our address."""
        theirs = self.amazon.account(store_name=name, seller_name=name, **account)
        seller = begin(name, make_user())
        ours = connect_account(
            seller,
            region=Region(theirs["region"]),
            selling_partner_id=theirs["selling_partner_id"],
            refresh_token=theirs["refresh_token"],
            stores=[(m, name) for m in theirs["marketplace_ids"]],
            now=timezone.now(),
        )
        with across_sellers("test"):
            inbound = full_address(open_address(seller))
            AccountMarketplace.objects.filter(account=ours).update(approved_sender=theirs["approved_sender"])
            for campaign in seller.campaign_set.all():
                campaign.status, campaign.changed_at = "active", timezone.now()
                campaign.save()
        self.amazon.mailbox(theirs, inbound_address=inbound, mode=mode)
        return ours, theirs

    def message(self, order_id: str) -> Message | None:
        with across_sellers("test"):
            return Message.objects.filter(order__amazon_order_id=order_id).order_by("-id").first()

    def wait_for_status(self, order_id: str, *statuses: str, seconds: float = 40) -> Message:
        def reached() -> Message | None:
            message = self.message(order_id)
            return message if message and message.status in statuses else None

        return self.wait_for(
            reached, seconds, lambda: f"{order_id} is {getattr(self.message(order_id), 'status', None)}"
        )

    def wait_for(
        self, condition: Callable[[], Found | None], seconds: float, otherwise: Callable[[], str] = lambda: ""
    ) -> Found:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if answer := condition():
                return answer
            time.sleep(0.1)
        raise AssertionError(f"It did not come true in {seconds} s: {otherwise()}\n{self.logs()[-4000:]}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        inbound = free.getsockname()
    with django_db_blocker.unblock(), Amazon.running(folder, inbound=inbound) as amazon:
        site = Site(amazon, folder, _environment(amazon, inbound))
        try:
            for name in COMMANDS:
                site.start(name)
            yield site
        finally:
            site.stop()
            # Ids are never given twice, here as on a site: what is remembered of a row by its id stays true.
            call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
            connection.close()


def _environment(amazon: Amazon, inbound: tuple[str, int]) -> dict[str, str]:
    url = urlsplit(os.environ["FEEDBACKFIVE_DATABASE_URL"])
    application = amazon.application
    return dict(os.environ) | {
        "FEEDBACKFIVE_DATABASE_URL": url._replace(path="/" + connection.settings_dict["NAME"]).geturl(),
        "FEEDBACKFIVE_AMAZON_CLIENT_ID": application["client_id"],
        "FEEDBACKFIVE_AMAZON_CLIENT_SECRET": application["client_secret"],
        "FEEDBACKFIVE_AMAZON_ENDPOINT": amazon.base_url,
        "FEEDBACKFIVE_AMAZON_LOGIN_URL": f"{amazon.base_url}/auth/o2/token",
        "FEEDBACKFIVE_BUYER_RELAY_URL": "smtp://{}:{}".format(*amazon.smtp),
        "FEEDBACKFIVE_DNS_SERVER": "{}:{}".format(*amazon.dns),
        "FEEDBACKFIVE_INBOUND_LISTEN": "{}:{}".format(*inbound),
        "FEEDBACKFIVE_INBOUND_DOMAIN": settings.INBOUND_DOMAIN,
        "FEEDBACKFIVE_ORDER_SYNC_SECONDS": "5",
        "FEEDBACKFIVE_WAKE_SECONDS": "1",
        "FEEDBACKFIVE_LEASE_SECONDS": "6",
        "DJANGO_SETTINGS_MODULE": "feedbackfive.settings",
    }
