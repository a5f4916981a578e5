"""Amazon's bad days, as `AMAZON.md` 1.0 to 1.3 and 3.4 tell of them, seen from the reading of orders."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.authorised import quotas
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from orders import sync, upserting
from orders.models import Order, OrderReading
from tests.amazon.harness import Amazon, Json
from tests.makers import IT, make_connected_account, make_seller

pytestmark = pytest.mark.usefixtures("all_sellers")
SEARCH = "searchOrders"
EVERY = timedelta(minutes=3)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account(marketplace_ids=[IT])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def read(account: AmazonAccount, now: datetime) -> int:
    sync.accounts_to_read(now=now)
    return sync.read_account(account.pk, every=EVERY, now=now)


def test_a_storm_of_429s_is_no_trouble_of_the_sellers(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    simulated_amazon.fault(SEARCH, "throttle", times=10)
    for _ in range(10):
        assert read(account, now) == 0
        reading = OrderReading.objects.get()
        assert reading.trouble == "" and reading.failures == 0
        assert timedelta(minutes=1) < reading.next_at - now < timedelta(minutes=4)  # one call's time, no hammering
        quotas()._redis.flushdb()
        now = reading.next_at
    assert read(account, now) == 1


def test_an_outage_of_the_login_is_trouble_that_passes_and_revokes_nobody(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    for fault in ("html503", "cut", "forbidden"):
        simulated_amazon.fault("token", fault)
        assert read(account, now) == 0
        account.refresh_from_db()
        assert account.status == AmazonAccount.Status.CONNECTED
        assert OrderReading.objects.get().trouble == sync.NO_ANSWER
        now += timedelta(hours=1)
    assert read(account, now) == 1 and OrderReading.objects.get().trouble == ""
    assert len(simulated_amazon.calls(SEARCH)) == 1  # without a token nothing was sent


def test_a_slow_answer_is_an_answer(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    simulated_amazon.fault(SEARCH, "slow", seconds=1)
    assert read(account, now) == 1


def test_one_slow_account_does_not_delay_another(
    simulated_amazon: Amazon, theirs: Json, now: datetime, transactional_db: None
) -> None:
    slow = make_connected_account(make_seller("Slow shop"), theirs)
    swift = make_connected_account(make_seller("Swift shop"), simulated_amazon.account(marketplace_ids=[IT]))
    with across_sellers("test"):
        assert len(sync.accounts_to_read(now=now)) == 2
    simulated_amazon.fault(SEARCH, "slow", seconds=4)

    def hang() -> None:
        try:
            sync.read_account(slow.pk, every=EVERY, now=now)
        finally:
            connection.close()

    hanging = threading.Thread(target=hang)
    hanging.start()
    time.sleep(0.7)  # its request is on the way
    began = time.monotonic()
    sync.read_account(swift.pk, every=EVERY, now=now)
    assert time.monotonic() - began < 2.5 and hanging.is_alive()
    with across_sellers("test"):
        assert OrderReading.objects.get(account=swift).last_read_at == now
    hanging.join()


def test_one_account_that_fails_takes_no_turn_from_the_others(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    others = [
        make_connected_account(make_seller(f"Shop {number}"), simulated_amazon.account(marketplace_ids=[IT]))
        for number in range(3)
    ]
    simulated_amazon.do("revocations", selling_partner_id=theirs["selling_partner_id"])
    for account_id in sync.accounts_to_read(now=now):
        sync.read_account(account_id, every=EVERY, now=now)
    assert OrderReading.objects.filter(account__in=others, last_read_at=now).count() == 3


@pytest.mark.parametrize(
    "title",
    ["<script>alert(1)</script> & <b>bold</b>", "🎉🧵 Tè verde ☕", "x" * 2000, "\u202eevil\u0007 bell", "nul\0nul"],
    ids=["html", "emoji", "2000", "controls", "nul"],
)
def test_a_strange_title_is_stored_as_amazon_sent_it(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, title: str
) -> None:
    simulated_amazon.order(theirs, items=[{"title": title}])
    assert read(account, now) == 1
    [item] = Order.objects.get().items.all()
    assert item.title == title.replace("\0", "")


def _before(function: Callable[..., Any]) -> Callable[..., Any]:
    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    return dies


def _after(function: Callable[..., Any]) -> Callable[..., Any]:
    def dies(*given: Any, **more: Any) -> None:
        function(*given, **more)
        raise KeyboardInterrupt

    return dies


@pytest.mark.parametrize("when", [_before, _after], ids=["before", "after"])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        (sync, "_open_window"),
        (sync, "_next_page"),
        (sync, "store_page"),
        (sync, "store_orders"),
        (upserting, "upsert_orders"),
        (upserting, "upsert_items"),
        (sync, "_finish"),
    ],
    ids=["window", "ask", "page", "orders", "rows", "items", "finish"],
)
def test_a_worker_may_die_between_any_two_steps(
    simulated_amazon: Amazon,
    theirs: Json,
    account: AmazonAccount,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    when: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(120)])
    with monkeypatch.context() as death, pytest.raises(KeyboardInterrupt):
        death.setattr(place, name, when(getattr(place, name)))
        read(account, now)
    reading = OrderReading.objects.get()
    if reading.read_until is not None:
        assert Order.objects.count() == 120  # a window is closed only when its last page is stored
    later = max(now + 2 * sync.LEASE, reading.next_at)
    read(account, later)
    reading.refresh_from_db()
    assert Order.objects.count() == 120 and all(order.items.count() == 1 for order in Order.objects.all()[:10])
    assert reading.read_until is not None and reading.window_from is None and reading.leased_until is None
