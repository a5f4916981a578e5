"""Django's page of an error shows no token, no buyer's address and no secret."""

import sys

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from pytest_django.fixtures import Settings


def fail_with(**local: object) -> None:
    something, refresh_token = local.get("something"), local.get("refresh_token")
    raise ValueError(f"{type(something)} {type(refresh_token)}")


@pytest.mark.parametrize("is_html", [True, False])
def test_a_traceback_stars_what_is_secret_by_name_or_by_look(settings: Settings, *, is_html: bool) -> None:
    settings.DEBUG = True
    request = RequestFactory().get("/amazon/callback/")
    # In pieces, for the page shows lines of the source too.
    plain_token, theirs = "-".join(("a", "plain", "value")), "Atzr" + "|IwEBI"
    buyer = "abc123def456gh" + "@marketplace.amazon.com"
    try:
        fail_with(refresh_token=plain_token, something={"deep": [theirs, buyer], "harmless": "mug"})
    except ValueError:
        reporter = ExceptionReporter(request, *sys.exc_info())
        page = reporter.get_traceback_html() if is_html else reporter.get_traceback_text()
    assert "fail_with" in page
    for secret in (plain_token, theirs, buyer):
        assert secret not in page


def test_secrets_of_the_settings_are_not_among_those_shown(settings: Settings) -> None:
    settings.DEBUG = True
    page = ExceptionReporter(None, ValueError, ValueError("x"), None).get_traceback_html()
    assert "SEALING_KEYS" in page
    assert settings.AMAZON_CLIENT_SECRET not in page
    assert all(key.decode() not in page for key in settings.SEALING_KEYS)
