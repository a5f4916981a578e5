"""The e-mail gateway against a relay that goes wrong at every moment: what is known is said, what is not is unknown."""

import asyncio
import email
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from email.policy import default
from socketserver import StreamRequestHandler
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from messaging.gateways.base import AccountTrouble, Answer, Deferred, Envelope, OutcomeUnknown, Receipt, Refused
from messaging.gateways.buyer_email import BuyerEmailGateway
from messaging.gateways.pool import ABREAST
from messaging.gateways.smtp import PER_CONNECTION, Route, Said, Session
from messaging.letters import Attachment
from tests.messaging.gateways.envelopes import CLEARANCE, LOOP, ORDER, ask, close, envelope, letter
from tests.messaging.gateways.relays import CUT, HANG, Relay, relay


@contextmanager
def gateway_to(server: Relay, *, scheme: str = "smtp", **more: Any) -> Iterator[BuyerEmailGateway]:
    options: dict[str, Any] = {"timeout": 0.4, "verdict_timeout": 0.4, **more}
    gateway = BuyerEmailGateway(server.url._replace(scheme=scheme), hostname="mail.example.com", **options)
    try:
        yield gateway
    finally:
        close(gateway)


def sent(server: Relay, given: Envelope) -> email.message.EmailMessage:
    """Deliver through a relay that takes everything, and read what came out."""
    with gateway_to(server) as gateway:
        assert isinstance(ask(gateway, given), Receipt)
    message = email.message_from_bytes(server.taken[-1], policy=default)
    assert isinstance(message, email.message.EmailMessage)
    return message


def test_a_letter_that_the_relay_takes_has_its_answer_as_receipt() -> None:
    with relay() as server, gateway_to(server) as gateway:
        assert ask(gateway, envelope()) == Receipt("2.0.0 taken")
    assert server.lines[1:] == [
        "MAIL FROM:<shop@example.com>",
        "RCPT TO:<5r27lqfzscx6cpl@marketplace.amazon.it>",
        "DATA",
        "QUIT",
    ]


@pytest.mark.parametrize(
    ("moment", "answer", "kind"),
    [
        ("greeting", "554 no service", Deferred),
        ("greeting", "421 too busy", Deferred),
        ("MAIL", "451 4.3.0 later", Deferred),
        ("MAIL", "421 4.3.0 closing", Deferred),
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", Deferred),
        ("MAIL", "530 5.7.1 Authentication required", Deferred),
        ("MAIL", "550 5.1.8 sender unknown", AccountTrouble),
        ("MAIL", "553 5.1.7 sender malformed", AccountTrouble),
        ("MAIL", "552 5.3.4 too large", Refused),
        ("RCPT", "451 4.3.0 later", Deferred),
        ("RCPT", "421 4.3.0 closing", Deferred),
        ("RCPT", "450 4.2.0 greylisted", Deferred),
        ("RCPT", "550 5.1.1 no such buyer", Refused),
        ("RCPT", "550 5.7.1 The sender is not approved", AccountTrouble),
        ("DATA", "451 4.3.0 later", Deferred),
        ("DATA", "421 4.3.0 closing", Deferred),
        ("DATA", "554 5.5.1 no valid recipients", Refused),
        ("DATA", "250 what?", Deferred),
        ("end", "451 4.3.0 later", Deferred),
        ("end", "421 4.3.0 closing", Deferred),
        ("end", "550 5.7.1 From is not an approved sender of this seller", AccountTrouble),
        ("end", "550 5.7.1 rejected for its content", Refused),
        ("end", "552 5.3.4 too large", Refused),
        ("end", "354 what?", OutcomeUnknown),
        ("end", "what?", OutcomeUnknown),
        ("greeting", CUT, Deferred),
        ("EHLO", CUT, Deferred),
        ("MAIL", CUT, Deferred),
        ("RCPT", CUT, Deferred),
        ("DATA", CUT, Deferred),
        ("end", CUT, OutcomeUnknown),
        ("greeting", HANG, Deferred),
        ("RCPT", HANG, Deferred),
        ("DATA", HANG, Deferred),
        ("end", HANG, OutcomeUnknown),
    ],
)
def test_every_answer_at_every_moment_has_its_meaning(moment: str, answer: str, kind: type) -> None:
    with relay(**{moment: answer}) as server, gateway_to(server) as gateway:
        told = ask(gateway, envelope())
        assert type(told) is kind, told
        assert "@" not in str(told)
        server.script.clear()
        assert isinstance(ask(gateway, envelope()), Receipt)  # and the next letter goes its way
    assert len(server.taken) == 1
    assert len(server.shown) == (2 if moment == "end" else 1)


