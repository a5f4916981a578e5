"""What people forward by hand: every client, in every locale, with every notice, and what they add to it."""

from collections import Counter
from dataclasses import replace

import pytest

from optouts.decisions import Grade
from optouts.examination import MAX_ATTACHED, Finding, examine
from optouts.forward_marks import Label, is_separator, label_of
from optouts.reasons import Kind, Reason
from optouts.unwrapping import Route
from optouts.wording import normalise
from tests.notices.builder import (
    ATTESTED,
    EN_SENTENCE,
    EN_SUBJECT,
    EVIL,
    GMAIL,
    INBOUND,
    ITALIAN,
    JA_SENTENCE,
    JA_SUBJECT,
    ORDER,
    FakeDns,
    Mail,
    Seller,
    attached,
    signed,
)
from tests.notices.forwards import ALIAS, CLIENTS, LOCALES, NOTICES, Forward, Notice

ALICE = frozenset({"alice@gmail.com"})
NEAR_ID = "outlook in HTML"  # its disclaimer names another order right below the notice
PROVED = {Grade.A1, Grade.A2, Grade.A3, Grade.A4, Grade.A4_UNKNOWN, Grade.B}
GERMAN = next(locale for locale in LOCALES if locale.code == "de")
ENGLISH = next(notice for notice in NOTICES if notice.language == "en")


def look(raw: bytes, *, mailboxes: frozenset[str] = ALICE, promoted: frozenset[str] = frozenset()) -> Finding:
    context = replace(Seller(mailboxes=mailboxes).context(), promoted=promoted)
    (finding,) = examine(raw, resolver=FakeDns(), context=context)
    return finding


def some_forwards(client: str) -> list[Forward]:
    """Every locale with every attested notice and three of the others in turn."""
    attested = [notice for notice in NOTICES if notice.is_attested]
    others = [notice for notice in NOTICES if not notice.is_attested]
    found = []
    for number, locale in enumerate(LOCALES):
        turn = [others[(number + step) % len(others)] for step in (0, 3, 6)]
        found += [Forward(client, locale.code, notice, CLIENTS[client](locale, notice)) for notice in attested + turn]
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_a_forward_of_each_client_is_recognised_in_each_locale_and_never_proved(client):
    results: Counter[str] = Counter()
    for forward in some_forwards(client):
        finding = look(forward.mail.build())
        assert finding.grade not in PROVED
        is_attested = forward.notice.is_attested and client != NEAR_ID
        expected = (Kind.OPT_OUT, Grade.D) if is_attested else (Kind.PROBABLE_OPT_OUT, finding.grade)
        is_right = (finding.kind, finding.grade) == expected and finding.order_id == ORDER
        results["right" if is_right else f"{forward.locale} {forward.notice.language} {finding.reason.name}"] += 1

    assert results == {"right": len(LOCALES) * 7}


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "a forward of a forward"])
def test_the_signature_of_a_registered_mailbox_makes_a_known_person(client):
    mail = CLIENTS[client](GERMAN, ENGLISH)
    raw = GMAIL.sign(mail.build())
    expected = (Grade.X, Reason.ORDER_IDS_DISAGREE) if client == NEAR_ID else (Grade.C, Reason.FORWARDED_BY_REGISTERED)

    assert (look(raw).grade, look(raw).reason) == expected
    assert look(raw, mailboxes=frozenset()).grade in (Grade.D, Grade.X)
    assert look(EVIL.sign(mail.build())).grade in (Grade.D, Grade.X)
    assert look(raw + b"more").grade in (Grade.D, Grade.X)


@pytest.mark.parametrize(
    "client", ["gmail", "outlook", "apple", "thunderbird", "gmx", "zoho", "a forward of a forward"]
)
def test_the_alias_and_the_person_are_shown(client):
    finding = look(CLIENTS[client](GERMAN, ENGLISH).build())

    assert (finding.alias, finding.forwarded_by, finding.route) == (ALIAS, "alice@gmail.com", Route.BY_HAND)


