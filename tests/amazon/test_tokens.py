"""The cache of access tokens: threads, sellers, life times, secrecy."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from amazon.application import Authorisation
from amazon.errors import AuthorisationLost, NotReached
from amazon.marketplaces import Region
from amazon.tokens import TokenCache
from tests.amazon.scripted import AUTHORISATION, Answer, Script, Seen, html, scripted, token


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def numbered() -> Script:
    """A login that gives another token each time."""
    numbers = iter(range(1000))
    return lambda seen: token(f"Atza|{next(numbers)}")


def of_seller(seen: Seen) -> Answer:
    """A login that gives each seller the token of its own."""
    return token(seen.form["refresh_token"].replace("Atzr", "Atza"))


def test_eight_threads_that_need_a_token_make_one_call() -> None:
    released = threading.Event()
    ready = threading.Barrier(9)
    with scripted(login=Answer(200, token().body, after=released)) as amazon, ThreadPoolExecutor(8) as pool:
        application, tokens = amazon.application(), TokenCache()

        def ask(_: int) -> str:
            ready.wait()
            return tokens.get(application, AUTHORISATION)

        asked = [pool.submit(ask, number) for number in range(8)]
        ready.wait()
        released.set()
        assert {one.result() for one in asked} == {"Atza|access"}
        assert len(amazon.logins) == 1


def test_thirty_sellers_in_one_process_keep_thirty_tokens_apart() -> None:
    sellers = [Authorisation(Region.EU, f"Atzr|{number}") for number in range(30)]
    with scripted(login=of_seller) as amazon, ThreadPoolExecutor(8) as pool:
        application, tokens = amazon.application(), TokenCache()
        for _ in range(3):
            given = list(pool.map(lambda seller: tokens.get(application, seller), sellers))
            assert given == [f"Atza|{number}" for number in range(30)]
        assert len(amazon.logins) == 30


def test_a_slow_seller_does_not_hold_up_another() -> None:
    released = threading.Event()

    def login(seen: Seen) -> Answer:
        return Answer(200, token().body, after=released) if seen.form["refresh_token"] == "Atzr|slow" else token()

    with scripted(login=login) as amazon, ThreadPoolExecutor(1) as pool:
        application, tokens = amazon.application(), TokenCache()
        slow = pool.submit(tokens.get, application, Authorisation(Region.EU, "Atzr|slow"))
        assert tokens.get(application, AUTHORISATION) == "Atza|access"
        assert not slow.done()
        released.set()
        assert slow.result() == "Atza|access"


def test_two_applications_never_share_a_token_of_one_seller() -> None:
    with scripted(login=numbered()) as amazon:
        tokens = TokenCache()
        one = tokens.get(amazon.application(client_id="one"), AUTHORISATION)
        other = tokens.get(amazon.application(client_id="other"), AUTHORISATION)
    assert one != other


def test_a_token_is_used_until_a_minute_before_it_expires() -> None:
    clock = Clock()
    with scripted(login=numbered()) as amazon:
        application, tokens = amazon.application(), TokenCache(clock=clock)
        assert tokens.get(application, AUTHORISATION) == "Atza|0"
        clock.now += 3600 - 61
        assert tokens.get(application, AUTHORISATION) == "Atza|0"
        clock.now += 2
        assert tokens.get(application, AUTHORISATION) == "Atza|1"


@pytest.mark.parametrize("expires_in", [30, 60, None])
def test_a_token_too_short_to_keep_is_used_once(expires_in: int | None) -> None:
    with scripted(login=token(expires_in=expires_in)) as amazon:
        application, tokens = amazon.application(), TokenCache()
        for calls in (1, 2):
            assert tokens.get(application, AUTHORISATION) == "Atza|access"
            assert len(amazon.logins) == calls


def test_a_failure_is_not_remembered() -> None:
    answers = iter([html(503), Answer(400, {"error": "invalid_grant"}), token()])
    with scripted(login=lambda _: next(answers)) as amazon:
        application, tokens = amazon.application(), TokenCache()
        with pytest.raises(NotReached):
            tokens.get(application, AUTHORISATION)
        with pytest.raises(AuthorisationLost):
            tokens.get(application, AUTHORISATION)
        assert tokens.get(application, AUTHORISATION) == "Atza|access"


def test_expired_tokens_are_thrown_away() -> None:
    clock = Clock()
    with scripted(login=of_seller) as amazon:
        application, tokens = amazon.application(), TokenCache(clock=clock)
        for number in range(25):
            tokens.get(application, Authorisation(Region.EU, f"Atzr|{number}"))
        assert repr(tokens) == "<TokenCache of 25>"
        clock.now += 3600
        tokens.get(application, AUTHORISATION)
    assert repr(tokens) == "<TokenCache of 1>"


def test_an_old_token_is_forgotten_and_a_young_one_believed() -> None:
    clock = Clock()
    with scripted(login=numbered()) as amazon:
        application, tokens = amazon.application(), TokenCache(clock=clock)
        first = tokens.get(application, AUTHORISATION)
        assert not tokens.forget(application, AUTHORISATION, first)
        clock.now += timedelta(seconds=31).total_seconds()
        assert tokens.forget(application, AUTHORISATION, first)
        second = tokens.get(application, AUTHORISATION)
        assert second != first
        assert tokens.forget(application, AUTHORISATION, first), "somebody else has got a new one: use it"
        assert tokens.get(application, AUTHORISATION) == second


def test_the_cache_shows_no_token_and_cannot_be_written_anywhere() -> None:
    with scripted() as amazon:
        tokens = TokenCache()
        tokens.get(amazon.application(), AUTHORISATION)
    assert "Atz" not in repr(tokens)
    with pytest.raises(TypeError):
        pickle.dumps(tokens)
