"""The simulator as a process: what a kill leaves, planned troubles, the demo world, the command, pages, journal."""

import smtplib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from amazon.simulator import accounts, clock
from amazon.simulator.store import Store
from tests.amazon.conformance import findings, models_folder, read_journal
from tests.amazon.harness import ROOT, Amazon, Json
from tests.amazon.simulator.support import Caller, listening, write_to


def test_a_killed_simulator_comes_back_with_everything(tmp_path: Path) -> None:
    with Amazon.running(tmp_path) as amazon:
        account = amazon.account(
            approved_senders=["shop@send.example"], mode="direct", inbound_address="o-x@in.example"
        )
        order = amazon.order(account, buyer={"opted_out": True})
        caller = Caller(amazon, account)
        write_to(amazon, order, "shop@send.example")
        before = amazon.read("world"), amazon.receipts(), amazon.notices()

        amazon.restart()

        assert (amazon.read("world"), amazon.receipts(), amazon.notices()) == before
        assert caller.order(order).status_code == 200
        with listening() as listener:
            amazon.deliver_to("127.0.0.1", listener.port)
            amazon.wait_for(lambda: listener.taken, 20)
        assert amazon.stop() == 0


@pytest.mark.parametrize(
    ("kind", "status"), [("html503", 503), ("forbidden", 403), ("throttle", 429), ("cut", None), ("cut_after", None)]
)
def test_a_planned_trouble_hits_the_next_call_only(amazon: Amazon, kind: str, status: int | None) -> None:
    account = amazon.account()
    order = amazon.order(account)
    caller = Caller(amazon, account)
    amazon.fault("createProductReviewAndSellerFeedbackSolicitation", kind)

    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            caller.solicit(order)
    else:
        assert caller.solicit(order).status_code == status
    # After `cut_after` everything was done, and only the answer was lost.
    assert caller.solicit(order).status_code == (403 if kind == "cut_after" else 201)


def test_a_throttled_account_is_told_so_time_and_again_and_no_other_is(amazon: Amazon) -> None:
    throttled, sound = amazon.account(), amazon.account()
    orders = amazon.order(throttled), amazon.order(sound)
    page = f"{amazon.base_url}/accounts/{throttled['selling_partner_id']}/throttle"
    httpx.post(page, data={"throttled": "yes"})
    caller = Caller(amazon, throttled)

    assert [caller.solicit(orders[0]).status_code for _ in range(2)] == [429, 429]
    assert "are answered 429" in httpx.get(f"{amazon.base_url}/").text
    assert caller.order(orders[0]).status_code == 200  # it reads as ever
    assert Caller(amazon, sound).solicit(orders[1]).status_code == 201
    httpx.post(page, data={"throttled": "no"})
    assert caller.solicit(orders[0]).status_code == 201


