"""Orders that were written to, each with a pending message, and genuine notices about them under a test key."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optouts.addresses import full_address
from tests.makers import IT, make_account, make_address, make_message, make_order, make_seller
from tests.notices.builder import ALIAS, AMAZON, ITALIAN, ORDER


@dataclass(frozen=True)
class Case:
    """One order with its pending message, and the notice that must stop it."""

    message_id: int
    raw: bytes


def cases(count: int, *, now: datetime) -> tuple[str, list[Case]]:
    """The seller's address and `count` cases."""
    account = make_account(make_seller(), marketplaces=(IT,))
    address = full_address(make_address(account.seller))
    return address, [_case(account, address, number, now) for number in range(count)]


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
