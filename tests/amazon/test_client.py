"""Every answer that Amazon, or something in between, can give: which of the failures is it?"""

import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from amazon.errors import (
    AccessDenied,
    AmazonError,
    ApplicationRejected,
    AuthorisationLost,
    NotReached,
    RefusalKind,
    Refused,
    Throttled,
    Unclear,
)
from amazon.operations import Operation
from amazon.tokens import TokenCache
from amazon.values import Accepted, OrderMessageKind
from tests.amazon.scripted import (
    AUTHORISATION,
    ITALY,
    ORDER,
    REQUEST_ID,
    Answer,
    Seen,
    closed_port,
    html,
    refusal,
    scripted,
    token,
)

CREATED = Answer(201)
DENIED = refusal(403, "Unauthorized", "Access to requested resource is denied.")
QUOTA = "You exceeded your quota for the requested resource."
YESTERDAY = datetime(2026, 11, 1, tzinfo=UTC)


def failure_of(answer: Answer, **options: Answer) -> AmazonError:
    """What a review request raises when Amazon gives this answer."""
    with scripted(answer, **options) as amazon, amazon.client() as client:
        with pytest.raises(AmazonError) as caught:
            client.request_review(ORDER, ITALY)
        assert len(amazon.calls) <= 1
    return caught.value


def test_a_201_with_amazons_request_id_is_accepted() -> None:
    with scripted(CREATED) as amazon, amazon.client() as client:
        assert client.request_review(ORDER, ITALY) == Accepted(REQUEST_ID)
        assert client.send_order_message(OrderMessageKind.PROBLEM, ORDER, ITALY, "x") == Accepted(REQUEST_ID)


def test_a_201_with_no_body_at_all_is_accepted() -> None:
    with scripted(Answer(201, b"")) as amazon, amazon.client() as client:
        assert client.request_review(ORDER, ITALY).request_id == REQUEST_ID


@pytest.mark.parametrize(
    "answer",
    [
        html(500),
        html(502),
        html(503),
        html(403),
        html(429),
        html(200),
        html(201),
        Answer(201, {}, headers={}),
        Answer(200),
        Answer(202),
        Answer(204, b""),
        Answer(302, b"", headers={"location": "/elsewhere", "x-amzn-RequestId": REQUEST_ID}),
        Answer(201, b"<html>"),
        Answer(201, [1]),
        Answer(201, {"errors": [{"code": "InternalFailure", "message": "x"}]}),
        Answer(403, {"message": "Forbidden"}),
        Answer(403, {"errors": []}),
        Answer(403, {"errors": ["x"]}),
        Answer(403, {"errors": [{"message": "no code"}]}),
        Answer(403, b'{"errors":[{"code":"Unauthorized","message":"x"}]'),
        refusal(500, "InternalFailure", "We encountered an internal error."),
        refusal(503, "ServiceUnavailable", "x"),
        refusal(408, "RequestTimeout", "x"),
        Answer(201, b"[" * 100_000),
        Answer(cuts=True),
    ],
    ids=lambda answer: f"{answer.status}-{str(answer.body)[:30]}{'-cut' if answer.cuts else ''}",
)
def test_what_is_not_an_answer_of_amazons_in_the_models_form_is_unclear(answer: Answer) -> None:
    assert isinstance(failure_of(answer), Unclear)


def test_a_time_out_after_sending_is_unclear() -> None:
    released = threading.Event()
    with scripted(Answer(201, after=released)) as amazon:
        with (
            amazon.client(api_timeout=timedelta(milliseconds=200)) as client,
            pytest.raises(Unclear, match="ReadTimeout"),
        ):
            client.request_review(ORDER, ITALY)
        released.set()


def test_a_refusal_carries_status_code_kind_and_request_id() -> None:
    message = "The requested solicitation is not available for this amazonOrderId."
    refused = failure_of(refusal(403, "Unauthorized", message))
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code, refused.message) == (403, "Unauthorized", message)
    assert (refused.kind, refused.request_id) == (RefusalKind.ALREADY_REQUESTED, REQUEST_ID)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 415])