def test_a_relay_that_is_away_defers() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gateway = BuyerEmailGateway(
            urlsplit(f"smtp://127.0.0.1:{nobody.getsockname()[1]}"), hostname="mail.example.com"
        )
        assert ask(gateway, envelope()) == Deferred(
            "the mail relay cannot be reached (ConnectionRefusedError)", is_general=True
        )
    close(gateway)


def test_a_relay_that_hangs_costs_no_more_than_the_time_out() -> None:
    with relay(RCPT=HANG) as server, gateway_to(server) as gateway:
        began = time.monotonic()
        ask(gateway, envelope())
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_letter_never_goes_in_the_clear_where_encryption_is_set(scheme: str) -> None:
    with relay(STARTTLS="454 4.7.0 not now", EHLO="250 relay.example") as server, gateway_to(
        server, scheme=scheme
    ) as gateway:  # fmt: skip
        assert isinstance(ask(gateway, envelope()), Deferred)
    assert server.shown == [] and not any(line.upper().startswith("MAIL") for line in server.lines)


def test_a_certificate_that_nobody_vouches_for_is_not_believed() -> None:
    with relay(EHLO="250-relay.example\r\n250 STARTTLS", STARTTLS="220 go ahead") as server:
        with gateway_to(server, scheme="smtp+starttls") as gateway:
            assert isinstance(ask(gateway, envelope()), Deferred)  # the relay goes on in the clear: no handshake
    assert server.shown == []
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_the_connection_is_kept_and_renewed_after_a_hundred_letters() -> None:
    with relay() as server, gateway_to(server) as gateway:
        for _ in range(2 * PER_CONNECTION + 1):
            assert isinstance(ask(gateway, envelope()), Receipt)
    assert [sum(line.startswith("MAIL") for line in said) for said in server.conversations] == [100, 100, 1]
    assert len(server.taken) == 2 * PER_CONNECTION + 1


@pytest.mark.parametrize(("moment", "yes"), [("MAIL", "250 yes"), ("RCPT", "250 yes"), ("DATA", "354 go ahead")])
def test_a_kept_connection_that_the_relay_closed_is_replaced_without_losing_time(moment: str, yes: str) -> None:
    with relay(**{moment: [yes, CUT, yes]}) as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), Receipt)
        assert isinstance(ask(gateway, envelope()), Receipt)
    assert len(server.taken) == len(server.shown) == 2 and len(server.conversations) == 2


def test_a_letter_whose_outcome_is_unknown_is_not_shown_again_by_the_gateway() -> None:
    with relay(end=["250 yes", CUT]) as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), Receipt)
        assert isinstance(ask(gateway, envelope()), OutcomeUnknown)
    assert len(server.shown) == 2


# --- Several letters on one connection ---

PIPELINING = "250-relay.example\r\n250 PIPELINING"


def together(gateway: BuyerEmailGateway, count: int) -> list[Answer | BaseException]:
    """So many letters at the same time."""

    async def deliver() -> list[Answer | BaseException]:
        letters = (gateway.deliver(envelope(), CLEARANCE) for _ in range(count))
        return await asyncio.gather(*letters, return_exceptions=True)

    return LOOP.run(deliver())


def test_while_the_relay_judges_one_letter_the_next_ones_envelope_is_under_way() -> None:
    with relay(EHLO=PIPELINING) as server, gateway_to(server) as gateway:
        server.next_comes_first = True
        told = together(gateway, 2)  # the second one's verdict waits for words that never come
    assert [type(answer) for answer in told] == [Receipt, OutcomeUnknown]
    assert server.overheard[0] == b"MAIL FROM" and len(server.conversations) == 1


