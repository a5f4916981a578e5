"""On PostgreSQL: which commits wait for the disk."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from accounts import durability

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_on_a_real_site() -> Iterator[None]:
    """The server of the tests waits for no disk at all."""
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit to on")
    yield
    connection.close()


def test_a_commit_that_may_be_lost_does_not_wait_for_the_disk_and_the_next_one_does() -> None:
    with durability.soon():
        assert _setting() == "off"
    assert _setting() == "on"


def test_within_another_transaction_it_is_as_durable_as_that_one() -> None:
    with transaction.atomic():
        with durability.soon():
            assert _setting() == "on"
        assert _setting() == "on"


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("show synchronous_commit")
        return str(cursor.fetchone()[0])
