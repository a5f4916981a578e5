"""The dashboard: numbers that lead to the rows they count, and what is left to do."""

import json
import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AmazonAccount, Role, Seller
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign
from campaigns.views.advice import ADVICE
from messaging import breakers
from messaging.models import Status
from messaging.troubles import Trouble
from tests.makers import (
    alias,
    make_account,
    make_campaigns,
    make_member,
    make_message,
    make_order,
    make_seller,
    make_user,
    suppress,
)


def settled(account: AmazonAccount, status: Status, *, count: int = 1) -> None:
    now = timezone.now()
    for _ in range(count):
        make_message(make_order(account, buyer=alias()), status=status, touched_at=now)


def page(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_each_number_leads_to_the_list_that_it_counts(alice: Client, seller: Seller) -> None:
    settled(make_account(seller), Status.SENT, count=3)
    settled(make_account(seller), Status.SUPPRESSED, count=2)

    links = re.findall(r'href="(/(?:history|scheduling|opt-outs)/\?[^"]+)"', page(alice).replace("&amp;", "&"))

    for link in links:
        assert alice.get(link).status_code == 200, link
    today = next(link for link in links if "status=sent" in link)
    listed = alice.get(today).context["page"].rows
    assert len(listed) == 3


def test_what_was_not_sent_is_told_by_reason(alice: Client, seller: Seller) -> None:
    settled(make_account(seller), Status.BLOCKED)

    assert "Blocked by Amazon: the buyer has opted out" in page(alice)


def test_the_chart_and_the_table_say_the_same(alice: Client, seller: Seller) -> None:
    settled(make_account(seller), Status.SENT, count=2)

    text = page(alice)
    found = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', text)
    assert found
    figures = json.loads(found[1])

    assert len(figures["days"]) == 30
    assert (figures["days"][-1], figures["sent"][-1]) == (timezone.now().date().isoformat(), 2)
    assert text.count('<th scope="row"><a href="/history/?since=') == 30


def test_a_new_seller_is_told_what_to_do_first(alice: Client) -> None:
    text = page(alice)

    assert "0 of 4 done" in text
    assert "No Amazon account is connected yet" in text
    assert "Nothing has been sent yet" in text


def test_the_checklist_goes_away_when_all_is_done(alice: Client, seller: Seller) -> None:
    make_account(seller)
    make_campaigns(seller, status=Campaign.Status.ACTIVE)
    assert "3 of 4 done" in page(alice)

    with across_sellers("test"):
        seller.notice_set.create(digest="d", size=1, received_at=timezone.now())

    assert "Getting started" not in page(alice)


def test_a_lost_authorisation_is_announced_on_every_page(alice: Client, seller: Seller) -> None:
    make_account(seller, status=AmazonAccount.Status.REVOKED, store_name="Lakeside <script>")

    for address in ("/", "/campaigns/", "/settings/"):
        text = alice.get(address).content.decode()
        assert "Amazon no longer accepts our authorisation for Lakeside &lt;script&gt;" in text


def test_nobody_elses_messages_are_counted(mallory: Client, seller: Seller) -> None:
    settled(make_account(seller), Status.SENT)

    assert [tile.count for tile in mallory.get("/").context["tiles"]] == [0, 0, 0, 0]


def test_a_hundred_messages_cost_as_many_queries_as_one(
    alice: Client, seller: Seller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    account = make_account(seller)
    settled(account, Status.SENT)
    with django_assert_max_num_queries(40) as one:
        page(alice)
    settled(account, Status.SENT, count=20)
    settled(account, Status.REFUSED, count=5)
    with django_assert_max_num_queries(40) as many:
        page(alice)

    assert len(many) == len(one)


def test_nothing_on_the_page_needs_a_weaker_policy(alice: Client, seller: Seller) -> None:
    settled(make_account(seller), Status.SENT)
    response = alice.get("/")
    text = response.content.decode()

    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", text)
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text)


def test_who_is_not_signed_in_is_asked_to(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"] == "/people/login/?next=/"


def test_an_operator_without_a_team_goes_to_the_admin(client: Client, db: None) -> None:
    client.force_login(make_user(is_staff=True))

    assert client.get("/").headers["Location"] == "/admin/"


def test_a_person_of_two_teams_switches_by_post_and_to_her_own_teams_only(client: Client, seller: Seller) -> None:
    person = make_member(seller, Role.OWNER)
    second, stranger = make_seller("Second shop"), make_seller("Stranger's shop")
    with across_sellers("test"):
        second.membership_set.create(user=person, role=Role.VIEWER, created_at=timezone.now() + timedelta(days=1))
    client.force_login(person)
    assert "Second shop" in page(client)

    assert client.post("/team/", {"seller": stranger.pk}).status_code == 404
    assert client.get("/team/").status_code == 405
    assert client.post("/team/", {"seller": second.pk}).status_code == 302

    assert client.get("/").context["seller"] == second


def test_a_buyer_who_opted_out_is_counted_once_and_the_list_shows_him_once(alice: Client, seller: Seller) -> None:
    account, buyer = make_account(seller), alias()
    for order in (make_order(account, buyer=buyer), make_order(account, buyer=buyer), make_order(account)):
        suppress(order)
    text = page(alice)
    found = re.search(r'href="(/opt-outs/[^"]+)">\s*<span class="tile-title">Buyers not written to</span>\s*'
                      r'<span class="tile-count number">(\d+)</span>', text)  # fmt: skip
    assert found
    assert found[2] == "2"  # one buyer of two orders, and one order whose buyer Amazon does not name
    assert len(alice.get(found[1].replace("&amp;", "&")).context["page"].rows) == 2


def test_sellers_read_that_and_why_an_operator_has_stopped_sending(alice: Client, seller: Seller) -> None:
    make_account(seller)
    breakers.stop_everything("We look into a fault <at Amazon>.", by="operator", now=timezone.now())
    text = page(alice)
    assert "Sending is paused for everybody" in text and "We look into a fault &lt;at Amazon&gt;." in text
    breakers.go_on(by="operator", now=timezone.now())
    assert "Sending is paused" not in page(alice)


def test_each_account_in_trouble_is_told_with_what_to_do_about_it(alice: Client, seller: Seller) -> None:
    make_account(seller, store_name="Sound shop")
    make_account(seller, store_name="Closed shop", restricted_at=timezone.now())
    refused = make_account(seller, store_name="Refused shop")
    with across_sellers("test"):
        refused.marketplaces.update(sender_refused_at=timezone.now() + timedelta(hours=1))

    said = alice.get("/").context["ill"]

    assert [(one.account.store_name, [advice.action for advice in one.advice]) for one in said] == [
        ("Closed shop", ["Read it in Settings"]),
        ("Refused shop", ["Check the sender address"]),
    ]
    assert "2 accounts need a look" in page(alice)


def test_there_is_advice_for_every_trouble_and_its_page_exists() -> None:
    assert set(ADVICE) == set(Trouble)
    assert all(reverse(advice.place) for advice in ADVICE.values())


def test_nobody_is_told_of_anothers_troubles(mallory: Client, seller: Seller) -> None:
    make_account(seller, restricted_at=timezone.now())

    assert mallory.get("/").context["ill"] == []
