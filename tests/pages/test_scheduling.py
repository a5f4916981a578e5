"""Scheduling: what will be sent, and what the team may do to it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from campaigns import planning
from messaging import outbox
from messaging.dispatch import take_up
from messaging.models import Channel, Message, Status
from orders.models import Order
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_campaigns,
    make_message,
    make_order,
    make_seller,
    suppress,
)


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def status_of(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def test_the_soonest_stands_first_and_what_is_settled_does_not_stand_there(
    alice: Client, account: AmazonAccount
) -> None:
    later = make_message(make_order(account), due_at=NOW + timedelta(days=2))
    sooner = make_message(make_order(account), due_at=NOW + timedelta(days=1))
    make_message(make_order(account), status=Status.SENT)

    assert alice.get("/scheduling/").context["page"].rows == [sooner, later]


def test_every_message_is_on_exactly_one_page(alice: Client, account: AmazonAccount) -> None:
    messages = {make_message(make_order(account), due_at=NOW).pk for _ in range(60)}
    first = alice.get("/scheduling/").context["page"]
    second = alice.get("/scheduling/", {"at": first.next}).context["page"]

    assert sorted(message.pk for message in first.rows + second.rows) == sorted(messages)
    assert second.next == ""


def test_filters_narrow_the_list(alice: Client, account: AmazonAccount) -> None:
    order = make_order(account)
    held = make_message(order, status=Status.HELD, reason="the sender is missing")
    request = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)

    def found(**asked: str) -> list[Message]:
        rows: list[Message] = alice.get("/scheduling/", asked).context["page"].rows
        return rows

    assert found(status="held") == [held]
    assert found(channel="request_review") == [request]
    assert found(q=order.amazon_order_id[:-1]) == [held]
    assert found(q=order.amazon_order_id, status="held") == [held]
    assert found(title="Order check-in", marketplace="ATVPDKIKX0DER") == [held, request]


def test_the_number_of_an_order_leads_to_that_order(alice: Client, mallory: Client, account: AmazonAccount) -> None:
    order = make_order(account)
    pasted = {"q": f" {order.amazon_order_id} "}
    assert alice.get("/scheduling/", pasted)["Location"] == f"/orders/{order.pk}/"
    assert mallory.get("/scheduling/", pasted).status_code == 200  # no stranger learns that there is one
    assert "Nothing fits" in alice.get("/scheduling/", {"q": "111-9999999-9999999"}).content.decode()


def test_each_message_says_which_campaign_and_rule_have_set_its_time(bob: Client, account: AmazonAccount) -> None:
    make_campaigns(account.seller)
    order = make_order(account, buyer=alias(), delivered_at=NOW)
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
    page = bob.get("/scheduling/").content.decode()
    assert 'Order check-in <span class="cell-note">2 days after delivery (23 Nov 2026)</span>' in page
    assert "2 days after delivery (23 Nov 2026)" in bob.get("/scheduling/export.csv").getvalue().decode()
    assert "Why then: 2 days after delivery" in bob.get(f"/orders/{order.pk}/").content.decode()


def confirmed(client: Client, act: str, *messages: Message, note: str = "", **search: str) -> Any:
    """Choose, look at the page that asks, and say yes to it."""
    ticked = [str(message.pk) for message in messages]
    page = client.get("/scheduling/confirm/", {"act": act, "message": ticked, **search})
    assert page.status_code == 200
    return client.post("/scheduling/act/", {"act": act, "chosen": page.context["chosen"], "note": note}, follow=True)


def test_nothing_happens_before_the_team_has_confirmed(bob: Client, account: AmazonAccount) -> None:
    chosen, other = make_message(make_order(account)), make_message(make_order(account))

    page = bob.get("/scheduling/confirm/", {"act": "skip", "message": str(chosen.pk)})

    assert chosen.order.amazon_order_id in page.content.decode()
    assert other.order.amazon_order_id not in page.content.decode()
    assert status_of(chosen) == Status.SCHEDULED


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("hold", Status.SCHEDULED, Status.HELD),
        ("release", Status.HELD, Status.SCHEDULED),
        ("skip", Status.SCHEDULED, Status.CANCELLED),
        ("skip", Status.HELD, Status.CANCELLED),
    ],
)
def test_a_manager_holds_releases_and_skips(
    bob: Client, account: AmazonAccount, act: str, before: Status, after: Status
) -> None:
    chosen = [make_message(make_order(account), status=before) for _ in range(2)]
    untouched = make_message(make_order(account), status=before)

    confirmed(bob, act, *chosen)

    assert {status_of(message) for message in chosen} == {after}
    assert status_of(untouched) == before


def test_the_note_becomes_part_of_the_reason(bob: Client, account: AmazonAccount) -> None:
    confirmed(bob, "hold", make_message(make_order(account)), note="until the recall is over")

    assert "Held by your team: until the recall is over" in bob.get("/scheduling/").content.decode()


# --- Send now ---


def due_of(message: Message) -> datetime:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).due_at


def test_what_is_told_to_go_now_is_due_at_once_and_planning_leaves_it_so(
    bob: Client, account: AmazonAccount, seller: Seller
) -> None:
    make_campaigns(seller)
    now = timezone.now()
    order = make_order(account, buyer=alias(), delivered_at=now - timedelta(days=1), replan_at=now)
    with across_sellers("test"):
        planning.plan_stale(now=now)
        [message] = Message.objects.filter(order=order)
    assert message.due_at > now
    page = confirmed(bob, "send", message, note="she has asked for it")
    assert "Going out within minutes: 1 message." in page.content.decode()
    due_at = due_of(message)
    assert due_at <= timezone.now()
    with across_sellers("test"):
        Order.objects.update(replan_at=now)
        planning.plan_stale(now=timezone.now())
        assert Message.objects.get(pk=message.pk).why_now == "Your team said: send it now: she has asked for it"
        assert list(message.events.order_by("id").values_list("reason", flat=True))[-1] == (
            "Your team said: send it now: she has asked for it"
        )
    assert due_of(message) == due_at and status_of(message) == Status.SCHEDULED


def test_amazon_takes_no_review_request_before_its_time_and_the_page_says_so(
    bob: Client, account: AmazonAccount
) -> None:
    young = timezone.now() - timedelta(days=4)
    later = timezone.now() + timedelta(days=3)
    request = make_message(make_order(account, delivered_at=young), channel=Channel.REQUEST_REVIEW, due_at=later)
    letter = make_message(make_order(account, delivered_at=young), due_at=later)
    page = bob.get("/scheduling/confirm/", {"act": "send", "message": [str(request.pk), str(letter.pk)]})
    assert page.context["number"] == 1
    assert "Amazon takes its review request from" in page.content.decode()
    with across_sellers("test"):
        assert outbox.hurry([request.pk, letter.pk], reason="x", now=timezone.now()) == [letter.pk]
    assert due_of(request) == later


def test_what_is_told_to_go_now_is_still_stopped_by_an_opt_out(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias(), delivered_at=timezone.now() - timedelta(days=6))
    message = make_message(order, due_at=timezone.now() + timedelta(days=3))
    suppress(order)
    confirmed(bob, "send", message)
    with across_sellers("test"):
        assert take_up({account.pk: 5}, Channel.BUYER_EMAIL, now=timezone.now()) == []
    assert status_of(message) == Status.SUPPRESSED


# --- All that fit a search ---


def test_all_that_fit_the_search_are_chosen_counted_and_done_and_no_other(bob: Client, account: AmazonAccount) -> None:
    letters = [make_message(make_order(account)) for _ in range(60)]
    request = make_message(make_order(account), channel=Channel.REQUEST_REVIEW)
    listed = bob.get("/scheduling/", {"channel": "buyer_email"})
    assert "All 60 that fit this search" in listed.content.decode()

    asking = bob.get("/scheduling/confirm/", {"act": "hold", "everything": "1", "channel": "buyer_email"})
    assert asking.context["number"] == 60 and "Hold: 60 messages?" in asking.content.decode()
    late = make_message(make_order(account))  # it came after the page was shown, so nobody has said yes to it
    page = bob.post("/scheduling/act/", {"act": "hold", "chosen": asking.context["chosen"]}, follow=True)

    assert "Held: 60 messages." in page.content.decode()
    assert {status_of(message) for message in letters} == {Status.HELD}
    assert status_of(request) == status_of(late) == Status.SCHEDULED


def test_more_than_can_be_looked_through_has_to_be_narrowed(
    bob: Client, account: AmazonAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.choosing.MOST", 2)
    messages = [make_message(make_order(account)) for _ in range(3)]
    page = bob.get("/scheduling/confirm/", {"act": "skip", "everything": "1"}, follow=True)
    assert "Narrow it" in page.content.decode()
    assert {status_of(message) for message in messages} == {Status.SCHEDULED}


def test_orders_buyers_and_skus_of_those_chosen_are_excluded_after_a_preview(
    bob: Client, account: AmazonAccount
) -> None:
    known, unknown = make_message(make_order(account, buyer=alias())), make_message(make_order(account))
    asked = {"message": [str(known.pk), str(unknown.pk)]}
    for kind, number in (("order", 2), ("buyer", 1), ("sku", 1)):
        page = bob.get("/exclusions/new/chosen/", asked | {"kind": kind})
        assert page.context["number"] == number and page.context["waiting"] == (1 if kind == "buyer" else 2)
    done = bob.post("/exclusions/new/confirmed/", {"wanted": page.context["wanted"]}, follow=True)
    assert "1 exclusion was added" in done.content.decode()
    assert status_of(known) == status_of(unknown) == Status.CANCELLED
    assert bob.get("/exclusions/new/chosen/", {"kind": "order"}).headers["Location"] == "/scheduling/"


def test_a_row_offers_what_of_its_order_may_be_excluded(bob: Client, mallory: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account, buyer=alias()))
    link = f"/exclusions/new/?order={message.order_id}"
    assert link in bob.get("/scheduling/").content.decode()
    page = bob.get(link).content.decode()
    for words in ("This order", "Its buyer", "SKU MUG-1", "ASIN B0TESTASIN"):
        assert words in page
    assert message.order.amazon_order_id not in mallory.get(link).content.decode()


def test_what_has_moved_on_meanwhile_is_left_alone_and_said_so(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))
    asking = bob.get("/scheduling/confirm/", {"act": "skip", "message": str(message.pk)})
    with across_sellers("test"):
        Message.objects.update(status=Status.SENT)

    page = bob.post("/scheduling/act/", {"act": "skip", "chosen": asking.context["chosen"]}, follow=True)

    assert status_of(message) == Status.SENT
    assert "1 message had moved on meanwhile" in page.content.decode()


def test_another_sellers_message_cannot_be_touched(bob: Client, mallory: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))
    theirs = bob.get("/scheduling/confirm/", {"act": "skip", "message": str(message.pk)}).context["chosen"]

    shown = mallory.get("/scheduling/confirm/", {"act": "skip", "message": str(message.pk)})
    for chosen in (theirs, shown.context["chosen"], "[1]", ""):
        mallory.post("/scheduling/act/", {"act": "skip", "chosen": chosen})

    assert message.order.amazon_order_id not in shown.content.decode()
    assert status_of(message) == Status.SCHEDULED


def test_a_viewer_may_look_and_not_act(bob: Client, vera: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))
    chosen = bob.get("/scheduling/confirm/", {"act": "hold", "message": str(message.pk)}).context["chosen"]

    assert vera.get("/scheduling/").status_code == 200
    assert 'type="checkbox"' not in vera.get("/scheduling/").content.decode()
    assert vera.get("/scheduling/confirm/", {"act": "hold", "message": str(message.pk)}).status_code == 403
    assert vera.post("/scheduling/act/", {"act": "hold", "chosen": chosen}).status_code == 403
    assert status_of(message) == Status.SCHEDULED


@pytest.mark.parametrize(
    "asked", [{}, {"act": "hold"}, {"act": "burn", "message": "1"}, {"act": "hold", "message": "x"}]
)
def test_a_choice_that_is_none_leads_back_to_the_list(bob: Client, asked: dict[str, str]) -> None:
    assert bob.get("/scheduling/confirm/", asked).headers["Location"] == "/scheduling/"
    assert bob.post("/scheduling/act/", asked).headers["Location"] == "/scheduling/"


def test_a_note_that_is_too_long_answers_422_with_the_page(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))
    chosen = bob.get("/scheduling/confirm/", {"act": "hold", "message": str(message.pk)}).context["chosen"]

    response = bob.post("/scheduling/act/", {"act": "hold", "chosen": chosen, "note": "x" * 121})

    assert response.status_code == 422
    assert message.order.amazon_order_id in response.content.decode()
    assert status_of(message) == Status.SCHEDULED


def test_a_get_never_acts(bob: Client, account: AmazonAccount) -> None:
    message = make_message(make_order(account))

    assert bob.get("/scheduling/act/", {"act": "cancel", "message": str(message.pk)}).status_code == 405
    assert status_of(message) == Status.SCHEDULED


def test_the_export_has_the_rows_of_the_filtered_list(alice: Client, account: AmazonAccount) -> None:
    held, other = make_order(account), make_order(account)
    make_message(held, status=Status.HELD, reason="=why")
    make_message(other)
    make_message(make_order(make_account(make_seller("Mallory's shop"))), status=Status.HELD)

    response: Any = alice.get("/scheduling/export.csv", {"status": "held"})
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert len(lines) == 2
    assert held.amazon_order_id in lines[1]
    assert other.amazon_order_id not in lines[1]
    assert ",'=why" in lines[1]


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    assert "Nothing is scheduled" in alice.get("/scheduling/").content.decode()
