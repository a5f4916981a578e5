"""What Amazon tells us, as values: only the fields that the product needs.

Place in the flow: made by `reading` from Amazon's JSON, handed by `client` to the order sync and to the gateways.

Never here: a name, a postal address, a gift message, a tracking number. An enumeration has a member `UNRECOGNISED` for
values that Amazon adds later; texts that Amazon calls open lists (programs, conditions) stay texts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class OrderStatus(StrEnum):
    """`FulfillmentStatus` of Amazon's Orders model of 2026-01-01."""

    PENDING_AVAILABILITY = "PENDING_AVAILABILITY"
    PENDING = "PENDING"
    UNSHIPPED = "UNSHIPPED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"
    UNFULFILLABLE = "UNFULFILLABLE"
    UNRECOGNISED = "UNRECOGNISED"


class FulfilledBy(StrEnum):
    """Who ships the order."""

    AMAZON = "AMAZON"
    MERCHANT = "MERCHANT"
    UNRECOGNISED = "UNRECOGNISED"


class PackageStatus(StrEnum):
    """`PackageStatus.status` of the same model. Amazon tells it of merchant-fulfilled orders only, and without a
    time."""

    PENDING = "PENDING"
    IN_TRANSIT = "IN_TRANSIT"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    UNDELIVERABLE = "UNDELIVERABLE"
    UNRECOGNISED = "UNRECOGNISED"


@dataclass(frozen=True, slots=True)
class Window:
    """A promise of Amazon's to the buyer. Either end may be absent."""

    earliest: datetime | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order. `unit_price` is for one unit, in `currency`; both are absent while the order is pending."""

    order_item_id: str
    quantity: int
    asin: str | None = None
    sku: str | None = None
    title: str = ""
    unit_price: Decimal | None = None
    currency: str | None = None
    condition: str | None = None
    promotion_ids: tuple[str, ...] = ()
    is_gift: bool = False
    is_cancellation_requested: bool = False


@dataclass(frozen=True, slots=True)
class AmazonOrder:
    """An order as Amazon tells it now. All instants are aware and in UTC.

    `original_order_id` is set where the order is a replacement or an exchange. `buyer_alias` is the buyer's anonymised
    address, personal data by Amazon's policy: present only for merchant-fulfilled orders and a developer with the role
    for it. There is no time of delivery: Amazon has none to tell, only the promise in `deliver_by`. `shipped_at` is the
    last package's, and None while one of them is without a time, or where Amazon ships. `destination_country` is told
    by the order report alone: the API has it in the postal address, which is never asked for.
    """

    order_id: str
    created_at: datetime
    last_updated_at: datetime
    marketplace_id: str
    status: OrderStatus = OrderStatus.UNRECOGNISED
    fulfilled_by: FulfilledBy = FulfilledBy.UNRECOGNISED
    programs: frozenset[str] = frozenset()
    is_replacement: bool = False
    is_exchange: bool = False
    original_order_id: str | None = None
    ship_by: Window = Window()
    deliver_by: Window = Window()
    package_statuses: tuple[PackageStatus, ...] = ()
    shipped_at: datetime | None = None
    items: tuple[OrderItem, ...] = ()
    total: Decimal | None = None
    currency: str | None = None
    destination_country: str = ""
    buyer_alias: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SoldElsewhere:
    """An order of another shop of the seller's, which Amazon only ships (multi-channel fulfilment). Its buyer has not
    bought at Amazon: nobody is written to about it. `order_id` is None where it has a form of its own."""

    order_id: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An order that could not be read. `reason` names the field and the fault, never the value."""

    order_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """One page of `searchOrders`. `last_updated_before` is where the next search may begin once every page is in;
    `next_token` is valid for 24 hours, and None on the last page."""

    orders: tuple[AmazonOrder | SoldElsewhere | Unreadable, ...]
    next_token: str | None
    last_updated_before: datetime | None


@dataclass(frozen=True, slots=True)
class Participation:
    """One marketplace of the authorised seller's, with the name of the shop there. The id may be unknown to us."""

    marketplace_id: str
    country: str
    store_name: str
    is_participating: bool
    has_suspended_listings: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """Amazon took a request (201). It is not a delivery. `request_id` is what Amazon's support asks for."""

    request_id: str


class OrderMessageKind(StrEnum):
    """A kind of order message with a text, named as in Amazon's list of actions (Messaging model of 2026-01-30).

    The other kinds carry documents only, or need attachments.
    """

    CUSTOMISATION = "confirmCustomizationDetails"
    DELIVERY = "confirmDeliveryDetails"
    ORDER = "confirmOrderDetails"
    SERVICE = "confirmServiceDetails"
    PROBLEM = "unexpectedProblem"

    @property
    def longest(self) -> int:
        """The most characters that Amazon takes."""
        return 800 if self is OrderMessageKind.CUSTOMISATION else 2000


class ReportStatus(StrEnum):
    """`processingStatus` of Amazon's Reports model of 2021-06-30."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELLED = "CANCELLED"  # by Amazon as well: where there is nothing to report
    FATAL = "FATAL"
    UNRECOGNISED = "UNRECOGNISED"


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """How far a report is. `document_id` is there when it is DONE."""

    status: ReportStatus
    document_id: str | None


@dataclass(frozen=True, slots=True)
class DocumentAddress:
    """Where a report can be fetched, for five minutes, by whoever knows the address."""

    url: str = field(repr=False)
    is_gzip: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """A line of a returns report. `at` is None where the report's day could not be read."""

    order_id: str
    at: datetime | None
    is_refunded: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A line of the report of Amazon's own shipments: when it left, and when Amazon thinks that it arrives.

    Whom it goes to stands there too, and is never read.
    """

    order_id: str
    shipped_at: datetime | None
    arrives_at: datetime


@dataclass(frozen=True, slots=True)
class Rated:
    """A line of the feedback report: 1 to 5 stars. What the buyer wrote, and who he is, is never read."""

    order_id: str
    rating: int


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An ORDER_CHANGE notification: which order of whose to read again. `order_id` may be of a kind that we do not
    read."""

    notification_id: str
    selling_partner_id: str
    order_id: str
    event_at: datetime | None
    marketplace_id: str | None = None  # where it was sold; None where the notification does not say


@dataclass(frozen=True, slots=True)
class Subscription:
    """That a seller's notifications of a type are sent to a destination; empty where Amazon does not say to which."""

    subscription_id: str
    destination_id: str
