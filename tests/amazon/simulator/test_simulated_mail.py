"""The simulator's mail: the relay's rules, notices that verify, the Gmail forward, a queue that does not give up."""

import quopri
import smtplib

import dkim
import pytest

from tests.amazon.harness import Amazon, Json
from tests.amazon.simulator.support import listening, txt_from, write_to

INBOUND = "o-abcdefghijklmnopqrst@in.example"


@pytest.fixture
def account(amazon: Amazon) -> Json:
    return amazon.account(store_name="Lakeside", approved_senders=["shop@send.example"])


def outcomes(amazon: Amazon) -> list[str]:
    return [each["outcome"] for each in amazon.receipts()]


def test_an_approved_senders_mail_lands_in_the_buyers_box(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    write_to(amazon, order, "shop@send.example")

    receipt = amazon.receipts(order["order_id"])[0]
    assert (receipt["outcome"], receipt["alias"], receipt["kind"]) == ("delivered", order["alias"], "email")
    assert receipt["message_id"] == f"<{order['order_id']}@test.example>"


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [
        ("stranger@evil.example", None, 550),
        ("shop@send.example", "nobody1234567@marketplace.amazon.com", 550),
        ("shop@send.example", "nobody1234567@marketplace.amazon.com.evil.example", 550),
    ],
)
def test_the_relay_refuses_strangers_and_unknown_aliases(
    amazon: Amazon, account: Json, sender: str, to: str | None, code: int
) -> None:
    order = amazon.order(account)

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        write_to(amazon, order, sender, to=to or order["alias"])

    assert next(iter(refused.value.recipients.values()))[0] == code
    assert len(amazon.read("refusals")["refusals"]) == 1
    assert amazon.receipts() == []


