"""Amazon's reports: asked for, waited for, stored; whatever goes wrong is tried again or said."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.authorised import name_in_quotas, quotas
from accounts.models import AmazonAccount
from amazon import documents
from amazon.operations import Operation
from messaging import senders
from orders import naming, reports, sync
from orders.models import AmazonReport, Order, OrderReading, OrderToRead
from tests.amazon.harness import Amazon, Json
from tests.makers import DE, IT, make_connected_account, make_seller

pytestmark = pytest.mark.usefixtures("all_sellers")
Kind, State = AmazonReport.Kind, AmazonReport.State
EVERY = timedelta(minutes=3)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def theirs(simulated_amazon: Amazon) -> Json:
    simulated_amazon.do("reports", seconds=0)
    return simulated_amazon.account(marketplace_ids=[IT, DE])


@pytest.fixture
def account(theirs: Json, db: None) -> AmazonAccount:
    return make_connected_account(make_seller(), theirs)


def fetched(account: AmazonAccount, kind: str, now: datetime) -> AmazonReport:
    """A report, worked on until nothing is left to do."""
    reports.want(account, kind, (now - timedelta(days=30), now), now=now)
    return finish(kind, now)


def finish(kind: str, now: datetime) -> AmazonReport:
    for hour in range(10):
        for pk in reports.due(now=now + timedelta(hours=hour)):
            reports.work_on(pk, now=now + timedelta(hours=hour))
    return AmazonReport.objects.filter(kind=kind).latest("pk")


def stored_orders(simulated_amazon: Amazon, account: AmazonAccount, now: datetime) -> None:
    sync.accounts_to_read(now=now)
    sync.read_account(account.pk, every=EVERY, now=now)
    Order.objects.update(replan_at=None)


def read_again(account: AmazonAccount, now: datetime) -> None:
    quotas()._redis.flushdb()
    OrderReading.objects.update(next_at=now, read_until=None, window_from=None, next_token="")
    sync.read_account(account.pk, every=EVERY, now=now)


def test_returns_and_refunds_reach_the_orders_and_the_plans(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    day = now - timedelta(days=2)
    back, refunded, kept = simulated_amazon.orders(
        theirs, [{"returned_at": day}, {"returned_at": day, "is_refunded": True}, {}]
    )
    stored_orders(simulated_amazon, account, now)
    report = fetched(account, Kind.RETURNS, now)
    assert (report.state, report.lines_stored, report.unreadable) == (State.STORED, 2, 0)
    rows = {order.amazon_order_id: order for order in Order.objects.all()}
    assert rows[back["order_id"]].returned_at and rows[back["order_id"]].refunded_at is None
    again = rows[refunded["order_id"]]
    assert again.refunded_at and again.refunded_at.date() == day.date() and again.replan_at is not None
    assert rows[kept["order_id"]].returned_at is None and rows[kept["order_id"]].replan_at is None


def test_the_same_report_again_plans_nothing_anew(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, returned_at=now - timedelta(days=2), is_refunded=True, feedback_rating=1)
    stored_orders(simulated_amazon, account, now)
    for kind in (Kind.RETURNS, Kind.FEEDBACK):
        fetched(account, kind, now)
    Order.objects.update(replan_at=None)
    for kind in (Kind.RETURNS, Kind.FEEDBACK):
        fetched(account, kind, now)
    assert Order.objects.get().replan_at is None


def test_returns_to_amazon_are_returns_too(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, fulfilled_by="AMAZON", returned_at=now - timedelta(days=2))
    stored_orders(simulated_amazon, account, now)
    fetched(account, Kind.AMAZON_RETURNS, now)
    assert Order.objects.get().returned_at is not None


def test_a_shipment_of_amazons_gives_an_estimate_where_no_day_was_promised(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    arrival = now - timedelta(days=8)
    window = [(arrival - timedelta(days=1)).isoformat(), arrival.isoformat()]
    dark = {"deliver_by": window, "tells_promise": False}
    undated, promised, own = simulated_amazon.orders(
        theirs,
        [
            {"fulfilled_by": "AMAZON", "items": [{}, {"sku": "TENT-02"}], **dark},
            {"fulfilled_by": "AMAZON", "deliver_by": window},
            dark,
        ],
    )
    stored_orders(simulated_amazon, account, now)
    report = fetched(account, Kind.SHIPMENTS, now)
    assert (report.state, report.lines_stored, report.unreadable) == (State.STORED, 3, 0)
    rows = {order.amazon_order_id: order for order in Order.objects.all()}
    estimated = rows[undated["order_id"]]
    assert estimated.delivery_kind == "estimate" and estimated.shipped_at is not None
    assert estimated.deliver_by_latest is not None and abs(estimated.deliver_by_latest - arrival).seconds < 2
    assert estimated.deliver_by_earliest == estimated.deliver_by_latest and estimated.replan_at is not None
    assert (rows[promised["order_id"]].delivery_kind, rows[own["order_id"]].delivery_kind) == ("promise", "unknown")
    assert "A. Buyer" not in str(Order.objects.values_list())

    # The same once more, and the order once more without a promise, change nothing.
    Order.objects.update(replan_at=None)
    fetched(account, Kind.SHIPMENTS, now)
    Order.objects.update(last_updated_at=now - timedelta(days=40))
    read_again(account, now)
    again = Order.objects.get(pk=estimated.pk)
    assert (again.delivery_kind, again.replan_at) == ("estimate", None) and again.shipped_at is not None


def test_a_promise_that_comes_later_takes_the_place_of_an_estimate(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, fulfilled_by="AMAZON")
    stored_orders(simulated_amazon, account, now)
    guess = now + timedelta(days=3)
    promise = Order.objects.get().deliver_by_latest
    Order.objects.update(delivery_kind="estimate", deliver_by_latest=guess, deliver_by_earliest=guess)
    Order.objects.update(last_updated_at=now - timedelta(days=40))
    read_again(account, now)
    order = Order.objects.get()
    assert (order.delivery_kind, order.deliver_by_latest) == ("promise", promise) and order.replan_at is not None


def test_shipments_are_asked_for_where_a_day_of_delivery_is_missing_only(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, fulfilled_by="AMAZON")
    stored_orders(simulated_amazon, account, now)
    reports.want_daily(now=now)
    assert not AmazonReport.objects.filter(kind=Kind.SHIPMENTS).exists()
    Order.objects.update(deliver_by_latest=None)
    assert reports.want_daily(now=now) == 1
    assert AmazonReport.objects.get(kind=Kind.SHIPMENTS).state == State.WANTED


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_of_feedback_the_stars_are_kept_and_nothing_else(
    simulated_amazon: Amazon, db: None, now: datetime, language: str
) -> None:
    simulated_amazon.do("reports", seconds=0)
    theirs = simulated_amazon.account(marketplace_ids=[DE], language=language)  # German: other columns, other encoding
    account = make_connected_account(make_seller(), theirs)
    simulated_amazon.orders(theirs, [{"feedback_rating": 2}, {"feedback_rating": 5}])
    stored_orders(simulated_amazon, account, now)
    report = fetched(account, Kind.FEEDBACK, now)
    assert (report.state, report.lines_stored) == (State.STORED, 1)
    assert sorted(Order.objects.values_list("feedback_rating", flat=True), key=str) == [2, None]


def test_another_sellers_order_in_a_report_is_nobodys(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    other = make_connected_account(make_seller("Mallory's shop"), simulated_amazon.account(marketplace_ids=[IT]))
    simulated_amazon.order(theirs, feedback_rating=1)
    stored_orders(simulated_amazon, account, now)
    Order.objects.update(account=other, seller=other.seller)
    assert fetched(account, Kind.FEEDBACK, now).lines_stored == 1
    assert Order.objects.get().feedback_rating is None


def test_a_long_first_import_comes_by_report_and_closes_the_window(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.orders(theirs, [{"fulfilled_by": "AMAZON"} for _ in range(150)])
    quotas().take(name_in_quotas(account.pk), Operation.SEARCH_ORDERS, n=19)
    stored_orders(simulated_amazon, account, now)  # one page; then the quota is used up
    reading = OrderReading.objects.get()
    report = AmazonReport.objects.get()
    assert Order.objects.count() == 100 and (report.kind, report.data_from) == (Kind.ORDERS, reading.window_from)
    assert report.data_until - report.data_from == reports.LONGEST_SPAN

    begin = now - timedelta(days=29)  # else the last ten days would be a report of their own
    AmazonReport.objects.update(data_from=begin, data_until=now)
    OrderReading.objects.update(window_from=begin)
    report = finish(Kind.ORDERS, now)
    assert (report.state, report.lines_stored, report.unreadable) == (State.STORED, 150, 0)
    assert Order.objects.count() == 150
    reading.refresh_from_db()
    assert reading.window_from is None and reading.next_token == "" and reading.read_until == now


def test_a_report_closes_no_window_over_a_marketplace_that_it_was_not_asked_about(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    germany = account.marketplaces.get(marketplace_id=DE)
    senders.use_marketplace(germany, False, now=now)
    simulated_amazon.orders(theirs, [{"marketplace_id": IT} for _ in range(150)])
    simulated_amazon.orders(theirs, [{"marketplace_id": DE} for _ in range(20)])
    quotas().take(name_in_quotas(account.pk), Operation.SEARCH_ORDERS, n=19)
    stored_orders(simulated_amazon, account, now)  # one page; the rest is to come by report
    begin = now - timedelta(days=29)  # as above
    AmazonReport.objects.update(data_from=begin, data_until=now)
    [pk] = reports.due(now=now)
    reports.work_on(pk, now=now)
    senders.use_marketplace(germany, True, now=now)
    sync.read_account(account.pk, every=EVERY, now=now)  # a window over both is open, and waits for the quota
    OrderReading.objects.update(window_from=begin)

    report = finish(Kind.ORDERS, now)
    assert (report.state, report.marketplace_ids) == (State.STORED, [IT])
    reading = OrderReading.objects.get()
    assert reading.read_until is None and reading.window_from is not None
    quotas()._redis.flushdb()
    OrderReading.objects.update(next_at=now)
    sync.read_account(account.pk, every=EVERY, now=now)
    assert Order.objects.filter(marketplace_id=DE).count() == 20 and Order.objects.count() == 170


def test_what_a_report_cannot_tell_is_asked_of_the_order_itself(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, items=[{"title": "Tè <b>verde</b> 🎉", "promotion_id": "SPRING"}, {"quantity": 3}])
    assert fetched(account, Kind.ORDERS, now).lines_stored == 1
    order = Order.objects.get()
    assert order.deliver_by_latest is None and order.destination_country == "IT" and order.is_promotion_used
    assert sorted(item.quantity for item in order.items.all()) == [1, 3] and OrderToRead.objects.count() == 1
    assert str(order.total_amount) == "99.60"

    naming.read_named(account.pk, now=now + timedelta(hours=10))
    order.refresh_from_db()
    assert order.deliver_by_latest is not None and order.items.count() == 2 and order.destination_country == "IT"
    assert not order.items.filter(amazon_item_id__startswith="report:").exists()


def test_a_wish_to_cancel_that_only_a_report_announces_is_asked_of_the_order_itself(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs, status="UNSHIPPED", buyer_requested_cancel=True)
    stored_orders(simulated_amazon, account, now)
    earlier = Order.objects.get().last_updated_at - timedelta(minutes=30)
    Order.objects.update(is_cancellation_requested=False, last_updated_at=earlier)  # as it was before the wish
    fetched(account, Kind.ORDERS, now)
    assert OrderToRead.objects.count() == 1
    naming.read_named(account.pk, now=now + timedelta(hours=10))
    assert Order.objects.get().is_cancellation_requested and OrderToRead.objects.count() == 0

    fetched(account, Kind.ORDERS, now)  # which tells nothing that is new
    assert OrderToRead.objects.count() == 0


def test_a_report_of_the_same_state_takes_nothing_back_of_what_the_order_itself_told(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.order(theirs)
    stored_orders(simulated_amazon, account, now)
    Order.objects.update(total_amount="54.50")  # with the shipping, which the report's lines do not count
    fetched(account, Kind.ORDERS, now)
    order = Order.objects.get()
    assert str(order.total_amount) == "54.50" and order.destination_country == "IT"


def test_the_daily_reports_are_wanted_once_a_day(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime
) -> None:
    assert reports.want_daily(now=now) == 3 and reports.want_daily(now=now + timedelta(hours=23)) == 0
    AmazonReport.objects.update(state=State.STORED)
    assert reports.want_daily(now=now + timedelta(hours=25)) == 3


@pytest.mark.parametrize("operation", ["createReport", "getReport", "getReportDocument"])
@pytest.mark.parametrize("fault", ["html503", "cut", "cut_after", "forbidden", "throttle"])
def test_trouble_at_any_step_is_tried_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, operation: str, fault: str
) -> None:
    simulated_amazon.order(theirs, feedback_rating=1)
    stored_orders(simulated_amazon, account, now)
    simulated_amazon.fault(operation, fault)
    reports.want(account, Kind.FEEDBACK, (now - timedelta(days=30), now), now=now)
    for hour in range(5):
        quotas()._redis.flushdb()
        finish(Kind.FEEDBACK, now + timedelta(hours=hour))
    assert AmazonReport.objects.get().state == State.STORED and Order.objects.get().feedback_rating == 1


@pytest.mark.parametrize(
    ("status", "state"), [("FATAL", State.FAILED), ("CANCELLED", State.EMPTY), ("IN_QUEUE", State.ASKED)]
)
def test_what_amazon_says_of_a_report_is_believed(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime, status: str, state: str
) -> None:
    simulated_amazon.do("reports", status=status)
    assert fetched(account, Kind.RETURNS, now).state == state


@pytest.mark.parametrize("step", ["_ask", "_look", "_fetch"])
def test_a_worker_that_dies_at_any_step_is_followed_by_another(
    simulated_amazon: Amazon,
    theirs: Json,
    account: AmazonAccount,
    now: datetime,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulated_amazon.order(theirs, feedback_rating=1)
    stored_orders(simulated_amazon, account, now)
    real: Callable[..., Any] = getattr(reports, step)

    def dying(*given: Any) -> None:
        real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as death, pytest.raises(KeyboardInterrupt):
        death.setattr(reports, step, dying)
        fetched(account, Kind.FEEDBACK, now)
    report = AmazonReport.objects.get()
    assert report.state in reports.IN_WORK and reports.due(now=now + timedelta(minutes=1)) == []  # the lease
    finish(Kind.FEEDBACK, now + timedelta(hours=12))
    assert AmazonReport.objects.get().state == State.STORED and Order.objects.get().feedback_rating == 1


def test_a_report_that_ends_its_worker_each_time_is_given_up_and_another_can_be_wanted(
    simulated_amazon: Amazon, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poison(*_given: Any) -> None:
        raise RuntimeError("too much for any worker")

    monkeypatch.setattr(reports, "_fetch", poison)
    monkeypatch.setattr(reports, "MOST_ATTEMPTS", 5)
    reports.want(account, Kind.RETURNS, (now - timedelta(days=30), now), now=now)
    for hour in range(12):
        with suppress(RuntimeError):
            finish(Kind.RETURNS, now + timedelta(hours=hour))
    report = AmazonReport.objects.get()
    assert (report.state, report.trouble) == (State.FAILED, reports.TOO_OFTEN)
    assert reports.want(account, Kind.RETURNS, (now - timedelta(days=30), now), now=now)


def test_orders_of_another_shop_are_no_trouble_of_a_report(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    elsewhere = {"fulfilled_by": "AMAZON", "is_sold_elsewhere": True, "returned_at": now - timedelta(days=2)}
    simulated_amazon.orders(theirs, [elsewhere, {}])
    for kind, lines in ((Kind.ORDERS, 1), (Kind.SHIPMENTS, 0), (Kind.AMAZON_RETURNS, 0)):
        report = fetched(account, kind, now)
        assert (report.state, report.lines_stored, report.unreadable) == (State.STORED, lines, 0), kind
    assert Order.objects.count() == 1


def test_an_order_report_that_fails_is_asked_for_less_and_less_often_and_the_page_says_so(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.orders(theirs, [{} for _ in range(150)])

    def poll(at: datetime) -> int:
        """A reading that the quota ends in the middle; returns how many order reports there are by then."""
        quotas().drain(name_in_quotas(account.pk), Operation.SEARCH_ORDERS)
        OrderReading.objects.update(next_at=at, next_token="two", window_from=at - timedelta(days=20), token_at=at)
        sync.read_account(account.pk, every=EVERY, now=at)
        simulated_amazon.do("reports", status="FATAL")
        for then in (at, at + timedelta(minutes=1)):
            for pk in reports.due(now=then):
                reports.work_on(pk, now=then)
        return AmazonReport.objects.filter(kind=Kind.ORDERS).count()

    sync.accounts_to_read(now=now)
    assert [poll(now), poll(now + timedelta(minutes=3)), poll(now + timedelta(minutes=50))] == [1, 1, 1]
    reading = OrderReading.objects.get()
    assert reading.report_trouble == "Amazon could not make this report"
    assert reading.report_again_at and reading.report_again_at - now < timedelta(minutes=62)
    assert [poll(now + timedelta(hours=2)), poll(now + timedelta(hours=3)), poll(now + timedelta(hours=5))] == [2, 2, 3]

    simulated_amazon.do("reports", status="DONE")
    fetched(account, Kind.ORDERS, now + timedelta(hours=6))
    assert OrderReading.objects.get(report_again_at=None).report_trouble == ""


def test_a_missing_role_is_said(simulated_amazon: Amazon, account: AmazonAccount, now: datetime) -> None:
    account.marketplaces.filter(marketplace_id=IT).update(marketplace_id="A1F83G8C2ARO7P")  # no right to it
    report = fetched(account, Kind.RETURNS, now)
    assert (report.state, report.trouble) == (State.FAILED, reports.NO_ACCESS)


def test_a_lost_authorisation_stops_the_account(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime
) -> None:
    simulated_amazon.do("revocations", selling_partner_id=theirs["selling_partner_id"])
    fetched(account, Kind.RETURNS, now)
    account.refresh_from_db()
    assert account.status == AmazonAccount.Status.REVOKED


def test_an_address_that_has_expired_is_asked_for_again(
    simulated_amazon: Amazon, theirs: Json, account: AmazonAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = documents.download

    def late(application: Any, address: Any) -> Any:
        monkeypatch.undo()
        return real(application, type(address)(address.url + "x", address.is_gzip))

    monkeypatch.setattr(documents, "download", late)
    assert fetched(account, Kind.RETURNS, now).state == State.STORED


def test_old_reports_are_forgotten(simulated_amazon: Amazon, account: AmazonAccount, now: datetime) -> None:
    fetched(account, Kind.RETURNS, now)
    assert reports.purge(now=now + timedelta(days=59)) == 0 and reports.purge(now=now + timedelta(days=61)) == 1