def test_every_no_in_amazons_form_is_a_refusal(status: int) -> None:
    assert isinstance(failure_of(refusal(status, "InvalidInput", "Something nobody has seen yet")), Refused)


def test_a_429_is_throttled_for_as_long_as_amazons_rate_says() -> None:
    headers = {"x-amzn-RequestId": REQUEST_ID, "x-amzn-RateLimit-Limit": "0.5"}
    throttled = failure_of(Answer(429, {"errors": [{"code": "QuotaExceeded", "message": QUOTA}]}, headers))
    assert isinstance(throttled, Throttled)
    assert (throttled.retry_after, throttled.rate) == (timedelta(seconds=2), 0.5)


def test_a_429_without_a_rate_waits_by_the_plan_of_the_operation() -> None:
    with scripted(refusal(429, "QuotaExceeded", QUOTA)) as amazon, amazon.client() as client:
        with pytest.raises(Throttled) as review:
            client.request_review(ORDER, ITALY)
        with pytest.raises(Throttled) as search:
            client.search_orders(marketplace_ids=[ITALY], last_updated_after=YESTERDAY)
    assert (review.value.retry_after, review.value.rate) == (timedelta(seconds=1), None)
    assert timedelta(seconds=178) < search.value.retry_after < timedelta(seconds=179)


def test_where_nobody_listens_nothing_was_sent() -> None:
    with scripted(CREATED) as amazon, amazon.client(endpoint=closed_port()) as client, pytest.raises(NotReached):
        client.request_review(ORDER, ITALY)


@pytest.mark.parametrize("login", [html(503), html(200), Answer(cuts=True), token(""), token("two words")])
def test_without_an_access_token_nothing_was_sent(login: Answer) -> None:
    with scripted(CREATED, login=login) as amazon, amazon.client() as client:
        with pytest.raises(NotReached):
            client.request_review(ORDER, ITALY)
        assert amazon.calls == []


def test_where_login_is_unreachable_nothing_was_sent() -> None:
    with scripted(CREATED) as amazon, amazon.client(login_url=closed_port()) as client:
        with pytest.raises(NotReached):
            client.request_review(ORDER, ITALY)
        assert amazon.calls == []


def test_a_revoked_authorisation_is_lost_and_a_wrong_secret_is_ours() -> None:
    assert isinstance(failure_of(CREATED, login=Answer(400, {"error": "invalid_grant"})), AuthorisationLost)
    assert isinstance(failure_of(CREATED, login=Answer(401, {"error": "invalid_client"})), ApplicationRejected)


def test_an_access_token_that_died_early_is_replaced_once_and_the_request_made_again() -> None:
    clock = [0.0]
    tokens = TokenCache(clock=lambda: clock[0])
    given = iter(["Atza|old", "Atza|new"])

    def amazon_says(seen: Seen) -> Answer:
        return CREATED if seen.headers["x-amz-access-token"] == "Atza|new" else DENIED

    with scripted(amazon_says, login=lambda _: token(next(given))) as amazon:
        tokens.get(amazon.application(), AUTHORISATION)
        clock[0] = 600.0
        with amazon.client(tokens=tokens) as client:
            assert client.request_review(ORDER, ITALY) == Accepted(REQUEST_ID)
        assert [seen.headers["x-amz-access-token"] for seen in amazon.calls] == ["Atza|old", "Atza|new"]


def test_a_missing_role_costs_one_request_and_not_three() -> None:
    with scripted(DENIED) as amazon, amazon.client() as client:
        for _ in range(3):
            with pytest.raises(AccessDenied) as denied:
                client.request_review(ORDER, ITALY)
        assert (len(amazon.calls), len(amazon.logins)) == (3, 1)
    assert denied.value.kind is RefusalKind.ACCESS


