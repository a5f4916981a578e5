"""The simulator's Orders API: what is shown to whom, how searches page, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.amazon.harness import Amazon, Json
from tests.amazon.simulator.support import US, Caller, refusal

LONG_AGO = "2026-01-01T00:00:00Z"
DENIED = (403, "Unauthorized", "Access to requested resource is denied.")


def missing(*names: str) -> tuple[int, str, str]:
    return 400, "InvalidInput", f"Missing or invalid request parameters: [{', '.join(names)}]"


@pytest.fixture
def account(amazon: Amazon) -> Json:
    return amazon.account(store_name="Lakeside", marketplace_ids=[US])


def test_every_answer_names_its_request_and_its_rate(amazon: Amazon, account: Json) -> None:
    answer = Caller(amazon, account).search(lastUpdatedAfter=LONG_AGO)

    assert answer.status_code == 200
    assert answer.headers["x-amzn-RateLimit-Limit"] == "0.0056"
    assert answer.headers["x-amzn-RequestId"]


def test_pages_follow_each_other_and_leave_nothing_out(amazon: Amazon, account: Json) -> None:
    placed = amazon.orders(account, [{} for _ in range(7)])
    caller, seen, query = Caller(amazon, account), [], {"lastUpdatedAfter": LONG_AGO, "maxResultsPerPage": 3}

    for size in (3, 3, 1):
        page = caller.search(**query).json()
        assert len(page["orders"]) == size
        seen += [order["orderId"] for order in page["orders"]]
        query = {"paginationToken": page.get("pagination", {}).get("nextToken", "")}

    assert sorted(seen) == sorted(order["order_id"] for order in placed)
    assert query == {"paginationToken": ""}


def test_a_pagination_token_is_worth_nothing_to_another_account(amazon: Amazon, account: Json) -> None:
    amazon.orders(account, [{}, {}])
    page = Caller(amazon, account).search(lastUpdatedAfter=LONG_AGO, maxResultsPerPage=1).json()
    stranger = Caller(amazon, amazon.account())

    assert refusal(stranger.search(paginationToken=page["pagination"]["nextToken"])) == missing("paginationToken")
    assert refusal(stranger.search(paginationToken="made.up")) == missing("paginationToken")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ("createdAfter", "lastUpdatedAfter")),
        ({"createdAfter": LONG_AGO, "lastUpdatedAfter": LONG_AGO}, ("createdAfter", "lastUpdatedAfter")),
        ({"createdAfter": "yesterday"}, ("createdAfter",)),
        ({"createdAfter": LONG_AGO, "lastUpdatedBefore": LONG_AGO}, ("lastUpdatedBefore",)),
        ({"createdAfter": LONG_AGO, "maxResultsPerPage": "101"}, ("maxResultsPerPage",)),
        ({"createdAfter": LONG_AGO, "fulfillmentStatuses": "Shipped"}, ("fulfillmentStatuses",)),
        ({"createdAfter": LONG_AGO, "includedData": "EVERYTHING"}, ("includedData",)),
        ({"createdAfter": LONG_AGO, "MarketplaceIds": US}, ("MarketplaceIds",)),
    ],
)
def test_a_search_that_the_model_does_not_allow_is_refused(
    amazon: Amazon, account: Json, query: dict[str, str], names: tuple[str, ...]
) -> None:
    assert refusal(Caller(amazon, account).search(**query)) == missing(*names)


def test_nothing_younger_than_two_minutes_may_be_asked_for_or_is_shown(amazon: Amazon, account: Json) -> None:
    now = datetime.now(UTC)
    amazon.order(account, updated_at=now - timedelta(seconds=30))
    caller = Caller(amazon, account)

    assert caller.search(lastUpdatedAfter=LONG_AGO).json()["orders"] == []
    late = caller.search(lastUpdatedAfter=LONG_AGO, lastUpdatedBefore=(now - timedelta(seconds=60)).isoformat())
    assert refusal(late) == missing("lastUpdatedBefore")


def test_filters_narrow_a_search(amazon: Amazon, account: Json) -> None:
    shipped = amazon.order(account)
    amazon.order(account, fulfilled_by="AMAZON")
    amazon.order(account, status="CANCELLED")

    query = {"fulfillmentStatuses": "SHIPPED,UNSHIPPED", "fulfilledBy": "MERCHANT", "marketplaceIds": US}
    found = Caller(amazon, account).search(createdAfter=LONG_AGO, **query).json()["orders"]

    assert [order["orderId"] for order in found] == [shipped["order_id"]]


def test_an_order_of_another_seller_does_not_exist(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    assert refusal(Caller(amazon, amazon.account()).order(order))[:2] == (404, "NotFound")


@pytest.mark.parametrize(
    ("wanted", "is_shown"),
    [
        ({"status": "SHIPPED"}, True),
        ({"status": "UNSHIPPED"}, True),
        ({"status": "PENDING"}, False),
        ({"status": "CANCELLED"}, False),
        ({"status": "SHIPPED", "fulfilled_by": "AMAZON"}, False),
    ],
)
def test_the_alias_is_shown_for_live_merchant_fulfilled_orders_only(
    amazon: Amazon, account: Json, wanted: Json, is_shown: bool
) -> None:
    order = amazon.order(account, **wanted)

    shown = Caller(amazon, account).order(order, includedData="BUYER").json()["order"]["buyer"]

    assert shown == ({"buyerEmail": order["alias"]} if is_shown else {})


def test_the_alias_is_not_shown_without_the_restricted_role(amazon: Amazon) -> None:
    account = amazon.account(has_restricted_role=False)
    order = amazon.order(account)

    assert Caller(amazon, account).order(order, includedData="BUYER").json()["order"]["buyer"] == {}


def test_data_that_was_not_asked_for_is_not_there(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    shown = Caller(amazon, account).order(order).json()["order"]

    assert not {"buyer", "fulfillment", "packages", "proceeds"} & set(shown)


def test_an_order_changes_by_itself_when_the_time_comes(amazon: Amazon, account: Json) -> None:
    now = datetime.now(UTC)
    moment = now + timedelta(seconds=0.6)
    steps = [{"at": now - timedelta(days=1), "status": "UNSHIPPED"}, {"at": moment, "status": "SHIPPED"}]
    order = amazon.order(account, timeline=steps)
    caller = Caller(amazon, account)

    def status() -> str:
        shown = caller.order(order, includedData="FULFILLMENT").json()["order"]
        return str(shown["fulfillment"]["fulfillmentStatus"])

    assert status() == "UNSHIPPED"
    assert amazon.wait_for(lambda: status() == "SHIPPED")


def test_a_wrong_token_is_denied_and_a_revoked_one_too(amazon: Amazon, account: Json) -> None:
    caller = Caller(amazon, account)
    amazon.do("revocations", selling_partner_id=account["selling_partner_id"])

    assert refusal(caller.search(lastUpdatedAfter=LONG_AGO)) == DENIED


def test_a_marketplace_where_the_account_does_not_sell_is_denied(amazon: Amazon, account: Json) -> None:
    answer = Caller(amazon, account).search(lastUpdatedAfter=LONG_AGO, marketplaceIds="APJ6JRA9NG5V4")

    assert refusal(answer) == DENIED


def test_an_empty_bucket_answers_429_for_that_account_only(amazon: Amazon, account: Json) -> None:
    amazon.quota("searchOrders", rate=0.001, burst=2)
    caller, other = Caller(amazon, account), Caller(amazon, amazon.account())

    statuses = [caller.search(lastUpdatedAfter=LONG_AGO).status_code for _ in range(3)]
    said = caller.search(lastUpdatedAfter=LONG_AGO)

    assert statuses == [200, 200, 429]
    assert refusal(said) == (429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
    assert said.headers["x-amzn-RateLimit-Limit"] == "0.001"
    assert other.search(lastUpdatedAfter=LONG_AGO).status_code == 200


def test_the_documented_bucket_of_search_orders_holds_twenty(amazon: Amazon, account: Json) -> None:
    caller = Caller(amazon, account)

    statuses = [caller.search(lastUpdatedAfter=LONG_AGO).status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]
