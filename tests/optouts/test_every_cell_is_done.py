"""The decision table of INBOUND.md 4.5 as it is carried out: every cell, from a finding to the rows of the list."""

from datetime import timedelta

import pytest

from accounts.models import AmazonAccount
from optouts import acting
from optouts.decisions import Grade, OrderState
from optouts.examination import Finding
from optouts.models import GuardAlarm, Notice, Suppression
from optouts.reasons import Kind, Reason
from tests.makers import NOW, alias, make_account, make_notice, make_order, make_seller, order_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

APPLIED, PERSON, WAITS, PARKED = "applied", "quarantined", "received", "parked"
# The notice's verdict, the seller's own entries, the entry for everybody, an alarm.
CELLS: dict[str, dict[str, tuple[str, str, str, bool]]] = {
    "A1 A2 A4": {
        "S": (APPLIED, "active", "active", False), "O": (APPLIED, "active", "pending", False),
        "U": (PARKED, "", "", False), "F": (PERSON, "", "", True),
    },
    "A3 A4? B": {
        "S": (APPLIED, "active", "pending", False), "O": (APPLIED, "active", "", False),
        "U": (PARKED, "", "", False), "F": (PERSON, "", "", False),
    },
    "C": {
        "S": (APPLIED, "active", "", False), "O": (APPLIED, "active", "", False),
        "U": (PARKED, "", "", False), "F": (PERSON, "", "", False),
    },
    "D": {
        "S": (PERSON, "held", "", False), "O": (PERSON, "", "", False),
        "U": (PERSON, "", "", False), "F": (PERSON, "", "", False),
    },
    "T": {
        "S": (WAITS, "held", "", False), "O": (WAITS, "", "", False),
        "U": (WAITS, "", "", False), "F": (WAITS, "", "", False),
    },
    "X": {
        "S": (PERSON, "", "", False), "O": (PERSON, "", "", False),
        "U": (PERSON, "", "", False), "F": (PERSON, "", "", True),
    },
}  # fmt: skip


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller())


def named_order(account: AmazonAccount, state: OrderState) -> str:
    if state is OrderState.UNKNOWN:
        return order_id()
    whose = make_account(make_seller("Mallory's shop")) if state is OrderState.FOREIGN else account
    written = NOW - timedelta(days=1) if state is OrderState.WRITTEN_TO else None
    return make_order(whose, buyer=alias(), last_written_at=written).amazon_order_id


@pytest.mark.parametrize("state", OrderState, ids=lambda state: state.value)
@pytest.mark.parametrize("grade", Grade, ids=lambda grade: grade.value)
def test_each_cell_is_carried_out(account: AmazonAccount, grade: Grade, state: OrderState) -> None:
    number = named_order(account, state)
    notice = make_notice(account.seller)
    finding = Finding(
        Kind.OPT_OUT, grade, Reason.OPTED_OUT, order_id=number, signed_at=NOW, fingerprint=f"{notice.pk:064d}"
    )

    outcome = acting.act(notice, finding, now=NOW)

    row = next(cells for grades, cells in CELLS.items() if grade.value in grades.split())
    status, own, of_all, is_alarmed = row[state.value]
    assert outcome.status == status and outcome.reason.endswith(".")
    entries = Suppression.objects.filter(seller=account.seller)
    assert {entry.kind: entry.state for entry in entries} == (dict.fromkeys(("order", "alias"), own) if own else {})
    assert [entry.state for entry in Suppression.objects.filter(seller=None)] == ([of_all] if of_all else [])
    assert GuardAlarm.objects.filter(kind=GuardAlarm.Kind.FOREIGN_ORDER).exists() is is_alarmed
    assert (outcome.look_at is not None) is (status in (WAITS, PARKED))
    assert Suppression.objects.exclude(seller=account.seller).exclude(seller=None).count() == 0


def test_the_cells_are_all_there() -> None:
    grades = [grade for grades in CELLS for grade in grades.split()]
    assert sorted(grades) == sorted(grade.value for grade in Grade)
    assert all(set(row) == {state.value for state in OrderState} for row in CELLS.values())
    assert {cell[0] for row in CELLS.values() for cell in row.values()} <= set(Notice.Status)
