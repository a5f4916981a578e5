"""What a hostile review of the reading of orders found: each of these once stopped an account, or lost an order."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import lifecycle, reminding
from accounts.authorised import name_in_quotas, quotas
from accounts.health import AUTHORISED_FOR
from accounts.models import AccountMarketplace, AmazonAccount, Role
from amazon.client import AmazonClient
from amazon.errors import Unclear
from amazon.operations import Operation
from messaging import leaving
from messaging.senders import use_marketplace
from orders import changes, languages, naming, reports, sync
from orders.attention import orders_changed
from orders.models import AmazonReport, Order, OrderReading, OrderToRead
from tests.amazon.harness import Amazon, Json
from tests.makers import DE, IT, UK, make_account, make_connected_account, make_member, make_order, make_seller

pytestmark = pytest.mark.usefixtures("all_sellers")
EVERY = timedelta(minutes=3)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account(marketplace_ids=[IT, DE])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def read(account: AmazonAccount, now: datetime) -> int:
    sync.accounts_to_read(now=now)
    quotas()._redis.flushdb()
    return sync.read_account(account.pk, every=EVERY, now=now)


def test_a_marketplace_that_the_seller_has_left_is_not_asked_about_after_connecting_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    AccountMarketplace.objects.create(account=account, seller_id=account.seller_id, marketplace_id=UK)
    simulated_amazon.order(theirs)
    assert read(account, now) == 0 and OrderReading.objects.get().trouble == sync.NO_ACCESS
    lifecycle.connect_account(
        account.seller,
        region=account.region,  # type: ignore[arg-type]
        selling_partner_id=account.selling_partner_id,
        refresh_token=account.refresh_token,
        stores=[(IT, "x" * 500), (DE, "Lago")],
        now=now,
    )
    assert read(account, now + timedelta(hours=1)) == 1
    assert AccountMarketplace.objects.get(marketplace_id=UK).is_used is False
    assert len(AccountMarketplace.objects.get(marketplace_id=IT).store_name) == 120


def test_a_marketplace_that_is_switched_on_while_amazon_answers_is_read_from_the_beginning(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = AccountMarketplace.objects.get(account=account, marketplace_id=DE)
    use_marketplace(place, False, now=now)
    simulated_amazon.orders(theirs, [{"marketplace_id": IT}, {"marketplace_id": DE}])
    assert read(account, now) == 1
    wise = AmazonClient.search_orders

    def slow(self: AmazonClient, **asked: Any) -> Any:
        page = wise(self, **asked)
        use_marketplace(place, True, now=now)
        return page

    with monkeypatch.context() as patch:
        patch.setattr(AmazonClient, "search_orders", slow)
        read(account, OrderReading.objects.get().next_at)
    for _ in range(3):
        read(account, OrderReading.objects.get().next_at)
    assert Order.objects.count() == 2


def test_orders_are_locked_before_their_reading_whoever_changes_both(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    known = simulated_amazon.order(theirs, marketplace_id=IT)
    read(account, now)
    place = AccountMarketplace.objects.get(account=account, marketplace_id=IT)
    use_marketplace(place, False, now=now)
    with CaptureQueriesContext(connection) as asked:
        use_marketplace(place, True, now=now)
    tables = [re.findall(r'^UPDATE "(orders_\w+)"', query["sql"]) for query in asked.captured_queries]
    assert [name for [name] in filter(None, tables)] == ["orders_order", "orders_orderreading"]

    Order.objects.update(status="pending", last_updated_at=now - timedelta(days=40))  # so that one changes, one is new
    simulated_amazon.order(theirs, marketplace_id=IT)
    counted: list[int] = []

    def follow(**_told: Any) -> None:
        counted.append(OrderReading.objects.get().orders_read)

    orders_changed.connect(follow)
    try:
        read(account, OrderReading.objects.get().next_at)
    finally:
        orders_changed.disconnect(follow)
    assert counted == [1] and OrderReading.objects.get().orders_read == 2
    assert Order.objects.get(amazon_order_id=known["order_id"]).status != "pending"


def test_one_order_that_cannot_be_read_holds_up_no_other(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [each["order_id"] for each in simulated_amazon.orders(theirs, [{} for _ in range(5)])]
    wise = AmazonClient.get_order

    def stumbles(self: AmazonClient, order_id: str) -> Any:
        if order_id == made[0]:
            raise Unclear("the order cannot be read")
        return wise(self, order_id)

    monkeypatch.setattr(AmazonClient, "get_order", stumbles)
    naming.name_orders(account, made, due_at=now, now=now)
    assert naming.read_named(account.pk, now=now) == 4
    assert OrderToRead.objects.get().amazon_order_id == made[0]


def test_waiting_for_the_quota_is_no_attempt(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    made = [each["order_id"] for each in simulated_amazon.orders(theirs, [{} for _ in range(3)])]
    naming.name_orders(account, made, due_at=now, now=now)
    for hour in range(5):
        quotas().drain(name_in_quotas(account.pk), Operation.GET_ORDER)
        naming.read_named(account.pk, now=now + timedelta(hours=hour))
    assert sum(OrderToRead.objects.values_list("attempts", flat=True)) <= 5 + 3


def test_a_token_that_no_key_opens_is_said_and_stops_nobody_else(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, settings: Any
) -> None:
    simulated_amazon.order(theirs)
    AmazonAccount.objects.filter(pk=account.pk).update(refresh_token_sealed=b"by a key that is gone")
    sound = make_connected_account(make_seller("Sound shop"), simulated_amazon.account(marketplace_ids=[IT]))
    assert read(account, now) == 0
    reading = OrderReading.objects.get(account=account)
    assert reading.trouble == sync.CANNOT_OPEN and reading.next_at > now
    changes.subscribe_due(now=now)
    assert OrderReading.objects.get(account=sound).subscription_id
    reports.want(account, AmazonReport.Kind.FEEDBACK, (now - timedelta(days=1), now), now=now)
    reports.work_on(AmazonReport.objects.get().pk, now=now)
    naming.name_orders(account, ["171-1234567-7654321"], due_at=now, now=now)
    assert naming.read_named(account.pk, now=now) == 0 and OrderToRead.objects.count() == 1
    make_order(account, language_due_at=now)
    assert languages.ask(account.pk, now=now) == 0


def test_an_account_that_was_erased_is_read_from_the_beginning_when_it_comes_back(
    account: AmazonAccount, now: datetime
) -> None:
    read(account, now)
    assert OrderReading.objects.get().read_until is not None
    leaving.disconnect(account, now=now)
    leaving.erase_disconnected(now=now + leaving.ERASED_AFTER)
    assert OrderReading.objects.get().read_until is None


def test_those_who_have_had_their_reminder_stand_in_nobodys_way(
    db: None, now: datetime, mailoutbox: list[EmailMessage]
) -> None:
    for number in range(4):
        seller = make_seller(f"Shop {number}")
        make_member(seller, Role.OWNER)
        age = AUTHORISED_FOR - timedelta(days=2 if number < 3 else 14)
        make_account(seller, authorised_at=now - age, reminded_days=3 if number < 3 else 30)
    assert reminding.remind(now=now, limit=2) == 1
