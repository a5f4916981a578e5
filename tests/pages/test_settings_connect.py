"""To Amazon's consent page and back, against the simulated Amazon: once, within ten minutes, by the same person."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import authorised
from accounts.models import AmazonAccount, Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers
from amazon.errors import AccessDenied
from amazon.marketplaces import Region
from messaging import leaving
from tests.amazon.harness import Amazon
from tests.makers import DE, IT, PASSWORD, UK, make_account, make_order, make_seller

CONSENT = "/apps/authorize/consent"


@pytest.fixture(scope="module")
def amazon_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amazon]:
    with Amazon.running(tmp_path_factory.mktemp("amazon"), site_url="http://testserver") as amazon:
        yield amazon


@pytest.fixture
def amazon(amazon_process: Amazon, settings: Settings) -> Amazon:
    """An empty simulator, which this site takes for Amazon."""
    from amazon.simulator.simulation import APPLICATION_ID, CLIENT_ID, CLIENT_SECRET

    amazon_process.reset()
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.AMAZON_APPLICATION_ID = APPLICATION_ID
    settings.AMAZON_ENDPOINT = amazon_process.base_url
    settings.AMAZON_LOGIN_URL = f"{amazon_process.base_url}/auth/o2/token"
    settings.AMAZON_CONSENT_URL = f"{amazon_process.base_url}{CONSENT}"
    return amazon_process


@pytest.fixture
def partner(amazon: Amazon) -> dict[str, Any]:
    """A selling partner on Amazon.it and Amazon.de who has not heard of us yet."""
    return amazon.account(store_name="Lago Campeggio", marketplace_ids=[IT, DE])


def consent_page(client: Client, marketplace: str = IT) -> str:
    """Begin, and return the address on the page that leads to Amazon."""
    response = client.post("/amazon/connect/", {"marketplace": marketplace})
    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    found = re.search(r'class="btn btn-primary" href="([^"]+)"', response.content.decode())
    assert found
    return unescape(found[1])


def decide(address: str, partner: dict[str, Any], decision: str = "allow") -> str:
    """What the seller does on Amazon's page; returns the path to which Amazon sends the browser back."""
    page = urlsplit(address)
    form = {name: values[0] for name, values in parse_qs(page.query).items()}
    form |= {"selling_partner_id": partner["selling_partner_id"], "decision": decision}
    origin = f"{page.scheme}://{page.netloc}"
    answer = httpx.post(f"{origin}{CONSENT}", data=form, headers={"Origin": origin})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == "http://testserver/amazon/callback/"
    return f"{back.path}?{back.query}"


def said(client: Client, address: str) -> str:
    """Follow Amazon's redirect; returns the sentence that the page behind it shows."""
    response = client.get(address, follow=True)
    text = " ".join(str(message) for message in response.context["messages"])
    page = "/welcome/" if "is connected" in text else "/settings/"
    assert response.redirect_chain == [(page, 302)]
    return text


def accounts() -> list[AmazonAccount]:
    with across_sellers("test"):
        return list(AmazonAccount.objects.prefetch_related("marketplaces"))


@pytest.mark.parametrize("is_draft", [True, False])
def test_the_consent_page_of_a_draft_is_asked_for_while_the_application_is_one(
    alice: Client, amazon: Amazon, settings: Settings, is_draft: bool
) -> None:
    settings.AMAZON_IS_DRAFT = is_draft
    assert parse_qs(urlsplit(consent_page(alice)).query).get("version") == (["beta"] if is_draft else None)


def test_an_account_is_connected_with_its_marketplaces(alice: Client, seller: Seller, partner: dict[str, Any]) -> None:
    assert said(alice, decide(consent_page(alice), partner)).startswith("Lago Campeggio is connected.")

    (account,) = accounts()
    assert (account.seller_id, account.region) == (seller.pk, Region.EU)
    assert account.selling_partner_id == partner["selling_partner_id"]
    assert {place.marketplace_id for place in account.marketplaces.all()} == {IT, DE}
    with across_sellers("test"), authorised.client_for(account) as client:
        assert len(client.marketplace_participations()) == 2


def test_connecting_again_renews_and_keeps_everything(alice: Client, seller: Seller, partner: dict[str, Any]) -> None:
    account = make_account(
        seller, marketplaces=(IT,), sender="shop@example.com", selling_partner_id=partner["selling_partner_id"],
        status=AmazonAccount.Status.REVOKED,
    )

    said(alice, decide(consent_page(alice), partner))

    (renewed,) = accounts()
    assert (renewed.pk, renewed.status) == (account.pk, AmazonAccount.Status.CONNECTED)
    assert next(p for p in renewed.marketplaces.all() if p.marketplace_id == IT).approved_sender == "shop@example.com"


