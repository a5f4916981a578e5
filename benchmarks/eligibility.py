"""How long `eligibility` takes per order and campaign, with ten rules and a list of 100,000 SKUs.

    python -m benchmarks.eligibility
"""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from campaigns.eligibility import Compiled, Standing, Terms, Timing, Verdict
from campaigns.eligibility.conditions import Operator, RuleKind, parse
from orders.facts import ItemFacts, OrderFacts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NUMBER, ROUNDS = 20_000, 5
IS, IS_NOT = Operator.IS, Operator.IS_NOT


def orders() -> list[OrderFacts]:
    facts = OrderFacts(
        amazon_order_id="111-1111111-1111111",
        marketplace_id="ATVPDKIKX0DER",
        status="shipped",
        fulfilled_by="merchant",
        purchased_at=NOW - timedelta(days=7),
        deliver_by_earliest=NOW - timedelta(days=5),
        deliver_by_latest=NOW - timedelta(days=3),
        delivery_kind="promise",
        is_replacement=False,
        is_exchange=False,
        is_cancellation_requested=False,
        has_alias=True,
        total=Decimal("24.90"),
        currency="USD",
        destination_country="US",
        earlier_orders=0,
    )
    items = (ItemFacts(f"sku-{n}", "B0ABCDEF12", "A mug", 1, Decimal("24.90"), "USD", "new") for n in count())
    return [replace(facts, items=(next(items),)) for _ in range(NUMBER)]


def terms() -> Terms:
    return Terms(
        "Order check-in",
        is_active=True,
        asks_by_letter=True,
        timing=Timing(timedelta(days=2), send_at=datetime(2026, 1, 1, 9).time(), weekdays=frozenset(range(5))),
        conditions=(
            parse(RuleKind.FULFILLED_BY, IS, ["merchant"]),
            parse(RuleKind.SKU, IS, (f"sku-{n}" for n in range(100_000))),
            parse(RuleKind.ASIN, IS_NOT, ["B000000000"]),
            parse(RuleKind.ITEM_CONDITION, IS, ["new"]),
            parse(RuleKind.QUANTITY, IS, ["1", "5"]),
            parse(RuleKind.ORDER_VALUE, IS, ["10", "100", "USD"]),
            parse(RuleKind.REFUNDED, IS_NOT, []),
            parse(RuleKind.REPLACEMENT, IS_NOT, []),
            parse(RuleKind.COUNTRY, IS, ["US", "CA"]),
            parse(RuleKind.REPEAT_BUYER, IS_NOT, []),
        ),
        languages=frozenset({"en", "de"}),
    )


def main() -> None:
    facts, standing, compiled = orders(), Standing("America/Los_Angeles"), Compiled(terms())
    best = min(_round(compiled, facts, standing) for _ in range(ROUNDS))
    print(f"ten rules: {best / NUMBER * 1e6:.1f} us per order and campaign, best of {ROUNDS}")
    started = time.perf_counter()
    for one in facts[:2000]:
        assert compiled.decide(one, standing, now=NOW).checks
    print(f"with all words: {(time.perf_counter() - started) / 2000 * 1e6:.1f} us")


def _round(compiled: Compiled, facts: list[OrderFacts], standing: Standing) -> float:
    started = time.perf_counter()
    for one in facts:
        assert compiled.decide(one, standing, now=NOW).verdict is Verdict.ELIGIBLE
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
