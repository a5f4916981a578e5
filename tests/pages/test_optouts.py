"""Opt-outs: the address, the mailboxes, the entries, the notices."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from optouts.addresses import full_address, saw_mailbox
from optouts.models import InboundAddress, Notice, SellerMailbox, Suppression
from optouts.reasons import Kind, Reason
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_address,
    make_entry,
    make_notice,
    make_order,
    make_seller,
    suppress,
)

HOSTILE = (
    b"From: Amazon <auto@amazon.example>\r\nTo: shop@example.com\r\nSubject: <script>alert(1)</script>\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head><style>p{}</style></head><body><p>Order <a href='https://evil.example'>111-1</a></p>"
    b"<script>alert(2)</script>&lt;img src=x&gt;</body></html>\r\n"
)


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def page(client: Client, address: str = "/opt-outs/", **asked: str) -> str:
    response = client.get(address, asked)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_sellers_own_address_can_be_copied(alice: Client, mallory: Client, seller: Seller) -> None:
    address = make_address(seller)
    with across_sellers("test"):
        wanted = full_address(address)

    assert f'value="{wanted}"' in page(alice)
    assert 'data-copy="inbound-address"' in page(alice)
    assert wanted not in page(mallory)


def test_looking_makes_no_address_and_asking_for_one_does(vera: Client, bob: Client, seller: Seller) -> None:
    page(bob)
    assert addresses_of(seller) == 0
    assert vera.post("/opt-outs/address/").status_code == 403
    bob.post("/opt-outs/address/")
    bob.post("/opt-outs/address/")

    assert addresses_of(seller) == 1


def addresses_of(seller: Seller) -> int:
    with across_sellers("test"):
        return InboundAddress.objects.filter(seller=seller).count()


def test_an_opted_out_buyer_is_listed_with_the_evidence_in_words(alice: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)

    shown = page(alice)

    assert order.amazon_order_id in shown
    assert "Proved: forwarded unchanged from your mailbox" in shown
    assert len(alice.get("/opt-outs/").context["page"].rows) == 2  # the order and its buyer; the global one is nobody's


def test_a_seller_sees_no_entry_of_another_and_none_of_all(mallory: Client, account: AmazonAccount) -> None:
    shared = alias()
    suppress(make_order(account, buyer=shared))
    mine = make_account(make_seller("Third shop"))
    make_order(mine, buyer=shared)

    assert mallory.get("/opt-outs/").context["page"].rows == []


def test_entries_are_found_by_order_and_by_state(alice: Client, account: AmazonAccount) -> None:
    one, other = make_order(account, buyer=alias()), make_order(account)
    suppress(one)
    suppress(other)

    assert other.amazon_order_id not in page(alice, q=one.amazon_order_id)
    assert alice.get("/opt-outs/", {"state": "revoked"}).context["page"].rows == []
    assert alice.get("/opt-outs/", {"state": "gone"}).status_code == 422


def test_the_owner_confirms_a_mailbox_and_its_notices_are_read_again(alice: Client, seller: Seller) -> None:
    with across_sellers("test"):
        mailbox = saw_mailbox(seller.pk, "orders@shop.example", now=NOW)
    notice = make_notice(seller, mailbox_id=mailbox.pk, grade="A3", status="applied", look_at=None)

    shown = alice.post(f"/opt-outs/mailboxes/{mailbox.pk}/confirm/", follow=True).content.decode()

    assert "orders@shop.example is confirmed. 1 notice that came through it are read again." in shown
    with across_sellers("test"):
        assert SellerMailbox.objects.get(pk=mailbox.pk).confirmed_at is not None
        assert Notice.objects.get(pk=notice.pk).look_at is not None


def test_nobody_but_an_owner_of_this_seller_confirms(
    bob: Client, vera: Client, mallory: Client, seller: Seller
) -> None:
    with across_sellers("test"):
        mailbox = saw_mailbox(seller.pk, "orders@shop.example", now=NOW)
    address = f"/opt-outs/mailboxes/{mailbox.pk}/confirm/"

    assert [client.post(address).status_code for client in (bob, vera, mallory)] == [403, 403, 404]
    with across_sellers("test"):
        assert SellerMailbox.objects.get(pk=mailbox.pk).confirmed_at is None


def test_notices_are_listed_with_verdict_and_reason_and_filtered(alice: Client, seller: Seller) -> None:
    waiting = make_notice(seller, status="quarantined", grade="D", reason="Nobody signed it.", processed_at=NOW)
    make_notice(seller, status="applied", grade="A1", reason="All is proved.", processed_at=NOW)

    shown = page(alice, "/opt-outs/notices/", status="quarantined")

    assert "Nobody signed it." in shown
    assert "Not proved: the right address and the right words, and nothing else" in shown
    assert "All is proved." not in shown
    assert "See them" in page(alice)
    assert f"/opt-outs/notices/{waiting.pk}/" in shown


@pytest.mark.parametrize("address", ["/opt-outs/notices/", "/opt-outs/set-up/"])
def test_the_page_for_saved_mails_is_found_by_whoever_may_use_it(alice: Client, vera: Client, address: str) -> None:
    assert "/opt-outs/upload/" in alice.get(address).content.decode()
    assert "/opt-outs/upload/" not in vera.get(address).content.decode()


def test_a_notice_shows_what_was_checked(alice: Client, seller: Seller, account: AmazonAccount) -> None:
    order = make_order(account)
    evidence: dict[str, Any] = {
        "route": "forwarded automatically",
        "signatures": [{"domain": "amazon.com", "result": "passed", "signed_at": "2026-11-23T08:00:00+00:00"}],
    }
    notice = make_notice(seller, status="applied", grade="A2", order_id=order.pk, evidence=evidence, processed_at=NOW)

    shown = page(alice, f"/opt-outs/notices/{notice.pk}/")

    assert "amazon.com" in shown
    assert "23 Nov 2026, 08:00 UTC" in shown
    assert f"/orders/{order.pk}/" in shown
    assert "Forwarded automatically" in shown


def test_a_hostile_mail_is_shown_as_text_and_does_nothing(alice: Client, seller: Seller) -> None:
    notice = make_notice(seller, raw=HOSTILE)

    shown = page(alice, f"/opt-outs/notices/{notice.pk}/")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert" not in shown
    assert "alert(2)" not in shown
    assert "&lt;img src=x&gt;" in shown
    assert "https://evil.example" not in shown


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"no headers at all",
        b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n<script>alert(3)</script>",
    ],
)
def test_a_mail_that_cannot_be_read_is_shown_byte_by_byte(alice: Client, seller: Seller, raw: bytes) -> None:
    notice = make_notice(seller, raw=raw)

    shown = page(alice, f"/opt-outs/notices/{notice.pk}/")

    assert "Shown byte by byte" in shown
    assert "<script>alert" not in shown


def test_a_viewer_does_not_see_the_mail_and_another_seller_not_the_notice(
    vera: Client, bob: Client, mallory: Client, seller: Seller
) -> None:
    notice = make_notice(seller, raw=HOSTILE)
    address = f"/opt-outs/notices/{notice.pk}/"

    assert "alert(1)" in page(bob, address)
    assert "alert(1)" not in page(vera, address)
    assert "owners and managers only" in page(vera, address)
    assert mallory.get(address).status_code == 404


def test_a_purged_mail_is_said_to_be_erased(alice: Client, seller: Seller) -> None:
    notice = make_notice(seller, raw_sealed=None)

    assert "The mail itself has been erased" in page(alice, f"/opt-outs/notices/{notice.pk}/")


@pytest.mark.parametrize("name", ["export.csv", "notices/export.csv"])
def test_exports_hold_the_sellers_own_rows_only(alice: Client, mallory: Client, seller: Seller, name: str) -> None:
    order = make_order(make_account(seller))
    suppress(order)
    make_notice(seller, amazon_order_id=order.amazon_order_id)

    def export(client: Client) -> str:
        response: Any = client.get(f"/opt-outs/{name}")
        return b"".join(response.streaming_content).decode()

    assert order.amazon_order_id in export(alice)
    assert order.amazon_order_id not in export(mallory)


def test_empty_pages_say_what_to_do(alice: Client) -> None:
    assert "Get your address" in page(alice)
    assert "Nobody has opted out yet" in page(alice)
    assert "No mail has come yet" in page(alice, "/opt-outs/notices/")


@pytest.mark.parametrize("state", list(Suppression.State), ids=lambda state: state.value)
def test_an_entry_in_any_state_is_listed_and_shown(alice: Client, account: AmazonAccount, state: str) -> None:
    entry = make_entry(account.seller)
    with across_sellers("test"):
        until = timezone.now() + timedelta(days=1) if state == "held" else None
        Suppression.objects.filter(pk=entry.pk).update(state=state, until=until)
    words = Suppression.State(state).label

    assert words in page(alice)
    assert words in page(alice, f"/opt-outs/entries/{entry.pk}/")


def test_a_hold_that_is_over_is_not_shown_as_one(alice: Client, account: AmazonAccount) -> None:
    """It stops nothing any more, whether it ended by itself or an operator ended it."""
    entry = make_entry(account.seller)
    with across_sellers("test"):
        Suppression.objects.filter(pk=entry.pk).update(state="held", until=timezone.now() - timedelta(minutes=1))
    export = alice.get("/opt-outs/export.csv")
    assert isinstance(export, StreamingHttpResponse)

    listed, shown = page(alice), page(alice, f"/opt-outs/entries/{entry.pk}/")
    for text in (listed, shown, b"".join(export.streaming_content).decode()):
        assert "Was held, and is no longer" in text
    assert "Held until" not in shown


# --- A buyer's own words ---


def asking(seller: Seller, number: str, **fields: Any) -> Notice:
    told = {"kind": Kind.BUYER_MESSAGE.value, "reason": Reason.BUYER_ASKS_TO_STOP.value, "status": "ignored"}
    return make_notice(seller, amazon_order_id=number, processed_at=NOW, **(told | fields))


def test_a_buyer_who_asks_to_stop_is_left_in_peace_with_one_click(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    notice = asking(account.seller, order.amazon_order_id)
    address = f"/opt-outs/notices/{notice.pk}/"
    assert "Do not write to this buyer" in page(bob, address)

    answer = bob.post(f"{address}leave-in-peace/", follow=True)

    assert "Your campaigns do not write to him any more" in answer.content.decode()
    assert "Do not write to this buyer" not in answer.content.decode()
    with across_sellers("test"):
        entries = Suppression.objects.filter(seller=account.seller)
        assert {(entry.kind, entry.state, entry.grade) for entry in entries} == {
            ("order", "active", ""), ("alias", "active", ""),
        }  # fmt: skip
        assert not Suppression.objects.filter(seller=None).exists()
        entry = entries[0]
    assert "Take back" in page(bob, f"/opt-outs/entries/{entry.pk}/")


def test_nobody_is_excluded_for_words_that_do_not_ask_or_an_order_of_others(
    bob: Client, vera: Client, seller: Seller, account: AmazonAccount
) -> None:
    own = make_order(account).amazon_order_id
    strangers = make_order(make_account(make_seller("Mallory's shop"))).amazon_order_id
    question = asking(seller, own, reason=Reason.BUYER_MESSAGE.value)
    of_others = asking(seller, strangers)
    for notice in (question, of_others):
        assert "Do not write to this buyer" not in page(bob, f"/opt-outs/notices/{notice.pk}/")
        bob.post(f"/opt-outs/notices/{notice.pk}/leave-in-peace/")
    mine = asking(seller, own)
    assert "Do not write to this buyer" not in page(vera, f"/opt-outs/notices/{mine.pk}/")
    assert vera.post(f"/opt-outs/notices/{mine.pk}/leave-in-peace/").status_code == 403
    with across_sellers("test"):
        assert not Suppression.objects.exists()
