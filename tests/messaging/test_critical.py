"""Critical messages: what an opted-out buyer may still receive, and nothing else may ride on it."""

import re
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.values import OrderMessageKind
from campaigns.planning import plan_stale
from messaging import critical, dispatch, withdrawing
from messaging.critical import NoWay, Reason, Way, Writing
from messaging.models import Channel, CriticalMessage, ImportantPolicy, Message, Purpose, Status
from optouts import gate
from orders.models import Order
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_campaigns,
    make_message,
    make_order,
    make_seller,
    make_user,
    suppress,
)
from tests.messaging.post_office import PostOffice, at_once

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = {"unexpectedProblem"}


@pytest.fixture
def account() -> AmazonAccount:
    return make_account(make_seller())


@pytest.fixture
def order(account: AmazonAccount) -> Order:
    return make_order(account, buyer=alias())


def way(order: Order, offered: set[str], reason: str = Reason.DELIVERY) -> Way | NoWay:
    with across_sellers("test"):
        return critical.way_for(order, reason, offered, now=NOW)


def write(order: Order, offered: set[str], text: str = "When may we bring it?", number: UUID | None = None) -> Message:
    found = way(order, offered)
    assert isinstance(found, Way)
    with across_sellers("test"):
        writing = Writing(number or uuid4(), Reason.DELIVERY, text)
        return critical.write(order, writing, found, by=make_user(), now=NOW)


def status_of(message: Message) -> str:
    with across_sellers("test"):
        return Message.objects.get(pk=message.pk).status


def send_all(account: AmazonAccount, office: PostOffice) -> None:
    dispatch.send_due(account.pk, gateways=dict.fromkeys(Channel, office), take=at_once, clock=lambda: NOW)


@pytest.mark.parametrize(("delivered", "kept"), [(0, 30), (20, 10), (29, 2), (60, 2)])
def test_the_text_goes_with_what_is_personal_of_its_order_but_not_before_it_could_be_sent(
    account: AmazonAccount, delivered: int, kept: int
) -> None:
    order = make_order(account, buyer=alias(), delivered_at=NOW - timedelta(days=delivered))
    assert write(order, PROBLEM).purge_at == NOW + timedelta(days=kept)


@pytest.mark.parametrize(
    ("reason", "offered", "kind"),
    [
        (Reason.CUSTOMISATION, {"confirmCustomizationDetails", "unexpectedProblem"}, OrderMessageKind.CUSTOMISATION),
        (Reason.CUSTOMISATION, {"unexpectedProblem"}, OrderMessageKind.PROBLEM),
        (Reason.DELIVERY, {"confirmDeliveryDetails", "unexpectedProblem"}, OrderMessageKind.DELIVERY),
        (Reason.ADDRESS, {"unexpectedProblem", "legalDisclosure"}, OrderMessageKind.PROBLEM),
    ],
)
def test_the_kind_that_fits_the_reason_best_is_taken_of_those_that_amazon_offers(
    order: Order, reason: Reason, offered: set[str], kind: OrderMessageKind
) -> None:
    found = way(order, offered, reason)

    assert isinstance(found, Way)
    assert (found.channel, found.kind, found.longest) == (Channel.ORDER_MESSAGE, kind, kind.longest)


def test_without_an_offer_it_is_a_mail_with_the_word_and_the_policy_in_force(order: Order) -> None:
    found = way(order, set())

    assert isinstance(found, Way)
    assert (found.channel, found.subject) == (Channel.BUYER_EMAIL, f"[Important] {order.amazon_order_id}")
    assert found.policy is not None and "contradict" not in found.policy.sentence
    assert found.policy.effect == "disputed"


def test_where_the_word_is_gone_no_mail_is_offered_to_a_buyer_who_has_opted_out(order: Order) -> None:
    ImportantPolicy.objects.create(
        since=date(2026, 11, 1), effect="gone", sentence="It is gone.", source="test", entered_at=NOW
    )
    assert isinstance(way(order, set()), Way)

    suppress(order)

    refused = way(order, set())
    assert isinstance(refused, NoWay) and "It is gone." in refused.reason
    assert isinstance(way(order, PROBLEM), Way)


