"""A person settles what nobody knows: sent, or not sent."""

from datetime import timedelta

import pytest

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from messaging import outbox, pacing, unknowns
from messaging.models import Channel, Message, MessageEvent, Status
from messaging.unknowns import Found
from orders.models import Order
from tests.makers import NOW, make_account, make_message, make_order, make_seller, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    return make_account(seller)


def make_unknown(account: AmazonAccount, channel: Channel = Channel.BUYER_EMAIL) -> Message:
    return make_message(
        make_order(account),
        channel=channel,
        status=Status.UNKNOWN,
        reason="the connection was cut after DATA",
        handed_over_at=NOW,
        look_again_at=NOW + timedelta(hours=1),
    )


def mark(seller: Seller, message: Message, found: Found, *, frees_order: bool = False) -> bool:
    with across_sellers("test"):
        done = unknowns.mark(seller, message.pk, found, by=make_user(), note="", frees_order=frees_order, now=NOW)
        message.refresh_from_db()
        message.order.refresh_from_db()
    return done


def test_marked_as_sent_is_sent_and_says_who_said_so(seller: Seller, account: AmazonAccount) -> None:
    message = make_unknown(account)

    assert mark(seller, message, Found.SENT)
    assert message.status == Status.SENT
    assert message.look_again_at is None
    with across_sellers("test"):
        last = MessageEvent.objects.filter(message=message).latest("id")
    assert (last.status, last.reason) == ("sent", "Marked as sent by an owner")


def test_marked_as_not_sent_leaves_the_order_closed_unless_the_owner_frees_it(
    seller: Seller, account: AmazonAccount
) -> None:
    closed, freed = make_unknown(account), make_unknown(account)
    with across_sellers("test"):
        Order.objects.update(replan_at=None)

    mark(seller, closed, Found.NOT_SENT)
    mark(seller, freed, Found.NOT_SENT, frees_order=True)

    assert (closed.status, closed.frees_order, closed.order.replan_at) == (Status.CANCELLED, False, None)
    assert (freed.status, freed.frees_order, freed.order.replan_at) == (Status.CANCELLED, True, NOW)
    wish = outbox.Wish(Channel.BUYER_EMAIL, "Again", NOW, NOW + timedelta(days=1), None)
    with across_sellers("test"):
        with pytest.raises(outbox.OrderTaken):
            outbox.schedule(closed.order, wish, now=NOW)
        assert outbox.schedule(freed.order, wish, now=NOW).status == Status.SCHEDULED


def test_what_was_not_sent_costs_nothing_of_the_daily_limit(seller: Seller, account: AmazonAccount) -> None:
    message = make_unknown(account)
    with across_sellers("test"):
        before = pacing.used_today(account.pk, now=NOW)

    mark(seller, message, Found.NOT_SENT)

    with across_sellers("test"):
        assert (before, pacing.used_today(account.pk, now=NOW)) == (1, 0)


@pytest.mark.parametrize("status", [status for status in Status if status != Status.UNKNOWN])
def test_only_an_unknown_outcome_can_be_settled_by_hand(seller: Seller, account: AmazonAccount, status: Status) -> None:
    message = make_message(make_order(account), status=status)

    assert not mark(seller, message, Found.SENT)
    assert message.status == status


def test_nobody_settles_another_sellers_message(account: AmazonAccount) -> None:
    message = make_unknown(account)

    assert not mark(make_seller("Mallory's shop"), message, Found.SENT)
    assert message.status == Status.UNKNOWN


def test_the_panel_tells_what_happened_and_where_amazon_shows_the_rest(account: AmazonAccount) -> None:
    letter, request = make_unknown(account), make_unknown(account, Channel.REQUEST_REVIEW)

    with across_sellers("test"):
        about_letter, about_request = unknowns.what_we_know(letter), unknowns.what_we_know(request)
        number = request.order.amazon_order_id

    assert "What happened: the connection was cut after DATA." in about_letter.facts
    assert any("cannot be asked about letters" in fact for fact in about_letter.facts)
    assert any("We ask Amazon about it again, next on 23 Nov 2026" in fact for fact in about_request.facts)
    assert about_request.address == f"https://sellercentral.amazon.com/orders-v3/order/{number}"
