"""Orders that were written to, each with a pending message, and genuine notices about them under a test key."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from accounts import lookup
from accounts.models import AmazonAccount
from messaging.models import Channel, Message
from optouts.addresses import full_address
from orders.models import Order
from tests.makers import IT, make_account, make_address, make_message, make_order, make_seller
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, ORDER


@dataclass(frozen=True)
class Case:
    """One order with its pending message, and the notice that must stop it."""

    message_id: int
    raw: bytes


def cases(count: int, *, now: datetime, pending: int = 0) -> tuple[str, list[Case]]:
    """The seller's address and `count` cases, beside so many other messages of hers that wait."""
    account = make_account(make_seller(), marketplaces=(IT,))
    for start in range(0, pending, 10_000):
        _wait_in_a_crowd(account, range(start, min(pending, start + 10_000)), now)
    address = full_address(make_address(account.seller))
    return address, [_case(account, address, number, now) for number in range(count)]


def _wait_in_a_crowd(account: AmazonAccount, numbers: range, now: datetime) -> None:
    owner = {"seller_id": account.seller_id, "account_id": account.pk}
    orders = [
        Order(
            **owner,
            amazon_order_id=f"408-{number:07d}-3333333",
            marketplace_id=IT,
            status=Order.Status.SHIPPED,
            fulfilled_by=Order.FulfilledBy.MERCHANT,
            purchased_at=now - timedelta(days=6),
            last_updated_at=now,
            changed_at=now,
            order_key=lookup.order_key(account.seller_id, f"408-{number:07d}-3333333"),
            alias_key=lookup.alias_key(f"y8d3n0r5{number:07d}@marketplace.amazon.it"),
        )
        for number in numbers
    ]
    messages = [
        Message(
            **owner,
            order=order,
            channel=Channel.BUYER_EMAIL,
            title="Order check-in",
            due_at=now + timedelta(days=3),
            expires_at=now + timedelta(days=20),
            purge_at=now + timedelta(days=20),
            created_at=now,
            touched_at=now,
            alias_key=order.alias_key,
            order_key=order.order_key,
            request_key=lookup.request_key(order.amazon_order_id),
        )
        for order in Order.objects.bulk_create(orders, batch_size=1000)
    ]
    Message.objects.bulk_create(messages, batch_size=1000)


def _case(account: object, address: str, number: int, now: datetime) -> Case:
    order_id, buyer = f"407-{number:07d}-2222222", f"x7c2m9q4{number:07d}@marketplace.amazon.it"
    order = make_order(
        account,  # type: ignore[arg-type]
        buyer=buyer, amazon_order_id=order_id, marketplace_id=IT, last_written_at=now - timedelta(days=1),
    )  # fmt: skip
    message = make_message(order, due_at=now + timedelta(days=3))
    body = ITALIAN.body.replace(ORDER, order_id).replace(ALIAS, buyer)
    mail = replace(ITALIAN, to=address, body=body, message_id=f"<bench-{number}@eu-west-1.amazonses.com>")
    return Case(message.pk, AMAZON.sign(mail.build(), at=now))
