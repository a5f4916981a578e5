"""What was sent is counted, and the watch is handed the right figures."""

from datetime import timedelta

import pytest

from accounts.models import AmazonAccount
from messaging import silence
from messaging.models import Channel, Message, Status
from optouts.models import OptOutWatch
from tests.makers import NOW, make_account, make_message, make_notice, make_order, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


def letters(account: AmazonAccount, number: int, *, days_ago: float, channel: Channel = Channel.BUYER_EMAIL) -> None:
    at = NOW - timedelta(days=days_ago)
    first = make_message(make_order(account), channel=channel, status=Status.SENT, handed_over_at=at)
    for _ in range(number - 1):
        make_message(make_order(account), channel=channel, status=Status.SENT, handed_over_at=at)
    assert Message.objects.filter(pk=first.pk, handed_over_at=at).exists()


def opt_outs(account: AmazonAccount, number: int, *, days_ago: float) -> None:
    for _ in range(number):
        make_notice(account.seller, kind="opt_out", grade="A1", received_at=NOW - timedelta(days=days_ago))


def test_what_went_out_since_the_last_notice_is_set_against_the_sellers_own_rate() -> None:
    account = make_account(make_seller())
    letters(account, 10, days_ago=20)
    opt_outs(account, 5, days_ago=15)
    letters(account, 14, days_ago=3)
    letters(account, 9, days_ago=0.5)  # too young to say anything
    letters(account, 7, days_ago=3, channel=Channel.REQUEST_REVIEW)

    assert silence.watch(now=NOW) == 1

    watch = OptOutWatch.objects.get()
    assert (watch.sent, watch.expected, watch.verdict) == (14, 7.0, "silent")
    assert watch.quiet_since == NOW - timedelta(days=15) and watch.had_notice


def test_who_never_heard_of_an_opt_out_is_measured_from_the_first_letter() -> None:
    account = make_account(make_seller())
    letters(account, 3, days_ago=40)
    letters(account, 2, days_ago=4)
    silence.watch(now=NOW)
    watch = OptOutWatch.objects.get()
    assert (watch.sent, watch.had_notice, watch.verdict) == (5, False, "ok")
    assert watch.quiet_since == NOW - timedelta(days=40)


def test_sellers_are_counted_apart_and_who_sent_nothing_is_not_watched() -> None:
    one, other = make_account(make_seller()), make_account(make_seller("Second shop"))
    make_seller("Quiet shop")
    letters(one, 2, days_ago=4)
    letters(other, 4, days_ago=4)
    opt_outs(other, 1, days_ago=10)
    assert silence.watch(now=NOW) == 2
    assert dict(OptOutWatch.objects.values_list("seller_id", "sent")) == {one.seller_id: 2, other.seller_id: 4}
