"""Campaigns: changed by managers, within Amazon's limits, and never switched blindly."""

from datetime import time, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Campaign, FollowUp
from messaging.models import Message, Status
from tests.makers import DE, alias, make_account, make_campaigns, make_message, make_order


@pytest.fixture
def review(seller: Seller) -> Campaign:
    """The seller's Request a Review campaign, a draft like its sister."""
    return make_campaigns(seller, status=Campaign.Status.DRAFT)[0]


@pytest.fixture
def check_in(seller: Seller, review: Campaign) -> Campaign:
    with across_sellers("test"):
        return Campaign.objects.get(seller=seller, channel="buyer_email")


def again(campaign: Campaign) -> Campaign:
    with across_sellers("test"):
        campaign.refresh_from_db()
    return campaign


def terms(**changes: object) -> dict[str, object]:
    return {"name": "Feedback and review request", "delay_days": 7, "send_at": ""} | changes


def test_a_manager_changes_name_days_and_time(bob: Client, review: Campaign) -> None:
    response = bob.post(f"/campaigns/{review.pk}/", terms(name="Ask kindly", delay_days=10, send_at="10:30"))

    assert response.status_code == 302
    changed = again(review)
    assert (changed.name, changed.delay_days, changed.send_at) == ("Ask kindly", 10, time(10, 30))
    assert changed.status == Campaign.Status.DRAFT


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (3, "3 days would be 2 days too early. Choose 5 to 29."),
        (30, "30 days would be exactly when that time ends"),
        (31, "31 days would be 1 day after that time has ended"),
    ],
)
def test_a_review_request_outside_of_amazons_time_is_refused_with_the_arithmetic(
    bob: Client, review: Campaign, days: int, said: str
) -> None:
    response = bob.post(f"/campaigns/{review.pk}/", terms(delay_days=days))

    assert response.status_code == 422
    assert said in response.content.decode()
    assert again(review).delay_days == 7


def test_a_letter_may_go_out_on_the_day_of_delivery(bob: Client, check_in: Campaign) -> None:
    assert bob.post(f"/campaigns/{check_in.pk}/", terms(name="Order check-in", delay_days=0)).status_code == 302
    assert again(check_in).delay_days == 0


def test_two_campaigns_cannot_have_one_name(bob: Client, review: Campaign, check_in: Campaign) -> None:
    response = bob.post(f"/campaigns/{review.pk}/", terms(name=check_in.name))

    assert response.status_code == 422
    assert "Another of your campaigns has this name." in response.content.decode()


def test_a_viewer_looks_and_changes_nothing(vera: Client, review: Campaign) -> None:
    text = vera.get(f"/campaigns/{review.pk}/").content.decode()

    assert "7 days after delivery" in text
    assert '<form id="campaign-form"' not in text and "Turn on" not in text
    assert vera.post(f"/campaigns/{review.pk}/", terms(name="Mine")).status_code == 403
    assert vera.get(f"/campaigns/{review.pk}/switch/").status_code == 403
    assert vera.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on"}).status_code == 403
    assert again(review).name != "Mine"


def test_another_sellers_campaign_does_not_exist(mallory: Client, review: Campaign) -> None:
    for address in ("", "switch/", "decisions/", "letters/en/"):
        assert mallory.get(f"/campaigns/{review.pk}/{address}").status_code == 404
    assert mallory.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on"}).status_code == 404


def test_the_switch_says_how_many_orders_planning_will_then_take(bob: Client, seller: Seller, review: Campaign) -> None:
    account, now = make_account(seller), timezone.now()
    make_order(account, delivered_at=now - timedelta(days=3))
    make_order(account, delivered_at=now - timedelta(days=12))
    make_order(account, delivered_at=now - timedelta(days=45))
    make_order(account, delivered_at=now - timedelta(days=3), status="cancelled")
    make_order(account, delivered_at=now - timedelta(days=3), is_replacement=True)
    make_message(make_order(account, delivered_at=now - timedelta(days=3)), status=Status.SENT)

    asked = bob.get(f"/campaigns/{review.pk}/switch/").content.decode()
    assert '<strong class="number">2</strong> orders would be planned.' in asked
    assert again(review).status == Campaign.Status.DRAFT

    bob.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on"})
    assert again(review).status == Campaign.Status.ACTIVE
    planning.plan_stale(now=timezone.now())
    with across_sellers("test"):
        assert FollowUp.objects.filter(campaign=review, message__status=Status.SCHEDULED).count() == 2


