"""Mail providers' webhooks: who is believed, what is stored, and what is never said."""

import base64
import hashlib
import hmac
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import secrets
from accounts.rowsecurity import across_sellers
from optouts import receiving
from optouts.addresses import full_address
from optouts.models import Notice
from optouts.webhooks import amazon_ses, fetching
from tests.makers import make_address, make_seller

pytestmark = pytest.mark.django_db

MAIL = b"From: auto-communication@amazon.com\r\nSubject: H\xe9llo\r\n\r\nT\xc3\xa9xt\x80\xff\r\n"
KEY, LOGIN, TOPIC = "key-of-the-tests", "postmark:a pass phrase", "arn:aws:sns:eu-west-1:123456789012:inbound"
STRANGER = "o-aaaaaaaaaaaaaaaaaaaa@in.feedbackfive.test"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


@pytest.fixture(autouse=True)
def open_hooks(settings: Settings) -> None:
    settings.MAILGUN_SIGNING_KEY, settings.POSTMARK_LOGIN = KEY, LOGIN
    settings.SES_TOPICS = frozenset({TOPIC})


@pytest.fixture
def address() -> str:
    return full_address(make_address(make_seller()))


def stored() -> list[tuple[str, bytes]]:
    with across_sellers("test"):
        return [
            (
                notice.source,
                zlib.decompress(secrets.unseal("raw mail", notice.seller_id, notice.raw_sealed or b"")),
            )
            for notice in Notice.objects.order_by("pk")
        ]


def strict() -> Client:
    return Client(enforce_csrf_checks=True)


# --- Mailgun --------------------------------------------------------------------------------------------------------


def mailgun_fields(recipient: str, *, token: str = "t" * 50, age: int = 0, mail: bytes = MAIL) -> dict[str, Any]:
    timestamp = str(int(timezone.now().timestamp()) - age)
    signature = hmac.new(KEY.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    return {"recipient": recipient, "timestamp": timestamp, "token": token, "signature": signature, "body-mime": mail}


def post_mailgun(fields: dict[str, Any]) -> Any:
    return strict().post("/hooks/mailgun/mime", urlencode(fields), content_type="application/x-www-form-urlencoded")


def test_a_mail_from_mailgun_is_stored_byte_for_byte(address: str) -> None:
    assert post_mailgun(mailgun_fields(address)).status_code == 200
    assert stored() == [("mailgun", MAIL)]


def test_mailguns_multipart_form_is_read_byte_for_byte_too(address: str) -> None:
    body = b"".join(
        b'--xx\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % name.encode()
        + (value if isinstance(value, bytes) else value.encode())
        + b"\r\n"
        for name, value in mailgun_fields(address).items()
    )
    response = strict().post(
        "/hooks/mailgun/mime", body + b"--xx--\r\n", content_type="multipart/form-data; boundary=xx"
    )
    assert response.status_code == 200
    assert stored() == [("mailgun", MAIL)]


def test_a_token_of_mailguns_is_good_once(address: str) -> None:
    fields = mailgun_fields(address)
    assert [post_mailgun(fields).status_code for _ in range(2)] == [200, 403]
    assert len(stored()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "0" * 64},
        {"signature": "é"},
        {"signature": ""},
        {"token": "u" * 50},
        {"token": ""},
        {"timestamp": "x"},
    ],
)
def test_what_mailgun_did_not_sign_is_refused_without_a_word(address: str, change: dict[str, str]) -> None:
    response = post_mailgun(mailgun_fields(address) | change)
    assert (response.status_code, response.content) == (403, b"")
    assert stored() == []


@pytest.mark.parametrize("age", [301, -310, 10**7])
def test_an_old_signature_of_mailguns_is_refused(address: str, age: int) -> None:
    assert post_mailgun(mailgun_fields(address, age=age)).status_code == 403


def test_bare_line_feeds_are_given_their_carriage_returns_back_once(address: str) -> None:
    post_mailgun(mailgun_fields(address, mail=MAIL.replace(b"\r\n", b"\n")))
    post_mailgun(mailgun_fields(address, token="v" * 50, mail=b"A: b\r\nC: d\n\nmixed"))
    assert [raw for _, raw in stored()] == [MAIL, b"A: b\r\nC: d\n\nmixed"]


def test_a_mail_that_was_not_stored_may_come_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError

    fields = mailgun_fields(address)
    with monkeypatch.context() as patch:
        patch.setattr(receiving, "store", fail)
        assert post_mailgun(fields).status_code == 503
    assert post_mailgun(fields).status_code == 200
    assert len(stored()) == 1


# --- Postmark -------------------------------------------------------------------------------------------------------


def post_postmark(said: Any, login: str = LOGIN) -> Any:
    encoded = base64.b64encode(login.encode()).decode()
    return strict().post(
        "/hooks/postmark",
        json.dumps(said),
        content_type="application/json",
        headers={"Authorization": f"Basic {encoded}"},
    )


