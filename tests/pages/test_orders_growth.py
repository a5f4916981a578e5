"""A long list costs no more queries than a short one: the lists of messages, entries and notices."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AmazonAccount, Seller
from messaging.models import Status
from tests.makers import alias, make_account, make_message, make_notice, make_order, suppress


def add_rows(seller: Seller, account: AmazonAccount, *, number: int) -> None:
    for _ in range(number):
        order = make_order(account, buyer=alias())
        make_message(order)
        make_message(make_order(account), status=Status.SENT)
        suppress(order)
        make_notice(seller, order_id=order.pk)


@pytest.mark.parametrize("address", ["/scheduling/", "/history/", "/opt-outs/", "/opt-outs/notices/", "/orders/"])
def test_the_queries_of_a_list_do_not_grow_with_it(alice: Client, seller: Seller, address: str) -> None:
    account = make_account(seller)
    add_rows(seller, account, number=2)
    few = queries_of(alice, address)
    add_rows(seller, account, number=8)

    assert queries_of(alice, address) == few <= 25


def queries_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)