def test_letters_reach_only_own_shipments_to_a_known_alias_with_a_sender(seller: Seller, check_in: Campaign) -> None:
    from campaigns.views.switching import effect_of

    account, now = make_account(seller), timezone.now()
    silent = make_account(seller, sender="", marketplaces=(DE,))
    soon = now - timedelta(days=1)
    make_order(account, delivered_at=soon, buyer=alias())
    make_order(account, delivered_at=soon)
    make_order(account, delivered_at=soon, buyer=alias(), fulfilled_by="amazon")
    make_order(silent, delivered_at=soon, buyer=alias("marketplace.amazon.de"), marketplace_id=DE)

    with across_sellers("test"):
        assert effect_of(check_in, now=now).would_plan == 1


def test_a_campaign_that_could_never_send_cannot_be_turned_on(bob: Client, review: Campaign) -> None:
    last = timezone.now().date() + timedelta(days=3)
    with across_sellers("test"):
        Campaign.objects.filter(pk=review.pk).update(ends_on=last)
    possible = bob.get(f"/campaigns/{review.pk}/switch/").content.decode()
    assert "comes before anything could be sent" not in possible and 'value="on"' in possible

    asked = bob.get(f"/campaigns/{review.pk}/switch/?catch_up=0").content.decode()
    assert f"Its last day, {last}, comes before anything could be sent: it takes orders from" in asked
    assert "7 days later" in asked and 'value="on"' not in asked
    said = bob.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on", "catch_up": "0"}, follow=True)
    assert "Nothing was changed. Its last day" in said.content.decode()
    assert again(review).status == Campaign.Status.DRAFT

    bob.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on", "catch_up": "14"})
    assert again(review).status == Campaign.Status.ACTIVE


def test_a_campaign_of_letters_without_a_letter_cannot_be_turned_on(bob: Client, check_in: Campaign) -> None:
    with across_sellers("test"):
        check_in.templates.all().delete()
    assert "It has no letter yet" in bob.get(f"/campaigns/{check_in.pk}/switch/").content.decode()
    bob.post(f"/campaigns/{check_in.pk}/switch/", {"wanted": "on"})
    assert again(check_in).status == Campaign.Status.DRAFT
    with across_sellers("test"):
        Campaign.objects.filter(pk=check_in.pk).update(no_match="request")  # then Amazon writes to everybody
    bob.post(f"/campaigns/{check_in.pk}/switch/", {"wanted": "on"})
    assert again(check_in).status == Campaign.Status.ACTIVE


def test_a_campaign_that_is_on_takes_no_last_day_before_its_first_order_could_be_due(
    bob: Client, review: Campaign
) -> None:
    bob.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on", "catch_up": "0"})
    last = timezone.now().date() + timedelta(days=3)
    refused = bob.post(f"/campaigns/{review.pk}/", terms(ends_on=last.isoformat()))
    assert refused.status_code == 422 and "7 days later it is" in refused.content.decode()
    assert again(review).ends_on is None


def test_switched_off_it_names_what_it_would_hold_and_holds_it(bob: Client, seller: Seller) -> None:
    review, _ = make_campaigns(seller, status=Campaign.Status.ACTIVE)
    make_order(make_account(seller), delivered_at=timezone.now() - timedelta(days=1))
    planning.plan_stale(now=timezone.now())

    asked = bob.get(f"/campaigns/{review.pk}/switch/").content.decode()
    assert '<strong class="number">1</strong> waiting message would be held.' in asked
    bob.post(f"/campaigns/{review.pk}/switch/", {"wanted": "off"})
    planning.plan_stale(now=timezone.now())

    with across_sellers("test"):
        assert [message.status for message in Message.objects.filter(seller=seller)] == [Status.HELD]


def test_two_people_who_switch_at_once_do_not_undo_each_other(bob: Client, alice: Client, review: Campaign) -> None:
    for client in (bob, alice):
        client.post(f"/campaigns/{review.pk}/switch/", {"wanted": "on"})

    assert again(review).status == Campaign.Status.ACTIVE


def test_the_letter_is_shown_with_a_real_order_and_its_markup_is_text(
    vera: Client, seller: Seller, check_in: Campaign
) -> None:
    order = make_order(make_account(seller), title="<img src=x onerror=alert(1)> mug & saucer", buyer=alias())

    response = vera.get(f"/campaigns/{check_in.pk}/letters/en/")
    text = response.content.decode()

    assert order.amazon_order_id in text
    assert "mug &amp; saucer" in text and "<img" not in text and "onerror" not in text
    assert "sandbox" in response["Content-Security-Policy"] and "script-src" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_without_an_order_the_letter_is_shown_with_a_made_up_one(vera: Client, check_in: Campaign) -> None:
    text = vera.get(f"/campaigns/{check_in.pk}/letters/de/").content.decode()

    assert "With a made-up order" in text and "123-4567890-1234567" in text and "Guten Tag" in text
    assert vera.get(f"/campaigns/{check_in.pk}/letters/xx/").status_code == 404


