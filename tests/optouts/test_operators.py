"""What operators do to the list."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AmazonAccount, User
from accounts.rowsecurity import across_sellers
from optouts import gate, operators
from optouts.gate import Reach
from optouts.models import RevocationRequest, Suppression, SuppressionEvent
from optouts.operators import NotAllowed
from orders.models import Order
from tests.makers import NOW, alias, make_account, make_entry, make_order, make_seller, make_user, suppress

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def others(db: None) -> AmazonAccount:
    return make_account(make_seller("Mallory's shop"))


@pytest.fixture
def olga(db: None) -> User:
    return make_user(is_staff=True)


@pytest.fixture
def otto(db: None) -> User:
    return make_user(is_staff=True)


def buyer_of(order: Order) -> gate.Buyer:
    return gate.Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key)


def prove(
    order: Order, number: int = 1, *, reach: Reach = Reach.GLOBAL, dated: int = -1, grade: str = "A1"
) -> list[int]:
    """A notice about this order, written `dated` days from now."""
    proof = gate.Proof(f"notice {number}", gate.OPTED_OUT, grade, f"{number:064d}", NOW + timedelta(days=dated))
    return gate.suppress(buyer_of(order), proof, reach=reach, now=NOW)


def for_everybody(order: Order) -> Suppression:
    assert order.alias_key is not None
    return Suppression.objects.get(key=order.alias_key, seller=None)


def test_one_asks_and_another_approves(account: AmazonAccount, olga: User, otto: User) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)
    entry = for_everybody(order)

    asked = operators.ask_to_revoke(entry, by=olga, reason="Amazon said so", now=NOW)
    assert for_everybody(order).state == "active"
    assert operators.approve(asked, shown=1, by=otto, now=LATER) == 1

    assert for_everybody(order).state == "revoked"
    event = entry.events.get(what="revoked")
    assert event.actor == f"operator {olga.pk} with {otto.pk}, request {asked.pk}"
    assert event.reason == "Amazon said so"


def test_nobody_revokes_alone(account: AmazonAccount, olga: User) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)
    asked = operators.ask_to_revoke(for_everybody(order), by=olga, reason="x", now=NOW)

    with pytest.raises(NotAllowed, match="another operator"):
        operators.approve(asked, shown=1, by=olga, now=LATER)
    with pytest.raises(IntegrityError), transaction.atomic():
        RevocationRequest.objects.filter(pk=asked.pk).update(is_approved=True, answered_by=olga)
    with pytest.raises(NotAllowed):
        operators.carry_out(asked, now=LATER)

    assert for_everybody(order).state == "active"


def test_a_request_is_answered_once(account: AmazonAccount, olga: User, otto: User) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)
    asked = operators.ask_to_revoke(for_everybody(order), by=olga, reason="x", now=NOW)

    operators.refuse(asked, by=otto, now=NOW)
    with pytest.raises(NotAllowed, match="already"):
        operators.approve(asked, shown=1, by=otto, now=NOW)
    with pytest.raises(NotAllowed, match="already"):
        operators.refuse(asked, by=olga, now=NOW)


def test_a_revoked_entry_cannot_be_asked_for_again(account: AmazonAccount, olga: User, otto: User) -> None:
    order = make_order(account, buyer=alias())
    suppress(order)
    operators.approve(
        operators.ask_to_revoke(for_everybody(order), by=olga, reason="x", now=NOW), shown=1, by=otto, now=NOW
    )
    with pytest.raises(NotAllowed, match="already"):
        operators.ask_to_revoke(for_everybody(order), by=olga, reason="x", now=NOW)


def test_all_that_rests_on_one_seller_goes_and_nothing_else(
    account: AmazonAccount, others: AmazonAccount, olga: User, otto: User
) -> None:
    shared, alone = alias(), alias()
    poisoned, both, theirs = make_order(account, buyer=alone), make_order(account, buyer=shared), make_order(others)
    prove(poisoned, 1)
    prove(both, 2)
    prove(make_order(others, buyer=shared), 3)
    by_hand = make_entry(account.seller)
    prove(theirs, 4)

    asked = operators.ask_to_revoke_all(account.seller, shown=1, by=olga, reason="poison", now=NOW)
    assert operators.approve(asked, shown=1, by=otto, now=LATER) == 1

    assert for_everybody(poisoned).state == "revoked"
    assert for_everybody(both).state == "active"
    by_hand.refresh_from_db()
    assert by_hand.state == "active"
    assert gate.standing(buyer_of(poisoned))  # at this seller itself the notice still holds
    asked.refresh_from_db()
    assert asked.revoked == 1


def test_what_has_changed_since_it_was_shown_is_shown_again(account: AmazonAccount, olga: User, otto: User) -> None:
    prove(make_order(account, buyer=alias()), 1)
    with pytest.raises(NotAllowed, match="Look again"):
        operators.ask_to_revoke_all(account.seller, shown=2, by=olga, reason="poison", now=NOW)
    asked = operators.ask_to_revoke_all(account.seller, shown=1, by=olga, reason="poison", now=NOW)
    prove(make_order(account, buyer=alias()), 2)

    with pytest.raises(NotAllowed, match="Look again"):
        operators.approve(asked, shown=1, by=otto, now=LATER)
    assert not SuppressionEvent.objects.filter(what="revoked").exists()


def test_evidence_of_nobody_known_keeps_the_entry(account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    prove(order)
    SuppressionEvent.objects.create(
        suppression=for_everybody(order), what="evidence", actor="notice 0", reason="long ago", at=NOW
    )

    assert not operators.resting_on(account.seller).exists()


def test_another_sellers_old_notice_undoes_the_revocation_of_one_sellers_evidence(
    account: AmazonAccount, others: AmazonAccount, olga: User, otto: User
) -> None:
    shared = alias()
    mine = make_order(account, buyer=shared)
    prove(mine, 1)
    asked = operators.ask_to_revoke_all(account.seller, shown=1, by=olga, reason="poison", now=NOW)
    operators.approve(asked, shown=1, by=otto, now=LATER)

    prove(mine, 5, dated=-2)
    assert for_everybody(mine).state == "revoked"
    prove(make_order(others, buyer=shared), 6, dated=-2)
    assert for_everybody(mine).state == "active"


def test_what_two_operators_revoked_does_not_come_back_by_an_old_mail(
    account: AmazonAccount, olga: User, otto: User
) -> None:
    order = make_order(account, buyer=alias())
    prove(order)
    asked = operators.ask_to_revoke(for_everybody(order), by=olga, reason="x", now=NOW)
    operators.approve(asked, shown=1, by=otto, now=NOW)

    prove(order, 2, dated=-1)
    assert for_everybody(order).state == "revoked"
    prove(order, 3, dated=1)
    assert for_everybody(order).state == "active"


def test_a_frozen_sellers_evidence_counts_for_it_alone_until_it_is_lifted(
    account: AmazonAccount, olga: User, otto: User
) -> None:
    before, meanwhile, after = (make_order(account, buyer=alias()) for _ in range(3))
    prove(before, 1)
    operators.freeze(account.seller, by=olga, reason="looks odd", now=NOW)
    operators.freeze(account.seller, by=otto, reason="again", now=NOW)
    prove(meanwhile, 2)
    assert operators.unfreeze(account.seller, by=otto, now=LATER)
    assert not operators.unfreeze(account.seller, by=otto, now=LATER)
    prove(after, 3)

    everybody = set(Suppression.objects.filter(seller=None).values_list("key", flat=True))
    assert everybody == {before.alias_key, after.alias_key}
    assert gate.standing(buyer_of(meanwhile))


def test_a_frozen_seller_brings_no_waiting_entry_into_force(
    account: AmazonAccount, others: AmazonAccount, olga: User
) -> None:
    shared = alias()
    waiting = make_order(others, buyer=shared)
    prove(waiting, 1, reach=Reach.PENDING)
    operators.freeze(account.seller, by=olga, reason="looks odd", now=NOW)

    prove(make_order(account, buyer=shared), 2)

    assert for_everybody(waiting).state == "pending"


def test_the_radar_compares_optouts_with_letters(account: AmazonAccount, others: AmazonAccount, olga: User) -> None:
    for number in range(6):
        prove(make_order(account, buyer=alias(), last_written_at=NOW), number)
        prove(make_order(others, buyer=alias(), last_written_at=NOW), 100 + number)
    for _ in range(40):
        make_order(others, last_written_at=NOW)
    operators.freeze(others.seller, by=olga, reason="x", now=NOW)

    first, second = operators.radar(now=NOW + timedelta(minutes=1))

    assert (first.seller, first.sent, first.optouts, first.for_everybody) == (account.seller, 6, 6, 6)
    assert first.is_conspicuous and not first.is_frozen
    assert (second.seller, second.sent, second.optouts) == (others.seller, 46, 6)
    assert second.is_frozen and not second.is_conspicuous


def test_an_operator_finds_all_entries_of_a_buyer_by_the_order_or_the_address(
    account: AmazonAccount, client: Client
) -> None:
    """The entry for everybody names no order: without its key nobody could ask for it to be revoked."""
    address, stranger = alias(), make_order(account, buyer=alias())
    order = make_order(account, buyer=address)
    prove(order)
    prove(stranger, 2)
    client.force_login(make_user(is_staff=True, is_superuser=True))

    def found(words: str) -> set[int]:
        page = client.post("/admin/optouts/suppression/look-up/", {"buyer": words}, follow=True)
        assert page.status_code == 200 and words not in page.redirect_chain[0][0]
        return {entry.pk for entry in page.context["cl"].result_list}

    with across_sellers("test"):
        there = Suppression.objects.filter(key__in=[order.order_key, order.alias_key])
        meant, everybody = set(there.values_list("pk", flat=True)), for_everybody(order).pk
    assert everybody in meant and len(meant) == 3
    assert found(order.amazon_order_id) == found(address) == meant
    assert found(alias()) == set()
    assert b"Neither an order number" in client.post(
        "/admin/optouts/suppression/look-up/", {"buyer": "x"}, follow=True
    ).content
