"""Mail that is meant to hurt: answered within a second, never with an exception, never with a grade."""

import base64
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from optouts import shadow_texts
from optouts.decisions import Grade
from optouts.examination import examine
from optouts.mime import Parts, TextPart
from optouts.notice_texts import OTHER_PHRASES, find
from optouts.other_causes import leaves_no_doubt, says_message_undelivered
from optouts.rawgate import RawMessage
from optouts.reasons import Kind
from optouts.stop_words import asks_to_stop
from optouts.undelivered import cause_beside_order, says_restricted
from optouts.unwrapping import unwrap
from optouts.wording import normalise, normalise_lines
from tests.notices.builder import AMAZON, ENGLISH, EVIL, GOOGLE, FakeDns, Mail, Seller, _key, attached, signed
from tests.notices.hostile import HOSTILE
from tests.notices.sealing import Sealer


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_mail_is_answered_within_a_second_and_proves_nothing(name):
    started = time.perf_counter()
    findings = examine(HOSTILE[name], resolver=FakeDns(), context=Seller().context())
    seconds = time.perf_counter() - started

    assert seconds < 1
    assert all(finding.kind in Kind and finding.grade in (None, Grade.X, Grade.D) for finding in findings)
    assert findings


BODIES = [name for name in HOSTILE if name.startswith(("open", "decl", "nested", "combining", "1 MB of"))]


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_under_a_true_signature_is_answered_as_fast(name):
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
        "buyer 111-1111111-1111111 opted " * 2_000, "nicht nicht nicht nicht käufer 111-1111111-1111111 " * 1_300,
        "message 111-1111111-1111111 nicht inte no " * 1_600, "order account 111-1111111-1111111 " * 1_900,
        "from: " * 10_000, "a: b\n" * 13_000, "from: x\nsubject: y\nto: z\n" * 2_600, "do not not " * 6_000,
        "无法无法买家111-1111111-1111111" * 2_600, "_" * 65_536, "=" * 65_536, "* " * 32_768, "a@" * 32_768,
        "auto-communication@amazon.com " * 2_100, "account .attachment not " * 2_700, "no no me me no " * 4_000,
        "your a b account " * 3_800, "ihr-ihr ihr konto kann kann message 111-1111111-1111111 " * 1_100,
        "limit limite absender sender address not message policy 111-1111111-1111111 " * 850,
    ],
)  # fmt: skip
def test_no_pattern_is_slow_on_64_kb(text):
    message = RawMessage(b"", (("from", b"a@b.example"),), b"", "a@b.example")
    parts = Parts("text/plain", (TextPart(False, text),))
    flat = normalise(text)

    def match() -> None:
        find(flat)
        shadow_texts.find(flat, (flat[:400],))
        leaves_no_doubt(flat)
        shadow_texts.denies_the_buyer(flat)
        says_message_undelivered(flat, flat[:400])
        asks_to_stop(flat)
        says_restricted(flat)
        cause_beside_order(flat)
        for phrases in OTHER_PHRASES:
            phrases.patterns.search(flat)

    assert min(cpu_of(match) for _ in range(9)) < 0.05  # the best of nine: a busy machine slows some, not all
    assert cpu_of(lambda: unwrap(message, parts)) < 0.3


def cpu_of(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "record",
    [
        "v=DKIM1; k=rsa; p=AAAA", "v=DKIM1; p=" + "A" * 1_100, "v=DKIM1; k=ed25519; p=AAAA", "p=MAA=", "p=A",
        "v=DKIM2; p=AA", "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC", "v=DKIM1; p=====",
        "p=MCQwDQYJKoZIhvcNAQEBBQADEwAwEAIBAAIBAA==", "v=DKIM1; k=rsa; h=sha1; p=MAwwCgYDVR0OBAMCAQA=",
        "v=DKIM1;;;=;p=AA", "é; p=AA", "v=DKIM1; p=" + "A" * 60_000,
    ],
)  # fmt: skip
def test_a_hostile_key_proves_nothing(record):
    (finding,) = examine(signed(), resolver=FakeDns(records={AMAZON.name: record}), context=Seller().context())

    assert finding.grade in (Grade.D, Grade.X)


def key_record(bits: int, exponent: int) -> str:
    """The record of a key whose exponent is of a stranger's choice."""

    def encoded(tag: int, content: bytes) -> bytes:
        return bytes([tag, 0x82]) + len(content).to_bytes(2) + content

    def number(value: int) -> bytes:
        return encoded(2, value.to_bytes(value.bit_length() // 8 + 1))

    modulus = _key(bits).public_key().public_numbers().n
    return "v=DKIM1; p=" + base64.b64encode(encoded(0x30, number(modulus) + number(exponent))).decode()


@pytest.mark.parametrize("bits_of_exponent", [16, 23, 2_600])
def test_a_strangers_key_cannot_keep_us_busy(bits_of_exponent):
    signer = replace(EVIL, bits=4096)
    raw = Mail(sender="x@evil.example", body="x").build()
    for _ in range(8):
        raw = signer.sign(raw)
    raw = attached(*[raw] * 45)
    dns = FakeDns(records={signer.name: key_record(4096, 2**bits_of_exponent + 1)})

    assert cpu_of(lambda: examine(raw, resolver=dns, context=Seller().context())) < 1.5


def test_a_stranger_cannot_make_us_ask_the_dns_for_ever():
    dns = FakeDns(trouble=True)
    raw = Mail(sender="x@evil.example", body="x").build()
    for number in range(30):
        raw = replace(EVIL, selector=f"s{number}").sign(raw)
    examine(raw, resolver=dns, context=Seller().context())

    assert len(dns.asked) == 2


def test_signatures_put_above_the_true_one_do_not_hide_it_behind_other_domains():
    raw = signed()
    for number in range(20):
        raw = replace(EVIL, selector=f"s{number}").sign(raw)
    (finding,) = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert finding.grade is Grade.A1
    assert len(finding.signatures) == 8


def test_normalised_text_is_cut_before_and_after_it_grows():
    lines = normalise_lines("\ufdfa" * 200_000)

    assert sum(map(len, lines)) <= 64 * 1024


BLANKS = b"<p>" + b" " * 40_000 + b"x</p>\r\n"


@pytest.mark.parametrize("way", ["signed", "sealed"])
def test_blanks_without_end_under_a_relaxed_signature_cost_no_more_than_other_text(way):
    raw = replace(ENGLISH, body="", content_type="text/html").build() + BLANKS
    if way == "signed":
        raw = AMAZON.sign(raw, tags={"c": "relaxed/relaxed"})
    else:
        raw = Sealer(GOOGLE).seal(AMAZON.sign(raw))
    started = time.process_time()
    findings = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert time.process_time() - started < 0.3
    assert all(finding.grade in (None, Grade.X, Grade.D) for finding in findings)


def test_many_blanks_that_a_person_may_write_harm_no_signature():
    spaced = replace(ENGLISH, body=ENGLISH.body.replace("<p>", "<p>" + " " * 200, 1))
    assert examine(AMAZON.sign(spaced.build()), resolver=FakeDns(), context=Seller().context())[0].grade is Grade.A1
