"""The settings of the demo's site: secrets that are made once and kept, addresses that are new with each start."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedbackfive.demo.ports import HOST, Ports
from feedbackfive.demo.trouble import Trouble


def kept_secrets(home: Path) -> dict[str, str]:
    """The site's secrets from `secrets.json`, made there when there is no data yet.

    Raises Trouble where data lie that were sealed with secrets which are gone.
    """
    file = home / "secrets.json"
    if file.exists():
        try:
            kept: dict[str, str] = json.loads(file.read_text())
        except (OSError, ValueError):
            raise Trouble(f"{file} cannot be read; make demo-reset begins anew.") from None
        return kept
    if (home / "pgdata").exists():
        raise Trouble(f"{file} is gone, and the data cannot be read without it; make demo-reset begins anew.")
    made = {
        "FEEDBACKFIVE_SECRET_KEY": secrets.token_urlsafe(50),
        "FEEDBACKFIVE_SEALING_KEYS": new_key(),
        "FEEDBACKFIVE_LOOKUP_SECRET": new_key(),
    }
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(made, output, indent=1)
    return made


def new_key() -> str:
    """32 random bytes in base64, as the settings want keys."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def outer_environment() -> dict[str, str]:
    """Our own environment without settings of another site, which may lie in the shell."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FEEDBACKFIVE_")}


def site_url(ports: Ports) -> str:
    """`localhost` and not its number: browsers allow passkeys there without https."""
    return f"http://localhost:{ports.site}"


def amazon_url(ports: Ports) -> str:
    return f"http://localhost:{ports.amazon}"


def site_environment(
    ports: Ports, *, kept: Mapping[str, str], services: Mapping[str, str], application: Mapping[str, Any]
) -> dict[str, str]:
    """What every process of the site gets. `application`: our name and secret at Amazon, from the simulator."""
    amazon = f"http://{HOST}:{ports.amazon}"
    return {
        **outer_environment(),
        **kept,
        **services,
        "DJANGO_SETTINGS_MODULE": "feedbackfive.settings",
        "FEEDBACKFIVE_DEMO": "yes",
        "FEEDBACKFIVE_SITE_URL": site_url(ports),
        "FEEDBACKFIVE_MORE_HOSTS": HOST,
        "FEEDBACKFIVE_EMAIL_URL": f"smtp://{HOST}:{ports.people_mail}",
        "FEEDBACKFIVE_MAIL_FROM": "FeedbackFive <no-reply@feedbackfive.example>",
        "FEEDBACKFIVE_BUYER_RELAY_URL": f"smtp://{HOST}:{ports.relay}",
        "FEEDBACKFIVE_BUYER_MAIL_HOSTNAME": "send.feedbackfive.example",
        "FEEDBACKFIVE_INBOUND_DOMAIN": "in.feedbackfive.example",
        "FEEDBACKFIVE_INBOUND_LISTEN": f"{HOST}:{ports.inbound}",
        "FEEDBACKFIVE_DNS_SERVER": f"{HOST}:{ports.dns}",
        "FEEDBACKFIVE_AMAZON_CLIENT_ID": application["client_id"],
        "FEEDBACKFIVE_AMAZON_CLIENT_SECRET": application["client_secret"],
        "FEEDBACKFIVE_AMAZON_APPLICATION_ID": application["application_id"],
        "FEEDBACKFIVE_AMAZON_ENDPOINT": amazon,
        "FEEDBACKFIVE_AMAZON_LOGIN_URL": f"{amazon}/auth/o2/token",
        "FEEDBACKFIVE_AMAZON_QUEUE_URL": f"{amazon}/queue/orders",
        "FEEDBACKFIVE_AMAZON_QUEUE_ARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FEEDBACKFIVE_AMAZON_QUEUE_ENDPOINT": f"{amazon}/queue",
        "FEEDBACKFIVE_AMAZON_CONSENT_URL": f"{amazon_url(ports)}/apps/authorize/consent",
        "FEEDBACKFIVE_ORDER_SYNC_SECONDS": "30",
        "FEEDBACKFIVE_WAKE_SECONDS": "2",
        "FEEDBACKFIVE_LEASE_SECONDS": "60",
    }
