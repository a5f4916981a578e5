"""The demo world: about 600 orders over 40 days, laid out so that the whole loop is seen within two minutes.

What the product does with these orders is its own affair; the moments below are made for its default campaigns: an
e-mail to merchant-fulfilled orders 2 days after delivery, a request for a review 7 days after, delivery being the end
of the promise.
"""

import random
from dataclasses import replace

from amazon.simulator import accounts, clock, orders
from amazon.simulator.buyers import Buyer
from amazon.simulator.orders import Order, Step
from amazon.simulator.places import PLACES
from amazon.simulator.simulation import Simulation
from amazon.simulator.world import goods
from amazon.simulator.world.cast import ACCOUNTS, BOTTEGA_ID, DE, GB, HARBOUR_ID, IT, LAKESIDE_ID, PENNINE_ID, US
from amazon.simulator.world.letters import await_addresses
from amazon.simulator.world.making import Maker, Shop, asked_to_cancel, cancelled
from amazon.simulator.world.troubled import add_troubled

SEED = 20261123
CHECK_IN = 2 * clock.DAY
REVIEW = 7 * clock.DAY
DAYS_BACK = 36
DAYS_AHEAD = 6
OPTED_OUT_SHARE = 0.024
RETURNING_SHARE = 0.1

LAKESIDE = Shop(LAKESIDE_ID, US, 300, 0.55, goods.LAKESIDE)
BOTTEGA = Shop(BOTTEGA_ID, IT, 150, 0.3, goods.BOTTEGA_IT)
BOTTEGA_GERMANY = Shop(BOTTEGA_ID, DE, 70, 0.3, goods.BOTTEGA_DE)
PENNINE = Shop(PENNINE_ID, GB, 80, 0.2, goods.PENNINE)
HARBOUR = Shop(HARBOUR_ID, US, 40, 0.4, goods.HARBOUR)
SHOPS = (LAKESIDE, BOTTEGA, BOTTEGA_GERMANY, PENNINE, HARBOUR)

# Buyers who have opted out and bought at two sellers: the first one's notice must stop the second one's message.
# First seller (due at once), second seller, and how many seconds after the start its message falls due. An Italian
# notice names the alias, whose domain must be that of the order's marketplace: so Bottega Chiaro is never the second.
SHARED_OPTED_OUT = (
    (LAKESIDE, PENNINE, 80.0),
    (BOTTEGA, PENNINE, 100.0),
    (BOTTEGA, LAKESIDE, 120.0),
    (BOTTEGA_GERMANY, LAKESIDE, 145.0),
)
SHARED_FRIENDLY = ((LAKESIDE, PENNINE), (BOTTEGA, LAKESIDE), (BOTTEGA_GERMANY, PENNINE), (PENNINE, LAKESIDE))
LIVELY = 60
MOVING = 12
LIVELY_SECONDS = 600


def populate_once(simulation: Simulation) -> None:
    """Make the world, unless this state file has it already."""
    store = simulation.store
    if store.setting("world") == "demo":
        return
    with store.write():
        for wanted in ACCOUNTS:
            accounts.open_account(store, wanted)
        maker = Maker(store, clock.now(), SEED)
        made = [*_shared(maker), *_lively(maker), *_moving(maker)]
        for shop in SHOPS:
            already = sum(
                (order.selling_partner_id, order.marketplace_id) == (shop.selling_partner_id, shop.marketplace_id)
                for order in made
            )
            made += _ordinary(maker, shop, shop.orders - already)
        orders.add(store, _with_aftermath(made, maker.start))
        add_troubled(store, maker.start, SEED + 2)
        await_addresses(store)
        store.set_setting("world", "demo")


def _domain(shop: Shop) -> str:
    return PLACES[shop.marketplace_id].alias_domain


def _shared(maker: Maker) -> list[Order]:
    """Buyers of two sellers. Their alias is that of the place where they bought first."""
    made = []
    for first, second, seconds in SHARED_OPTED_OUT:
        buyer = maker.buyer(first.locale, _domain(first), opted_out=True)
        made.append(_plain(maker, first, buyer, maker.start - CHECK_IN - 20.0))
        made.append(_plain(maker, second, buyer, maker.start - CHECK_IN + seconds))
    for first, second in SHARED_FRIENDLY:
        buyer = maker.buyer(first.locale, _domain(first))
        made.append(_plain(maker, first, buyer, maker.start - maker.chance.uniform(9, 20) * clock.DAY))
        made.append(_plain(maker, second, buyer, maker.start + maker.chance.uniform(1, 3) * clock.DAY))
    return made


def _plain(maker: Maker, shop: Shop, buyer: Buyer, promised: float) -> Order:
    """A merchant-fulfilled order without anything special: nothing but the opt-out may stop its message."""
    order = maker.order(shop, buyer, promised)
    items = tuple(replace(item, is_gift=False, is_business_price=False, promotion_id="") for item in order.items)
    return replace(order, programs=(), items=items)