@pytest.mark.parametrize("charset", ["UTF-8", "windows-1252", "ISO-8859-1", "ISO-8859-15"])
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("client", ["outlook", "outlook in HTML", "gmx"])
def test_western_charsets_are_read(charset, encoding, client):
    french = next(notice for notice in NOTICES if notice.language == "fr")
    plain = Notice("fr", french.subject.replace("’", "'"), french.sentence.replace("’", "'"), True)
    mail = CLIENTS[client](GERMAN, plain)

    assert look(replace(mail, charset=charset, encoding=encoding).build()).order_id == ORDER


@pytest.mark.parametrize("charset", ["ISO-2022-JP", "Shift_JIS", "EUC-JP", "UTF-8"])
@pytest.mark.parametrize("client", ["outlook", "thunderbird", "apple"])
def test_japanese_charsets_are_read(charset, client):
    japanese = next(locale for locale in LOCALES if locale.code == "ja")
    notice = next(notice for notice in NOTICES if notice.language == "ja")
    mail = replace(CLIENTS[client](japanese, notice), charset=charset, encoding="base64")

    assert look(mail.build()).order_id == ORDER


@pytest.mark.parametrize("charset", ["GB18030", "GBK", "GB2312", "UTF-8"])
def test_chinese_charsets_are_read(charset):
    chinese = next(locale for locale in LOCALES if locale.code == "zh-cn")
    mail = replace(CLIENTS["outlook"](chinese, NOTICES[-1]), charset=charset, encoding="base64")
    finding = look(mail.build())

    assert (finding.kind, finding.language, finding.order_id) == (Kind.PROBABLE_OPT_OUT, "zh", ORDER)


def by_hand(rows: list[str], subject: str = "Fwd: " + EN_SUBJECT) -> Mail:
    return Mail(
        sender="alice@gmail.com", to=INBOUND, subject=subject, body="\r\n".join(rows), content_type="text/plain",
        is_alternative=False,
    )  # fmt: skip


NOTICE_ROWS = [
    "From: Amazon <auto-communication@amazon.com>",
    f"Subject: {EN_SUBJECT}",
    "",
    EN_SENTENCE.format(order=ORDER),
]


def test_what_a_buyer_writes_below_his_own_block_is_not_amazons():
    rows = [f"From: Paola <{ALIAS}>", "Subject: Question", "", "please see", "", *NOTICE_ROWS]
    finding = look(GMAIL.sign(by_hand(rows).build()))

    assert (finding.kind, finding.grade) == (Kind.BUYER_MESSAGE, None)


@pytest.mark.parametrize(
    "rows",
    [
        ["From: Paola - Amazon Marketplace", "Sent: x", "Subject: Question", "", "please see"],
        ["From: Bob <bob@evil.example>", "Date: x", "Subject: look", "", "see"],
        ["Frá: Bob", "Dagsetning: x", f"Efni: Fwd: {EN_SUBJECT}", "", "see"],
        ["Frá: Bob <bob@evil.example>", "Dagsetning: x", "Efni: look", "", "see"],
        ["Frá: bob@gmail.com", "Dagsetning: x"],
        ["Кому: alice@gmail.com", "Тема: look", "От: Bob <bob@evil.example>", "", "see", "", "and see"],
        ["On Monday, Bob <bob@evil.example> wrote:", "", "see"],
        ["On Thu, Sep 10, 2026 at 2:04 AM, Bob wrote:", "see", ""],
        ["Bob schrieb:", "see", ""], ["Le jeu. 10 sept. 2026 à 02:04, Bob a écrit :", ""],
        ["2026/09/10 9:04、Bobのメール:", ""], ["在 2026年9月10日，Bob 写道：", ""], ["Bob, 10.9.2026 2.04:", ""],
        ["Daripada: Bob", "Tarikh: 10 September 2026 2:04", "Kepada: Alice", "Perkara: salam", "", "see"],
        ["Kimdan: Bob", "Sana: 10.09.2026", "Mavzu: salom hamma", "", "see", "", "---- Forwarded message ----"],
        ["از: Bob", "تاریخ: 10 2026", "به: Alice", "موضوع: salam", "", "see"],
    ],
)
def test_what_a_registered_mailbox_quotes_out_of_a_strangers_mail_is_the_strangers_word(rows):
    finding = look(GMAIL.sign(by_hand([*rows, *NOTICE_ROWS]).build()))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.OPT_OUT, Grade.D, ORDER)


