"""Documents of a letter, on the page: attached, shown, replaced, left out."""

from dataclasses import asdict

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from campaigns import checked_letters, lifecycle
from campaigns.models import Campaign, CampaignChange, Template
from campaigns.planning import plan_stale
from messaging import documents
from messaging.letters import Attachment
from messaging.models import Document, Message, Status
from tests.makers import NOW, alias, make_account, make_campaigns, make_order
from tests.messaging.pdfs import make_pdf

CLEAN = {"subject": "Order {{ order_id }}", "body": "How was {{ product_title_short }}? Please leave a review."}


@pytest.fixture
def campaign(seller: Seller) -> Campaign:
    return make_campaigns(seller)[1]


def attach(
    client: Client, campaign: Campaign, content: bytes, *, name: str = "care.pdf", purpose: str = "instructions"
) -> str:
    """What the page says."""
    file = SimpleUploadedFile(name, content)
    address = f"/campaigns/{campaign.pk}/letters/en/documents/"
    return client.post(address, {"file": file, "purpose": purpose}, follow=True).content.decode()


def enclosed(campaign: Campaign) -> list[str]:
    with across_sellers("test"):
        template = Template.objects.get(campaign=campaign, language="en")
        return [f"{one.name} {one.version}" for one in template.enclosed]


def test_a_document_is_attached_shown_to_the_team_and_goes_with_what_waits(bob: Client, campaign: Campaign) -> None:
    page = attach(bob, campaign, make_pdf())
    order = make_order(make_account(campaign.seller), buyer=alias())

    assert "care.pdf, version 1 goes with this letter now" in page and "Instructions" in page
    with across_sellers("test"):
        plan_stale(now=NOW)
        message = Message.objects.get(order=order)
        kept = Document.objects.get()
        assert message.documents == [kept.pk]
        assert CampaignChange.objects.latest("id").what == ["Letter in en: care.pdf, version 1 goes with it"]
    shown = bob.get(f"/messages/{message.pk}/").content.decode()
    assert "care.pdf" in shown and kept.digest[:12] in shown
    response = bob.get(f"/documents/{kept.pk}/")
    assert response.content == make_pdf() and response["Content-Disposition"] == 'attachment; filename="care.pdf"'
    assert "With it goes care.pdf" in bob.get(f"/campaigns/{campaign.pk}/letters/en/").content.decode()


def test_a_new_version_takes_the_place_of_the_old_one_and_what_was_sent_says_which_it_was(
    bob: Client, campaign: Campaign
) -> None:
    attach(bob, campaign, make_pdf())
    order = make_order(make_account(campaign.seller), buyer=alias())
    with across_sellers("test"):
        plan_stale(now=NOW)
        message = Message.objects.get(order=order)
        Message.objects.filter(pk=message.pk).update(status=Status.SENT, letter_sealed=None)  # and long ago
    attach(bob, campaign, make_pdf(words="changed"))

    assert enclosed(campaign) == ["care.pdf 2"]
    page = bob.get(f"/messages/{message.pk}/").content.decode()
    assert "version 1" in page and "version 2" not in page and "The text has been erased" in page


def test_a_document_that_is_left_out_goes_with_nothing_new_and_is_still_there_for_what_was_sent(
    bob: Client, campaign: Campaign
) -> None:
    attach(bob, campaign, make_pdf())
    with across_sellers("test"):
        kept = Document.objects.get()
    assert kept.unused_since is None
    bob.post(f"/campaigns/{campaign.pk}/letters/en/documents/{kept.pk}/leave-out/")

    assert enclosed(campaign) == []
    with across_sellers("test"):
        kept.refresh_from_db()
    assert kept.unused_since is not None and bob.get(f"/documents/{kept.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("content", "purpose", "said"),
    [
        (b"MZ\x90\x00", "instructions", "This is not a PDF"),
        (make_pdf(trailer=b"/Encrypt 4 0 R"), "instructions", "This PDF is encrypted"),
        (make_pdf(catalog=b"/OpenAction << /S /JavaScript >>"), "warranty", "This PDF can act by itself"),
        (make_pdf(), "invoice", "not one of the available choices"),
        (make_pdf(), "advertising", "not one of the available choices"),
        (b"%PDF-1.4\n" + bytes(documents.TOGETHER), "instructions", "10 MB"),
    ],
)
def test_what_may_not_go_is_refused_with_a_sentence(
    bob: Client, campaign: Campaign, content: bytes, purpose: str, said: str
) -> None:
    assert said in attach(bob, campaign, content, purpose=purpose)
    assert enclosed(campaign) == []


def test_together_the_documents_of_a_letter_have_ten_megabytes(
    bob: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "TOGETHER", 1000)
    attach(bob, campaign, make_pdf(words="a" * 100))
    assert "all together" in attach(bob, campaign, make_pdf(words="b" * 300), name="warranty.pdf", purpose="warranty")
    assert enclosed(campaign) == ["care.pdf 1"]


def test_a_copy_of_a_campaign_has_the_documents_and_keeps_them_when_the_first_lets_go(
    bob: Client, campaign: Campaign
) -> None:
    attach(bob, campaign, make_pdf())
    with across_sellers("test"):
        copy = lifecycle.copy(campaign, now=timezone.now())
        kept = Document.objects.get()
        lifecycle.leave_out(campaign, "en", kept.pk, now=timezone.now())
        kept.refresh_from_db()
    assert kept.unused_since is None and enclosed(copy) == ["care.pdf 1"]
    with across_sellers("test"):
        lifecycle.remove_letter(copy, "en", now=timezone.now())
        kept.refresh_from_db()
    assert kept.unused_since is not None


def test_a_letter_with_a_document_for_another_purpose_breaks_the_guidelines(campaign: Campaign) -> None:
    with across_sellers("test"):
        template = Template.objects.get(campaign=campaign, language="en")
        template.attachments = [asdict(Attachment(1, "coupon.pdf", 1, "coupon", 1, ""))]
        assert [finding.rule for finding in checked_letters.findings_of(template)] == ["attachment"]


def test_a_test_to_oneself_brings_the_document_along(bob: Client, campaign: Campaign) -> None:
    attach(bob, campaign, make_pdf())
    bob.post(f"/campaigns/{campaign.pk}/letters/en/test/", CLEAN)

    assert mail.outbox[-1].attachments[0][:2] == ("care.pdf", make_pdf())


def test_a_viewer_reads_and_a_stranger_does_not(
    bob: Client, vera: Client, mallory: Client, campaign: Campaign
) -> None:
    attach(bob, campaign, make_pdf())
    with across_sellers("test"):
        kept = Document.objects.get()

    assert vera.get(f"/documents/{kept.pk}/").status_code == 200
    assert mallory.get(f"/documents/{kept.pk}/").status_code == 404
    assert mallory.post(f"/campaigns/{campaign.pk}/letters/en/documents/{kept.pk}/leave-out/").status_code == 404
    assert enclosed(campaign) == ["care.pdf 1"]
