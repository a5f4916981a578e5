"""Statements that are planned once: what they return, and that nothing makes them forget or remember wrongly."""

import threading
import time

import pytest
from django.db import DataError, connection, transaction

from accounts.prepared import Call, Prepared, rows_of_last
from accounts.rowsecurity import across_sellers, forget
from tests.makers import make_account, make_seller

SUM = Prepared("sum_of_a_test", ("int[]", "text"), "select sum(one), $2 from unnest($1) as one")


@pytest.mark.django_db
def test_it_returns_what_it_finds_for_each_set_of_parameters() -> None:
    assert [SUM.rows([1, 2], "a"), SUM.rows([40, 2], "b")] == [[(3, "a")], [(42, "b")]]


@pytest.mark.django_db(transaction=True)
def test_it_stays_prepared_when_the_transaction_that_prepared_it_is_rolled_back() -> None:
    connection.close()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        SUM.rows([1], "a")
        raise ZeroDivisionError
    assert SUM.rows([1], "a") == [(1, "a")]


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_told_anew() -> None:
    SUM.rows([1], "a")
    connection.close()
    assert SUM.rows([2], "a") == [(2, "a")]


@pytest.mark.django_db(transaction=True)
def test_parameters_that_do_not_fit_are_refused_and_the_next_call_is_answered() -> None:
    with pytest.raises(DataError):
        SUM.rows([2**40], "a")
    assert SUM.rows([3], "a") == [(3, "a")]


@pytest.mark.django_db(transaction=True)
def test_several_in_one_trip_each_see_what_was_committed_when_it_began() -> None:
    lock = Prepared("lock_of_a_test", ("int",), "select pg_advisory_xact_lock($1)")
    count = Prepared("count_of_a_test", ("int",), "select count(*) + $1 from accounts_seller")
    is_held = threading.Event()

    def add_while_holding() -> None:
        with transaction.atomic():
            lock.rows(1)
            is_held.set()
            time.sleep(0.3)  # the others wait for the lock by now
            make_seller()
        connection.close()

    other = threading.Thread(target=add_while_holding)
    other.start()
    assert is_held.wait(5)
    with transaction.atomic():
        assert rows_of_last(Call(lock, [1]), Call(count, [0])) == [(1,)]
    other.join()


@pytest.mark.django_db
def test_the_wall_is_asked_at_each_call_and_not_when_it_was_planned() -> None:
    account = make_account(make_seller())
    ours = Prepared("account_of_a_test", ("bigint",), "select id from accounts_amazonaccount where id = $1")
    with across_sellers("a test"):
        seen = ours.rows(account.pk)
    forget()
    assert (seen, ours.rows(account.pk)) == ([(account.pk,)], [])
