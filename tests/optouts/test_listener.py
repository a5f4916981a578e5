"""The listener over real sockets: stores before it says 250, tells strangers nothing, loses nothing to our troubles."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import connection

from accounts.rowsecurity import across_sellers
from optouts import listener, receiving
from optouts.addresses import full_address
from optouts.conversation import LARGEST, MOST_COMMANDS, MOST_RECIPIENTS
from optouts.guests import Guests, network_of
from optouts.models import Notice
from tests.makers import make_address, make_seller
from tests.optouts.smtp_listening import MAIL, Place, Sender, database_away, listening, send, throw_out_everybody

STRANGER = "o-aaaaaaaaaaaaaaaaaaaa"


@pytest.fixture
def place() -> Iterator[Place]:
    with listening() as place:
        yield place


@pytest.fixture
def address(transactional_db: None) -> str:
    return full_address(make_address(make_seller()))


def notices() -> list[Notice]:
    with across_sellers("test"):
        return list(Notice.objects.order_by("pk"))


def test_a_mail_is_stored_before_it_is_accepted(place: Place, address: str) -> None:
    assert send(place, address) == "250 2.0.0 OK"
    [notice] = notices()
    assert notice.size == len(MAIL) and notice.look_at is not None


def test_a_strangers_address_gets_the_same_answers_and_nothing_is_stored(
    place: Place, address: str
) -> None:
    def conversation(recipient: str) -> list[str]:
        with Sender(place) as sender:
            lines = ["EHLO x.example", "MAIL FROM:<a@b.example>", f"RCPT TO:<{recipient}>", f"VRFY {recipient}"]
            said = [sender.say(line) for line in [*lines, "DATA"]]
            sender.write(MAIL + b".\r\n")
            return [*said, sender.answer(), sender.say("QUIT")]

    assert conversation(f"{STRANGER}@{settings.INBOUND_DOMAIN}") == conversation(address)
    assert len(notices()) == 1


def test_what_cannot_be_one_of_our_addresses_is_refused(place: Place) -> None:
    domain = settings.INBOUND_DOMAIN
    wrong = ["postmaster", f"postmaster@{domain}", f"alice@{domain}", f"o-short@{domain}", STRANGER]
    wrong += [f"o-aaaaaaaaaaaaaaaaaaa1@{domain}", f"x-aaaaaaaaaaaaaaaaaaaa@{domain}", f"{STRANGER}+tag@{domain}"]
    wrong += [f"{STRANGER}@{other}" for other in ("x.example", f"{domain}.evil.example", f"sub.{domain}")]
    with Sender(place) as sender:
        sender.greet().say("MAIL FROM:<a@b.example>")
        said = {recipient: sender.say(f"RCPT TO:<{recipient}>") for recipient in wrong}
    assert set(said.values()) == {"550 5.1.1 No such address"}, said


def test_an_address_is_known_in_any_case(place: Place, address: str) -> None:
    assert send(place, address.upper()).startswith("250")
    assert len(notices()) == 1


def test_the_null_sender_of_a_bounce_is_accepted(place: Place, address: str) -> None:
    with Sender(place) as sender:
        assert sender.greet().begin(address, sender="") == "250 2.0.0 OK"


def test_the_same_mail_twice_is_one_notice_and_accepted_both_times(place: Place, address: str) -> None:
    with Sender(place) as sender:
        assert [sender.greet().deliver(address), sender.deliver(address)] == ["250 2.0.0 OK"] * 2
    assert send(place, address).startswith("250")
    assert len(notices()) == 1


def test_the_same_mail_over_eight_connections_at_once_is_one_notice(place: Place, address: str) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(send(place, address))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["250 2.0.0 OK"] * 8 and len(notices()) == 1


def test_a_mail_to_several_of_us_is_a_notice_for_each(place: Place, address: str) -> None:
    other = full_address(make_address(make_seller("Mallory's shop")))
    assert send(place, address, other, f"{STRANGER}@{settings.INBOUND_DOMAIN}", address).startswith("250")
    stored = notices()
    assert len(stored) == 2 and len({notice.seller_id for notice in stored}) == 2


def test_no_mail_has_more_than_ten_recipients(place: Place, address: str) -> None:
    with Sender(place) as sender:
        assert sender.greet().begin(*[address] * MOST_RECIPIENTS).startswith("250")
        assert sender.say(f"RCPT TO:<{address}>") == "452 4.5.3 Too many recipients"
        assert sender.say("DATA").startswith("354")
        sender.write(MAIL + b".\r\n")
        assert sender.answer().startswith("250")


def test_a_mail_that_says_it_is_too_big_is_refused_before_it_is_sent(place: Place, address: str) -> None:
    with Sender(place) as sender:
        assert sender.greet().say(f"MAIL FROM:<a@b.example> SIZE={LARGEST + 1}").startswith("552")
        assert sender.say(f"MAIL FROM:<a@b.example> SIZE={LARGEST}").startswith("250")


def test_a_mail_that_turns_out_too_big_is_refused_and_nothing_of_it_is_kept(place: Place, address: str) -> None:
    line = b"x" * 998 + b"\r\n"
    with Sender(place) as sender:
        assert sender.greet().deliver(address, mail=MAIL + line * (LARGEST // 1000 + 1)).startswith("552")
        assert notices() == []
        assert sender.deliver(address, mail=MAIL).startswith("250")  # the connection goes on


def test_bare_carriage_returns_and_line_feeds_are_refused(place: Place) -> None:
    with Sender(place) as sender:
        sender.greet()
        for smuggled in (b"one\nline\r\n", b"one\rline\r\n", b"a\n.\r\nMAIL FROM:<x@y.example>\r\n"):
            said = sender.deliver(f"{STRANGER}@{settings.INBOUND_DOMAIN}", mail=MAIL + smuggled)
            assert said == "550 5.6.0 Lines must end in CRLF"


def test_a_dot_at_the_start_of_a_line_comes_through_as_it_was(place: Place, address: str) -> None:
    assert send(place, address, mail=b"Subject: x\r\n\r\n..\r\n..two\r\n\xff\x00\r\n").startswith("250")
    [notice] = notices()
    assert notice.size == len(b"Subject: x\r\n\r\n.\r\n.two\r\n\xff\x00\r\n")


def test_nothing_is_told_to_the_curious(place: Place, address: str) -> None:
    with Sender(place) as sender:
        sender.greet()
        for line in ("VRFY {}", "EXPN {}", "HELP", "HELP RCPT", "AUTH PLAIN AGEAYg==", "AUTH"):
            said = [sender.say(line.format(whom)) for whom in (address, STRANGER)]
            assert said[0] == said[1] and said[0] in ("502 5.5.1 Not implemented", "214 2.0.0")


def test_a_hostile_address_is_refused_and_the_connection_goes_on(place: Place) -> None:
    with Sender(place) as sender:
        sender.greet().say("MAIL FROM:<a@b.example>")
        for hostile in ("(" * 480, '"' * 200 + "@x", "\\" * 300, "<" * 400, "[" * 400, "@" * 300, "<@" + ",@" * 200):
            said = sender.say(f"RCPT TO:{hostile}")
            assert said in ("451 4.3.0 Please try again later", "550 5.1.1 No such address") or said[:3] in (
                "501",
                "553",
            )
        assert sender.say(f"RCPT TO:<{STRANGER}@{settings.INBOUND_DOMAIN}>").startswith("250")


def test_our_trouble_is_a_451_and_the_mail_comes_in_when_it_is_sent_again(
    place: Place, address: str
) -> None:
    assert send(place, address).startswith("250")
    with database_away():
        assert send(place, address, mail=MAIL + b"two\r\n") == "451 4.3.0 Please try again later"
        assert send(place, f"{STRANGER}@{settings.INBOUND_DOMAIN}") == "451 4.3.0 Please try again later"
    assert send(place, address, mail=MAIL + b"two\r\n").startswith("250")
    assert len(notices()) == 2


def test_a_database_that_was_restarted_in_between_is_not_even_noticed(place: Place, address: str) -> None:
    assert send(place, address).startswith("250")
    throw_out_everybody()
    assert send(place, address, mail=MAIL + b"two\r\n").startswith("250")
    assert len(notices()) == 2


def test_an_error_of_ours_never_shows_its_text(place: Place, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> list[int]:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(receiving, "store", fail)
    assert send(place, address) == "451 4.3.0 Please try again later"


def test_the_others_are_served_while_the_database_takes_its_time(place: Place, address: str) -> None:
    with connection.cursor() as cursor, Sender(place) as slow:
        slow.greet().begin(address)
        slow.say("DATA")
        cursor.execute("begin; lock table optouts_notice in exclusive mode")
        slow.write(MAIL + b".\r\n")
        began = time.monotonic()
        with Sender(place) as other:
            assert other.greet().begin(address).startswith("250")
        assert time.monotonic() - began < 1
        cursor.execute("commit")
        assert slow.answer().startswith("250")


def test_the_log_names_neither_address_nor_token(place: Place, address: str, capfd: pytest.CaptureFixture[str]) -> None:
    with structlog.testing.capture_logs() as logs:
        send(place, address)
        send(place, f"{STRANGER}@{settings.INBOUND_DOMAIN}")
        with Sender(place) as sender:
            sender.greet()
            for line in (address, f"BOGUS {address}", f"RCPT TO:<{address}>", f"MAIL FROM:<{address}>"):
                sender.say(line)
    [notice] = notices()
    assert [(line["notices"], line["for_nobody"]) for line in logs if line["event"] == "mails_stored"] == [
        ([notice.pk], 0),
        ([], 1),
    ]
    written = "".join(capfd.readouterr()) + repr(logs)
    assert address.partition("@")[0] not in written and STRANGER not in written and "Text" not in written


def test_a_connection_carries_only_so_many_mails(place: Place, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MOST_COMMANDS, "MAIL", 3)
    with Sender(place) as sender:
        sender.greet()
        for _ in range(3):
            assert sender.deliver(address).startswith("250")
        assert sender.say("MAIL FROM:<a@b.example>").startswith("421")
        assert sender.answer() == ""
    assert send(place, address).startswith("250")


def test_a_connection_that_only_talks_is_ended(place: Place) -> None:
    with Sender(place) as sender:
        assert [sender.say("NOOP")[:3] for _ in range(51)] == ["250"] * 50 + ["421"]
    with Sender(place) as sender:
        answers = [sender.say("WHAT") for _ in range(7)]
    assert answers[-1] == ""


@pytest.mark.django_db(transaction=True)
def test_idle_slow_and_endless_connections_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(listener, "DATA_SECONDS", 0.6)
    monkeypatch.setattr(listener, "SESSION_SECONDS", 1.0)
    address = full_address(make_address(make_seller()))
    with listening() as place, Sender(place) as idle, Sender(place) as slow:
        slow.greet().begin(address)
        slow.say("DATA")
        with Sender(place) as endless:
            endless.greet()
            began = time.monotonic()
            while endless.say("NOOP"):
                time.sleep(0.1)
                assert time.monotonic() - began < 3
        assert idle.answer() == "" and slow.answer() == ""
    assert notices() == []


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_takes_longer_than_a_command_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "COMMAND_SECONDS", 0.3)
    address = full_address(make_address(make_seller()))
    with listening() as place, Sender(place) as slow:
        slow.greet().begin(address)
        slow.say("DATA")
        time.sleep(0.5)
        slow.write(MAIL + b".\r\n")
        assert slow.answer().startswith("250")


def test_the_number_of_connections_is_bounded_and_a_seat_is_free_again_afterwards() -> None:
    with listening(guests=Guests(most_per_network=2)) as place:
        with Sender(place) as first, Sender(place) as second:
            assert first.greeting.startswith("220") and second.greeting.startswith("220")
            for _ in range(3):
                with Sender(place) as third:
                    assert third.greeting.startswith("421 4.7.0") and third.answer() == ""
        time.sleep(0.1)
        with Sender(place) as sender:
            assert sender.greeting.startswith("220")


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        (("192.0.2.7", 25), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 25, 0, 0), "2001:0db8:0001:0002"),
        (("2001:db8:1:2::1", 25, 0, 0), "2001:0db8:0001:0002"),
        (("::ffff:192.0.2.7", 25, 0, 0), "192.0.2.7"),
        (("fe80::1%eth0", 25, 0, 2), "fe80:0000:0000:0000"),
        ("", "local"),
        (None, "local"),
    ],
)
def test_a_network_is_an_ipv4_address_or_an_ipv6_64(peer: object, network: str) -> None:
    assert network_of(peer) == network
