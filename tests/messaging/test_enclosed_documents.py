"""Documents that go with letters: taken in by what they are, kept as they were sent, walled, erased in their time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import Seller
from accounts.rowsecurity import across_sellers, as_seller
from messaging import documents, doors, outbox
from messaging.documents import Gone, NotTaken, clean_name
from messaging.letters import Attachment, Letter
from messaging.models import Channel, Document, DocumentContent, Message, Status
from messaging.outbox import Wish
from orders.models import Order
from tests.amazon.harness import Amazon
from tests.makers import NOW, make_account, make_connected_account, make_letter, make_order, make_seller
from tests.messaging.pdfs import make_pdf, stream

pytestmark = pytest.mark.django_db


def keep(
    seller: Seller, content: bytes | None = None, *, name: str = "care.pdf", purpose: str = "instructions"
) -> Document:
    with as_seller(seller.pk):
        return documents.keep(seller, content or make_pdf(), name=name, purpose=purpose, by=None, now=NOW)


def wish(order: Order, document: Document) -> Wish:
    letter = replace(make_letter(order), attachments=(documents.attachment_of(document),))
    return Wish(Channel.BUYER_EMAIL, "Order check-in", NOW, NOW + timedelta(days=20), letter)


def schedule(order: Order, document: Document) -> Message:
    with across_sellers("test"):
        return outbox.schedule(order, wish(order, document), now=NOW - timedelta(days=1))


def test_a_file_is_taken_by_what_it_is_and_never_by_its_name() -> None:
    seller = make_seller()
    with pytest.raises(NotTaken, match="not a PDF"):
        keep(seller, b"MZ\x90\x00 a program", name="instructions.pdf")
    assert keep(seller, name="instructions.exe").name == "instructions.exe.pdf"


def test_more_than_amazon_takes_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(NotTaken, match="10 MB"):
        keep(make_seller(), b"%PDF" + bytes(documents.TOGETHER))


def test_a_file_of_the_same_name_is_the_next_version_and_the_same_file_is_the_same() -> None:
    seller, other = make_seller(), make_seller("Mallory's shop")
    first = keep(seller)
    second = keep(seller, make_pdf(words="changed"))

    assert (first.version, second.version) == (1, 2)
    assert keep(seller).pk == first.pk
    assert keep(other).version == 1
    with as_seller(seller.pk):
        assert documents.read(seller.pk, first.pk) == make_pdf()  # the second has changed nothing of the first


def test_a_seller_keeps_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "OF_A_SELLER", 1000)
    seller = make_seller()
    keep(seller)
    with pytest.raises(NotTaken, match="Take some away"):
        keep(seller, make_pdf(words="x" * 900))


def test_the_bytes_rest_sealed_and_nobody_elses_eyes_reach_them() -> None:
    seller, other = make_seller(), make_seller("Mallory's shop")
    kept = keep(seller, make_pdf(words="Beatrice Portinari"), purpose="invoice")
    with across_sellers("test"):
        assert b"Beatrice" not in bytes(DocumentContent.objects.get().content_sealed)
    with as_seller(other.pk):
        assert not Document.objects.exists() and not DocumentContent.objects.exists()
        with pytest.raises(Gone):
            documents.read(other.pk, kept.pk)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("care.pdf", "care.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("Anleitung für Ä.PDF", "Anleitung für Ä.pdf"),
        ('a"b\r\nX-Evil: 1.pdf', "a b X-Evil 1.pdf"),
        ("[Important] me@shop.example.pdf", "Important me shop.example.pdf"),
        ("", "document.pdf"),
        ("...", "document.pdf"),
        ("x" * 300, "x" * 76 + ".pdf"),
    ],
)
def test_a_name_is_safe_wherever_it_is_shown(given: str, shown: str) -> None:
    assert clean_name(given) == shown


def test_a_letter_with_documents_comes_back_as_it_was_and_one_without_keeps_its_fingerprint() -> None:
    attached = Attachment(7, "care.pdf", 2, "instructions", 1234, "ab" * 32)
    letter = Letter("Subject", "Text", "<p>Text</p>", (attached,))
    assert Letter.from_bytes(letter.to_bytes()) == letter
    plain = Letter("Subject", "Text", "<p>Text</p>")
    assert plain.to_bytes() == b'["Subject", "Text", "<p>Text</p>"]' and plain.digest != letter.digest


def test_what_waits_follows_a_new_version_and_what_was_sent_keeps_its_own() -> None:
    seller = make_seller()
    first, second = keep(seller), keep(seller, make_pdf(words="changed"))
    order = make_order(make_account(seller))
    message = schedule(order, first)
    with as_seller(seller.pk):
        assert outbox.revise(message, order, wish(order, second))
        message.refresh_from_db()
        assert message.documents == [second.pk]
        Message.objects.filter(pk=message.pk).update(status=Status.SENT)
        assert not outbox.revise(message, order, wish(order, first))
        message.refresh_from_db()
    assert message.documents == [second.pk]


@pytest.mark.django_db(transaction=True)  # documents are read on a connection of their own
def test_a_letter_reaches_the_buyer_with_the_very_bytes_of_its_document(simulated_amazon: Amazon) -> None:
    theirs = simulated_amazon.account()
    seller = make_seller()
    account = make_connected_account(seller, theirs)
    placed = simulated_amazon.order(theirs)
    order = make_order(account, buyer=placed["alias"], amazon_order_id=placed["order_id"])
    content = make_pdf(objects=(stream(bytes(range(256)) * 20_000, is_deflated=False),))  # 5 MB: in pieces
    kept = keep(seller, content)
    message = schedule(order, kept)

    assert doors.send_due_of(account.pk).handed_over == 1
    with across_sellers("test"):
        message.refresh_from_db()
    assert message.status == Status.SENT
    assert "[Attached: care.pdf, 5120 kB]" in simulated_amazon.receipts(placed["order_id"])[0]["body"]


@pytest.mark.django_db(transaction=True)
def test_a_letter_whose_document_is_gone_does_not_go_without_it(simulated_amazon: Amazon) -> None:
    theirs = simulated_amazon.account()
    seller = make_seller()
    account = make_connected_account(seller, theirs)
    placed = simulated_amazon.order(theirs)
    order = make_order(account, buyer=placed["alias"], amazon_order_id=placed["order_id"])
    message = schedule(order, keep(seller))
    with across_sellers("test"):
        DocumentContent.objects.all().delete()

    doors.send_due_of(account.pk)

    with across_sellers("test"):
        message.refresh_from_db()
    assert (message.status, message.reason) == (Status.SCHEDULED, "a document that goes with it is not to be had")
    assert simulated_amazon.receipts(placed["order_id"]) == []


def test_bytes_that_are_not_those_of_the_letter_do_not_go() -> None:
    seller = make_seller()
    one, other = keep(seller), keep(seller, make_pdf(words="another"))
    exchanged = documents.attachment_of(one)
    with across_sellers("test"):
        Document.objects.filter(pk=other.pk).update(content=None)
        Document.objects.filter(pk=one.pk).update(content=other.content)
        with pytest.raises(Gone):
            documents.read_for_sending([exchanged])


def test_what_nothing_needs_is_erased_after_two_months_and_is_still_known_by_name() -> None:
    seller = make_seller()
    unneeded, used = keep(seller), keep(seller, make_pdf(words="used"), name="warranty.pdf", purpose="warranty")
    awaited = keep(seller, make_pdf(words="awaited"), name="late.pdf")
    schedule(make_order(make_account(seller)), awaited)
    with across_sellers("test"):
        documents.use([used.pk])

    assert documents.erase_unused(now=NOW + documents.KEPT_UNUSED_FOR) == 0
    assert documents.erase_unused(now=NOW + documents.KEPT_UNUSED_FOR + timedelta(seconds=1)) == 1
    with across_sellers("test"):
        assert set(Document.objects.filter(content=None)) == {unneeded}
        assert DocumentContent.objects.count() == 2


