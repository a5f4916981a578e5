"""Many mails in one commit, each with its own fate; STARTTLS, LMTP, loops, and a full disk."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import DataError, OperationalError
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from optouts import receiving, storekeeper
from optouts.addresses import full_address
from optouts.guests import Guests
from optouts.loops import went_round
from optouts.models import Notice
from optouts.receiving import Delivery
from optouts.storekeeper import Storekeeper
from optouts.taking import Taking
from tests.makers import make_address, make_seller
from tests.optouts.smtp_listening import MAIL, Place, Sender, listening, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(transactional_db: None) -> str:
    return full_address(make_address(make_seller()))


def notices() -> list[Notice]:
    with across_sellers("test"):
        return list(Notice.objects.order_by("pk"))


def no_ring(notice_id: int) -> None:
    """Nobody is woken."""


def test_mails_of_many_sessions_share_a_transaction(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    store = receiving.store

    def counting(deliveries: Sequence[Delivery], **fields: Any) -> list[int | None]:
        groups.append(len(deliveries))
        return store(deliveries, **fields)

    monkeypatch.setattr(receiving, "store", counting)
    with listening() as place:
        threads = [
            threading.Thread(target=send, args=(place, address), kwargs={"mail": MAIL + b"%d\r\n" % number})
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(groups) == len(notices()) == 20
    assert len(groups) < 20


def test_a_mail_that_fails_alone_fails_alone(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = receiving.store

    def picky(deliveries: Sequence[Delivery], **fields: Any) -> list[int | None]:
        if any(b"poison" in delivery.raw for delivery in deliveries):
            raise DataError("no")
        return store(deliveries, **fields)

    monkeypatch.setattr(receiving, "store", picky)
    part = address.partition("@")[0]

    async def all_at_once() -> list[Any]:
        keeper = Storekeeper(clock=timezone.now)
        mails = [MAIL, MAIL + b"poison\r\n", MAIL + b"two\r\n"]
        waiting = [keeper.store([Delivery(part, mail, Notice.Source.SMTP)]) for mail in mails]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        keeper.close()
        return answers

    first, second, third = asyncio.run(all_at_once())
    assert isinstance(second, DataError)
    assert [first, third] == [[notice.pk] for notice in notices()]


def test_a_full_disk_is_a_452_and_the_mail_comes_in_later(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Exception):
        pgcode = "53100"

    def full(*_: Any, **__: Any) -> list[int | None]:
        raise OperationalError("could not extend file") from Full()

    with listening() as place:
        with monkeypatch.context() as patch:
            patch.setattr(receiving, "store", full)
            assert send(place, address).startswith("452 4.3.1")
        assert send(place, address).startswith("250")


def test_a_repeat_in_the_same_group_is_the_same_notice(address: str) -> None:
    deliveries = [Delivery(address.partition("@")[0], MAIL, Notice.Source.SMTP)] * 3
    stored = receiving.store(
        [*deliveries, Delivery("o-aaaaaaaaaaaaaaaaaaaa", MAIL, Notice.Source.SMTP)], now=timezone.now()
    )
    assert len(set(stored[:3])) == 1 and stored[3] is None
    assert receiving.store(deliveries, now=timezone.now()) == stored[:3]


def test_a_group_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def count(deliveries: Sequence[Delivery], **_: Any) -> list[int | None]:
        sizes.append(len(deliveries))
        return [None] * len(deliveries)

    monkeypatch.setattr(receiving, "store", count)

    async def crowd() -> None:
        keeper = Storekeeper(clock=timezone.now)
        await asyncio.gather(*[keeper.store([Delivery("o-", MAIL, Notice.Source.SMTP)] * 10) for _ in range(50)])
        keeper.close()

    asyncio.run(crowd())
    assert sum(sizes) == 500 and max(sizes) < storekeeper.MOST_AT_ONCE + 10


@pytest.mark.parametrize(
    "header", ["X-FeedbackFive-Loop: {0}\r\n", "Received: from a.example\r\n\tby {0} with ESMTP\r\n" * 3]
)
def test_a_mail_that_goes_round_is_accepted_and_put_aside(address: str, header: str) -> None:
    with listening() as place:
        assert send(place, address, mail=header.format(settings.INBOUND_DOMAIN).encode() + MAIL).startswith("250")
    [notice] = notices()
    assert notice.status == Notice.Status.QUARANTINED and "loop" in notice.reason
    assert notice.look_at is None


def test_other_servers_and_the_body_are_no_loop() -> None:
    fine = b"Received: from x by mx.google.com for <o-a@in.example>\r\n" * 9
    assert not went_round(fine + b"Received: by in.example.evil\r\n" * 3 + b"\r\nby in.example", domain="in.example")
    assert not went_round(
        b"Received: by in.example; now\r\n" * 2 + b"\r\nReceived: by in.example\r\n", domain="in.example"
    )
    assert went_round(b"Received: by in.example; now\r\n" * 3 + b"\r\n", domain="in.example")


def test_behind_a_mail_server_each_recipient_gets_an_answer(address: str) -> None:
    other = full_address(make_address(make_seller("Mallory's shop")))
    with listening(is_local=True) as place, Sender(place) as sender:
        assert sender.say("EHLO mail.example").startswith("500")
        assert sender.say("HELO mail.example").startswith("500")
        assert sender.say("LHLO mail.example").startswith("250")
        for recipients in ([address, other], [address]):
            answers = [sender.deliver(*recipients, mail=MAIL + b"%d\r\n" % len(recipients))]
            answers += [sender.answer() for _ in recipients[1:]]
            assert answers == ["250 2.0.0 OK"] * len(recipients)
        assert sender.say("QUIT").startswith("221")
    assert len(notices()) == 3


def test_lmtp_is_spoken_by_appointment_only(address: str) -> None:
    with listening() as place, Sender(place) as sender:
        assert sender.say("LHLO mail.example").startswith("500")


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that it made itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "in.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    made = builder.sign(key, hashes.SHA256())
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(encoding, kind, serialization.NoEncryption())
    (folder / "chain.pem").write_bytes(secret + made.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem")
    return context


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_starttls_hides_the_mail_and_forgets_what_was_said_before(address: str, tmp_path: Path) -> None:
    seats = Guests(most=1)
    with listening(tls=certificate(tmp_path), guests=seats) as place:
        with Sender(place) as sender:
            assert "STARTTLS" in sender.say("EHLO mail.example")
            sender.write(b"STARTTLS\r\nMAIL FROM:<injected@x.example>\r\n")  # the second line is a stranger's
            assert sender.answer().startswith("220")
            inside = trusting().wrap_socket(sender._socket, suppress_ragged_eofs=True)
            sender._socket, sender._lines = inside, inside.makefile("rb")
            assert sender.say("MAIL FROM:<a@b.example>").startswith("503")  # who are you?
            said = sender.say("EHLO mail.example")
            assert said.startswith("250") and "STARTTLS" not in said and "AUTH" not in said
            assert sender.deliver(address) == "250 2.0.0 OK"
            assert sender.say("STARTTLS")[0] == "5" or sender.say("NOOP") == ""
    assert len(notices()) == 1 and seats.count == 0


def test_without_a_certificate_starttls_is_not_offered(address: str) -> None:
    with listening() as place, Sender(place) as sender:
        assert "STARTTLS" not in sender.say("EHLO mail.example")
        assert sender.say("STARTTLS")[:3] in ("454", "500", "503")


def test_a_handshake_of_nonsense_ends_the_connection_and_no_other(address: str, tmp_path: Path) -> None:
    with listening(tls=certificate(tmp_path)) as place:
        with Sender(place) as sender:
            sender.greet()
            assert sender.say("STARTTLS").startswith("220")
            sender.write(b"this is no TLS\r\n" * 10)
            sender._socket.settimeout(5)
            while sender._socket.recv(1000):
                pass
        assert send(place, address).startswith("250")


def test_two_hundred_idle_connections_from_many_networks_leave_the_others_in_peace(address: str) -> None:
    with listening() as place:
        idle = [from_network(place, number // 49 + 1) for number in range(200)]
        assert send(place, address).startswith("250")
        for connection in idle:
            connection.close()


def from_network(place: Place, number: int) -> socket.socket:
    connection = socket.create_connection(place, source_address=(f"127.0.1.{number}", 0), timeout=5)
    assert connection.recv(3) == b"220"
    return connection


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_mail_is_the_same_however_it_is_cut(size: int) -> None:
    wire = b".\r\n..two\r\n.three\r\n\r\ntext\r\n.\r\nMAIL FROM:<x>\r\n"[3:]
    taking, behind = Taking(largest=1000), None
    for at in range(0, len(wire), size):
        behind = taking.feed(wire[at : at + size])
        if behind is not None:
            assert wire.endswith(behind + wire[at + size :])
            break
    assert behind is not None and taking.refusal() is None
    assert taking.mail() == b".two\r\nthree\r\n\r\ntext\r\n"


def test_a_mail_of_nothing_is_a_mail() -> None:
    taking = Taking(largest=10)
    assert taking.feed(b".\r\nQUIT\r\n") == b"QUIT\r\n"
    assert taking.mail() == b"" and taking.refusal() is None


def test_too_long_a_mail_or_line_is_refused_and_not_held() -> None:
    taking = Taking(largest=1000)
    for _ in range(100):
        assert taking.feed(b"x" * 98 + b"\r\n") is None
        assert taking.held < 1200
    assert taking.feed(b".\r\n") == b""
    assert (taking.refusal() or "").startswith("552")
    taking = Taking(largest=5000)
    taking.feed(b"x" * 1000 + b"\r\n.\r\n")
    assert (taking.refusal() or "").startswith("500")
