"""Test notices, providers' questions, replaced addresses, and the watch: verbs on real rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.core import mail

from accounts.models import AmazonAccount, Role, Seller
from optouts import addresses, gate, intake, proving, setup, silence, watching
from optouts.models import (
    ForwardingRequest,
    InboundAddress,
    Notice,
    NoticeTest,
    OptOutWatch,
    SellerMailbox,
    Suppression,
)
from optouts.standing import diagnosis, former_addresses, standing_of
from orders.models import Order
from tests.makers import (
    IT,
    US,
    make_account,
    make_address,
    make_forwarding,
    make_member,
    make_notice,
    make_order,
    make_seller,
)
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, NOW, ORDER, FakeDns, attached, gmail_forwarded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
MAILBOX = "orders@shop.example"


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT, US))


@pytest.fixture
def seller(account: AmazonAccount) -> Seller:
    return account.seller


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("optouts.addresses.timezone.now", lambda: NOW)
    yield


def take_in(address: InboundAddress, raw: bytes, *, at: datetime = NOW) -> Notice:
    pk = intake.receive(address, raw, now=at)
    intake.process(pk, resolver=FakeDns(), now=at)
    return Notice.objects.get(pk=pk)


def sent() -> bytes:
    """The bytes of the mail that went out last."""
    return bytes(mail.outbox[-1].message().as_bytes())


def written_order(account: AmazonAccount) -> Order:
    return make_order(
        account,
        buyer=ALIAS,
        amazon_order_id=ORDER,
        marketplace_id=IT,
        last_written_at=NOW - timedelta(days=1),
    )


# --- The test notice ---


def test_a_test_that_comes_back_whole_turns_the_card_green_and_names_the_mailbox(seller: Seller) -> None:
    setup.send_test(seller, MAILBOX, now=NOW)
    assert mail.outbox[-1].to == [MAILBOX]
    assert not standing_of(seller, now=NOW).is_green and standing_of(seller, now=NOW).polls == 3

    notice = take_in(make_address(seller), gmail_forwarded(sent()))

    standing = standing_of(seller, now=NOW)
    assert standing.is_green and standing.polls is None and standing.test is not None
    assert standing.test.result == NoticeTest.Result.INTACT and standing.test.notice == notice
    assert (notice.status, notice.kind, notice.look_at) == (Notice.Status.IGNORED, "test_notice", None)
    mailbox = SellerMailbox.objects.get()
    assert mailbox.address == MAILBOX and mailbox.confirmed_at is None  # an owner confirms it
    assert standing.to_confirm == mailbox
    assert Suppression.objects.count() == 0


def test_a_test_that_was_changed_or_quoted_leaves_the_card_yellow_and_a_better_one_helps(seller: Seller) -> None:
    setup.send_test(seller, MAILBOX, now=NOW)
    raw, address = sent(), make_address(seller)
    take_in(address, raw.replace(b"Subject: ", b"Subject: [EXTERNAL] "))
    assert standing_of(seller, now=NOW).tone == "warn"
    take_in(address, attached(raw))
    assert standing_of(seller, now=NOW).is_green
    take_in(address, raw.replace(b"Subject: ", b"Subject: [LATE] "))
    assert NoticeTest.objects.get().result == NoticeTest.Result.ATTACHED


def test_a_test_of_another_seller_and_one_of_long_ago_are_ordinary_mails(seller: Seller) -> None:
    mallory = make_seller("Mallory's shop")
    setup.send_test(seller, MAILBOX, now=NOW)
    setup.send_test(mallory, MAILBOX, now=NOW - timedelta(hours=2))

    assert take_in(make_address(seller), sent()).kind != "test_notice"
    assert NoticeTest.objects.filter(arrived_at__isnull=False).count() == 0
    late = take_in(make_address(mallory), sent(), at=NOW + timedelta(days=8))
    assert late.kind != "test_notice"


def test_a_genuine_notice_that_quotes_a_code_of_nobody_is_examined_as_ever(
    seller: Seller, account: AmazonAccount
) -> None:
    written_order(account)
    setup.send_test(seller, MAILBOX, now=NOW)
    address = make_address(seller)
    code = "f5t-" + "a" * proving.CODE_LENGTH
    raw = AMAZON.sign(replace(ITALIAN, to=addresses.full_address(address), body=ITALIAN.body + code).build())
    assert take_in(address, raw).status == Notice.Status.APPLIED


def test_the_first_real_notice_turns_the_card_green_without_a_test(seller: Seller, account: AmazonAccount) -> None:
    written_order(account)
    address = make_address(seller)
    take_in(address, AMAZON.sign(replace(ITALIAN, to=addresses.full_address(address)).build()))
    standing = standing_of(seller, now=NOW)
    assert standing.is_green and standing.title == "Receiving" and standing.last_notice_at == NOW


def test_what_may_be_missing_is_said_after_some_minutes(seller: Seller) -> None:
    setup.send_test(seller, "alice@outlook.com", now=NOW)
    make_forwarding(seller)
    assert standing_of(seller, now=NOW + timedelta(minutes=2)).hints == ()
    standing = standing_of(seller, now=NOW + timedelta(minutes=4))
    assert standing.is_overdue and standing.tone == "warn"
    assert standing.hints[0].startswith("A mailbox provider asks to confirm")
    assert any("Microsoft 365 blocks" in hint for hint in standing.hints)
    assert any(setup.sender_address() in hint for hint in standing.hints)


def test_a_seller_gets_no_more_than_a_few_tests_an_hour(seller: Seller) -> None:
    for _ in range(setup.MOST_AN_HOUR):
        setup.send_test(seller, MAILBOX, now=NOW)
    with pytest.raises(setup.TooMany):
        setup.send_test(seller, MAILBOX, now=NOW)
    setup.send_test(seller, MAILBOX, now=NOW + timedelta(hours=2))


def test_a_test_that_the_relay_does_not_take_is_not_waited_for(seller: Seller, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # type: ignore[attr-defined]
    with pytest.raises(setup.NotSent):
        setup.send_test(seller, MAILBOX, now=NOW)
    assert NoticeTest.objects.count() == 0


# --- Providers' questions ---


def test_a_question_is_kept_sealed_shown_once_and_purged(seller: Seller) -> None:
    row = make_forwarding(seller)
    assert b"google" not in bytes(row.content_sealed)
    asked = setup.requests(seller)
    assert [(one.provider, one.mailbox, one.link) for one in asked] == [
        ("Gmail", "alice.shop@gmail.com", "https://mail.google.com/mail/vf-abcdefgh12")
    ]
    mallory = make_seller("Mallory's shop")
    assert setup.requests(mallory) == [] and not setup.put_away(mallory, row.pk, now=NOW)
    assert setup.purge(now=row.asked_at + timedelta(days=91)) == 1
    assert ForwardingRequest.objects.count() == 0


def test_a_question_that_was_put_away_waits_for_nobody(seller: Seller) -> None:
    row = make_forwarding(seller)
    Notice.objects.filter(pk=row.notice_id).update(status=Notice.Status.QUARANTINED)
    assert setup.put_away(seller, row.pk, now=NOW) and setup.put_away(seller, row.pk, now=NOW)
    assert setup.requests(seller) == []
    assert Notice.objects.get(pk=row.notice_id).status == Notice.Status.IGNORED


# --- Addresses ---


def test_each_place_has_one_address_of_its_own_and_the_general_one_stays(
    seller: Seller, account: AmazonAccount
) -> None:
    general = addresses.open_address(seller)
    italy, america = account.marketplaces.order_by("marketplace_id")
    first = addresses.open_address(seller, italy)
    assert addresses.open_address(seller, italy) == first
    assert addresses.open_address(seller, america) != first
    assert addresses.open_address(seller) == general
    assert addresses.find_address(first.local_part) == first
    assert addresses.is_address_of(seller.pk, addresses.full_address(first))


def test_a_replaced_address_takes_mail_for_ninety_days_and_proves_less(
    seller: Seller, account: AmazonAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = written_order(account)
    old = addresses.open_address(seller)
    raw = AMAZON.sign(replace(ITALIAN, to=addresses.full_address(old)).build())
    new = addresses.rotate(seller, old.pk, now=NOW - timedelta(hours=1))

    assert new is not None and addresses.open_address(seller) == new
    assert addresses.rotate(seller, old.pk, now=NOW) is None
    found = addresses.find_address(old.local_part)
    assert found == old
    notice = take_in(found, raw)
    assert (notice.status, notice.grade) == (Notice.Status.APPLIED, "C")
    stranger = gate.Buyer(make_seller().pk, order.amazon_order_id, order.order_key, order.alias_key)
    assert gate.standing(stranger) is None  # it counts for this seller alone
    (former,) = former_addresses(seller, now=NOW)
    assert former.last_mail_at > former.replaced_at
    assert any("was replaced" in said for said in diagnosis(seller, standing_of(seller, now=NOW), now=NOW))

    monkeypatch.setattr("optouts.addresses.timezone.now", lambda: NOW + timedelta(days=91))
    assert addresses.find_address(old.local_part) is None
    assert not addresses.is_address_of(seller.pk, addresses.full_address(old))


def test_what_came_before_the_replacement_counts_in_full(seller: Seller, account: AmazonAccount) -> None:
    written_order(account)
    old = addresses.open_address(seller)
    pk = intake.receive(old, AMAZON.sign(replace(ITALIAN, to=addresses.full_address(old)).build()), now=NOW)
    addresses.rotate(seller, old.pk, now=NOW + timedelta(minutes=1))
    intake.process(pk, resolver=FakeDns(), now=NOW + timedelta(minutes=2))
    assert Notice.objects.get(pk=pk).grade == "A1"


def test_nobody_replaces_an_address_of_another_seller(seller: Seller) -> None:
    old = addresses.open_address(seller)
    assert addresses.rotate(make_seller("Mallory's shop"), old.pk, now=NOW) is None
    assert addresses.find_address(old.local_part) == old


# --- The watch ---

SILENT = watching.Figures(5_000, NOW - timedelta(days=6), True, silence.Record(10_000, 60), silence.Record())


def test_the_watch_keeps_since_when_its_verdict_holds(seller: Seller) -> None:
    assert watching.record_watch(seller.pk, SILENT, now=NOW) is silence.Verdict.SILENT
    watching.record_watch(seller.pk, SILENT, now=NOW + timedelta(days=1))
    watch = OptOutWatch.objects.get()
    assert watch.verdict_since == NOW and watch.watched_at == NOW + timedelta(days=1)
    said = watching.sentence_of(watch, now=NOW)
    assert said == "5,000 sent, about 30 notices expected, none for 6 days"


def test_owners_are_told_once_a_week_at_most_and_by_a_mail_that_nobody_answers(seller: Seller) -> None:
    alice = make_member(seller)
    make_member(seller, Role.MANAGER)
    watching.record_watch(seller.pk, SILENT, now=NOW)
    assert watching.warn_silent(now=NOW) == 1
    watching.record_watch(seller.pk, SILENT, now=NOW + timedelta(days=6))
    assert watching.warn_silent(now=NOW + timedelta(days=6)) == 0
    assert [one.to for one in mail.outbox] == [[alice.email]]
    assert mail.outbox[0].extra_headers["Auto-Submitted"] == "auto-generated"
    assert "5,000 sent, about 30 notices expected, none for 6 days" in mail.outbox[0].body
    assert "/opt-outs/set-up/" in mail.outbox[0].body
    assert watching.warn_silent(now=NOW + timedelta(days=7)) == 1


def test_a_seller_who_has_stopped_writing_is_left_in_peace(seller: Seller) -> None:
    make_member(seller)
    watching.record_watch(seller.pk, SILENT, now=NOW - timedelta(days=4))
    assert watching.warn_silent(now=NOW) == 0 and watching.watch_of(seller) is None
    assert standing_of(seller, now=NOW).title != "Silent"


def test_a_mail_that_the_relay_refuses_does_not_use_the_week_up(seller: Seller, settings: object) -> None:
    make_member(seller)
    watching.record_watch(seller.pk, SILENT, now=NOW)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # type: ignore[attr-defined]
    assert watching.warn_silent(now=NOW) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    assert watching.warn_silent(now=NOW) == 1


def test_a_notice_that_comes_after_the_watch_ends_the_alarm_at_once(seller: Seller) -> None:
    make_notice(seller, kind="opt_out", grade="A1", status="applied", received_at=SILENT.quiet_since)
    watching.record_watch(seller.pk, SILENT, now=NOW)
    assert standing_of(seller, now=NOW).title == "Silent" and watching.watch_of(seller) is not None
    make_notice(seller, kind="opt_out", grade="D", status="quarantined", received_at=NOW)
    assert watching.watch_of(seller) is not None  # nothing proves that one
    make_notice(seller, kind="opt_out", grade="A2", status="applied", received_at=NOW)
    assert standing_of(seller, now=NOW).is_green and watching.watch_of(seller) is None
