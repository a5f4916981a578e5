"""The client against the simulated Amazon: whole conversations, through real sockets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from amazon import login, marketplaces
from amazon.client import AmazonClient, Application, Authorisation
from amazon.errors import (
    AccessDenied,
    ApplicationRejected,
    AuthorisationLost,
    NotReached,
    RefusalKind,
    Refused,
    Throttled,
    Unclear,
)
from amazon.marketplaces import Region
from amazon.operations import Operation
from amazon.tokens import TokenCache
from amazon.values import (
    AmazonOrder,
    FulfilledBy,
    OrderMessageKind,
    OrdersPage,
    OrderStatus,
    PackageStatus,
    SoldElsewhere,
)
from tests.amazon.harness import Amazon, Json

ITALY, GERMANY = "APJ6JRA9NG5V4", "A1PA6795UKMFR9"
REVIEW = "productReviewAndSellerFeedback"
DAY = timedelta(days=1)


@pytest.fixture
def account(amazon: Amazon) -> Json:
    return amazon.account(store_name="Bottega", marketplace_ids=[ITALY, GERMANY])


@pytest.fixture
def application(amazon: Amazon) -> Application:
    given = amazon.application
    return Application(
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        application_id=given["application_id"],
        login_url=f"{amazon.base_url}/auth/o2/token",
        endpoint=amazon.base_url,
        consent_url=f"{amazon.base_url}/apps/authorize/consent",
        api_timeout=timedelta(seconds=5),
    )


@pytest.fixture
def client(application: Application, account: Json) -> Iterator[AmazonClient]:
    with AmazonClient(application, Authorisation(Region.EU, account["refresh_token"]), tokens=TokenCache()) as client:
        yield client


def everything(client: AmazonClient, **span: datetime) -> list[OrdersPage]:
    """All pages of a search over a span of time, by default the last day."""
    span = {"last_updated_after": now() - DAY, **span}
    pages: list[OrdersPage] = []
    token: str | None = None
    while not pages or token:
        pages.append(client.search_orders(marketplace_ids=[ITALY, GERMANY], pagination_token=token, **span))
        token = pages[-1].next_token
    return pages


def now() -> datetime:
    return datetime.now(UTC)


def test_a_seller_agrees_and_the_new_authorisation_works(
    amazon: Amazon, application: Application, account: Json
) -> None:
    shop = marketplaces.by_id(ITALY)
    callback = "http://127.0.0.1:8000/amazon/callback"
    page = login.consent_url(application, shop, "the-state", redirect_uri=callback)
    assert httpx.get(page).status_code == 200
    form = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    form |= {"decision": "allow", "selling_partner_id": account["selling_partner_id"]}
    assert application.consent_url is not None
    back = httpx.post(application.consent_url, data=form).headers["location"]
    said = parse_qs(urlsplit(back).query)
    assert said["state"] == ["the-state"]

    grant = login.exchange_code(application, said["spapi_oauth_code"][0], callback)
    with AmazonClient(application, Authorisation(Region.EU, grant.refresh_token), tokens=TokenCache()) as client:
        found = {place.marketplace_id: place.store_name for place in client.marketplace_participations()}
    assert found == {ITALY: "Bottega", GERMANY: "Bottega"}
    with pytest.raises(AuthorisationLost):
        login.exchange_code(application, said["spapi_oauth_code"][0], callback)


def read_order(client: AmazonClient, order_id: str) -> AmazonOrder:
    order = client.get_order(order_id)
    assert isinstance(order, AmazonOrder)
    return order


def test_an_order_of_another_shop_is_no_order_of_amazons(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    placed = amazon.order(account, fulfilled_by="AMAZON", is_sold_elsewhere=True)
    [page] = everything(client)
    assert page.orders == (SoldElsewhere(placed["order_id"]),) and placed["order_id"].startswith("S01-")


def test_an_order_is_read_as_it_was_placed(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    placed = amazon.order(
        account,
        items=[{"sku": "LAMP-1", "title": "Lampada", "price": "12.50", "quantity": 2, "is_gift": True}],
        programs=["PRIME"],
        replaces="171-0000000-0000001",
    )
    order = read_order(client, placed["order_id"])
    assert (order.order_id, order.marketplace_id) == (placed["order_id"], ITALY)
    assert (order.status, order.fulfilled_by) == (OrderStatus.SHIPPED, FulfilledBy.MERCHANT)
    assert (order.buyer_alias, order.programs) == (placed["alias"], frozenset({"PRIME"}))
    assert (order.is_replacement, order.original_order_id) == (True, "171-0000000-0000001")
    assert order.package_statuses == (PackageStatus.DELIVERED,)
    assert order.deliver_by.latest is not None
    assert timedelta(days=8) - timedelta(minutes=1) < now() - order.deliver_by.latest < timedelta(days=8, minutes=1)
    (item,) = order.items
    assert (item.sku, item.title, item.quantity, item.unit_price) == ("LAMP-1", "Lampada", 2, Decimal("12.50"))
    assert item.is_gift and not item.is_cancellation_requested
    assert (order.currency, item.currency) == ("EUR", "EUR")


def test_an_order_that_amazon_ships_has_no_alias(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    placed = amazon.order(account, fulfilled_by="AMAZON")
    order = read_order(client, placed["order_id"])
    assert (order.fulfilled_by, order.buyer_alias, order.package_statuses) == (FulfilledBy.AMAZON, None, ())


def test_a_pending_order_has_no_price_and_a_cancelled_one_says_so(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    pending = read_order(client, amazon.order(account, status="PENDING")["order_id"])
    assert (pending.status, pending.total, pending.items[0].unit_price) == (OrderStatus.PENDING, None, None)
    cancelled = read_order(client, amazon.order(account, status="CANCELLED", buyer_requested_cancel=True)["order_id"])
    assert cancelled.status is OrderStatus.CANCELLED
    assert cancelled.items[0].is_cancellation_requested


def test_a_search_goes_through_all_pages_and_says_where_the_next_one_begins(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    placed = amazon.orders(account, [{} for _ in range(230)])
    pages = everything(client)
    assert [len(page.orders) for page in pages] == [100, 100, 30]
    assert {order.order_id for page in pages for order in page.orders} == {order["order_id"] for order in placed}
    assert all(isinstance(order, AmazonOrder) for page in pages for order in page.orders)
    assert {page.last_updated_before for page in pages} == {pages[0].last_updated_before}
    ends_at = pages[0].last_updated_before
    assert ends_at is not None
    assert timedelta(minutes=2) <= now() - ends_at < timedelta(minutes=3)


def test_a_search_takes_only_what_changed_in_its_span(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    amazon.order(account, updated_at=now() - 3 * DAY)
    placed = amazon.order(account, updated_at=now() - timedelta(hours=5))
    amazon.order(account, updated_at=now() - timedelta(hours=1))
    (page,) = everything(client, last_updated_before=now() - timedelta(hours=2))
    assert [order.order_id for order in page.orders] == [placed["order_id"]]


def test_a_seller_never_sees_another_sellers_order(amazon: Amazon, client: AmazonClient) -> None:
    foreign = amazon.order(amazon.account(marketplace_ids=[ITALY]))
    with pytest.raises(Refused) as refused:
        client.get_order(foreign["order_id"])
    assert refused.value.status == 404
    assert everything(client)[0].orders == ()


def test_a_review_is_asked_for_once(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    order_id = amazon.order(account)["order_id"]
    assert client.solicitation_actions(order_id, ITALY) == {REVIEW}
    assert client.request_review(order_id, ITALY).request_id
    assert client.solicitation_actions(order_id, ITALY) == frozenset()
    with pytest.raises(Refused) as refused:
        client.request_review(order_id, ITALY)
    assert refused.value.kind is RefusalKind.ALREADY_REQUESTED
    assert len(amazon.receipts(order_id)) == 1


@pytest.mark.parametrize("days", [1, 60])
def test_a_review_outside_the_window_is_refused_as_such(
    amazon: Amazon, account: Json, client: AmazonClient, days: int
) -> None:
    delivered = now() - timedelta(days=days)
    order_id = amazon.order(account, deliver_by=[delivered, delivered])["order_id"]
    with pytest.raises(Refused) as refused:
        client.request_review(order_id, ITALY)
    assert refused.value.kind is RefusalKind.OUTSIDE_WINDOW
    assert amazon.receipts(order_id) == []


def test_the_wrong_marketplace_is_refused(amazon: Amazon, account: Json, client: AmazonClient) -> None:
    order_id = amazon.order(account)["order_id"]
    with pytest.raises(Refused) as refused:
        client.request_review(order_id, GERMANY)
    assert (refused.value.status, refused.value.kind) == (400, RefusalKind.OTHER)


def test_a_critical_message_reaches_the_buyer_in_the_words_it_was_given(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    order_id = amazon.order(account, status="UNSHIPPED", package_status="", buyer={"locale": "it-IT"})["order_id"]
    assert "unexpectedProblem" in client.messaging_actions(order_id, ITALY)
    assert client.buyer_language(order_id, ITALY) == "it-IT"
    assert client.send_order_message(
        OrderMessageKind.PROBLEM, order_id, ITALY, "Il corriere ha perso il pacco."
    ).request_id
    (receipt,) = amazon.receipts(order_id)
    assert "Il corriere ha perso il pacco." in receipt["body"]


def test_a_message_that_amazon_does_not_offer_is_refused_as_such(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    order_id = amazon.order(account, status="CANCELLED")["order_id"]
    with pytest.raises(Refused) as refused:
        client.send_order_message(OrderMessageKind.PROBLEM, order_id, ITALY, "x")
    assert refused.value.kind is RefusalKind.NOT_AVAILABLE_TEMPLATE


def test_a_revoked_authorisation_is_lost(amazon: Amazon, account: Json, application: Application) -> None:
    authorisation = Authorisation(Region.EU, account["refresh_token"])
    amazon.do("revocations", selling_partner_id=account["selling_partner_id"])
    with AmazonClient(application, authorisation, tokens=TokenCache()) as client, pytest.raises(AuthorisationLost):
        client.marketplace_participations()


def test_a_rotated_client_secret_is_our_trouble(account: Json, application: Application) -> None:
    rotated = Application(application.client_id, "another", "app", login_url=application.login_url)
    with pytest.raises(ApplicationRejected):
        login.refresh(rotated, account["refresh_token"])


def test_the_quota_of_an_operation_runs_out_and_amazons_rate_is_heard(
    amazon: Amazon, account: Json, application: Application
) -> None:
    amazon.quota("getSolicitationActionsForOrder", 0.5, 2)
    order_id = amazon.order(account)["order_id"]
    heard: list[tuple[str, float]] = []
    authorisation = Authorisation(Region.EU, account["refresh_token"])
    with AmazonClient(
        application, authorisation, tokens=TokenCache(), observe=lambda *what: heard.append(what)
    ) as client:
        client.solicitation_actions(order_id, ITALY)
        client.solicitation_actions(order_id, ITALY)
        with pytest.raises(Throttled) as throttled:
            client.solicitation_actions(order_id, ITALY)
    assert throttled.value.retry_after == timedelta(seconds=2)
    assert set(heard) == {(Operation.SOLICITATION_ACTIONS, 0.5)}


@pytest.mark.parametrize("kind", ["html503", "forbidden", "cut"])
def test_trouble_before_the_request_was_done_is_unclear_and_it_was_not_done(
    amazon: Amazon, account: Json, client: AmazonClient, kind: str
) -> None:
    order_id = amazon.order(account)["order_id"]
    amazon.fault(Operation.REQUEST_REVIEW, kind)
    with pytest.raises(Unclear):
        client.request_review(order_id, ITALY)
    assert amazon.receipts(order_id) == []


def test_a_cut_after_the_request_was_done_is_unclear_and_amazon_can_tell_that_it_was(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    order_id = amazon.order(account)["order_id"]
    amazon.fault(Operation.REQUEST_REVIEW, "cut_after")
    with pytest.raises(Unclear):
        client.request_review(order_id, ITALY)
    assert len(amazon.receipts(order_id)) == 1
    assert client.solicitation_actions(order_id, ITALY) == frozenset()


@pytest.mark.parametrize("kind", ["html503", "cut"])
def test_trouble_at_login_means_that_nothing_was_sent(
    amazon: Amazon, account: Json, client: AmazonClient, kind: str
) -> None:
    order_id = amazon.order(account)["order_id"]
    amazon.fault("token", kind)
    with pytest.raises(NotReached):
        client.request_review(order_id, ITALY)
    assert amazon.calls(Operation.REQUEST_REVIEW) == []
    assert client.request_review(order_id, ITALY).request_id


def test_thirty_sellers_in_one_process_each_ask_for_their_own_orders(amazon: Amazon, application: Application) -> None:
    accounts = [amazon.account(marketplace_ids=[ITALY]) for _ in range(30)]
    orders = {account["refresh_token"]: amazon.order(account)["order_id"] for account in accounts}
    tokens = TokenCache()

    def ask(refresh_token: str) -> list[str]:
        with AmazonClient(application, Authorisation(Region.EU, refresh_token), tokens=tokens) as client:
            return [read_order(client, orders[refresh_token]).order_id for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        for refresh_token, found in zip(orders, pool.map(ask, orders), strict=True):
            assert found == [orders[refresh_token]] * 3
    assert len(amazon.calls("token")) == 30


def test_a_token_that_amazon_does_not_know_is_denied_access_and_not_an_ordinary_no(
    amazon: Amazon, account: Json, client: AmazonClient
) -> None:
    order_id = amazon.order(account)["order_id"]
    client.get_order(order_id)
    amazon.reset()
    with pytest.raises(AccessDenied):
        client.get_order(order_id)
