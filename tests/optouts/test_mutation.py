"""Properties: what Amazon did not sign never raises a grade, and nothing makes the examination raise."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.reasons import Kind
from tests.notices.builder import (
    ATTESTED,
    EN_SENTENCE,
    EN_SUBJECT,
    ENGLISH,
    ITALIAN,
    ORDER,
    FakeDns,
    Mail,
    Seller,
    attached,
    gmail_forwarded,
    signed,
)  # fmt: skip

PROVED = (Grade.A1, Grade.A2, Grade.A4, Grade.A3, Grade.A4_UNKNOWN)
OTHER_MAIL = replace(ENGLISH, sender="Amazon <donotreply@amazon.com>", body=f"A refund for {ORDER}.", subject="Refund")
COPY = replace(OTHER_MAIL, body="---- Begin message ----\r\n" + EN_SENTENCE.format(order=ORDER), subject=EN_SUBJECT)
BUYER = replace(COPY, sender="Paola <x7c2m9q4t1w8z5b@marketplace.amazon.it>")
STALE = replace(ITALIAN, to="stranger@elsewhere.example")

Base = tuple[bytes, Grade | None]
BASES: tuple[Base, ...] = (
    *((signed(mail), Grade.A1) for mail in ATTESTED.values()),
    (signed(STALE), Grade.A3),
    (gmail_forwarded(signed(STALE)), Grade.A3),
    (signed(OTHER_MAIL), None),
    (signed(COPY), None),
    (signed(BUYER), None),
)
FIELD_NAMES = st.sampled_from(
    ["X-Space-Notification-Type", "X-Marketplace-ID", "Received", "Return-Path", "Delivered-To", "X-Forwarded-For",
     "X-Forwarded-To", "Authentication-Results", "ARC-Seal", "Subject", "From", "To", "Content-Type",
     "Content-Transfer-Encoding", "Message-ID", "Sender", "Resent-From", "List-Id", "Auto-Submitted", "DKIM-Signature",
     "Bcc", "X"]
)  # fmt: skip
FIELD_VALUES = st.sampled_from(
    ["BUYER_OPTED_OUT_BSM_MESSAGES", "APJ6JRA9NG5V4", "ATVPDKIKX0DER", "auto-communication@amazon.com", EN_SUBJECT,
     "alice@shop.example", "base64", "text/plain; charset=utf-16", "amazon.com; dkim=pass header.d=amazon.com",
     "o-abcdefghijklmnopqrst@in.example.net", "v=1; a=rsa-sha256; d=amazon.com; s=test; h=from; bh=AA==; b=AA=="]
) | st.text(st.characters(codec="latin-1"), max_size=40)
FIELDS = st.lists(st.tuples(FIELD_NAMES, FIELD_VALUES), max_size=6)


def look(raw: bytes) -> tuple[Finding, ...]:
    return examine(raw, resolver=FakeDns(), context=Seller().context())


def rank(grade: Grade | None) -> int:
    return PROVED.index(grade) if grade in PROVED else len(PROVED)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(base=st.sampled_from(BASES), fields=FIELDS, position=st.integers(0, 400), tail=st.sampled_from(["", "x"]))
def test_unsigned_fields_never_raise_a_grade(
    base: Base, fields: list[tuple[str, str]], position: int, tail: str
) -> None:
    raw, grade = base
    assert look(raw)[0].grade is grade
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    cut = sum(len(line) + 2 for line in lines[: position % len(lines)])
    added = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1", "replace")
    findings = look(raw[:cut] + added + raw[cut:] + tail.encode())

    assert all(rank(finding.grade) >= rank(grade) for finding in findings)
    assert all(finding.order_id in (None, ORDER) for finding in findings if finding.grade in PROVED)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(base=st.sampled_from(BASES), changes=st.lists(st.tuples(st.integers(0), st.binary(max_size=4)), max_size=4))
def test_changed_bytes_never_raise_a_grade_nor_an_exception(base: Base, changes: list[tuple[int, bytes]]) -> None:
    raw, grade = base
    for place, replacement in changes:
        start = place % len(raw)
        raw = raw[:start] + replacement + raw[start + len(replacement) :]
    findings = look(raw)

    assert all(rank(finding.grade) >= rank(grade) for finding in findings)
    assert all(finding.order_id in (None, ORDER) for finding in findings if finding.grade in PROVED)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(raw=st.binary(max_size=2_000))
def test_noise_never_raises_an_exception(raw: bytes) -> None:
    for noise in (raw, b"From: auto-communication@amazon.com\r\n" + raw, b"From: a@b.example\r\n\r\n" + raw):
        assert all(finding.grade not in PROVED for finding in look(noise))


TAG = st.sampled_from(["v", "a", "d", "s", "h", "bh", "b", "c", "t", "x", "l", "i", "q", "z"])
TAG_VALUE = st.sampled_from(
    ["1", "rsa-sha256", "amazon.com", "test", "from:to:subject:date:message-id:content-type", "AAAA", "relaxed/simple",
     "99999999999", "@amazon.com", "dns/txt", ""]
) | st.text(max_size=9)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tags=st.lists(st.tuples(TAG, TAG_VALUE), max_size=14), record=st.binary(max_size=200))
def test_a_made_up_signature_never_proves_nor_raises(tags: list[tuple[str, str]], record: bytes) -> None:
    value = "; ".join(f"{name}={content}" for name, content in tags).encode("utf-8", "replace")
    resolver = FakeDns()
    resolver.txt = lambda name: b"v=DKIM1; p=" + record  # type: ignore[method-assign]
    raw = b"DKIM-Signature: " + value.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" + ITALIAN.build()
    findings = examine(raw, resolver=resolver, context=Seller().context())

    assert all(finding.grade not in PROVED for finding in findings)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_mangled_attachment_never_raises_above_what_was_signed(data: st.DataObject) -> None:
    raw = attached(signed(STALE), encoding=data.draw(st.sampled_from(["7bit", "base64"])))
    start = data.draw(st.integers(0, len(raw) - 1))
    raw = raw[:start] + data.draw(st.binary(max_size=3)) + raw[start + data.draw(st.integers(0, 3)) :]

    assert all(finding.grade not in (Grade.A1, Grade.A2, Grade.A3, Grade.A4) for finding in look(raw))
    assert all(finding.kind in Kind for finding in look(raw))


def test_the_bases_cover_every_attested_text() -> None:
    assert isinstance(ITALIAN, Mail)
    assert len(BASES) == len(ATTESTED) + 5
