"""Owners hear of the end of an authorisation 30, 14 and 3 days before it."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage

from accounts import reminding
from accounts.lifecycle import connect_account
from accounts.models import AmazonAccount, Role, Seller
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import Region
from tests.makers import NOW, US, make_account, make_member, make_seller

pytestmark = pytest.mark.django_db

END = timedelta(days=365)


@pytest.fixture
def seller() -> Seller:
    seller = make_seller()
    make_member(seller, Role.OWNER, "alice@shop.example")
    make_member(seller, Role.MANAGER, "bob@shop.example")
    return seller


def test_three_mails_in_a_year_each_once_and_to_owners_only(seller: Seller, mailoutbox: list[EmailMessage]) -> None:
    make_account(seller, authorised_at=NOW)
    days = [day for day in range(320, 366) for _ in range(2) if reminding.remind(now=NOW + timedelta(days=day))]

    assert days == [335, 351, 362]
    assert [mail.to for mail in mailoutbox] == [["alice@shop.example"]] * 3
    assert "ends in 30 days" in mailoutbox[0].subject
    assert "/settings/#amazon" in mailoutbox[0].body


def test_connecting_again_begins_a_new_year(seller: Seller, mailoutbox: list[EmailMessage]) -> None:
    account = make_account(seller, authorised_at=NOW, reminded_days=3)
    with across_sellers("test"):
        connect_account(
            seller,
            region=Region.NA,
            selling_partner_id=account.selling_partner_id,
            refresh_token="Atzr|new",
            stores=[(US, "Shop")],
            now=NOW + timedelta(days=364),
        )

    assert reminding.remind(now=NOW + timedelta(days=365)) == 0
    assert reminding.remind(now=NOW + timedelta(days=364 + 335)) == 1


def test_a_mail_that_the_relay_does_not_take_is_tried_again(
    seller: Seller, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    make_account(seller, authorised_at=NOW)

    def refuse(self: EmailMessage) -> int:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", refuse)
        assert reminding.remind(now=NOW + timedelta(days=340)) == 0

    assert reminding.remind(now=NOW + timedelta(days=340)) == 1


@pytest.mark.parametrize("status", [AmazonAccount.Status.REVOKED, AmazonAccount.Status.DISCONNECTED])
def test_an_authorisation_that_is_gone_ends_no_more(
    seller: Seller, status: AmazonAccount.Status, mailoutbox: list[EmailMessage]
) -> None:
    make_account(seller, authorised_at=NOW, status=status)

    assert reminding.remind(now=NOW + END) == 0
    assert mailoutbox == []


def test_owners_hear_once_that_an_authorisation_is_gone_and_again_after_another(
    seller: Seller, mailoutbox: list[EmailMessage]
) -> None:
    account = make_account(seller, authorised_at=NOW, status=AmazonAccount.Status.REVOKED, reminded_days=14)
    assert [reminding.tell_of_the_end(now=NOW) for _ in range(3)] == [1, 0, 0]
    [mail] = mailoutbox
    assert mail.to == ["alice@shop.example"] and "no longer accepts" in mail.subject
    assert "/settings/#amazon" in mail.body and "what waits is held" in mail.body
    with across_sellers("test"):
        connect_account(
            seller,
            region=Region.NA,
            selling_partner_id=account.selling_partner_id,
            refresh_token="Atzr|new",
            stores=[(US, "Shop")],
            now=NOW,
        )
        AmazonAccount.objects.update(status=AmazonAccount.Status.REVOKED)
    assert reminding.tell_of_the_end(now=NOW) == 1


def test_a_name_of_two_lines_stops_no_mail(seller: Seller, mailoutbox: list[EmailMessage]) -> None:
    make_account(seller, authorised_at=NOW, status=AmazonAccount.Status.REVOKED, store_name="Two\nlines")
    make_account(seller, authorised_at=NOW, status=AmazonAccount.Status.REVOKED, store_name="One line")
    assert reminding.tell_of_the_end(now=NOW) == 2
    assert [mail.subject.partition("of ")[2] for mail in mailoutbox] == ["Two lines (NA)", "One line (NA)"]
    with across_sellers("test"):
        account = connect_account(
            seller,
            region=Region.NA,
            selling_partner_id="A2LINES0000000",
            refresh_token="Atzr|two",
            stores=[(US, " Two\r\nlines ")],
            now=NOW,
        )
    assert account.store_name == "Two lines"
