"""The list in a seller's hands."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import lookup
from accounts.models import AmazonAccount, Seller, User
from accounts.rowsecurity import across_sellers, as_seller
from messaging import withdrawing
from messaging.models import Message, Status
from optouts import gate, imports, listing
from optouts.gate import Reach
from optouts.imports import Effect
from optouts.listing import NotYours, TooManyLookUps, Wish
from optouts.models import ListImport, Suppression, SuppressionEvent
from orders.models import Order
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_entry,
    make_import,
    make_message,
    make_order,
    make_seller,
    make_user,
    order_id,
    suppress,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def others(db: None) -> AmazonAccount:
    return make_account(make_seller("Mallory's shop"))


@pytest.fixture
def bob(db: None) -> User:
    return make_user()


def standing(order: Order) -> gate.Suppressed | None:
    return gate.standing(gate.Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key))


def remove(entry: Suppression, by: User) -> int:
    assert entry.seller is not None
    seller = entry.seller
    going = [one.pk for one in listing.removal_of(seller, entry).going]
    return listing.remove(seller, going or [entry.pk], by=by, reason="", now=LATER)


def test_an_order_by_hand_stops_its_buyer_at_this_seller_only(account: AmazonAccount, others: AmazonAccount) -> None:
    shared = alias()
    order, next_one, elsewhere = (
        make_order(account, buyer=shared),
        make_order(account, buyer=shared),
        make_order(others),
    )
    Order.objects.filter(pk=elsewhere.pk).update(alias_key=order.alias_key)
    elsewhere.refresh_from_db()

    make_entry(account.seller, order.amazon_order_id, reason="a friend")

    assert standing(order) == gate.Suppressed("a friend") == standing(next_one)
    assert standing(elsewhere) is None
    assert not Suppression.objects.filter(seller=None).exists()


def test_an_alias_in_any_spelling_means_the_buyer(account: AmazonAccount) -> None:
    buyer = alias()
    order = make_order(account, buyer=buyer)

    make_entry(account.seller, buyer.upper().replace("@", "+THREAD@"))

    assert standing(order)


def test_what_is_not_imported_yet_is_stopped_when_it_comes(account: AmazonAccount) -> None:
    number, buyer = order_id(), alias()
    make_entry(account.seller, number)
    make_entry(account.seller, buyer)

    assert standing(make_order(account, amazon_order_id=number))
    assert standing(make_order(account, buyer=buyer))


def test_pending_messages_are_withdrawn_and_sent_ones_are_not_said_to_be_blocked(account: AmazonAccount) -> None:
    buyer = alias()
    pending = make_message(make_order(account, buyer=buyer))
    written = make_order(account, buyer=buyer)
    sent = make_message(written, status=Status.SENT, handed_over_at=NOW - timedelta(hours=1))
    make_entry(account.seller, written.amazon_order_id)

    withdrawing.withdraw_suppressed(now=NOW)

    assert Message.objects.get(pk=pending.pk).status == Status.SUPPRESSED
    assert Message.objects.get(pk=sent.pk).status == Status.SENT


def test_a_notice_that_comes_later_still_blocks_the_message(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    sent = make_message(order, status=Status.SENT, handed_over_at=NOW - timedelta(hours=1))
    make_entry(account.seller, order.amazon_order_id)
    withdrawing.withdraw_suppressed(now=NOW)

    suppress(order)
    withdrawing.withdraw_suppressed(now=NOW)

    assert Message.objects.get(pk=sent.pk).status == Status.BLOCKED


def test_taking_back_takes_the_order_and_its_buyer_and_leaves_events(account: AmazonAccount, bob: User) -> None:
    order = make_order(account, buyer=alias(), replan_at=None, purchased_at=NOW - timedelta(days=5))
    entry = make_entry(account.seller, order.amazon_order_id, by=bob)

    assert remove(entry, bob) == 2

    assert standing(order) is None
    assert list(entry.events.order_by("id").values_list("what", "actor")) == [
        ("added", f"member {bob.pk}"),
        ("revoked", f"member {bob.pk}"),
    ]
    order.refresh_from_db()
    assert order.replan_at == LATER


def test_what_a_notice_proved_is_out_of_the_sellers_hands(account: AmazonAccount, bob: User) -> None:
    order = make_order(account, buyer=alias())
    by_hand = make_entry(account.seller, order.amazon_order_id)
    suppress(order, reach=Reach.SELLER)
    by_hand.refresh_from_db()

    with pytest.raises(NotYours):
        remove(by_hand, bob)

    assert (by_hand.grade, by_hand.reason) == ("A2", gate.OPTED_OUT)
    assert standing(order)


def test_of_order_and_buyer_only_what_is_by_hand_goes(account: AmazonAccount, bob: User) -> None:
    buyer = alias()
    order, earlier = make_order(account, buyer=buyer), make_order(account, buyer=buyer)
    entry = make_entry(account.seller, order.amazon_order_id)
    suppress(earlier, reach=Reach.SELLER)

    removal = listing.removal_of(account.seller, entry)

    assert [one.kind for one in removal.going] == ["order"]
    assert [one.kind for one in removal.staying] == ["alias"]
    assert remove(entry, bob) == 1
    assert standing(order)


def test_all_that_were_shown_go_or_none(account: AmazonAccount, bob: User) -> None:
    mine, proved = make_entry(account.seller), make_order(account)
    (other,) = suppress(proved, reach=Reach.SELLER)

    with pytest.raises(NotYours):
        listing.remove(account.seller, [mine.pk, other], by=bob, reason="", now=LATER)

    mine.refresh_from_db()
    assert mine.state == "active"


def test_an_entry_of_another_seller_is_nobodys_to_take(
    account: AmazonAccount, others: AmazonAccount, bob: User
) -> None:
    entry = make_entry(others.seller)

    with pytest.raises(NotYours), as_seller(account.seller_id):
        listing.remove(account.seller, [entry.pk], by=bob, reason="", now=LATER)


def test_a_notice_written_before_the_taking_back_counts_all_the_same(account: AmazonAccount, bob: User) -> None:
    order = make_order(account)
    entry = make_entry(account.seller, order.amazon_order_id)
    remove(entry, bob)
    earlier = gate.Proof("notice 7", gate.OPTED_OUT, "A1", "f" * 64, dated=NOW - timedelta(days=1))

    gate.suppress(buyer_of(order), earlier, reach=Reach.GLOBAL, now=LATER)

    assert standing(order) == gate.Suppressed(gate.OPTED_OUT)


def buyer_of(order: Order) -> gate.Buyer:
    return gate.Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


def test_a_look_up_says_the_same_whoever_proved_it(account: AmazonAccount, others: AmazonAccount) -> None:
    one, two = alias(), alias()
    mine, theirs = make_order(account, buyer=one), make_order(others, buyer=two)
    make_order(account, buyer=two)
    suppress(mine)
    suppress(theirs)

    with as_seller(account.seller_id):
        answers = [listing.look_up(account.seller, words, now=NOW).reason for words in (one, two)]

    assert answers == [gate.OPTED_OUT, gate.OPTED_OUT]


def test_the_list_is_no_oracle_about_buyers_of_others(account: AmazonAccount, others: AmazonAccount) -> None:
    listed, unlisted = alias(), alias()
    suppress(make_order(others, buyer=listed))
    make_order(others, buyer=unlisted)

    def ask(words: str) -> tuple[object, int]:
        with as_seller(account.seller_id), CaptureQueriesContext(connection) as queries:
            answer = listing.look_up(account.seller, words, now=NOW)
        return (answer.reason, answer.aim.is_known, answer.aim.amazon_order_id), len(queries)

    assert ask(listed) == ask(unlisted)
    assert ask(listed)[0] == ("", False, "")


def test_look_ups_ask_the_same_questions_for_every_answer(account: AmazonAccount) -> None:
    on, off = alias(), alias()
    suppress(make_order(account, buyer=on))
    make_order(account, buyer=off)
    numbers = []
    for words in (on, off, alias()):
        with as_seller(account.seller_id), CaptureQueriesContext(connection) as queries:
            listing.look_up(account.seller, words, now=NOW)
        numbers.append(len(queries))

    assert len(set(numbers)) == 1


def test_look_ups_are_so_many_an_hour(account: AmazonAccount, others: AmazonAccount) -> None:
    for _ in range(listing.LOOK_UPS_AN_HOUR):
        listing.look_up(account.seller, alias(), now=NOW)
    with pytest.raises(TooManyLookUps):
        listing.look_up(account.seller, alias(), now=NOW)

    listing.look_up(others.seller, alias(), now=NOW)
    listing.look_up(account.seller, alias(), now=LATER)


def test_an_import_says_what_each_line_will_do(account: AmazonAccount, bob: User) -> None:
    known, listed, back = make_order(account, buyer=alias()), make_order(account), make_order(account)
    make_entry(account.seller, listed.amazon_order_id)
    remove(make_entry(account.seller, back.amazon_order_id), bob)
    new = order_id()
    numbers = [known.amazon_order_id, new, listed.amazon_order_id, back.amazon_order_id, new, "x"]

    shown = make_import(account.seller, "\n".join(["Order ID", *numbers]).encode())

    assert [line.effect for line in imports.lines_of(shown)] == [
        Effect.ADD,
        Effect.ADD_UNKNOWN,
        Effect.LISTED,
        Effect.BACK,
        Effect.REPEATED,
        Effect.UNREADABLE,
    ]
    assert (shown.found, shown.to_add) == (6, 3)
    assert standing(known) is None


def test_what_is_carried_out_is_what_was_shown(account: AmazonAccount, bob: User) -> None:
    order, other = make_order(account, buyer=alias()), make_order(account, buyer=alias())
    shown = make_import(account.seller, f"Order ID,Reason\n{order.amazon_order_id},rude\n".encode())

    assert imports.carry_out(account.seller, shown, by=bob, now=LATER) == 2

    assert standing(order) == gate.Suppressed("imported from list.csv: rude")
    assert standing(other) is None
    shown.refresh_from_db()
    assert (shown.added, shown.done_at, shown.lines_sealed) == (2, LATER, None)
    assert imports.carry_out(account.seller, shown, by=bob, now=LATER) == 0


def test_a_preview_holds_no_address_and_is_gone_after_a_day(account: AmazonAccount) -> None:
    buyer = alias()
    shown = make_import(account.seller, f"email\n{buyer}\n".encode())

    assert buyer.partition("@")[0] not in repr(imports.lines_of(shown))
    assert imports.purge(now=NOW + timedelta(hours=23)) == 0
    assert imports.purge(now=NOW + timedelta(days=1)) == 1
    shown.refresh_from_db()
    assert imports.lines_of(shown) == []


def test_an_import_changes_no_entry_that_is_in_force(account: AmazonAccount, bob: User) -> None:
    order = make_order(account, buyer=alias())
    shown = make_import(account.seller, f"Order ID\n{order.amazon_order_id}\n".encode())
    suppress(order)
    before = list(Suppression.objects.order_by("id").values())

    assert imports.carry_out(account.seller, shown, by=bob, now=LATER) == 0
    assert list(Suppression.objects.order_by("id").values()) == before


STEPS = ("add", "add the buyer", "import", "take back", "notice", "global notice", "delete order", "delete seller")


@bounds(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=9))
def test_whatever_a_seller_does_a_proved_opt_out_stands(account: AmazonAccount, bob: User, steps: list[str]) -> None:
    """No order of adding, importing, taking back and deleting frees a buyer whom a notice put on the list."""
    walk = Walk(make_account(make_seller()), bob)
    for step in steps:
        events = SuppressionEvent.objects.count()
        walk.take(step)
        assert SuppressionEvent.objects.count() >= events
        walk.holds()


class Walk:
    """One order, and what a seller may do about it; `holds` compares the list with what was proved."""

    def __init__(self, account: AmazonAccount, person: User) -> None:
        self.seller, self.person, self.now = account.seller, person, NOW
        self.buyer_address = alias()
        order = make_order(account, buyer=self.buyer_address)
        self.order_number, self.buyer = order.amazon_order_id, buyer_of(order)
        self.at_others = gate.Buyer(make_seller("Another").pk, order_id(), lookup.order_key(0, order_id()), None)
        self.at_others = gate.Buyer(
            self.at_others.seller_id, order_id(), self.at_others.order_key, lookup.alias_key(self.buyer_address)
        )
        self.is_proved = self.is_global = self.is_by_hand = False
        self.is_seller_here = True

    def take(self, step: str) -> None:
        self.now += timedelta(minutes=1)
        if step.startswith(("notice", "global")):
            reach = Reach.GLOBAL if step.startswith("global") else Reach.SELLER
            proof = gate.Proof("notice 1", gate.OPTED_OUT, "A1", "f" * 64, dated=NOW - timedelta(days=2))
            gate.suppress(self.buyer, proof, reach=reach, now=self.now)
            self.is_proved, self.is_global = True, self.is_global or reach is Reach.GLOBAL
        elif step == "delete order":
            Order.objects.filter(amazon_order_id=self.order_number).delete()
        elif self.is_seller_here:
            self._by_hand(step)

    def _by_hand(self, step: str) -> None:
        if step == "delete seller":
            Seller.objects.filter(pk=self.seller.pk).delete()
            self.is_seller_here = False
        elif step == "import":
            content = f"Order ID,State\n{self.order_number},In force\n".encode()
            imports.carry_out(self.seller, make_import(self.seller, content), by=self.person, now=self.now)
            self.is_by_hand = True
        elif step == "take back":
            self._take_back()
        else:
            words = self.buyer_address if step == "add the buyer" else self.order_number
            wish = Wish(listing.aim_at(self.seller, words))
            listing.add(self.seller, [wish], by=self.person, now=self.now)
            self.is_by_hand = True

    def _take_back(self) -> None:
        entries = Suppression.objects.filter(seller=self.seller, state="active")
        for entry in entries:
            try:
                listing.remove(self.seller, [entry.pk], by=self.person, reason="", now=self.now)
            except NotYours:
                assert self.is_proved
        self.is_by_hand = False

    def holds(self) -> None:
        assert (gate.standing(self.buyer) is not None) == (self.is_proved or self.is_by_hand)
        assert (gate.standing(self.at_others) is not None) == self.is_global


def test_ten_thousand_lines_are_added_in_one_go(account: AmazonAccount, bob: User) -> None:
    content = "\n".join(["Order ID", *(f"222-{number:07d}-1234567" for number in range(10_000))]).encode()

    shown = make_import(account.seller, content)
    added = imports.carry_out(account.seller, shown, by=bob, now=LATER)

    assert added == 10_000
    assert ListImport.objects.get().added == 10_000


def test_events_say_whose_evidence_they_are(account: AmazonAccount, others: AmazonAccount) -> None:
    shared = alias()
    for one in (account, others):
        suppress(make_order(one, buyer=shared))
    with across_sellers("test"):
        events: Any = SuppressionEvent.objects.filter(seller=None).values_list("contributor", flat=True)

    assert list(events)[0] == account.seller_id


def test_a_look_up_finds_what_stands_under_a_former_secret(account: AmazonAccount, settings: Settings) -> None:
    buyer, number = alias(), order_id()
    make_entry(account.seller, buyer)
    make_entry(account.seller, number)
    settings.FORMER_LOOKUP_SECRETS = {1: settings.LOOKUP_SECRET}
    settings.LOOKUP_SECRET, settings.LOOKUP_VERSION = b"a newer secret of the tests, 32 b", 2

    assert [listing.look_up(account.seller, words, now=NOW).reason for words in (buyer, number)] == ["a friend"] * 2
