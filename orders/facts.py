"""What rules may know of an order: a plain value, read once, decided on many times. Pure.

What Amazon has not told is `None` (or empty, for texts and lists), never a guess: a rule that needs it says so.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One line of an order. `unit_price` is for one unit, in `currency`."""

    sku: str
    asin: str
    title: str
    quantity: int
    unit_price: Decimal | None = None
    currency: str = ""
    condition: str = ""  # Amazon's word, in lower case: "new", "used", "collectible", ...
    is_gift: bool = False


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order as `campaigns.eligibility` sees it. Instants are aware, in UTC."""

    amazon_order_id: str
    marketplace_id: str
    status: str  # orders.models.Order.Status
    fulfilled_by: str  # "amazon", "merchant" or "unrecognised"
    purchased_at: datetime
    deliver_by_earliest: datetime | None
    deliver_by_latest: datetime | None
    delivery_kind: str
    is_replacement: bool
    is_exchange: bool
    is_cancellation_requested: bool
    has_alias: bool
    programs: frozenset[str] = frozenset()  # Amazon's words: "AMAZON_BUSINESS", "PRIME", ...

    items: tuple[ItemFacts, ...] = ()
    total: Decimal | None = None
    currency: str = ""
    is_promotion_used: bool | None = None
    ship_by_latest: datetime | None = None
    shipped_at: datetime | None = None  # the last package's; Amazon tells it of merchant-fulfilled orders only
    is_delivered_late: bool | None = None  # not delivered by the end of the promised window, as far as is known
    destination_country: str = ""  # two letters; only the order report tells it
    returned_at: datetime | None = None  # the first return that a returns report named
    refunded_at: datetime | None = None  # the first refund that a returns report named
    feedback_rating: int | None = None  # 1 to 3: Amazon reports no better ones
    language: str = ""  # of the buyer, like "en-US"; asked for lazily
    earlier_orders: int | None = None  # by the same alias at this seller; None where there is no alias

    @property
    def delivered_at(self) -> datetime | None:
        """The end of the promised window: Amazon tells no delivery instant (`AMAZON.md` 1.3). None: not known."""
        return self.deliver_by_latest

    @property
    def is_shipped_late(self) -> bool | None:
        """After the promised day; None where either day is not known."""
        if self.shipped_at is None or self.ship_by_latest is None:
            return None
        return self.shipped_at > self.ship_by_latest
