"""What all tests share. Rows come from `tests.makers`."""

import os
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from accounts.rowsecurity import across_sellers
from tests.amazon.harness import Amazon
from tests.makers import NOW

# A busy machine draws slowly; what is drawn is none the worse for it. `make test` draws the same each time, so that its
# answer is about the change and not about luck; `make test-random` looks on.
EXAMPLES = int(os.environ.get("RANDOM_EXAMPLES", "0"))
hypothesis.settings.register_profile(
    "ours",
    derandomize=not EXAMPLES,
    max_examples=EXAMPLES or 100,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ours")


def pytest_configure() -> None:
    site.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a million rounds prove nothing here


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Stable: the others keep their places. With several workers this wants --no-loadscope-reorder (Makefile).
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django's, but whoever is still connected at the end (a process that was killed) is sent away first."""
    yield
    with django_db_blocker.unblock():
        connection.close()  # a test may have had the database throw us out as well
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )


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


@pytest.fixture(scope="session")
def amazon_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amazon]:
    """The simulated Amazon's process, shared by all tests of the session."""
    with Amazon.running(tmp_path_factory.mktemp("amazon")) as amazon:
        yield amazon


@pytest.fixture
def amazon(amazon_process: Amazon) -> Amazon:
    """An empty simulated Amazon."""
    amazon_process.reset()
    return amazon_process


@pytest.fixture
def simulated_amazon(amazon: Amazon, settings: Settings) -> Amazon:
    """The simulated Amazon, with the site's settings leading to it."""
    application = amazon.application
    settings.AMAZON_CLIENT_ID = application["client_id"]
    settings.AMAZON_CLIENT_SECRET = application["client_secret"]
    settings.AMAZON_APPLICATION_ID = application["application_id"]
    settings.AMAZON_ENDPOINT = amazon.base_url
    settings.AMAZON_LOGIN_URL = f"{amazon.base_url}/auth/o2/token"
    settings.AMAZON_QUEUE_URL = f"{amazon.base_url}/queue/orders"
    settings.AMAZON_QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:orders"
    settings.AMAZON_QUEUE_ENDPOINT = f"{amazon.base_url}/queue"
    settings.BUYER_RELAY = urlsplit("smtp://{}:{}".format(*amazon.smtp))
    settings.DNS_SERVER = "{}:{}".format(*amazon.dns)
    return amazon
