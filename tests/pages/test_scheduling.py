"""Scheduling: what will be sent, and what the team may do to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from messaging.models import Channel, Message, Status
from tests.makers import NOW, make_account, make_message, make_order, make_seller


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def status_of(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def test_the_soonest_stands_first_and_what_is_settled_does_not_stand_there(
    alice: Client, account: AmazonAccount
) -> None:
    later = make_message(make_order(account), due_at=NOW + timedelta(days=2))
    sooner = make_message(make_order(account), due_at=NOW + timedelta(days=1))
    make_message(make_order(account), status=Status.SENT)

    assert alice.get("/scheduling/").context["page"].rows == [sooner, later]


def test_every_message_is_on_exactly_one_page(alice: Client, account: AmazonAccount) -> None:
    messages = {make_message(make_order(account), due_at=NOW).pk for _ in range(60)}
    first = alice.get("/scheduling/").context["page"]
    second = alice.get("/scheduling/", {"at": first.next}).context["page"]

    assert sorted(message.pk for message in first.rows + second.rows) == sorted(messages)
    assert second.next == ""


def test_filters_narrow_the_list(alice: Client, account: AmazonAccount) -> None:
    order = make_order(account)
    held = make_message(order, status=Status.HELD, reason="the sender is missing")
    request = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)

    def found(**asked: str) -> list[Message]:
        rows: list[Message] = alice.get("/scheduling/", asked).context["page"].rows
        return rows

    assert found(status="held") == [held]
    assert found(channel="request_review") == [request]
    assert found(q=order.amazon_order_id) == [held]
    assert found(title="Order check-in", marketplace="ATVPDKIKX0DER") == [held, request]


def test_nothing_happens_before_the_team_has_confirmed(bob: Client, account: AmazonAccount) -> None:
    chosen, other = make_message(make_order(account)), make_message(make_order(account))

    page = bob.get("/scheduling/confirm/", {"act": "cancel", "message": str(chosen.pk)})

    assert chosen.order.amazon_order_id in page.content.decode()
    assert other.order.amazon_order_id not in page.content.decode()
    assert status_of(chosen) == Status.SCHEDULED


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("hold", Status.SCHEDULED, Status.HELD),
        ("release", Status.HELD, Status.SCHEDULED),
        ("cancel", Status.SCHEDULED, Status.CANCELLED),
        ("cancel", Status.HELD, Status.CANCELLED),
    ],
)
def test_a_manager_holds_releases_and_cancels(
    bob: Client, account: AmazonAccount, act: str, before: Status, after: Status
) -> None:
    chosen = [make_message(make_order(account), status=before) for _ in range(2)]
    untouched = make_message(make_order(account), status=before)

    response = bob.post("/scheduling/act/", {"act": act, "message": [message.pk for message in chosen]})

    assert response.status_code == 302
    assert {status_of(message) for message in chosen} == {after}
    assert status_of(untouched) == before


def test_the_note_becomes_part_of_the_reason(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))
    bob.post("/scheduling/act/", {"act": "hold", "message": str(message.pk), "note": "until the recall is over"})

    assert "Held by your team: until the recall is over" in bob.get("/scheduling/").content.decode()


def test_what_has_moved_on_meanwhile_is_left_alone_and_said_so(bob: Client, account: AmazonAccount) -> None:
    sent = make_message(make_order(account), status=Status.SENT)

    page = bob.post("/scheduling/act/", {"act": "cancel", "message": sent.pk}, follow=True)

    assert status_of(sent) == Status.SENT
    assert "1 message had moved on meanwhile" in page.content.decode()


def test_another_sellers_message_cannot_be_touched(mallory: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))

    shown = mallory.get("/scheduling/confirm/", {"act": "cancel", "message": str(message.pk)})
    mallory.post("/scheduling/act/", {"act": "cancel", "message": str(message.pk)})

    assert message.order.amazon_order_id not in shown.content.decode()
    assert status_of(message) == Status.SCHEDULED


def test_a_viewer_may_look_and_not_act(vera: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))

    assert vera.get("/scheduling/").status_code == 200
    assert 'type="checkbox"' not in vera.get("/scheduling/").content.decode()
    assert vera.get("/scheduling/confirm/", {"act": "hold", "message": str(message.pk)}).status_code == 403
    assert vera.post("/scheduling/act/", {"act": "hold", "message": str(message.pk)}).status_code == 403
    assert status_of(message) == Status.SCHEDULED


@pytest.mark.parametrize(
    "asked", [{}, {"act": "hold"}, {"act": "burn", "message": "1"}, {"act": "hold", "message": "x"}]
)
def test_a_choice_that_is_none_leads_back_to_the_list(bob: Client, asked: dict[str, str]) -> None:
    assert bob.get("/scheduling/confirm/", asked).headers["Location"] == "/scheduling/"
    assert bob.post("/scheduling/act/", asked).headers["Location"] == "/scheduling/"


def test_a_note_that_is_too_long_answers_422_with_the_page(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))

    response = bob.post("/scheduling/act/", {"act": "hold", "message": str(message.pk), "note": "x" * 121})

    assert response.status_code == 422
    assert message.order.amazon_order_id in response.content.decode()
    assert status_of(message) == Status.SCHEDULED


def test_a_get_never_acts(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))

    assert bob.get("/scheduling/act/", {"act": "cancel", "message": str(message.pk)}).status_code == 405
    assert status_of(message) == Status.SCHEDULED


def test_the_export_has_the_rows_of_the_filtered_list(alice: Client, account: AmazonAccount) -> None:
    held, other = make_order(account), make_order(account)
    make_message(held, status=Status.HELD, reason="=why")
    make_message(other)
    make_message(make_order(make_account(make_seller("Mallory's shop"))), status=Status.HELD)

    response: Any = alice.get("/scheduling/export.csv", {"status": "held"})
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert len(lines) == 2
    assert held.amazon_order_id in lines[1]
    assert other.amazon_order_id not in lines[1]
    assert ",'=why" in lines[1]


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    assert "Nothing is scheduled" in alice.get("/scheduling/").content.decode()
