"""A campaign on test: the team gets what buyers would get, and no buyer gets anything."""

from collections.abc import Iterator
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from accounts.models import AmazonAccount, Seller, User
from accounts.rowsecurity import across_sellers
from campaigns import lifecycle, trying
from campaigns.checked_letters import BreaksGuidelines
from campaigns.models import Campaign, CampaignChange, FollowUp, Trial
from campaigns.planning import plan_stale
from messaging.models import Channel, Message
from tests.makers import alias, make_account, make_campaigns, make_order, make_user, suppress

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_of_all")]
BUYER = "quietbuyer88@marketplace.amazon.com"


@pytest.fixture
def rows_of_all(all_sellers: None) -> Iterator[None]:
    yield


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


@pytest.fixture
def person() -> User:
    return make_user("alice@lakeside.example")


@pytest.fixture
def campaign(seller: Seller, person: User) -> Campaign:
    drafts = make_campaigns(seller, status=Campaign.Status.DRAFT)
    letters = next(one for one in drafts if one.channel == Channel.BUYER_EMAIL)
    assert lifecycle.put_on_trial(letters, by=person, now=timezone.now())
    letters.refresh_from_db()
    return letters


def an_order(account: AmazonAccount, **fields: Any) -> Any:
    recent = timezone.now() - timedelta(days=6)
    values: dict[str, Any] = {"buyer": alias(), "delivered_at": recent, "replan_at": timezone.now()} | fields
    return make_order(account, **values)


def test_the_team_gets_the_letter_with_the_real_order_and_its_buyer_nothing(
    campaign: Campaign, account: AmazonAccount, mailoutbox: list[EmailMessage]
) -> None:
    order = an_order(account, buyer=BUYER)
    plan_stale(now=timezone.now())
    assert trying.send_trials(now=timezone.now()) == 1

    [mail] = mailoutbox
    assert mail.to == ["alice@lakeside.example"] and not mail.cc and not mail.bcc
    assert mail.subject.startswith("[Test] ") and order.amazon_order_id in mail.body
    assert "nothing was sent" in mail.body and BUYER not in str(mail.message())
    assert not Message.objects.exists()
    decided = FollowUp.objects.get(campaign=campaign)
    assert [check["actual"] for check in decided.checks if not check["passed"]][0] == "test"


def test_each_order_is_tried_once_and_ten_a_day_are_the_most(
    campaign: Campaign, account: AmazonAccount, mailoutbox: list[EmailMessage]
) -> None:
    for _ in range(12):
        an_order(account)
    now = timezone.now()
    assert (trying.send_trials(now=now), trying.send_trials(now=now + timedelta(hours=1))) == (10, 0)
    assert trying.send_trials(now=now + timedelta(hours=25)) == 2
    assert len({mail.subject + str(mail.body) for mail in mailoutbox}) == 12


def test_the_guards_stand_in_a_test_too(
    campaign: Campaign, account: AmazonAccount, mailoutbox: list[EmailMessage]
) -> None:
    suppress(an_order(account))
    an_order(account, delivered_at=timezone.now() + timedelta(days=3))
    assert trying.send_trials(now=timezone.now()) == 0 and mailoutbox == []


def test_a_mail_that_does_not_go_out_is_not_sent_twice_later(
    campaign: Campaign, account: AmazonAccount, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    an_order(account)

    def away(self: object, *_: object) -> int:
        raise SMTPException("away")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMultiAlternatives.send", away)
        assert trying.send_trials(now=timezone.now()) == 0
    assert trying.send_trials(now=timezone.now()) == 0 and Trial.objects.count() == 1


def test_a_review_request_is_told_in_words(
    account: AmazonAccount, seller: Seller, person: User, mailoutbox: list[EmailMessage]
) -> None:
    drafts = make_campaigns(seller, status=Campaign.Status.DRAFT)
    requests = next(one for one in drafts if one.channel == Channel.REQUEST_REVIEW)
    lifecycle.put_on_trial(requests, by=person, now=timezone.now())
    order = an_order(account, delivered_at=timezone.now() - timedelta(days=8))
    trying.send_trials(now=timezone.now())
    assert mailoutbox[0].subject == f"[Test] Review request for {order.amazon_order_id}"
    assert not Message.objects.exists()


def test_the_end_of_a_test_and_turning_on_are_in_the_history(
    campaign: Campaign, person: User, account: AmazonAccount, mailoutbox: list[EmailMessage]
) -> None:
    an_order(account)
    now = timezone.now()
    assert lifecycle.end_trial(campaign, by=person, now=now) and not lifecycle.end_trial(campaign, by=person, now=now)
    assert trying.send_trials(now=now) == 0
    lifecycle.activate(campaign, by=person, now=now)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.tested_by) == (Campaign.Status.ACTIVE, None)
    assert not lifecycle.put_on_trial(campaign, by=person, now=now)  # what waits for it must not lose it
    changes = CampaignChange.objects.order_by("id").values_list("what", flat=True)
    said = [sentence for what in changes for sentence in what]
    assert said[-3:] == ["Test begun: it writes to the team only", "Test ended", "Switched on"]


def test_what_amazon_forbids_need_not_be_tried(campaign: Campaign, person: User) -> None:
    lifecycle.end_trial(campaign, by=person, now=timezone.now())
    campaign.templates.update(body="Leave a 5-star review and get a free gift. {{ order_id }}")
    with pytest.raises(BreaksGuidelines):
        lifecycle.put_on_trial(campaign, by=person, now=timezone.now())


def test_a_manager_begins_and_ends_a_test_on_the_page(
    bob: Client, vera: Client, seller: Seller, account: AmazonAccount
) -> None:
    draft = make_campaigns(seller, status=Campaign.Status.DRAFT)[0]
    switch = f"/campaigns/{draft.pk}/switch/"
    assert "Test it on yourself" in bob.get(switch).content.decode()
    page = bob.post(switch, {"wanted": "test"}, follow=True).content.decode()
    assert "is on test: up to 10 mails a day come to" in page and "Test: to your team only" in page
    with across_sellers("test"):
        assert Campaign.objects.get(pk=draft.pk).tested_by is not None
    assert "End the test" in bob.get(switch).content.decode()
    assert vera.post(switch, {"wanted": "end_test"}).status_code == 403
    assert "has ended" in bob.post(switch, {"wanted": "end_test"}, follow=True).content.decode()
