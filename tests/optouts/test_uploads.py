"""A member hands in saved mails: each becomes a notice of her seller's, by her name."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Role, Seller, User
from accounts.rowsecurity import across_sellers
from optouts import uploads
from optouts.models import Notice
from tests.makers import make_member, make_seller

pytestmark = pytest.mark.django_db

MAIL = b"From: auto-communication@amazon.com\r\nSubject: Hello\r\n\r\nText\r\n"


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def alice(seller: Seller) -> User:
    return make_member(seller)


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ids: list[int] = []
    monkeypatch.setattr("optouts.ringing.ring", ids.extend)
    return ids


def hand_in(person: User, *contents: bytes, **more: Any) -> Any:
    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    files = [SimpleUploadedFile(f"mail-{number}.eml", content) for number, content in enumerate(contents)]
    return client.post(reverse("upload_mail"), {"mails": files} | more)


def notices() -> list[Notice]:
    with across_sellers("test"):
        return list(Notice.objects.order_by("pk"))


def test_each_file_becomes_a_notice_and_is_answered_with_its_link(seller: Seller, alice: User, rung: list[int]) -> None:
    response = hand_in(alice, MAIL, MAIL + b"two\r\n")
    assert response.status_code == 200
    first, second = notices()
    assert {(n.source, n.uploaded_by_id, n.seller_id) for n in (first, second)} == {("upload", alice.pk, seller.pk)}
    for notice in (first, second):
        assert reverse("notice", args=[notice.pk]) in response.content.decode()
    assert rung == [first.pk, second.pk]


def test_a_file_whose_carriage_returns_were_lost_gets_them_back(alice: User) -> None:
    hand_in(alice, MAIL, MAIL.replace(b"\r\n", b"\n"))
    [notice] = notices()
    assert notice.size == len(MAIL)


def test_the_good_files_are_taken_and_the_others_say_why(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1000)
    response = hand_in(alice, b"", MAIL, MAIL + b"x" * 1000, b"PK\x03\x04 a zip", b"\0" * 500, b"one, two\n")
    text = response.content.decode()
    assert len(notices()) == 1
    assert text.count("Not taken") == 5
    for refusal in uploads.Refusal:
        assert refusal.value.split("“")[0] in text


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