def _lively(maker: Maker) -> list[Order]:
    """Orders that fall due one after the other in the first ten minutes, for one campaign or the other."""
    made = []
    for number in range(LIVELY):
        shop = maker.chance.choices(SHOPS, weights=[shop.orders for shop in SHOPS])[0]
        moment = LIVELY_SECONDS * (number + maker.chance.random()) / LIVELY
        delay = CHECK_IN if number % 2 else REVIEW
        fulfilled_by = "MERCHANT" if delay == CHECK_IN else maker.chance.choice(("MERCHANT", "AMAZON"))
        buyer = maker.buyer(shop.locale, _domain(shop), opted_out=number % 20 == 7)
        made.append(maker.order(shop, buyer, maker.start - delay + moment, fulfilled_by))
    return made


def _moving(maker: Maker) -> list[Order]:
    """Orders that change while somebody watches: some ship, some are cancelled, some are asked to be."""
    made = []
    for number in range(MOVING):
        shop = SHOPS[number % len(SHOPS)]
        buyer = maker.buyer(shop.locale, _domain(shop))
        order = maker.order(shop, buyer, maker.start + maker.chance.uniform(2, 4) * clock.DAY)
        # Placed an hour ago or a little more, so that everything after the payment is still to come.
        created_at = maker.start - maker.chance.uniform(1, 6) * clock.HOUR
        moment = maker.start + 30 + 45 * number
        change = (
            Step(moment, status="SHIPPED", package="SHIPPED"),
            Step(moment, status="CANCELLED", package="CANCELLED", cancelled_by="BUYER"),
            Step(moment, cancel_reason="Ordered twice by mistake"),
        )[number % 3]
        steps = (Step(created_at + 30 * clock.MINUTE, status="UNSHIPPED", package="PENDING"), change)
        made.append(
            replace(order, created_at=created_at, ship_by=(created_at, created_at + 2 * clock.DAY), steps=steps)
        )
    return made


def _ordinary(maker: Maker, shop: Shop, number: int) -> list[Order]:
    """The bulk: promises from weeks ago to days ahead, with everything that happens to orders."""
    made: list[Order] = []
    known: list[Buyer] = []
    for _ in range(number):
        promised = _end_of_day(maker.start + maker.chance.uniform(-DAYS_BACK, DAYS_AHEAD) * clock.DAY)
        if known and maker.chance.random() < RETURNING_SHARE:
            buyer = maker.chance.choice(known)
        else:
            buyer = maker.buyer(shop.locale, _domain(shop), opted_out=maker.chance.random() < OPTED_OUT_SHARE)
            known.append(buyer)
        fulfilled_by = "AMAZON" if maker.chance.random() < shop.amazon_share else "MERCHANT"
        order = _with_fate(maker, maker.order(shop, buyer, promised, fulfilled_by))
        if made and maker.chance.random() < 0.02:
            original = maker.chance.choice(made)
            order = replace(
                order,
                replaces=original.order_id,
                buyer_id=original.buyer_id,
                fulfilled_by=original.fulfilled_by,
                items=original.items,
            )
        # Nobody orders in the future.
        made.append(order if order.created_at <= maker.start else _placed_just_now(maker, order))
    return made


def _with_fate(maker: Maker, order: Order) -> Order:
    fate = maker.chance.random()
    if fate < 0.045:
        by = maker.chance.choice(("MERCHANT", "BUYER", "AMAZON"))
        return cancelled(order, by, maker.chance.uniform(1, 20) * clock.HOUR)
    return asked_to_cancel(order) if fate < 0.07 else order


def _with_aftermath(made: list[Order], start: float) -> list[Order]:
    """Some delivered orders come back, most of them refunded, and some buyers leave one to three stars.

    Chance of its own, so that nothing else of the world depends on it. The scenes' own orders are left alone: they come
    first.
    """
    chance = random.Random(SEED + 1)  # noqa: S311 - the same world every time
    staged = 2 * (len(SHARED_OPTED_OUT) + len(SHARED_FRIENDLY)) + LIVELY + MOVING
    after = []
    for number, order in enumerate(made):
        fate, day = chance.random(), order.deliver_by[1] + chance.uniform(1, 6) * clock.DAY
        is_over = order.steps[-1].status != "CANCELLED" and not order.replaces and day < start
        if number >= staged and is_over:
            if fate < 0.06:
                order = replace(order, returned_at=day, is_refunded=fate < 0.045)
            elif fate < 0.09:
                order = replace(order, feedback_rating=chance.choice((1, 2, 3)))
        after.append(order)
    return after


def _placed_just_now(maker: Maker, order: Order) -> Order:
    """Move an order back so that it was placed within the last half hour: still pending."""
    shift = order.created_at - (maker.start - maker.chance.uniform(3, 28) * clock.MINUTE)
    return replace(
        order,
        created_at=order.created_at - shift,
        ship_by=(order.ship_by[0] - shift, order.ship_by[1] - shift),
        steps=tuple(replace(step, at=step.at - shift) for step in order.steps),
    )


def _end_of_day(at: float) -> float:
    """Promises end with the day."""
    return at - at % clock.DAY + clock.DAY - 1
