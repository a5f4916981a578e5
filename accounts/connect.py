"""The way to Amazon's consent and back: a signed state out, a code in, an authorised account at the end.

Place in the flow: `views` sends an owner to `begin`'s address; Amazon sends the owner back with a code; `finish` checks
where it comes from, exchanges it, asks the Sellers API which shops it opens, and hands over to
`lifecycle.connect_account`. Whatever goes wrong before that leaves everything as it was.

The state is signed, valid for ten minutes, and bound to the person, the seller and the browser, by a nonce that the
browser keeps as a cookie (a session may end on Amazon's page); it works once.
Amazon's redirect is not signed, so `selling_partner_id` is the browser's word: the token decides what may be read and
sent. Somebody who changes the id can have his own account taken on under another name, or keep a name from its owner
until it is disconnected there (`manage.py disconnect_account` does it for an operator); he cannot have a buyer asked
twice, for an order is asked about once over all sellers (`messaging.models.Message`,
one_request_of_campaigns_per_order).
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

import structlog
from django.core import signing
from django.core.cache import cache

from accounts import authorised
from accounts.lifecycle import TakenByAnotherSeller, connect_account
from accounts.models import AmazonAccount, Seller, User
from amazon.client import AmazonClient, Authorisation
from amazon.errors import AccessDenied, AmazonError, ApplicationRejected, AuthorisationLost
from amazon.login import consent_url, exchange_code, is_amazon_host
from amazon.marketplaces import MARKETPLACES, Marketplace, by_id, in_region

log = structlog.get_logger(__name__)

STATE_LIVES: Final = timedelta(minutes=10)
SALT: Final = "accounts.connect"
PARTNER: Final = re.compile(r"[A-Z0-9]{8,20}")
ERROR: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
AGAIN: Final = "Nothing has been changed. Please connect again."
# RFC 6749, 4.1.2.1: what the consent page may say instead of a code.
ERRORS: Final = {
    "access_denied": "You said no on Amazon's page, so no account was connected. Nothing has been changed.",
    "server_error": f"Amazon had trouble of its own and could not finish. Wait a minute. {AGAIN}",
    "temporarily_unavailable": f"Amazon was too busy to finish. Wait a few minutes. {AGAIN}",
}


class NotConnected(Exception):
    """The account was not taken on; the text says why, to the owner. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What the state remembers."""

    user: int
    seller: int
    marketplace: str
    nonce: str
    partner: str = ""  # the selling partner whom Amazon's appstore named; empty: nobody yet


def new_nonce() -> str:
    """For one attempt in one browser; the latest that it keeps counts, an earlier attempt is void."""
    return secrets.token_urlsafe(16)


def begin(user: User, seller: Seller, marketplace: Marketplace, nonce: str, *, redirect_uri: str) -> str:
    """Return the address of Amazon's consent page for this person."""
    errand = Errand(user.pk, seller.pk, marketplace.id, nonce)
    state = signing.dumps(asdict(errand), salt=SALT)
    return consent_url(authorised.application(), marketplace, state, redirect_uri=redirect_uri)


@dataclass(frozen=True, slots=True)
class FromAppstore:
    """What the link of Amazon's appstore says (our "Login URI"). Anybody can write one: nothing follows from it before
    the owner has said yes, for where he has agreed before, Amazon asks him nothing more."""

    callback: str
    amazon_state: str
    partner: str
    home: Marketplace
    is_beta: bool


def read_appstore_link(asked: Mapping[str, str]) -> FromAppstore:
    """Read the query. Only Amazon's own hosts are believed as `amazon_callback_uri`. Raises NotConnected."""
    callback, amazon_state = asked.get("amazon_callback_uri", ""), asked.get("amazon_state", "")
    partner = asked.get("selling_partner_id", "")
    home = _home_of(callback)
    if home is None or not amazon_state or not PARTNER.fullmatch(partner):
        raise NotConnected(f"This link does not come from Amazon's appstore. {AGAIN}")
    return FromAppstore(callback, amazon_state, partner, home, asked.get("version") == "beta")


def begin_from_appstore(link: FromAppstore, user: User, seller: Seller, nonce: str, *, redirect_uri: str) -> str:
    """Return where Amazon waits for this person, who has said yes."""
    errand = Errand(user.pk, seller.pk, link.home.id, nonce, link.partner)
    state = signing.dumps(asdict(errand), salt=SALT)
    answer = {"redirect_uri": redirect_uri, "amazon_state": link.amazon_state, "state": state}
    if link.is_beta or authorised.application().is_draft:
        answer["version"] = "beta"
    return f"{link.callback}{'&' if urlsplit(link.callback).query else '?'}{urlencode(answer)}"


def _home_of(callback: str) -> Marketplace | None:
    """The marketplace whose Seller Central waits at this address. None: it is no address of Amazon's."""
    if region := authorised.application().stand_in_at(callback):
        return in_region(region)[0]
    if not is_amazon_host(callback) or urlsplit(callback).fragment:
        return None
    host = urlsplit(callback).netloc.lower().removesuffix(":443")
    return next((place for place in MARKETPLACES if host in (place.seller_central, place.domain)), None)


