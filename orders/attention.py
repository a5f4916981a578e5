"""The queue of planning: which orders are to be decided (again). Whoever changes what rules look at asks for it here.

The floors above write here too, down the stairs: a campaign that changes, a sender that is entered, a buyer who is put
on the list. Asking and the change are one transaction, so planning never misses one. What waits for an order does not
wait for the queue: whoever stores a change says so (`orders_changed`), and it is decided anew before the commit.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import QuerySet
from django.dispatch import Signal

from accounts.prepared import Call, Prepared
from orders.models import NO_WINDOW, Order, OrderReading

PLANNED_FOR: Final = timedelta(days=75)  # after purchase; Amazon's time for an order is long over by then

# `seller_id`, `order_ids`, `now`: known orders of one seller stand in the queue, in the transaction that learnt why.
orders_changed: Final = Signal()

# From seller to seller along the index, however long a queue is.
_SELLERS: Final = """
    with recursive queue(seller_id) as (
        select min(seller_id) from orders_order where replan_at is not null
        union all
        select (select min(o.seller_id) from orders_order o where o.replan_at is not null and o.seller_id > q.seller_id)
        from queue q where q.seller_id is not null)
    select seller_id from queue q where seller_id is not null and exists (
        select from orders_order o where o.seller_id = q.seller_id and o.replan_at <= %s)
    order by seller_id"""

# The last line reads all of them, so all are locked before anything else is. Parameters: the orders, now, and how long
# ago a purchase may lie.
_ASK: Final = Prepared(
    "ask_for_plans_of",
    ("bigint[]", "timestamptz", "timestamptz"),
    """
with locked as materialized (
  select id, purchased_at from orders_order where id = any($1) order by id for update
), asked as (
  update orders_order set replan_at = $2 from locked where orders_order.id = locked.id and locked.purchased_at > $3
)
select count(*) from locked
""",
)


def sellers_waiting(*, now: datetime) -> list[int]:
    """Those with orders that are to be decided now."""
    with connection.cursor() as cursor:
        cursor.execute(_SELLERS, [now])
        return [seller_id for (seller_id,) in cursor.fetchall()]


def ask_for_plans(orders: QuerySet[Order], *, now: datetime) -> int:
    """Have these orders planned anew, as far as anything can still be sent for them; returns how many."""
    return orders.filter(purchased_at__gt=now - PLANNED_FOR).update(replan_at=now)


def asking_for_plans_of(order_ids: Collection[int], *, now: datetime) -> Call:
    """What does the same for these orders, and locks them in the order of their ids, as planning takes them."""
    return Call(_ASK, [list(order_ids), now, now - PLANNED_FOR])


def leave_queue_of_changes(account_id: int, *, now: datetime) -> None:
    """The account is disconnected: Amazon shall send its changes no more, as soon as somebody can tell it so."""
    OrderReading.objects.filter(account_id=account_id).update(subscribe_at=now)


def read_from_the_beginning(account_id: int, *, now: datetime) -> None:
    """Have an account's orders read as at the first time, for there are some that no window has covered."""
    OrderReading.objects.filter(account_id=account_id).update(read_until=None, next_at=now, **NO_WINDOW)