def test_a_raw_mail_from_postmark_is_stored_as_it_is(address: str) -> None:
    raw = "From: a@b.example\r\nSubject: é\r\n\r\nText\r\n"
    assert post_postmark({"OriginalRecipient": address, "RawEmail": raw}).status_code == 200
    assert stored() == [("postmark", raw.encode())]


def test_without_the_original_the_mail_is_rebuilt_and_marked(address: str) -> None:
    said = {
        "ToFull": [{"Email": address}, {"Email": 7}, "x"],
        "From": "a@b.example\r\nDKIM-Signature: x",
        "TextBody": "Héllo",
    }
    assert post_postmark(said).status_code == 200
    [(source, raw)] = stored()
    assert source == "rebuilt" and b"\r\nDKIM-Signature" not in raw and base64.b64encode("Héllo".encode())[:6] in raw


def test_half_a_character_loses_neither_the_mail_nor_the_other_recipients(address: str) -> None:
    others = [{"Email": address}, {"Email": "o-\ud800@" + address.partition("@")[2]}]
    said = {"ToFull": others, "From": "\ud800", "Subject": "\udfff", "TextBody": "Hello \ud800"}
    assert post_postmark(said).status_code == 200
    assert post_postmark(said | {"RawEmail": "From: a@b.example\r\n\r\n\ud800"}).status_code == 200
    assert [source for source, _ in stored()] == ["rebuilt", "postmark"]


@pytest.mark.parametrize("login", ["postmark:wrong", "", ":", "é"])
def test_postmark_with_a_wrong_password_is_refused_without_a_word(address: str, login: str) -> None:
    response = post_postmark({"OriginalRecipient": address, "RawEmail": "x"}, login)
    assert (response.status_code, response.content) == (403, b"")


@pytest.mark.parametrize("header", ["", "Basic", "Basic ?", "Bearer x", "Basic " + "A" * 9999])
def test_no_authorization_header_makes_a_difference(header: str) -> None:
    response = strict().post(
        "/hooks/postmark", b"{}", content_type="application/json", headers={"Authorization": header}
    )
    assert (response.status_code, response.content) == (403, b"")


@pytest.mark.parametrize("body", ["[]", "7", "null", "[" * 100_000])
def test_what_is_no_mail_of_postmarks_is_a_422(body: str) -> None:
    encoded = base64.b64encode(LOGIN.encode()).decode()
    response = strict().post(
        "/hooks/postmark", body, content_type="application/json", headers={"Authorization": f"Basic {encoded}"}
    )
    assert response.status_code == 422


# --- Amazon SES through SNS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def amazons_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, amazons_key: rsa.RSAPrivateKey) -> list[str]:
    """The addresses that were asked for. Amazon's certificate is behind each."""
    asked: list[str] = []
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(amazons_key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = builder.sign(amazons_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def fetch(url: str) -> bytes:
        asked.append(url)
        return pem

    monkeypatch.setattr(fetching, "fetch", fetch)
    monkeypatch.setattr(fetching, "certificate", fetch)
    return asked


def envelope(key: rsa.RSAPrivateKey, message: Any, *, version: str = "1", **fields: str) -> dict[str, str]:
    made = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": json.dumps(message),
        "Timestamp": "2026-11-23T12:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    } | fields
    names = amazon_ses._SIGNED[made["Type"]]
    text = "".join(f"{name}\n{made[name]}\n" for name in names if name in made).encode()
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
    return made | {"Signature": base64.b64encode(key.sign(text, padding.PKCS1v15(), algorithm)).decode()}


def received(*recipients: str, encoding: str = "BASE64") -> dict[str, Any]:
    content = base64.b64encode(MAIL).decode() if encoding == "BASE64" else "From: a@b.example\n\nText\n"
    receipt = {"recipients": list(recipients), "action": {"type": "SNS", "encoding": encoding}}
    return {"notificationType": "Received", "receipt": receipt, "content": content}


def post_sns(said: dict[str, str]) -> Any:
    return strict().post("/hooks/amazon-ses", json.dumps(said), content_type="text/plain; charset=UTF-8")


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_mail_through_amazon_ses_is_a_notice_for_each_recipient_of_ours(
    address: str, amazons_key: rsa.RSAPrivateKey, fetched: list[str], version: str
) -> None:
    other = full_address(make_address(make_seller("Mallory's shop")))
    message = received(address, other, STRANGER, "someone@else.example")
    assert post_sns(envelope(amazons_key, message, version=version, Subject="x")).status_code == 200
    assert stored() == [("amazon_ses", MAIL)] * 2
    assert fetched == [CERTIFICATE_URL]


def test_the_content_may_be_plain(address: str, amazons_key: rsa.RSAPrivateKey, fetched: list[str]) -> None:
    assert post_sns(envelope(amazons_key, received(address, encoding="UTF8"))).status_code == 200
    assert stored() == [("amazon_ses", b"From: a@b.example\r\n\r\nText\r\n")]


def test_a_changed_message_is_refused_without_a_word(
    address: str, amazons_key: rsa.RSAPrivateKey, fetched: list[str]
) -> None:
    said = envelope(amazons_key, received(address))
    for change in (
        {"Message": json.dumps(received(STRANGER))},
        {"Subject": "added"},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": "?"},
        {"Signature": ""},
        {"Type": "Other"},
    ):
        response = post_sns(said | change)
        assert (response.status_code, response.content) == (403, b""), change
    assert stored() == []


def test_another_topic_makes_us_fetch_nothing(address: str, amazons_key: rsa.RSAPrivateKey, fetched: list[str]) -> None:
    said = envelope(amazons_key, received(address), TopicArn="arn:aws:sns:eu-west-1:666:evil")
    assert post_sns(said).status_code == 403
    assert fetched == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/bucket/mine.pem",
        "https://bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
        "https://[::1/x.pem",
        "",
    ],
)
def test_only_amazons_own_certificates_are_fetched(
    address: str, amazons_key: rsa.RSAPrivateKey, fetched: list[str], url: str
) -> None:
    assert post_sns(envelope(amazons_key, received(address), SigningCertURL=url)).status_code == 403
    assert fetched == []


