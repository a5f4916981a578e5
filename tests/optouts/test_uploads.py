"""A member hands in saved mails: each becomes a notice of her seller's, by her name, graded as what it proves."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role, Seller, User
from accounts.rowsecurity import across_sellers
from optouts import addresses, intake, uploads
from optouts.authenticity import Resolver
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from optouts.models import Notice, Suppression
from optouts.reasons import Kind, Reason
from tests.makers import make_account, make_address, make_member, make_order, make_seller
from tests.notices import builder
from tests.notices.sealing import Sealer

pytestmark = pytest.mark.django_db

MAIL = b"From: auto-communication@amazon.com\r\nSubject: Hello\r\n\r\nText\r\n"
OUTLOOK = b"\xd0\xcf\x11\xe0 its own format"


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def alice(seller: Seller) -> User:
    return make_member(seller)


def hand_in(person: User, *contents: bytes, **more: Any) -> Any:
    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    files = [SimpleUploadedFile(f"mail-{number}.eml", content) for number, content in enumerate(contents)]
    return client.post(reverse("upload_mail"), {"mails": files} | more)


def notices() -> list[Notice]:
    with across_sellers("test"):
        return list(Notice.objects.order_by("pk"))


def test_each_file_becomes_a_notice_and_is_answered_with_its_link(seller: Seller, alice: User) -> None:
    response = hand_in(alice, MAIL, MAIL + b"two\r\n")
    assert response.status_code == 200
    first, second = notices()
    assert {(n.source, n.uploaded_by_id, n.seller_id) for n in (first, second)} == {("upload", alice.pk, seller.pk)}
    for notice in (first, second):
        assert reverse("notice", args=[notice.pk]) in response.content.decode()


def test_a_file_whose_carriage_returns_were_lost_gets_them_back(alice: User) -> None:
    hand_in(alice, MAIL, MAIL.replace(b"\r\n", b"\n"))
    [notice] = notices()
    assert notice.size == len(MAIL)


def test_the_good_files_are_taken_and_the_others_say_why(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1000)
    response = hand_in(alice, b"", MAIL, MAIL + b"x" * 1000, b"PK\x03\x04 a zip", b"\0" * 500, b"one, two\n", OUTLOOK)
    text = response.content.decode()
    assert len(notices()) == 1
    assert text.count("Not taken") == 6
    for refusal in uploads.Refusal:
        assert refusal.value.split("“")[0] in text


@pytest.mark.parametrize("above", [b"\xef\xbb\xbf", b"\r\n\r\n", b"From - Thu Sep 10 02:04:50 2026\r\n"])
def test_what_a_program_writes_above_a_saved_mail_is_left_out(alice: User, above: bytes) -> None:
    hand_in(alice, MAIL, above + MAIL)
    assert len(notices()) == 1


def test_too_many_files_and_none_are_a_422(alice: User) -> None:
    assert hand_in(alice, *[MAIL] * 21).status_code == 422
    assert hand_in(alice).status_code == 422
    assert notices() == []


def test_a_hostile_file_name_is_shown_as_text(alice: User) -> None:
    client = Client()
    client.force_login(alice, "allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(reverse("upload_mail"), {"mails": [SimpleUploadedFile("<b>&.eml", MAIL)]})
    assert b"<b>" not in response.content and b"&lt;b&gt;" in response.content


def test_a_viewer_hands_in_nothing(seller: Seller) -> None:
    assert hand_in(make_member(seller, Role.VIEWER), MAIL).status_code == 403
    assert notices() == []


# --- What a file proves ---------------------------------------------------------------------------------------------

STRANGERS = replace(builder.ITALIAN, to="stranger@elsewhere.example")
OWN = replace(builder.ITALIAN, to=builder.MAILBOX)
TOUCHED = builder.gmail_forwarded(builder.signed(OWN)).replace(b"Gentile", b"[EXTERNAL] Gentile")
FORGED = replace(builder.ENGLISH, sender="Amazon <auto-communication@amazon.com.evil.example>")
BY_HAND = replace(
    builder.ENGLISH, sender="Bob <bob@evil.example>", subject="Fwd: " + builder.EN_SUBJECT,
    body="From: Amazon <auto-communication@amazon.com>\r\n\r\n" + builder.EN_SENTENCE.format(order=builder.ORDER),
)  # fmt: skip


def handed_in(raw: bytes, *, resolver: Resolver | None = None, now: datetime = builder.NOW) -> Finding:
    known = builder.Seller().context(now)
    context = Context(known.is_inbound_address, known.mailboxes, known.now, is_handed_in=True)
    [finding] = examine(raw, resolver=resolver or builder.FakeDns(), context=context)
    return finding


@pytest.mark.parametrize(
    ("raw", "kind", "grade", "reason"),
    [
        (builder.signed(), Kind.OPT_OUT, Grade.A4, Reason.HANDED_IN_SIGNED),
        (builder.signed(OWN), Kind.OPT_OUT, Grade.A4, Reason.HANDED_IN_SIGNED),
        (builder.gmail_forwarded(builder.signed(OWN)), Kind.OPT_OUT, Grade.A4, Reason.HANDED_IN_SIGNED),
        (builder.signed(STRANGERS), Kind.OPT_OUT, Grade.A4_UNKNOWN, Reason.HANDED_IN_SIGNED_UNKNOWN_MAILBOX),
        (builder.attached(builder.signed(OWN)), Kind.OPT_OUT, Grade.A4, Reason.HANDED_IN_SIGNED),
        (builder.ITALIAN.build(), Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (builder.signed(OWN).replace(b"Gentile", b"gentile"), Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (TOUCHED, Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (Sealer(builder.GOOGLE).seal(TOUCHED), Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (BY_HAND.build(), Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (builder.attached(builder.ITALIAN.build()), Kind.OPT_OUT, Grade.C, Reason.HANDED_IN),
        (FORGED.build(), Kind.FORGED, Grade.X, Reason.IMITATION),
        (b"From: a@b.example\r\n" + builder.signed(), Kind.MALFORMED, Grade.X, Reason.GATE),
    ],
)
def test_a_file_that_amazon_signed_proves_itself_and_any_other_is_her_word(
    raw: bytes, kind: Kind, grade: Grade, reason: Reason
) -> None:
    finding = handed_in(raw)
    assert (finding.kind, finding.grade, finding.reason) == (kind, grade, reason)


def test_an_old_notice_is_her_word_and_a_signature_that_covers_too_little_is_not() -> None:
    old = handed_in(builder.signed(), now=builder.NOW + timedelta(days=40))
    assert (old.grade, old.reason) == (Grade.C, Reason.HANDED_IN)
    cut = handed_in(builder.AMAZON.sign(builder.ITALIAN.build(), length=10))
    assert (cut.kind, cut.grade, cut.order_id) == (Kind.FORGED, Grade.X, None)


def test_while_the_dns_is_out_a_file_waits_and_a_key_that_is_gone_is_looked_up_again() -> None:
    assert handed_in(builder.signed(), resolver=builder.FakeDns(trouble=True)).grade is Grade.T
    gone = handed_in(builder.signed(), resolver=builder.FakeDns(missing=True))
    assert (gone.grade, gone.reason) == (Grade.C, Reason.KEY_WITHDRAWN)


@pytest.mark.parametrize(("is_signed", "grade", "for_everybody"), [(True, "A4", True), (False, "C", False)])
def test_what_a_member_hands_in_reaches_others_only_under_amazons_signature(
    seller: Seller, alice: User, is_signed: bool, grade: str, for_everybody: bool
) -> None:
    number = "111-1111111-2222222"
    make_order(make_account(seller), buyer=builder.ALIAS, amazon_order_id=number, last_written_at=builder.NOW)
    with across_sellers("test"):
        inbound = addresses.full_address(make_address(seller))
    mail = replace(builder.ITALIAN, to=inbound, body=builder.italian_html(number))
    hand_in(alice, builder.signed(mail) if is_signed else mail.build())
    with across_sellers("test"):
        Notice.objects.update(received_at=builder.NOW, look_at=builder.NOW)
        notice = Notice.objects.get()
        intake.process(notice.pk, resolver=builder.FakeDns(), now=builder.NOW)
    [notice] = notices()
    assert (notice.status, notice.grade) == (Notice.Status.APPLIED, grade)
    with across_sellers("test"):
        assert Suppression.objects.filter(seller=seller).count() == 2
        assert Suppression.objects.filter(seller=None, state="active").exists() is for_everybody


def test_the_page_of_a_handed_in_notice_says_how_it_came(seller: Seller, alice: User) -> None:
    hand_in(alice, MAIL)
    client = Client()
    client.force_login(alice, "allauth.account.auth_backends.AuthenticationBackend")
    assert b"Handed in by a person of your team" in client.get(reverse("notice", args=[notices()[0].pk])).content