def test_a_template_with_a_wrong_placeholder_says_so_in_the_preview(vera: Client, check_in: Campaign) -> None:
    with across_sellers("test"):
        check_in.templates.filter(language="en").update(body="Dear {{ buyer_name }}")

    assert "{{ buyer_name }} is not a placeholder" in vera.get(f"/campaigns/{check_in.pk}/letters/en/").content.decode()


def test_decisions_are_counted_by_verdict_and_each_count_leads_to_its_list(vera: Client, seller: Seller) -> None:
    review, _ = make_campaigns(seller, status=Campaign.Status.ACTIVE)
    account, now = make_account(seller), timezone.now()
    make_order(account, delivered_at=now - timedelta(days=1))
    opted_out = make_order(account, delivered_at=now - timedelta(days=1), status="cancelled")
    planning.plan_stale(now=now)

    counts = {value: count for value, _, count in vera.get(f"/campaigns/{review.pk}/").context["verdicts"]}
    listed = vera.get(f"/campaigns/{review.pk}/decisions/?verdict=not_eligible")

    assert counts == {"eligible": 1, "later": 0, "not_eligible": 1}
    assert [row.order_id for row, _ in listed.context["rows"]] == [opted_out.pk]
    assert "The order is not cancelled" in listed.content.decode()


def test_every_guard_of_the_engine_is_told_on_the_page() -> None:
    from campaigns.eligibility import Reason, guards
    from campaigns.views.words import GUARDS, GUARDS_OF_LETTERS

    rows = (*guards.GUARDS, *guards.GUARDS_OF_LETTERS, guards.ONE_REQUEST)
    of_the_engine = {guard.reason for guard in rows if guard.is_guard}
    assert {*GUARDS, *GUARDS_OF_LETTERS} == of_the_engine - {Reason.CAMPAIGN_ACTIVE}


def test_the_lists_cost_the_same_for_many_rows(
    vera: Client, seller: Seller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    review, check_in = make_campaigns(seller, status=Campaign.Status.ACTIVE)
    account = make_account(seller)
    addresses = ("/campaigns/", f"/campaigns/{check_in.pk}/", f"/campaigns/{review.pk}/decisions/")

    def cost() -> list[int]:
        planning.plan_stale(now=timezone.now())
        counts = []
        for address in addresses:
            with django_assert_max_num_queries(40) as queries:
                assert vera.get(address).status_code == 200
            counts.append(len(queries))
        return counts

    make_order(account, delivered_at=timezone.now())
    before = cost()
    for _ in range(12):
        make_order(account, delivered_at=timezone.now(), buyer=alias())
    assert cost() == before


def test_many_campaigns_are_searched_by_name_and_come_in_pages(bob: Client, seller: Seller, review: Campaign) -> None:
    assert "Search by name" not in bob.get("/campaigns/").content.decode()
    with across_sellers("test"):
        for number in range(60):
            Campaign.objects.create(
                seller=seller, name=f"Mug <{number:02d}>", channel="request_review", delay_days=7, priority=50
            )

    first, second = (bob.get(f"/campaigns/?page={page}").content.decode() for page in (1, 2))
    assert "Mug &lt;07&gt;" in first and "Mug &lt;59&gt;" not in first and "Mug &lt;59&gt;" in second
    found = bob.get("/campaigns/?q=mug+<31").content.decode()
    assert "Mug &lt;31&gt;" in found and "Mug &lt;07&gt;" not in found
    assert "No such campaign" in bob.get("/campaigns/?q=kettle").content.decode()
    assert "The archive is empty" in bob.get("/campaigns/?archived").content.decode()


def test_the_list_counts_what_waits_and_what_was_sent_lately_and_not_what_was_sent_long_ago(
    bob: Client, seller: Seller, review: Campaign
) -> None:
    account = make_account(seller)
    with across_sellers("test"):
        for status, days in ((Status.SENT, 3), (Status.SENT, 40), (Status.HELD, 40), (Status.SCHEDULED, 0)):
            at = timezone.now() - timedelta(days=days)
            message = make_message(make_order(account), status=status, touched_at=at)
            FollowUp.objects.create(
                seller=seller, campaign=review, order_id=message.order_id, message=message, decided_at=at, checks=[]
            )

    text = bob.get("/campaigns/").content.decode()
    row = text[text.index(review.name) :]
    assert 'data-label="Sent, 30 days">1<' in row[: row.index("</tr>")]
    assert ">2</a>" in row[: row.index("</tr>")]