def test_the_from_line_must_be_an_approved_sender_too(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    with pytest.raises(smtplib.SMTPDataError) as refused:
        write_to(amazon, order, "shop@send.example", **{"from": "other@send.example"})

    assert refused.value.smtp_code == 550


def test_an_approved_sender_of_one_seller_cannot_write_to_anothers_buyer(amazon: Amazon, account: Json) -> None:
    order = amazon.order(amazon.account(approved_senders=["else@send.example"]))

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        write_to(amazon, order, "shop@send.example")


def test_a_mail_without_the_order_id_is_blocked_in_silence(amazon: Amazon, account: Json) -> None:
    write_to(amazon, amazon.order(account), "shop@send.example", subject="Hello", body="How are you?")

    assert outcomes(amazon) == ["blocked"]
    assert amazon.outgoing() == []


def test_the_same_message_id_twice_counts_as_a_double(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)

    for _ in range(2):
        write_to(amazon, order, "shop@send.example")

    assert amazon.read("receipts")["doubles"] == 1
    assert [each["is_double"] for each in amazon.receipts()] == [False, True]


@pytest.mark.parametrize(
    ("marketplace_id", "language", "domain", "words"),
    [
        ("APJ6JRA9NG5V4", "it", b"amazon.com", b"che hai inviato a Paola"),
        ("ATVPDKIKX0DER", "en", b"amazon.com", b"because the buyer has chosen to opt out"),
        ("A13V1IB3VIYZZH", "fr", b"amazon.com", b"car l'acheteur a choisi de ne pas recevoir"),
        ("A1VC38T7YXB528", "ja", b"amazon.co.jp", "に関するメッセージを送信できませんでした".encode()),
    ],
    ids=["it", "en", "fr", "ja"],
)
@pytest.mark.parametrize("mode", ["direct", "gmail"])
def test_an_opted_out_buyer_gets_nothing_and_the_seller_a_notice_that_verifies(
    amazon: Amazon, mode: str, marketplace_id: str, language: str, domain: bytes, words: bytes
) -> None:
    account = amazon.account(
        marketplace_ids=[marketplace_id],
        language=language,
        mode=mode,
        mailbox="shop@gmail.com",
        inbound_address=INBOUND,
        approved_senders=["shop@send.example"],
    )
    order = amazon.order(account, buyer={"name": "Paola Rossi", "opted_out": True})
    with listening() as listener:
        amazon.deliver_to("127.0.0.1", listener.port)
        write_to(amazon, order, "shop@send.example")
        amazon.wait_for(lambda: listener.taken)

    envelope_from, recipients, raw = listener.taken[0]
    assert outcomes(amazon) == ["opted_out"]
    assert recipients == [INBOUND]
    assert _signers(amazon, raw) == [domain, b"amazonses.com"]
    body = _decoded(raw)
    assert words in body and order["order_id"].encode() in body
    if mode == "direct":
        assert envelope_from.endswith("@bounces." + domain.decode())
        assert f"\r\nTo: {INBOUND}\r\n".encode() in raw
    else:
        assert envelope_from == "shop+caf_=o-abcdefghijklmnopqrst=in.example@gmail.com"
        assert b"\r\nTo: shop@gmail.com\r\n" in raw
        assert b"\r\nX-Forwarded-For: shop@gmail.com " + INBOUND.encode() in raw
        verdict, _, _ = dkim.arc_verify(raw, dnsfunc=txt_from(amazon))
        assert verdict == b"pass"


def _signers(amazon: Amazon, raw: bytes) -> list[bytes]:
    """The domains of the signatures that verify against the keys in the DNS, in their order."""
    domains = []
    for index in range(2):
        check = dkim.DKIM(raw)
        assert check.verify(idx=index, dnsfunc=txt_from(amazon))
        tags = check.signature_fields
        assert tags[b"c"] == b"relaxed/simple" and not {b"i", b"l", b"x"} & set(tags)
        names = tags[b"h"].lower().split(b":")
        assert len(names) == len(set(names)) and {b"to", b"reply-to", b"content-type"} <= set(names)
        assert check.keysize == 1024
        domains.append(tags[b"d"])
    return domains


def _decoded(raw: bytes) -> bytes:
    return quopri.decodestring(raw.partition(b"\r\n\r\n")[2])


def test_a_changed_notice_no_longer_verifies(amazon: Amazon, account: Json) -> None:
    amazon.mailbox(account, mode="direct", inbound_address=INBOUND)
    order = amazon.order(account)
    with listening() as listener:
        amazon.deliver_to("127.0.0.1", listener.port)
        amazon.do("notices", order_id=order["order_id"])
        amazon.wait_for(lambda: listener.taken)

    raw = listener.taken[0][2].replace(b"opt out", b"opt  out")

    with pytest.raises(dkim.ValidationError, match="body hash mismatch"):
        dkim.DKIM(raw).verify(dnsfunc=txt_from(amazon))


def test_names_without_a_key_do_not_exist(amazon: Amazon) -> None:
    assert txt_from(amazon)(b"nothing._domainkey.amazon.com.") is None


def test_mail_that_cannot_be_taken_now_is_tried_again_until_it_is(amazon: Amazon) -> None:
    with listening() as listener:
        listener.answers = ["451 4.3.0 Later"]
        amazon.deliver_to("127.0.0.1", listener.port)
        amazon.letter(b"Subject: hello\r\n\r\nhello\r\n", INBOUND, "someone@example.com")
        amazon.wait_for(lambda: listener.taken)
        sent = amazon.wait_for(lambda: [each for each in amazon.outgoing() if each["state"] == "delivered"])

    assert sent[0]["attempts"] == 2


def test_mail_refused_for_good_is_written_down(amazon: Amazon) -> None:
    with listening() as listener:
        listener.answers = ["550 5.7.1 No"]
        amazon.deliver_to("127.0.0.1", listener.port)
        amazon.letter(b"Subject: hello\r\n\r\nhello\r\n", INBOUND)
        refused = amazon.wait_for(lambda: [each for each in amazon.outgoing() if each["state"] == "refused"])

    assert refused[0]["last_answer"] == "550 5.7.1 No"


def test_an_account_without_an_inbound_address_keeps_its_notices(amazon: Amazon, account: Json) -> None:
    write_to(amazon, amazon.order(account, buyer={"opted_out": True}), "shop@send.example")

    assert [each["mode"] for each in amazon.notices()] == ["none"]
    assert amazon.outgoing() == []


def test_planned_troubles_of_the_relay_happen_once(amazon: Amazon, account: Json) -> None:
    order = amazon.order(account)
    for kind in ("rcpt451", "cut", "cut_after"):
        amazon.fault("relay", kind)
        with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPServerDisconnected)):
            write_to(amazon, order, "shop@send.example", message_id=f"<{kind}@test.example>")

    # Only the last one was taken before the line went dead.
    assert [each["message_id"] for each in amazon.receipts()] == ["<cut_after@test.example>"]


def test_what_the_site_writes_to_a_gmail_box_that_forwards_comes_back_unchanged(amazon: Amazon) -> None:
    amazon.account(mode="gmail", mailbox="shop@gmail.com", inbound_address=INBOUND)
    mail = b"From: no-reply@site.example\r\nTo: shop@gmail.com\r\nSubject: A test\r\n\r\nA text  of  blanks\r\n"
    with listening() as listener:
        amazon.deliver_to("127.0.0.1", listener.port)
        with smtplib.SMTP(*amazon.mail, timeout=10) as office:
            office.sendmail("no-reply@site.example", ["Shop@gmail.com", "other@shop.example"], mail)
        amazon.wait_for(lambda: listener.taken)

    [(envelope_from, recipients, raw)] = listener.taken
    assert (envelope_from, recipients) == ("shop+caf_=o-abcdefghijklmnopqrst=in.example@gmail.com", [INBOUND])
    assert raw.endswith(mail)


def test_mail_to_people_is_kept_for_anybody(amazon: Amazon) -> None:
    with smtplib.SMTP(*amazon.mail, timeout=10) as connection:
        connection.sendmail("site@example.com", ["alice@shop.example"], "Subject: Hello\r\n\r\nGood morning\r\n")

    mail = amazon.read("mail", recipient="alice@shop.example")["mail"]
    assert [(each["subject"], each["body"].strip()) for each in mail] == [("Hello", "Good morning")]