def test_denied_after_a_new_token_is_denied_for_good() -> None:
    clock = [0.0]
    with scripted(DENIED) as amazon, amazon.client(tokens=TokenCache(clock=lambda: clock[0])) as client:
        with pytest.raises(AccessDenied):
            client.request_review(ORDER, ITALY)
        clock[0] = 600.0
        with pytest.raises(AccessDenied):
            client.request_review(ORDER, ITALY)
        assert (len(amazon.calls), len(amazon.logins)) == (3, 2)


def test_a_401_is_about_access_whatever_it_says() -> None:
    assert isinstance(failure_of(refusal(401, "Unauthorized", "x")), AccessDenied)


def test_the_observer_hears_every_rate_that_makes_sense_even_with_a_refusal() -> None:
    rates = iter(["1.5", "nonsense", "nan", "-1", "", "2"])
    heard: list[tuple[str, float]] = []

    def amazon_says(seen: Seen) -> Answer:
        headers = {"x-amzn-RequestId": REQUEST_ID, "x-amzn-RateLimit-Limit": next(rates)}
        return Answer(403, {"errors": [{"code": "Unauthorized", "message": "no"}]}, headers)

    with scripted(amazon_says) as amazon, amazon.client(observe=lambda *what: heard.append(what)) as client:
        for _ in range(6):
            with pytest.raises(Refused):
                client.request_review(ORDER, ITALY)
    assert heard == [(Operation.REQUEST_REVIEW, 1.5), (Operation.REQUEST_REVIEW, 2.0)]


def test_one_client_serves_many_threads() -> None:
    def amazon_says(seen: Seen) -> Answer:
        return Answer(200, {"buyer": {"locale": seen.path.split("/")[4]}})

    orders = [f"171-0000000-{number:07}" for number in range(40)]
    with scripted(amazon_says) as amazon, amazon.client() as client, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda order: client.buyer_language(order, ITALY), orders)) == orders
        assert len(amazon.logins) == 1


def test_a_page_of_orders_comes_back_through_the_wire() -> None:
    body = {
        "orders": [{"orderId": ORDER}],
        "pagination": {"nextToken": "n"},
        "lastUpdatedBefore": "2026-11-01T00:00:00Z",
    }
    with scripted(Answer(200, body)) as amazon, amazon.client() as client:
        page = client.search_orders(marketplace_ids=[ITALY], last_updated_after=YESTERDAY)
    assert (page.orders[0].order_id, page.next_token) == (ORDER, "n")
    assert page.last_updated_before == YESTERDAY


def test_nothing_is_logged_and_no_exception_shows_a_token_a_query_or_a_body(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.DEBUG)
    shown: list[str] = []
    text = "-".join(["the", "text"])
    for answer in (CREATED, html(503), Answer(cuts=True), refusal(400, "InvalidInput", f"bad: {text} Atza|access")):
        with scripted(answer) as amazon, amazon.client() as client:
            try:
                client.send_order_message(OrderMessageKind.PROBLEM, ORDER, ITALY, text)
            except AmazonError as error:
                assert error.__cause__ is None and error.__context__ is None
                shown += traceback.format_exception(error)
    everything = "".join(shown) + caplog.text
    for secret in ("Atza", "Atzr", "the-secret", "the-text", "marketplaceIds="):
        assert secret not in everything
    assert caplog.records == []


def test_a_client_leaves_no_connection_open_neither_to_the_api_nor_to_login() -> None:
    with scripted(CREATED) as amazon:
        for _ in range(5):
            with amazon.client() as client:
                client.request_review(ORDER, ITALY)
        assert (len(amazon.calls), len(amazon.logins)) == (5, 5)
        assert amazon.wait_until_all_hung_up(timedelta(seconds=5))


def test_a_client_is_cheap_to_make() -> None:
    with scripted(CREATED) as amazon:
        amazon.client().close()
        began = datetime.now(UTC)
        for _ in range(50):
            amazon.client().close()
        assert datetime.now(UTC) - began < timedelta(seconds=2)
