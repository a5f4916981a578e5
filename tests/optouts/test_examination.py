"""Examination: what a whole mail is, says and proves."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.reasons import Kind, Reason
from optouts.unwrapping import Route
from tests.notices.builder import (
    ALIAS,
    AMAZON,
    ATTESTED,
    EN_SENTENCE,
    EN_SUBJECT,
    ENGLISH,
    EVIL,
    FRENCH,
    GMAIL,
    GOOGLE,
    INBOUND,
    IT_MAIN,
    IT_SUBJECT,
    ITALIAN,
    JAPANESE,
    MAILBOX,
    NOW,
    ORDER,
    SES,
    FakeDns,
    Mail,
    Seller,
    attached,
    gmail_forwarded,
    italian_html,
    signed,
)  # fmt: skip

ROTATED_KEY = replace(AMAZON, bits=1536)
OTHER_ORDER = "408-3333333-4444444"


def look(raw: bytes, *, dns: FakeDns | None = None, seller: Seller | None = None, **when: object) -> Finding:
    context = (seller or Seller()).context(**when)  # type: ignore[arg-type]
    findings = examine(raw, resolver=dns or FakeDns(), context=context)
    assert len(findings) == 1
    return findings[0]


def plain(body: str, **changes: object) -> Mail:
    return replace(ENGLISH, body=body, **changes)  # type: ignore[arg-type]


# Grades


@pytest.mark.parametrize("name", ATTESTED)
def test_each_attested_text_sent_directly_is_proved_in_full(name):
    finding = look(signed(ATTESTED[name]))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.A1, Reason.SIGNED_DIRECT)
    assert (finding.order_id, finding.template, finding.language) == (ORDER, name, name[:2])
    assert (finding.signed_to, finding.signed_at, finding.route) == (INBOUND, NOW, Route.DIRECT)


@pytest.mark.parametrize("spelt", ["“{}”", "( {} )", "#{}", "{}", "[{}]"])
@pytest.mark.parametrize("name", ATTESTED)
def test_each_attested_text_is_proved_however_its_order_id_is_spelt(name, spelt):
    apart = ORDER.replace("-", " - ")
    body = re.sub(rf"\[?{ORDER}\]?", spelt.format(apart), ATTESTED[name].body)
    finding = look(signed(replace(ATTESTED[name], body=body)))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.OPT_OUT, Grade.A1, ORDER)


@pytest.mark.parametrize("name", ATTESTED)
def test_each_attested_text_forwarded_by_gmail_from_a_registered_mailbox_is_proved(name):
    finding = look(gmail_forwarded(signed(replace(ATTESTED[name], to=MAILBOX))))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.A2, Reason.SIGNED_FORWARDED)
    assert (finding.route, finding.forwarded_by, finding.signed_to) == (Route.FORWARDED, MAILBOX, MAILBOX)


TRACES = {
    "Microsoft 365": b"X-MS-Exchange-Inbox-Rules-Loop: alice@shop.example\r\nResent-From: <alice@shop.example>\r\n"
    b"X-MS-Exchange-Organization-AuthSource: db5.prod.outlook.com\r\n"
    b"Return-Path: <alice+SRS=ab12=TT=bounces.amazon.com=0102@shop.example>\r\n",
    "cPanel": b"Envelope-to: alice@shop.example\r\nDelivered-To: alice@shop.example\r\n"
    b"Return-Path: <0102@bounces.amazon.com>\r\nX-Spam-Status: No, score=-2.1\r\n",
    "Zoho": b"X-ZohoMail-DKIM: pass (identity @amazon.com)\r\nX-Zoho-Virus-Status: 1\r\n",
    "Fastmail": b"X-Delivered-to: alice@shop.example\r\nX-Mail-from: 0102@bounces.amazon.com\r\n",
    "Cloudflare": b"Return-Path: <SRS0=ab12=TT=bounces.amazon.com=0102@shop.example>\r\n"
    b"X-Forwarded-To: o-abcdefghijklmnopqrst@in.example.net\r\n",
    "Yahoo": b"X-Apparently-To: alice@shop.example\r\nX-YMail-ISG: abc\r\n",
    # No field of its own is known (INBOUND.md 2.1), so nothing but its server's line is taken for granted.
    "iCloud": b"Return-Path: <0102@bounces.amazon.com>\r\n"
    b"Received: from outbound.ms.icloud.com (outbound.ms.icloud.com [17.57.0.1]) by in.example.net with SMTP id 1\r\n",
}


@pytest.mark.parametrize("name", ATTESTED)
@pytest.mark.parametrize("provider", TRACES)
def test_each_attested_text_that_a_provider_forwards_intact_is_proved(provider, name):
    finding = look(TRACES[provider] + signed(replace(ATTESTED[name], to=MAILBOX)))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.OPT_OUT, Grade.A2, ORDER)


@pytest.mark.parametrize("name", ATTESTED)
def test_what_icloud_has_mangled_on_the_way_proves_nothing_and_waits_for_a_person(name):
    finding = look(TRACES["iCloud"] + signed(replace(ATTESTED[name], to=MAILBOX)) + b"Sent from my iCloud\r\n")

    assert (finding.grade, finding.reason, finding.order_id) == (Grade.X, Reason.SIGNATURE_BROKEN, None)


@pytest.mark.parametrize("name", ATTESTED)
def test_each_attested_text_written_to_an_unknown_mailbox_is_proved_less(name):
    finding = look(signed(replace(ATTESTED[name], to="mallory@elsewhere.example")))

    assert (finding.kind, finding.grade) == (Kind.OPT_OUT, Grade.A3)
    assert finding.reason is Reason.SIGNED_UNKNOWN_MAILBOX


@pytest.mark.parametrize("name", ATTESTED)
@pytest.mark.parametrize("provider", ["direct", *TRACES])
def test_each_attested_text_that_amazon_wrote_to_another_sellers_address_here_is_a_replay(provider, name):
    to = "other-seller@" + INBOUND.partition("@")[2]
    finding = look(TRACES.get(provider, b"") + signed(replace(ATTESTED[name], to=to)))

    assert (finding.grade, finding.reason) == (Grade.X, Reason.ANOTHER_SELLERS_NOTICE)


@pytest.mark.parametrize(
    "to",
    ['"Alice" <alice@shop.example>', "ALICE@Shop.Example", "<alice@shop.example>", " alice@shop.example "],
)
def test_the_signed_recipient_is_recognised_however_it_is_written(to):
    assert look(signed(replace(ITALIAN, to=to))).grade is Grade.A2


@pytest.mark.parametrize("to", ["alice@shop.example, mallory@x.example", "undisclosed-recipients:;", "alice"])
def test_a_recipient_that_is_not_one_address_binds_the_notice_to_nobody(to):
    finding = look(signed(replace(ITALIAN, to=to)))

    assert (finding.grade, finding.signed_to) == (Grade.A3, None)


def test_the_forwarders_trace_does_not_make_a_mailbox_known():
    raw = gmail_forwarded(signed(replace(ITALIAN, to="mallory@elsewhere.example")), mailbox=MAILBOX)

    assert look(raw).grade is Grade.A3


def test_a_second_recipient_put_above_the_signed_one_is_refused_by_the_gate():
    finding = look(b"To: " + INBOUND.encode() + b"\r\n" + signed(replace(ITALIAN, to="mallory@x.example")))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.MALFORMED, Grade.X, Reason.GATE)


def test_copies_of_one_mail_by_two_ways_have_one_fingerprint():
    direct, forwarded = look(signed()), look(gmail_forwarded(signed()))

    assert direct.fingerprint == forwarded.fingerprint
    assert len(direct.fingerprint or "") == 64
    assert look(signed(replace(ITALIAN, message_id="<other@x>"))).fingerprint != direct.fingerprint


def test_the_evidence_keeps_the_key_and_both_signatures():
    signatures = look(signed()).signatures

    assert [s.domain for s in signatures] == ["amazon.com", "amazonses.com"]
    assert signatures[0].key_record == AMAZON.record
    assert "content-type" in signatures[0].signed_headers


# DNS


def test_dns_trouble_is_undecided_and_then_decided():
    raw = signed()
    before = look(raw, dns=FakeDns(trouble=True))

    assert (before.kind, before.grade, before.reason) == (Kind.OPT_OUT, Grade.T, Reason.DNS_TROUBLE)
    assert look(raw).grade is Grade.A1


def test_a_withdrawn_key_is_not_called_a_forgery():
    finding = look(signed(), dns=FakeDns(missing=True))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.D, Reason.KEY_WITHDRAWN)


def test_an_empty_key_is_a_withdrawn_key():
    finding = look(signed(), dns=FakeDns(records={AMAZON.name: "v=DKIM1; k=rsa; p="}))

    assert finding.reason is Reason.KEY_WITHDRAWN


def test_a_rotated_key_does_not_prove():
    finding = look(signed(), dns=FakeDns(records={AMAZON.name: ROTATED_KEY.record}))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.FORGED, Grade.X, Reason.SIGNATURE_BROKEN)


def test_dns_trouble_about_another_amazon_mail_asks_for_no_retry():
    raw = signed(replace(ITALIAN, extra=(("X-Space-Notification-Type", "REFUND_ISSUED"),)))

    assert look(raw, dns=FakeDns(trouble=True)).grade is None


def test_only_the_authors_domain_is_asked_about():
    dns = FakeDns()
    look(signed(), dns=dns)

    assert dns.asked == [AMAZON.name]


# Forgery


def test_an_unsigned_mail_in_amazons_name_is_forged():
    finding = look(ITALIAN.build())

    assert (finding.kind, finding.grade, finding.reason) == (Kind.FORGED, Grade.X, Reason.NOT_SIGNED)
    assert (finding.order_id, finding.alias) == (None, None)


def test_the_signature_of_amazon_ses_alone_is_worth_nothing():
    finding = look(SES.sign(ITALIAN.build()))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.FORGED, Grade.X, Reason.NOT_SIGNED)


def test_a_strangers_signature_is_not_amazons():
    assert look(EVIL.sign(ITALIAN.build())).kind is Kind.FORGED


@pytest.mark.parametrize("name", ATTESTED)
def test_a_changed_order_id_breaks_the_proof(name):
    raw = ATTESTED[name]
    finding = look(signed(raw).replace(b"407-1111111", b"407-9999999") if raw.encoding != "base64"
                   else signed(raw)[:-60] + b"AAAA" + signed(raw)[-56:])  # fmt: skip

    assert (finding.kind, finding.grade) == (Kind.FORGED, Grade.X)


@pytest.mark.parametrize(
    "sender",
    [
        '"auto-communication@amazon.com" <x@evil.example>',
        "auto-communication@amazon.com.evil.example",
        "auto-communication@amazon-com.evil.example",
        "auto-communication@evilamazon.com",
        "auto-communication@amazon.com.de",
        "auto-communication@xn--amazn-mye.com",
        "Amazon <auto-communication@marketplace.amazon.it>",
        "Amazon <AUTO-COMMUNICATION@AMAZON.CO>",
    ],
)
def test_a_look_alike_sender_gets_no_grade_that_acts(sender):
    domain = sender.rstrip(">").rpartition("@")[2].lower()
    look_alike = replace(EVIL, domain=domain)
    raw = look_alike.sign(replace(ITALIAN, sender=sender).build())
    finding = look(raw, dns=FakeDns(records={look_alike.name: look_alike.record}))

    assert finding.kind in (Kind.FORGED, Kind.BUYER_MESSAGE)
    assert finding.grade in (Grade.X, None)


@pytest.mark.parametrize("sender", ["auto-communication@аmazon.com", "auto‑communication@amazon.com"])
def test_a_sender_in_look_alike_letters_is_refused_by_the_gate(sender):
    assert look(signed(replace(ITALIAN, sender=sender))).reason is Reason.GATE


def test_another_marketplace_domain_signs_for_its_own_senders_only():
    german = replace(AMAZON, domain="amazon.de")
    raw = german.sign(ITALIAN.build())

    assert look(raw, dns=FakeDns(records={german.name: german.record})).kind is Kind.FORGED


@pytest.mark.parametrize(
    "extra",
    [
        b"Subject: something else\r\n",
        b"From: Mallory <m@evil.example>\r\n",
        b"Content-Type: text/plain\r\n",
        b"Message-ID: <other@x>\r\n",
        b"Date: Thu, 10 Sep 2026 00:00:00 +0000\r\n",
        b"X-Note: a\rFrom: m@evil.example\r\n",
        b"X-Note: a\nFrom: m@evil.example\r\n",
        b"X-Note: a\0\r\n",
        b"From : m@evil.example\r\n",
        b"no colon here\r\n",
        b" folded into nothing\r\n",
        b"From alice Thu Sep 10 2026\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Sender: a@b.example\r\nSender: c@d.example\r\n",
    ],
)
def test_what_is_put_above_a_signed_mail_is_refused_by_the_gate(extra):
    finding = look(extra + signed())

    assert (finding.kind, finding.grade, finding.reason) == (Kind.MALFORMED, Grade.X, Reason.GATE)


def test_a_signature_over_a_part_of_the_text_is_refused():
    mail = ENGLISH.build()
    body = mail.partition(b"\r\n\r\n")[2]
    finding = look(AMAZON.sign(mail, length=len(body)) + b"more words")

    assert (finding.kind, finding.grade, finding.reason) == (Kind.FORGED, Grade.X, Reason.SIGNATURE_REFUSED)


@pytest.mark.parametrize("left_out", ["To", "Subject", "Date", "Message-ID", "Content-Type", "From"])
def test_a_signature_that_leaves_out_what_is_read_is_refused(left_out):
    names = [name for name in ("Date", "From", "To", "Message-ID", "Subject", "Content-Type") if name != left_out]

    assert look(AMAZON.sign(ITALIAN.build(), signed=names)).reason is Reason.SIGNATURE_REFUSED


def test_the_old_hash_is_refused():
    assert look(AMAZON.sign(ITALIAN.build(), tags={"a": "rsa-sha1"})).reason is Reason.SIGNATURE_REFUSED


def test_a_signature_without_a_date_is_refused():
    assert look(AMAZON.sign(ITALIAN.build(), at=None)).reason is Reason.SIGNATURE_REFUSED


def test_a_notice_of_30_days_ago_still_counts_and_an_older_one_is_a_replay():
    raw = signed()

    assert look(raw, now=NOW + timedelta(days=30)).grade is Grade.A1
    late = look(raw, now=NOW + timedelta(days=30, seconds=1))
    assert (late.kind, late.grade, late.reason) == (Kind.OPT_OUT, Grade.X, Reason.TOO_OLD)


def test_a_clock_may_be_five_minutes_ahead_and_no_more():
    assert look(signed(at=NOW + timedelta(minutes=5))).grade is Grade.A1
    early = look(signed(at=NOW + timedelta(minutes=5, seconds=1)))
    assert (early.grade, early.reason) == (Grade.X, Reason.FROM_THE_FUTURE)


def test_an_expired_signature_is_refused():
    past = {"x": str(int(NOW.timestamp()) - 1)}

    assert look(AMAZON.sign(ITALIAN.build(), tags=past)).reason is Reason.SIGNATURE_REFUSED


# Not a notice, though Amazon signed it


@pytest.mark.parametrize("order", [ORDER, OTHER_ORDER])
def test_a_buyers_message_that_quotes_the_sentence_is_a_buyers_message(order):
    body = "------------- Message: -------------\r\n" + EN_SENTENCE.format(order=order)
    finding = look(signed(plain(body, sender=f"Paola <{ALIAS}>", subject=EN_SUBJECT)))

    assert (finding.kind, finding.grade) == (Kind.BUYER_MESSAGE, None)


@pytest.mark.parametrize("has_type", [True, False])
def test_the_copy_of_the_sellers_own_message_is_no_notice(has_type):
    extra = (("X-Space-Notification-Type", "BBC_MESSAGE_CONFIRMATION_TO_MERCHANT"),) if has_type else ()
    body = "------------- Begin message -------------\r\n" + EN_SENTENCE.format(order=ORDER)
    finding = look(signed(plain(body, sender="Amazon.com <donotreply@amazon.com>", extra=extra)))

    assert (finding.kind, finding.grade) == (Kind.OTHER_AMAZON, None)


def test_the_sentence_from_another_address_of_amazon_waits_for_a_person():
    finding = look(signed(replace(ITALIAN, sender="Amazon.it <store-news@amazon.com>")))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.UNUSUAL_SENDER)


@pytest.mark.parametrize(
    "delimiter",
    [
        "------------- Message: -------------",
        "------------- Messaggio: -------------",
        "------------- Iniciar mensagem -------------",
        "-----Nachricht-----",
        "  ------ Mensaje ------  ",
    ],
)
def test_what_stands_after_a_message_delimiter_is_not_amazons_word(delimiter):
    finding = look(signed(plain(f"Hello\r\n{delimiter}\r\n{EN_SENTENCE.format(order=ORDER)}\r\n")))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.SUBJECT_ONLY)


def test_a_quoted_sentence_in_a_mail_that_is_no_forward_does_not_count():
    assert look(signed(plain("> " + EN_SENTENCE.format(order=ORDER)))).reason is Reason.SUBJECT_ONLY


@pytest.mark.parametrize(
    "declared",
    ["BBC_MESSAGE_SENT_TO_MERCHANT", "BBC_MESSAGE_CONFIRMATION_TO_MERCHANT", "REFUND_ISSUED", "SOMETHING_NEW"],
)
def test_another_declared_type_is_a_veto(declared):
    finding = look(signed(replace(ITALIAN, extra=(("X-Space-Notification-Type", declared),))))

    assert finding.kind in (Kind.OTHER_AMAZON, Kind.BUYER_MESSAGE)
    assert finding.grade is None


def test_a_second_type_added_on_the_way_does_not_hide_a_veto():
    extra = (("X-Space-Notification-Type", "BUYER_OPTED_OUT_BSM_MESSAGES"),
             ("X-Space-Notification-Type", "REFUND_ISSUED"))  # fmt: skip

    assert look(signed(replace(ITALIAN, extra=extra))).kind is Kind.OTHER_AMAZON


def test_the_declared_type_alone_proves_nothing_and_raises_an_alarm():
    extra = (("X-Space-Notification-Type", "BUYER_OPTED_OUT_BSM_MESSAGES"),)
    finding = look(signed(plain(f"Refund for order {ORDER}", subject="Refund", extra=extra)))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.UNKNOWN_WORDING)


def test_the_declared_type_is_not_needed():
    assert look(signed(ITALIAN)).grade is Grade.A1


def test_an_unknown_subject_waits_for_a_person():
    finding = look(signed(replace(ITALIAN, subject="Il tuo messaggio")))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.UNKNOWN_SUBJECT)


def test_the_subject_of_one_language_does_not_go_with_the_text_of_another():
    assert look(signed(replace(ITALIAN, subject=EN_SUBJECT))).reason is Reason.UNKNOWN_SUBJECT


def test_an_automatic_reply_is_no_notice():
    finding = look(signed(replace(ITALIAN, extra=(("Auto-Submitted", "auto-replied (vacation)"),))))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.NOT_AN_OPT_OUT, None, Reason.AUTOMATIC_REPLY)


@pytest.mark.parametrize("name", ATTESTED)
def test_a_notice_that_came_by_way_of_a_list_waits_for_a_person(name):
    """A seller's shared mailbox may be a group: nobody signs the group's mark, and the notice must not get lost."""
    finding = look(b"List-ID: <orders.shop.example>\r\n" + signed(replace(ATTESTED[name], to=MAILBOX)))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.MAILING_LIST)
    assert finding.order_id == ORDER


@pytest.mark.parametrize("field", ["X-Original-From", "X-Original-Sender", "Reply-To"])
def test_a_notice_that_the_sellers_group_sends_under_its_own_name_waits_for_a_person(field):
    """Amazon's DMARC policy makes groups write From anew, so that no signature of Amazon's is left."""
    mail = replace(ENGLISH, sender="'Amazon.com' via Orders <orders@shop.example>", subject=f"[Orders] {EN_SUBJECT}")
    plain = b"\r\n".join(line for line in mail.build().split(b"\r\n") if not line.startswith(b"Reply-To:"))
    kept = f'List-ID: <orders.shop.example>\r\n{field}: "Amazon.com" <auto-communication@amazon.com>\r\n'.encode()
    finding = look(kept + plain)

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.MAILING_LIST)
    assert finding.order_id == ORDER
    evil = kept.replace(b"@amazon.com", b"@amazon.com.evil.example")
    assert look(evil + plain).kind is Kind.NOT_AN_OPT_OUT


def test_a_list_that_writes_about_notices_is_none():
    mail = replace(ITALIAN, sender="Sellers <list@sellers.example>", extra=(("List-Id", "<sellers.example>"),))

    assert (look(mail.build()).kind, look(mail.build()).reason) == (Kind.NOT_AN_OPT_OUT, Reason.MAILING_LIST)


def test_a_generated_mail_may_be_a_notice():
    assert look(signed(replace(ITALIAN, extra=(("Auto-Submitted", "auto-generated"),)))).grade is Grade.A1


def test_a_delivery_report_that_returns_the_notice_is_no_notice():
    report = attached(signed()).replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status")
    finding = look(report.replace(b"message/rfc822", b"text/rfc822-headers"))

    assert (finding.kind, finding.reason) == (Kind.NOT_AN_OPT_OUT, Reason.DELIVERY_REPORT)


# Order, buyer, marketplace


def test_the_alias_and_the_marketplace_come_from_the_signed_link():
    finding = look(signed())

    assert (finding.alias, finding.marketplace_id) == (ALIAS, "APJ6JRA9NG5V4")


def test_the_alias_loses_the_suffix_of_its_thread():
    mail = replace(ITALIAN, body=italian_html(alias="X7C2M9Q4T1W8Z5B+A1B2@Marketplace.Amazon.IT"))

    assert look(signed(mail)).alias == ALIAS


def test_the_declared_marketplace_fills_in_for_a_missing_alias():
    mail = replace(ITALIAN, body=italian_html(alias=None), extra=(("X-Marketplace-ID", "APJ6JRA9NG5V4"),))
    finding = look(signed(mail))

    assert (finding.grade, finding.alias, finding.marketplace_id) == (Grade.A1, None, "APJ6JRA9NG5V4")


@pytest.mark.parametrize("declared", ["ATVPDKIKX0DER", "A1PA6795UKMFR9"])
def test_an_alias_of_another_marketplace_is_a_contradiction(declared):
    finding = look(signed(replace(ITALIAN, extra=(("X-Marketplace-ID", declared),))))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.X, Reason.MARKETPLACE_DISAGREES)


def test_an_unknown_marketplace_contradicts_nothing():
    assert look(signed(replace(ITALIAN, extra=(("X-Marketplace-ID", "A0NEWMARKET00"),)))).grade is Grade.A1


def test_two_buyers_in_one_notice_are_a_contradiction():
    body = italian_html() + '<a href="mailto:aaaaabbbbbccccc@marketplace.amazon.it">x</a>'
    finding = look(signed(replace(ITALIAN, body=body)))

    assert (finding.grade, finding.reason) == (Grade.X, Reason.TWO_BUYERS)


@pytest.mark.parametrize(
    "address", ["x7c2m9q4t1w8z5b@marketplace.amazon.it.evil.example", "short@marketplace.amazon.it"]
)
def test_an_address_that_is_no_alias_is_not_taken_for_one(address):
    finding = look(signed(replace(ITALIAN, body=italian_html(alias=address))))

    assert (finding.grade, finding.alias) == (Grade.A1, None)


def test_two_order_ids_in_preheader_and_text_are_a_contradiction():
    finding = look(signed(replace(ITALIAN, body=italian_html(second=OTHER_ORDER))))

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.PROBABLE_OPT_OUT, Grade.X, Reason.ORDER_IDS_DISAGREE,
    )  # fmt: skip
    assert finding.order_id is None


def test_other_order_ids_elsewhere_do_not_matter():
    body = EN_SENTENCE.format(order=ORDER) + "\r\n" + "Some words of help. " * 20 + f"\r\nSee also {OTHER_ORDER}\r\n"

    assert look(signed(plain(body))).order_id == ORDER


def test_a_buyers_name_that_holds_an_order_id_does_not_choose_the_order():
    name = f"X per l'ordine {OTHER_ORDER} perché"
    finding = look(signed(replace(ITALIAN, body=italian_html(name=name))))

    assert finding.reason is Reason.ORDER_IDS_DISAGREE


@pytest.mark.parametrize("name", ["Paola", "O'Neil", "Zoë 2", "李", "Anna-Maria [Mimi]", "D’Angelo & Figli", "x" * 80])
def test_buyers_are_called_many_things(name):
    assert look(signed(replace(ITALIAN, body=italian_html(name=name)))).grade is Grade.A1


@pytest.mark.parametrize(
    "order_id",
    [
        "407\u20111111111\u20112222222",
        "407\u20131111111\u20132222222",
        "407-\u00ad1111111-2222222",
        "\uff14\uff10\uff17\uff0d\uff11111111\uff0d2222222",
        "\u200e407-1111111-2222222\u200f",
        "407\u20101111111\u20102222222",
        "<b>407-1111111-2222222</b>",
        '<a href="https://sellercentral.amazon.it/o">407-1111111-2222222</a>',
        "407-1111111-\r\n2222222",
    ],
)
def test_an_order_id_is_read_in_every_dress(order_id):
    assert look(signed(replace(ITALIAN, body=italian_html(order_id)))).order_id == ORDER


@pytest.mark.parametrize(
    "order_id",
    ["407-1111111-222222", "4071-1111111-2222222", "407-1111111-22222222", "407-111111-2222222", "D01-1111111-2222222"],
)
def test_what_is_no_order_id_is_no_notice(order_id):
    assert look(signed(plain(EN_SENTENCE.format(order=order_id)))).order_id is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" ", "\u00a0"),
        (" ", "  \t"),
        (" ", "\r\n"),
        ("messaggi", "mes\u00adsaggi"),
        ("'", "’"),
        ("é", "e\u0301"),
        ("di recapitare", "DI RECAPITARE"),
        ("venditori", "vendi\u200btori"),
        ("per l'ordine", "per\r\n\tl'ordine"),
    ],
)
def test_the_sentence_is_read_in_every_dress(old, new):
    words = IT_MAIN.format(name="Paola", order=ORDER).replace(old, new)
    finding = look(signed(plain(words, subject=IT_SUBJECT)))

    assert (finding.grade, finding.order_id) == (Grade.A1, ORDER)


@pytest.mark.parametrize("charset", ["ISO-2022-JP", "UTF-8", "Shift_JIS", "EUC-JP"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_japanese_is_read_in_every_charset(charset, encoding):
    finding = look(signed(replace(JAPANESE, charset=charset, encoding=encoding)))

    assert (finding.grade, finding.order_id) == (Grade.A1, ORDER)


@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1", "windows-1252", "ISO-8859-15"])
@pytest.mark.parametrize("mail", [FRENCH, ITALIAN], ids=["fr", "it"])
def test_accents_are_read_in_every_charset(charset, mail):
    mail = replace(mail, charset=charset, body=mail.body.replace("’", "'"), subject=mail.subject.replace("’", "'"))

    assert look(signed(mail)).order_id == ORDER


def test_japanese_whose_label_was_lost_is_still_read():
    raw = JAPANESE.build().replace(b"text/plain; charset=ISO-2022-JP", b"text/plain; charset=us-ascii")

    assert look(replace(AMAZON, domain="amazon.co.jp").sign(raw)).order_id == ORDER


def test_japanese_lines_break_anywhere():
    body = JAPANESE.body.replace("設定して", "設定\r\nして").replace("注文 ", "注文　")

    assert look(signed(replace(JAPANESE, body=body))).order_id == ORDER


@pytest.mark.parametrize("prefix", ["", "> "])
def test_a_text_in_plain_and_html_is_one_notice(prefix):
    boundary = b"----=_Part_1_2.3"
    raw = ITALIAN.build()
    extra = (
        b"--" + boundary + b"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n"
        + (prefix + IT_MAIN.format(name="Paola", order=ORDER)).encode() + b"\r\n"
    )  # fmt: skip
    raw = raw.replace(b"--" + boundary + b"\r\n", extra + b"--" + boundary + b"\r\n", 1)

    assert look(AMAZON.sign(raw)).grade is Grade.A1


# Broken by a forwarder, by hand, attached


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=microsoft.com\r\n", Reason.SEAL_INCOMPLETE),
        (b"X-MS-Exchange-Inbox-Rules-Loop: alice@shop.example\r\n", Reason.BROKEN_BY_FORWARDER),
        (b"Return-Path: <SRS0=ab=cd=amazon.com=x@shop.example>\r\n", Reason.BROKEN_BY_FORWARDER),
        (b"Return-Path: <alice+SRS=ab=cd=amazon.com=x@shop.example>\r\n", Reason.BROKEN_BY_FORWARDER),
    ],
)
def test_a_signature_that_a_forwarder_broke_is_unproved_and_not_forged(trace, reason):
    finding = look(trace + signed().replace(b"Gentile", b"[EXTERNAL] Gentile"))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.D, reason)
    assert finding.order_id == ORDER


@pytest.mark.parametrize("subject", ["Fwd: {}", "FW: {}", "WG: {}", "I: {}", "Fwd: FW: {}", "TR: {}", "[Fwd: {}]"])
def test_a_forward_by_hand_is_recognised_and_proves_nothing(subject):
    body = (
        "FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Amazon.com <auto-communication@amazon.com>\r\n"
        f"Subject: {EN_SUBJECT}\r\n\r\nDear Seller,\r\n{EN_SENTENCE.format(order=ORDER)}\r\n"
    )
    mail = plain(body, sender="Bob <bob@gmail.com>", subject=subject.format(EN_SUBJECT))
    finding = look(GMAIL.sign(mail.build()))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.D, Reason.FORWARDED_BY_HAND)
    assert (finding.order_id, finding.route, finding.forwarded_by) == (ORDER, Route.BY_HAND, "bob@gmail.com")


def test_a_forward_by_hand_in_quoted_lines_is_recognised():
    quoted = f"Da: Amazon <auto-communication@amazon.com>\r\n\r\n{IT_MAIN.format(name='Paola', order=ORDER)}"
    body = "\r\n".join("> " + line for line in quoted.split("\r\n"))
    finding = look(plain(body, sender="bob@shop.example", subject="Fwd: " + IT_SUBJECT).build())

    assert (finding.kind, finding.reason, finding.order_id) == (Kind.OPT_OUT, Reason.FORWARDED_BY_HAND, ORDER)


def test_a_forward_by_hand_without_the_quoted_sender_is_only_probable():
    mail = plain(EN_SENTENCE.format(order=ORDER), sender="bob@gmail.com", subject="Fwd: " + EN_SUBJECT)
    finding = look(GMAIL.sign(mail.build()))

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.PROBABLE_OPT_OUT, None, Reason.FORWARDED_BY_HAND,
    )  # fmt: skip


@pytest.mark.parametrize("prefix", ["Re: ", "AW: ", "R: ", "SV: ", "RE: Fwd: "])
def test_a_reply_that_quotes_the_notice_is_no_notice(prefix):
    body = "Thanks!\r\n> From: auto-communication@amazon.com\r\n> " + EN_SENTENCE.format(order=ORDER)
    finding = look(GMAIL.sign(plain(body, sender="bob@gmail.com", subject=prefix + EN_SUBJECT).build()))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.NOT_AN_OPT_OUT, None, Reason.REPLY)


def test_a_newsletter_that_quotes_the_sentence_is_no_notice():
    mail = plain(f"Amazon now writes: {EN_SENTENCE.format(order=ORDER)}", sender="news@evil.example", subject="News")
    finding = look(EVIL.sign(mail.build()))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.NOT_AN_OPT_OUT, None, Reason.QUOTED_SENTENCE)


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_two_attached_originals_are_two_notices(encoding):
    first, second = signed(replace(ITALIAN, to=MAILBOX)), signed(replace(ENGLISH, to="unknown@x.example"))
    findings = examine(attached(first, second, encoding=encoding), resolver=FakeDns(), context=Seller().context())

    assert [finding.grade for finding in findings] == [Grade.A4, Grade.A4_UNKNOWN]
    assert {finding.order_id for finding in findings} == {ORDER}
    assert all(finding.route is Route.ATTACHED for finding in findings)


def test_an_original_attached_to_an_attached_mail_is_found():
    assert look(attached(attached(signed()))).grade is Grade.A4


def test_an_attached_copy_without_a_signature_proves_no_more_than_a_forward_by_hand():
    finding = look(attached(ITALIAN.build()))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.D, Reason.ATTACHED_UNSIGNED)


def test_an_attached_copy_without_a_signature_is_worth_what_its_sender_is():
    raw = GMAIL.sign(attached(ITALIAN.build(), sender="Alice <alice@gmail.com>"))
    finding = look(raw, seller=Seller(mailboxes=frozenset({"alice@gmail.com"})))

    assert (finding.kind, finding.grade) == (Kind.OPT_OUT, Grade.C)


# Other kinds


@pytest.mark.parametrize("word", ["", "temporarily "])
def test_a_restricted_account_is_recognised_with_its_grade(word):
    body = f"This message was not delivered because your account was {word}restricted from sending proactive messages."
    finding = look(signed(plain(body, subject="Not delivered")))

    assert (finding.kind, finding.grade) == (Kind.RESTRICTED, Grade.A1)


def test_a_message_blocked_for_its_content_is_recognised():
    body = "This message was not sent as it did not meet the Buyer-Seller Messaging communication guidelines."
    finding = look(signed(plain(body, subject="Not sent", sender="Amazon <donotreply@amazon.com>")))

    assert (finding.kind, finding.grade) == (Kind.BLOCKED_FOR_CONTENT, Grade.A1)


def test_a_restricted_account_in_a_strangers_words_is_nothing():
    body = "your account was restricted from sending proactive messages"

    assert look(EVIL.sign(plain(body, sender="x@evil.example").build())).kind is Kind.NOT_AN_OPT_OUT


LINK = "https://mail-settings.google.com/mail/{}-%5BANGjdJ_token%5D-Hw4sbX3fa"


def gmail_question(link: str = "vf", *, subject: str = "(Gmail Forwarding Confirmation") -> bytes:
    cancel = LINK.format("uf")
    body = f"{MAILBOX} has requested to forward.\r\n{cancel}\r\n{LINK.format(link)}\r\nhttps://x?answer=184973\r\n"
    mail = plain(body, sender="Gmail Team <forwarding-noreply@google.com>", subject=subject)
    return GOOGLE.sign(mail.build(), signed=["From", "To", "Subject", "Date", "Message-ID"])


def test_gmails_question_shows_the_confirming_link_and_not_the_cancelling_one():
    finding = look(gmail_question())

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.FORWARDING_CONFIRMATION, None, Reason.FORWARDING_REQUEST,
    )  # fmt: skip
    assert finding.confirmation is not None
    assert finding.confirmation.link == LINK.format("vf")
    assert (finding.confirmation.code, finding.confirmation.mailbox) == (None, MAILBOX)


def test_gmails_old_question_has_a_code():
    finding = look(gmail_question(subject="(#314159265) Gmail Forwarding Confirmation"))

    assert finding.confirmation is not None
    assert finding.confirmation.code == "314159265"


def test_gmails_question_with_only_the_cancelling_link_shows_none():
    finding = look(gmail_question("uf"))

    assert finding.reason is Reason.FORWARDING_REQUEST_WITHOUT_LINK
    assert finding.confirmation is not None
    assert finding.confirmation.link is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.partition(b"\r\n")[2],
        lambda raw: raw.replace(b"mail-settings", b"mail-s3ttings"),
        lambda raw: raw.replace(b"d=google.com", b"d=evil.example"),
    ],
)
def test_a_forged_gmail_question_shows_no_link(change):
    finding = look(change(gmail_question()))

    assert (finding.kind, finding.grade) == (Kind.FORGED, Grade.X)
    assert finding.confirmation is None


@pytest.mark.parametrize(
    "link",
    ["http://mail.google.com/mail/vf-aaaaaaaaaa", "https://mail.google.com.evil.example/mail/vf-aaaaaaaaaa",
     "https://evil.example/mail.google.com/mail/vf-aaaaaaaaa", "https://mail.google.com@evil.example/mail/vf-aaaaaaaaa",
     "https://mail.google.com/mail/../vf-aaaaaaaaaaa", "https://mail.google.com:8443/mail/vf-aaaaaaaaaaaa"],
)  # fmt: skip
def test_only_googles_own_link_is_shown(link):
    mail = plain(f"click {link} now", sender="forwarding-noreply@google.com", subject="x")
    finding = look(GOOGLE.sign(mail.build()))

    assert finding.confirmation is not None
    assert finding.confirmation.link is None


def test_an_unconfigured_japanese_sender_is_not_trusted_when_the_list_says_so():
    context = replace(Seller().context(), notice_senders=frozenset({"auto-communication@amazon.com"}))
    finding = examine(signed(JAPANESE), resolver=FakeDns(), context=context)[0]

    assert (finding.kind, finding.reason) == (Kind.PROBABLE_OPT_OUT, Reason.UNUSUAL_SENDER)


def test_a_file_with_bare_newlines_throughout_is_read_as_if_it_had_crlf():
    assert look(signed().replace(b"\r\n", b"\n")).grade is Grade.A1
