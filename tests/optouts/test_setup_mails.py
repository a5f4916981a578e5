"""The questions of mailbox providers: who is believed, which link is shown, and what is only shown as text."""

from dataclasses import replace

import pytest

from optouts.examination import Finding, examine
from optouts.reasons import Kind, Reason
from tests.notices.builder import ENGLISH, EVIL, GOOGLE, INBOUND, MAILBOX, FakeDns, Mail, Seller, Signer

ZOHO, YAHOO, QQ = Signer("zohomail.com"), Signer("cc.yahoo-inc.com"), Signer("qq.com")
DNS = FakeDns(records={signer.name: signer.record for signer in (ZOHO, YAHOO, QQ)})
VF = "https://mail-settings.google.com/mail/vf-%5BANGjdJ_token%5D-Hw4sbX3fa"
ZOHO_LINK = "https://mail.zoho.eu/zm/verifyforward.do?id=1a2b"
YAHOO_LINK = "https://mail.yahoo.com/verify?token=1a2b"
QQ_LINK = "https://mail.qq.com/cgi-bin/autoforward?sid=1a2b"
QUESTIONS = {
    "Gmail": (GOOGLE, "Gmail Team <forwarding-noreply@google.com>", "(Gmail Forwarding Confirmation", VF),
    "Zoho Mail": (ZOHO, "Zoho <noreply@zohomail.com>", "Verify your forwarding address", ZOHO_LINK),
    "Yahoo Mail": (YAHOO, "Yahoo <no-reply@cc.yahoo-inc.com>", "Confirm mail forwarding", YAHOO_LINK),
    "QQ Mail": (QQ, "QQ <10000@qq.com>", "QQ邮箱自动转发验证邮件", QQ_LINK),
}


def look(raw: bytes) -> Finding:
    (finding,) = examine(raw, resolver=DNS, context=Seller().context())
    return finding


def question(provider: str, *, link: str | None = None, to: str = INBOUND) -> Mail:
    _, sender, subject, own = QUESTIONS[provider]
    body = f"{MAILBOX} asks to forward mail to {INBOUND}.\r\n{link or own}\r\n"
    return replace(ENGLISH, sender=sender, subject=subject, body=body, to=to)


@pytest.mark.parametrize("provider", QUESTIONS)
def test_a_providers_question_shows_its_link_and_who_asks(provider):
    finding = look(QUESTIONS[provider][0].sign(question(provider).build()))

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.FORWARDING_CONFIRMATION, None, Reason.FORWARDING_REQUEST,
    )  # fmt: skip
    assert finding.confirmation is not None
    assert (finding.confirmation.provider, finding.confirmation.link) == (provider, QUESTIONS[provider][3])
    assert finding.confirmation.mailbox == MAILBOX


@pytest.mark.parametrize("provider", QUESTIONS)
@pytest.mark.parametrize("signer", [None, EVIL])
def test_a_question_that_the_provider_did_not_sign_is_forged(provider, signer):
    raw = question(provider).build()
    finding = look(signer.sign(raw) if signer else raw)

    assert (finding.kind, finding.reason, finding.confirmation) == (Kind.FORGED, Reason.SETUP_NOT_SIGNED, None)


@pytest.mark.parametrize("provider", QUESTIONS)
def test_a_question_whose_recipient_is_not_signed_is_not_believed(provider):
    raw = QUESTIONS[provider][0].sign(question(provider).build(), signed=["From", "Subject", "Date", "Message-ID"])

    assert look(raw).kind is Kind.FORGED


@pytest.mark.parametrize("provider", QUESTIONS)
@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.replace("https://", "http://"), lambda link: link.replace(".com/", ".com.evil.example/"),
        lambda link: link.replace("https://", "https://evil.example/"), lambda link: link.replace("/vf-", "/uf-"),
        lambda link: link.replace("https://", "https://x@"), lambda link: link.replace(".com/", ".com:8443/"),
        lambda link: link.replace("mail", "mai1"),
    ],
)  # fmt: skip
def test_only_the_providers_own_hosts_are_linked(provider, change):
    link = QUESTIONS[provider][3]
    finding = look(QUESTIONS[provider][0].sign(question(provider, link=change(link)).build()))

    assert finding.confirmation is not None
    assert finding.confirmation.link in (None, link)
    assert change(link) == link or finding.confirmation.link is None


def test_other_mail_of_a_provider_is_not_a_question():
    mail = replace(question("Zoho Mail"), subject="Your invoice", body="Pay it: https://mail.zoho.eu/pay")

    assert look(ZOHO.sign(mail.build())).kind is Kind.NOT_AN_OPT_OUT


UNKNOWN = replace(
    ENGLISH, sender="noreply@evil.example", subject="Please confirm your forwarding",
    body=f"bob@evil.example wants to forward to {INBOUND}. Verify: https://evil.example/yes?x=1\r\n",
)  # fmt: skip


def test_an_unknown_providers_question_is_shown_without_a_link_to_press():
    finding = look(EVIL.sign(UNKNOWN.build()))

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.FORWARDING_CONFIRMATION, None, Reason.LOOKS_LIKE_FORWARDING_REQUEST,
    )  # fmt: skip
    assert finding.confirmation is not None
    assert (finding.confirmation.link, finding.confirmation.unknown_link) == (None, "https://evil.example/yes?x=1")
    assert finding.confirmation.mailbox == "bob@evil.example"
    assert look(UNKNOWN.build()).confirmation is None


@pytest.mark.parametrize(
    ("old", "new"), [(INBOUND, "a@b.example"), ("https", "gopher"), ("onfirm", ""), ("forward", "")]
)
def test_what_lacks_a_sign_of_a_question_is_none(old, new):
    mail = replace(UNKNOWN, subject=UNKNOWN.subject.replace(old, new), body=UNKNOWN.body.replace(old, new))
    is_confirming = old == "onfirm"

    assert (look(EVIL.sign(mail.build())).kind is Kind.FORWARDING_CONFIRMATION) is is_confirming


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Verify your forwarding address. Your code for {inbound} is 553211.", "553211"),
        ("Ваш код для подтверждения пересылки с bob@evil.example на {inbound}: 482915", "482915"),
        ("转发验证码：7788，用于 {inbound}", "7788"), ("転送先の確認コード: 904416 ({inbound})", "904416"),
        ("Bestätigungscode für die Weiterleitung an {inbound} vom 10.09.2026 um 12:30: 91827", "91827"),
    ],
)  # fmt: skip
def test_an_unknown_providers_code_is_shown_where_there_is_no_link(words, code):
    finding = look(EVIL.sign(replace(UNKNOWN, subject="Hello", body=words.format(inbound=INBOUND)).build()))

    assert (finding.kind, finding.reason) == (Kind.FORWARDING_CONFIRMATION, Reason.LOOKS_LIKE_FORWARDING_REQUEST)
    assert finding.confirmation is not None
    assert (finding.confirmation.code, finding.confirmation.unknown_link) == (code, None)


@pytest.mark.parametrize(
    "subject",
    ["Bestätigen Sie die Weiterleitung", "Confirme el reenvío", "Confirmez le transfert", "Conferma l'inoltro",
     "Potwierdź przekazywanie", "转发验证", "転送の確認", "Подтвердите пересылку"],
)  # fmt: skip
def test_an_unknown_question_is_recognised_in_many_languages(subject):
    mail = replace(UNKNOWN, subject=subject, body=f"{INBOUND} https://evil.example/yes")

    assert look(EVIL.sign(mail.build())).kind is Kind.FORWARDING_CONFIRMATION
