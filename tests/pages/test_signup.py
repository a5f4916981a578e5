"""From sign-up to the dashboard, and the rest of a person's own pages, in the looks of the site."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign
from optouts.models import InboundAddress
from tests.makers import PASSWORD, make_user

FORM = {"seller_name": "Lakeside <Camping>", "email": "alice@example.com", "password1": PASSWORD, "password2": PASSWORD}
OWN_PAGES = (
    "/people/email/", "/people/password/change/", "/people/2fa/", "/people/sessions/", "/people/logout/",
    "/people/reauthenticate/",
)
DOOR_PAGES = (
    "/people/login/", "/people/signup/", "/people/password/reset/", "/people/password/reset/done/",
    "/people/confirm-email/", "/people/confirm-email/a-wrong-key/", "/people/password/reset/key/1-wrong/",
)

pytestmark = pytest.mark.django_db


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_a_person_signs_up_confirms_the_address_and_stands_on_the_dashboard(client: Client) -> None:
    assert client.post("/people/signup/", FORM).headers["Location"] == "/people/confirm-email/"
    confirm = link_in_mail()
    assert "Confirm" in client.get(confirm).content.decode()
    client.post(confirm)
    client.post("/people/login/", {"login": "alice@example.com", "password": PASSWORD})

    text = client.get("/").content.decode()
    assert "Lakeside &lt;Camping&gt;" in text and "<Camping>" not in text
    assert "0 of 4 done" in text


def test_signing_up_makes_a_seller_with_its_owner_its_address_and_two_drafts(client: Client) -> None:
    client.post("/people/signup/", FORM)

    with across_sellers("test"):
        seller = Seller.objects.get()
        membership = Membership.objects.get()
        assert (seller.name, membership.role) == ("Lakeside <Camping>", Role.OWNER)
        assert InboundAddress.objects.filter(seller=seller).count() == 1
        assert set(Campaign.objects.filter(seller=seller).values_list("status", flat=True)) == {"draft"}


def test_without_a_confirmed_address_nobody_comes_in(client: Client) -> None:
    client.post("/people/signup/", FORM)
    client.post("/people/login/", {"login": "alice@example.com", "password": PASSWORD})

    assert client.get("/").status_code == 302


def test_an_address_that_is_known_is_not_given_away(client: Client) -> None:
    make_user("alice@example.com")

    response = client.post("/people/signup/", FORM)

    assert response.headers["Location"] == "/people/confirm-email/"
    assert User.objects.count() == 1
    assert Seller.objects.count() == 0


def test_a_sign_up_without_a_business_name_or_with_a_weak_password_is_explained(client: Client) -> None:
    text = client.post("/people/signup/", FORM | {"seller_name": "", "password1": "12345"}).content.decode()

    assert "field-error" in text
    assert User.objects.count() == 0


def test_a_forgotten_password_is_set_anew_by_mail(client: Client) -> None:
    make_user("alice@example.com")
    client.post("/people/password/reset/", {"email": "alice@example.com"})
    form = client.get(link_in_mail(), follow=True)
    address = form.redirect_chain[-1][0]

    done = client.post(address, {"password1": "another long pass phrase", "password2": "another long pass phrase"})

    assert done.status_code == 302
    assert User.objects.get().check_password("another long pass phrase")


@pytest.mark.parametrize("address", DOOR_PAGES)
def test_the_pages_at_the_door_have_our_looks_and_keep_the_policy(client: Client, address: str) -> None:
    _looks_like_ours(client.get(address, follow=True).content.decode())


@pytest.mark.parametrize("address", OWN_PAGES)
def test_a_persons_own_pages_have_our_looks_and_keep_the_policy(alice: Client, address: str) -> None:
    _looks_like_ours(alice.get(address, follow=True).content.decode())


def test_a_missing_page_and_a_forbidden_one_say_so_calmly(alice: Client, vera: Client) -> None:
    assert "There is nothing here" in alice.get("/nowhere/").content.decode()
    assert "Ask an owner" in vera.post("/amazon/connect/").content.decode()


def test_a_form_that_is_too_old_is_explained() -> None:
    strict = Client(enforce_csrf_checks=True)

    response = strict.post("/people/login/", {"login": "a@example.com", "password": "x"})

    assert response.status_code == 403
    assert "This form was too old" in response.content.decode()


def _looks_like_ours(text: str) -> None:
    assert "app.css" in text and "FeedbackFive</title>" in text
    assert text.count("<h1") == 1
    assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", text)
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text)


def test_who_came_from_amazons_appstore_goes_on_to_amazon_after_signing_up(client: Client) -> None:
    start = "/amazon/start/?amazon_callback_uri=https%3A%2F%2Fsellercentral.amazon.com%2Fx&amazon_state=s"
    assert client.get(start).status_code == 302
    client.post("/people/signup/", FORM)
    client.post(link_in_mail())

    signed_in = client.post("/people/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert signed_in.headers["Location"] == start
    client.post("/people/logout/")
    again = client.post("/people/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert again.headers["Location"] == "/"
