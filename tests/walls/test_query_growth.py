"""The number of queries of a page does not grow with the number of its rows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from campaigns import planning
from messaging.models import Message, Status
from optouts import gate, intake
from optouts.gate import Buyer, Proof, Reach
from orders.models import Order
from tests.makers import NOW, alias, make_account, make_address, make_campaigns, make_member, make_order, make_seller

pytestmark = pytest.mark.django_db

LISTS = [
    "dashboard", "campaigns", "letters", "exclusions", "exclusions_export",
    "orders", "orders_export", "scheduling", "scheduling_export", "history",
    "history_export", "optouts", "optouts_export", "notices", "notices_export", "senders", "settings", "set_up",
]  # fmt: skip


def add_rows(account: AmazonAccount, number: int) -> None:
    """As many coming, sent and suppressed messages, entries, notices and orders."""
    with across_sellers("test"):
        for step in range(number):
            for status in (Status.SCHEDULED, Status.SENT, Status.SUPPRESSED):
                order = make_order(account, buyer=alias())
                planning.plan_stale(now=NOW)
                Message.objects.filter(order=order).update(status=status)
            buyer = Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)
            gate.suppress(buyer, Proof(f"notice {order.pk}", gate.OPTED_OUT, "A1"), reach=Reach.SELLER, now=NOW)
            raw = f"From: a@b.example\r\n\r\n{order.pk} {step}\r\n".encode()
            intake.receive(make_address(account.seller), raw, now=NOW)


def queries_of(client: Client, name: str, **kwargs: int) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(reverse(name, kwargs=kwargs))
        response.getvalue()  # what is streamed asks while it is read
    assert response.status_code == 200, name
    return len(captured)


def test_no_list_asks_more_for_more_rows() -> None:
    seller = make_seller()
    account = make_account(seller)
    make_campaigns(seller)
    client = Client()
    client.force_login(make_member(seller), "allauth.account.auth_backends.AuthenticationBackend")
    add_rows(account, 2)
    for name in LISTS:  # caches and sessions warm up
        queries_of(client, name)
    few = {name: queries_of(client, name) for name in LISTS}
    add_rows(account, 8)
    many = {name: queries_of(client, name) for name in LISTS}
    assert {name: (few[name], many[name]) for name in LISTS if many[name] > few[name]} == {}
    assert max(many.values()) <= 25, many


def test_the_page_of_an_order_asks_the_same_whatever_was_decided() -> None:
    seller = make_seller()
    account = make_account(seller)
    make_campaigns(seller)
    client = Client()
    client.force_login(make_member(seller), "allauth.account.auth_backends.AuthenticationBackend")
    orders = [make_order(account, buyer=alias()), make_order(account, status=Order.Status.CANCELLED)]
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
    queries_of(client, "order", pk=orders[0].pk)
    assert max(queries_of(client, "order", pk=order.pk) for order in orders) <= 34
