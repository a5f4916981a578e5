"""The strict readers of the environment: whatever is wrong, the message names the variable."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from feedbackfive.env import Environment

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def environment(**variables: str) -> Environment:
    return Environment({f"FEEDBACKFIVE_{name}": value for name, value in variables.items()})


def test_a_missing_setting_stops_the_start_with_its_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_SITE_URL is not set"):
        environment().text("SITE_URL")


def test_an_empty_setting_counts_as_missing() -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_SITE_URL is not set"):
        environment(SITE_URL="  ").text("SITE_URL")


def test_a_default_serves_where_nothing_is_set() -> None:
    assert environment().text("INBOUND_LISTEN", "127.0.0.1:2525") == "127.0.0.1:2525"


@pytest.mark.parametrize("secret", ["k3y", "a" * 60, "abc" * 20])
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_SECRET_KEY is too short") as refusal:
        environment(SECRET_KEY=secret).secret("SECRET_KEY")
    assert secret not in str(refusal.value)


@pytest.mark.parametrize("key", ["not base64!", base64.b64encode(b"too short").decode(), f"{KEY},nonsense"])
def test_keys_must_hold_32_bytes_each(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_SEALING_KEYS must hold 32 bytes") as refusal:
        environment(SEALING_KEYS=key).keys("SEALING_KEYS")
    assert key not in str(refusal.value)


def test_several_keys_keep_their_order() -> None:
    other = base64.urlsafe_b64encode(bytes(32)).decode()
    assert environment(SEALING_KEYS=f"{KEY}, {other}").keys("SEALING_KEYS") == [KEY.encode(), other.encode()]


def test_one_key_comes_decoded() -> None:
    assert environment(LOOKUP_SECRET=KEY).key("LOOKUP_SECRET") == bytes(range(32))


@pytest.mark.parametrize(("value", "meaning"), [("yes", True), ("TRUE", True), ("1", True), ("no", False)])
def test_a_switch_understands_the_usual_words(value: str, meaning: bool) -> None:
    assert environment(DEBUG=value).boolean("DEBUG", not meaning) is meaning


def test_a_switch_refuses_other_words() -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_DEBUG must be yes or no, not 'maybe'"):
        environment(DEBUG="maybe").boolean("DEBUG", False)


@pytest.mark.parametrize("value", ["4", "3601", "ten", "5.5", "-5"])
def test_a_number_outside_its_limits_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_WAKE_SECONDS must be a whole number from 5 to 3600"):
        environment(WAKE_SECONDS=value).integer("WAKE_SECONDS", 10, least=5, most=3600)


def test_an_address_must_begin_with_one_of_its_schemes() -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_SITE_URL must begin with http:// or https://"):
        environment(SITE_URL="feedbackfive.example").url("SITE_URL", schemes=("http", "https"))


@pytest.mark.parametrize("value", ["smtp://relay.example", "smtp://:25"])
def test_a_mail_server_needs_a_host_and_a_port(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="FEEDBACKFIVE_EMAIL_URL must name a host and a port"):
        environment(EMAIL_URL=value).smtp("EMAIL_URL")


def test_a_typing_error_in_a_name_is_found() -> None:
    reading = environment(SITE_URL="https://site.example", SIET_URL="https://site.example")
    reading.text("SITE_URL")
    with pytest.raises(ImproperlyConfigured, match="Unknown settings .*FEEDBACKFIVE_SIET_URL"):
        reading.refuse_unknown()


def test_other_programs_variables_are_none_of_our_business() -> None:
    reading = Environment({"PATH": "/usr/bin", "FEEDBACK": "5"})
    reading.refuse_unknown()


def test_former_keys_come_decoded_by_their_version() -> None:
    assert environment().former_keys("FORMER") == {}
    assert environment(FORMER=f"1:{KEY}, 3:{KEY}").former_keys("FORMER") == {1: bytes(range(32)), 3: bytes(range(32))}


@pytest.mark.parametrize("former", [KEY, f"one:{KEY}", f"1:{KEY},1:{KEY}", "1:nonsense"])
def test_former_keys_are_versions_with_keys(former: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        environment(FORMER=former).former_keys("FORMER")
