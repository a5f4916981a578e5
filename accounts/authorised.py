"""Amazon for one account: its client, and the quotas that all workers share.

The one place where settings and sealed tokens become `amazon`'s values.
"""

from functools import lru_cache

from django.conf import settings

from accounts.models import AmazonAccount
from amazon.client import AmazonClient, Application, Authorisation
from amazon.marketplaces import Region
from amazon.operations import Operation
from amazon.quotas import Quotas
from amazon.tokens import TokenCache

TOKENS = TokenCache()  # one per process; safe for threads and for any number of sellers


def application() -> Application:
    return Application(
        client_id=settings.AMAZON_CLIENT_ID,
        client_secret=settings.AMAZON_CLIENT_SECRET,
        application_id=settings.AMAZON_APPLICATION_ID,
        login_url=settings.AMAZON_LOGIN_URL,
        endpoint=settings.AMAZON_ENDPOINT or None,
        consent_url=settings.AMAZON_CONSENT_URL or None,
        is_draft=settings.AMAZON_IS_DRAFT,
    )


def client_for(account: AmazonAccount) -> AmazonClient:
    """A client that speaks for this account and reports Amazon's rates to the shared quotas. Close it after use."""

    def learn(operation: str, rate: float) -> None:
        quotas().learn(name_in_quotas(account.pk), Operation(operation), rate)

    return AmazonClient(application(), authorisation_of(account), tokens=TOKENS, observe=learn)


def authorisation_of(account: AmazonAccount) -> Authorisation:
    """Raises secrets.Unreadable."""
    return Authorisation(Region(account.region), account.refresh_token)


def name_in_quotas(account_id: int) -> str:
    return f"account-{account_id}"


@lru_cache(maxsize=1)
def quotas() -> Quotas:
    return Quotas.at(settings.CACHE_URL)
