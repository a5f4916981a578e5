"""The promises about mail that nobody has seen: what share is recognised, what is proved wrongly, and how fast."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from optouts.decisions import Grade
from optouts.examination import examine
from optouts.reasons import Kind
from tests.notices.builder import (
    ATTESTED,
    GOOGLE,
    ITALIAN,
    MAILBOX,
    ORDER,
    FakeDns,
    Mail,
    Seller,
    attached,
    gmail_forwarded,
    signed,
)  # fmt: skip
from tests.notices.forwards import CLIENTS, LOCALES, NOTICES
from tests.notices.sealing import MICROSOFT, Sealer

DNS = FakeDns(records={MICROSOFT.name: MICROSOFT.record})
PROVED = {Grade.A1, Grade.A2, Grade.A3, Grade.A4, Grade.A4_UNKNOWN, Grade.B}
CHARSETS = {
    "it-2026": ("UTF-8", "ISO-8859-1", "windows-1252", "ISO-8859-15"), "en-2017": ("UTF-8", "US-ASCII", "ISO-8859-1"),
    "fr-2018": ("UTF-8", "ISO-8859-1", "windows-1252"), "ja-2018": ("UTF-8", "ISO-2022-JP", "Shift_JIS", "EUC-JP"),
}  # fmt: skip


def _traced(fields: str) -> Callable[[bytes], bytes]:
    return lambda raw: fields.replace("\n", "\r\n").encode() + raw


ROUTES: dict[str, Callable[[bytes], bytes]] = {
    "direct": lambda raw: raw,
    "Gmail": gmail_forwarded,
    "Microsoft 365": _traced(
        "Return-Path: <alice+SRS=ab12=CD=bounces.amazon.com=010x@shop.example>\nResent-From: <alice@shop.example>\n"
        "X-MS-Exchange-Inbox-Rules-Loop: alice@shop.example\nX-MS-Exchange-Organization-SCL: 1\n"
    ),
    "cPanel": _traced("Return-Path: <SRS0=ab=CD=amazonses.com=x@shop.example>\nEnvelope-to: alice@shop.example\n"),
    "Zoho": _traced("X-ZohoMail-Forwarded: alice@shop.example\nX-Zoho-Virus-Status: 1\n"),
    "Fastmail": _traced("X-Delivered-to: alice@shop.example\nX-Resolved-to: alice@shop.example\n"),
    "Cloudflare": _traced("Return-Path: <SRS0=x=CD=bounces.amazon.com=y@shop.example>\nX-Forwarded-To: o@in.example\n"),
    "Gmail, sealed": lambda raw: gmail_forwarded(Sealer(GOOGLE).seal(raw)),
    "attached": attached,
}


def signed_notices() -> Iterator[tuple[str, bytes]]:
    for route, take in ROUTES.items():
        for name, mail in ATTESTED.items():
            for charset in CHARSETS[name]:
                for encoding in ("quoted-printable", "base64", "8bit"):
                    for is_html in (False, True):
                        yield route, take(signed(_in(mail, charset, encoding, is_html)))


def _in(mail: Mail, charset: str, encoding: str, is_html: bool) -> Mail:
    body, subject = mail.body, mail.subject
    if charset.startswith(("ISO-8859", "US-")):
        body, subject = body.replace("’", "'"), subject.replace("’", "'")
    if is_html and mail.content_type == "text/plain":
        body = "<html><body><p>" + body.replace("\r\n\r\n", "</p><p>") + "</p></body></html>"
    kind = "text/html" if is_html else mail.content_type
    return replace(mail, to=MAILBOX, body=body, subject=subject, charset=charset, encoding=encoding, content_type=kind)


def test_at_least_99_of_100_signed_attested_notices_are_proved():
    results = Counter(
        (route, finding.kind, finding.grade, finding.order_id)
        for route, raw in signed_notices()
        for finding in examine(raw, resolver=DNS, context=Seller().context())
    )
    right = sum(
        count for (route, kind, grade, order), count in results.items()
        if (kind, grade, order) == (Kind.OPT_OUT, Grade.A4 if route == "attached" else Grade.A2, ORDER)
    )  # fmt: skip

    assert results.total() == len(ROUTES) * 84
    assert right >= 0.99 * results.total()


def test_no_notice_without_its_signature_is_ever_proved():
    for _, raw in signed_notices():
        for finding in examine(raw.replace(b"DKIM-Signature", b"X-Was"), resolver=DNS, context=Seller().context()):
            assert finding.grade in (Grade.D, Grade.X)


def test_at_least_95_of_100_notices_are_recognised_in_whatever_words_and_ways():
    seen: Counter[bool] = Counter()
    for client, make in CLIENTS.items():
        for number, locale in enumerate(LOCALES):
            notice = NOTICES[(number + len(client)) % len(NOTICES)]
            for subject in (None, "please stop this one", "Fwd: Fwd: opt-out"):
                mail = make(locale, notice)
                mail = replace(mail, subject=subject or mail.subject)
                (finding,) = examine(mail.build(), resolver=DNS, context=Seller().context())
                seen[finding.kind in (Kind.OPT_OUT, Kind.PROBABLE_OPT_OUT) and finding.order_id == ORDER] += 1
                assert finding.grade not in PROVED

    assert seen[True] >= 0.95 * seen.total()


def test_a_genuine_notice_takes_less_than_five_milliseconds():
    raw = gmail_forwarded(Sealer(GOOGLE).seal(signed(replace(ITALIAN, to=MAILBOX))))
    context = Seller().context()
    examine(raw, resolver=DNS, context=context)
    started = time.process_time()
    for _ in range(50):
        examine(raw, resolver=DNS, context=context)

    assert (time.process_time() - started) / 50 < 0.005
