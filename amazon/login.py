"""Login with Amazon: where a seller agrees, and how consent becomes tokens.

Place in the flow: `accounts.connect` sends a seller to `consent_url`, gets a code back and calls `exchange_code`;
`tokens` calls `refresh` before the first request and about every hour after it.

Source: Amazon's "Website authorization workflow"; RFC 6749 for the error codes. A consent code lives five minutes, an
authorisation one year.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from amazon.application import Application
from amazon.errors import ApplicationRejected, AuthorisationLost, NotReached, Unclear, mark_of
from amazon.marketplaces import MARKETPLACES, Marketplace
from amazon.wire import exchange, json_object, open_connection

_AMAZON_HOSTS = frozenset(
    host for marketplace in MARKETPLACES for host in (marketplace.seller_central, marketplace.domain)
)
NOTIFICATIONS: Final = "sellingpartnerapi::notifications"
_TOKEN = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A key for about an hour. `expires_in` counts from when it was asked for; zero where Amazon did not say."""

    value: str = field(repr=False)
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class Grant:
    """What a consent code was exchanged for."""

    refresh_token: str = field(repr=False)
    access_token: AccessToken


def consent_url(application: Application, marketplace: Marketplace, state: str, *, redirect_uri: str) -> str:
    """Return the page where a seller agrees that this application may work for them.

    `state` comes back with the seller: make it hard to guess, short-lived and bound to the person. Serve the redirect
    with `Referrer-Policy: no-referrer`.
    """
    query = {"application_id": application.application_id, "state": state, "redirect_uri": redirect_uri}
    if application.is_draft:  # Amazon knows it as a beta only
        query["version"] = "beta"
    page = application.consent_url or f"https://{marketplace.seller_central}/apps/authorize/consent"
    return f"{page}?{urlencode(query)}"


def is_amazon_host(url: str) -> bool:
    """Tell whether an address from a query (`amazon_callback_uri`) is one of Amazon's own, by https and on its usual
    port.

    Anything that a browser and Python might read differently (a backslash, a user name, a blank) is not.
    """
    if "\\" in url or not re.fullmatch(r"[!-~]+", url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc.lower().removesuffix(":443") in _AMAZON_HOSTS
    except ValueError:
        return False


def exchange_code(application: Application, code: str, redirect_uri: str) -> Grant:
    """Exchange a consent code for tokens. A code works once.

    Raises `AuthorisationLost` where the code is wrong, used or older than five minutes, `ApplicationRejected` where
    our own credentials are not accepted, `NotReached` where nothing was sent, and `Unclear` where the code may have
    been used up: then the seller has to agree again.
    """
    body = _ask(application, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})
    refresh_token = body.get("refresh_token")
    if not isinstance(refresh_token, str) or not _TOKEN.fullmatch(refresh_token):
        raise Unclear("Login with Amazon gave no refresh token")
    return Grant(refresh_token, _access_token(body))


def refresh(application: Application, refresh_token: str) -> AccessToken:
    """Get an access token for a seller's authorisation. Asking twice does no harm.

    Raises `AuthorisationLost` where the seller has to agree again, `ApplicationRejected` where our own credentials
    are not accepted, and `NotReached` for every other trouble: without a token, the request that needed it was never
    sent.
    """
    try:
        return _access_token(_ask(application, {"grant_type": "refresh_token", "refresh_token": refresh_token}))
    except AuthorisationLost as lost:
        raise AuthorisationLost(lost.reason, mark_of(refresh_token)) from None
    except Unclear as trouble:
        reason = trouble.reason
    raise NotReached(f"no access token: {reason}")


def application_token(application: Application, scope: str) -> AccessToken:
    """Get an access token of the application's own, for what belongs to no seller. Raises as `refresh` does."""
    try:
        return _access_token(_ask(application, {"grant_type": "client_credentials", "scope": scope}))
    except Unclear as trouble:
        reason = trouble.reason
    raise NotReached(f"no access token: {reason}")


def _ask(application: Application, form: Mapping[str, str]) -> Mapping[str, object]:
    credentials = {"client_id": application.client_id, "client_secret": application.client_secret}
    with open_connection(timeout=application.login_timeout, connect_timeout=application.connect_timeout) as connection:
        request = connection.build_request("POST", application.login_url, data={**form, **credentials})
        response = exchange(connection, request)
    body = json_object(response.content)
    status = response.status_code
    if status == 200 and body is not None:
        return body
    if status == 429:
        raise NotReached("Login with Amazon asks us to wait")
    if body is not None and 400 <= status < 500:
        _refuse(body.get("error"))
    raise Unclear(f"Login with Amazon answered with status {status} in another form than its own")


def _refuse(error: object) -> None:
    """Raise what an error code of RFC 6749 means; return where it is none.

    Only `invalid_grant` is about the grant. `unauthorized_client` is about the client: Amazon also says it where our
    credentials are another application's, and then of every seller at once; nobody has taken anything back.
    """
    if not isinstance(error, str) or not re.fullmatch(r"[a-z_]{1,40}", error):
        return
    if error == "invalid_grant":
        raise AuthorisationLost(error)
    raise ApplicationRejected(f"Login with Amazon refused the application: {error}")


def _access_token(body: Mapping[str, object]) -> AccessToken:
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Unclear("Login with Amazon gave no access token")
    is_count = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 86_400
    return AccessToken(value, timedelta(seconds=seconds if is_count and isinstance(seconds, int) else 0))
