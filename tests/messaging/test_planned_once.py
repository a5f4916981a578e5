"""What a batch of letters asks of PostgreSQL: planned once for each connection."""

from datetime import datetime

import pytest
from django.db import DataError, connection, transaction

from messaging import dispatch
from messaging.gateways.base import Receipt
from messaging.life import move
from messaging.models import Channel, Status
from tests.makers import alias, make_account, make_message, make_order, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


def test_what_a_batch_asks_is_planned_once_and_not_for_each_batch(now: datetime) -> None:
    for _ in range(3):
        message = make_message(make_order(make_account(make_seller()), buyer=alias()))
        [parcel] = dispatch.take_up({message.account_id: 5}, Channel.BUYER_EMAIL, now=now)
        dispatch.settle([(parcel, Receipt("250 taken"))], now=now)
    with connection.cursor() as cursor:
        cursor.execute("select name, custom_plans from pg_prepared_statements where generic_plans >= 3")
        planned = dict(cursor.fetchall())
    assert {"claim_messages", "buyers_locked_by_others", "entries_against", "orders_written_to"} <= set(planned)
    assert len([name for name in planned if name.startswith("move_")]) >= 2
    assert not any(planned.values())


def test_a_value_that_is_too_long_for_its_column_is_refused_and_not_cut(now: datetime) -> None:
    message = make_message(make_order(make_account(make_seller()), buyer=alias()))
    with pytest.raises(DataError), transaction.atomic():
        move([message.pk], out_of={Status.SCHEDULED}, to=Status.HELD, at=now, hold="longer than its column")
    message.refresh_from_db()
    assert message.status == Status.SCHEDULED
