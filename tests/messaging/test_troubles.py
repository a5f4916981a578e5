"""What is wrong with an account, as the seller's dashboard and the operators' page are told."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import lifecycle
from accounts.health import Ability
from accounts.models import AmazonAccount
from accounts.rowsecurity import as_seller
from messaging import troubles
from messaging.models import Status
from messaging.troubles import Trouble
from tests.makers import NOW, make_account, make_message, make_order, make_seller

pytestmark = pytest.mark.django_db


def of(account: AmazonAccount) -> tuple[Trouble, ...]:
    with as_seller(account.seller_id):
        account.refresh_from_db()
        return troubles.of_accounts([account]).get(account.pk, ())


def test_a_sound_account_has_none() -> None:
    account = make_account(make_seller())
    make_message(make_order(account), attempts=troubles.AGAIN_AND_AGAIN - 1)  # put off now and then, as on any day

    assert of(account) == ()


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"status": AmazonAccount.Status.REVOKED}, Trouble.REVOKED),
        ({"restricted_at": NOW}, Trouble.RESTRICTED),
        ({"restricted_at": NOW, "is_stopped_by_us": True}, Trouble.REFUSALS),
    ],
)
def test_what_stands_on_the_account_is_told(changes: dict[str, Any], trouble: Trouble) -> None:
    assert of(make_account(make_seller(), **changes)) == (trouble,)


def test_a_refused_sender_is_told_until_it_is_saved_again() -> None:
    account = make_account(make_seller())
    with as_seller(account.seller_id):
        account.marketplaces.update(changed_at=NOW, sender_refused_at=NOW + timedelta(hours=1))
        assert of(account) == (Trouble.SENDER,)
        account.marketplaces.update(changed_at=NOW + timedelta(hours=2))
        assert of(account) == ()


@pytest.mark.parametrize(
    ("ability", "found"),
    [
        (Ability.READ_ORDERS, (Trouble.NO_ORDERS,)),
        (Ability.REQUEST_REVIEWS, (Trouble.NO_REQUESTS,)),
        (Ability.ORDER_MESSAGES, (Trouble.NO_MESSAGES,)),
        (Ability.BUYER_LANGUAGE, ()),  # nothing is stopped by it: Settings says it
    ],
)
def test_a_missing_role_is_told_by_what_it_stops(ability: Ability, found: tuple[Trouble, ...]) -> None:
    account = make_account(make_seller())
    with as_seller(account.seller_id):
        lifecycle.mark_denied(account.pk, ability, now=NOW)

    assert of(account) == found


def test_what_amazon_puts_off_again_and_again_is_told_while_it_waits() -> None:
    account = make_account(make_seller())
    message = make_message(make_order(account), attempts=troubles.AGAIN_AND_AGAIN)
    assert of(account) == (Trouble.PUT_OFF,)
    with as_seller(account.seller_id):
        type(message).objects.filter(pk=message.pk).update(status=Status.SENT)
    assert of(account) == ()


def test_what_stops_most_is_told_first() -> None:
    account = make_account(make_seller(), restricted_at=NOW, status=AmazonAccount.Status.REVOKED)

    assert of(account) == (Trouble.REVOKED, Trouble.RESTRICTED)
