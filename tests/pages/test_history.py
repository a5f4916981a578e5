"""History: what was sent or not, and why."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AmazonAccount, Seller
from messaging.models import Channel, Message, Status
from tests.makers import NOW, make_account, make_message, make_order, make_seller


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def found(client: Client, **asked: str) -> list[Message]:
    rows: list[Message] = client.get("/history/", asked).context["page"].rows
    return rows


def test_the_newest_stands_first_and_what_still_waits_does_not_stand_there(
    alice: Client, account: AmazonAccount
) -> None:
    old = make_message(make_order(account), status=Status.SENT, touched_at=NOW - timedelta(hours=2))
    new = make_message(make_order(account), status=Status.UNKNOWN, touched_at=NOW - timedelta(hours=1))
    make_message(make_order(account))

    assert found(alice) == [new, old]


def test_filters_narrow_the_list(alice: Client, account: AmazonAccount) -> None:
    refused = make_message(
        make_order(account),
        status=Status.REFUSED,
        reason="Amazon says: already requested",
        touched_at=NOW,
        channel=Channel.REQUEST_REVIEW,
    )
    order = make_order(account)
    sent = make_message(order, status=Status.SENT, touched_at=NOW - timedelta(days=3))

    assert found(alice, status="refused") == [refused]
    assert found(alice, reason="Already") == [refused]
    assert found(alice, channel="buyer_email") == [sent]
    assert found(alice, since="2026-11-23", until="2026-11-23") == [refused]
    assert found(alice, until="2026-11-22") == [sent]
    assert found(alice, q=order.amazon_order_id) == [sent]


def test_who_has_several_accounts_asks_for_one_of_them_and_never_for_a_strangers(
    alice: Client, account: AmazonAccount, seller: Seller
) -> None:
    assert "account" not in alice.get("/history/").context["search"].fields
    other, stranger = make_account(seller, store_name="The other shop"), make_account(make_seller("Mallory's shop"))
    theirs = make_message(make_order(other), status=Status.SENT, touched_at=NOW)
    make_message(make_order(account), status=Status.SENT, touched_at=NOW)

    assert found(alice, account=str(other.pk)) == [theirs]
    assert alice.get("/history/", {"account": str(stranger.pk)}).status_code == 422


def test_days_in_the_wrong_order_answer_422_with_the_page(alice: Client) -> None:
    response = alice.get("/history/", {"since": "2026-11-23", "until": "2026-11-22"})

    assert response.status_code == 422
    assert "This day is before the first one." in response.content.decode()


def test_another_sellers_messages_are_not_shown(mallory: Client, account: AmazonAccount) -> None:
    make_message(make_order(account), status=Status.SENT)

    assert found(mallory) == []


def test_a_reason_with_markup_is_shown_as_text(alice: Client, account: AmazonAccount) -> None:
    make_message(make_order(account), status=Status.REFUSED, reason="<img src=x onerror=alert(1)>")

    assert "<img src=x" not in alice.get("/history/").content.decode()


def test_the_export_has_the_rows_of_the_filtered_list(alice: Client, account: AmazonAccount) -> None:
    sent = make_order(account)
    message = make_message(sent, status=Status.SENT, receipt="250 ok", touched_at=NOW)
    make_message(make_order(account), status=Status.REFUSED)
    make_message(make_order(make_account(make_seller("Mallory's shop"))), status=Status.SENT)

    response: Any = alice.get("/history/export.csv", {"status": "sent"})
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert len(lines) == 2
    assert lines[1].startswith(f"{sent.amazon_order_id},Amazon.com,2026-11-23T12:00:00Z,Sent,")
    assert f",{account}," in lines[1] and str(message.message_id) in lines[1]


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    assert "Nothing has been sent yet" in alice.get("/history/").content.decode()
