"""Writing a critical message, against the simulated Amazon: seen before it is sent, sent once, read by the buyer."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from messaging import dispatch, doors
from messaging.documents import keep
from messaging.models import Channel, Message, Purpose
from orders.models import Order
from tests.amazon.harness import Amazon, Json
from tests.makers import make_connected_account, make_order, make_seller, suppress
from tests.messaging.pdfs import make_pdf

TEXT = "We cannot find your house number. Please tell it to us, so that your parcel arrives."


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account()


@pytest.fixture
def account(theirs: Json, seller: Seller) -> AmazonAccount:
    return make_connected_account(seller, theirs)


def place(amazon: Amazon, theirs: Json, account: AmazonAccount, **wanted: Any) -> Order:
    placed = amazon.order(theirs, **wanted)
    now = datetime.now(UTC)
    amazon.opt_out(placed["alias"])
    order = make_order(
        account,
        buyer=placed["alias"],
        amazon_order_id=placed["order_id"],
        delivered_at=now + timedelta(days=2),
        purchased_at=now - timedelta(days=3),
    )
    suppress(order)
    return order


def send(account: AmazonAccount) -> None:
    with doors.opened(account.pk) as (gateways, take):
        dispatch.send_due(account.pk, gateways=gateways, take=take, clock=lambda: datetime.now(UTC))


def messages() -> list[Message]:
    with across_sellers("test"):
        return list(Message.objects.filter(purpose=Purpose.CRITICAL))


def confirmed(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_it_is_shown_then_confirmed_then_read_by_a_buyer_who_has_opted_out(
    bob: Client, simulated_amazon: Amazon, theirs: Json, account: AmazonAccount
) -> None:
    order = place(simulated_amazon, theirs, account, status="UNSHIPPED", package_status="")
    address = f"/orders/{order.pk}/critical/"

    page = bob.post(address, {"reason": "address", "text": TEXT}).content.decode()

    assert messages() == []
    assert "confirmDeliveryDetails" in page and "The buyer has opted out." in page
    assert bob.post(address, confirmed(page)).status_code == 302
    bob.post(address, confirmed(page))
    (message,) = messages()
    assert message.channel == Channel.ORDER_MESSAGE

    send(account)

    (receipt,) = simulated_amazon.receipts(order.amazon_order_id)
    assert TEXT in receipt["body"]


def test_where_amazon_offers_no_order_message_it_is_a_mail_with_the_word_and_the_policy_is_quoted(
    bob: Client, simulated_amazon: Amazon, theirs: Json, account: AmazonAccount
) -> None:
    order = place(simulated_amazon, theirs, account, status="CANCELLED")
    address = f"/orders/{order.pk}/critical/"

    page = bob.post(address, {"reason": "delivery", "text": TEXT}).content.decode()
    assert f"[Important] {order.amazon_order_id}" in page
    assert "its own opt-out notices still advise it" in page
    bob.post(address, confirmed(page))
    send(account)

    (receipt,) = simulated_amazon.receipts(order.amazon_order_id)
    assert (receipt["subject"], receipt["outcome"]) == (f"[Important] {order.amazon_order_id}", "delivered")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reason": "delivery", "text": ""}, "This field is required"),
        ({"reason": "", "text": TEXT}, "This field is required"),
        ({"reason": "delivery", "text": "<b>Hello</b>"}, "no HTML"),
        ({"reason": "delivery", "text": "Write to me@shop.example"}, "no e-mail addresses"),
        ({"reason": "delivery", "text": "x" * 2001}, "at most 2000"),
    ],
)
def test_what_amazon_would_refuse_is_said_at_once(
    bob: Client, account: AmazonAccount, asked: dict[str, str], words: str
) -> None:
    answer = bob.post(f"/orders/{make_order(account).pk}/critical/", asked)

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_longer_text_than_the_kind_allows_is_refused_before_anything_is_stored(
    bob: Client, simulated_amazon: Amazon, theirs: Json, account: AmazonAccount
) -> None:
    order = place(simulated_amazon, theirs, account, status="UNSHIPPED", package_status="")

    answer = bob.post(f"/orders/{order.pk}/critical/", {"reason": "customisation", "text": "x" * 900})

    assert (answer.status_code, messages()) == (422, [])
    assert "at most 800 characters" in answer.content.decode()


def test_while_amazon_does_not_answer_nothing_is_lost_and_nothing_sent(
    bob: Client, simulated_amazon: Amazon, account: AmazonAccount, settings: Any
) -> None:
    settings.AMAZON_ENDPOINT = "http://127.0.0.1:9"

    answer = bob.post(f"/orders/{make_order(account).pk}/critical/", {"reason": "delivery", "text": TEXT})

    assert answer.status_code == 503
    assert TEXT in answer.content.decode()
    assert messages() == []


def test_a_viewer_does_not_write(vera: Client, account: AmazonAccount) -> None:
    assert vera.get(f"/orders/{make_order(account).pk}/critical/").status_code == 403


def test_a_document_goes_with_it_by_mail_though_amazon_offers_an_order_message(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, bob: Client
) -> None:
    order = place(simulated_amazon, theirs, account)
    page = f"/orders/{order.pk}/critical/"
    invoice = SimpleUploadedFile("2026-11.pdf", make_pdf())
    asked = {"reason": "delivery", "text": TEXT, "purpose": "invoice", "file": invoice}

    shown = bob.post(page, asked).content.decode()
    assert "With it goes:" in shown and "2026-11.pdf" in shown and "a document goes by mail only" in shown
    assert messages() == []
    assert bob.post(page, confirmed(shown)).status_code == 302

    (message,) = messages()
    assert message.channel == Channel.BUYER_EMAIL and len(message.documents) == 1
    assert "2026-11.pdf" in bob.get(f"/messages/{message.pk}/").content.decode()


def test_a_document_that_is_none_or_has_no_purpose_is_refused_and_another_sellers_is_not_found(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, bob: Client
) -> None:
    order = place(simulated_amazon, theirs, account)
    page, asked = f"/orders/{order.pk}/critical/", {"reason": "delivery", "text": TEXT}
    stranger = make_seller("Mallory's shop")
    with across_sellers("test"):
        kept = keep(stranger, make_pdf(), name="a.pdf", purpose="invoice", by=None, now=datetime.now(UTC))

    program = bob.post(page, asked | {"purpose": "invoice", "file": SimpleUploadedFile("a.pdf", b"MZ")})
    assert program.status_code == 422 and "This is not a PDF" in program.content.decode()
    unnamed = bob.post(page, asked | {"file": SimpleUploadedFile("a.pdf", make_pdf())})
    assert unnamed.status_code == 422 and "Say what the document holds" in unnamed.content.decode()
    assert bob.post(page, asked | {"document": kept.pk}).status_code == 404
    assert messages() == []