@pytest.mark.parametrize(
    "row",
    ["Reply-To: Bob <bob@evil.example>", "Sender: b@evil.example", "Antwort an: b@evil.example", "From: b@evil.net"],
)
def test_a_quoted_block_that_names_a_stranger_beside_amazon_is_not_the_forwarders_word(row):
    rows = [NOTICE_ROWS[0], row, *NOTICE_ROWS[1:]]

    assert look(GMAIL.sign(by_hand(rows).build())).grade is Grade.D
    rows[1] = "Reply-To: Amazon <auto-communication@amazon.com>"
    assert look(GMAIL.sign(by_hand(rows).build())).grade is Grade.C


@pytest.mark.parametrize(
    "rows",
    [
        ["Hallo, bitte beachten:", ""], ["Please handle this one:", "", "Thanks", ""],
        ["Alice Shop GmbH", "Geschäftsführer: Alice Shop", "Registergericht: Köln", "Tel.: +49 30 1234567", ""],
        ["Begin forwarded message:", ""], ["Début du message transféré :", ""], ["転送されたメッセージ:", ""],
    ],
)
def test_a_note_and_a_signature_above_what_is_quoted_name_nobody_else(rows):
    assert look(GMAIL.sign(by_hand([*rows, *NOTICE_ROWS]).build())).grade is Grade.C


def test_a_registered_mailbox_may_sign_with_its_own_address_above_what_it_quotes():
    rows = ["Please handle.", "-- ", "Alice, +49 30 1234567", "E-Mail: alice@gmail.com", "", *NOTICE_ROWS]

    assert look(GMAIL.sign(by_hand(rows).build())).grade is Grade.C


def test_a_forward_of_a_forward_is_worth_no_more_than_its_stranger():
    assert look(GMAIL.sign(CLIENTS["a forward of a forward"](GERMAN, ENGLISH).build())).grade is Grade.D


def test_a_copy_of_the_sellers_own_message_is_not_a_notice_when_it_is_forwarded():
    rows = ["From: Amazon <donotreply@amazon.com>", "Subject: Copy", "", "------ Message: ------", *NOTICE_ROWS]

    assert look(GMAIL.sign(by_hand(rows).build())).kind is Kind.OTHER_AMAZON


def test_other_orders_above_and_far_below_do_not_matter():
    rows = ["See 111-2222222-3333333 too", *NOTICE_ROWS, *["Some words of help."] * 20, "114-2222222-3333333"]

    assert (look(by_hand(rows).build()).kind, look(by_hand(rows).build()).order_id) == (Kind.OPT_OUT, ORDER)


@pytest.mark.parametrize(("words", "kind"), [(4, Kind.PROBABLE_OPT_OUT), (12, Kind.OPT_OUT)])
def test_a_japanese_notice_is_short_so_that_another_order_is_sooner_far_below(words, kind):
    head = [
        "差出人: Amazon <auto-communication@amazon.co.jp>",
        f"件名: {JA_SUBJECT}",
        "",
        JA_SENTENCE.format(order=ORDER),
    ]
    finding = look(by_hand([*head, *["重要な連絡の場合は"] * words, "114-2222222-3333333"]).build())

    assert (finding.kind, finding.order_id) == (kind, ORDER)


