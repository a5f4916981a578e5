"""What a test notice tells about the way that it took. Mails are changed here as mailboxes change them."""

import base64
import quopri
from datetime import UTC, datetime

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optouts.proving import Way, build, find_code, prints, way_of
from tests.notices.builder import attached, gmail_forwarded

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CODE = "f5t-abcdefghijklmnopqrst"
SENDER, MAILBOX = "no-reply@feedbackfive.example", "orders@shop.example"
RAW = build(CODE, sender=SENDER, to=MAILBOX, site="https://feedbackfive.example", now=NOW)
SENT = prints(RAW)


def way(raw: bytes) -> Way | None:
    assert SENT is not None
    return way_of(raw, SENT, sender=SENDER) if find_code(raw) == CODE else None


def by_hand(text: bytes, *, encoding: bytes = b"7bit") -> bytes:
    return (
        b"From: Bob <bob@shop.example>\r\nTo: o-abc@in.example\r\nSubject: Fwd: FeedbackFive test\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
        + encoding + b"\r\n\r\n" + text
    )  # fmt: skip


def test_the_mail_is_plain_ascii_in_short_lines_and_says_that_it_is_a_test() -> None:
    assert RAW.isascii() and max(map(len, RAW.split(b"\r\n"))) <= 100 and b"\n" not in RAW.replace(b"\r\n", b"")
    assert b"This is a test by FeedbackFive" in RAW and b"Auto-Submitted: auto-generated" in RAW
    assert b"=E2=80=93" in RAW  # quoted-printable is put to the test, too


@pytest.mark.parametrize(
    "raw",
    [RAW, gmail_forwarded(RAW), RAW + b"\r\n\r\n", b"X-Spam-Score: 1\r\n" + RAW, RAW.replace(b"To: ord", b"To:  ord")],
    ids=["direct", "gmail", "lines at the end", "a field above", "another blank in a field"],
)
def test_what_leaves_a_signature_whole_is_intact(raw: bytes) -> None:
    assert way(raw) is Way.INTACT


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace(b"This is a test", b"This is a  test"),
        RAW.replace(b"Subject: ", b"Subject: [SPAM] "),
        RAW.replace(b"----=_Part_", b"_000_"),
        RAW.replace(b"\r\n</body>", b"<p>Checked by our filter</p>\r\n</body>"),
        RAW[: RAW.index(b"\r\n\r\n")]
        .replace(b"multipart/alternative;\r\n\tboundary", b"text/html; charset=utf-8; x")
        .replace(b"MIME-Version: 1.0", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64")
        + b"\r\n\r\n"
        + base64.encodebytes(quopri.decodestring(RAW.partition(b"\r\n\r\n")[2])),
    ],
    ids=["a blank", "a mark in the subject", "another boundary", "a banner", "encoded anew"],
)
def test_what_breaks_a_signature_is_changed(raw: bytes) -> None:
    assert way(raw) is Way.CHANGED


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_a_test_forwarded_as_an_attachment_is_intact_inside(encoding: str) -> None:
    assert way(attached(RAW, encoding=encoding)) is Way.ATTACHED


@pytest.mark.parametrize("encoding", [b"7bit", b"base64", b"quoted-printable"])
def test_a_quotation_is_by_hand_however_it_is_encoded(encoding: bytes) -> None:
    text = b"> Test code: " + CODE.upper().encode() + b"\r\n"
    payload = {b"7bit": text, b"base64": base64.encodebytes(text), b"quoted-printable": quopri.encodestring(text)}
    assert way(by_hand(payload[encoding], encoding=encoding)) is Way.BY_HAND


def test_mails_without_a_code_are_no_tests() -> None:
    assert find_code(by_hand(b"f5t-tooshort")) is None
    assert find_code(b"\x00 not a mail") is None


@given(st.binary(max_size=400))
def test_no_mail_breaks_the_search_for_a_code(rest: bytes) -> None:
    find_code(RAW[:300] + rest)


def test_a_signature_survives_exactly_where_we_say_so() -> None:
    from tests.notices.builder import AMAZON

    record = AMAZON.record.encode()
    signed = AMAZON.sign(RAW.replace(SENDER.encode(), b"no-reply@amazon.com"))
    sent = prints(signed)
    assert sent is not None
    for changed in (signed, gmail_forwarded(signed), signed + b"\r\n", signed.replace(b"a test", b"a  test", 1)):
        verdict = way_of(changed, sent, sender="no-reply@amazon.com") is Way.INTACT
        assert verdict == dkim.verify(changed, dnsfunc=lambda name, timeout=5: record)
