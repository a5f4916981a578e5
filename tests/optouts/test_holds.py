"""Unproved notices about orders that we wrote to: the buyer's messages wait, and not for ever."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from accounts.models import AmazonAccount
from messaging import dispatch
from messaging.models import Channel, Message, Status
from optouts import addresses, gate, holds, intake, promotions
from optouts.gate import Buyer, Clearance, OnHold, Proof, Reach, Suppressed
from optouts.models import Notice, Suppression
from optouts.templatetags.evidence import NOT_GRADED, evidence_of
from orders.models import Order
from tests.makers import IT, alias, make_account, make_address, make_message, make_order, make_seller, make_user
from tests.messaging.post_office import PostOffice, at_once
from tests.notices.builder import ALIAS, AMAZON, GMAIL, ITALIAN, NOW, ORDER, FakeDns, Mail
from tests.optouts.test_intake import process, take_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

TOKEN_ONLY = Proof("notice 7", "unproved", "D")
PROVED = Proof("notice 8", gate.OPTED_OUT, "A1", "f" * 64)


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


def buyer_of(order: Order) -> Buyer:
    return Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


def hold(order: Order, *, now: datetime = NOW, days: float = 14) -> datetime | None:
    return holds.hold(buyer_of(order), TOKEN_ONLY, until=now + timedelta(days=days), now=now)


def written_to(account: AmazonAccount) -> Order:
    return make_order(account, buyer=ALIAS, amazon_order_id=ORDER, marketplace_id=IT, last_written_at=NOW)


def test_a_held_buyer_waits_at_this_seller_for_fourteen_days(account: AmazonAccount) -> None:
    address = alias()
    order, other = make_order(account, buyer=address), make_order(account, buyer=address)
    stranger = make_order(make_account(make_seller("Mallory's shop")), buyer=address)
    assert hold(order) == NOW + timedelta(days=14)

    for each in (order, other):
        answer = gate.clear(buyer_of(each), now=NOW)
        assert isinstance(answer, OnHold) and answer.until == NOW + timedelta(days=14)
        assert isinstance(gate.clear(buyer_of(each), now=NOW + timedelta(days=14)), Clearance)
    assert isinstance(gate.clear(buyer_of(stranger), now=NOW), Clearance)


def test_more_mails_about_the_same_order_do_not_stretch_the_hold(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    first = hold(order)
    assert hold(order, now=NOW + timedelta(days=10)) == first
    assert hold(order, now=NOW + timedelta(days=20)) is None
    assert isinstance(gate.clear(buyer_of(order), now=NOW + timedelta(days=20)), Clearance)


def test_proof_turns_a_hold_into_an_entry_and_no_hold_weakens_one(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    hold(order)
    gate.suppress(buyer_of(order), PROVED, reach=Reach.SELLER, now=NOW)
    assert hold(order) is None
    assert isinstance(gate.clear(buyer_of(order), now=NOW + timedelta(days=99)), Suppressed)


def test_a_hold_that_a_person_ends_lets_the_messages_go_on_and_is_not_renewed(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    hold(order)
    later = NOW + timedelta(hours=1)
    assert holds.let_go(buyer_of(order), actor="operator 1", reason="test", now=later)
    assert isinstance(gate.clear(buyer_of(order), now=later), Clearance)
    assert hold(order, now=later) is None
    order.refresh_from_db()
    assert order.replan_at == later


def test_what_another_order_holds_stays_held(account: AmazonAccount) -> None:
    address = alias()
    order, other = make_order(account, buyer=address), make_order(account, buyer=address)
    hold(order)
    hold(other, days=3)
    holds.let_go(buyer_of(order), actor="operator 1", reason="test", now=NOW)
    answer = gate.clear(buyer_of(order), now=NOW)
    assert isinstance(answer, OnHold) and answer.until == NOW + timedelta(days=3)


def test_nobody_is_taken_off_the_list_by_ending_a_hold(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    gate.suppress(buyer_of(order), PROVED, reach=Reach.SELLER, now=NOW)
    assert not holds.let_go(buyer_of(order), actor="operator 1", reason="test", now=NOW)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Suppressed)


def test_a_held_message_goes_back_without_an_attempt_and_is_sent_after_the_hold(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias(), marketplace_id=IT)
    message = make_message(order, due_at=NOW)
    hold(order, days=2)
    office = PostOffice()

    def send(at: datetime) -> Message:
        dispatch.send_due(account.pk, gateways={Channel.BUYER_EMAIL: office}, take=at_once, clock=lambda: at)
        message.refresh_from_db()
        return message

    waiting = send(NOW)
    assert (waiting.status, waiting.attempts, waiting.claim) == (Status.SCHEDULED, 0, None)
    assert waiting.due_at == NOW + timedelta(days=2) and waiting.reason == holds.MAY_HAVE_OPTED_OUT
    assert office.delivered == []
    assert send(NOW + timedelta(days=2)).status == Status.SENT


def test_a_notice_that_nothing_proves_holds_the_buyer_and_waits_for_a_person(account: AmazonAccount) -> None:
    order = written_to(account)
    by_hand = GMAIL.sign(forwarded_by_hand())
    notice = take_in(account, by_hand)
    assert (notice.status, notice.grade, notice.order) == (Notice.Status.QUARANTINED, "D", order)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), OnHold)
    assert gate.standing(buyer_of(order)) is None  # plans go on: nothing is decided


def forwarded_by_hand() -> bytes:
    quoted = ITALIAN.body
    inner = (
        "<div>---------- Forwarded message ---------<br>Da: Amazon.it &lt;auto-communication@amazon.com&gt;<br>"
        f"Date: gio 10 set 2026<br>Subject: {ITALIAN.subject}<br>To: alice@gmail.com<br></div>{quoted}"
    )
    return replace(
        ITALIAN, sender="Somebody <somebody@gmail.com>", subject="Fwd: " + ITALIAN.subject, body=inner
    ).build()


def test_a_person_confirms_a_held_notice_for_its_seller_or_dismisses_it(account: AmazonAccount) -> None:
    order, operator = written_to(account), make_user(is_staff=True)
    notice = take_in(account, GMAIL.sign(forwarded_by_hand()))
    assert promotions.dismiss(notice, by=operator, now=NOW)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Clearance)

    assert promotions.confirm(notice, by=operator, now=NOW)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Suppressed)
    assert not Suppression.objects.filter(seller__isnull=True).exists()


def reasons() -> set[str]:
    return set(Suppression.objects.filter(state=Suppression.State.HELD).values_list("reason", flat=True))


def test_while_the_dns_is_out_the_buyer_waits_and_a_forgery_gains_no_day(account: AmazonAccount) -> None:
    order = written_to(account)
    notice = take_in(account, dns=FakeDns(trouble=True))
    assert notice.grade == "T" and notice.look_at
    answer = gate.clear(buyer_of(order), now=NOW)
    assert isinstance(answer, OnHold) and answer.until < NOW + timedelta(hours=1)
    assert reasons() == {holds.NOT_DECIDED_YET}  # nobody looks at it: it is read again
    assert isinstance(gate.clear(buyer_of(order), now=answer.until), Clearance)

    process(notice.pk, FakeDns(trouble=True), days=3.1)
    assert reasons() == {holds.MAY_HAVE_OPTED_OUT}


def test_a_key_that_is_gone_is_looked_up_again_after_an_hour_before_it_counts(account: AmazonAccount) -> None:
    order = written_to(account)
    notice = take_in(account, dns=FakeDns(missing=True))
    assert notice.status == Notice.Status.RECEIVED and notice.look_at == NOW + timedelta(hours=1)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), OnHold)

    intake.process(notice.pk, resolver=FakeDns(), now=NOW + timedelta(hours=1))
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Suppressed)


def test_a_key_that_stays_away_makes_the_notice_unproved(account: AmazonAccount) -> None:
    written_to(account)
    notice = take_in(account, dns=FakeDns(missing=True))
    notice = process(notice.pk, FakeDns(missing=True), days=0.05)
    assert (notice.status, notice.grade) == (Notice.Status.QUARANTINED, "D")
    Notice.objects.update(look_at=NOW)
    assert process(notice.pk, FakeDns(missing=True), days=0.06).status == Notice.Status.QUARANTINED


def test_a_signed_notice_about_an_order_without_an_alias_stops_the_buyer_that_it_names(account: AmazonAccount) -> None:
    make_order(account, amazon_order_id=ORDER, marketplace_id=IT, last_written_at=NOW)
    take_in(account)
    other = make_order(account, buyer=ALIAS, marketplace_id=IT)
    assert isinstance(gate.clear(buyer_of(other), now=NOW), Suppressed)


GERMAN = replace(
    ITALIAN,
    subject="Ihre Nachricht an den Käufer wurde nicht zugestellt.",
    body=f"<p>Ihre Nachricht zur Bestellung [{ORDER}] wurde nicht zugestellt: der Käufer wünscht keine Nachrichten von "
    f"Verkäufern.</p><a href='mailto:{ALIAS}'>x</a>",
)


def test_a_probable_opt_out_holds_the_buyer_as_well_as_one_that_nothing_proves(account: AmazonAccount) -> None:
    order = written_to(account)
    notice = take_in(account, signed_for(account, GERMAN))
    assert (notice.status, notice.kind, notice.grade) == (Notice.Status.QUARANTINED, "probable_opt_out", "")
    assert isinstance(gate.clear(buyer_of(order), now=NOW), OnHold)
    for entry in Suppression.objects.all():
        assert evidence_of(entry) == evidence_of(entry.events.get()) == NOT_GRADED

    promotions.promote_templates([notice], by=make_user(), now=NOW)
    assert process(notice.pk).grade == "A1"
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Suppressed)


def test_a_person_who_finds_that_it_is_none_lets_the_messages_go_on(account: AmazonAccount) -> None:
    order = written_to(account)
    notice = take_in(account, signed_for(account, GERMAN))
    assert promotions.dismiss(notice, by=make_user(), now=NOW)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Clearance)


@pytest.mark.parametrize(
    "mail",
    [
        replace(GERMAN, body=GERMAN.body.replace(ALIAS, alias())),
        replace(GERMAN, body=GERMAN.body.replace(f"[{ORDER}]", f"[{ORDER}] und [408-3333333-4444444]")),
    ],
    ids=["another buyer's address", "two orders"],
)
def test_nobody_waits_because_of_a_probable_opt_out_that_contradicts_itself(account: AmazonAccount, mail: Mail) -> None:
    order = written_to(account)
    assert take_in(account, signed_for(account, mail)).status == Notice.Status.QUARANTINED
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Clearance)


def test_a_probable_opt_out_whose_order_came_later_can_be_confirmed(account: AmazonAccount) -> None:
    notice = take_in(account, signed_for(account, GERMAN))
    assert notice.order is None and not promotions.confirm(notice, by=make_user(), now=NOW)
    order = written_to(account)
    assert promotions.confirm(notice, by=make_user(), now=NOW)
    assert isinstance(gate.clear(buyer_of(order), now=NOW), Suppressed)


def signed_for(account: AmazonAccount, mail: Mail) -> bytes:
    return AMAZON.sign(replace(mail, to=addresses.full_address(make_address(account.seller))).build())
