"""The web server's log of requests, as the image's own command sets it up."""

import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from gunicorn.app.wsgiapp import WSGIApplication

SECRET = "Wx9-" + "secret_Of-A-link"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What gunicorn would log with, by the arguments of the Dockerfile."""
    command = re.search(r"^CMD (\[.*\])$", Path("Dockerfile").read_text(), re.MULTILINE)
    assert command
    monkeypatch.setattr("sys.argv", json.loads(command[1]))
    config = WSGIApplication("%(prog)s").cfg
    return config.logger_class(config)


def lines(log: Any, path: str, query: str = "", referrer: str = "-") -> str:
    """The line of one request."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    log.access_log.handlers = [handler]
    environ = {
        "REMOTE_ADDR": "192.0.2.1", "REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", "PATH_INFO": path,
        "RAW_URI": f"{path}?{query}", "QUERY_STRING": query, "HTTP_REFERER": referrer,
    }  # fmt: skip
    response = SimpleNamespace(status="302 Found", sent=0, headers=[])
    log.access(response, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=12))
    [line] = found
    return line


def test_amazons_code_and_a_persons_search_are_not_logged(log: Any) -> None:
    query = f"state=s&selling_partner_id=A1&spapi_oauth_code={SECRET}"
    line = lines(log, "/amazon/callback/", query, referrer=f"https://site.example/?{query}")
    assert line.startswith("192.0.2.1 ") and '"GET /amazon/callback/" 302' in line
    assert SECRET not in line and "state=" not in line


def test_the_secret_of_a_link_that_was_mailed_is_not_logged(log: Any) -> None:
    addresses = [
        reverse("join_team", args=[SECRET]),
        reverse("account_confirm_email", args=[SECRET]),
        reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": SECRET}),
        reverse("campaign_letter_kept", args=[SECRET]),
    ]
    for address in addresses:
        assert SECRET in address and SECRET not in lines(log, address)


def test_a_path_makes_one_line_whatever_it_holds(log: Any) -> None:
    assert '"GET /orders/%0A%22x" 302' in lines(log, '/orders/\n"x')