def test_a_connection_that_has_carried_enough_says_good_bye_once() -> None:
    with relay(EHLO=PIPELINING) as server, gateway_to(server) as gateway:
        for _ in range(PER_CONNECTION // ABREAST + 1):
            together(gateway, ABREAST)
    assert len(server.conversations) > 1 and {said.count("QUIT") for said in server.conversations} == {1}


def test_a_relay_that_falls_silent_over_one_letter_has_not_seen_the_next() -> None:
    with relay(EHLO=PIPELINING, end=HANG) as server, gateway_to(server) as gateway:
        assert [type(answer) for answer in together(gateway, 3)] == [OutcomeUnknown, Deferred, Deferred]
    assert len(server.shown) == 1 and len(server.conversations) == 1


def test_a_no_to_one_letter_leaves_the_next_on_its_connection_untouched() -> None:
    no = {"RCPT": ["550 5.1.1 no such buyer", "250 yes"], "DATA": ["554 5.5.1 nobody", "354 go ahead"]}
    with relay(EHLO=PIPELINING, **no) as server, gateway_to(server) as gateway:
        assert [type(answer) for answer in together(gateway, 2)] == [Refused, Receipt]
    assert len(server.conversations) == 1 and server.lines.count("RSET") == 1 and len(server.shown) == 1


def test_a_relay_that_wants_a_letter_for_nobody_gets_none() -> None:
    with relay(EHLO=PIPELINING, RCPT="550 5.1.1 no such buyer") as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), Refused)  # and to DATA it says: go ahead
    assert server.shown == []


def test_whoever_speaks_without_being_asked_is_left() -> None:
    with relay(end="250 2.0.0 taken\r\n421 4.3.2 closing soon") as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), Receipt)
        assert isinstance(ask(gateway, envelope()), Receipt)
    assert len(server.conversations) == 2


def test_whoever_judges_a_letter_in_words_that_are_no_smtp_is_left() -> None:
    with relay(end=["what?", "250 2.0.0 taken"]) as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), OutcomeUnknown)
        assert isinstance(ask(gateway, envelope()), Receipt)
    assert len(server.conversations) == 2


def test_a_connection_that_cannot_be_started_afresh_after_a_no_is_left() -> None:
    with relay(RCPT=["550 5.1.1 no such buyer", "250 yes"], RSET="500 what?") as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope()), Refused)
        assert isinstance(ask(gateway, envelope()), Receipt)
    assert len(server.conversations) == 2


def test_what_is_said_in_the_clear_behind_starttls_is_not_read_as_if_it_were_encrypted() -> None:
    handshakes: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example\r\n")
        await reader.readline()
        writer.write(b"250-relay.example\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go ahead\r\n250-somebody.in.between\r\n")
        handshakes.append(await reader.read(1))
        writer.close()

    async def deliver() -> Answer:
        async with await asyncio.start_server(meet, "127.0.0.1") as server:
            port = server.sockets[0].getsockname()[1]
            gateway = BuyerEmailGateway(urlsplit(f"smtp+starttls://127.0.0.1:{port}"), hostname="mail.example.com")
            try:
                return await gateway.deliver(envelope(), CLEARANCE)
            finally:
                await gateway.close()

    assert isinstance(LOOP.run(deliver()), Deferred)
    assert handshakes == [b""]


def test_nothing_is_said_in_the_middle_of_a_large_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Relay._read_letter

    def read_late(handler: StreamRequestHandler) -> bytes:
        time.sleep(0.3)
        return read(handler)

    monkeypatch.setattr(Relay, "_read_letter", staticmethod(read_late))
    large = envelope(letter=letter(text="Tutto bene?\n" * 1_000_000))

    async def deliver() -> list[Answer]:
        first = asyncio.ensure_future(gateway.deliver(large, CLEARANCE))
        while "DATA" not in server.lines:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        return list(await asyncio.gather(first, gateway.deliver(envelope(), CLEARANCE)))

    with relay(EHLO=PIPELINING) as server, gateway_to(server, timeout=30.0, verdict_timeout=30.0) as gateway:
        assert [type(answer) for answer in LOOP.run(deliver())] == [Receipt, Receipt]
    assert len(server.conversations) == 1 and b"MAIL FROM" not in server.shown[0]


def test_a_letter_that_nobody_waits_for_any_more_is_not_shown() -> None:
    async def deliver() -> Said:
        session = Session(Route(server.url, "mail.example.com", 1, 1, ssl.create_default_context()))
        address, mail = "a@example.com", b"Subject: a\r\n\r\n"
        letters = [session.deliver(address, address, mail) for _ in range(2)]
        letters[0].cancel()
        try:
            return await letters[1]
        finally:
            await session.quit()

    with relay(EHLO=PIPELINING) as server:
        assert LOOP.run(deliver()).is_yes
    assert len(server.shown) == 1


