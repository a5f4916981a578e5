"""The demo's letters as the product reads them: one of each grade and of each kind, and none believed too much."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amazon.simulator import accounts, signing
from amazon.simulator.simulation import Simulation, open_simulation
from amazon.simulator.world import demo, letters
from amazon.simulator.world.cast import BOTTEGA_ID, LAKESIDE_ID, PENNINE_ID
from optouts.authenticity import DnsTrouble
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from optouts.reasons import Kind, Reason

EXPECTED = {
    (LAKESIDE_ID, "forwarded"): (Kind.OPT_OUT, Grade.A2),
    (LAKESIDE_ID, "attached"): (Kind.OPT_OUT, Grade.A4),
    (LAKESIDE_ID, "attached_from_another_mailbox"): (Kind.OPT_OUT, Grade.A4_UNKNOWN),
    (LAKESIDE_ID, "sealed"): (Kind.OPT_OUT, Grade.B),
    (LAKESIDE_ID, "forwarded_by_hand"): (Kind.OPT_OUT, Grade.C),
    (LAKESIDE_ID, "forwarded_by_somebody"): (Kind.OPT_OUT, Grade.D),
    (LAKESIDE_ID, "undecided"): (Kind.OPT_OUT, Grade.T),
    (LAKESIDE_ID, "forged"): (Kind.FORGED, Grade.X),
    (LAKESIDE_ID, "buyer_asks_to_stop"): (Kind.BUYER_MESSAGE, None),
    (LAKESIDE_ID, "content_blocked"): (Kind.BLOCKED_FOR_CONTENT, Grade.A2),
    (LAKESIDE_ID, "refund"): (Kind.OTHER_AMAZON, None),
    (BOTTEGA_ID, "too_early"): (Kind.OPT_OUT, Grade.A1),
    (BOTTEGA_ID, "about_anothers_order"): (Kind.OPT_OUT, Grade.A1),
    (BOTTEGA_ID, "in_unattested_words"): (Kind.PROBABLE_OPT_OUT, None),
    (BOTTEGA_ID, "in_new_words"): (Kind.PROBABLE_OPT_OUT, None),
    (BOTTEGA_ID, "buyer_asks_something"): (Kind.BUYER_MESSAGE, None),
    (PENNINE_ID, "gmail_asks"): (Kind.FORWARDING_CONFIRMATION, None),
    (PENNINE_ID, "forwarded"): (Kind.OPT_OUT, Grade.A3),
    (PENNINE_ID, "restricted"): (Kind.RESTRICTED, Grade.A3),
}
CONFIRMED = {LAKESIDE_ID}  # whose mailbox the demo's seeding has confirmed


class Dns:
    """The simulator's own answers, without the network."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    def txt(self, name: str, /) -> bytes | None:
        name = name.rstrip(".")
        if signing.is_unreachable(name):
            raise DnsTrouble("SERVFAIL")
        record = signing.record_at(self.simulation.store, name)
        return record.encode() if record else None


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    state: Path = tmp_path_factory.mktemp("amazon") / "state"
    made = open_simulation(state, ("127.0.0.1", 1), "http://localhost", None)
    demo.populate_once(made)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def found(simulation: Simulation) -> dict[tuple[str, str], Finding]:
    findings = {}
    for selling_partner_id, makers in letters.INBOXES.items():
        inbound = f"o-{'a' * 20}@in.feedbackfive.example"
        account = accounts.set_mailbox(simulation.store, selling_partner_id, {"inbound_address": inbound})
        desk = letters.desk_of(simulation.store, account)
        mailboxes = frozenset({account.mailbox}) if selling_partner_id in CONFIRMED else frozenset[str]()
        context = Context(inbound.__eq__, mailboxes, datetime.fromtimestamp(desk.at, UTC))
        for make in makers:
            letter = make(desk)
            assert letter.recipient == inbound
            [finding] = examine(letter.raw, resolver=Dns(simulation), context=context)
            findings[selling_partner_id, make.__name__] = finding
    return findings


def test_each_letter_is_what_it_is_meant_to_be(found: dict[tuple[str, str], Finding]) -> None:
    assert {name: (finding.kind, finding.grade) for name, finding in found.items()} == EXPECTED


def test_every_grade_is_shown(found: dict[tuple[str, str], Finding]) -> None:
    assert {finding.grade for finding in found.values()} - {None} == set(Grade)


def test_the_two_unattested_notices_differ_in_what_an_operator_does_with_them(
    found: dict[tuple[str, str], Finding],
) -> None:
    promotable, unknown = found[BOTTEGA_ID, "in_unattested_words"], found[BOTTEGA_ID, "in_new_words"]
    assert (promotable.promotable, promotable.reason) == ("de-shadow", Reason.UNATTESTED_WORDING)
    assert unknown.is_new_wording and unknown.promotable is None


def test_the_buyers_wish_the_question_and_the_order_are_read(found: dict[tuple[str, str], Finding]) -> None:
    asks = found[LAKESIDE_ID, "buyer_asks_to_stop"]
    assert asks.asks_to_stop and asks.order_id and asks.alias
    assert not found[BOTTEGA_ID, "buyer_asks_something"].asks_to_stop
    confirmation = found[PENNINE_ID, "gmail_asks"].confirmation
    assert confirmation is not None and (confirmation.link or "").startswith(
        "https://mail-settings.google.com/mail/vf-"
    )


def test_no_letter_is_about_a_buyer_of_whom_amazon_has_sent_a_notice(simulation: Simulation) -> None:
    account = accounts.find(simulation.store, LAKESIDE_ID)
    assert account is not None
    orders = [order.order_id for order in letters.desk_of(simulation.store, account).about]
    assert len(orders) == len(set(orders)) >= 13
