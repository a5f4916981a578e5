"""Consent, codes and tokens at Login with Amazon."""

import threading
from datetime import timedelta

import pytest

from amazon import login, marketplaces
from amazon.errors import AmazonError, ApplicationRejected, AuthorisationLost, NotReached, Unclear
from amazon.login import AccessToken
from tests.amazon.scripted import ITALY, Answer, closed_port, html, query_of, scripted, token

CALLBACK = "https://ff.example/amazon/callback"
GRANT = Answer(200, {"access_token": "Atza|a", "refresh_token": "Atzr|r", "expires_in": 3600}, headers={})


def said(status: int, error: str) -> Answer:
    return Answer(status, {"error": error, "error_description": "words"}, headers={})


def test_the_consent_page_is_that_of_the_marketplaces_own_seller_central() -> None:
    with scripted() as amazon:
        url = login.consent_url(amazon.application(), marketplaces.by_id(ITALY), "st&te", redirect_uri=CALLBACK)
    assert url.startswith("https://sellercentral-europe.amazon.com/apps/authorize/consent?")
    assert query_of(url) == {
        "application_id": ["amzn1.sp.solution.test"],
        "state": ["st&te"],
        "redirect_uri": [CALLBACK],
    }


def test_a_draft_application_asks_for_the_beta_page_and_a_stand_in_may_have_its_own() -> None:
    with scripted() as amazon:
        application = amazon.application(consent_url="http://127.0.0.1:8001/consent", is_draft=True)
        url = login.consent_url(application, marketplaces.by_id(ITALY), "s", redirect_uri=CALLBACK)
    assert url.startswith("http://127.0.0.1:8001/consent?")
    assert query_of(url)["version"] == ["beta"]


def test_a_code_is_exchanged_for_tokens_that_are_not_shown() -> None:
    with scripted(login=GRANT) as amazon:
        grant = login.exchange_code(amazon.application(), "the-code", CALLBACK)
        (seen,) = amazon.logins
    assert (grant.refresh_token, grant.access_token) == ("Atzr|r", AccessToken("Atza|a", timedelta(hours=1)))
    assert "Atz" not in repr(grant)
    assert seen.form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": CALLBACK,
        "client_id": "amzn1.application-oa2-client.test",
        "client_secret": "the-secret",
    }
    assert seen.query == []


def test_a_refresh_sends_the_form_of_rfc_6749() -> None:
    with scripted() as amazon:
        assert login.refresh(amazon.application(), "Atzr|r").value == "Atza|access"
        (seen,) = amazon.logins
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (seen.form["grant_type"], seen.form["refresh_token"]) == ("refresh_token", "Atzr|r")


NOT_ITS_FORM = [html(200), html(500), html(403), Answer(503, {}), Answer(200, [1]), Answer(200, {}), Answer(cuts=True)]
ODD_ERRORS = [Answer(400, {"error": 7}), Answer(400, {"error": "Some Sentence"}), Answer(302, b"")]


@pytest.mark.parametrize("answer", NOT_ITS_FORM + ODD_ERRORS, ids=lambda answer: f"{answer.status}-{answer.body!r:.20}")
def test_an_odd_answer_means_not_reached_for_a_refresh_and_unclear_for_a_code(answer: Answer) -> None:
    with scripted(login=answer) as amazon:
        with pytest.raises(NotReached) as refreshed:
            login.refresh(amazon.application(), "Atzr|r")
        with pytest.raises(Unclear) as exchanged:
            login.exchange_code(amazon.application(), "code", CALLBACK)
    for caught in (refreshed, exchanged):
        assert caught.value.__context__ is None
        assert "Atz" not in str(caught.value)


def test_a_seller_who_took_consent_back_has_to_agree_again() -> None:
    with scripted(login=said(400, "invalid_grant")) as amazon:
        with pytest.raises(AuthorisationLost, match="invalid_grant"):
            login.refresh(amazon.application(), "Atzr|r")
        with pytest.raises(AuthorisationLost, match="invalid_grant"):
            login.exchange_code(amazon.application(), "code", CALLBACK)


@pytest.mark.parametrize(
    "error", ["invalid_client", "invalid_request", "unsupported_grant_type", "unauthorized_client"]
)
def test_what_is_wrong_with_our_application_is_not_held_against_the_seller(error: str) -> None:
    with scripted(login=said(401, error)) as amazon:
        with pytest.raises(ApplicationRejected, match=error):
            login.refresh(amazon.application(), "Atzr|r")
        with pytest.raises(ApplicationRejected, match=error):
            login.exchange_code(amazon.application(), "code", CALLBACK)


def test_login_may_ask_us_to_wait() -> None:
    with scripted(login=said(429, "slow_down")) as amazon, pytest.raises(NotReached, match="wait"):
        login.exchange_code(amazon.application(), "code", CALLBACK)


def test_where_nobody_listens_the_code_is_still_good() -> None:
    with scripted() as amazon, pytest.raises(NotReached):
        login.exchange_code(amazon.application(login_url=closed_port()), "code", CALLBACK)


def test_login_has_a_time_limit_of_its_own() -> None:
    released = threading.Event()
    with scripted(login=Answer(after=released)) as amazon:
        application = amazon.application(login_timeout=timedelta(milliseconds=200), api_timeout=timedelta(minutes=5))
        with pytest.raises(NotReached, match="ReadTimeout"):
            login.refresh(application, "Atzr|r")
        with pytest.raises(Unclear, match="ReadTimeout"):
            login.exchange_code(application, "code", CALLBACK)
        released.set()


@pytest.mark.parametrize("value", ["", None, 5, "two words", "line\nbreak", "ünïcode", "x" * 9000])
def test_a_token_that_could_not_be_a_header_is_no_token(value: object) -> None:
    with scripted(login=token(value)) as amazon, pytest.raises(AmazonError):
        login.refresh(amazon.application(), "Atzr|r")


@pytest.mark.parametrize("expires_in", [None, "3600", -1, 0, True, 10**9, 1.5])
def test_an_odd_life_time_is_none_at_all(expires_in: object) -> None:
    with scripted(login=token(expires_in=expires_in)) as amazon:
        assert login.refresh(amazon.application(), "Atzr|r").expires_in == timedelta(0)


@pytest.mark.parametrize(
    "url",
    [
        "https://amazon.com/apps/authorize/confirm/amzn1.sellerapps.app.1",
        "https://sellercentral.amazon.com/apps/authorize/confirm/1",
        "https://sellercentral-europe.amazon.com:443/x",
        "https://SellerCentral.Amazon.co.jp/x",
    ],
)
def test_amazons_own_hosts_are_amazons(url: str) -> None:
    assert login.is_amazon_host(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://sellercentral.amazon.com/",
        "https://sellercentral.amazon.com.evil.example/",
        "https://evil.example/sellercentral.amazon.com",
        "https://evilamazon.com/",
        "https://amazon.com@evil.example/",
        "https://evil.example\\@amazon.com/",
        "https://amazon.com\\.evil.example/",
        "https://user@amazon.com/",
        "https://amazon.com:8443/",
        "https://amazon.com.:443/",
        "https://am\tazon.com/",
        " https://amazon.com/",
        "https://amazon.com\n.evil.example/",
        "https://аmazon.com/",
        "//amazon.com/",
        "javascript:alert(1)//https://amazon.com",
        "https://[amazon.com/",
        "https:///amazon.com",
        "",
    ],
)
def test_whatever_only_looks_like_amazon_is_not(url: str) -> None:
    assert not login.is_amazon_host(url)
