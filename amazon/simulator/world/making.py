"""Making the demo's buyers and orders from one seeded source of chance, relative to the instant of the start."""

import random
from dataclasses import dataclass, replace
from typing import Any

from amazon.simulator import buyers, clock
from amazon.simulator.buyers import Buyer
from amazon.simulator.orders import Item, Order, Step
from amazon.simulator.places import PLACES
from amazon.simulator.store import Store
from amazon.simulator.world.goods import Product
from amazon.simulator.world.people import first_names, last_names

_ALIAS_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# Order ids begin with a number that hints at the marketplace.
_ORDER_PREFIXES = {"US": (111, 114), "IT": (402, 408), "DE": (302, 306), "GB": (202, 206), "AU": (249, 250)}


@dataclass(frozen=True, slots=True)
class Shop:
    """One seller in one marketplace: how many orders, which part Amazon fulfils, what is sold."""

    selling_partner_id: str
    marketplace_id: str
    orders: int
    amazon_share: float
    products: tuple[Product, ...]

    @property
    def locale(self) -> str:
        """The buyers' language."""
        return PLACES[self.marketplace_id].locale


class Maker:
    """Chance with a seed, and the start. The same seed and start make the same world."""

    def __init__(self, store: Store, start: float, seed: int) -> None:
        self.store = store
        self.start = start
        self.chance = random.Random(seed)  # noqa: S311 - a demo wants the same world every time
        self._order_ids: set[str] = set()

    def buyer(self, locale: str, alias_domain: str, *, opted_out: bool = False) -> Buyer:
        """A new buyer."""
        alias = "".join(self.chance.choices(_ALIAS_CHARACTERS, k=15)) + f"@{alias_domain}"
        name = f"{self.chance.choice(first_names(locale))} {self.chance.choice(last_names(locale))}"
        long_ago = self.start - self.chance.uniform(1, 400) * clock.DAY
        wanted: dict[str, Any] = {
            "alias": alias,
            "name": name,
            "locale": locale,
            "opted_out": opted_out,
            "opted_out_at": long_ago,
        }
        return buyers.add(self.store, wanted, alias_domain)

    def order(self, shop: Shop, buyer: Buyer, promised: float, fulfilled_by: str = "MERCHANT") -> Order:
        """An ordinary order whose promise of delivery ends at `promised`."""
        created_at = promised - self.chance.uniform(4.2, 7.8) * clock.DAY
        shipped_at = created_at + self.chance.uniform(0.4, 1.6) * clock.DAY
        delivered_at = max(shipped_at + clock.DAY, promised - self.chance.uniform(0.1, 1.4) * clock.DAY)
        steps = [
            Step(created_at + 30 * clock.MINUTE, status="UNSHIPPED", package="PENDING"),
            Step(shipped_at, status="SHIPPED", package="SHIPPED"),
            Step(shipped_at + 9 * clock.HOUR, package="IN_TRANSIT"),
            Step(delivered_at, package="DELIVERED"),
        ]
        if fulfilled_by == "AMAZON":
            # Amazon shows no packages of its own, so nothing changes after the shipment.
            steps = [replace(step, package="") for step in steps if step.status]
        is_prime = self.chance.random() < (0.6 if fulfilled_by == "AMAZON" else 0.08)
        is_business = self.chance.random() < 0.06
        return Order(
            order_id=self._order_id(shop.marketplace_id),
            selling_partner_id=shop.selling_partner_id,
            marketplace_id=shop.marketplace_id,
            buyer_id=buyer.buyer_id,
            fulfilled_by=fulfilled_by,
            created_at=created_at,
            ship_by=(created_at, created_at + 2 * clock.DAY),
            deliver_by=(promised - 2 * clock.DAY, promised),
            items=self._items(shop, is_business),
            steps=tuple(steps),
            programs=("PRIME",) * is_prime + ("AMAZON_BUSINESS",) * is_business,
            service_level="EXPEDITED" if is_prime else "STANDARD",
        )

    def _items(self, shop: Shop, is_business: bool) -> tuple[Item, ...]:
        bought = self.chance.sample(shop.products, 2 if self.chance.random() < 0.12 else 1)
        return tuple(
            Item(
                order_item_id=f"{self.chance.randrange(10**13, 10**14)}",
                sku=product.sku,
                asin=product.asin,
                title=product.title,
                unit_price=product.price,
                quantity=self.chance.choice((1, 1, 1, 1, 2, 2, 3)),
                is_gift=self.chance.random() < 0.06,
                promotion_id="AUTUMN-15" if self.chance.random() < 0.09 else "",
                is_business_price=is_business,
            )
            for product in bought
        )

    def _order_id(self, marketplace_id: str) -> str:
        low, high = _ORDER_PREFIXES[PLACES[marketplace_id].country]
        while True:
            tail = f"{self.chance.randrange(10**7):07d}-{self.chance.randrange(10**7):07d}"
            order_id = f"{self.chance.randint(low, high)}-{tail}"
            if order_id not in self._order_ids:
                self._order_ids.add(order_id)
                return order_id


def cancelled(order: Order, by: str, after: float) -> Order:
    """The same order, cancelled `after` seconds after it was placed."""
    steps = (order.steps[0], Step(order.created_at + after, status="CANCELLED", package="CANCELLED", cancelled_by=by))
    return replace(order, steps=steps)


def asked_to_cancel(order: Order) -> Order:
    """The same order, whose buyer asked too late to cancel it."""
    request = Step(order.created_at + 3 * clock.HOUR, cancel_reason="The buyer changed their mind")
    return replace(order, steps=tuple(sorted((*order.steps, request), key=lambda step: step.at)))