def finish(
    answer: Mapping[str, str], user: User, seller: Seller, nonce: str, *, redirect_uri: str, now: datetime
) -> AmazonAccount:
    """Take Amazon's answer (the query of its redirect) and connect the account. Raises NotConnected.

    `nonce` is the one that this browser keeps; empty where it keeps none.
    """
    errand = _errand_of(answer.get("state", ""))
    if errand.user != user.pk or errand.seller != seller.pk:
        raise NotConnected(f"This connection was begun by another person or for another team. {AGAIN}")
    if not secrets.compare_digest(errand.nonce.encode(), nonce.encode()) or not _first_use(errand):
        raise NotConnected(f"This answer from Amazon has been used already, or belongs to another browser. {AGAIN}")
    if error := answer.get("error"):
        raise NotConnected(_meaning_of(error))
    if not answer.get("spapi_oauth_code"):
        raise NotConnected(f"Amazon sent you back without the code that it should have given us. {AGAIN}")
    partner = answer.get("selling_partner_id", "")
    if not PARTNER.fullmatch(partner):
        raise NotConnected(f"Amazon did not say which seller agreed. {AGAIN}")
    if errand.partner and errand.partner != partner:
        raise NotConnected(f"Amazon sent another seller back than it had sent to us. {AGAIN}")
    home = by_id(errand.marketplace)
    region = home.region
    refresh_token = _refresh_token(answer["spapi_oauth_code"], redirect_uri)
    stores = _stores(home, refresh_token)
    try:
        account = connect_account(
            seller, region=region, selling_partner_id=partner, refresh_token=refresh_token, stores=stores, now=now
        )
    except TakenByAnotherSeller:
        raise NotConnected(
            "This Amazon account is already connected to another team here; two teams would ask the same buyers twice. "
            "Ask that team to disconnect it, or write to us. Nothing has been changed."
        ) from None
    log.info("amazon_connected", account=account.pk, seller=seller.pk, marketplaces=len(stores))
    return account


def _meaning_of(error: str) -> str:
    """What an error of the consent page says to the owner. Only the ones that are the seller's or will pass are told
    as such: the others are about this application."""
    if known := ERRORS.get(error):
        return known
    word = error if ERROR.fullmatch(error) else "an error that we do not know"
    log.error("consent_refused", error=word)
    return (
        f"Amazon refused this connection ({word}), and not because you said no: something is wrong between it and "
        "us. Nothing has been changed. Please write to us."
    )


def _errand_of(state: str) -> Errand:
    try:
        return Errand(**signing.loads(state, salt=SALT, max_age=STATE_LIVES))
    except signing.SignatureExpired:
        raise NotConnected(f"More than ten minutes have passed on Amazon's page. {AGAIN}") from None
    except (signing.BadSignature, TypeError):
        raise NotConnected(f"This connection was not begun here. {AGAIN}") from None


def _first_use(errand: Errand) -> bool:
    # Two copies of one redirect may arrive at the same instant, each with the session as it was: the cache decides.
    return cache.add(f"amazon-connection-{errand.nonce}", 1, STATE_LIVES.total_seconds())


def _refresh_token(code: str, redirect_uri: str) -> str:
    try:
        return exchange_code(authorised.application(), code, redirect_uri).refresh_token
    except AuthorisationLost:
        raise NotConnected(f"Amazon's code had expired (it lives five minutes) or was used already. {AGAIN}") from None
    except ApplicationRejected as trouble:
        log.error("application_rejected", reason=str(trouble))
        raise NotConnected(
            "Amazon does not accept this service at the moment. That is for us to mend, and we have been told. "
            "Nothing has been changed."
        ) from None
    except AmazonError:
        raise NotConnected(f"Amazon could not be reached, or did not answer clearly. {AGAIN}") from None


def _stores(home: Marketplace, refresh_token: str) -> list[tuple[str, str]]:
    """The shops in the region of `home` that this token opens and that we know: marketplace id and store name."""
    elsewhere = f"If it sells in another region, choose a marketplace there. {AGAIN}"
    authorisation = Authorisation(home.region, refresh_token)
    try:
        with AmazonClient(authorised.application(), authorisation, tokens=authorised.TOKENS) as client:
            shops = client.marketplace_participations()
    except AccessDenied:
        raise NotConnected(
            f"Amazon agreed, but lets us read nothing in the region of {home.name}. {elsewhere}"
        ) from None
    except AmazonError:
        raise NotConnected(f"Amazon agreed, but did not tell your marketplaces. Wait a minute. {AGAIN}") from None
    here = {marketplace.id for marketplace in in_region(home.region)}
    known = [(s.marketplace_id, s.store_name) for s in shops if s.is_participating and s.marketplace_id in here]
    if not known:
        raise NotConnected(f"This Amazon account sells on no marketplace in the region of {home.name}. {elsewhere}")
    return known
