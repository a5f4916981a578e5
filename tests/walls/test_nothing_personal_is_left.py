"""What is known of a buyer rests sealed while it is held, and is gone when its day has come: every column of every
table is looked through, sealed ones opened. The journey is the product's own: read, written to, told of an opt-out.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import sealed, secrets
from accounts.rowsecurity import across_sellers
from messaging.models import Channel, Message
from messaging.tasks import purge as purge_letters
from optouts import addresses, intake
from optouts.models import Notice, Suppression
from optouts.tasks import purge as purge_notices
from orders import sync
from orders.models import Order
from orders.tasks import purge as purge_orders
from tests.amazon.harness import Amazon
from tests.makers import IT, make_address, make_connected_account, make_message, make_seller
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, ORDER, FakeDns

NAME = "Beatrice Portinari"
EVERY = timedelta(minutes=3)


def everything() -> Iterator[tuple[str, str]]:
    """Every table's content as text, and every sealed value, opened."""
    with across_sellers("test"), connection.cursor() as cursor:
        for model in apps.get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")  # noqa: S608
            yield model._meta.label, cursor.fetchone()[0]
        for model, name in sealed.columns():
            for value in model._default_manager.exclude(**{name: None}).values_list(name, flat=True):
                content = secrets._keys(tuple(settings.SEALING_KEYS)).decrypt(bytes(value))
                _, _, content = content.partition(secrets.SEPARATOR)
                with suppress(zlib.error):
                    content = zlib.decompress(content)
                yield f"{model._meta.label}.{name}", content.decode("utf-8", "replace").replace("=\r\n", "")


def where(word: str) -> set[str]:
    return {place for place, content in everything() if word.lower() in content.lower()}


@pytest.mark.django_db
def test_a_buyers_address_is_sealed_while_it_is_held_and_nowhere_when_its_day_has_come(
    simulated_amazon: Amazon,
) -> None:
    seller = make_seller()
    theirs = simulated_amazon.account(marketplace_ids=[IT])
    account = make_connected_account(seller, theirs)
    now = timezone.now()
    simulated_amazon.order(theirs, order_id=ORDER, buyer={"name": NAME, "alias": ALIAS})
    with across_sellers("test"):
        sync.accounts_to_read(now=now)
        sync.read_account(account.pk, every=EVERY, now=now)
        order = Order.objects.get()
        Order.objects.update(last_written_at=now)
        make_message(order, due_at=now, channel=Channel.BUYER_EMAIL)
        address = make_address(seller)
        to = addresses.full_address(address)
        notice_id = intake.receive(address, AMAZON.sign(replace(ITALIAN, to=to).build(), at=now), now=now)
        intake.process(notice_id, resolver=FakeDns(), now=now)
        assert Notice.objects.get().status == Notice.Status.APPLIED
        assert Suppression.objects.filter(seller=None).exists()

    assert where(ALIAS) == {"orders.Order.alias_sealed", "optouts.Notice.raw_sealed"}
    assert where(NAME) == set() and where("Sampletown") == set()

    with time_machine.travel(now + timedelta(days=31)):
        for purge in (purge_orders, purge_letters, purge_notices):
            purge()
    assert where(ALIAS) == set() and where("Portinari") == set()
    with across_sellers("test"):
        assert Message.objects.get().letter_sealed is None
        assert Suppression.objects.filter(seller=None).exists()  # and the buyer is left alone all the same


@pytest.mark.django_db
def test_a_notice_that_names_the_buyer_goes_with_its_order_also_where_amazon_gave_us_no_address(
    simulated_amazon: Amazon,
) -> None:
    seller = make_seller()
    theirs = simulated_amazon.account(marketplace_ids=[IT], has_restricted_role=False)
    account = make_connected_account(seller, theirs)
    now = timezone.now()
    promise = [(now - timedelta(days=21)).isoformat(), (now - timedelta(days=20)).isoformat()]
    simulated_amazon.order(theirs, order_id=ORDER, buyer={"name": NAME, "alias": ALIAS}, deliver_by=promise)
    with across_sellers("test"):
        sync.accounts_to_read(now=now)
        sync.read_account(account.pk, every=EVERY, now=now)
        assert Order.objects.get().alias is None
        Order.objects.update(last_written_at=now)
        make_message(Order.objects.get(), due_at=now, channel=Channel.REQUEST_REVIEW)
        address = make_address(seller)
        mail = replace(ITALIAN, to=addresses.full_address(address)).build()
        notice_id = intake.receive(address, AMAZON.sign(mail, at=now), now=now)
        intake.process(notice_id, resolver=FakeDns(), now=now)
        assert Notice.objects.get().status == Notice.Status.APPLIED
    assert where(ALIAS) == {"optouts.Notice.raw_sealed"}
    with time_machine.travel(now + timedelta(days=11)):
        purge_notices()
    assert where(ALIAS) == set()
