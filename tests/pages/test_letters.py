"""Letters: written with the linter's findings and the sending code's preview beside them, and never sent blocked."""

import re
from html import unescape

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign, CampaignChange, Template
from tests.makers import alias, make_account, make_campaigns, make_order

CLEAN = {
    "subject": "Order {{ order_id }}",
    "body": "How was {{ product_title_short }}? Please leave a review, good or bad.",
}
BLOCKED = {"subject": "Order {{ order_id }}", "body": "If you are happy, please leave a review. www.example.com"}


@pytest.fixture
def draft(seller: Seller) -> Campaign:
    return make_campaigns(seller, status=Campaign.Status.DRAFT)[1]


@pytest.fixture
def active(seller: Seller) -> Campaign:
    return make_campaigns(seller)[1]


def letter_of(campaign: Campaign, language: str = "en") -> Template | None:
    with across_sellers("test"):
        return Template.objects.filter(campaign=campaign, language=language).first()


def edit(campaign: Campaign, language: str = "en", then: str = "edit") -> str:
    return f"/campaigns/{campaign.pk}/letters/{language}/{then}/"


def test_a_letter_is_changed_and_the_history_says_who_did_it(bob: Client, draft: Campaign) -> None:
    response = bob.post(edit(draft), CLEAN)

    assert response.status_code == 302
    changed = letter_of(draft)
    assert changed and changed.body == CLEAN["body"]
    with across_sellers("test"):
        change = CampaignChange.objects.filter(campaign=draft).latest("id")
    assert change.what == ["Letter changed: en"]
    assert change.by is not None


def test_a_letter_in_another_language_is_added_and_taken_away(bob: Client, draft: Campaign) -> None:
    assert letter_of(draft, "ja") is None
    assert "率直なご感想" in bob.get(edit(draft, "ja") + "?start=review").content.decode()
    bob.post(edit(draft, "ja"), {"subject": "{{ order_id }}", "body": "率直なご感想をレビューでお聞かせください。"})
    assert letter_of(draft, "ja") is not None

    assert "Take the letter in Japanese away?" in bob.get(edit(draft, "ja", "remove")).content.decode()
    bob.post(edit(draft, "ja", "remove"))
    assert letter_of(draft, "ja") is None


def test_what_amazon_forbids_is_kept_in_a_draft_and_stops_it_from_being_turned_on(bob: Client, draft: Campaign) -> None:
    assert bob.post(edit(draft), BLOCKED).status_code == 302

    page = bob.get(f"/campaigns/{draft.pk}/switch/").content.decode()
    assert "This asks only happy buyers for a review" in page
    assert "This names a website" in page
    bob.post(f"/campaigns/{draft.pk}/switch/", {"wanted": "on"})
    with across_sellers("test"):
        draft.refresh_from_db()
    assert draft.status == Campaign.Status.DRAFT

    bob.post(edit(draft), CLEAN)
    bob.post(f"/campaigns/{draft.pk}/switch/", {"wanted": "on"})
    with across_sellers("test"):
        draft.refresh_from_db()
    assert draft.status == Campaign.Status.ACTIVE


def test_a_campaign_that_is_on_refuses_what_amazon_forbids(bob: Client, active: Campaign) -> None:
    before = letter_of(active)
    response = bob.post(edit(active), BLOCKED)

    assert response.status_code == 422
    assert "Nothing was saved" in response.content.decode()
    after = letter_of(active)
    assert before and after and after.body == before.body


def test_findings_and_preview_follow_what_is_written(bob: Client, seller: Seller, draft: Campaign) -> None:
    make_order(make_account(seller), buyer=alias(), amazon_order_id="111-7654321-7654321")
    said = bob.post(edit(draft, then="check"), BLOCKED).content.decode()
    assert "This names a website" in said and "www.example.com" in said
    assert "Leave it out." in said

    clean = bob.post(edit(draft, then="check"), CLEAN).content.decode()
    assert "breaks a rule" in clean
    unknown = bob.post(edit(draft, then="check"), CLEAN | {"body": "{{ buyer_name }}"}).content.decode()
    assert "is not a placeholder" in unknown


def test_tags_of_old_letters_become_placeholders_and_the_buyers_name_is_taken_out(bob: Client, draft: Campaign) -> None:
    body = "Hello [[Buyer First Name]],\nhow was [[Product Name]] of order [[Order ID]]? Please leave a review."
    page = bob.post(edit(draft), {"subject": "Your order", "body": body}, follow=True).content.decode()

    changed = letter_of(draft)
    assert changed and changed.body.startswith("Hello,\nhow was {{ product_title }} of order {{ order_id }}?")
    assert "the buyer&#x27;s name is never used" in page
    refused = bob.post(edit(draft), {"subject": "Your order", "body": "[[Lucky Number]]"})
    assert refused.status_code == 422
    assert "Nothing answers to [[Lucky Number]]" in refused.content.decode()


