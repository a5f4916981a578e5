"""The Orders list and its export."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from campaigns.planning import plan_stale
from messaging.models import Status
from orders.models import Order, OrderReading
from tests.makers import IT, NOW, alias, make_account, make_campaigns, make_message, make_order, make_seller

LIST = "/orders/"


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def text(response: Any) -> str:
    return str(response.content.decode())


def rows_of(response: Any) -> list[list[str]]:
    content = b"".join(response.streaming_content).decode()
    assert content.startswith("\ufeff")
    return list(csv.reader(content[1:].splitlines()))


def test_the_newest_order_stands_first(alice: Client, account: AmazonAccount) -> None:
    old = make_order(account, purchased_at=NOW - timedelta(days=9))
    new = make_order(account, purchased_at=NOW - timedelta(days=1))

    page = text(alice.get(LIST))

    assert page.index(new.amazon_order_id) < page.index(old.amazon_order_id)


def test_another_sellers_orders_are_not_shown(mallory: Client, account: AmazonAccount) -> None:
    order = make_order(account)

    assert order.amazon_order_id not in text(mallory.get(LIST))
    assert mallory.get(f"/orders/{order.pk}/").status_code == 404
    assert mallory.get(f"/orders/{order.amazon_order_id}/").status_code == 404


def test_every_order_is_on_exactly_one_page(alice: Client, account: AmazonAccount) -> None:
    at = NOW - timedelta(days=2)
    orders = {make_order(account, purchased_at=at).amazon_order_id for _ in range(120)}
    seen: list[str] = []
    after = ""
    for _ in range(3):
        response = alice.get(LIST, {"at": after})
        seen += [order.amazon_order_id for order, _ in response.context["rows"]]
        after = response.context["page"].next

    assert sorted(seen) == sorted(orders)
    assert after == ""


@pytest.mark.parametrize("position", ["x", "20261123T120000.000000Z_", "20261123T120000.000000Z_1e9"])
def test_a_page_that_is_none_is_not_found(alice: Client, account: AmazonAccount, position: str) -> None:
    assert alice.get(LIST, {"at": position}).status_code == 404


@pytest.mark.parametrize("words", ["111-9999999-1234567", "9999999", "mug-7", "b0mugmugmu", "Enamel"])
def test_an_order_is_found_by_number_sku_asin_and_title(alice: Client, account: AmazonAccount, words: str) -> None:
    wanted = make_order(account, amazon_order_id="111-9999999-1234567", title="Blue enamel kettle")
    with across_sellers("test"):
        wanted.items.update(sku="MUG-7", asin="B0MUGMUGMU")
    other = make_order(account, title="Steel pan")

    page = text(alice.get(LIST, {"q": words}))

    assert wanted.amazon_order_id in page
    assert other.amazon_order_id not in page


def test_filters_narrow_the_list(alice: Client, seller: Seller) -> None:
    account = make_account(seller, marketplaces=(IT,))
    wanted = make_order(account, marketplace_id=IT, status="cancelled", fulfilled_by="amazon")
    make_order(account, marketplace_id=IT, status="shipped", fulfilled_by="amazon")

    found = alice.get(LIST, {"marketplace": IT, "status": "cancelled", "fulfilled_by": "amazon"}).context["rows"]

    assert [order for order, _ in found] == [wanted]


def test_a_filter_that_is_none_answers_422_with_the_page(alice: Client, account: AmazonAccount) -> None:
    response = alice.get(LIST, {"status": "lost"})

    assert response.status_code == 422
    assert "Select a valid choice" in text(response)


def test_a_title_with_markup_is_shown_as_text(alice: Client, account: AmazonAccount) -> None:
    order = make_order(account, title="<script>alert(1)</script>")

    for address in (LIST, f"/orders/{order.pk}/"):
        assert "<script>alert" not in text(alice.get(address))
        assert "&lt;script&gt;alert" in text(alice.get(address))


@pytest.mark.parametrize(("kind", "is_promise"), [("promise", True), ("carrier", True), ("estimate", False)])
def test_an_estimate_is_not_shown_as_a_promise(
    alice: Client, account: AmazonAccount, kind: str, is_promise: bool
) -> None:
    order = make_order(account, deliver_by_earliest=NOW, deliver_by_latest=NOW, delivery_kind=kind)
    page = text(alice.get(f"/orders/{order.pk}/"))
    assert escape(Order.DeliveryKind(kind).label) in page and ("Promised from" in page) is is_promise


def test_the_list_says_what_became_of_each_order(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    make_campaigns(seller)
    sent = make_order(account, buyer=alias())
    make_message(sent, status=Status.SENT, settled_at=NOW)
    cancelled = make_order(account, status="cancelled")
    plan_stale(now=NOW)

    labels = {order: (story.label, story.detail) for order, story in alice.get(LIST).context["rows"]}

    assert labels == {sent: ("Sent", ""), cancelled: ("Not written to", "the order is cancelled")}


def test_the_list_says_how_fresh_it_is_and_what_is_wrong(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    with across_sellers("test"):
        OrderReading.objects.create(
            seller=seller, account=account, next_at=NOW, last_read_at=NOW, trouble="Amazon cannot be reached"
        )

    page = text(alice.get(LIST))

    assert "read from Amazon" in page
    assert "Amazon cannot be reached" in page


@pytest.mark.parametrize(
    ("status", "fields", "said"),
    [
        ("connected", {}, "not read yet; the first reading begins within minutes"),
        ("connected", {"orders_read": 200}, "the last 40 days are being read, 200 orders so far"),
        ("connected", {"last_read_at": NOW}, "Changes: asked for every three minutes"),
        ("disconnected", {"last_read_at": NOW, "trouble": "old"}, "not connected any more: nothing new is read"),
        ("disconnected", {"orders_read": 200}, "not connected any more, and not read to the end"),
    ],
)
def test_the_list_says_how_each_account_stands(
    alice: Client, seller: Seller, account: AmazonAccount, status: str, fields: dict[str, Any], said: str
) -> None:
    with across_sellers("test"):
        AmazonAccount.objects.update(status=status)
        OrderReading.objects.create(seller=seller, account=account, next_at=NOW, **fields)
    page = text(alice.get(LIST))
    assert said in page and ": old" not in page


def test_the_list_says_what_was_left_out_and_which_report_did_not_come(
    alice: Client, seller: Seller, account: AmazonAccount
) -> None:
    trouble = {"report_trouble": "Amazon could not make this report", "report_again_at": NOW, "sold_elsewhere_at": NOW}
    with across_sellers("test"):
        OrderReading.objects.create(
            seller=seller, account=account, next_at=NOW, last_read_at=NOW, unreadable=4, **trouble
        )
    page = text(alice.get(LIST))
    assert "Some others could not be read" in page  # one order, perhaps, that was read four times
    assert "Amazon could not make this report. It is not asked for again before 23 Nov 2026, 12:00 UTC" in page
    assert "Orders of your other shops, which Amazon only ships, are left out" in page


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    assert "Connect your Amazon account" in text(alice.get(LIST))


def test_the_export_has_the_same_orders_as_the_filtered_list(alice: Client, account: AmazonAccount) -> None:
    wanted = make_order(account, status="cancelled")
    make_order(account)
    make_order(make_account(make_seller("Mallory's shop")), status="cancelled")

    header, *rows = rows_of(alice.get(reverse("orders_export"), {"status": "cancelled"}))

    assert header[0] == "Order"
    assert [row[0] for row in rows] == [wanted.amazon_order_id]


def test_no_cell_of_the_export_is_a_formula(alice: Client, account: AmazonAccount) -> None:
    order = make_order(account)
    with across_sellers("test"):
        order.items.update(quantity=1, title="x")
        order.items.create(seller_id=order.seller_id, amazon_item_id="2", title="=1+1", quantity=1)
    make_message(order, status=Status.REFUSED, reason="=cmd()")

    rows = rows_of(alice.get(reverse("orders_export")))

    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_long_list_costs_no_more_queries_than_a_short_one(
    alice: Client, seller: Seller, account: AmazonAccount
) -> None:
    make_campaigns(seller)
    for _ in range(2):
        make_message(make_order(account))
    plan_stale(now=NOW)
    counted = queries_of(alice)
    for _ in range(8):
        make_message(make_order(account))
    plan_stale(now=NOW)

    assert queries_of(alice) == counted


def queries_of(client: Client) -> int:
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(LIST).status_code == 200
    return len(queries)


def test_an_order_is_found_from_every_page_whatever_stands_around_its_number(
    alice: Client, mallory: Client, account: AmazonAccount
) -> None:
    order = make_order(account, amazon_order_id="111-7654321-7654321")
    assert "Find an order" in alice.get("/").content.decode()

    for words in ("111-7654321-7654321", " Order # 111-7654321-7654321, please ", "/o?o=111-7654321-7654321"):
        assert alice.get("/orders/find/", {"q": words}).headers["Location"] == f"/orders/{order.pk}/"
    for client, number in ((alice, "111-0000000-0000000"), (mallory, "111-7654321-7654321")):
        said = client.get("/orders/find/", {"q": number}, follow=True).content.decode()
        assert f"None of your orders has the number {number}" in said
    assert alice.get("/orders/find/", {"q": "green mug"}).headers["Location"] == "/orders/?q=green+mug"
