"""What goes over the wire, byte by byte, and that nothing in the environment can change it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from amazon import calls
from amazon.application import Application, Authorisation
from amazon.marketplaces import ENDPOINTS, Region
from amazon.values import OrderMessageKind
from tests.amazon.scripted import AUTHORISATION, ITALY, ORDER, Answer, scripted

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CREATED = Answer(201)
NO_ORDERS = Answer(200, {"orders": []})
NO_ACTIONS = Answer(200, {"_links": {"actions": []}})


def test_a_review_request_carries_the_marketplace_once_in_the_query_and_no_body() -> None:
    with scripted(CREATED) as amazon, amazon.client() as client:
        client.request_review(ORDER, ITALY)
        (seen,) = amazon.calls
    assert (seen.method, seen.path) == (
        "POST",
        f"/solicitations/v1/orders/{ORDER}/solicitations/productReviewAndSellerFeedback",
    )
    assert seen.query == [("marketplaceIds", ITALY)]
    assert (seen.body, seen.headers["content-length"]) == (b"", "0")


def test_a_message_carries_its_text_and_nothing_else_in_the_body() -> None:
    with scripted(CREATED) as amazon, amazon.client() as client:
        client.send_order_message(OrderMessageKind.PROBLEM, ORDER, ITALY, "Il colore è sbagliato")
        (seen,) = amazon.calls
    assert seen.query == [("marketplaceIds", ITALY)]
    assert json.loads(seen.body) == {"text": "Il colore è sbagliato"}
    assert seen.headers["content-type"] == "application/json"


def test_questions_about_one_order_spell_the_marketplace_in_one_way() -> None:
    with scripted(NO_ACTIONS) as amazon, amazon.client() as client:
        client.solicitation_actions(ORDER, ITALY)
        client.messaging_actions(ORDER, ITALY)
        client.buyer_language(ORDER, ITALY)
        seen = amazon.calls
    assert [one.query for one in seen] == [[("marketplaceIds", ITALY)]] * 3
    assert [one.path for one in seen] == [
        f"/solicitations/v1/orders/{ORDER}",
        f"/messaging/v1/orders/{ORDER}",
        f"/messaging/v1/orders/{ORDER}/attributes",
    ]
    assert all(one.body == b"" for one in seen)


def test_a_search_asks_for_what_is_needed_and_never_for_an_address() -> None:
    with scripted(NO_ORDERS) as amazon, amazon.client() as client:
        client.search_orders(
            marketplace_ids=["B", "A", "B"],
            last_updated_after=NOON.astimezone(timezone(timedelta(hours=9))) + timedelta(microseconds=7),
            last_updated_before=NOON + timedelta(hours=1),
            pagination_token="next+/=",
        )
        (seen,) = amazon.calls
    assert dict(seen.query) == {
        "marketplaceIds": "A,B",
        "lastUpdatedAfter": "2026-11-01T12:00:00Z",
        "lastUpdatedBefore": "2026-11-01T13:00:00Z",
        "maxResultsPerPage": "100",
        "includedData": "BUYER,CANCELLATION,FULFILLMENT,PACKAGES,PROCEEDS,PROMOTION",
        "paginationToken": "next+/=",
    }
    assert len(seen.query) == 6


def test_one_order_and_the_sellers_marketplaces_are_asked_for_without_a_marketplace() -> None:
    instants = {"createdTime": "2026-10-25T10:30:00Z", "lastUpdatedTime": "2026-10-25T10:30:00Z"}
    order = {"orderId": ORDER, **instants, "salesChannel": {"marketplaceId": ITALY}, "orderItems": []}
    with scripted(Answer(200, {"order": order, "payload": []})) as amazon, amazon.client() as client:
        assert client.get_order(ORDER).order_id == ORDER
        assert client.marketplace_participations() == ()
        one, all_of_them = amazon.calls
    assert [name for name, _ in one.query] == ["includedData"]
    assert (all_of_them.path, all_of_them.query) == ("/sellers/v1/marketplaceParticipations", [])


def test_the_host_is_written_in_full_and_the_program_names_itself() -> None:
    with scripted(CREATED) as amazon, amazon.client() as client:
        client.request_review(ORDER, ITALY)
        (seen,) = amazon.calls
        assert f"http://{seen.headers['host']}" == amazon.url
    assert seen.headers["x-amz-access-token"] == "Atza|access"
    assert seen.headers["user-agent"] == "FeedbackFive/1.0 (Language=Python)"
    assert "authorization" not in seen.headers


def test_a_described_call_shows_neither_query_nor_body() -> None:
    call = calls.order_message(OrderMessageKind.PROBLEM, ORDER, ITALY, "secret text")
    assert "secret" not in repr(call) and ITALY not in repr(call)


@pytest.mark.parametrize("wrong", ["", "../../x", f"{ORDER}/messages", f" {ORDER}", "１７１-1234567-7654321"])
def test_what_is_no_order_id_never_becomes_part_of_a_path(wrong: str) -> None:
    with scripted(CREATED) as amazon, amazon.client() as client:
        for ask in (
            client.request_review,
            client.solicitation_actions,
            client.messaging_actions,
            client.buyer_language,
        ):
            with pytest.raises(ValueError, match="3, 7 and 7"):
                ask(wrong, ITALY)
        with pytest.raises(ValueError, match="3, 7 and 7"):
            client.get_order(wrong)
        assert amazon.calls == amazon.logins == []


def test_a_search_without_marketplaces_or_with_a_naive_instant_is_our_own_mistake() -> None:
    for marketplaces in ([], [str(number) for number in range(51)]):
        with pytest.raises(ValueError, match="1 to 50"):
            calls.search_orders(marketplaces, last_updated_after=NOON)
    with pytest.raises(ValueError, match="naive"):
        calls.search_orders([ITALY], last_updated_after=NOON.replace(tzinfo=None))


@pytest.mark.parametrize("kind", list(OrderMessageKind))
def test_a_text_outside_amazons_limits_is_not_sent(kind: OrderMessageKind) -> None:
    calls.order_message(kind, ORDER, ITALY, "x" * kind.longest)
    for text in ("", "x" * (kind.longest + 1)):
        with pytest.raises(ValueError, match=f"1 to {kind.longest:,}"):
            calls.order_message(kind, ORDER, ITALY, text)


@pytest.mark.parametrize("kind", list(OrderMessageKind))
def test_each_kind_of_order_message_has_its_own_path(kind: OrderMessageKind) -> None:
    call = calls.order_message(kind, ORDER, ITALY, "x")
    assert call.path == f"/messaging/v1/orders/{ORDER}/messages/{kind.value}"
    assert (dict(call.query), call.body) == ({"marketplaceIds": ITALY}, {"text": "x"})


@pytest.mark.parametrize("blank", ["", "  "])
def test_no_credential_may_be_blank(blank: str) -> None:
    good = {"client_id": "id", "client_secret": "secret", "application_id": "app"}
    for name in good:
        given = {**good, name: blank}
        with pytest.raises(ValueError, match=name):
            Application(given["client_id"], given["client_secret"], given["application_id"])
    with pytest.raises(ValueError, match="refresh_token"):
        Authorisation(Region.EU, blank)


@pytest.mark.parametrize("url", ["ftp://x", "//x", "x", "https://x/?q=1", "https://user@x", "https://x/#f", ""])
def test_an_end_point_that_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Application("id", "secret", "app", endpoint=url)


def test_secrets_are_not_shown() -> None:
    application = Application("id", "the-secret", "app")
    assert "the-secret" not in repr(application)
    assert "Atzr" not in repr(AUTHORISATION)


def test_without_a_stand_in_each_region_has_amazons_own_end_point() -> None:
    application = Application("id", "secret", "app")
    assert {region: application.endpoint_for(region) for region in Region} == ENDPOINTS
    assert Application("id", "secret", "app", endpoint="http://sim:1/").endpoint_for(Region.FE) == "http://sim:1"


HOSTILE = {
    "SP_API_DEFAULT_MARKETPLACE": "JP",
    "AWS_ENV": "SANDBOX",
    "SP_API_REFRESH_TOKEN": "Atzr|of-somebody-else",
    "LWA_APP_ID": "app-of-somebody-else",
    "LWA_CLIENT_SECRET": "secret-of-somebody-else",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}
IN_A_HOSTILE_ENVIRONMENT = """
import sys
from amazon.client import AmazonClient, Application, Authorisation
from amazon.marketplaces import Region
from amazon.tokens import TokenCache
from amazon.values import OrderMessageKind
own = Application("own-app", "own-secret", "app")
assert own.endpoint_for(Region.EU) == "https://sellingpartnerapi-eu.amazon.com"
url = sys.argv[1]
application = Application("own-app", "own-secret", "app", login_url=url + "/auth/o2/token", endpoint=url)
with AmazonClient(application, Authorisation(Region.EU, "Atzr|own"), tokens=TokenCache()) as client:
    client.request_review(sys.argv[2], sys.argv[3])
    client.send_order_message(OrderMessageKind.PROBLEM, sys.argv[2], sys.argv[3], "text")
"""


def test_the_environment_can_change_neither_the_seller_nor_the_marketplace_nor_the_address() -> None:
    with scripted(CREATED) as amazon:
        subprocess.run(
            [sys.executable, "-c", IN_A_HOSTILE_ENVIRONMENT, amazon.url, ORDER, ITALY],
            env={**os.environ, **HOSTILE},
            cwd=ROOT,
            check=True,
            timeout=60,
        )
        (login,) = amazon.logins
    assert [seen.query for seen in amazon.calls] == [[("marketplaceIds", ITALY)]] * 2
    assert login.form["refresh_token"] == "Atzr|own"
    assert (login.form["client_id"], login.form["client_secret"]) == ("own-app", "own-secret")