def test_a_subscription_of_ours_is_confirmed_and_no_other(amazons_key: rsa.RSAPrivateKey, fetched: list[str]) -> None:
    yes = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
    asked = {"Type": "SubscriptionConfirmation", "Token": "x", "SubscribeURL": yes}
    assert post_sns(envelope(amazons_key, "", **asked)).status_code == 200
    assert fetched == [CERTIFICATE_URL, yes]
    del fetched[:]
    asked["SubscribeURL"] = "https://evil.example/?Action=ConfirmSubscription"
    assert post_sns(envelope(amazons_key, "", **asked)).status_code == 200
    assert post_sns(envelope(amazons_key, "", **asked, TopicArn="arn:aws:sns:x:1:evil")).status_code == 403
    assert fetched == [CERTIFICATE_URL]


def test_a_rule_that_keeps_the_mail_elsewhere_is_a_422(amazons_key: rsa.RSAPrivateKey, fetched: list[str]) -> None:
    message = received(STRANGER) | {"content": None}
    assert post_sns(envelope(amazons_key, message)).status_code == 422


def test_other_notifications_are_accepted_and_forgotten(amazons_key: rsa.RSAPrivateKey, fetched: list[str]) -> None:
    messages: list[Any] = [{"notificationType": "Bounce"}, "Successfully validated SNS topic", [], 7]
    for message in messages:
        assert post_sns(envelope(amazons_key, message)).status_code == 200
    assert stored() == []


def test_a_certificate_that_cannot_be_had_is_tried_again(
    address: str, amazons_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(url: str) -> bytes:
        raise OSError("away")

    monkeypatch.setattr(fetching, "certificate", away)
    assert post_sns(envelope(amazons_key, received(address))).status_code == 503


# --- All of them ----------------------------------------------------------------------------------------------------


def test_unknown_recipients_are_a_200_and_nothing_is_stored(
    amazons_key: rsa.RSAPrivateKey, fetched: list[str]
) -> None:
    for recipient in (STRANGER, "postmaster@in.feedbackfive.test", "a@b.example", "", "<>"):
        cache.clear()
        assert post_mailgun(mailgun_fields(recipient)).status_code == 200
        assert post_postmark({"OriginalRecipient": recipient, "RawEmail": "x"}).status_code == 200
        assert post_sns(envelope(amazons_key, received(recipient))).status_code == 200
    assert stored() == []


def test_the_same_mail_by_two_doors_is_one_notice(address: str) -> None:
    raw = "From: a@b.example\r\n\r\nText\r\n"
    post_mailgun(mailgun_fields(address, mail=raw.encode()))
    post_postmark({"OriginalRecipient": address.upper(), "RawEmail": raw})
    assert stored() == [("mailgun", raw.encode())]


def test_a_mail_or_a_body_that_is_too_big_is_a_413(address: str) -> None:
    assert post_mailgun(mailgun_fields(address, mail=b"x" * 1_048_577)).status_code == 413
    assert post_postmark({"OriginalRecipient": address, "RawEmail": "x" * 9_000_000}).status_code == 413
    assert stored() == []


def test_a_hook_that_is_not_set_up_does_not_exist(settings: Settings, address: str) -> None:
    settings.MAILGUN_SIGNING_KEY, settings.POSTMARK_LOGIN, settings.SES_TOPICS = "", "", frozenset()
    for path in ("mailgun/mime", "postmark", "amazon-ses"):
        assert strict().post(f"/hooks/{path}", b"{}", content_type="application/json").status_code == 404


def test_a_hook_is_posted_to() -> None:
    for path in ("mailgun/mime", "postmark", "amazon-ses"):
        assert strict().get(f"/hooks/{path}").status_code == 405