def test_an_authorisation_ends_at_the_instant_that_was_set(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    account = accounts.open_account(store, {})

    accounts.revoke(store, account.selling_partner_id, at=clock.now() + 60)
    assert not accounts.is_revoked(store, account.selling_partner_id)
    with store.write() as connection:
        connection.execute("UPDATE grants SET revoked_at = revoked_at - 61")
    assert accounts.is_revoked(store, account.selling_partner_id)


def test_a_slow_answer_is_a_whole_answer(amazon: Amazon) -> None:
    amazon.fault("token", "slow", seconds=0.3)
    started = datetime.now(UTC)

    assert amazon.access_token(amazon.account())
    assert datetime.now(UTC) - started > timedelta(seconds=0.3)


def test_a_port_in_use_is_one_sentence(amazon: Amazon, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amazon.simulator", "--http", f"127.0.0.1:{amazon.ports['http']}"]
    for name in ("smtp", "mail", "dns"):
        command += [f"--{name}", "127.0.0.1:0"]
    command += ["--inbound", "127.0.0.1:9", "--state", str(tmp_path / "state")]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and "cannot listen" in ended.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Json:
    with Amazon.running(tmp_path_factory.mktemp("demo"), world="demo") as amazon:
        world = amazon.read("world")
        lists = [
            amazon.read("orders", selling_partner_id=account["selling_partner_id"])["orders"]
            for account in world["accounts"]
        ]
        letters = []
        for address in ("o-x@in.example", "o-y@in.example"):
            amazon.mailbox(world["accounts"][0], inbound_address=address)
            letters.append(len(amazon.outgoing()))
        return {"world": world, "orders": lists, "letters": letters, "at": datetime.now(UTC)}


def test_the_demo_world_has_its_sellers_and_some_six_hundred_orders(demo: Json) -> None:
    world = demo["world"]

    assert [account["store_name"] for account in world["accounts"]] == [
        "Lakeside Outfitters",
        "Bottega Chiaro",
        "Pennine Pantry",
        "Harbour Lane Paper",  # for a visitor who signs up
        "Coral Tide",  # one seller, three accounts in trouble
        "Coral Tide UK",
        "Coral Tide Australia",
    ]
    assert [len(orders) for orders in demo["orders"]] == [300, 220, 80, 40, 14, 12, 10]
    assert 0.02 < world["opted_out"] / world["buyers"] < 0.055
    statuses = {order["status"] for orders in demo["orders"] for order in orders}
    assert statuses >= {"PENDING", "UNSHIPPED", "SHIPPED", "CANCELLED"}


def test_the_demo_has_returned_and_refunded_orders_and_unhappy_buyers(demo: Json) -> None:
    orders = [order for orders in demo["orders"] for order in orders]
    assert sum(order["is_returned"] for order in orders) >= 10
    assert 5 <= sum(order["is_refunded"] for order in orders) <= sum(order["is_returned"] for order in orders)
    assert {order["feedback_rating"] for order in orders} == {0, 1, 2, 3}


def test_the_demo_shows_one_sellers_notice_stopping_anothers_message(demo: Json) -> None:
    """Opted-out buyers of two sellers: due at once at the first, 75 to 150 seconds later at the second."""
    due: dict[str, list[tuple[float, int]]] = {}
    for seller, orders in enumerate(demo["orders"]):
        for order in orders:
            if order["opted_out"] and order["fulfilled_by"] == "MERCHANT" and order["status"] == "SHIPPED":
                moment = datetime.fromisoformat(order["deliver_by"][1]) + timedelta(days=2)
                due.setdefault(order["alias"], []).append(((moment - demo["at"]).total_seconds(), seller))

    pairs = [sorted(moments) for moments in due.values() if len({seller for _, seller in moments}) == 2]

    assert len(pairs) >= 2
    assert all(first < 0 and 60 < second < 150 for (first, _), (second, _) in pairs)


def test_the_letters_of_an_inbox_are_queued_once(demo: Json) -> None:
    assert demo["letters"] == [11, 11]


def test_a_visitor_opts_a_buyer_out_and_back_in(amazon: Amazon) -> None:
    order = amazon.order(amazon.account(store_name="Lakeside"), buyer={"name": "Ava <b>Brook</b>"})
    page = f"{amazon.base_url}/buyers/{order['buyer_id']}"

    for opted_out, word in (("yes", "opted out"), ("no", "takes messages")):
        answer = httpx.post(f"{page}/opt-out", data={"opted_out": opted_out}, follow_redirects=True)
        assert answer.status_code == 200 and word in answer.text
    assert "<b>Brook</b>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_mail_to_people_links_to_the_site_and_nowhere_else(amazon: Amazon) -> None:
    text = "<i>Hi</i> http://127.0.0.1:8000/confirm/abc/ http://127.0.0.1:8000.evil.example/ https://evil.example/"
    with smtplib.SMTP(*amazon.mail, timeout=10) as connection:
        connection.sendmail("site@example.com", ["alice@shop.example"], f"Subject: Confirm\r\n\r\n{text}\r\n")
    mail_id = amazon.read("mail")["mail"][0]["mail_id"]

    page = httpx.get(f"{amazon.base_url}/mail/{mail_id}").text

    assert '<a href="http://127.0.0.1:8000/confirm/abc/">' in page
    assert 'href="http://127.0.0.1:8000.evil' not in page and 'href="https://evil' not in page
    assert "&lt;i&gt;Hi" in page


@pytest.mark.parametrize("path", ["/", "/buyers", "/opt-out", "/notices", "/calls", "/mail", "/relay"])
def test_every_page_opens_in_an_empty_and_in_a_used_world(amazon: Amazon, path: str) -> None:
    empty = httpx.get(f"{amazon.base_url}{path}")
    account = amazon.account(approved_senders=["shop@send.example"])
    order = amazon.order(account, buyer={"opted_out": True})
    write_to(amazon, order, "shop@send.example")
    Caller(amazon, account).solicit(order)
    used = httpx.get(f"{amazon.base_url}{path}?q={order['order_id'][:5]}&page=9")

    assert (empty.status_code, used.status_code) == (200, 200)
    assert "<script>" not in used.text and " style=" not in used.text


def test_every_exchange_fits_amazons_models(tmp_path: Path) -> None:
    folder = models_folder()
    if folder is None:
        pytest.skip("Amazon's models are not beside this checkout: shared/sp-api-models")
    with Amazon.running(tmp_path) as amazon:
        _exchange_everything(amazon)

    exchanges = read_journal(tmp_path / "journal.jsonl")

    assert {each["operation"] for each in exchanges} == {
        "searchOrders",
        "getOrder",
        "getSolicitationActionsForOrder",
        "createProductReviewAndSellerFeedbackSolicitation",
        "getMessagingActionsForOrder",
        "GetAttributes",
        "createUnexpectedProblem",
        "getMarketplaceParticipations",
    }
    assert {each["status"] for each in exchanges} == {200, 201, 400, 403, 404, 429}
    assert findings(exchanges, folder) == []


def _exchange_everything(amazon: Amazon) -> None:
    everything = "BUYER,PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES"
    account = amazon.account()
    odd = {"promotion_id": "AUTUMN-15", "is_gift": True, "is_business_price": True}
    orders = amazon.orders(
        account,
        [
            {"items": [odd], "programs": ["PRIME", "AMAZON_BUSINESS"], "replaces": "111-0000000-0000000"},
            {"fulfilled_by": "AMAZON"},
            {"status": "CANCELLED", "buyer_requested_cancel": True},
            {"status": "PENDING"},
        ],
    )
    caller = Caller(amazon, account)
    page = caller.search(lastUpdatedAfter="2026-01-01T00:00:00Z", maxResultsPerPage=2, includedData=everything).json()
    caller.search(paginationToken=page["pagination"]["nextToken"])
    caller.search()
    for order in orders:
        caller.order(order, includedData=everything)
        caller.actions(order)
    caller.order({"order_id": "111-0000000-0000000"})
    for _ in range(2):
        caller.solicit(orders[0])
    caller.actions(orders[0], "messaging")
    path, query = f"/messaging/v1/orders/{orders[0]['order_id']}", {"marketplaceIds": orders[0]["marketplace_id"]}
    caller.ask("GET", f"{path}/attributes", params=query)
    caller.message(orders[0], {"text": "The parcel was lost."})
    caller.message(orders[0], {"text": ""})
    caller.ask("GET", "/sellers/v1/marketplaceParticipations")
    amazon.quota("getMarketplaceParticipations", 0.016, 0)
    amazon.quota("GetAttributes", 1, 0)
    caller.ask("GET", "/sellers/v1/marketplaceParticipations")
    caller.ask("GET", f"{path}/attributes", params=query)


def test_the_check_against_the_models_finds_what_is_wrong() -> None:
    folder = models_folder()
    if folder is None:
        pytest.skip("Amazon's models are not beside this checkout: shared/sp-api-models")
    exchange = {
        "operation": "createUnexpectedProblem",
        "method": "POST",
        "path": "/messaging/v1/orders/1/messages/unexpectedProblem",
        "query": [["MarketplaceIds", "X"]],
        "header_names": [],
        "body": {"text": "", "marketplaceIds": ["X"]},
        "status": 201,
        "response_header_names": ["x-amzn-requestid"],
        "response": {"errors": [{"code": "X"}]},
        "fault": None,
    }

    found = "\n".join(findings([exchange], folder))

    for finding in (
        "no query parameter MarketplaceIds",
        "required parameter marketplaceIds is missing",
        "no field marketplaceIds",
        "should be non-empty",
        "no access token",
        "lacks the header x-amzn-RateLimit-Limit",
        "'message' is a required property",
    ):
        assert finding in found