@pytest.mark.parametrize("prefix", ["PR: ", "YML: Fwd: ", "[przekazane] ", "Överfört: RE: "])
def test_a_subject_is_read_behind_words_that_no_table_knows(prefix):
    rows = ['On Monday, "Amazon.com" <auto-communication@amazon.com> wrote:', "", EN_SENTENCE.format(order=ORDER)]
    finding = look(GMAIL.sign(by_hand(rows, subject=prefix + EN_SUBJECT).build()))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.OPT_OUT, Grade.C, ORDER)


def test_a_quoted_sender_by_name_alone_waits_for_a_person():
    rows = [
        "Von: Amazon.de",
        "Gesendet: Montag",
        "An: Alice",
        f"Betreff: {EN_SUBJECT}",
        "",
        EN_SENTENCE.format(order=ORDER),
    ]
    finding = look(GMAIL.sign(by_hand(rows).build()))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)


def test_a_notice_pasted_without_marks_waits_for_a_person_when_a_known_mailbox_sends_it():
    raw = by_hand(["see:", EN_SENTENCE.format(order=ORDER)], subject=EN_SUBJECT).build()

    assert (look(raw).kind, look(raw).grade, look(raw).order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)
    assert look(raw, mailboxes=frozenset()).kind is Kind.FORGED


def test_an_alias_in_a_link_that_a_filter_wrapped_is_read():
    rows = [*NOTICE_ROWS, "https://eu.safelinks.example/?url=mailto%3A" + ALIAS.replace("@", "%40") + "%3Fsubject&d=1"]

    assert look(by_hand(rows).build()).alias == ALIAS


def test_a_sender_that_was_wrapped_is_read():
    rows = ["From: Amazon Services Europe", "<auto-communication@amazon.com>", "Date: x", *NOTICE_ROWS[1:]]

    assert look(GMAIL.sign(by_hand(rows).build())).grade is Grade.C


@pytest.mark.parametrize(
    "sender",
    [
        "auto-communication@amazon.com <mallory@evil.example>",
        "auto-communication@amazon.com [mailto:mallory@evil.example]",
        "auto-communication@amazon.com\r\n<mallory@evil.example>",
        "mallory@evil.example\r\n(auto-communication@amazon.com)",
        "mallory@evil.example on behalf of auto-communication@amazon.com",
        "auto-communication@amazon.com <auto-communication@amazon.com.evil.example>",
        "<mallory@evil.example> auto-communication@amazon.com Date: x To: alice@gmail.com",
    ],
)
def test_who_takes_amazons_address_for_his_name_is_not_amazon(sender):
    rows = [f"From: {sender}", "Date: x", *NOTICE_ROWS[1:]]
    finding = look(GMAIL.sign(by_hand(rows).build()))

    assert finding.grade is not Grade.C


def test_a_sender_in_one_line_with_the_recipient_is_read():
    rows = ["-- Forwarded Message -- From: {} To: alice@gmail.com Subject: " + EN_SUBJECT, *NOTICE_ROWS[2:]]
    senders = ["Amazon <auto-communication@amazon.com>", '"auto-communication@amazon.com To: a" <mallory@evil.example>']
    grades = [look(GMAIL.sign(by_hand([rows[0].format(sender), *rows[1:]]).build())).grade for sender in senders]

    assert grades == [Grade.C, None]


def test_a_link_that_shows_amazons_address_and_leads_to_another_is_not_amazon():
    shown = '<a href="mailto:{}">auto-communication@amazon.com</a>'
    text = f"<div>From: {shown}<br>Date: x<br>Subject: {EN_SUBJECT}</div><p>{EN_SENTENCE.format(order=ORDER)}</p>"
    grades = [
        look(GMAIL.sign(replace(by_hand([text.format(leads_to)]), content_type="text/html").build())).grade
        for leads_to in ("auto-communication@amazon.com", "mallory@evil.example")
    ]

    assert grades == [Grade.C, None]


