"""Reading orders from the simulated Amazon: page by page, again after a crash, and whatever goes wrong in between."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection, transaction

from accounts import lifecycle
from accounts.authorised import name_in_quotas, quotas
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.operations import Operation
from amazon.values import OrdersPage
from orders import naming, reports, sync
from orders.models import AmazonReport, Order, OrderReading
from tests.amazon.harness import Amazon, Json
from tests.makers import DE, IT, connect_again, make_connected_account, make_seller

SEARCH = "searchOrders"
EVERY = timedelta(minutes=5)

pytestmark = pytest.mark.usefixtures("all_sellers")


@pytest.fixture
def now() -> datetime:
    """The simulator's clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account(marketplace_ids=[IT, DE])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def read(account: AmazonAccount, now: datetime) -> int:
    """What the timetable does."""
    if account.pk not in sync.accounts_to_read(now=now):
        return 0
    return sync.read_account(account.pk, every=EVERY, now=now)


def reading_of(account: AmazonAccount) -> OrderReading:
    return OrderReading.objects.get(account=account)


def searches(amazon: Amazon) -> list[dict[str, list[str]]]:
    """What was asked of searchOrders, call by call."""
    return [parse_qs(call["query"].lstrip("?")) for call in amazon.calls(SEARCH)]


