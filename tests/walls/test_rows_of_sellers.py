"""The wall under the code: PostgreSQL itself keeps sellers apart."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import Seller
from accounts.rowsecurity import across_sellers, as_seller
from campaigns.models import Campaign, FollowUp
from messaging.models import Message
from orders.models import Order
from tests.makers import alias, make_account, make_campaigns, make_message, make_order, make_seller

OURS = ("accounts", "orders", "optouts", "messaging", "campaigns")
# A tenant itself, a person who may be in several teams, and Amazon's own words.
OF_NOBODY = {
    "accounts.Seller",
    "accounts.User",
    "optouts.PromotedTemplate",
    "messaging.SendingStop",
    "messaging.ImportantPolicy",
}


def models_of_sellers() -> list[type[models.Model]]:
    return [m for m in apps.get_models() if m._meta.app_label in OURS and m._meta.label not in OF_NOBODY]


@pytest.mark.parametrize("model", models_of_sellers(), ids=lambda model: model._meta.label)
@pytest.mark.django_db
def test_every_table_of_a_seller_is_behind_the_wall(model: type[models.Model]) -> None:
    assert any(field.name == "seller" for field in model._meta.fields), "a seller's row says whose it is"
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relrowsecurity, c.relforcerowsecurity, count(p.*) from pg_class c"
            " left join pg_policies p on p.tablename = c.relname where c.relname = %s group by 1, 2",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True, True, 1)


@pytest.mark.django_db
def test_the_application_cannot_step_over_the_wall() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False, False)


@pytest.mark.django_db
def test_a_query_that_forgets_its_seller_returns_nothing() -> None:
    make_order(make_account(make_seller()))
    assert Order.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from orders_order")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_a_seller_sees_his_own_rows_and_no_others() -> None:
    alice, mallory = make_seller(), make_seller("Mallory's shop")
    for seller in (alice, mallory):
        make_campaigns(seller)
        make_message(make_order(make_account(seller), buyer=alias()))
    for model in (Order, Message, Campaign):
        with as_seller(alice.pk):
            assert set(model.objects.values_list("seller_id", flat=True)) == {alice.pk}
        with across_sellers("test"):
            assert set(model.objects.values_list("seller_id", flat=True)) == {alice.pk, mallory.pk}


@pytest.mark.django_db
def test_nobody_writes_into_another_sellers_rows() -> None:
    alice, mallory = make_seller(), make_seller("Mallory's shop")
    order = make_order(make_account(alice))
    with as_seller(mallory.pk):
        assert Order.objects.filter(pk=order.pk).update(status="cancelled") == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Campaign.objects.create(seller=alice, name="planted", delay_days=1)
        assert FollowUp.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_wall_closes_again_after_an_error() -> None:
    make_order(make_account(make_seller()))
    with pytest.raises(ZeroDivisionError), across_sellers("test"):
        assert Order.objects.count() == 1
        raise ZeroDivisionError
    assert Order.objects.count() == 0
    with pytest.raises(DatabaseError), transaction.atomic(), across_sellers("test"), connection.cursor() as cursor:
        cursor.execute("select 1/0")
    assert Order.objects.count() == 0 and Seller.objects.count() == 1


@pytest.mark.django_db
def test_blocks_nest_and_give_back_what_was_before() -> None:
    alice, mallory = make_seller(), make_seller("Mallory's shop")
    for seller in (alice, mallory):
        make_order(make_account(seller))
    with as_seller(alice.pk):
        with across_sellers("test"):
            assert Order.objects.count() == 2
            with as_seller(mallory.pk):
                assert Order.objects.get().seller_id == mallory.pk
            assert Order.objects.count() == 2
        assert Order.objects.get().seller_id == alice.pk


@pytest.mark.django_db
def test_a_block_within_its_like_asks_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(2), across_sellers("test"), across_sellers("test"), across_sellers("test"):
        pass


@pytest.mark.django_db(transaction=True)
def test_what_was_set_in_a_transaction_that_broke_is_not_taken_for_what_is_set() -> None:
    alice, mallory = make_seller(), make_seller("Mallory's shop")
    for seller in (alice, mallory):
        make_order(make_account(seller))
    with as_seller(alice.pk):
        with pytest.raises(DatabaseError), transaction.atomic(), across_sellers("test"), connection.cursor() as cursor:
            cursor.execute("select 1/0")
        assert Order.objects.get().seller_id == alice.pk
        with across_sellers("test"):
            assert Order.objects.count() == 2
        with as_seller(alice.pk):
            assert Order.objects.get().seller_id == alice.pk


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_made_anew_within_a_block_is_told_anew() -> None:
    make_order(make_account(make_seller()))
    with across_sellers("test"):
        connection.close()
        assert Order.objects.count() == 0
        with across_sellers("test"):
            assert Order.objects.count() == 1