@pytest.mark.parametrize("name", ATTESTED)
def test_an_attached_copy_is_read_as_its_sender_is_known(name):
    raw = GMAIL.sign(attached(ATTESTED[name].build(), sender="alice@gmail.com"))

    assert (look(raw).grade, look(raw).reason) == (Grade.C, Reason.FORWARDED_BY_REGISTERED)
    assert look(raw, mailboxes=frozenset()).grade is Grade.D


def test_a_copy_inside_an_attached_mail_is_the_word_of_whoever_attached_it_there():
    raw = GMAIL.sign(attached(attached(ITALIAN.build()), sender="alice@gmail.com"))

    assert (look(raw).kind, look(raw).grade) == (Kind.OPT_OUT, Grade.D)


@pytest.mark.parametrize(
    "fields",
    [
        b'Content-Type: application/octet-stream; name="notice.eml"',
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=notice.EML",
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=UTF-8''n%20x.eml",
        b'Content-Type: application/octet-stream; name="=?UTF-8?B?bm90aWNlLmVtbA==?="',
        b"Content-Type: application/octet-stream; name*=UTF-8''n%20x%2Eeml",
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=noname",
        b'Content-Type: text/plain; name="notice.eml"',
        b"Content-Type: message/rfc822",
    ],
)
@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_an_original_is_found_however_it_is_attached(fields, encoding):
    raw = attached(signed(), encoding=encoding).replace(b"Content-Type: message/rfc822", fields)

    assert look(raw).grade is Grade.A4


def test_the_mails_of_a_digest_need_no_type_of_their_own():
    raw = attached(signed()).replace(b"multipart/mixed", b"multipart/digest")
    raw = raw.replace(b"Content-Type: message/rfc822\r\n", b"")

    assert look(raw).grade is Grade.A4


def test_an_attached_file_of_another_kind_is_not_read():
    raw = attached(signed()).replace(b"message/rfc822", b'application/octet-stream; name="notice.pdf"')

    assert look(raw).kind is Kind.NOT_AN_OPT_OUT


def test_a_tree_of_attached_mails_is_bounded():
    raw = attached(*[attached(*[signed()] * 6)] * 9)
    findings = examine(raw, resolver=FakeDns(), context=Seller().context())

    assert 0 < len(findings) <= MAX_ATTACHED + 1


def test_a_winmail_dat_is_named():
    raw = attached(b"x", sender="alice@gmail.com").replace(b"message/rfc822", b"application/ms-tnef; name=winmail.dat")

    assert (look(raw).kind, look(raw).reason) == (Kind.MALFORMED, Reason.WINMAIL)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("application/pkcs7-mime; name=smime.p7m", Reason.ENCRYPTED), ("application/pgp-encrypted", Reason.ENCRYPTED),
        ("application/zip; name=notices.zip", Reason.PACKED), ("application/pdf; name=notice.pdf", Reason.PACKED),
    ],
)  # fmt: skip
def test_what_is_never_opened_is_named(kind, reason):
    raw = attached(b"x", sender="alice@gmail.com").replace(b"message/rfc822", kind.encode())
    notice = raw.replace(b"Fwd: notices", b"Fwd: " + EN_SUBJECT.encode())

    assert (look(notice).kind, look(notice).reason) == (Kind.MALFORMED, reason)
    assert (look(raw).kind is Kind.MALFORMED) is (reason is Reason.ENCRYPTED)  # other people's documents are not ours


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("From: x", Label.SENDER), ("*Von:* x", Label.SENDER), ("Objet : x", Label.SUBJECT),
        ("件名： x", Label.SUBJECT),
        ("gesendet: x", Label.OTHER), ("Hello: x", None), ("no colon", None), (":", None), ("x" * 50 + ":", None),
    ],
)  # fmt: skip
def test_the_lines_of_a_header_block_are_known(line, label):
    found = label_of(normalise(line))

    assert (found[0] if found else None) is label


@pytest.mark.parametrize("line", ["---", "----- some text -----", "hello", "-" * 300, "", "__"])
def test_what_is_no_separator_is_none(line):
    assert not is_separator(line)