def test_without_alias_or_sender_and_without_an_offer_there_is_no_way(account: AmazonAccount) -> None:
    no_alias = make_order(account)
    no_sender = make_order(make_account(make_seller("Other"), sender=""), buyer=alias())

    for order in (no_alias, no_sender):
        assert isinstance(way(order, set()), NoWay)
        assert isinstance(way(order, PROBLEM), Way)


@pytest.mark.parametrize("offered", [PROBLEM, set()])
def test_it_reaches_a_buyer_who_has_opted_out(account: AmazonAccount, order: Order, offered: set[str]) -> None:
    suppress(order)
    message, office = write(order, offered), PostOffice()

    send_all(account, office)

    assert status_of(message) == Status.SENT
    assert len(office.delivered) == 1
    with across_sellers("test"):
        entry = CriticalMessage.objects.get(message=message)
    assert (entry.was_opted_out, entry.reason) == (True, "delivery")
    assert bool(entry.policy) == (not offered)


def test_an_opt_out_does_not_withdraw_it_but_withdraws_what_a_campaign_had_scheduled(
    account: AmazonAccount, order: Order
) -> None:
    campaigns, critically = make_message(order), write(order, PROBLEM)

    suppress(order)
    withdrawing.withdraw_suppressed(now=NOW)

    assert (status_of(campaigns), status_of(critically)) == (Status.SUPPRESSED, Status.SCHEDULED)


def test_a_campaigns_message_is_stopped_all_the_same(account: AmazonAccount, order: Order) -> None:
    write(order, PROBLEM)
    campaigns, office = make_message(order), PostOffice()
    suppress(order)

    send_all(account, office)

    assert status_of(campaigns) == Status.SUPPRESSED
    assert [envelope.kind for envelope in office.delivered] == ["unexpectedProblem"]


def test_it_takes_no_order_from_a_campaign(account: AmazonAccount, order: Order) -> None:
    make_campaigns(account.seller)
    critically = write(order, PROBLEM)

    plan_stale(now=NOW)

    assert status_of(critically) == Status.SCHEDULED
    with across_sellers("test"):
        assert Message.objects.filter(order=order, purpose=Purpose.CAMPAIGN).count() == 1


def test_the_same_writing_twice_is_one_message(account: AmazonAccount, order: Order) -> None:
    number = uuid4()

    assert write(order, PROBLEM, number=number) == write(order, PROBLEM, number=number)
    with across_sellers("test"):
        assert Message.objects.count() == CriticalMessage.objects.count() == 1


def test_a_mail_names_the_order_and_its_text_is_never_markup(order: Order) -> None:
    found = way(order, set())
    assert isinstance(found, Way)

    letter = critical.letter_of(order, Writing(uuid4(), Reason.DELIVERY, "a <b>\r\n\r\nc"), found)

    assert letter.text == f"{order.amazon_order_id}\n\na <b>\n\nc\n"
    assert "<p>a &lt;b&gt;</p>" in letter.html


def test_a_clearance_without_the_list_wants_a_transaction_too(transactional_db: None, order: Order) -> None:
    with pytest.raises(RuntimeError):
        gate.clear_critical(gate.buyer_of(order), now=NOW)
    with transaction.atomic():
        gate.clear_critical(gate.buyer_of(order), now=NOW)


def test_nobody_but_dispatch_asks_for_a_clearance_without_the_list_and_only_for_critical_messages() -> None:
    callers = {
        path.relative_to(ROOT).as_posix()
        for floor in ("feedbackfive", "campaigns", "messaging", "optouts", "orders", "accounts")
        for path in (ROOT / floor).rglob("*.py")
        if re.search(r"\bclear_critical\b", path.read_text())
    }
    assert callers == {"optouts/gate.py", "messaging/dispatch.py"}
    source = (ROOT / "messaging/dispatch.py").read_text()
    asked = re.findall(r"gate\.clear_critical\(_buyer\(row\), now=now\) if (.*) else", source)
    assert asked == ["row.purpose == Purpose.CRITICAL"]
    assert source.count("clear_critical") == 1