def test_a_no_on_amazons_page_is_taken_for_a_no(alice: Client, partner: dict[str, Any]) -> None:
    assert "You said no on Amazon's page" in said(alice, decide(consent_page(alice), partner, "deny"))
    assert accounts() == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"error": "access_denied"}, "You said no on Amazon's page"),
        ({"error": "server_error"}, "Amazon had trouble of its own"),
        ({"error": "temporarily_unavailable"}, "Amazon was too busy to finish"),
        ({"error": "invalid_scope"}, "Amazon refused this connection (invalid_scope), and not because you said no"),
        ({"error": "<b>x</b>"}, "Amazon refused this connection (an error that we do not know)"),
        ({"selling_partner_id": "A1234567890123"}, "without the code that it should have given us"),
    ],
)
def test_what_amazon_says_instead_of_a_code_is_told_for_what_it_is(
    alice: Client, amazon: Amazon, query: dict[str, str], sentence: str
) -> None:
    state = parse_qs(urlsplit(consent_page(alice)).query)["state"][0]

    assert sentence in said(alice, f"/amazon/callback/?{urlencode(query | {'state': state})}")
    assert accounts() == []


def test_an_answer_survives_that_one_was_signed_out_meanwhile(
    alice: Client, seller: Seller, partner: dict[str, Any]
) -> None:
    with across_sellers("test"):
        person = Membership.objects.get(seller=seller, role=Role.OWNER).user
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    back = decide(consent_page(alice), partner)
    alice.post("/people/logout/")

    asked = alice.get(back)
    assert asked.status_code == 302 and asked["Location"].startswith("/people/login/?next=")
    form = {"login": person.email, "password": PASSWORD, "next": parse_qs(urlsplit(asked["Location"]).query)["next"][0]}
    signed_in = alice.post(asked["Location"], form)
    assert signed_in["Location"] == back
    assert "Lago Campeggio is connected." in said(alice, signed_in["Location"])


def test_an_answer_works_once(alice: Client, partner: dict[str, Any]) -> None:
    back = decide(consent_page(alice), partner)
    said(alice, back)

    assert "has been used already" in said(alice, back)
    assert len(accounts()) == 1


@pytest.mark.parametrize(("age", "is_good"), [(295, True), (301, False)])
def test_amazons_code_lives_five_minutes(
    alice: Client, amazon: Amazon, partner: dict[str, Any], age: int, is_good: bool
) -> None:
    back = decide(consent_page(alice), partner)
    assert amazon.do("codes", seconds=age) == {"codes": 1}

    assert ("Amazon's code had expired" in said(alice, back)) is not is_good
    assert len(accounts()) == int(is_good)


def test_a_code_that_amazon_does_not_know_any_more_connects_nothing(alice: Client, partner: dict[str, Any]) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(decide(consent_page(alice), partner)).query).items()}
    query["spapi_oauth_code"] = "a-code-that-has-expired"

    assert "Amazon's code had expired" in said(alice, f"/amazon/callback/?{urlencode(query)}")
    assert accounts() == []


def test_ten_minutes_on_amazons_page_are_too_long(alice: Client, partner: dict[str, Any]) -> None:
    back = decide(consent_page(alice), partner)

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert "More than ten minutes" in said(alice, back)
    assert accounts() == []


def test_a_state_that_was_not_made_here_is_refused(alice: Client, amazon: Amazon) -> None:
    for state in ("", "made:up:state", "eyJ1c2VyIjoxfQ:1:x"):
        query = urlencode({"state": state, "spapi_oauth_code": "c", "selling_partner_id": "A1234567890123"})
        assert "was not begun here" in said(alice, f"/amazon/callback/?{query}")


def test_another_persons_answer_is_refused(alice: Client, mallory: Client, partner: dict[str, Any]) -> None:
    back = decide(consent_page(mallory), partner)

    assert "begun by another person or for another team" in said(alice, back)
    assert accounts() == []


def test_an_answer_that_reaches_another_browser_of_the_same_person_is_refused(
    alice: Client, seller: Seller, partner: dict[str, Any]
) -> None:
    with across_sellers("test"):
        person = Membership.objects.get(seller=seller, role=Role.OWNER).user
    other = Client()
    other.force_login(person)

    assert "belongs to another browser" in said(other, decide(consent_page(alice), partner))
    assert accounts() == []


def test_a_switch_of_the_team_in_between_connects_to_neither(
    alice: Client, seller: Seller, partner: dict[str, Any]
) -> None:
    second = make_seller("Second shop")
    with across_sellers("test"):
        person: User = Membership.objects.get(seller=seller, role=Role.OWNER).user
        second.membership_set.create(user=person, role=Role.OWNER)
    back = decide(consent_page(alice), partner)
    alice.post("/team/", {"seller": second.pk})

    assert "for another team" in said(alice, back)
    assert accounts() == []


