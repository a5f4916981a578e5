"""The page of one message, and how an owner settles an unknown outcome."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from messaging.models import Message, Status
from tests.makers import NOW, make_account, make_message, make_order


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def status_of(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def test_it_shows_life_times_and_the_letter(alice: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account), status=Status.SENT, handed_over_at=NOW, receipt="250 ok 17")

    page = alice.get(f"/messages/{message.pk}/").content.decode()

    assert "250 ok 17" in page
    assert f"/messages/{message.pk}/letter/" in page
    assert "What we know" not in page


def test_an_owner_settles_an_unknown_outcome(alice: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account), status=Status.UNKNOWN)

    answer = alice.post(f"/messages/{message.pk}/settle/", {"found": "sent", "note": "seen in Sent"}, follow=True)

    assert status_of(message) == Status.SENT
    assert "Marked as sent by an owner: seen in Sent" in answer.content.decode()


def test_a_second_answer_changes_nothing_and_says_so(alice: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account), status=Status.UNKNOWN)
    alice.post(f"/messages/{message.pk}/settle/", {"found": "sent"})

    answer = alice.post(f"/messages/{message.pk}/settle/", {"found": "not_sent"}, follow=True)

    assert status_of(message) == Status.SENT
    assert "nothing was changed" in answer.content.decode()


def test_no_answer_is_asked_for_again(alice: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account), status=Status.UNKNOWN)

    assert alice.post(f"/messages/{message.pk}/settle/", {}).status_code == 422
    assert status_of(message) == Status.UNKNOWN


def test_a_manager_reads_what_is_known_and_is_sent_to_an_owner(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account), status=Status.UNKNOWN, reason="no answer came")

    page = bob.get(f"/messages/{message.pk}/").content.decode()

    assert "no answer came" in page
    assert "An owner of your team" in page
    assert bob.post(f"/messages/{message.pk}/settle/", {"found": "sent"}).status_code == 403


def test_history_leads_to_what_is_unknown(alice: Client, account: AmazonAccount) -> None:
    unknown = make_message(make_order(account), status=Status.UNKNOWN)
    make_message(make_order(account), status=Status.SENT)

    assert "1 message</a> is not known" in alice.get("/history/").content.decode()
    assert alice.get("/history/", {"status": "unknown"}).context["page"].rows == [unknown]


def test_the_dashboard_says_how_much_of_the_daily_limit_each_account_has_used(
    alice: Client, account: AmazonAccount
) -> None:
    make_message(make_order(account), status=Status.SENT, handed_over_at=timezone.now())
    make_message(make_order(account), status=Status.HELD)
    make_message(make_order(account), status=Status.UNKNOWN)

    (today,) = alice.get("/").context["accounts"]

    assert (today.used, today.held, today.unknown, today.in_flight) == (1, 1, 1, 0)
    assert today.cap == 540  # 600 less a tenth: no order of the last seven days
