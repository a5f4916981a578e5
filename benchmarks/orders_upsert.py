"""How many orders a second go from parsed pages into PostgreSQL, and does memory stay flat?

`python -m benchmarks.orders_upsert [ORDERS]` (1,000,000): pages of 100 orders with two items each, each page one
transaction with fsync on, one process, through `orders.storing.store_orders` with row level security and all, aliases
sealed. Figures after 10,000 orders and then tenfold. Beside each stands the machine's own limit: rows of the same
content by COPY into a bare table without an index, 100 orders a transaction as well. Then the same pages as updates.
"""

import io
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from amazon.values import AmazonOrder, FulfilledBy, OrderItem, OrderStatus, PackageStatus, Window
from benchmarks.sites import megabytes, pulse, site

PAGE = 100
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
UPDATES = 10_000


def an_order(number: int, *, age: int) -> AmazonOrder:
    bought = BEGAN + timedelta(seconds=number % 1_000_000)
    items = tuple(
        OrderItem(
            f"{number:012d}{line}",
            quantity=1 + line,
            asin=f"B0{number % 5000:08d}",
            sku=f"SKU-{number % 5000}-{line}",
            title=f"Enamel camping mug, 350 ml, in the colour number {number % 5000}, with a lid",
            unit_price=Decimal("19.90"),
            currency="EUR",
            condition="NEW",
        )
        for line in range(2)
    )
    return AmazonOrder(
        f"{100 + number // 10_000_000:03d}-{number % 10_000_000:07d}-{7_654_321:07d}",
        created_at=bought,
        last_updated_at=bought + timedelta(days=2, hours=age),
        marketplace_id="A1PA6795UKMFR9",
        status=OrderStatus.SHIPPED,
        fulfilled_by=FulfilledBy.MERCHANT,
        programs=frozenset({"PRIME"}),
        ship_by=Window(bought, bought + timedelta(days=1)),
        deliver_by=Window(bought + timedelta(days=3), bought + timedelta(days=5)),
        package_statuses=(PackageStatus.DELIVERED if age else PackageStatus.IN_TRANSIT,),
        shipped_at=bought + timedelta(days=1),
        items=items,
        total=Decimal("59.70"),
        currency="EUR",
        buyer_alias=f"b{number:013d}@marketplace.amazon.de",
    )


def pages(first: int, last: int, *, age: int = 0) -> Iterator[list[AmazonOrder]]:
    for start in range(first, last, PAGE):
        yield [an_order(number, age=age) for number in range(start, min(start + PAGE, last))]


def main(most: int) -> None:
    with site():
        from django.db import connection, transaction

        from accounts.models import AmazonAccount
        from accounts.rowsecurity import across_sellers
        from orders.storing import store_orders
        from tests.makers import DE, make_account, make_seller

        account = make_account(make_seller(), marketplaces=(DE,))
        now = BEGAN + timedelta(days=20)

        def timed(chunks: Iterator[list[AmazonOrder]], account: AmazonAccount = account) -> tuple[int, float, float]:
            """Orders, seconds, and this process's share of them; making the pages is not counted."""
            stored, wall, own = 0, 0.0, 0.0
            for page in chunks:
                before, used = time.perf_counter(), time.process_time()
                with transaction.atomic():
                    stored += store_orders(account, page, now=now)
                wall, own = wall + time.perf_counter() - before, own + time.process_time() - used
            return stored, wall, own

        def copied(chunks: Iterator[list[AmazonOrder]]) -> tuple[int, float]:
            stored, wall = 0, 0.0
            for page in chunks:
                text = "".join(f"{order!r}\t{order.order_id}\t{order.buyer_alias}\n" for order in page).encode()
                before = time.perf_counter()
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.copy_expert("copy bare (content, number, alias) from stdin", io.BytesIO(text))
                wall, stored = wall + time.perf_counter() - before, stored + len(page)
            return stored, wall

        with across_sellers("benchmark"):
            with connection.cursor() as cursor:
                cursor.execute("create table bare (content text, number text, alias text)")
            print(f"{PAGE} orders of two items a page, one transaction each, fsync on\n")
            there, size = 0, 10_000
            while size <= most:
                stored, wall, own = timed(pages(there, size))
                limit, limit_wall = copied(pages(0, min(size - there, 20_000)))
                print(
                    f"{size:>9,} orders: {stored / wall:6,.0f} new/s ({own / stored * 1e6:.0f} us of our own CPU each);"
                    f" bare COPY {limit / limit_wall:6,.0f}/s; {megabytes(os.getpid()):.0f} MB; {pulse()}",
                    flush=True,
                )
                there, size = size, size * 10
            stored, wall, _ = timed(pages(0, UPDATES, age=1))
            print(f"{UPDATES:>9,} of them delivered: {stored / wall:6,.0f} updates/s; {pulse()}")
            stored, wall, _ = timed(pages(0, UPDATES, age=1))
            print(f"{UPDATES:>9,} of them read again: {stored / wall:6,.0f}/s; {pulse()}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
