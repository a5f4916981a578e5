"""A seller with very many new orders, made by a handful of statements. For the benchmarks of campaigns."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from accounts import lookup, secrets
from accounts.models import AccountMarketplace, AmazonAccount, Seller
from campaigns import lifecycle
from campaigns.eligibility.conditions import Operator, RuleKind
from campaigns.lifecycle import RuleWish, Wishes
from campaigns.models import Campaign
from campaigns.starting import create_default_campaigns
from orders.models import Order, OrderItem

US: Final = "ATVPDKIKX0DER"
STEP: Final = 5000
RULES: Final = (
    RuleWish(RuleKind.FULFILLED_BY, Operator.IS, ("merchant",)),
    RuleWish(RuleKind.SKU, Operator.IS_NOT, ("never", "ever")),
    RuleWish(RuleKind.QUANTITY, Operator.IS, ("1", "5", "")),
    RuleWish(RuleKind.ORDER_VALUE, Operator.IS, ("10", "", "USD")),
    RuleWish(RuleKind.REFUNDED, Operator.IS_NOT),
    RuleWish(RuleKind.REPLACEMENT, Operator.IS_NOT),
    RuleWish(RuleKind.CANCELLATION_ASKED, Operator.IS_NOT),
    RuleWish(RuleKind.COUNTRY, Operator.IS_NOT, ("CA",)),
    RuleWish(RuleKind.PRIME, Operator.IS_NOT),
    RuleWish(RuleKind.SHIPPED_LATE, Operator.IS_NOT),
)


def make_seller(*, now: datetime) -> AmazonAccount:
    """With five active campaigns of ten rules each: letters for every second order, requests for the rest."""
    seller = Seller.objects.create(name="A large shop")
    token = secrets.seal_text("refresh token", seller.pk, "Atzr|none")
    account = AmazonAccount.objects.create(
        seller=seller, region="NA", selling_partner_id="A1", store_name="A large shop", refresh_token_sealed=token
    )
    AccountMarketplace.objects.create(
        seller=seller, account=account, marketplace_id=US, store_name="A large shop", approved_sender="a@b.example"
    )
    request, letters = create_default_campaigns(seller, now=now)
    lifecycle.change(letters, replace(Wishes.of(letters), rules=RULES), now=now)
    for number in range(3):
        rules = (*RULES[1:], RuleWish(RuleKind.PRIME, Operator.IS))
        wishes = replace(Wishes.of(request), name=f"Prime {number}", priority=11 + number, rules=rules)
        lifecycle.create(seller, wishes, now=now)
    for campaign in Campaign.objects.filter(seller=seller):
        lifecycle.activate(campaign, now=now)
    return account


def make_orders(account: AmazonAccount, number: int, *, now: datetime, first: int = 0) -> None:
    for start in range(first, first + number, STEP):
        numbers = range(start, min(start + STEP, first + number))
        orders = Order.objects.bulk_create(_order(account, n, now) for n in numbers)
        OrderItem.objects.bulk_create(
            OrderItem(
                seller_id=account.seller_id, order=order, amazon_item_id="1", asin="B0ABCDEF12", sku=f"sku-{order.pk}",
                title="Enamel camping mug, 350 ml, dark green", unit_price="24.90", currency="USD", condition="new",
            )
            for order in orders
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("analyze")


def _order(account: AmazonAccount, n: int, now: datetime) -> Order:
    number = f"111-{n // 10**7:07d}-{n % 10**7:07d}"
    delivered_at = now - timedelta(days=n % 28, minutes=n % 1440)
    return Order(
        seller_id=account.seller_id, account=account, amazon_order_id=number, marketplace_id=US, status="shipped",
        fulfilled_by="merchant" if n % 2 else "amazon", purchased_at=delivered_at - timedelta(days=2),
        last_updated_at=delivered_at, deliver_by_earliest=delivered_at, deliver_by_latest=delivered_at,
        delivery_kind="promise", total_amount="24.90", currency="USD", alias_sealed=b"x" * 60, alias_key=uuid.uuid4(),
        order_key=lookup.order_key(account.seller_id, number), changed_at=now, replan_at=now,
    )  # fmt: skip
