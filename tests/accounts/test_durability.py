"""On PostgreSQL: which commits wait for the disk."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

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


def test_commits_that_wait_together_wait_for_the_disk_when_they_are_told_to(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with durability.together():
        assert _setting() == "off"
        with django_assert_num_queries(2), durability.soon():  # its begin and its end
            pass
        with connection.cursor() as cursor:
            cursor.execute("select pg_logical_emit_message(true, 'a test', ''), pg_current_wal_insert_lsn()")
            written = cursor.fetchone()[1]
            durability.flush()
            cursor.execute("select pg_current_wal_flush_lsn() >= %s::pg_lsn", [written])
            assert cursor.fetchone() == (True,)
        assert _setting() == "off"
    assert _setting() == "on"


def test_what_waited_for_the_disk_by_itself_is_not_made_to_wait_again(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        durability.flush()
    with durability.together():
        with transaction.atomic():
            with django_assert_num_queries(0):
                durability.flush()  # which would end the transaction
        connection.close()
        with django_assert_num_queries(0):
            durability.flush()
    assert _setting() == "off"  # that of the new connection, as the server of the tests has it


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("show synchronous_commit")
        return str(cursor.fetchone()[0])
