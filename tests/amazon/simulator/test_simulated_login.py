"""The simulator's Login with Amazon: grants, refusals, and the consent page."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.amazon.harness import Amazon, Json

CALLBACK = "http://127.0.0.1:8000/amazon/callback"


def token(amazon: Amazon, **given: str) -> httpx.Response:
    application = amazon.application
    form = {"client_id": application["client_id"], "client_secret": application["client_secret"]} | given
    return httpx.post(f"{amazon.base_url}/auth/o2/token", data=form)


def consent(amazon: Amazon, account: Json, decision: str = "allow") -> dict[str, list[str]]:
    form = {
        "application_id": amazon.application["application_id"],
        "state": "opaque",
        "redirect_uri": CALLBACK,
        "selling_partner_id": account["selling_partner_id"],
        "decision": decision,
    }
    answer = httpx.post(f"{amazon.base_url}/apps/authorize/consent", data=form)
    assert answer.headers["location"].startswith(CALLBACK)
    return parse_qs(urlsplit(answer.headers["location"]).query)


def test_a_refresh_token_buys_an_access_token_for_an_hour(amazon: Amazon) -> None:
    account = amazon.account()

    answer = token(amazon, grant_type="refresh_token", refresh_token=account["refresh_token"]).json()

    assert answer["access_token"].startswith("Atza|")
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "Atzr|made-up"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "made-up"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "profile"}, 400, "invalid_scope"),
    ],
)
def test_a_login_that_cannot_be_is_refused_as_oauth_says(
    amazon: Amazon, given: dict[str, str], status: int, error: str
) -> None:
    answer = token(amazon, **given)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_consent_gives_a_code_that_works_once(amazon: Amazon) -> None:
    account = amazon.account()

    answer = consent(amazon, account)
    code = answer["spapi_oauth_code"][0]
    bought = token(amazon, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    again = token(amazon, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)

    assert (answer["state"], answer["selling_partner_id"]) == (["opaque"], [account["selling_partner_id"]])
    assert bought.json()["refresh_token"].startswith("Atzr|")
    assert again.json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_where_it_was_sent(amazon: Amazon) -> None:
    code = consent(amazon, amazon.account())["spapi_oauth_code"][0]

    answer = token(amazon, grant_type="authorization_code", code=code, redirect_uri="http://127.0.0.1:8000/other")

    assert answer.json()["error"] == "invalid_grant"


def test_a_seller_may_say_no(amazon: Amazon) -> None:
    answer = consent(amazon, amazon.account(), "deny")

    assert answer["error"] == ["access_denied"]
    assert "spapi_oauth_code" not in answer


def test_the_consent_page_guesses_who_has_come(amazon: Amazon) -> None:
    first, second, third = (amazon.account() for _ in range(3))
    query = {"application_id": amazon.application["application_id"], "state": "s", "redirect_uri": "http://localhost/"}

    def guess() -> str:
        page = httpx.get(f"{amazon.base_url}/apps/authorize/consent", params=query).text
        return "".join(re.findall(r'value="(\w+)" checked', page))

    assert guess() == third["selling_partner_id"]
    token = {"x-amz-access-token": amazon.access_token(third)}
    httpx.get(f"{amazon.base_url}/sellers/v1/marketplaceParticipations", headers=token)
    assert guess() == second["selling_partner_id"]  # for the third something has been asked already
    amazon.do("revocations", selling_partner_id=third["selling_partner_id"])
    assert guess() == ""  # the third has come back, or somebody is new
    for new in (first, second):
        token = {"x-amz-access-token": amazon.access_token(new)}
        httpx.get(f"{amazon.base_url}/sellers/v1/marketplaceParticipations", headers=token)
    assert guess() == third["selling_partner_id"]


def test_consent_sends_nobody_to_a_foreign_site(amazon: Amazon) -> None:
    query = {"application_id": amazon.application["application_id"], "state": "x"}

    page = httpx.get(
        f"{amazon.base_url}/apps/authorize/consent", params=query | {"redirect_uri": "https://evil.example/"}
    )

    assert page.status_code == 400


def test_another_sites_form_is_refused(amazon: Amazon) -> None:
    answers = [
        httpx.post(f"{amazon.base_url}/apps/authorize/consent", headers={"Sec-Fetch-Site": "cross-site"}),
        httpx.post(f"{amazon.base_url}/control/opt-outs", json={}, headers={"Origin": "https://evil.example"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
