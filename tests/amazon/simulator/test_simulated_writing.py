"""The simulator's Solicitations and Messaging: every way of saying no, word for word, and what a buyer gets."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.amazon.harness import Amazon, Json
from tests.amazon.simulator.support import REVIEW, Caller, refusal

NOT_AVAILABLE = "The requested solicitation is not available for this amazonOrderId."
OUTSIDE = "You can't use this feature to request a review outside the 5-30 day range after the order delivery date."
NOT_PARSED = "Request has missing or invalid parameters and cannot be parsed."


@pytest.fixture
def account(amazon: Amazon) -> Json:
    return amazon.account(store_name="Lakeside")


@pytest.fixture
def caller(amazon: Amazon, account: Json) -> Caller:
    return Caller(amazon, account)


def promised(days_ago: float) -> list[datetime]:
    end = datetime.now(UTC) - timedelta(days=days_ago)
    return [end - timedelta(days=1), end]


def test_a_solicitation_puts_amazons_text_into_the_box_once(amazon: Amazon, account: Json, caller: Caller) -> None:
    order = amazon.order(account)
    assert caller.actions(order) == [REVIEW]

    first, second = caller.solicit(order), caller.solicit(order)

    assert (first.status_code, first.json()) == (201, {})
    assert refusal(second) == (403, "Unauthorized", NOT_AVAILABLE)
    assert caller.actions(order) == []
    assert [(each["kind"], each["outcome"]) for each in amazon.receipts()] == [("solicitation", "delivered")]


@pytest.mark.parametrize("days_ago", [1, 40])
def test_outside_the_window_nothing_can_be_asked_for(
    amazon: Amazon, account: Json, caller: Caller, days_ago: float
) -> None:
    order = amazon.order(account, deliver_by=promised(days_ago))

    assert caller.actions(order) == []
    assert refusal(caller.solicit(order)) == (403, "Unauthorized", OUTSIDE)


@pytest.mark.parametrize("status", ["PENDING", "UNSHIPPED", "CANCELLED"])
def test_an_order_that_is_not_shipped_has_no_solicitation(
    amazon: Amazon, account: Json, caller: Caller, status: str
) -> None:
    order = amazon.order(account, status=status)

    assert caller.actions(order) == []
    assert refusal(caller.solicit(order)) == (403, "Unauthorized", NOT_AVAILABLE)


def test_a_solicitation_without_its_marketplace_is_refused(amazon: Amazon, account: Json, caller: Caller) -> None:
    answer = caller.solicit(amazon.order(account), query={})

    assert refusal(answer) == (400, "InvalidInput", "Missing or invalid request parameters: [marketplaceIds]")


def test_a_solicitation_has_no_body(amazon: Amazon, account: Json, caller: Caller) -> None:
    order = amazon.order(account)

    assert refusal(caller.solicit(order, json={"marketplaceIds": [order["marketplace_id"]]})) == (
        400,
        "InvalidInput",
        NOT_PARSED,
    )
    assert amazon.receipts() == []


def test_an_opted_out_buyer_gets_no_solicitation_and_the_answer_hides_it(
    amazon: Amazon, account: Json, caller: Caller
) -> None:
    order = amazon.order(account, buyer={"opted_out": True})

    assert caller.solicit(order).status_code == 201
    assert [each["outcome"] for each in amazon.receipts()] == ["opted_out"]


def test_nobody_solicits_for_another_sellers_order(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    assert refusal(Caller(amazon, amazon.account()).solicit(order))[0] == 404


def test_a_shipped_order_offers_the_critical_message_only(amazon: Amazon, account: Json, caller: Caller) -> None:
    shipped, unshipped = amazon.order(account), amazon.order(account, status="UNSHIPPED")

    assert caller.actions(shipped, "messaging") == ["unexpectedProblem"]
    assert caller.actions(unshipped, "messaging") == [
        "confirmCustomizationDetails",
        "confirmOrderDetails",
        "confirmDeliveryDetails",
        "unexpectedProblem",
    ]
    assert refusal(caller.message(shipped, {"text": "Hello"}, "confirmOrderDetails")) == (
        403,
        "Unauthorized",
        "Invalid amazonOrderId and template combination.",
    )


def test_the_buyers_language_can_be_asked_for(amazon: Amazon, account: Json, caller: Caller) -> None:
    order = amazon.order(account, buyer={"locale": "it-IT"})
    path = f"/messaging/v1/orders/{order['order_id']}/attributes"

    answer = caller.ask("GET", path, params={"marketplaceIds": order["marketplace_id"]})

    assert answer.json() == {"buyer": {"locale": "it-IT"}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": ""}, "The text must have 1 to 2000 characters."),
        ({"text": "x" * 2001}, "The text must have 1 to 2000 characters."),
        ({"text": "<b>Hello</b>"}, "The text must not contain HTML."),
        ({"text": "Write to me@shop.example"}, "The text must not contain email addresses."),
        ({"text": "Hello", "marketplaceIds": ["ATVPDKIKX0DER"]}, NOT_PARSED),
        ({"words": "Hello"}, NOT_PARSED),
        (["Hello"], NOT_PARSED),
    ],
)
def test_a_message_that_breaks_the_rules_of_its_text_is_refused(
    amazon: Amazon, account: Json, caller: Caller, body: Json, message: str
) -> None:
    assert refusal(caller.message(amazon.order(account), body)) == (400, "InvalidInput", message)
    assert amazon.receipts() == []


def test_a_critical_message_reaches_an_opted_out_buyer_and_another_one_does_not(
    amazon: Amazon, account: Json, caller: Caller
) -> None:
    order = amazon.order(account, status="UNSHIPPED", buyer={"opted_out": True})

    assert caller.message(order, {"text": "Your parcel was lost."}).status_code == 201
    assert caller.message(order, {"text": "Which colour?"}, "confirmOrderDetails").status_code == 201
    assert [each["outcome"] for each in amazon.receipts()] == ["delivered", "opted_out"]


def test_sellers_are_told_where_they_sell(amazon: Amazon) -> None:
    account = amazon.account(store_name="Bottega", marketplace_ids=["APJ6JRA9NG5V4", "A1PA6795UKMFR9"])

    payload = Caller(amazon, account).ask("GET", "/sellers/v1/marketplaceParticipations").json()["payload"]

    assert [each["marketplace"]["countryCode"] for each in payload] == ["IT", "DE"]
    assert payload[0]["storeName"] == "Bottega"
