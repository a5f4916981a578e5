"""The page of one order: "Why?" answered in a sentence, by its checks, and by the message's life."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign
from campaigns.planning import plan_stale
from messaging import outbox
from messaging.models import Channel, Hold, Message, Status
from orders.models import Order
from tests.makers import (
    IT,
    NOW,
    alias,
    make_account,
    make_campaigns,
    make_message,
    make_notice,
    make_order,
    make_seller,
    suppress,
)


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller, marketplaces=(IT,))


def why(client: Client, order: Order) -> str:
    story = client.get(f"/orders/{order.pk}/").context["story"]
    return str(story.sentence)


def italian(account: AmazonAccount, **fields: Any) -> Order:
    return make_order(account, marketplace_id=IT, **fields)


def message(order: Order, status: Status, **fields: Any) -> Message:
    return make_message(order, status=status, **({"settled_at": NOW} | fields))


def test_a_scheduled_request_is_announced_on_the_marketplaces_clock(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    make_message(order, channel=Channel.REQUEST_REVIEW, due_at=datetime(2026, 11, 24, 9, tzinfo=UTC))

    assert why(alice, order) == "Request a Review goes out on 24 Nov 2026 at 10:00 (Europe/Rome)."


@pytest.mark.parametrize(
    ("status", "fields", "sentence"),
    [
        (Status.HELD, {"reason": "the sender is missing"}, "Held: the sender is missing. It was due on 23 Nov 2026 at"),
        (Status.SENDING, {}, "is being handed to Amazon at this moment."),
        (Status.SENT, {"receipt": "250 ok"}, "Sent on 23 Nov 2026 at 13:00 (Europe/Rome). Amazon's mail server"),
        (Status.UNKNOWN, {"reason": "the worker stopped"}, "We do not know whether it was sent: the worker stopped."),
        (Status.REFUSED, {"reason": "Amazon says no"}, "Not sent: Amazon says no."),
        (Status.EXPIRED, {"reason": "too late"}, "Not written to: too late."),
        (Status.SUPPRESSED, {"reason": "the buyer has opted out"}, "Not written to: the buyer has opted out."),
        (Status.CANCELLED, {"reason": "Cancelled by your team"}, "Not written to: cancelled. Cancelled by your team."),
        (Status.BLOCKED, {"handed_over_at": NOW}, "and Amazon did not deliver it: the buyer has opted out."),
    ],
)
def test_each_status_has_its_sentence(
    alice: Client, account: AmazonAccount, status: Status, fields: dict[str, Any], sentence: str
) -> None:
    order = italian(account)
    message(order, status, **fields)

    assert sentence in why(alice, order)


def test_the_request_id_of_amazon_is_named(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    message(order, Status.SENT, channel=Channel.REQUEST_REVIEW, receipt="5d1c-77")

    assert "Amazon's request id is 5d1c-77." in why(alice, order)


def test_an_opted_out_buyer_is_named_as_the_reason(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    make_campaigns(seller)
    order = italian(account, buyer=alias("marketplace.amazon.it"))
    suppress(order)
    plan_stale(now=NOW)

    assert why(alice, order) == "Not written to: the buyer has opted out through Amazon."


def test_an_opt_out_at_another_seller_looks_like_any_other(
    alice: Client, seller: Seller, account: AmazonAccount
) -> None:
    make_campaigns(seller)
    shared = alias("marketplace.amazon.it")
    mallory = make_seller("Mallory's shop")
    suppress(make_order(make_account(mallory, marketplaces=(IT,)), marketplace_id=IT, buyer=shared))
    order = italian(account, buyer=shared)
    plan_stale(now=NOW)

    assert why(alice, order) == "Not written to: the buyer has opted out through Amazon."
    assert "Mallory" not in alice.get(f"/orders/{order.pk}/").content.decode()
    assert alice.get("/opt-outs/").context["page"].rows == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"status": "cancelled"}, "Not written to: the order is cancelled."),
        ({"is_replacement": True}, "Not written to: the order is a replacement or an exchange."),
        ({"status": "unshipped"}, "Waiting: the order has not been shipped (unshipped)."),
        ({"delivered_at": NOW - timedelta(days=60)}, "Not written to: it is too late by Amazon's rules"),
    ],
)
def test_the_first_no_is_said_in_plain_words(
    alice: Client, seller: Seller, account: AmazonAccount, fields: dict[str, Any], sentence: str
) -> None:
    make_campaigns(seller)
    order = italian(account, buyer=alias("marketplace.amazon.it"), **fields)
    plan_stale(now=NOW)

    assert why(alice, order).startswith(sentence)


def test_without_an_active_campaign_the_page_says_so(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    make_campaigns(seller, status=Campaign.Status.PAUSED)
    order = italian(account)
    plan_stale(now=NOW)

    assert why(alice, order) == "Not written to: no campaign is active."


def test_an_order_that_is_not_planned_yet_says_so(alice: Client, account: AmazonAccount) -> None:
    assert why(alice, italian(account)).startswith("Not decided yet")


def test_every_check_is_shown_with_its_values(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    make_campaigns(seller)
    order = italian(account, status="cancelled")
    plan_stale(now=NOW)

    page = alice.get(f"/orders/{order.pk}/").content.decode()

    for check in (check for decision in follow_ups(order) for check in decision.checks):
        assert escape(check["reason"]) in page
    assert "any other status" in page


def follow_ups(order: Order) -> list[Any]:
    with across_sellers("test"):
        return list(order.follow_ups.all())


def test_the_life_of_the_message_is_told_from_its_beginning(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    written = make_message(order)
    with across_sellers("test"):
        outbox.hold([written.pk], cause=Hold.TEAM, reason="Held by your team: holidays", now=NOW)

    page = alice.get(f"/orders/{order.pk}/").content.decode()

    assert page.index("<strong>Scheduled</strong>") < page.index("<strong>Held</strong>")
    assert "Held by your team: holidays" in page


def test_the_letter_stands_in_a_frame_in_which_nothing_can_act(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    written = make_message(order)

    page = alice.get(f"/orders/{order.pk}/").content.decode()
    letter = alice.get(f"/messages/{written.pk}/letter/")

    assert f'sandbox="allow-popups" src="/messages/{written.pk}/letter/"' in page
    assert "<p>About it</p>" in letter.content.decode()
    assert letter["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in letter["Content-Security-Policy"]
    assert letter["X-Frame-Options"] == "SAMEORIGIN"


def test_a_purged_letter_is_gone_and_the_page_says_so(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    written = make_message(order, letter_sealed=None)

    assert alice.get(f"/messages/{written.pk}/letter/").status_code == 404
    assert "The text has been erased" in alice.get(f"/orders/{order.pk}/").content.decode()


def test_another_seller_sees_neither_the_letter_nor_the_order(mallory: Client, account: AmazonAccount) -> None:
    order = italian(account)
    written = make_message(order)

    assert mallory.get(f"/messages/{written.pk}/letter/").status_code == 404
    assert mallory.get(f"/orders/{order.pk}/").status_code == 404


def test_amazons_number_leads_to_the_page(alice: Client, account: AmazonAccount) -> None:
    order = italian(account)

    assert alice.get(f"/orders/{order.amazon_order_id}/").headers["Location"] == f"/orders/{order.pk}/"
    assert alice.get("/orders/111-0000000-0000000/").status_code == 404


def test_the_notices_about_it_are_linked(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    order = italian(account)
    notice = make_notice(seller, order_id=order.pk, status="quarantined", grade="D", reason="Nobody signed it.")

    assert f"/opt-outs/notices/{notice.pk}/" in alice.get(f"/orders/{order.pk}/").content.decode()


def test_a_viewer_is_offered_no_action(vera: Client, alice: Client, account: AmazonAccount) -> None:
    order = italian(account)
    make_message(order)

    assert "/scheduling/confirm/" in alice.get(f"/orders/{order.pk}/").content.decode()
    assert "/scheduling/confirm/" not in vera.get(f"/orders/{order.pk}/").content.decode()


def test_each_campaign_says_its_verdict_in_one_sentence(alice: Client, account: AmazonAccount, seller: Seller) -> None:
    make_campaigns(seller)
    order, away = italian(account, buyer=alias()), italian(account, buyer=alias(), status="unshipped")
    with across_sellers("test"):
        plan_stale(now=NOW)

    def sentences(order: Order) -> list[str]:
        said = alice.get(f"/orders/{order.pk}/")
        found = [follow_up.sentence for follow_up, _ in said.context["follow_ups"]]
        assert all(escape(sentence) in said.content.decode() for sentence in found)
        return found

    assert sentences(order) == [
        "It writes about this order: 2 days after delivery (20 Nov 2026) had passed when the campaign took the order, "
        "so as soon as possible.",
        "Not by this campaign: another campaign has this order: Order check-in.",
    ]
    assert sentences(away) == ["Not yet: the order has not been shipped (unshipped)."] * 2
    with across_sellers("test"):
        Message.objects.update(status=Status.SENT, settled_at=NOW)
    assert sentences(order)[0] == "Its message does not wait any more: this is what was decided then."
