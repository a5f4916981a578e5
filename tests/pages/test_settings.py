"""Settings: who belongs to the team, which Amazon accounts it has, and how they fare."""

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AmazonAccount, Role, Seller
from accounts.rowsecurity import across_sellers
from orders.models import OrderReading
from tests.makers import DE, IT, make_account, make_member


def page(client: Client) -> str:
    response = client.get("/settings/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_team_is_listed_with_its_roles(alice: Client, seller: Seller) -> None:
    make_member(seller, Role.VIEWER, "vera@example.com")

    text = page(alice)

    assert "vera@example.com" in text and "Viewer" in text and "(you)" in text


def test_an_account_is_shown_with_its_marketplaces_and_whether_they_are_in_use(vera: Client, seller: Seller) -> None:
    account = make_account(seller, marketplaces=(IT, DE), store_name="Lago <b>Campeggio</b>")
    with across_sellers("test"):
        account.marketplaces.filter(marketplace_id=DE).update(is_used=False)

    text = page(vera)

    assert "Lago &lt;b&gt;Campeggio&lt;/b&gt;" in text
    assert "Amazon.it" in text and "Amazon.de" in text
    assert "In use" in text and "Not in use" in text


def test_trouble_with_reading_is_told_in_words(vera: Client, seller: Seller) -> None:
    account = make_account(seller)
    with across_sellers("test"):
        OrderReading.objects.create(
            seller=seller, account=account, next_at=timezone.now(), trouble="Amazon could not be reached"
        )

    assert "Amazon could not be reached" in page(vera)


def test_the_token_is_on_no_page(alice: Client, seller: Seller) -> None:
    make_account(seller)

    assert "Atzr" not in page(alice)


def test_without_an_account_the_page_says_what_connecting_means(alice: Client) -> None:
    text = page(alice)

    assert "No Amazon account yet" in text and "Connect Amazon" in text


def test_only_owners_are_offered_to_connect(bob: Client, vera: Client, seller: Seller) -> None:
    for client in (bob, vera):
        assert "Only an owner of your team can connect an Amazon account." in page(client)
        assert client.post("/amazon/connect/", {"marketplace": IT}).status_code == 403
        assert client.get("/amazon/callback/?state=x").status_code == 403


def test_more_accounts_cost_no_more_queries(
    alice: Client, seller: Seller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_account(seller)
    with django_assert_max_num_queries(40) as one:
        page(alice)
    for _ in range(4):
        make_account(seller, marketplaces=(IT, DE))
    make_member(seller, Role.MANAGER)
    with django_assert_max_num_queries(40) as many:
        page(alice)

    assert len(many) == len(one)


def test_strangers_accounts_are_not_shown(mallory: Client, seller: Seller) -> None:
    make_account(seller, store_name="Lakeside")

    assert "Lakeside" not in page(mallory)
    assert AmazonAccount.objects.count() == 0  # outside of a request the rows of no seller are open
