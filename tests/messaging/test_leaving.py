"""Disconnecting an Amazon account: what stops at once, what is erased in time, what stays for good."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts import secrets
from accounts.lifecycle import connect_account, mark_revoked
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.errors import mark_of
from amazon.marketplaces import Region
from messaging import dispatch, leaving, outbox
from messaging.models import Channel, Message, Status
from optouts.models import Suppression
from orders.models import Order
from tests.makers import NOW, US, alias, make_account, make_message, make_order, make_seller, suppress
from tests.messaging.post_office import PostOffice, at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def waiting(account: AmazonAccount) -> Message:
    return make_message(make_order(account, buyer=alias()))


def disconnect(account: AmazonAccount) -> bool:
    with across_sellers("test"):
        done = leaving.disconnect(account, now=NOW)
        account.refresh_from_db()
        return done


def reconnect(account: AmazonAccount, *, days: int) -> None:
    with across_sellers("test"):
        connect_account(
            account.seller,
            region=Region.NA,
            selling_partner_id=account.selling_partner_id,
            refresh_token="Atzr|new",
            stores=[(US, "Shop")],
            now=NOW + timedelta(days=days),
        )


def fresh(message: Message) -> Message:
    with across_sellers("test"):
        return Message.objects.select_related("order").get(pk=message.pk)


def held(account: AmazonAccount) -> tuple[int, int]:
    with across_sellers("test"):
        found = leaving.consequences(account)
    return found.aliases, found.letters


def test_the_token_is_gone_and_nothing_is_sent_from_that_moment(account: AmazonAccount, waiting: Message) -> None:
    assert disconnect(account)

    with pytest.raises(secrets.Unreadable):
        _ = account.refresh_token
    office = PostOffice()
    dispatch.send_due(account.pk, gateways=dict.fromkeys(Channel, office), take=at_once, clock=lambda: NOW)
    assert office.delivered == []
    assert (fresh(waiting).status, fresh(waiting).reason) == (Status.HELD, leaving.DISCONNECTED)
    assert not disconnect(account)


def test_personal_data_are_there_for_four_weeks_and_gone_before_thirty_days(
    account: AmazonAccount, waiting: Message
) -> None:
    disconnect(account)

    assert leaving.erase_disconnected(now=NOW + timedelta(days=27)) == 0
    assert held(account) == (1, 1)
    assert leaving.erase_disconnected(now=NOW + timedelta(days=28, hours=6)) == 1
    assert held(account) == (0, 0)
    assert leaving.erase_disconnected(now=NOW + timedelta(days=29)) == 0
    assert fresh(waiting).status == Status.CANCELLED


def revoke(account: AmazonAccount) -> None:
    with across_sellers("test"):
        assert mark_revoked(account.pk, mark_of(account.refresh_token))
        account.refresh_from_db()


def test_an_authorisation_that_is_lost_for_four_weeks_ends_like_one_that_was_given_back(
    account: AmazonAccount, waiting: Message
) -> None:
    revoke(account)
    for days in (0, 14, 27):
        assert leaving.erase_disconnected(now=NOW + timedelta(days=days)) == 0
    assert held(account) == (1, 1)
    assert leaving.erase_disconnected(now=NOW + timedelta(days=28)) == 1
    assert held(account) == (0, 0) and fresh(waiting).reason == leaving.REVOKED
    with across_sellers("test"):
        account.refresh_from_db()
    assert account.status == AmazonAccount.Status.REVOKED and account.erased_at
    with pytest.raises(secrets.Unreadable):
        _ = account.refresh_token
    assert leaving.erase_disconnected(now=NOW + timedelta(days=29)) == 0


def test_an_authorisation_that_is_given_again_in_time_begins_anew(account: AmazonAccount, waiting: Message) -> None:
    revoke(account)
    leaving.erase_disconnected(now=NOW)
    reconnect(account, days=20)
    with across_sellers("test"):
        account.refresh_from_db()
    revoke(account)
    for days in (21, 40, 48):
        assert leaving.erase_disconnected(now=NOW + timedelta(days=days)) == 0
    assert leaving.erase_disconnected(now=NOW + timedelta(days=49)) == 1


def test_who_disconnects_after_the_authorisation_was_lost_gains_no_time(account: AmazonAccount) -> None:
    revoke(account)
    leaving.erase_disconnected(now=NOW - timedelta(days=20))
    with across_sellers("test"):
        account.refresh_from_db()
    assert leaving.erased_on(account, now=NOW) == NOW + timedelta(days=8)
    disconnect(account)
    assert leaving.erase_disconnected(now=NOW + timedelta(days=8)) == 1


def test_opt_outs_and_the_ledger_stay(account: AmazonAccount, waiting: Message) -> None:
    suppress(waiting.order)
    disconnect(account)
    leaving.erase_disconnected(now=NOW + timedelta(days=28))

    with across_sellers("test"):
        assert Suppression.objects.filter(state="active").count() > 0
        assert Message.objects.count() == Order.objects.count() == 1
        assert fresh(waiting).letter_digest and fresh(waiting).order.alias_key


def test_connecting_again_in_time_keeps_everything_and_what_waited_goes_on(
    account: AmazonAccount, waiting: Message
) -> None:
    disconnect(account)
    reconnect(account, days=10)
    outbox.release_mended(now=NOW + timedelta(days=10))

    assert leaving.erase_disconnected(now=NOW + timedelta(days=40)) == 0
    assert held(account) == (1, 1)
    assert fresh(waiting).status == Status.SCHEDULED


def test_an_operator_sets_an_account_free(account: AmazonAccount, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("disconnect_account", account.pk)
    call_command("disconnect_account", account.pk)
    assert [line.rpartition(" of Alice's shop ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "is disconnected.",
        "was disconnected already.",
    ]
    with across_sellers("test"):
        account.refresh_from_db()
    assert account.status == AmazonAccount.Status.DISCONNECTED
    with pytest.raises(CommandError, match="no such account"):
        call_command("disconnect_account", 0)


def test_what_disconnecting_touches_is_counted_for_this_account_alone(
    account: AmazonAccount, waiting: Message
) -> None:
    other = make_account(account.seller)
    make_message(make_order(other, buyer=alias()))

    with across_sellers("test"):
        assert leaving.consequences(account) == leaving.Consequences(waiting=1, aliases=1, letters=1, orders=1)