def test_an_order_counts_once_however_often_and_by_whatever_way_it_is_read(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.do("reports", seconds=0)
    first, *_ = simulated_amazon.orders(theirs, [{} for _ in range(3)])
    for turn in range(3):
        OrderReading.objects.update(next_at=now)
        sync.accounts_to_read(now=now + turn * EVERY)
        sync.read_account(account.pk, every=EVERY, now=now + turn * EVERY)
    assert reading_of(account).orders_read == 3

    fourth = simulated_amazon.order(theirs)
    naming.name_orders(account, [first["order_id"], fourth["order_id"]], due_at=now, now=now)
    assert naming.read_named(account.pk, now=now) == 2
    simulated_amazon.order(theirs)
    reports.want(account, AmazonReport.Kind.ORDERS, (now - timedelta(days=29), now), now=now)
    for hour in range(5):
        for pk in reports.due(now=now + timedelta(hours=hour)):
            reports.work_on(pk, now=now + timedelta(hours=hour))
    assert reading_of(account).orders_read == Order.objects.count() == 5


def test_the_progress_of_a_first_reading_goes_by_the_changes_that_have_come(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(
        theirs, [{"updated_at": now - timedelta(days=40, hours=-1) + timedelta(hours=4 * n)} for n in range(220)]
    )
    with monkeypatch.context() as dying, pytest.raises(Crash):
        crash_at_page(3, dying)
        read(account, now)
    assert 0.80 < reading_of(account).share_of_window < 0.86  # 200 of 220 changes over 37 of 40 days
    read(account, now + 2 * sync.LEASE)
    assert reading_of(account).share_of_window == 0 and reading_of(account).window_at is None


class Crash(Exception):
    """The worker dies."""


def crash_at_page(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die with this page in hand, before anything of it is stored."""
    store, pages = sync.store_page, iter(range(1, 100))

    def dying(*given: Any, **more: Any) -> int:
        if next(pages) == number:
            raise Crash
        return store(*given, **more)

    monkeypatch.setattr(sync, "store_page", dying)


def test_the_first_reading_brings_forty_days_over_all_pages(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(250)])
    assert read(account, now) == 250
    assert Order.objects.count() == 250 and len(searches(simulated_amazon)) == 3
    reading = reading_of(account)
    assert (reading.trouble, reading.orders_read, reading.unreadable) == ("", 250, 0)
    assert reading.last_read_at == now and now < reading.next_at <= now + EVERY and reading.leased_until is None
    assert reading.window_from is None and reading.read_until is not None
    assert timedelta(minutes=1) < now - reading.read_until < timedelta(minutes=3)
    assert all(order.alias and order.items.count() == 1 for order in Order.objects.all()[:5])


def test_the_next_reading_brings_what_changed_and_looks_back_a_little(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    [known, _] = simulated_amazon.orders(theirs, [{"status": "UNSHIPPED", "package_status": ""}, {}])
    read(account, now)
    before = reading_of(account).read_until
    assert before is not None
    simulated_amazon.order(
        theirs, order_id=known["order_id"], buyer={"alias": known["alias"]}, updated_at=now - timedelta(minutes=5)
    )  # the change surfaces late: it lies before the instant up to which all was read
    assert read(account, now + EVERY) == 1
    assert Order.objects.get(amazon_order_id=known["order_id"]).status == Order.Status.SHIPPED
    asked = searches(simulated_amazon)[-1]["lastUpdatedAfter"][0]
    assert datetime.fromisoformat(asked) == before - sync.OVERLAP
    assert Order.objects.count() == 2 and not read(account, now + EVERY)  # not due again yet


def test_after_a_crash_the_reading_goes_on_where_it_stopped(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(250)])
    with monkeypatch.context() as dying, pytest.raises(Crash):
        crash_at_page(3, dying)
        read(account, now)
    reading = reading_of(account)
    assert Order.objects.count() == 200 and reading.next_token
    assert reading.read_until is None and reading.last_read_at is None  # a window is closed only with its last page

    assert read(account, now + timedelta(minutes=1)) == 0  # the dead worker's lease still holds
    assert read(account, now + 2 * sync.LEASE) == 50
    assert Order.objects.count() == 250 and reading_of(account).read_until is not None
    asked = searches(simulated_amazon)
    assert len(asked) == 4 and len({search["lastUpdatedAfter"][0] for search in asked}) == 1
    assert asked[2]["paginationToken"] == asked[3]["paginationToken"]


def test_a_token_that_is_too_old_begins_the_window_anew(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])
    with monkeypatch.context() as dying, pytest.raises(Crash):
        crash_at_page(2, dying)
        read(account, now)
    assert read(account, now + timedelta(hours=23, seconds=1)) == 150
    assert "paginationToken" not in searches(simulated_amazon)[2] and Order.objects.count() == 150


def test_a_token_that_amazon_does_not_take_begins_the_window_anew(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])
    with monkeypatch.context() as dying, pytest.raises(Crash):
        crash_at_page(2, dying)
        read(account, now)
    AccountMarketplace.objects.filter(account=account, marketplace_id=DE).update(is_used=False)  # another question now

    later = now + 2 * sync.LEASE
    assert read(account, later) == 0 and reading_of(account).trouble == sync.NO_ANSWER
    assert read(account, later + sync.AFTER_TROUBLE) == 150
    assert reading_of(account).trouble == "" and Order.objects.count() == 150


def test_a_429_only_delays(simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime) -> None:
    simulated_amazon.order(theirs)
    simulated_amazon.fault(SEARCH, "throttle")
    assert read(account, now) == 0
    reading = reading_of(account)
    assert reading.trouble == "" and reading.leased_until is None and now < reading.next_at < now + timedelta(minutes=4)
    assert quotas().take(name_in_quotas(account.pk), Operation.SEARCH_ORDERS) > timedelta(minutes=1)

    quotas()._redis.flushdb()  # the time that our count would wait
    assert read(account, reading.next_at) == 1


def test_a_quota_that_is_used_up_is_waited_for_and_the_window_stays_open(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])
    quotas().take(name_in_quotas(account.pk), Operation.SEARCH_ORDERS, n=19)
    assert read(account, now) == 100
    reading = reading_of(account)
    assert reading.next_token and reading.trouble == "" and reading.next_at > now
    quotas()._redis.flushdb()
    assert read(account, reading.next_at) == 50
    assert len(simulated_amazon.calls(SEARCH)) == 2


@pytest.mark.parametrize("fault", ["html503", "cut", "cut_after", "forbidden"])
def test_trouble_at_amazon_is_said_and_tried_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, fault: str
) -> None:
    simulated_amazon.order(theirs)
    simulated_amazon.fault(SEARCH, fault)
    assert read(account, now) == 0
    reading = reading_of(account)
    assert reading.trouble == sync.NO_ANSWER and reading.next_at == now + sync.AFTER_TROUBLE
    assert read(account, reading.next_at) == 1
    assert reading_of(account).trouble == ""


def test_an_account_in_lasting_trouble_is_asked_less_and_less_often(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.fault(SEARCH, "html503", times=6)
    pauses = []
    for _ in range(6):
        read(account, now)
        pauses.append(reading_of(account).next_at - now)
        now = reading_of(account).next_at
    assert pauses == [timedelta(minutes=minutes) for minutes in (2, 4, 8, 16, 32, 32)]
    simulated_amazon.order(theirs)
    assert read(account, now) == 1 and reading_of(account).failures == 0


def test_the_schedule_does_not_slip(simulated_amazon: Amazon, account: AmazonAccount, now: datetime) -> None:
    read(account, now)
    beat = reading_of(account).next_at
    read(account, beat + timedelta(seconds=40))  # the worker was busy
    assert abs(reading_of(account).next_at - (beat + EVERY)) < timedelta(seconds=0.001)


def test_accounts_that_begin_at_one_moment_are_read_at_many() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    beats = sorted(sync._next_beat(pk, every=EVERY, now=now) for pk in range(1, 301))
    gaps = [later - earlier for earlier, later in zip(beats, beats[1:], strict=False)]
    assert max(gaps) < timedelta(seconds=3) and now < beats[0] <= beats[-1] <= now + EVERY


def test_trouble_in_the_middle_keeps_what_was_read(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])
    simulated_amazon.quota(SEARCH, 0.0056, 1)  # the second page meets a 429
    assert read(account, now) == 100
    assert Order.objects.count() == 100 and reading_of(account).next_token


def test_a_lost_authorisation_stops_the_account_and_is_said(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.do("revocations", selling_partner_id=theirs["selling_partner_id"])
    assert read(account, now) == 0
    account.refresh_from_db()
    assert account.status == AmazonAccount.Status.REVOKED
    assert reading_of(account).trouble == sync.NO_AUTHORISATION
    assert sync.accounts_to_read(now=now + timedelta(days=1)) == []
    assert sync.read_account(account.pk, every=EVERY, now=now + timedelta(days=1)) == 0


def test_an_account_without_a_marketplace_in_use_asks_nothing(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    AccountMarketplace.objects.filter(account=account).update(is_used=False)
    assert read(account, now) == 0
    assert reading_of(account).trouble == sync.NO_MARKETPLACE and simulated_amazon.calls() == []


def test_a_marketplace_that_is_not_in_use_is_not_read(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    AccountMarketplace.objects.filter(account=account, marketplace_id=DE).update(is_used=False)
    simulated_amazon.orders(theirs, [{"marketplace_id": IT}, {"marketplace_id": DE}])
    assert read(account, now) == 1
    assert Order.objects.get().marketplace_id == IT


def test_a_marketplace_that_comes_with_another_connection_is_read_from_the_beginning(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    account.marketplaces.filter(marketplace_id=DE).delete()  # as long as the seller did not sell there
    old = now - timedelta(days=9)
    simulated_amazon.orders(theirs, [{"marketplace_id": place, "updated_at": old} for place in (IT, DE)])
    assert read(account, now) == 1
    connect_again(account, theirs, now=now)
    assert read(account, now + EVERY) == 2 and reading_of(account).read_until is not None
    assert Order.objects.filter(marketplace_id=DE).exists()
    assert read(account, now + 2 * EVERY) == 0  # and then as always


def test_a_marketplace_that_the_account_has_no_right_to_is_said(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    AccountMarketplace.objects.create(account=account, seller_id=account.seller_id, marketplace_id="A1F83G8C2ARO7P")
    assert read(account, now) == 0
    assert reading_of(account).trouble == sync.NO_ACCESS


def test_the_alias_comes_only_with_the_role_for_it_and_only_where_the_merchant_ships(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    mine, amazons = simulated_amazon.orders(theirs, [{}, {"fulfilled_by": "AMAZON"}])
    read(account, now)
    assert Order.objects.get(amazon_order_id=mine["order_id"]).alias == mine["alias"]
    theirs_to_ship = Order.objects.get(amazon_order_id=amazons["order_id"])
    assert theirs_to_ship.alias is None and theirs_to_ship.alias_key is None

    without_role = simulated_amazon.account(marketplace_ids=[IT], has_restricted_role=False)
    other = make_connected_account(make_seller("Mallory's shop"), without_role)
    simulated_amazon.order(without_role)
    assert read(other, now) == 1
    assert Order.objects.get(account=other).alias_key is None


def test_each_account_reads_its_own_orders_only(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    foreign = simulated_amazon.account(marketplace_ids=[IT])
    other = make_connected_account(make_seller("Mallory's shop"), foreign)
    simulated_amazon.order(theirs)
    simulated_amazon.orders(foreign, [{}, {}])
    assert sync.accounts_to_read(now=now) == [account.pk, other.pk]
    assert sync.accounts_to_read(now=now) == []  # both have been called for a moment ago
    assert [sync.read_account(each.pk, every=EVERY, now=now) for each in (account, other)] == [1, 2]
    assert Order.objects.filter(seller=account.seller).count() == 1


def test_two_workers_at_once_read_once(
    simulated_amazon: Amazon, theirs: Json, now: datetime, transactional_db: None
) -> None:
    account = make_connected_account(make_seller(), theirs)
    simulated_amazon.orders(theirs, [{} for _ in range(20)])
    with across_sellers("test"):
        sync.accounts_to_read(now=now)
    start, stored = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        try:
            stored.append(sync.read_account(account.pk, every=EVERY, now=now))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored) == [0, 0, 0, 20] and len(simulated_amazon.calls(SEARCH)) == 1


def test_a_worker_that_waited_for_another_ones_lease_sees_it(
    simulated_amazon: Amazon, theirs: Json, now: datetime, transactional_db: None
) -> None:
    account = make_connected_account(make_seller(), theirs)
    stored: list[int] = []

    def work() -> None:
        try:
            stored.append(sync.read_account(account.pk, every=EVERY, now=now))
        finally:
            connection.close()

    second = threading.Thread(target=work)
    with across_sellers("test"):
        sync.accounts_to_read(now=now)
        with transaction.atomic():
            OrderReading.objects.filter(account=account).update(leased_until=now + sync.LEASE)
            second.start()
            simulated_amazon.wait_for(is_anybody_waiting)
        second.join()
    assert stored == [0] and simulated_amazon.calls(SEARCH) == []


def slow_pages(monkeypatch: pytest.MonkeyPatch, each: timedelta, meanwhile: Callable[[timedelta], object]) -> None:
    """Every page takes so long; `meanwhile` is told how long the reading has taken when one has come."""
    store, passed = sync.store_page, [timedelta()]

    def slowly(*given: Any, **more: Any) -> int:
        passed[0] += each
        meanwhile(passed[0])
        return store(*given, **more)

    monkeypatch.setattr(sync, "store_page", slowly)
    monkeypatch.setattr(sync, "monotonic", lambda: passed[0].total_seconds())
    monkeypatch.setattr(sync, "LONGEST_TURN", timedelta(hours=1))


def test_a_long_reading_stays_with_its_worker(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(250)])
    others: list[int] = []

    def come_too(passed: timedelta) -> None:
        others.append(sync.read_account(account.pk, every=EVERY, now=now + passed))

    slow_pages(monkeypatch, timedelta(minutes=4), come_too)
    assert read(account, now) == 250
    assert others == [0, 0, 0] and len(searches(simulated_amazon)) == 3
    assert reading_of(account).leased_until is None


def test_a_worker_that_has_lost_its_lease_leaves_the_account_to_the_other(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(250)])
    theirs_until = now + timedelta(hours=1)

    def take(passed: timedelta) -> None:
        if passed == timedelta(minutes=6):
            OrderReading.objects.update(leased_until=theirs_until, next_token="the other's")

    slow_pages(monkeypatch, timedelta(minutes=6), take)
    assert read(account, now) == 100  # what came is kept: of two readings the newer wins
    reading = reading_of(account)
    assert (reading.leased_until, reading.next_token) == (theirs_until, "the other's")
    assert reading.next_at <= now and len(searches(simulated_amazon)) == 1


def test_a_reading_ends_where_the_account_is_disconnected_meanwhile(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(250)])
    slow_pages(monkeypatch, timedelta(seconds=1), lambda passed: lifecycle.disconnect(account, now=now))
    assert read(account, now) == 100 and len(searches(simulated_amazon)) == 1
    assert reading_of(account).leased_until is None  # whoever connects it again need not wait


def test_an_account_in_trouble_is_read_at_once_when_it_is_connected_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    AmazonAccount.objects.update(refresh_token_sealed=b"of a key that nobody has any more")
    read(account, now)
    assert reading_of(account).trouble == sync.CANNOT_OPEN
    soon = now + timedelta(minutes=1)
    assert sync.accounts_to_read(now=soon) == []
    connect_again(account, theirs, now=soon, store="")
    assert read(account, soon) == 1 and reading_of(account).trouble == ""
    assert AmazonAccount.objects.get().store_name == "Alice's shop"  # Amazon said none


def test_a_long_reading_gives_the_others_their_turn_and_is_due_at_once(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])
    with monkeypatch.context() as slow:
        slow_pages(slow, timedelta(seconds=61), lambda passed: None)
        slow.setattr(sync, "LONGEST_TURN", timedelta(minutes=1))
        assert read(account, now) == 100
    reading = reading_of(account)
    assert reading.next_at == now and reading.leased_until is None and reading.next_token
    assert read(account, now + sync.RING_AGAIN) == 50


def is_anybody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where not granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("said", [None, datetime(2100, 1, 1, tzinfo=UTC)])
def test_a_page_that_says_no_sound_instant_moves_the_watermark_no_further_than_is_sure(
    account: AmazonAccount, now: datetime, said: datetime | None
) -> None:
    reading = OrderReading.objects.create(account=account, seller_id=account.seller_id, next_at=now, window_from=now)
    sync.store_page(reading, OrdersPage((), "two", said), now=now)
    assert reading.read_until is None
    later = now + timedelta(minutes=3)
    sync.store_page(reading, OrdersPage((), None, said), now=later)  # by the first page: the others may be younger
    assert reading.read_until == (now if said else now - timedelta(minutes=2)) and reading.window_from is None
