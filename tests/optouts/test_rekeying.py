"""The secret of the list is changed, and nobody who stands on it is free for a moment."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from pytest_django import Settings

from accounts import lookup
from accounts.models import AmazonAccount
from messaging import dispatch, withdrawing
from messaging.models import Channel, Message, Status
from optouts import addresses, gate, imports, rekeying
from optouts.models import Suppression, SuppressionEvent
from orders.models import Order
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_address,
    make_entry,
    make_import,
    make_message,
    make_order,
    make_seller,
    make_user,
    suppress,
)
from tests.messaging.post_office import PostOffice, at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def mallorys(db: None) -> AmazonAccount:
    return make_account(make_seller("Mallory's shop"))


def rotate(settings: Settings) -> None:
    settings.FORMER_LOOKUP_SECRETS = {settings.LOOKUP_VERSION: settings.LOOKUP_SECRET}
    settings.LOOKUP_SECRET, settings.LOOKUP_VERSION = bytes(range(32)), settings.LOOKUP_VERSION + 1


def forget_former(settings: Settings) -> None:
    settings.FORMER_LOOKUP_SECRETS = {}


def sent(message: Message) -> Status:
    doors = {Channel.BUYER_EMAIL: PostOffice()}
    dispatch.send_due(message.account_id, gateways=doors, take=at_once, clock=lambda: NOW)
    message.refresh_from_db()
    return Status(message.status)


def test_between_the_new_secret_and_the_move_the_old_entries_still_stop(
    account: AmazonAccount, mallorys: AmazonAccount, settings: Settings
) -> None:
    address = alias()
    suppress(make_order(account, buyer=address))
    before = make_message(make_order(mallorys, buyer=address))
    rotate(settings)
    after = make_message(make_order(mallorys, buyer=address))
    assert sent(before) == sent(after) == Status.SUPPRESSED


def test_after_the_move_they_stop_without_the_former_secret(
    account: AmazonAccount, mallorys: AmazonAccount, settings: Settings
) -> None:
    address = alias()
    suppress(make_order(account, buyer=address))
    before = make_message(make_order(mallorys, buyer=address))
    rotate(settings)
    report = rekeying.rekey(now=NOW)
    assert (report.entries, report.doubled, report.left) == (3, 0, {})
    forget_former(settings)
    after = make_message(make_order(mallorys, buyer=address))
    assert sent(before) == sent(after) == Status.SUPPRESSED
    assert set(Suppression.objects.values_list("key_version", flat=True)) == {settings.LOOKUP_VERSION}
    assert SuppressionEvent.objects.filter(what="rekeyed").count() == 3
    assert rekeying.rekey(now=NOW).entries == 0


def test_what_is_no_longer_held_stays_and_is_found_by_its_former_secret(
    account: AmazonAccount, mallorys: AmazonAccount, settings: Settings
) -> None:
    address = alias()
    order = make_order(account, buyer=address)
    suppress(order)
    Order.objects.filter(pk=order.pk).delete()
    rotate(settings)
    report = rekeying.rekey(now=NOW)
    assert report.entries == 1  # the order's own entry names its order
    assert report.left == {settings.LOOKUP_VERSION - 1: 2}
    assert sent(make_message(make_order(mallorys, buyer=address))) == Status.SUPPRESSED
    assert rekeying.rekey(now=NOW).entries == 2  # a later order has brought the address back


def test_inbound_addresses_and_mailboxes_are_found_before_and_after(account: AmazonAccount, settings: Settings) -> None:
    address = make_address(account.seller)
    mailbox = addresses.saw_mailbox(account.seller_id, "alice@shop.example", now=NOW)
    rotate(settings)
    local_part = address.local_part
    for is_moved in (False, True):
        found = addresses.find_address(local_part)
        assert found is not None and found.pk == address.pk
        assert addresses.is_address_of(account.seller_id, addresses.full_address(address))
        assert addresses.saw_mailbox(account.seller_id, "alice@shop.example", now=NOW) == mailbox
        if not is_moved:
            report = rekeying.rekey(now=NOW)
            assert (report.addresses, report.mailboxes) == (1, 1)
            forget_former(settings)


def test_a_newer_entry_of_the_same_buyer_is_not_overwritten(account: AmazonAccount, settings: Settings) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)
    rotate(settings)
    key = lookup.order_key(order.seller_id, order.amazon_order_id)
    newer = gate.Buyer(order.seller_id, order.amazon_order_id, key, None)
    gate.suppress(newer, gate.Proof("notice 2", gate.OPTED_OUT, "A1"), reach=gate.Reach.SELLER, now=NOW)
    report = rekeying.rekey(now=NOW)
    assert report.doubled >= 1 and Suppression.objects.count() == 4


@pytest.mark.parametrize(
    "move",
    [
        {"key": "00000000-0000-0000-0000-000000000000", "key_version": 2},  # without its event
        {"key_version": 2},
        {"key": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_the_database_moves_no_entry_in_any_other_way(account: AmazonAccount, move: dict[str, object]) -> None:
    suppress(make_order(account, buyer=alias()))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Suppression.objects.update(**move)


def test_the_command_says_what_moved_and_what_is_left(account: AmazonAccount, settings: Settings) -> None:
    with pytest.raises(CommandError, match="no former secret"):
        call_command("rekey_suppressions")
    order = make_order(account, buyer=alias())
    suppress(order)
    Order.objects.filter(pk=order.pk).delete()
    rotate(settings)
    out = StringIO()
    call_command("rekey_suppressions", stdout=out)
    assert "Moved: 1 entries" in out.getvalue()
    assert "2 entries could not be moved from version 1; still found." in out.getvalue()


def test_an_import_during_the_change_adds_no_entry_beside_one_that_has_not_moved(
    account: AmazonAccount, settings: Settings
) -> None:
    buyer, stranger = alias(), alias()
    order = make_order(account, buyer=buyer)
    entries = [make_entry(account.seller, words).pk for words in (order.amazon_order_id, stranger)]
    before = Suppression.objects.count()
    rotate(settings)
    content = f"{order.amazon_order_id}\n{buyer}\n{stranger}\n".encode()
    shown = make_import(account.seller, content)
    assert shown.to_add == 0
    imports.carry_out(account.seller, shown, by=make_user(), now=NOW)
    assert Suppression.objects.count() == before
    moved = Suppression.objects.filter(pk__in=entries)
    assert set(moved.values_list("key_version", flat=True)) == {settings.LOOKUP_VERSION}


def test_a_preview_of_before_the_change_adds_nothing_that_could_never_move(
    account: AmazonAccount, settings: Settings
) -> None:
    shown = make_import(account.seller, f"email\n{alias()}\n".encode())
    rotate(settings)

    assert imports.lines_of(shown) == []
    assert imports.carry_out(account.seller, shown, by=make_user(), now=NOW) == 0
    assert not Suppression.objects.exists()


def test_a_new_entry_during_the_change_still_stops_when_the_former_secret_is_gone(
    account: AmazonAccount, mallorys: AmazonAccount, settings: Settings
) -> None:
    buyer = alias()
    order = make_order(account, buyer=buyer)
    rotate(settings)
    make_entry(account.seller, order.amazon_order_id)
    rekeying.bring_forward(account.seller_id, [order.amazon_order_id], [], now=NOW)
    order.refresh_from_db()
    suppress(order)
    rekeying.rekey(now=NOW)
    forget_former(settings)
    assert sent(make_message(make_order(mallorys, buyer=buyer))) == Status.SUPPRESSED


def test_a_new_entry_about_a_buyer_whose_address_is_gone_is_reported_as_left(
    account: AmazonAccount, settings: Settings
) -> None:
    order = make_order(account, buyer=alias())
    Order.objects.filter(pk=order.pk).update(alias_sealed=None)
    rotate(settings)
    former = min(settings.FORMER_LOOKUP_SECRETS)
    make_entry(account.seller, order.amazon_order_id)
    assert rekeying.rekey(now=NOW).left == {former: 1}  # the buyer's; the order's has moved
    later = make_order(account, buyer=alias())
    make_entry(account.seller, later.amazon_order_id)
    assert rekeying.rekey(now=NOW).left == {former: 1}


def test_a_letter_that_was_sent_before_the_change_is_marked_when_amazon_has_blocked_it(
    account: AmazonAccount, settings: Settings
) -> None:
    message = make_message(make_order(account, buyer=alias()))
    assert sent(message) == Status.SENT
    rotate(settings)
    rekeying.rekey(now=NOW)
    message.order.refresh_from_db()
    suppress(message.order)
    withdrawing.withdraw_suppressed(now=NOW)
    message.refresh_from_db()
    assert message.status == Status.BLOCKED
