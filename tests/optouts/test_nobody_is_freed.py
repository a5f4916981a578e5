"""Whatever comes in whatever order: a buyer who was stopped stays stopped, at whom he was stopped for.

Only `listing`'s revocation by two operators frees a buyer; it is not among the steps here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import lookup
from accounts.models import AmazonAccount, Seller, User
from optouts import gate, guards, holds, intake, promotions
from optouts.gate import Buyer, Proof, Reach, Suppressed
from optouts.models import GuardAlarm, Notice, Suppression
from orders import sync
from orders.models import Order
from tests.makers import NOW, make_account, make_notice, make_order, make_seller, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

ALIASES = [f"buyer{number:06d}x@marketplace.amazon.com" for number in range(2)]
SELLERS, BUYERS = st.integers(0, 1), st.integers(0, len(ALIASES) - 1)
DAYS = st.integers(0, 40)
GRADES = st.sampled_from(["", "A1", "A2", "A3", "A4", "A4?", "B", "C", "D", "X"])

STEP = st.one_of(
    st.tuples(st.just("suppress"), SELLERS, BUYERS, DAYS, GRADES, st.sampled_from(list(Reach))),
    st.tuples(st.just("hold"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("let go"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("dismiss"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("confirm"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("import"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("delete orders"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("purge"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("alarm"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("settle"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("promote"), SELLERS, BUYERS, DAYS),
    st.tuples(st.just("delete seller"), SELLERS, BUYERS, DAYS),
)


@dataclass
class World:
    """Two sellers and two buyers, each of whom has bought from both."""

    accounts: list[AmazonAccount]
    operator: User
    steps: int = 0

    def order(self, seller: int, buyer: int, *, is_new: bool = False) -> Order | None:
        account = self.accounts[seller]
        if not Seller.objects.filter(pk=account.seller_id).exists():
            return None
        known = Order.objects.filter(account=account, alias_key=lookup.alias_key(ALIASES[buyer])).order_by("pk").first()
        return known if known and not is_new else make_order(account, buyer=ALIASES[buyer])

    def take(self, step: tuple[object, ...]) -> None:
        what, seller, buyer, days, *more = step
        assert isinstance(what, str) and isinstance(seller, int) and isinstance(buyer, int) and isinstance(days, int)
        self.steps += 1
        now = NOW + timedelta(days=days)
        order = self.order(seller, buyer, is_new=what == "import")
        if what == "purge":
            sync.purge(now=now)
            intake.purge(now=now)
        elif what == "settle":
            guards.settle(list(GuardAlarm.objects.values_list("pk", flat=True)), by=self.operator, now=now)
        elif what == "promote":
            promotions.bring_into_force(list(Suppression.objects.all()), by=self.operator, reason="seen", now=now)
        elif order is not None:
            self.act(what, order, now, *more)

    def act(self, what: str, order: Order, now: datetime, *more: object) -> None:
        proof = Proof(f"notice {self.steps}", gate.OPTED_OUT, "D", f"{self.steps:064d}", now)
        if what == "suppress":
            grade, reach = more
            assert isinstance(grade, str) and isinstance(reach, Reach)
            proof = Proof(f"notice {self.steps}", gate.OPTED_OUT, grade, f"{self.steps:064d}", now)
            gate.suppress(buyer_of(order), proof, reach=reach, now=now)
        elif what == "hold":
            holds.hold(buyer_of(order), proof, until=now + holds.HELD_FOR, now=now)
        elif what == "let go":
            holds.let_go(buyer_of(order), actor="operator 1", reason="test", now=now)
        elif what in ("dismiss", "confirm"):
            notice = make_notice(order.seller, order=order, status=Notice.Status.QUARANTINED, grade="D")
            verb = promotions.dismiss if what == "dismiss" else promotions.confirm
            verb(notice, by=self.operator, now=now)
        elif what == "delete orders":
            Order.objects.filter(account=order.account).delete()
        elif what == "alarm":
            guards.raise_alarm(order.seller_id, GuardAlarm.Kind.RATE, now=now)
        elif what == "delete seller":
            Seller.objects.filter(pk=order.seller_id).delete()

    def stopped(self) -> set[tuple[int, int]]:
        """Which buyer may not be written to by which seller; 2 is a seller who has never heard of anybody."""
        return {
            (seller, buyer)
            for seller in range(3)
            for buyer in range(len(ALIASES))
            if isinstance(self.ask(seller, buyer), Suppressed)
        }

    def ask(self, seller: int, buyer: int) -> object:
        # As the next order of this buyer would be asked about: another order, the same alias.
        seller_id = self.accounts[seller].seller_id if seller < 2 else 0
        number = "999-9999999-9999999"
        order_key = lookup.order_key(seller_id, number)
        them = Buyer(seller_id, number, order_key, lookup.alias_key(ALIASES[buyer]))
        return gate.clear(them, now=NOW + timedelta(days=400))


def buyer_of(order: Order) -> Buyer:
    return Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=2, max_size=14))
def test_no_sequence_of_imports_deletions_and_evidence_ever_frees_a_buyer(steps: list[tuple[object, ...]]) -> None:
    with transaction.atomic():
        world = World([make_account(make_seller(name)) for name in ("Alice", "Mallory")], make_user(is_staff=True))
        stopped: set[tuple[int, int]] = set()
        for step in steps:
            world.take(step)
            now_stopped = world.stopped()
            assert stopped <= now_stopped, step
            stopped = now_stopped
        transaction.set_rollback(True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=2, max_size=14))
def test_entries_and_events_only_ever_become_more(steps: list[tuple[object, ...]]) -> None:
    with transaction.atomic():
        world = World([make_account(make_seller(name)) for name in ("Alice", "Mallory")], make_user(is_staff=True))
        before: set[int] = set()
        for step in steps:
            world.take(step)
            entries = set(Suppression.objects.values_list("pk", flat=True))
            assert before <= entries, step
            before = entries
        transaction.set_rollback(True)
