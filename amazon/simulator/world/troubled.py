"""Coral Tide: one seller whose three accounts each fail in a way of their own, beside sellers who are served as ever.

Its American account loses our authorisation a minute and a half after the start; its British one sends from an address
that Amazon has not approved (the seller's own typing error, so it is in the product's rows, not here); of its
Australian one every review request is answered 429. Orders of all three fall due before, during and after.
"""

from typing import Final

from amazon.simulator import accounts, clock, orders
from amazon.simulator.orders import Order
from amazon.simulator.places import PLACES
from amazon.simulator.store import Store
from amazon.simulator.world import goods
from amazon.simulator.world.cast import AU, CORAL_AU_ID, CORAL_UK_ID, CORAL_US_ID, GB, US
from amazon.simulator.world.making import Maker, Shop

REVIEW: Final = 7 * clock.DAY
REVOKED_AFTER: Final = 90.0  # seconds: some requests have gone out by then, the others wait for ever
AMERICA = Shop(CORAL_US_ID, US, 14, 1.0, goods.CORAL)
BRITAIN = Shop(CORAL_UK_ID, GB, 12, 0.3, goods.CORAL)
AUSTRALIA = Shop(CORAL_AU_ID, AU, 10, 1.0, goods.CORAL)


def add_troubled(store: Store, start: float, seed: int) -> None:
    """Its orders, and its troubles. Chance of its own: nothing else of the world depends on it."""
    maker = Maker(store, start, seed)
    orders.add(
        store, [*_due_one_by_one(maker, AMERICA), *_delivered(maker, BRITAIN), *_due_one_by_one(maker, AUSTRALIA)]
    )
    accounts.revoke(store, CORAL_US_ID, at=start + REVOKED_AFTER)
    accounts.throttle(store, CORAL_AU_ID, True)


def _due_one_by_one(maker: Maker, shop: Shop) -> list[Order]:
    """Review requests that fall due from the start on, one every 20 seconds. Amazon has sent all of these."""
    return [_order(maker, shop, maker.start - REVIEW + 20.0 * number, "AMAZON") for number in range(shop.orders)]


def _delivered(maker: Maker, shop: Shop) -> list[Order]:
    """Delivered in the last days: letters to those whom the seller sent it himself, requests to the others."""
    return [
        _order(maker, shop, maker.start - maker.chance.uniform(7.2, 12) * clock.DAY, by)
        for by in maker.chance.choices(
            ("AMAZON", "MERCHANT"), (shop.amazon_share, 1 - shop.amazon_share), k=shop.orders
        )
    ]


def _order(maker: Maker, shop: Shop, promised: float, fulfilled_by: str) -> Order:
    buyer = maker.buyer(shop.locale, PLACES[shop.marketplace_id].alias_domain)
    return maker.order(shop, buyer, promised, fulfilled_by)
