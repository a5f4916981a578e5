"""Mail that is meant to hurt: answered within a second, never with an exception, never with a grade."""

import time
from dataclasses import replace

import pytest

from optouts.decisions import Grade
from optouts.examination import examine
from optouts.mime import Parts, TextPart
from optouts.notice_texts import find
from optouts.rawgate import RawMessage
from optouts.reasons import Kind
from optouts.unwrapping import unwrap
from optouts.wording import normalise, normalise_lines
from tests.notices.builder import AMAZON, ENGLISH, EVIL, FakeDns, Mail, Seller, attached, signed

HEAD = (
    b"From: auto-communication@amazon.com\r\nTo: a@b.example\r\n"
    b"Subject: Your message to a buyer could not be delivered"
)
HTML = b"\r\nContent-Type: text/html\r\n\r\n"


def nested(depth: int) -> bytes:
    body = b"--b0\r\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1, depth)
    )
    return HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b0"\r\n\r\n' + body


def nested_attached(depth: int) -> bytes:
    raw = ENGLISH.build()
    for _ in range(depth):
        raw = attached(raw)
    return raw


HOSTILE = {
    "a subject of 1 MB": HEAD + b"x" * 1_000_000 + b"\r\n\r\n",
    "a subject of 32 KB of encoded words": HEAD + b" =?utf-8?q?a?=" * 2300 + b"\r\n\r\n",
    "a subject of open encoded words": HEAD + b"=?" * 16_000 + b"\r\n\r\n",
    "20,000 parameters": HEAD + b"\r\nContent-Type: text/html" + b"; a=b" * 20_000 + b"\r\n\r\nx",
    "5,000 parameters": HEAD + b"\r\nContent-Type: text/html" + b"; a=b" * 5_000 + b"\r\n\r\nx",
    "a parameter of quotes": HEAD + b"\r\nContent-Type: text/html" + b';a="\\' * 6_000 + b"\r\n\r\nx",
    "50,000 addresses": b"From: " + b"a@b.example, " * 50_000 + b"\r\n\r\n",
    "2,000 addresses in To": b"From: a@b.example\r\nTo: " + b"a@b.example, " * 2_000 + b"\r\n\r\n",
    "open parentheses": b"From: " + b"(" * 30_000 + b"\r\n\r\n",
    "open quotes": b"From: " + b'"' * 1_999 + b"<a@b.example>\r\n\r\n",
    "escaped quotes": b'From: "' + b"\\\"" * 900 + b"<a@b.example>\r\n\r\n",
    "open brackets in the id": b"From: a@b.example\r\nMessage-ID: " + b"[" * 30_000 + b"\r\n\r\n",
    "50,000 fields": b"From: a@b.example\r\n" + b"X: y\r\n" * 40_000 + b"\r\n",
    "nesting 15": nested(15),
    "nesting 2,000": nested(2_000),
    "3,000 parts": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 3_000,
    "a boundary of dashes": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="-"\r\n\r\n' + b"---\r\n" * 100_000,
    "almost boundaries": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--bb\r\n" * 150_000,
    "no boundary": HEAD + b"\r\nContent-Type: multipart/mixed\r\n\r\nx",
    "attached ten deep": nested_attached(10),
    "open comments": HEAD + HTML + b"<!--" * 50_000,
    "declarations": HEAD + HTML + b"<![" * 50_000,
    "nested tags": HEAD + HTML + b"<div>" * 100_000,
    "nested tags under the limit": HEAD + HTML + b"<div>" * 9_999,
    "1 MB of text": HEAD + b"\r\n\r\n" + b"x" * 1_000_000,
    "1 MB of newlines": HEAD + b"\r\n\r\n" + b"\r\n" * 500_000,
    "1 MB of blanks": HEAD + b"\r\n\r\n" + b" " * 500_000,
    "1 MB in base64": HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"AAAA" * 250_000,
    "bad base64": HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=A=" * 50_000,
    "bad quoted-printable": HEAD + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=X=\r\n" * 50_000,
    "a growing character": HEAD + HTML.replace(b"html", b"html; charset=utf-8") + "\ufdfa".encode() * 60_000,
    "combining characters": HEAD + HTML.replace(b"html", b"html; charset=utf-8") + "\u0301\u0327".encode() * 60_000,
    "a charset that is a codec": HEAD + b"\r\nContent-Type: text/plain; charset=zlib\r\n\r\nx\x9c",
    "a charset with a NUL": HEAD + b"\r\nContent-Type: text/plain; charset=utf-8%00\r\n\r\nx",
    "50 signatures": b"DKIM-Signature: v=1; a=rsa-sha256; d=amazon.com; s=test; h=from; bh=AA==; b=AA==\r\n" * 50 + HEAD
    + b"\r\n\r\n",
    "a signature of blanks": b"DKIM-Signature: v=1;" + b" b" * 5 + b" " * 30_000 + b"=\r\n" + HEAD + b"\r\n\r\n",
    "a signature of folds": b"DKIM-Signature: v=1;b" + b"\r\n " * 8_000 + b"=\r\n" + HEAD + b"\r\n\r\n",
    "nothing": b"",
    "only a newline": b"\r\n",
    "only newlines": b"\r\n\r\n",
    "only NUL": b"\0" * 100,
    "noise": bytes(range(256)) * 400,
    "6 MB": b"From: a@b.example\r\n\r\n" + b"x" * 6_000_000,
    "5 MB of newlines": b"From: a@b.example\r\n\r\n" + b"\r\n" * 2_500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_mail_is_answered_within_a_second_and_proves_nothing(name: str) -> None:
    started = time.perf_counter()
    findings = examine(HOSTILE[name], resolver=FakeDns(), context=Seller().context())
    seconds = time.perf_counter() - started

    assert seconds < 1
    assert all(finding.kind in Kind and finding.grade in (None, Grade.X, Grade.D) for finding in findings)
    assert findings


BODIES = [name for name in HOSTILE if name.startswith(("open", "decl", "nested", "combining", "1 MB of"))]


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_under_a_true_signature_is_answered_as_fast(name: str) -> None:
    body = HOSTILE[name].partition(b"\r\n\r\n")[2]
    raw = AMAZON.sign(replace(ENGLISH, body="", content_type="text/html").build() + body)
    started = time.perf_counter()
    findings = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert time.perf_counter() - started < 1
    assert findings[0].kind in (Kind.PROBABLE_OPT_OUT, Kind.MALFORMED)
    assert findings[0].grade is None


@pytest.mark.parametrize(
    "text",
    [
        " " * 65_536, "<" * 65_536, "-" * 65_536, "\n" * 65_536, "> " * 32_768, "[" * 65_536, "- " * 32_768,
        ("-" * 200 + "x\n") * 320, "per l'ordine " * 5_000, "1-" * 32_768, "111-1111111-1111111 " * 3_200,
        "non siamo stati in grado di recapitare il messaggio inviato a " * 1_050,
        "we were unable to deliver the message you sent for order [" * 1_100,
        "購入者が出品者からの未承諾広告メールを受信しないように設定しているため、注文" * 1_700,
    ],
)  # fmt: skip
def test_no_pattern_is_slow_on_64_kb(text: str) -> None:
    message = RawMessage(b"", (("from", b"a@b.example"),), b"", "a@b.example")
    parts = Parts("text/plain", (TextPart(False, text),))
    flat = normalise(text)
    started = time.process_time()
    find(flat)
    matching = time.process_time() - started
    unwrap(message, parts)

    assert matching < 0.05
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize(
    "record",
    [
        "v=DKIM1; k=rsa; p=AAAA", "v=DKIM1; p=" + "A" * 1_100, "v=DKIM1; k=ed25519; p=AAAA", "p=MAA=", "p=A",
        "v=DKIM2; p=AA", "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC", "v=DKIM1; p=====",
        "p=MCQwDQYJKoZIhvcNAQEBBQADEwAwEAIBAAIBAA==", "v=DKIM1; k=rsa; h=sha1; p=MAwwCgYDVR0OBAMCAQA=",
        "v=DKIM1;;;=;p=AA", "é; p=AA", "v=DKIM1; p=" + "A" * 60_000,
    ],
)  # fmt: skip
def test_a_hostile_key_proves_nothing(record: str) -> None:
    finding, = examine(signed(), resolver=FakeDns(records={AMAZON.name: record}), context=Seller().context())

    assert finding.grade in (Grade.D, Grade.X)


def test_a_stranger_cannot_make_us_ask_the_dns_for_ever() -> None:
    dns = FakeDns(trouble=True)
    raw = Mail(sender="x@evil.example", body="x").build()
    for number in range(30):
        raw = replace(EVIL, selector=f"s{number}").sign(raw)
    examine(raw, resolver=dns, context=Seller().context())

    assert len(dns.asked) == 2


def test_signatures_put_above_the_true_one_do_not_hide_it_behind_other_domains() -> None:
    raw = signed()
    for number in range(20):
        raw = replace(EVIL, selector=f"s{number}").sign(raw)
    finding, = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert finding.grade is Grade.A1
    assert len(finding.signatures) == 8


def test_normalised_text_is_cut_before_and_after_it_grows() -> None:
    lines = normalise_lines("\ufdfa" * 200_000)

    assert sum(map(len, lines)) <= 64 * 1024
