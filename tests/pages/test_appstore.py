"""Connecting from Amazon's appstore: to us, to Amazon, back to us, and never to a stranger's address."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from tests.amazon.harness import Amazon
from tests.makers import IT

PARTNER = "A2EXAMPLE12345"
GOOD = "https://sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.x"


def begin(client: Client, **asked: str) -> str | None:
    """The address on the page that leads on to Amazon; None: it was refused."""
    query = {"amazon_callback_uri": GOOD, "amazon_state": "their-state", "selling_partner_id": PARTNER} | asked
    path = f"/amazon/start/?{urlencode(query)}"
    asking = client.get(path)
    if asking.status_code == 302:
        assert asking["Location"] == client.post(path)["Location"] == "/settings/"
        return None
    form = re.search(r'<form [^>]*method="post" action="([^"]+)"', asking.content.decode())
    assert form and "http-equiv" not in asking.content.decode()
    response = client.post(unescape(form[1]))
    assert response["Referrer-Policy"] == "no-referrer"
    found = re.search(r'class="btn btn-primary" href="([^"]+)"', response.content.decode())
    assert found
    return unescape(found[1])


def accounts() -> list[AmazonAccount]:
    with across_sellers("test"):
        return list(AmazonAccount.objects.all())


def test_the_way_on_carries_both_states_and_our_own_address(alice: Client) -> None:
    address = begin(alice, version="beta")

    assert address is not None and address.startswith(GOOD + "?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query["amazon_state"] == "their-state" and query["state"] and query["version"] == "beta"
    assert query["redirect_uri"].endswith("/amazon/callback/")


def test_nothing_begins_before_the_owner_has_said_yes(alice: Client, seller: Seller) -> None:
    path = f"/amazon/start/?amazon_callback_uri={quote(GOOD)}&amazon_state=s&selling_partner_id={PARTNER}"
    asking = alice.get(path)

    shown = asking.content.decode()
    assert PARTNER in shown and "Connect it to Alice&#x27;s shop" in shown
    assert "sellercentral.amazon.com/apps" not in unescape(shown).replace(unescape(path), "")
    assert "feedbackfive_amazon" not in asking.cookies

    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.cookies
    assert strict.post(path).status_code == 403


def test_a_draft_says_so_to_the_appstore_too(alice: Client, settings: Settings) -> None:
    assert "version=beta" not in str(begin(alice))
    settings.AMAZON_IS_DRAFT = True
    assert "version=beta" in str(begin(alice))


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/apps",
        "https://sellercentral.amazon.com.evil.example/",
        "https://sellercentral.amazon.com@evil.example/",
        "https://evil.example/?https://sellercentral.amazon.com",
        "http://sellercentral.amazon.com/apps",
        "https://sellercentral.amazon.com:8443/apps",
        "https://sellercentral.amazon.com\\@evil.example/",
        "https://sellercentral.amazon.com/#@evil.example",
        "//sellercentral.amazon.com/apps",
        "https://www.amazon.com/apps",
        "javascript:alert(1)//sellercentral.amazon.com",
        "https://sellercentral.amazon.com /apps",
        "",
    ],
)
def test_only_amazons_own_seller_central_is_gone_to(alice: Client, callback: str) -> None:
    assert begin(alice, amazon_callback_uri=callback) is None


@pytest.mark.parametrize("host", ["amazon.com", "amazon.de", "sellercentral-europe.amazon.com"])
def test_every_address_that_amazons_guide_shows_is_one_of_amazons(alice: Client, host: str) -> None:
    address = begin(alice, amazon_callback_uri=f"https://{host}/apps/authorize/confirm/amzn1.sp.solution.x")
    assert address is not None and address.startswith(f"https://{host}/")


@pytest.mark.parametrize("missing", ["amazon_state", "selling_partner_id"])
def test_half_a_link_is_refused(alice: Client, missing: str) -> None:
    assert begin(alice, **{missing: ""}) is None


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(client: Client, db: None) -> None:
    path = f"/amazon/start/?amazon_callback_uri={quote(GOOD)}&amazon_state=s&selling_partner_id={PARTNER}"

    response = client.get(path)

    assert response.status_code == 302
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [path]


@pytest.fixture
def partner(simulated_amazon: Amazon, settings: Settings) -> dict[str, Any]:
    settings.AMAZON_CONSENT_URL = f"{simulated_amazon.base_url}/apps/authorize/consent"
    return simulated_amazon.account(store_name="Lago Campeggio", marketplace_ids=[IT])


def to_amazon(amazon: Amazon, client: Client, partner: dict[str, Any]) -> str:
    """From the appstore by way of us to Amazon; returns the path on which it sends the browser back."""
    start = httpx.get(f"{amazon.base_url}/apps/appstore/{partner['selling_partner_id']}")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(start.headers["Location"]).query).items()}
    address = begin(client, **asked)
    assert address is not None
    back = urlsplit(httpx.get(address).headers["Location"])
    return f"{back.path}?{back.query}"


def test_from_the_appstore_to_a_connected_account(
    alice: Client, seller: Seller, simulated_amazon: Amazon, partner: dict[str, Any]
) -> None:
    alice.get(to_amazon(simulated_amazon, alice, partner))

    (account,) = accounts()
    assert (account.selling_partner_id, account.seller_id) == (partner["selling_partner_id"], seller.pk)


def test_another_seller_than_the_appstore_named_is_refused(
    alice: Client, simulated_amazon: Amazon, partner: dict[str, Any]
) -> None:
    back = to_amazon(simulated_amazon, alice, partner)

    page = alice.get(back.replace(partner["selling_partner_id"], PARTNER), follow=True).content.decode()

    assert "Amazon sent another seller back" in page
    assert accounts() == []
