"""What is forgotten when: by the clock, without touching the ledger and the list."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import Message
from optouts.models import Suppression
from orders import retention, sync
from orders.models import Order, OrderReading
from orders.storing import store_orders
from tests.makers import NOW, alias, make_account, make_message, make_order, make_seller, make_user, suppress
from tests.orders.amazon_json import ORDER, a_page, an_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
BOUGHT = NOW - retention.KEPT


def test_after_eighteen_months_only_the_bare_row_is_left() -> None:
    account = make_account(make_seller())
    order = make_order(
        account, buyer=alias(), purchased_at=BOUGHT, total_amount="9.90", currency="EUR", programs=["PRIME"],
        language="it-IT", feedback_rating=1, returned_at=NOW, refunded_at=NOW, destination_country="IT",
    )  # fmt: skip
    young = make_order(account, purchased_at=BOUGHT + timedelta(seconds=1))
    assert retention.strip_old(now=NOW) == 1 and retention.strip_old(now=NOW) == 0
    order.refresh_from_db()
    assert order.items.count() == 0 and order.amazon_order_id and order.order_key
    assert (order.total_amount, order.currency, order.programs, order.language) == (None, "", [], "")
    assert (order.alias, order.alias_key, order.feedback_rating, order.returned_at) == (None, None, None, None)
    assert (order.refunded_at, order.destination_country, order.replan_at) == (None, "", None)
    assert young.items.count() == 1


def test_the_ledger_and_the_list_stay() -> None:
    order = make_order(make_account(make_seller()), buyer=alias(), purchased_at=BOUGHT)
    message = make_message(order)
    suppress(order)
    before = Suppression.objects.count()
    retention.strip_old(now=NOW)
    assert Message.objects.get(order=order) == message and Suppression.objects.count() == before > 0


def test_a_stripped_order_takes_nothing_in_again() -> None:
    account = make_account(make_seller())
    make_order(account, amazon_order_id=ORDER, purchased_at=BOUGHT)
    retention.strip_old(now=NOW)
    store_orders(account, a_page(an_order(lastUpdatedTime="2099-01-01T00:00:00Z")).orders, now=NOW)  # type: ignore[arg-type]
    assert Order.objects.get().items.count() == 0 and Order.objects.get().alias is None


def test_operators_see_how_many_aliases_are_held_and_which_are_late() -> None:
    account = make_account(make_seller())
    for days in (40, 3):
        make_order(account, buyer=alias(), delivered_at=NOW - timedelta(days=days))
    held = retention.held(now=NOW)
    assert (held.aliases, held.overdue, held.next_purge_at) == (2, 1, NOW - timedelta(days=10))
    sync.purge(now=NOW)
    held = retention.held(now=NOW)
    assert (held.aliases, held.overdue) == (1, 0)


def test_the_figure_is_on_the_operators_page(client: Client) -> None:
    make_order(make_account(make_seller()), buyer=alias())
    client.force_login(
        make_user(is_staff=True, is_superuser=True), "allauth.account.auth_backends.AuthenticationBackend"
    )
    page = client.get(reverse("admin:orders_order_changelist"), follow=True)
    assert page.status_code == 200
    assert "1 buyers' aliases" in page.text.replace("&#x27;", "'")
    for name in ("amazonreport", "ordertoread", "changenotice"):
        assert client.get(reverse(f"admin:orders_{name}_changelist")).status_code == 200


@pytest.mark.parametrize(
    ("notified", "reported", "source"),
    [
        (None, None, OrderReading.Source.POLLING),
        (2, None, OrderReading.Source.QUEUE),
        (2, 1, OrderReading.Source.REPORT),
        (48, 48, OrderReading.Source.POLLING),
    ],
)
def test_the_source_of_an_account_is_what_came_last(
    notified: int | None, reported: int | None, source: OrderReading.Source
) -> None:
    account = make_account(make_seller())
    reading = OrderReading(account=account, seller=account.seller, next_at=NOW, last_read_at=NOW)
    reading.notified_at = NOW - timedelta(hours=notified) if notified else None
    reading.reported_at = NOW - timedelta(hours=reported) if reported else None
    assert reading.source == source and reading.freshest_at == NOW