def test_an_account_of_another_team_is_not_taken_over(alice: Client, partner: dict[str, Any]) -> None:
    theirs = make_account(
        make_seller("Mallory's shop"), marketplaces=(IT,), selling_partner_id=partner["selling_partner_id"]
    )

    assert "already connected to another team" in said(alice, decide(consent_page(alice), partner))
    (account,) = accounts()
    assert (account.pk, account.seller_id) == (theirs.pk, theirs.seller_id)


def test_a_partners_id_that_the_browser_has_changed_opens_nothing_of_that_partner(
    alice: Client, amazon: Amazon, partner: dict[str, Any]
) -> None:
    other = amazon.account(store_name="Pennine Pantry", marketplace_ids=[UK])
    mine = amazon.order(partner)
    back = decide(consent_page(alice), partner)

    said(alice, back.replace(partner["selling_partner_id"], other["selling_partner_id"]))
    (account,) = accounts()
    assert account.selling_partner_id == other["selling_partner_id"]  # Amazon does not sign it: nobody can tell
    assert {place.marketplace_id for place in account.marketplaces.all()} == {IT, DE}
    with across_sellers("test"), authorised.client_for(account) as client:  # the token is what counts
        page = client.search_orders(marketplace_ids=[IT], last_updated_after=timezone.now() - timedelta(days=40))
        assert [order.order_id for order in page.orders] == [mine["order_id"]]
        with pytest.raises(AccessDenied):
            client.search_orders(marketplace_ids=[UK], last_updated_after=timezone.now() - timedelta(days=40))


def test_an_account_that_another_team_has_disconnected_is_free(
    alice: Client, seller: Seller, mallory: Client, partner: dict[str, Any]
) -> None:
    theirs = make_account(
        make_seller("The shop before"), marketplaces=(IT,), selling_partner_id=partner["selling_partner_id"]
    )
    with across_sellers("test"):
        leaving.disconnect(theirs, now=timezone.now())

    assert "is connected" in said(alice, decide(consent_page(alice), partner))
    before, now = sorted(accounts(), key=lambda account: account.pk)
    assert (before.pk, before.status) == (theirs.pk, AmazonAccount.Status.DISCONNECTED)
    assert (now.seller_id, now.status) == (seller.pk, AmazonAccount.Status.CONNECTED)
    assert "already connected to another team" in said(mallory, decide(consent_page(mallory), partner))


def test_who_connects_again_has_everything_as_it_was(alice: Client, seller: Seller, partner: dict[str, Any]) -> None:
    account = make_account(
        seller, marketplaces=(IT,), sender="shop@example.com", selling_partner_id=partner["selling_partner_id"]
    )
    order = make_order(account)
    with across_sellers("test"):
        leaving.disconnect(account, now=timezone.now())

    said(alice, decide(consent_page(alice), partner))
    (again,) = accounts()
    assert (again.pk, again.status, again.disconnected_at) == (account.pk, AmazonAccount.Status.CONNECTED, None)
    assert next(p for p in again.marketplaces.all() if p.marketplace_id == IT).approved_sender == "shop@example.com"
    with across_sellers("test"):
        assert again.orders.get() == order


def test_trouble_at_the_sellers_api_connects_nothing_and_says_so(
    alice: Client, amazon: Amazon, partner: dict[str, Any]
) -> None:
    back = decide(consent_page(alice), partner)
    amazon.fault("getMarketplaceParticipations", "html503", times=9)

    assert "did not tell your marketplaces" in said(alice, back)
    assert accounts() == []


def test_an_account_of_another_region_is_told_which_way_to_go(
    alice: Client, amazon: Amazon, partner: dict[str, Any]
) -> None:
    american = amazon.account(marketplace_ids=["ATVPDKIKX0DER"])
    sentence = said(alice, decide(consent_page(alice), american))
    assert "no marketplace in the region of Amazon." in sentence
    assert "choose a marketplace there. Nothing has been changed." in sentence and accounts() == []


def test_a_rotated_secret_is_our_matter_and_is_said_to_be(
    alice: Client, partner: dict[str, Any], settings: Settings
) -> None:
    back = decide(consent_page(alice), partner)
    settings.AMAZON_CLIENT_SECRET = "yesterday's"

    assert "That is for us to mend" in said(alice, back)
    assert accounts() == []


def test_a_marketplace_that_is_none_is_refused(alice: Client, amazon: Amazon) -> None:
    response = alice.post("/amazon/connect/", {"marketplace": "nowhere"})

    assert response.status_code == 422
    assert "Choose one of the marketplaces in the list." in response.content.decode()


def test_the_way_to_amazon_is_begun_by_post_only(alice: Client, amazon: Amazon) -> None:
    assert alice.get("/amazon/connect/").status_code == 405
