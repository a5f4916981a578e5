"""A mail becomes a notice, a notice a decision. Real signatures by test keys, real rows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.models import AmazonAccount
from messaging import withdrawing
from messaging.models import Status
from optouts import addresses, gate, intake
from optouts.models import Notice, SellerMailbox, Suppression
from orders.models import Order
from tests.makers import IT, make_account, make_address, make_member, make_message, make_order, make_seller
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, NOW, ORDER, FakeDns, attached
from tests.notices.hostile import HOSTILE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

MAILBOX = "alice.shop@gmail.com"


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


def an_order(account: AmazonAccount, *, written: bool = True) -> Order:
    return make_order(
        account,
        buyer=ALIAS,
        amazon_order_id=ORDER,
        marketplace_id=IT,
        last_written_at=NOW - timedelta(days=1) if written else None,
    )


def mail_to(recipient: str, **changes: object) -> bytes:
    return AMAZON.sign(replace(ITALIAN, to=recipient, **changes).build())  # type: ignore[arg-type]


def take_in(account: AmazonAccount, raw: bytes | None = None, dns: FakeDns | None = None, *, days: float = 0) -> Notice:
    address = make_address(account.seller)
    raw = mail_to(addresses.full_address(address)) if raw is None else raw
    notice_id = intake.receive(address, raw, now=NOW)
    return process(notice_id, dns, days=days)


def process(notice_id: int, dns: FakeDns | None = None, *, days: float = 0) -> Notice:
    intake.process(notice_id, resolver=dns or FakeDns(), now=NOW + timedelta(days=days))
    return Notice.objects.get(pk=notice_id)


def is_suppressed(order: Order, *, everywhere: bool = False) -> bool:
    stranger = make_seller("Mallory's shop").pk if everywhere else order.seller_id
    return gate.standing(gate.Buyer(stranger, order.amazon_order_id, order.order_key, order.alias_key)) is not None


def alias_entry(seller_id: int | None) -> Suppression | None:
    return next((entry for entry in Suppression.objects.filter(kind="alias") if entry.seller_id == seller_id), None)


def test_a_direct_notice_about_an_order_that_we_wrote_to_stops_everybody(account: AmazonAccount) -> None:
    order = an_order(account)
    notice = take_in(account)
    assert (notice.status, notice.grade, notice.kind) == (Notice.Status.APPLIED, "A1", "opt_out")
    assert notice.order == order and notice.amazon_order_id == ORDER and notice.look_at is None
    assert is_suppressed(order)
    entry = alias_entry(None)
    assert entry and entry.state == Suppression.State.ACTIVE and entry.amazon_order_id == ""


def test_a_notice_about_an_order_that_we_did_not_write_to_stops_only_this_seller(account: AmazonAccount) -> None:
    order = an_order(account, written=False)
    assert take_in(account).status == Notice.Status.APPLIED
    assert is_suppressed(order)
    entry = alias_entry(None)
    assert entry and entry.state == Suppression.State.PENDING


def test_a_forward_from_a_registered_mailbox_is_as_good_as_a_direct_one(account: AmazonAccount) -> None:
    an_order(account)
    mailbox = addresses.saw_mailbox(account.seller_id, MAILBOX, now=NOW)
    addresses.confirm_mailbox(account.seller, mailbox.pk, by=make_member(account.seller), now=NOW)
    notice = take_in(account, mail_to(MAILBOX))
    assert (notice.status, notice.grade) == (Notice.Status.APPLIED, "A2")
    entry = alias_entry(None)
    assert entry and entry.state == Suppression.State.ACTIVE


def test_a_forward_from_an_unknown_mailbox_waits_for_its_owner_to_confirm_it(account: AmazonAccount) -> None:
    order = an_order(account)
    notice = take_in(account, mail_to(MAILBOX))
    assert (notice.status, notice.grade) == (Notice.Status.APPLIED, "A3") and is_suppressed(order)
    entry = alias_entry(None)
    assert entry and entry.state == Suppression.State.PENDING
    mailbox = SellerMailbox.objects.get()
    assert mailbox.address == MAILBOX and notice.mailbox == mailbox

    addresses.confirm_mailbox(account.seller, mailbox.pk, by=make_member(account.seller), now=NOW)
    assert process(notice.pk).grade == "A2"
    entry.refresh_from_db()
    assert entry.state == Suppression.State.ACTIVE


def test_the_seller_in_whose_mail_it_came_decides_whose_order_it_is(account: AmazonAccount) -> None:
    victim = make_account(make_seller("the victim"), marketplaces=(IT,))
    order = an_order(victim)
    notice = take_in(account)
    assert notice.status == Notice.Status.QUARANTINED and notice.grade == "A1"
    assert not is_suppressed(order) and Suppression.objects.count() == 0


def test_a_notice_before_its_order_waits_for_the_order(account: AmazonAccount) -> None:
    notice = take_in(account)
    assert notice.status == Notice.Status.PARKED and notice.look_at
    order = an_order(account)
    assert process(notice.pk, days=1).status == Notice.Status.APPLIED and is_suppressed(order)


def test_a_notice_whose_order_never_comes_waits_for_a_person(account: AmazonAccount) -> None:
    notice = take_in(account)
    assert process(notice.pk, days=8).status == Notice.Status.QUARANTINED


def test_dns_trouble_waits_for_the_dns_and_then_acts(account: AmazonAccount) -> None:
    order = an_order(account)
    notice = take_in(account, dns=FakeDns(trouble=True))
    assert notice.status == Notice.Status.RECEIVED and notice.grade == "T" and not is_suppressed(order)
    assert notice.look_at == NOW + timedelta(minutes=1)
    assert process(notice.pk, days=1).status == Notice.Status.APPLIED and is_suppressed(order)


def test_a_forged_notice_silences_nobody(account: AmazonAccount) -> None:
    order = an_order(account)
    address = addresses.full_address(make_address(account.seller))
    notice = take_in(account, replace(ITALIAN, to=address).build())
    assert (notice.status, notice.kind) == (Notice.Status.QUARANTINED, "forged") and not is_suppressed(order)


def test_a_notice_that_names_another_buyer_than_the_order_has_waits_for_a_person(account: AmazonAccount) -> None:
    order = make_order(
        account,
        buyer="zzzzzzzzzzzzzzz@marketplace.amazon.it",
        amazon_order_id=ORDER,
        marketplace_id=IT,
        last_written_at=NOW,
    )
    assert take_in(account).status == Notice.Status.QUARANTINED and not is_suppressed(order)


def test_a_mail_about_something_else_is_ignored_and_soon_erased(account: AmazonAccount) -> None:
    raw = b"From: a@b.example\r\nTo: x@y.example\r\nSubject: Lunch\r\n\r\nToday?\r\n"
    notice = take_in(account, raw)
    assert notice.status == Notice.Status.IGNORED and notice.purge_at == NOW + timedelta(days=7)
    assert intake.purge(now=NOW + timedelta(days=7)) == 1
    notice.refresh_from_db()
    assert notice.raw_sealed is None and notice.reason


def test_the_same_mail_twice_is_one_notice(account: AmazonAccount) -> None:
    address = make_address(account.seller)
    raw = mail_to(addresses.full_address(address))
    assert intake.receive(address, raw, now=NOW) == intake.receive(address, raw, now=NOW)
    assert Notice.objects.count() == 1


def test_a_notice_is_processed_by_one_worker_at_a_time(account: AmazonAccount) -> None:
    an_order(account)
    address = make_address(account.seller)
    notice_id = intake.receive(address, mail_to(addresses.full_address(address)), now=NOW)
    assert intake.process(notice_id, resolver=FakeDns(), now=NOW) is not None
    assert intake.process(notice_id, resolver=FakeDns(), now=NOW) is None
    assert intake.claim(10, now=NOW) == []


def test_the_raw_mail_rests_sealed_and_the_evidence_holds_no_address(account: AmazonAccount) -> None:
    an_order(account)
    notice = take_in(account)
    assert notice.raw_sealed is not None and b"auto-communication" not in bytes(notice.raw_sealed)
    assert "@" not in str(notice.evidence)
    assert notice.evidence["signatures"][0]["key_record"].startswith("v=DKIM1")


def test_reading_a_notice_again_changes_nothing(account: AmazonAccount) -> None:
    an_order(account)
    notice = take_in(account)
    before = list(Suppression.objects.order_by("pk").values())
    Notice.objects.update(look_at=NOW)
    process(notice.pk)
    assert list(Suppression.objects.order_by("pk").values()) == before


def test_a_message_is_stopped_by_the_notice_that_came_for_another_one(account: AmazonAccount) -> None:
    an_order(account)
    other = make_message(make_order(account, buyer=ALIAS, marketplace_id=IT), due_at=NOW)
    take_in(account)
    withdrawing.withdraw_suppressed(now=NOW)
    other.refresh_from_db()
    assert other.status == Status.SUPPRESSED


def test_a_mail_whose_reader_died_three_times_is_left_to_a_person(account: AmazonAccount) -> None:
    an_order(account)
    address = make_address(account.seller)
    notice_id = intake.receive(address, mail_to(addresses.full_address(address)), now=NOW)
    Notice.objects.filter(pk=notice_id).update(crashes=intake.MOST_CRASHES)  # each reading counts itself beforehand

    notice = process(notice_id)

    assert (notice.status, notice.reason, notice.look_at) == (Notice.Status.QUARANTINED, intake.UNREADABLE, None)
    assert notice.raw_sealed is not None and not Suppression.objects.exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_waits_for_a_person_or_is_nothing_and_the_next_one_is_read(
    account: AmazonAccount, name: str
) -> None:
    hostile = take_in(account, HOSTILE[name])
    an_order(account)

    assert hostile.status in (Notice.Status.QUARANTINED, Notice.Status.IGNORED) and hostile.look_at is None
    assert take_in(account).status == Notice.Status.APPLIED


def test_a_notice_that_waits_for_its_order_is_not_forgotten_beside_one_that_waits_for_a_person(
    account: AmazonAccount,
) -> None:
    to = addresses.full_address(make_address(account.seller))
    spoilt = mail_to(to).replace(b"Subject:", b"Subject: x\r\nSubject:")
    notice = take_in(account, attached(mail_to(to), spoilt))
    assert notice.status == Notice.Status.QUARANTINED and notice.look_at is not None

    order = an_order(account)
    assert not is_suppressed(order)
    process(notice.pk, days=1)
    assert is_suppressed(order)