def test_letters_to_a_relay_nearby_share_connections_and_to_one_far_away_they_wait_for_nobody() -> None:
    with relay(EHLO=PIPELINING) as server, gateway_to(server) as gateway:
        together(gateway, 2 * ABREAST)
        assert len(server.conversations) == 2
        gateway._pool._takes = 0.1
        together(gateway, 6)
        assert len(server.conversations) == 6
    assert len(server.taken) == 2 * ABREAST + 6


def test_the_mail_is_what_amazon_asks_for() -> None:
    given = envelope()
    with relay() as server:
        mail = sent(server, given)
    assert (mail["From"], mail["To"]) == ("shop@example.com", given.alias)
    assert mail["Message-ID"] == f"<{given.message_id.hex}@mail.example.com>"
    assert mail["Subject"] == f"Il tuo ordine {ORDER}"
    assert mail["Date"] == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert sorted(mail.keys()) == sorted(
        ["Content-Type", "MIME-Version", "From", "To", "Subject", "Date", "Message-ID"]
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and html is not None
    assert text.get_content() == given.letter.text.replace("\n", "\r\n")  # type: ignore[union-attr]
    assert html.get_content() == given.letter.html  # type: ignore[union-attr]
    assert mail.get_content_type() == "multipart/alternative" and len(list(mail.iter_parts())) == 2


@pytest.mark.parametrize(
    "subject",
    [
        "Schöne Grüße: Ihre Bestellung",
        "ご注文について 🎉",
        "a very long title " * 40,
        "x" * 900,
        "=?utf-8?q?not=20an=20encoded=20word?=",
        "=?utf-8?q?hi=0D=0ABcc:_eve@evil.example?=",
        "=?utf-8?b?aGkNCg0KYm9keQ==?= =?x",
        '[Important] <script>alert(1)</script> "quoted" (comment) ;:@,',
    ],
)
def test_a_subject_arrives_as_it_was_written_and_never_becomes_a_header(subject: str) -> None:
    with relay() as server:
        mail = sent(server, envelope(letter=letter(subject=subject)))
        raw = server.taken[-1]
    assert mail["Subject"] == subject
    assert mail["Bcc"] is None and len(mail.keys()) == 7
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_a_body_arrives_as_it_was_written_in_lines_that_every_relay_takes() -> None:
    text = ".\n..\nFrom here\n" + "ü" * 5000 + "\n\n" + "x " * 4000 + "\n.\n"
    with relay() as server:
        mail = sent(server, envelope(letter=letter(text=text, html="<p>" + "é🎉" * 3000 + "</p>")))
        raw = server.taken[-1]
    body, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None and body.get_content() == text.replace("\n", "\r\n")
    assert html is not None and html.get_content() == "<p>" + "é🎉" * 3000 + "</p>"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii() and raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")


@pytest.mark.parametrize("character", ["\r", "\n", "\r\n", "\0", "\x0b", "\x85", "\u2028", "\ud800"])
def test_a_line_break_in_a_subject_is_refused_and_nothing_is_sent(character: str) -> None:
    with relay() as server, gateway_to(server) as gateway:
        told = ask(gateway, envelope(letter=letter(subject=f"Hello{character}Bcc: eve@evil.example")))
    assert told == Refused("the letter cannot be written as a mail") and server.conversations == []


@pytest.mark.parametrize(
    "alias",
    [
        "abc@marketplace.amazon.com.evil.example",
        "abc@evilmarketplace.amazon.com",
        "abc@x.marketplace.amazon.com",
        "abc@amazon.com",
        "abc@marketplace.amazon.xyz",
        "marketplace.amazon.com",
        "eve@evil.example, abc@marketplace.amazon.com",
        "<eve@evil.example> abc@marketplace.amazon.com",
        "eve@evil.example\r\nRCPT TO:<abc@marketplace.amazon.com",
        '"eve@evil.example"@marketplace.amazon.com',
        "äbc@marketplace.amazon.com",
        "@marketplace.amazon.com",
        "",
    ],
)
def test_nothing_goes_to_an_address_that_is_not_exactly_amazons(alias: str) -> None:
    with relay() as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope(alias=alias)), Refused)
    assert server.conversations == []


@pytest.mark.parametrize(
    "sender", ["", "shop", "shop@", "a@b.example\r\nX: y", "a b@c.example", "Shop <a@b.example>", "é@b.example"]
)
def test_without_a_proper_sender_the_account_waits_for_a_person(sender: str) -> None:
    with relay() as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope(sender=sender)), AccountTrouble)
    assert server.conversations == []


