"""The one door to the list."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers, as_seller
from messaging import outbox, withdrawing
from messaging.models import Channel, Hold, Message, Status
from optouts import gate
from optouts.gate import Buyer, Clearance, Proof, Reach, Suppressed
from optouts.models import Suppression, SuppressionEvent
from orders.models import Order
from tests.makers import alias, make_account, make_message, make_order, make_seller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


def proof(number: int = 1, grade: str = "A1") -> Proof:
    return Proof(f"notice {number}", gate.OPTED_OUT, grade, f"{number:064d}")


def buyer_of(order: Order) -> Buyer:
    return Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


@pytest.fixture
def alices(db: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def mallorys(db: None) -> AmazonAccount:
    return make_account(make_seller("Mallory's shop"))


def test_nobody_but_the_gate_makes_a_clearance(alices: AmazonAccount, now: datetime) -> None:
    with pytest.raises(TypeError):
        Clearance(buyer_of(make_order(alices)), now, object())


@pytest.mark.django_db(transaction=True)
def test_a_clearance_outside_a_transaction_is_refused(alices: AmazonAccount, now: datetime) -> None:
    with pytest.raises(RuntimeError):
        gate.clear(buyer_of(make_order(alices)), now=now)


def test_a_buyer_who_is_not_on_the_list_is_cleared(alices: AmazonAccount, now: datetime) -> None:
    buyer = buyer_of(make_order(alices, buyer=alias()))
    assert isinstance(gate.clear(buyer, now=now), Clearance)


def test_reach_decides_who_else_is_stopped(alices: AmazonAccount, mallorys: AmazonAccount, now: datetime) -> None:
    for reach, expected in ((Reach.SELLER, False), (Reach.PENDING, False), (Reach.GLOBAL, True)):
        address = alias()
        gate.suppress(buyer_of(make_order(alices, buyer=address)), proof(), reach=reach, now=now)
        assert isinstance(gate.clear(buyer_of(make_order(alices, buyer=address)), now=now), Suppressed)
        stopped = isinstance(gate.clear(buyer_of(make_order(mallorys, buyer=address)), now=now), Suppressed)
        assert stopped is expected


def test_without_an_alias_only_the_order_is_stopped(alices: AmazonAccount, now: datetime) -> None:
    order = make_order(alices)
    entries = gate.suppress(buyer_of(order), proof(), reach=Reach.GLOBAL, now=now)
    assert len(entries) == 1
    assert isinstance(gate.clear(buyer_of(order), now=now), Suppressed)
    assert isinstance(gate.clear(buyer_of(make_order(alices)), now=now), Clearance)


def test_a_thread_suffix_of_the_alias_is_the_same_buyer(alices: AmazonAccount, now: datetime) -> None:
    address = alias()
    gate.suppress(buyer_of(make_order(alices, buyer=address)), proof(), reach=Reach.SELLER, now=now)
    in_a_thread = address.replace("@", "+A1B2C3@").upper()
    assert isinstance(gate.clear(buyer_of(make_order(alices, buyer=in_a_thread)), now=now), Suppressed)


def test_suppressing_twice_adds_evidence_not_entries(alices: AmazonAccount, now: datetime) -> None:
    buyer = buyer_of(make_order(alices, buyer=alias()))
    for number in (1, 1, 2):
        gate.suppress(buyer, proof(number), reach=Reach.GLOBAL, now=now)
    assert Suppression.objects.count() == 3  # the order, the buyer for this seller, the buyer for everybody
    assert SuppressionEvent.objects.count() == 6  # two different notices on each


def test_a_pending_entry_comes_into_force_with_a_second_mail_that_amazon_signed(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    address = alias()
    buyer, stranger = buyer_of(make_order(alices, buyer=address)), buyer_of(make_order(mallorys, buyer=address))
    gate.suppress(buyer, proof(1), reach=Reach.PENDING, now=now)
    gate.suppress(buyer, proof(1), reach=Reach.PENDING, now=now)  # the very same mail proves nothing new
    gate.suppress(buyer, proof(2, grade="A3"), reach=Reach.PENDING, now=now)  # nor does one to an unknown mailbox
    assert isinstance(gate.clear(stranger, now=now), Clearance)
    gate.suppress(buyer, proof(3, grade="A2"), reach=Reach.PENDING, now=now)
    assert isinstance(gate.clear(stranger, now=now), Suppressed)


def test_an_entry_in_force_is_not_weakened_by_lesser_evidence(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    address = alias()
    buyer = buyer_of(make_order(alices, buyer=address))
    gate.suppress(buyer, proof(1), reach=Reach.GLOBAL, now=now)
    gate.suppress(buyer, proof(2, grade="A3"), reach=Reach.PENDING, now=now)
    assert isinstance(gate.clear(buyer_of(make_order(mallorys, buyer=address)), now=now), Suppressed)


@pytest.mark.parametrize(
    "attack",
    [
        lambda: Suppression.objects.all().delete(),
        lambda: Suppression.objects.update(key="00000000-0000-0000-0000-000000000000"),
        lambda: Suppression.objects.update(seller_id=999),
        lambda: SuppressionEvent.objects.all().delete(),
        lambda: SuppressionEvent.objects.update(reason="nothing happened"),
    ],
)
def test_the_database_itself_refuses_to_forget(
    attack: Callable[[], object], alices: AmazonAccount, now: datetime
) -> None:
    gate.suppress(buyer_of(make_order(alices, buyer=alias())), proof(), reach=Reach.GLOBAL, now=now)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        attack()


def test_deleting_the_seller_or_the_order_never_frees_a_buyer(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    address = alias()
    gate.suppress(buyer_of(make_order(alices, buyer=address)), proof(), reach=Reach.GLOBAL, now=now)
    Seller.objects.filter(pk=alices.seller_id).delete()
    assert not Order.objects.filter(seller_id=alices.seller_id).exists()
    assert isinstance(gate.clear(buyer_of(make_order(mallorys, buyer=address)), now=now), Suppressed)


def test_a_seller_sees_neither_global_entries_nor_those_of_others(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    gate.suppress(buyer_of(make_order(alices, buyer=alias())), proof(), reach=Reach.GLOBAL, now=now)
    with as_seller(mallorys.seller_id):
        assert Suppression.objects.count() == 0 and SuppressionEvent.objects.count() == 0
    with as_seller(alices.seller_id):
        assert set(Suppression.objects.values_list("seller_id", flat=True)) == {alices.seller_id}


def test_one_suppression_withdraws_what_is_pending_at_every_seller(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    address, later = alias(), now + timedelta(days=1)
    waiting = [make_message(make_order(account, buyer=address), due_at=later) for account in (alices, mallorys)]
    outbox.hold([waiting[1].pk], cause=Hold.TEAM, reason="test", now=now)
    other = make_message(make_order(mallorys, buyer=alias()), due_at=later)
    gate.suppress(buyer_of(waiting[0].order), proof(), reach=Reach.GLOBAL, now=now)

    assert withdrawing.withdraw_suppressed(now=now) == 2
    assert withdrawing.withdraw_suppressed(now=now) == 0
    states = dict(Message.objects.values_list("pk", "status"))
    assert [states[m.pk] for m in (*waiting, other)] == [Status.SUPPRESSED, Status.SUPPRESSED, Status.SCHEDULED]


def test_what_amazon_took_and_then_blocked_is_shown_as_blocked(alices: AmazonAccount, now: datetime) -> None:
    order, other = make_order(alices, buyer=alias()), make_order(alices, buyer=alias())
    sent, unrelated = (make_message(each, status=Status.SENT, handed_over_at=now) for each in (order, other))
    request = make_message(make_order(alices), channel=Channel.REQUEST_REVIEW, status=Status.SENT)
    gate.suppress(buyer_of(order), proof(), reach=Reach.SELLER, now=now)
    withdrawing.withdraw_suppressed(now=now)
    states = dict(Message.objects.values_list("pk", "status"))
    assert [states[m.pk] for m in (sent, unrelated, request)] == [Status.BLOCKED, Status.SENT, Status.SENT]


def test_a_message_in_amazons_hands_is_settled_before_its_entry_leaves_the_queue(
    alices: AmazonAccount, now: datetime
) -> None:
    message = make_message(make_order(alices, buyer=alias()), status=Status.SENDING, handed_over_at=now)
    gate.suppress(buyer_of(message.order), proof(), reach=Reach.SELLER, now=now)
    withdrawing.withdraw_suppressed(now=now)
    with across_sellers("test"):
        Message.objects.update(status=Status.SENT)
    withdrawing.withdraw_suppressed(now=now)
    message.refresh_from_db()
    assert message.status == Status.BLOCKED


@pytest.mark.parametrize(
    ("grades", "shown"),
    [(["C", "A1"], "A1"), (["A1", "C"], "A1"), (["B", "A3", "D"], "A3"), (["A3", "A4"], "A4"), (["A2", "A1"], "A1")],
)
def test_an_entry_shows_its_best_grade_and_its_events_show_all(
    grades: list[str], shown: str, alices: AmazonAccount, now: datetime
) -> None:
    buyer = buyer_of(make_order(alices, buyer=alias()))
    for number, grade in enumerate(grades):
        reach = Reach.SELLER if grade in ("C", "D") else Reach.PENDING
        gate.suppress(buyer, proof(number, grade), reach=reach, now=now)
    for entry in Suppression.objects.filter(seller=buyer.seller_id):
        assert entry.grade == shown
        assert list(entry.events.order_by("id").values_list("grade", flat=True)) == grades
    [of_all] = Suppression.objects.filter(seller=None)
    seen = [grade for grade in grades if grade not in ("C", "D")]
    assert of_all.grade == shown
    assert list(of_all.events.order_by("id").values_list("grade", flat=True)) == seen


def test_an_entry_that_comes_into_force_by_a_lesser_second_proof_keeps_its_better_grade(
    alices: AmazonAccount, now: datetime
) -> None:
    buyer = buyer_of(make_order(alices, buyer=alias()))
    gate.suppress(buyer, proof(1, "A1"), reach=Reach.PENDING, now=now)
    gate.suppress(buyer, proof(2, "A4"), reach=Reach.GLOBAL, now=now)
    of_all = Suppression.objects.get(seller=None)
    assert (of_all.state, of_all.grade) == (Suppression.State.ACTIVE, "A1")


def test_better_proof_of_a_revoked_entry_changes_nothing_on_it(alices: AmazonAccount, now: datetime) -> None:
    buyer = buyer_of(make_order(alices))
    gate.suppress(buyer, proof(1, "C"), reach=Reach.SELLER, now=now)
    Suppression.objects.update(state=Suppression.State.REVOKED)
    gate.suppress(buyer, proof(2, "A1"), reach=Reach.SELLER, now=now)
    entry = Suppression.objects.get()
    assert (entry.state, entry.grade) == (Suppression.State.REVOKED, "C")


def test_of_very_many_orders_the_list_says_the_same_as_of_their_keys(
    alices: AmazonAccount, mallorys: AmazonAccount, now: datetime
) -> None:
    theirs, hers = alias(), alias()
    orders = [
        make_order(alices),  # on the list by its number
        make_order(alices, buyer=theirs),  # a buyer who opted out at another seller
        make_order(alices, buyer=hers),  # one whom Mallory alone leaves alone
        make_order(alices, buyer=alias()),  # one of whom a second proof is missing
        make_order(alices, buyer=alias()),
    ]
    gate.suppress(buyer_of(orders[0]), Proof("member 1", "a friend", "", ""), reach=Reach.SELLER, now=now)
    gate.suppress(buyer_of(orders[1]), Proof("member 1", "a friend", "", ""), reach=Reach.SELLER, now=now)
    gate.suppress(buyer_of(make_order(mallorys, buyer=theirs)), proof(), reach=Reach.GLOBAL, now=now)
    gate.suppress(buyer_of(make_order(mallorys, buyer=hers)), proof(2), reach=Reach.SELLER, now=now)
    gate.suppress(buyer_of(make_order(mallorys, buyer=orders[3].alias)), proof(3), reach=Reach.PENDING, now=now)

    keys = [key for order in orders for key in (order.order_key, order.alias_key) if key is not None]
    by_key = gate.suppressed_among(alices.seller_id, keys)
    one_by_one = {
        order.pk: next(by_key[key] for key in (order.order_key, order.alias_key) if key in by_key)
        for order in orders
        if order.order_key in by_key or order.alias_key in by_key
    }
    assert gate.suppressed_orders(alices.seller_id, (order.pk for order in orders)) == one_by_one
    assert list(one_by_one) == [orders[0].pk, orders[1].pk]
