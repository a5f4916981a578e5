"""Amazon's "no" in our words: kinds, secrecy, pickling."""

import pickle
from datetime import timedelta

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
    read_refusal,
)

WINDOW = "You can't use this feature to request a review outside the 5-30 day range after the order delivery date."


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("The requested solicitation is not available for this amazonOrderId.", RefusalKind.ALREADY_REQUESTED),
        (WINDOW, RefusalKind.OUTSIDE_WINDOW),
        (WINDOW.replace("'", "’"), RefusalKind.OUTSIDE_WINDOW),
        (WINDOW.replace("'", "â€™"), RefusalKind.OUTSIDE_WINDOW),
        ("Invalid amazonOrderId and template combination.", RefusalKind.NOT_AVAILABLE_TEMPLATE),
        ("Access to requested resource is denied.", RefusalKind.ACCESS),
        ("The access token you provided has expired.", RefusalKind.ACCESS),
        ("ACCESS  TO THE REQUESTED\nRESOURCE IS DENIED", RefusalKind.ACCESS),
        ("Missing or invalid request parameters: [marketplaceIds]", RefusalKind.OTHER),
        ("Something that Amazon will say next year", RefusalKind.OTHER),
        ("", RefusalKind.OTHER),
    ],
)
def test_the_message_tells_what_a_refusal_is_about(message: str, kind: RefusalKind) -> None:
    assert read_refusal(message) is kind


def test_a_very_long_message_is_read_in_no_time() -> None:
    assert read_refusal("outside the " * 1_000_000) is RefusalKind.OTHER


def test_a_refusal_knows_its_kind() -> None:
    assert Refused(403, "Unauthorized", WINDOW, "id-1").kind is RefusalKind.OUTSIDE_WINDOW


@pytest.mark.parametrize(
    "error",
    [
        Refused(403, "Unauthorized", "no", "id-1"),
        AccessDenied(403, "Unauthorized", "Access to requested resource is denied.", "id-1"),
        Throttled(timedelta(seconds=2), 0.5),
        NotReached("no connection"),
        ApplicationRejected("invalid_client"),
        Unclear("status 503"),
        AuthorisationLost("invalid_grant"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_survives_the_way_out_of_a_worker(error: AmazonError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_amazons_message_may_quote_our_request_so_it_is_not_shown() -> None:
    error = Refused(400, "InvalidInput", "Bad value abc@marketplace.amazon.it", "id-1")
    assert "abc@" not in f"{error} {error!r}"
    assert "400 InvalidInput [OTHER] request id-1" in str(error)


def test_who_waits_when_amazon_is_not_reached_also_waits_when_our_application_is_rejected() -> None:
    assert issubclass(ApplicationRejected, NotReached)


def test_nobody_takes_denied_access_for_an_ordinary_no() -> None:
    assert not issubclass(AccessDenied, Refused)
