"""What rules may know of an order: a plain value, read once, decided on many times. Pure."""

from dataclasses import dataclass
from datetime import datetime


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
    programs: frozenset[str] = frozenset()

    @property
    def delivered_at(self) -> datetime | None:
        """The end of the promised window: Amazon tells no delivery instant (`AMAZON.md` 1.3). None: not known."""
        return self.deliver_by_latest
