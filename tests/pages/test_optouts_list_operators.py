"""The operators' pages about the list."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AmazonAccount, Seller, User
from accounts.rowsecurity import across_sellers
from optouts.models import RevocationRequest, SellerFreeze, Suppression
from tests.makers import NOW, PASSWORD, alias, make_account, make_order, make_user, suppress


def operator(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(f"{name}@example.com", PASSWORD))
    return client


@pytest.fixture
def olga(db: None) -> Client:
    return operator("olga")


@pytest.fixture
def otto(db: None) -> Client:
    return operator("otto")


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def revoked() -> int:
    with across_sellers("test"):
        return Suppression.objects.filter(state="revoked").count()


def text(response: Any) -> str:
    return str(response.content.decode())


def test_one_operator_asks_and_another_approves(olga: Client, otto: Client, account: AmazonAccount) -> None:
    entry = suppress(make_order(account, buyer=alias()))[-1]
    action = {"action": "ask_to_revoke", "_selected_action": [entry]}
    form = olga.post("/admin/optouts/suppression/", action, follow=True)
    assert "Nothing is revoked until another operator approves it" in text(form)

    asked = olga.post(form.redirect_chain[-1][0], {"reason": "a mistake", "shown": 1}, follow=True)
    assert "another operator has to approve it" in text(asked)
    with across_sellers("test"):
        answer = f"/admin/optouts/revocationrequest/{RevocationRequest.objects.get().pk}/answer/"
    assert "You asked for this yourself" in text(olga.post(answer, {"approve": "yes", "shown": 1}, follow=True))
    assert revoked() == 0
    assert "1 revoked." in text(otto.post(answer, {"approve": "yes", "shown": 1}, follow=True))
    assert revoked() == 1


def test_all_of_one_seller_is_counted_before_it_is_asked_for(
    olga: Client, otto: Client, account: AmazonAccount
) -> None:
    for _ in range(3):
        suppress(make_order(account, buyer=alias()))
    address = f"/admin/optouts/revocationrequest/seller/{account.seller_id}/"
    assert "<strong>3</strong> entries for everybody" in text(olga.get(address))

    assert "Look again" in text(olga.post(address, {"reason": "poison", "shown": 2}, follow=True))
    page = olga.post(address, {"reason": "poison", "shown": 3}, follow=True).redirect_chain[-1][0]
    assert "Approve: revoke 3" in text(otto.get(page))
    otto.post(page.replace("change/", "answer/"), {"approve": "yes", "shown": 3})

    assert revoked() == 3


def test_a_request_can_be_refused_and_nothing_happens(olga: Client, otto: Client, account: AmazonAccount) -> None:
    entry = suppress(make_order(account, buyer=alias()))[-1]
    olga.post(f"/admin/optouts/revocationrequest/entry/{entry}/", {"reason": "a mistake", "shown": 1})
    with across_sellers("test"):
        answer = f"/admin/optouts/revocationrequest/{RevocationRequest.objects.get().pk}/answer/"

    otto.get(answer)
    assert "Refused: nothing was revoked." in text(otto.post(answer, {"refuse": "yes", "shown": 1}, follow=True))
    assert "answered already" in text(otto.post(answer, {"approve": "yes", "shown": 1}, follow=True))
    assert revoked() == 0


def test_the_radar_shows_who_is_conspicuous_and_freezes(olga: Client, account: AmazonAccount, seller: Seller) -> None:
    suppress(make_order(account, buyer=alias(), last_written_at=NOW))
    radar = "/admin/optouts/sellerfreeze/radar/"
    assert "Alice&#x27;s shop" in text(olga.get(radar))

    assert "Say why." in text(olga.post(f"{radar}{seller.pk}/freeze/", follow=True))
    assert "frozen" in text(olga.post(f"{radar}{seller.pk}/freeze/", {"reason": "odd"}, follow=True))
    olga.get(f"{radar}{seller.pk}/unfreeze/")
    with across_sellers("test"):
        assert SellerFreeze.objects.get().lifted_at is None
    olga.post(f"{radar}{seller.pk}/unfreeze/")
    with across_sellers("test"):
        assert SellerFreeze.objects.get().lifted_at is not None


def test_an_operator_who_may_only_look_changes_nothing(account: AmazonAccount, seller: Seller) -> None:
    entry = suppress(make_order(account, buyer=alias()))[-1]
    person = make_user(is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="optouts", codename__startswith="view")
    )
    client = Client()
    client.force_login(person)

    assert client.get("/admin/optouts/sellerfreeze/radar/").status_code == 200
    for address in (
        f"/admin/optouts/revocationrequest/entry/{entry}/",
        f"/admin/optouts/revocationrequest/seller/{seller.pk}/",
        f"/admin/optouts/sellerfreeze/radar/{seller.pk}/freeze/",
        f"/admin/optouts/sellerfreeze/radar/{seller.pk}/unfreeze/",
    ):
        assert client.post(address, {"reason": "x", "shown": 1}).status_code == 403
    assert revoked() == 0
