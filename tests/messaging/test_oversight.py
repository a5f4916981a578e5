"""How sending goes, as operators see it."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import lifecycle
from accounts.health import Ability
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import oversight
from messaging.models import Channel, Status
from messaging.troubles import Trouble
from tests.makers import NOW, make_account, make_message, make_order, make_seller

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> AmazonAccount:
    return make_account(make_seller())


def letters() -> oversight.Lane:
    with across_sellers("test"):
        return next(lane for lane in oversight.lanes(now=NOW) if lane.channel is Channel.BUYER_EMAIL)


def ailing() -> list[oversight.Ailing]:
    with across_sellers("test"):
        return oversight.ailing(now=NOW)


def test_the_age_of_the_queue_is_that_of_the_oldest_message_whose_time_has_come(account: AmazonAccount) -> None:
    make_message(make_order(account), due_at=NOW - timedelta(hours=3, minutes=20))
    make_message(make_order(account), due_at=NOW - timedelta(minutes=1))
    make_message(make_order(account), due_at=NOW + timedelta(days=1))

    assert (letters().due, letters().age_in_words) == (2, "3 h 20 min")


def test_an_empty_queue_has_no_age() -> None:
    assert (letters().due, letters().age) == (0, timedelta(0))


def test_what_waits_for_a_lost_authorisation_does_not_age_the_queue(account: AmazonAccount) -> None:
    make_message(make_order(account), due_at=NOW - timedelta(hours=3))
    with across_sellers("test"):
        AmazonAccount.objects.update(status=AmazonAccount.Status.REVOKED)

    assert (letters().due, letters().age) == (0, timedelta(0))
    assert [one.overdue for one in ailing()] == [1]


def test_a_hand_over_counts_in_the_spans_that_it_lies_in(account: AmazonAccount) -> None:
    for ago in (timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=5), timedelta(days=2)):
        make_message(make_order(account), status=Status.SENT, handed_over_at=NOW - ago)

    assert (letters().minutes, letters().hour, letters().day) == (1, 2, 3)


def test_what_stands_in_flight_for_long_is_told_apart(account: AmazonAccount) -> None:
    make_message(make_order(account), status=Status.SENDING, touched_at=NOW - timedelta(minutes=6))
    make_message(make_order(account), status=Status.CLAIMED, touched_at=NOW)

    assert (letters().in_flight, letters().lingering) == (2, 1)


def test_an_account_that_sends_as_it_should_is_not_listed(account: AmazonAccount) -> None:
    make_message(make_order(account), due_at=NOW)
    make_message(make_order(account), status=Status.HELD, hold="team")

    assert ailing() == []


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"status": AmazonAccount.Status.REVOKED}, Trouble.REVOKED),
        ({"restricted_at": NOW}, Trouble.RESTRICTED),
    ],
)
def test_a_lost_or_closed_account_is_listed_with_its_trouble(changes: dict[str, Any], trouble: Trouble) -> None:
    make_account(make_seller(), **changes)

    assert [one.troubles for one in ailing()] == [(trouble,)]


def test_an_account_with_a_refused_sender_or_a_missing_role_is_listed(account: AmazonAccount) -> None:
    other = make_account(make_seller("Mallory's shop"))
    with across_sellers("test"):
        account.marketplaces.update(changed_at=NOW, sender_refused_at=NOW + timedelta(hours=1))
        lifecycle.mark_denied(other.pk, Ability.REQUEST_REVIEWS, now=NOW)

    assert {one.account: one.troubles for one in ailing()} == {
        account: (Trouble.SENDER,),
        other: (Trouble.NO_REQUESTS,),
    }


def test_the_account_with_most_that_waits_stands_first(account: AmazonAccount) -> None:
    other = make_account(make_seller("Mallory's shop"))
    make_message(make_order(account), status=Status.UNKNOWN)
    for _ in range(2):
        make_message(make_order(other), due_at=NOW - timedelta(hours=2), attempts=1)

    assert [(one.account, one.overdue, one.deferred, one.unknown) for one in ailing()] == [
        (other, 2, 2, 0),
        (account, 0, 0, 1),
    ]


def test_a_disconnected_account_is_nobodys_trouble() -> None:
    make_account(make_seller(), status=AmazonAccount.Status.DISCONNECTED, restricted_at=NOW)

    assert ailing() == []
