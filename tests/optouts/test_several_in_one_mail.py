"""Several notices in one mail: quoted, attached, both, spoilt on the way, or too many. None of them may get lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.reasons import Kind, Reason
from tests.notices.builder import (
    ALIAS,
    AMAZON,
    GMAIL,
    IT_MAIN,
    ITALIAN,
    MAILBOX,
    NOW,
    ORDER,
    FakeDns,
    Mail,
    Seller,
    attached,
    encode,
    italian_html,
    signed,
)

OTHER = "407-9999999-8888888"
BY_HAND = Mail(sender="Bob <bob@evil.example>", subject="Fwd: x", content_type="text/plain", is_alternative=False)


def look(raw: bytes, *, dns: FakeDns | None = None, seller: Seller | None = None) -> Finding:
    (finding,) = examine(raw, resolver=dns or FakeDns(), context=(seller or Seller()).context())
    return finding


def quoted(order: str, alias: str = ALIAS) -> str:
    """Return a notice as Apple Mail quotes it in a forward."""
    block = f"From: Amazon <auto-communication@amazon.com>\r\nSubject: {ITALIAN.subject}\r\nTo: {MAILBOX}\r\n\r\n"
    link = f"e-mail <mailto:{alias}>\r\n\r\n"
    return f"Begin forwarded message:\r\n\r\n{block}" + IT_MAIN.format(name="Paola", order=order) + "\r\n" + link


def with_text(raw: bytes, text: str) -> bytes:
    """Return a mail of attached originals with a text above them."""
    part = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    mark = raw.partition(b'boundary="')[2].partition(b'"')[0]
    opening = b"\r\n--" + mark + b"\r\n"
    return raw.replace(opening, opening + part + encode(text.encode(), "base64") + opening, 1)


def test_what_is_quoted_and_what_is_attached_are_both_read():
    raw = with_text(attached(signed(replace(ITALIAN, body=italian_html(OTHER), to=MAILBOX))), quoted(ORDER))
    findings = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert [(f.order_id, f.grade) for f in findings] == [(ORDER, Grade.D), (OTHER, Grade.A4)]


def test_the_attached_original_of_what_is_quoted_is_what_counts():
    finding = look(with_text(attached(signed(replace(ITALIAN, to=MAILBOX))), quoted(ORDER)))

    assert (finding.order_id, finding.grade) == (ORDER, Grade.A4)


def test_a_probable_notice_is_not_lost_behind_an_attached_one():
    raw = with_text(attached(signed(replace(ITALIAN, to=MAILBOX))), quoted(OTHER).replace("non richiesti dai", "dei"))
    findings = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert [(f.kind, f.order_id) for f in findings] == [(Kind.PROBABLE_OPT_OUT, OTHER), (Kind.OPT_OUT, ORDER)]


def test_of_several_notices_that_are_quoted_in_one_mail_none_is_lost():
    text = quoted(ORDER) + quoted(OTHER, "q7c2m9q4t1w8z5b@marketplace.amazon.it") + quoted(ORDER)
    first, second = examine(replace(BY_HAND, body=text).build(), resolver=FakeDns(), context=Seller().context())

    assert (first.kind, first.grade, first.order_id) == (Kind.OPT_OUT, Grade.D, ORDER)
    assert (second.kind, second.grade, second.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.QUOTED_BELOW)
    assert second.order_id == OTHER


def test_a_buyer_cannot_quote_a_notice_below_his_own_words():
    buyer = f"From: Buyer <{ALIAS}>\r\nSubject: My order\r\nTo: {MAILBOX}\r\n\r\nHello\r\n\r\n"
    mail = replace(BY_HAND, body=buyer + quoted(OTHER))

    assert look(mail.build()).kind is Kind.BUYER_MESSAGE


@pytest.mark.parametrize(
    "above", [b"\xef\xbb\xbf", b"\r\n\r\n", b"From - Thu Sep 10 02:04:50 2026\r\n"], ids=["mark", "lines", "mbox"]
)
def test_what_a_program_writes_above_an_attached_original_does_not_matter(above):
    assert look(attached(above + signed(replace(ITALIAN, to=MAILBOX)), encoding="base64")).grade is Grade.A4


def test_an_attached_mail_in_amazons_name_that_cannot_be_read_waits_for_a_person():
    spoilt = signed().replace(b"Subject:", b"Subject: x\r\nSubject:")
    finding = look(attached(spoilt))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.MALFORMED, Grade.X, Reason.GATE)


def test_fifty_attached_originals_are_read_and_what_is_more_is_not_passed_over():
    originals = [signed(replace(ITALIAN, body=italian_html(f"407-11111{n:02}-2222222"), to=MAILBOX)) for n in range(45)]
    findings = examine(attached(*originals), resolver=FakeDns(), context=Seller().context())
    assert len({f.order_id for f in findings if f.grade is Grade.A4}) == 45

    findings = examine(attached(attached(*originals), *originals[:9]), resolver=FakeDns(), context=Seller().context())
    assert findings[-1].reason is Reason.MORE_ATTACHED


def test_what_is_attached_too_deeply_is_not_passed_over():
    finding = look(attached(attached(attached(attached(signed())))))

    assert (finding.kind, finding.reason) == (Kind.MALFORMED, Reason.MORE_ATTACHED)


@pytest.mark.parametrize(
    ("dns", "reason"),
    [
        (FakeDns(), Reason.FORWARDED_BY_REGISTERED),
        (FakeDns(records={AMAZON.name: "v=DKIM1; p="}), Reason.KEY_WITHDRAWN),
    ],
)
def test_an_original_that_has_grown_old_is_worth_what_its_sender_is(dns, reason):
    old = signed(replace(ITALIAN, to=MAILBOX), at=NOW - timedelta(days=31))
    raw = GMAIL.sign(attached(old, sender="Alice <alice@gmail.com>"))

    known = look(raw, seller=Seller(mailboxes=frozenset({"alice@gmail.com"})), dns=dns)
    assert (known.kind, known.grade, known.reason) == (Kind.OPT_OUT, Grade.C, reason)
    assert look(raw, dns=dns).grade in (Grade.X, Grade.D)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("application/ms-tnef", Reason.WINMAIL),
        ('application/octet-stream; name="winmail.dat"', Reason.WINMAIL),
        ("application/vnd.ms-outlook", Reason.OUTLOOK_ITEM),
        ('application/octet-stream; name="Il tuo messaggio.MSG"', Reason.OUTLOOK_ITEM),
    ],
)
def test_what_only_outlook_can_read_waits_for_a_person_and_says_what_to_do(kind, reason):
    raw = attached(b"\xd0\xcf\x11\xe0 not to be read", encoding="base64").replace(b"message/rfc822", kind.encode())

    assert (look(raw).kind, look(raw).reason) == (Kind.MALFORMED, reason)
