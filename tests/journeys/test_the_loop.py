"""The whole loop, through real processes and sockets."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import oversight
from messaging.models import Message
from messaging.troubles import Trouble
from optouts.models import Notice, Suppression
from tests.journeys.conftest import Site

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def delivered(days_ago: float, **more: Any) -> dict[str, Any]:
    end = datetime.now(UTC) - timedelta(days=days_ago)
    return {"deliver_by": [(end - timedelta(days=1)).isoformat(), end.isoformat()], **more}


def test_an_order_becomes_a_request_that_amazon_takes_once(site: Site) -> None:
    _, theirs = site.seller("Lakeside")
    order = site.amazon.order(theirs, **delivered(8, fulfilled_by="AMAZON"))
    message = site.wait_for_status(order["order_id"], "sent")
    assert message.channel == "request_review" and message.receipt
    assert [receipt["kind"] for receipt in site.amazon.receipts(order["order_id"])] == ["solicitation"]


def test_an_opt_out_told_to_one_seller_stops_the_letter_of_another(site: Site) -> None:
    alias = "sharedbuyer0001@marketplace.amazon.com"
    _, second = site.seller("Second shop", mode="none")
    soon = site.amazon.order(second, **delivered(2 - 45 / 86400, buyer={"alias": alias}))
    site.wait_for_status(soon["order_id"], "scheduled")  # else the opt-out may be known before there is a letter
    site.amazon.opt_out(alias)
    _, first = site.seller("First shop")
    wrote = site.amazon.order(first, **delivered(3, buyer={"alias": alias}))

    blocked = site.wait_for_status(wrote["order_id"], "blocked")
    stopped = site.wait_for_status(soon["order_id"], "suppressed")

    assert "opted out" in blocked.reason and stopped.reason == "the buyer has opted out through Amazon"
    assert stopped.settled_at is not None and stopped.handed_over_at is None
    with across_sellers("test"):
        notice = Notice.objects.get(order__amazon_order_id=wrote["order_id"])
        assert (notice.status, notice.grade) == ("applied", "A1")
        assert Suppression.objects.filter(seller=None, state="active").count() == 1
    assert [r for r in site.amazon.receipts(soon["order_id"])] == []


def test_a_worker_killed_between_hand_over_and_outcome_sends_nothing_twice(site: Site) -> None:
    _, theirs = site.seller("Killed shop")
    operation = "createProductReviewAndSellerFeedbackSolicitation"
    site.amazon.fault(operation, "slow", seconds=8)
    order = site.amazon.order(theirs, **delivered(8, fulfilled_by="AMAZON"))
    site.wait_for_status(order["order_id"], "sending")
    site.kill("worker")
    site.start("worker")

    message = site.wait_for_status(order["order_id"], "unknown", "sent", seconds=60)

    def calls() -> int:
        return len([call for call in site.amazon.calls(operation) if order["order_id"] in call["path"]])

    site.wait_for(calls, seconds=15)  # the slow call lands at last
    time.sleep(3)  # and beat rings for due messages a few times more
    assert calls() == 1 and len(site.amazon.receipts(order["order_id"])) == 1
    with across_sellers("test"):
        steps = list(message.events.order_by("id").values_list("status", flat=True))
    assert steps[:3] == ["scheduled", "sending", "unknown"] and "sending" not in steps[2:]
    assert site.amazon.read("receipts")["doubles"] == 0


def test_a_listener_that_is_away_costs_no_notice(site: Site) -> None:
    _, theirs = site.seller("Patient shop")
    order = site.amazon.order(theirs, **delivered(3, buyer={"alias": "patientbuyer01@marketplace.amazon.com"}))
    site.kill("listen")
    site.amazon.opt_out("patientbuyer01@marketplace.amazon.com")
    site.wait_for_status(order["order_id"], "sent")
    site.start("listen")
    assert site.wait_for_status(order["order_id"], "blocked").reason


def test_accounts_broken_in_four_ways_cost_the_others_nothing(site: Site) -> None:
    _, at_amazon = site.seller("Revoked shop")
    _, unknown_sender = site.seller("Unapproved shop")
    sealed, lost_key = site.seller("Lost key shop")
    _, throttled = site.seller("Throttled shop")
    site.amazon.do("throttles", selling_partner_id=throttled["selling_partner_id"])
    site.amazon.mailbox(unknown_sender, inbound_address="", approved_senders=["another@shop.example"])
    request: dict[str, Any] = {"fulfilled_by": "AMAZON", **delivered(8)}
    soon: dict[str, Any] = {"fulfilled_by": "AMAZON", **delivered(7 - 30 / 86400)}  # due when all of this is broken
    letter = delivered(3, buyer={"alias": "brokenbuyer1@marketplace.amazon.com"})
    waiting = {
        "revoked": site.amazon.order(at_amazon, **soon)["order_id"],
        "unapproved": site.amazon.order(unknown_sender, **letter)["order_id"],
        "lost key": site.amazon.order(lost_key, **soon)["order_id"],
        "throttled": site.amazon.order(throttled, **request)["order_id"],
    }
    site.wait_for(lambda: all(site.message(order_id) for order_id in waiting.values()), seconds=40)
    site.amazon.do("revocations", selling_partner_id=at_amazon["selling_partner_id"])
    with across_sellers("test"):
        AmazonAccount.objects.filter(pk=sealed.pk).update(refresh_token_sealed=b"sealed by a key that is gone")

    began = time.monotonic()
    _, sound = site.seller("Sound shop")
    good = [site.amazon.order(sound, **request)["order_id"] for _ in range(3)]
    for order_id in good:
        site.wait_for_status(order_id, "sent")
    assert time.monotonic() - began < 30  # most of it is the reading of the orders

    assert site.wait_for_status(waiting["unapproved"], "held").reason
    def seen_by_operators() -> dict[str, tuple[Trouble, ...]]:
        with across_sellers("test"):
            return {one.account.store_name: one.troubles for one in oversight.ailing(now=timezone.now())}

    # A withdrawn authorisation shows at the next access token that is asked for.
    site.wait_for(lambda: Trouble.REVOKED in seen_by_operators().get("Revoked shop", ()), seconds=60)
    # One that is put off shows at the third time, and each is later than the one before.
    site.wait_for(lambda: Trouble.PUT_OFF in seen_by_operators().get("Throttled shop", ()), seconds=30)
    assert seen_by_operators()["Unapproved shop"] == (Trouble.SENDER,)
    assert seen_by_operators()["Throttled shop"] == (Trouble.PUT_OFF,) and "Sound shop" not in seen_by_operators()
    with across_sellers("test"):
        assert not Message.objects.filter(order__amazon_order_id__in=waiting.values(), status="sent").exists()
