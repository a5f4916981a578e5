"""Who we are to Amazon (the application) and whom we speak for (a seller's authorisation), as values.

Place in the flow: built by the caller from its settings and its encrypted rows, handed to `client`, `login` and
`tokens`. This package reads no settings and no environment.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

from amazon.marketplaces import ENDPOINTS, Region

LOGIN_URL = "https://api.amazon.com/auth/o2/token"


def _require_text(**values: str) -> None:
    """Refuse a blank credential at once: the package underneath would look for another one elsewhere."""
    for name, value in values.items():
        if not value.strip():
            raise ValueError(f"{name} is empty")


def _require_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{name} must be an http(s) address without a query")


@dataclass(frozen=True, slots=True)
class Application:
    """This product's registration with Amazon.

    `endpoint` sends the calls of all regions to one stand-in; None means Amazon's own, by region. `consent_url` does
    the same for the page where a seller agrees; None means Seller Central. `is_draft`: Amazon has not published the
    application yet. Raises ValueError for a blank or malformed value.
    """

    client_id: str
    client_secret: str = field(repr=False)
    application_id: str
    login_url: str = LOGIN_URL
    endpoint: str | None = None
    consent_url: str | None = None
    is_draft: bool = False
    connect_timeout: timedelta = timedelta(seconds=5)
    api_timeout: timedelta = timedelta(seconds=30)
    login_timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        _require_text(client_id=self.client_id, client_secret=self.client_secret, application_id=self.application_id)
        _require_url("login_url", self.login_url)
        for name, url in (("endpoint", self.endpoint), ("consent_url", self.consent_url)):
            if url is not None:
                _require_url(name, url)

    def stand_in_at(self, url: str) -> Region | None:
        """The region whose stand-in for Seller Central waits at this address. None: it is none, or there is none."""
        if self.consent_url is None:
            return None
        return next((r for r in Region if url == urljoin(self.consent_url, f"confirm/{r.value}")), None)

    def endpoint_for(self, region: Region) -> str:
        """The address, without a slash at its end, that the calls for this region go to."""
        return (self.endpoint or ENDPOINTS[region]).rstrip("/")


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A seller's consent in one region. Raises ValueError for a blank token."""

    region: Region
    refresh_token: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_text(refresh_token=self.refresh_token)
