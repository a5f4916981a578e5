"""The pages of the list: look up, add, import, what stands behind an entry, take back."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from optouts import gate
from optouts.listing import LOOK_UPS_AN_HOUR
from optouts.models import ListImport, Suppression
from tests.makers import alias, make_account, make_entry, make_import, make_order, make_seller, order_id, suppress


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def words(response: Any) -> str:
    """The text of a page, without tags and tokens."""
    main = response.content.decode().partition("<main")[2]
    without_fields = re.sub(r"<(script|input|svg)\b[^>]*>", "", main)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without_fields))


def look_up(client: Client, buyer: str) -> str:
    response = client.post("/opt-outs/look-up/", {"buyer": buyer})
    assert response.status_code == 200
    return words(response)


def test_a_look_up_answers_in_words(alice: Client, account: AmazonAccount) -> None:
    on, off = make_order(account, buyer=alias()), make_order(account)
    suppress(on)

    assert f"Not written to: {gate.OPTED_OUT}." in look_up(alice, on.amazon_order_id)
    assert "Not on the list." in look_up(alice, off.amazon_order_id)
    assert "None of your orders is meant" in look_up(alice, order_id())


def test_the_words_are_the_same_whoever_proved_it_and_tell_nothing_of_strangers(
    alice: Client, account: AmazonAccount
) -> None:
    theirs = make_account(make_seller("Third shop"))
    shared, listed, unlisted = alias(), alias(), alias()
    mine, order = make_order(account, buyer=alias()), make_order(account, buyer=shared)
    suppress(mine)
    suppress(make_order(theirs, buyer=shared))
    suppress(make_order(theirs, buyer=listed))

    own, foreign = look_up(alice, mine.amazon_order_id), look_up(alice, order.amazon_order_id)
    assert own.replace(mine.amazon_order_id, "N") == foreign.replace(order.amazon_order_id, "N")
    assert look_up(alice, listed) == look_up(alice, unlisted)


def test_what_is_neither_is_refused_and_too_many_look_ups_too(vera: Client) -> None:
    refused = vera.post("/opt-outs/look-up/", {"buyer": "jo@example.com"})
    assert refused.status_code == 422
    assert "neither an order number" in refused.content.decode()
    answers = [vera.post("/opt-outs/look-up/", {"buyer": alias()}).status_code for _ in range(LOOK_UPS_AN_HOUR + 1)]
    assert answers[-2:] == [200, 429]


def test_a_buyer_is_added_seen_and_taken_back(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())

    added = bob.post("/opt-outs/add/", {"buyer": order.amazon_order_id, "reason": "asked us by phone"}, follow=True)
    assert "and its buyer are on your list" in words(added)
    assert "Asked us by phone" in words(added)

    with across_sellers("test"):
        entries = {entry.kind: entry for entry in Suppression.objects.all()}
    page = bob.get(f"/opt-outs/entries/{entries['order'].pk}/")
    assert f"Messages about order {order.amazon_order_id} are not stopped by your team any more." in words(page)
    assert "Whoever has opted out through Amazon is not written to all the same." in words(page)
    chosen = [entry.pk for entry in entries.values()]
    gone = bob.post(f"/opt-outs/entries/{entries['order'].pk}/remove/", {"entry": chosen}, follow=True)
    assert "Taken back: 2 entries." in words(gone)
    assert "Revoked" in words(bob.get(f"/opt-outs/entries/{entries['order'].pk}/"))


def test_a_proved_entry_shows_its_notice_and_cannot_be_taken_back(alice: Client, account: AmazonAccount) -> None:
    entry = suppress(make_order(account, buyer=alias()), reach=gate.Reach.SELLER)[0]

    shown = words(alice.get(f"/opt-outs/entries/{entry}/"))

    assert "Proved: forwarded unchanged from your mailbox, signed by Amazon (grade A2)" in shown
    assert "nobody of your team can take it back" in shown
    assert alice.post(f"/opt-outs/entries/{entry}/remove/", {"entry": [entry]}).status_code == 422
    with across_sellers("test"):
        assert Suppression.objects.get(pk=entry).state == "active"


def test_a_viewer_looks_and_changes_nothing(vera: Client, mallory: Client, seller: Seller) -> None:
    entry = make_entry(seller)
    address = f"/opt-outs/entries/{entry.pk}/"

    assert "Take back" not in words(vera.get(address))
    assert "Import" not in words(vera.get("/opt-outs/"))
    assert [client.post(f"{address}remove/", {"entry": [entry.pk]}).status_code for client in (vera, mallory)] == [
        403,
        404,
    ]


def upload(client: Client, content: bytes) -> Any:
    return client.post("/opt-outs/import/", {"file": SimpleUploadedFile("old.csv", content, "text/csv")}, follow=True)


def test_an_import_is_shown_line_by_line_and_carried_out_as_shown(bob: Client, account: AmazonAccount) -> None:
    order, buyer = make_order(account, buyer=alias()), alias()
    content = f"Order ID,Buyer Email\n{order.amazon_order_id},\n,{buyer}\n,jo@example.com\n".encode()

    shown = upload(bob, content)

    text = words(shown)
    assert "Add 2 of 3 lines?" in text
    assert "Is added; none of your orders yet" in text
    assert "Refused: neither an order number nor a buyer's address at Amazon" in text.replace("&#x27;", "'")
    assert buyer not in text
    with across_sellers("test"):
        assert not Suppression.objects.exists()
    address = shown.redirect_chain[-1][0]
    assert "3 entries added" in words(bob.post(f"{address}carry-out/", follow=True))
    assert "This preview is not there any more" in words(bob.post(f"{address}carry-out/", follow=True))


def test_a_preview_is_filtered_paged_and_a_file(alice: Client, seller: Seller) -> None:
    content = "\n".join(["Order ID", *(order_id() for _ in range(230)), "nonsense"]).encode()
    address = f"/opt-outs/imports/{make_import(seller, content).pk}/"

    assert words(alice.get(address)).count("Is added; none of your orders yet") == 200 + 1  # and the tab
    assert words(alice.get(address, {"from": 200})).count("Is added; none of your orders yet") == 30 + 1
    assert "nonsense" in words(alice.get(address, {"effect": "unreadable"}))
    assert alice.get(address, {"from": 9_999}).status_code == 404
    lines: Any = alice.get(f"{address}lines.csv")
    assert len(b"".join(lines.streaming_content).splitlines()) == 232


def test_a_preview_can_be_thrown_away(alice: Client, mallory: Client, seller: Seller) -> None:
    shown = make_import(seller, f"Order ID\n{order_id()}\n".encode())

    assert mallory.get(f"/opt-outs/imports/{shown.pk}/").status_code == 404
    alice.post(f"/opt-outs/imports/{shown.pk}/discard/")

    with across_sellers("test"):
        assert ListImport.objects.get().lines_sealed is None
        assert not Suppression.objects.exists()
    assert "This preview is gone" in words(alice.get(f"/opt-outs/imports/{shown.pk}/"))


def test_a_preview_that_cannot_be_read_any_more_is_gone(alice: Client, seller: Seller, settings: Settings) -> None:
    address = f"/opt-outs/imports/{make_import(seller, f'email{chr(10)}{alias()}'.encode()).pk}/"
    settings.LOOKUP_VERSION += 1

    assert "This preview is gone" in words(alice.get(address))
    assert "This preview is not there any more" in words(alice.post(f"{address}carry-out/", follow=True))


def test_a_file_with_an_open_quotation_mark_says_in_which_line(bob: Client) -> None:
    refused = upload(bob, f'Order ID,Note\n{order_id()},"Jo\n{order_id()},\n'.encode())

    assert refused.status_code == 422 and "Nothing was read: in line 2 a quotation mark" in refused.content.decode()
    with across_sellers("test"):
        assert not ListImport.objects.exists()


def test_a_file_that_is_no_list_is_refused(bob: Client) -> None:
    refused = upload(bob, b"name,town\nJo,Bath\n")

    assert refused.status_code == 422
    assert "No column of the file holds" in refused.content.decode()
    assert upload(bob, b"x" * 1_000_001).status_code == 422


def test_the_export_names_reason_and_grade(alice: Client, account: AmazonAccount) -> None:
    suppress(make_order(account), reach=gate.Reach.SELLER)
    make_entry(account.seller, reason="rude")
    response: Any = alice.get("/opt-outs/export.csv")
    text = b"".join(response.streaming_content).decode()

    assert ',A2,"Proved: forwarded unchanged' in text
    assert "rude,,Entered by a person,In force" in text
