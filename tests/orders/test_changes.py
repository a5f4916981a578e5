"""Order changes from Amazon's queue: each taken once, none lost, none believed of a stranger."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.authorised import name_in_quotas, quotas
from accounts.models import AccountMarketplace, AmazonAccount
from amazon.errors import NotReached
from amazon.operations import Operation
from amazon.queue import ChangeQueue
from messaging import leaving
from orders import changes, naming, storing, tasks
from orders.models import AmazonReport, ChangeNotice, Order, OrderReading, OrderToRead
from tests.amazon.harness import Amazon, Json
from tests.makers import DE, IT, US, connect_again, make_account, make_connected_account, make_seller

pytestmark = pytest.mark.usefixtures("all_sellers")
Verdict = ChangeNotice.Verdict


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    return simulated_amazon.account(marketplace_ids=[IT, DE])


@pytest.fixture
def account(theirs: Json, db: None, now: datetime) -> AmazonAccount:
    account = make_connected_account(make_seller(), theirs)
    OrderReading.objects.create(account=account, seller_id=account.seller_id, next_at=now + timedelta(days=1))
    return account


@pytest.fixture
def queue(account: AmazonAccount) -> Any:
    opened = changes.open_queue()
    assert opened is not None
    yield opened
    opened.close()


def take_all(queue: ChangeQueue, now: datetime) -> int:
    taken = 0
    while count := changes.receive(queue, now=now):
        taken += count
    return taken


def waiting() -> list[str]:
    return list(OrderToRead.objects.order_by("pk").values_list("amazon_order_id", flat=True))


def test_a_change_is_read_from_amazon_within_one_ring(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    assert changes.subscribe_due(now=now) == 1
    order = simulated_amazon.order(theirs, updated_at=now - timedelta(hours=1))
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    assert take_all(queue, now) == 1 and waiting() == [order["order_id"]]
    assert naming.accounts_with_named(now=now) == [account.pk]
    assert naming.read_named(account.pk, now=now) == 1
    assert Order.objects.get().amazon_order_id == order["order_id"] and waiting() == []
    assert OrderReading.objects.get().notified_at == now
    assert simulated_amazon.read("queue")["messages"] == []  # deleted, for it is kept here


def test_a_ring_listens_for_a_moment_and_takes_what_comes_meanwhile(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs, updated_at=now - timedelta(hours=1))
    later = threading.Timer(0.5, lambda: simulated_amazon.do("order-changes", order_id=order["order_id"]))
    later.start()
    tasks.receive_changes()
    later.join()
    assert waiting() == [order["order_id"]] and simulated_amazon.read("queue")["messages"] == []


def test_subscribers_hear_of_what_happens_by_itself(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    changes.subscribe_due(now=now)
    order = simulated_amazon.order(theirs, updated_at=now + timedelta(seconds=1))
    simulated_amazon.wait_for(lambda: take_all(queue, now))
    assert waiting() == [order["order_id"]]


def test_the_same_notification_twice_is_taken_once(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs)
    for _ in range(2):
        simulated_amazon.do("order-changes", order_id=order["order_id"], notification_id="one")
    assert take_all(queue, now) == 2 and waiting() == [order["order_id"]]
    OrderToRead.objects.all().delete()
    simulated_amazon.do("order-changes", order_id=order["order_id"], notification_id="one")
    assert take_all(queue, now) == 1 and waiting() == []
    assert ChangeNotice.objects.count() == 1


def test_a_crash_before_the_commit_loses_no_change(
    simulated_amazon: Amazon,
    theirs: Json,
    account: AmazonAccount,
    queue: ChangeQueue,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = simulated_amazon.order(theirs)
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    with monkeypatch.context() as dying, pytest.raises(RuntimeError):
        dying.setattr(changes, "name_orders", _die)
        changes.receive(queue, now=now)
    assert waiting() == [] and ChangeNotice.objects.count() == 0
    assert len(simulated_amazon.read("queue")["messages"]) == 1  # it comes again


def test_a_crash_between_commit_and_deletion_reads_the_order_once(
    simulated_amazon: Amazon,
    theirs: Json,
    account: AmazonAccount,
    queue: ChangeQueue,
    now: datetime,
) -> None:
    order = simulated_amazon.order(theirs)
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    messages = queue.receive()
    changes.take(messages, now=now)  # and the process dies
    naming.read_named(account.pk, now=now)
    changes.take(messages, now=now)  # the same message again
    assert waiting() == [] and len(simulated_amazon.calls("getOrder")) == 1


def _die(*_: Any, **__: Any) -> None:
    raise RuntimeError


def test_a_change_of_a_seller_whom_we_do_not_read_names_nothing(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs)
    simulated_amazon.do("order-changes", order_id=order["order_id"], seller_id="ASTRANGER")
    assert take_all(queue, now) == 1 and waiting() == []
    assert ChangeNotice.objects.get().verdict == Verdict.STRANGER


def test_a_change_that_names_another_sellers_order_brings_nothing_of_it(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    foreign = simulated_amazon.order(simulated_amazon.account(marketplace_ids=[IT]))
    simulated_amazon.do("order-changes", order_id=foreign["order_id"], seller_id=theirs["selling_partner_id"])
    take_all(queue, now)
    naming.read_named(account.pk, now=now)
    assert not Order.objects.exists() and waiting() == []


def test_a_partner_of_two_regions_is_asked_about_the_order_where_it_was_sold(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    partner = theirs["selling_partner_id"]
    american = make_account(account.seller, marketplaces=(US,), selling_partner_id=partner)
    OrderReading.objects.create(account=american, seller_id=american.seller_id, next_at=now)
    order = simulated_amazon.order(theirs)
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    take_all(queue, now)
    assert list(OrderToRead.objects.values_list("account", flat=True)) == [account.pk]
    assert OrderReading.objects.get(account=american).notified_at is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "it is not JSON"),
        ("nonsense \0", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not an object"),
        ('{"NotificationType": "ANY_OFFER_CHANGED"}', "it is not an ORDER_CHANGE"),
        ('{"NotificationType": "ORDER_CHANGE"}', "it lacks NotificationId, SellerId or AmazonOrderId"),
        (
            '{"NotificationType": "ORDER_CHANGE", "NotificationMetadata": {"NotificationId": "%s"}, "Payload":'
            ' {"OrderChangeNotification": {"SellerId": "A", "AmazonOrderId": "B"}}}' % ("x" * 500),
            "an id is too long",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_kept_with_its_reason_and_deleted(
    simulated_amazon: Amazon, account: AmazonAccount, queue: ChangeQueue, now: datetime, raw: str, reason: str
) -> None:
    simulated_amazon.do("order-changes", raw=raw)
    assert take_all(queue, now) == 1 and waiting() == []
    notice = ChangeNotice.objects.get()
    assert (notice.verdict, notice.reason) == (Verdict.MALFORMED, reason)
    assert notice.raw_sealed and raw[:20].encode() not in bytes(notice.raw_sealed) or not raw
    assert simulated_amazon.read("queue")["messages"] == []


def test_what_was_read_since_the_change_is_not_read_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs)
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    take_all(queue, now)
    naming.read_named(account.pk, now=now)
    Order.objects.update(last_updated_at=now + timedelta(minutes=1))
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    assert take_all(queue, now) == 1 and waiting() == []


def test_a_change_that_only_a_report_has_touched_is_still_asked_of_the_order_itself(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs)
    naming.name_orders(account, [order["order_id"]], due_at=now, now=now)
    naming.read_named(account.pk, now=now)
    span = {"data_from": now - timedelta(days=1), "data_until": now + timedelta(minutes=2)}
    moments = {"wanted_at": now, "due_at": now}
    AmazonReport.objects.create(
        account=account, seller_id=account.seller_id, kind="orders", state="stored", **span, **moments
    )
    Order.objects.update(last_updated_at=now + timedelta(minutes=1))  # the report's: it knows of no wish to cancel
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    assert take_all(queue, now) == 1 and waiting() == [order["order_id"]]


def test_an_order_that_changes_while_it_is_read_is_read_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = simulated_amazon.order(theirs)
    naming.name_orders(account, [order["order_id"]], due_at=now, now=now)
    store, later = storing.store_orders, now + timedelta(seconds=1)

    def named_meanwhile(*given: Any, **more: Any) -> int:
        naming.name_orders(account, [order["order_id"]], due_at=later, now=later)
        return store(*given, **more)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(naming, "store_orders", named_meanwhile)
        naming.read_named(account.pk, now=now)
    assert waiting() == [order["order_id"]]
    assert naming.read_named(account.pk, now=later) == 1 and waiting() == []


def test_the_quota_of_get_order_is_kept_and_the_rest_waits(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    orders = simulated_amazon.orders(theirs, [{} for _ in range(8)])
    naming.name_orders(account, [order["order_id"] for order in orders], due_at=now, now=now)
    quotas().take(name_in_quotas(account.pk), Operation.GET_ORDER, n=25)
    assert naming.read_named(account.pk, now=now) == 5
    assert len(waiting()) == 3 and naming.accounts_with_named(now=now) == []
    assert naming.accounts_with_named(now=now + timedelta(seconds=10)) == [account.pk]


@pytest.mark.parametrize("fault", ["html503", "cut", "cut_after", "forbidden", "throttle"])
def test_trouble_at_amazon_leaves_the_order_in_line(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, fault: str
) -> None:
    order = simulated_amazon.order(theirs)
    naming.name_orders(account, [order["order_id"]], due_at=now, now=now)
    simulated_amazon.fault("getOrder", fault)
    assert naming.read_named(account.pk, now=now) == 0 and waiting() == [order["order_id"]]
    quotas()._redis.flushdb()
    assert naming.read_named(account.pk, now=now + naming.AFTER_TROUBLE) == 1


def test_a_worker_that_died_is_followed_by_another(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    order = simulated_amazon.order(theirs)
    naming.name_orders(account, [order["order_id"]], due_at=now, now=now)
    assert len(naming._claim(account.pk, now=now)) == 1  # and it dies
    assert naming.read_named(account.pk, now=now) == 0
    assert naming.read_named(account.pk, now=now + naming.LEASE) == 1


def test_an_order_of_a_marketplace_that_is_not_in_use_is_not_stored(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    AccountMarketplace.objects.filter(account=account, marketplace_id=DE).update(is_used=False)
    order = simulated_amazon.order(theirs, marketplace_id=DE)
    naming.name_orders(account, [order["order_id"]], due_at=now, now=now)
    naming.read_named(account.pk, now=now)
    assert not Order.objects.exists() and waiting() == []


def test_a_named_order_that_turns_out_to_be_sold_elsewhere_is_done_with(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    order = simulated_amazon.order(theirs, is_sold_elsewhere=True, order_id="171-0000000-0000001")
    simulated_amazon.do("order-changes", order_id=order["order_id"])
    take_all(queue, now)
    naming.read_named(account.pk, now=now)
    assert waiting() == [] and not Order.objects.exists() and len(simulated_amazon.calls("getOrder")) == 1


def test_a_second_connection_finds_the_subscription_and_the_destination(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    assert changes.subscribe_due(now=now) == 1 and changes.subscribe_due(now=now) == 0
    first = OrderReading.objects.get().subscription_id
    OrderReading.objects.update(subscription_id="")
    assert changes.subscribe_due(now=now + timedelta(days=1)) == 1
    assert OrderReading.objects.get().subscription_id == first != ""
    assert len(simulated_amazon.calls("createDestination")) == len(simulated_amazon.calls("createSubscription")) == 1


def test_a_disconnected_account_is_subscribed_no_more_and_one_that_comes_back_is_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    changes.subscribe_due(now=now)
    first = OrderReading.objects.get().subscription_id
    assert changes.unsubscribe_due(now=now) == 0  # it is connected
    leaving.disconnect(account, now=now)
    assert OrderReading.objects.get().subscription_id == first  # disconnecting waits for nobody
    assert changes.unsubscribe_due(now=now) == 1 and changes.unsubscribe_due(now=now) == 0
    assert OrderReading.objects.get().subscription_id == ""
    assert [call["status"] for call in simulated_amazon.calls("deleteSubscriptionById")] == [200]

    connect_again(account, theirs, now=now)
    assert changes.subscribe_due(now=now) == 1
    assert OrderReading.objects.get().subscription_id not in ("", first)


def test_a_subscription_that_leads_to_a_former_queue_is_made_anew(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime, settings: Settings
) -> None:
    changes.subscribe_due(now=now)
    first = OrderReading.objects.get().subscription_id
    settings.AMAZON_QUEUE_ARN += "-moved"
    for days in (1, 2, 3):
        assert changes.subscribe_due(now=now + timedelta(days=days, minutes=1)) == 1
    assert OrderReading.objects.get().subscription_id not in ("", first)
    assert len(simulated_amazon.calls("deleteSubscriptionById")) == 1
    assert len(simulated_amazon.calls("createSubscription")) == 2


@pytest.mark.parametrize("operation", ["token", "deleteSubscriptionById"])
def test_trouble_with_the_end_of_a_subscription_is_tried_again_for_a_week(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime, operation: str
) -> None:
    changes.subscribe_due(now=now)
    leaving.disconnect(account, now=now)
    simulated_amazon.fault(operation, "html503", times=2)
    assert changes.unsubscribe_due(now=now) == 0 and changes.unsubscribe_due(now=now + timedelta(minutes=1)) == 0
    assert changes.unsubscribe_due(now=now + changes.AFTER_TROUBLE) == 0
    assert changes.unsubscribe_due(now=now + timedelta(days=8)) == 0
    assert changes.unsubscribe_due(now=now + 2 * changes.AFTER_TROUBLE) == 1


def test_a_subscription_that_amazon_has_ended_itself_is_done_with(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    changes.subscribe_due(now=now)
    leaving.disconnect(account, now=now)
    OrderReading.objects.update(subscription_id="0" * 32)
    assert changes.unsubscribe_due(now=now) == 1 and OrderReading.objects.get().subscription_id == ""


def test_a_subscription_that_another_seller_has_taken_over_stays(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    changes.subscribe_due(now=now)
    leaving.disconnect(account, now=now)
    other = make_connected_account(make_seller("Mallory's shop"), theirs)
    OrderReading.objects.create(account=other, seller_id=other.seller_id, next_at=now)
    changes.subscribe_due(now=now)
    assert changes.unsubscribe_due(now=now) == 1
    assert simulated_amazon.calls("deleteSubscriptionById") == []
    assert OrderReading.objects.get(account=other).subscription_id != ""


@pytest.mark.parametrize("operation", ["token", "getDestinations", "createDestination", "createSubscription"])
def test_trouble_with_the_subscription_is_tried_again(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime, operation: str
) -> None:
    simulated_amazon.fault(operation, "html503")
    changes.subscribe_due(now=now)
    assert OrderReading.objects.get().subscription_id == ""
    changes.subscribe_due(now=now + changes.AFTER_TROUBLE)
    assert OrderReading.objects.get().subscription_id != ""


def test_a_queue_that_is_away_is_an_error_of_ours_that_keeps_the_messages(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    away = ChangeQueue("http://127.0.0.1:9/q", arn="arn:aws:sqs:us-east-1:0:orders", endpoint="http://127.0.0.1:9/")
    with pytest.raises(NotReached):
        changes.receive(away, now=now)
    away.close()


def test_notices_are_forgotten_after_a_month(
    simulated_amazon: Amazon, account: AmazonAccount, queue: ChangeQueue, now: datetime
) -> None:
    simulated_amazon.do("order-changes", raw="x")
    take_all(queue, now)
    assert changes.purge(now=now + timedelta(days=29)) == 0 and changes.purge(now=now + timedelta(days=30)) == 1