def test_a_test_goes_to_the_person_and_to_nobody_else_ten_times_a_day(bob: Client, draft: Campaign) -> None:
    for _ in range(10):
        assert "on its way" in bob.post(edit(draft, then="test"), CLEAN).content.decode()
    assert "more go out tomorrow" in bob.post(edit(draft, then="test"), CLEAN).content.decode()

    assert len(mail.outbox) == 10
    assert mail.outbox[0].subject.startswith("[Test] Order ")
    assert len(mail.outbox[0].to) == 1 and "marketplace.amazon" not in mail.outbox[0].to[0]


def test_the_list_finds_letters_and_offers_the_gallery(bob: Client, draft: Campaign) -> None:
    page = bob.get("/templates/").content.decode()
    assert "How was your order" in page and "Getting started with the product" in page
    assert "No such letter" in bob.get("/templates/?q=nowhere").content.decode()
    started = bob.get(f"/templates/start/?campaign={draft.pk}&language=fr&start=help")
    assert started["Location"] == edit(draft, "fr") + "?start=help"


def test_a_seller_without_letters_is_told_what_to_do(mallory: Client) -> None:
    assert "No letters yet" in mallory.get("/templates/").content.decode()


def test_a_language_that_no_marketplace_speaks_is_not_there(bob: Client, draft: Campaign) -> None:
    assert bob.get(edit(draft, "xx")).status_code == 404


HTML = {
    "subject": "Order {{ order_id }}",
    "kind": "html",
    "body": '<p style="font-size:14px">How was <b>{{ product_title_short }}</b>?</p><p class="x">Please leave a review,'
    ' good or bad, at <a href="{{ order_link }}">your order</a>.</p>',
}


def frame_of(page: str) -> str:
    found = re.search(r'<iframe class="letter-frame" [^>]*src="([^"]+)"', page)
    assert found
    return unescape(found[1])


def test_a_letter_is_written_as_html_and_previewed_as_it_is_sent(bob: Client, draft: Campaign) -> None:
    said = bob.post(edit(draft, then="check"), HTML).content.decode()
    assert "Not sent" in said and "class of &lt;p&gt;" in said and "breaks a rule" in said
    framed = bob.get(frame_of(said))
    assert '<p style="font-size:14px">How was <b>Enamel camping mug' in framed.content.decode()
    assert framed["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self' 'unsafe-inline'")
    assert "sandbox" in framed["Content-Security-Policy"] and framed["X-Frame-Options"] == "SAMEORIGIN"
    assert "your order (https://www.amazon." in unescape(said)  # the plain text

    assert bob.post(edit(draft), HTML).status_code == 302
    kept = letter_of(draft)
    assert kept and kept.is_html and kept.body == HTML["body"]
    assert 'value="html" id="id_kind_1" checked' in " ".join(bob.get(edit(draft)).content.decode().split())
    assert bob.post(edit(draft), HTML | {"kind": "text"}).status_code == 302
    changed = letter_of(draft)
    assert changed and not changed.is_html


def test_what_is_not_saved_is_previewed_for_ones_own_team_only(
    bob: Client, mallory: Client, draft: Campaign
) -> None:
    framed = frame_of(bob.post(edit(draft, then="check"), HTML).content.decode())
    assert bob.get(framed).status_code == 200
    assert mallory.get(framed).status_code == 404
    assert bob.get(framed.replace("shown/", "shown/x")).status_code == 404


def test_the_style_rules_hold_for_what_was_written_not_only_for_what_is_sent(bob: Client, draft: Campaign) -> None:
    styled = HTML | {"body": HTML["body"] + '<center><font color="red">Hello</font></center>'}
    said = bob.post(edit(draft, then="check"), styled).content.decode()
    assert "This changes the alignment" in said and "This changes the text&#x27;s colour" in said
    bob.post(edit(draft), styled)
    assert "cannot be turned on yet" in bob.get(f"/campaigns/{draft.pk}/switch/").content.decode()
    bob.post(f"/campaigns/{draft.pk}/switch/", {"wanted": "on"})
    with across_sellers("test"):
        draft.refresh_from_db()
    assert draft.status == Campaign.Status.DRAFT


def test_html_that_is_written_as_text_is_pointed_out(bob: Client, draft: Campaign) -> None:
    said = bob.post(edit(draft, then="check"), HTML | {"kind": "text"}).content.decode()
    assert "switch to HTML" in said
    assert "&lt;b&gt;" in bob.get(frame_of(said)).content.decode()


def test_a_placeholder_within_a_tag_is_refused_with_the_reason(bob: Client, draft: Campaign) -> None:
    refused = bob.post(edit(draft), HTML | {"body": '<img src="https://x.example/{{ sku }}.png" alt="x">'})
    assert refused.status_code == 422
    assert "A placeholder cannot stand in the src of <img>" in unescape(refused.content.decode())