def test_without_letter_or_alias_nothing_is_sent() -> None:
    with relay() as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, envelope(letter=None)), Refused)
        assert isinstance(ask(gateway, envelope(alias=None)), Refused)
    assert server.conversations == []


def test_what_the_relay_says_is_kept_without_addresses_and_control_characters() -> None:
    with relay(end="250 2.0.0 queued as 7 for <abc@marketplace.amazon.it> \x00\x07" + "x" * 400) as server:
        with gateway_to(server) as gateway:
            told = ask(gateway, envelope(message_id=uuid4()))
    assert isinstance(told, Receipt) and "@" not in told.reference
    assert told.reference.isprintable() and len(told.reference) <= 200


CARE = Attachment(1, "Pflegehinweise für Ölfarbe.pdf", 1, "instructions", 400_000, "")
WARRANTY = Attachment(2, "warranty (two years).pdf", 3, "warranty", 300, "")
CONTENTS = {1: bytes(range(256)) * 1600 + b"\r\n.\r\n..", 2: b"%PDF-1.4 " + b"x" * 291}


async def read(attachments: Sequence[Attachment]) -> list[bytes] | None:
    return [CONTENTS[one.document] for one in attachments]


def with_documents(*attachments: Attachment) -> Envelope:
    given = envelope()
    assert given.letter is not None
    return replace(given, letter=replace(given.letter, attachments=attachments))


def test_documents_arrive_byte_by_byte_under_their_names_behind_both_texts() -> None:
    with relay() as server, gateway_to(server, enclosures=read) as gateway:
        assert isinstance(ask(gateway, with_documents(CARE, WARRANTY)), Receipt)
        assert isinstance(ask(gateway, envelope()), Receipt)
    message, plain = (email.message_from_bytes(raw, policy=default) for raw in server.taken)

    assert not message.defects and message.get_content_type() == "multipart/mixed"
    assert all(len(line) <= 78 for line in server.taken[0].splitlines())
    assert message.keys() == plain.keys()  # no header was lost, none is there twice
    texts, *files = message.iter_parts()
    assert [part.get_content_type() for part in texts.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_filename() for part in files] == [CARE.name, WARRANTY.name]
    assert [part.get_content_type() for part in files] == ["application/pdf"] * 2
    assert [part.get_content() for part in files] == [CONTENTS[1], CONTENTS[2]]
    assert [part.get_content_disposition() for part in files] == ["attachment"] * 2


def test_a_letter_larger_than_the_relay_says_that_it_takes_is_not_shown() -> None:
    with relay(EHLO="250-relay.example\r\n250 SIZE 300000") as server, gateway_to(server, enclosures=read) as gateway:
        told = ask(gateway, with_documents(CARE))
        assert isinstance(told, Deferred) and not told.is_general and "larger" in told.reason
        assert isinstance(ask(gateway, with_documents(WARRANTY)), Receipt)
    assert len(server.shown) == 1


def test_without_its_documents_a_letter_does_not_go() -> None:
    with relay() as server, gateway_to(server) as gateway:
        assert isinstance(ask(gateway, with_documents(CARE)), Deferred)
    assert server.lines == []


@pytest.mark.parametrize(("end", "kind"), [(CUT, OutcomeUnknown), (HANG, OutcomeUnknown), ("552 5.3.4 no", Refused)])
def test_what_becomes_of_a_large_letter_is_known_or_unknown_as_of_a_small_one(end: str, kind: type) -> None:
    with relay(end=end) as server, gateway_to(server, enclosures=read) as gateway:
        assert type(ask(gateway, with_documents(CARE))) is kind


def test_documents_of_so_many_bytes_are_under_way_at_a_time_and_no_more() -> None:
    under_way, most = 0, 0

    async def count(attachments: Sequence[Attachment]) -> list[bytes] | None:
        nonlocal under_way, most
        under_way += sum(one.size for one in attachments)
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= sum(one.size for one in attachments)
        return [b"%PDF" for _ in attachments]

    async def ten(gateway: BuyerEmailGateway, given: Envelope) -> list[Answer]:
        return await asyncio.gather(*(gateway.deliver(given, CLEARANCE) for _ in range(10)))

    large = with_documents(replace(CARE, size=5_000_000))
    with relay() as server, gateway_to(server, enclosures=count) as gateway:
        assert {type(answer) for answer in LOOP.run(ten(gateway, large))} == {Receipt}
    assert most == 10_000_000 and len(server.taken) == 10
