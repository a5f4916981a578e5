"""What all tests share. Rows come from `tests.makers`."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.conf import settings
from django.core.cache import cache

from accounts.rowsecurity import across_sellers
from tests.makers import NOW


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a million rounds prove nothing here


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: item.get_closest_marker("runs_last") is not None
    )  # stable: the others keep their places


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def all_sellers(db: None) -> Iterator[None]:
    """For tests of verbs that look at rows directly: sees the rows of all sellers."""
    with across_sellers("test"):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Rate limits and quotas start anew with each test."""
    yield
    cache.clear()
