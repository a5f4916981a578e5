"""Amazon's JSON -> values.

Place in the flow: pure, between `wire` (which gives parsed JSON) and `client`. Amazon is trusted to be honest, not to
be tidy: unknown fields are passed over, unknown enumeration values become `UNRECOGNISED`, and what cannot be stored
(a NUL in a title, a price without end) is mended or refused here, so that one odd order never stops the page that it
is on.

Source: Amazon's model orders_2026-01-01 (`Order`, `OrderItem`), sellers, solicitations and messaging.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlsplit

from amazon.errors import Unclear
from amazon.marketplaces import ALIAS_DOMAINS
from amazon.values import (
    AmazonOrder,
    DocumentAddress,
    FulfilledBy,
    OrderChange,
    OrderItem,
    OrdersPage,
    OrderStatus,
    PackageStatus,
    Participation,
    ReportProgress,
    ReportStatus,
    SoldElsewhere,
    Subscription,
    Unreadable,
    Window,
)

Json = Mapping[str, object]
_Open = TypeVar("_Open", OrderStatus, FulfilledBy, PackageStatus, ReportStatus)

# Three, seven and seven digits. Multi-channel (S01-) and digital (D01-) orders have no buyer whom a seller may write
# to.
ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")
MULTI_CHANNEL_ID = re.compile(r"S[0-9]{2}-[0-9]{7}-[0-9]{7}")
_MOST_UNITS = 1_000_000
_MOST_MONEY = Decimal(10) ** 12


class _Fault(ValueError):
    """A field cannot be read. The text names the field, never its value."""


def orders_page(body: Json) -> OrdersPage:
    """Read a page of orders. An order that cannot be read becomes `Unreadable` in its place; only a body that is no
    page at all raises `Unclear`."""
    orders = body.get("orders")
    if not isinstance(orders, list):
        raise Unclear("the answer has no list of orders")
    try:
        until = _instant(body, "lastUpdatedBefore")
    except _Fault as fault:
        raise Unclear(str(fault)) from None
    return OrdersPage(tuple(map(order, orders)), _text(_part(body, "pagination"), "nextToken"), until)


def single_order(body: Json) -> AmazonOrder | SoldElsewhere:
    """Read the answer of `getOrder`. Raises `Unclear` where it cannot be read: there is nothing else in the answer."""
    found = order(body.get("order"))
    if isinstance(found, Unreadable):
        raise Unclear(f"the order cannot be read: {found.reason}")
    return found


def order(data: object) -> AmazonOrder | SoldElsewhere | Unreadable:
    """Read one order. Never raises."""
    if not isinstance(data, Mapping):
        return Unreadable(None, "the order is not an object")
    order_id = _text(data, "orderId")
    is_multi_channel = order_id is not None and MULTI_CHANNEL_ID.fullmatch(order_id) is not None
    if is_multi_channel or _text(_part(data, "salesChannel"), "channelName") == "NON_AMAZON":
        is_id = is_multi_channel or (order_id is not None and ORDER_ID.fullmatch(order_id) is not None)
        return SoldElsewhere(order_id if is_id else None)
    if order_id is None or not ORDER_ID.fullmatch(order_id):
        return Unreadable(None, "orderId is not an order id")
    try:
        return _order(order_id, data)
    except _Fault as fault:
        return Unreadable(order_id, str(fault))


def _order(order_id: str, data: Json) -> AmazonOrder:
    fulfilment = _part(data, "fulfillment")
    originals = {_text(link, "associationType"): _text(link, "orderId") for link in _parts(data, "associatedOrders")}
    replaced, exchanged = originals.get("REPLACEMENT_ORIGINAL_ID"), originals.get("EXCHANGE_ORIGINAL_ID")
    total, currency = _money(_part(data, "proceeds"), "grandTotal")
    items = data.get("orderItems")
    if not isinstance(items, list):
        raise _Fault("orderItems is missing")
    return AmazonOrder(
        order_id=order_id,
        created_at=_required(_instant(data, "createdTime"), "createdTime"),
        last_updated_at=_required(_instant(data, "lastUpdatedTime"), "lastUpdatedTime"),
        marketplace_id=_required(_text(_part(data, "salesChannel"), "marketplaceId"), "marketplaceId"),
        status=_member(OrderStatus, fulfilment.get("fulfillmentStatus")),
        fulfilled_by=_member(FulfilledBy, fulfilment.get("fulfilledBy")),
        programs=frozenset(_texts(data.get("programs"))),
        is_replacement="REPLACEMENT_ORIGINAL_ID" in originals,
        is_exchange="EXCHANGE_ORIGINAL_ID" in originals,
        original_order_id=replaced or exchanged,
        ship_by=_window(fulfilment, "shipByWindow"),
        deliver_by=_window(fulfilment, "deliverByWindow"),
        package_statuses=tuple(
            _member(PackageStatus, _part(package, "packageStatus").get("status"))
            for package in _parts(data, "packages")
        ),
        shipped_at=_shipped_at(data),
        items=tuple(map(_item, items)),
        total=total,
        currency=currency,
        buyer_alias=_alias(_part(data, "buyer")),
    )


def _shipped_at(data: Json) -> datetime | None:
    """When the last package left; cancelled ones do not count."""
    times = [
        _instant(package, "shipTime")
        for package in _parts(data, "packages")
        if _part(package, "packageStatus").get("status") != "CANCELLED"
    ]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def _item(data: object) -> OrderItem:
    if not isinstance(data, Mapping):
        raise _Fault("an item is not an object")
    quantity = data.get("quantityOrdered")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= _MOST_UNITS:
        raise _Fault("quantityOrdered is not a count")
    product = _part(data, "product")
    price, currency = _money(_part(product, "price"), "unitPrice")
    promotions = (_text(used, "promotionId") for used in _parts(_part(data, "promotion"), "breakdowns"))
    return OrderItem(
        order_item_id=_required(_text(data, "orderItemId"), "orderItemId"),
        quantity=quantity,
        asin=_text(product, "asin"),
        sku=_text(product, "sellerSku"),
        title=_text(product, "title") or "",
        unit_price=price,
        currency=currency,
        condition=_text(_part(product, "condition"), "conditionType"),
        promotion_ids=tuple(promotion for promotion in promotions if promotion),
        is_gift=bool(_part(_part(_part(data, "fulfillment"), "packing"), "giftOption")),
        is_cancellation_requested=bool(_part(_part(data, "cancellation"), "cancellationRequest")),
    )


def participations(body: Json) -> tuple[Participation, ...]:
    """Read the answer of `getMarketplaceParticipations`. Raises `Unclear` where it has no list; an entry without an id
    is passed over."""
    if not isinstance(body.get("payload"), list):
        raise Unclear("the answer has no list of marketplaces")
    return tuple(
        Participation(
            marketplace_id=id,
            country=_text(marketplace, "countryCode") or "",
            store_name=_text(entry, "storeName") or "",
            is_participating=taking_part.get("isParticipating") is True,
            has_suspended_listings=taking_part.get("hasSuspendedListings") is True,
        )
        for entry in _parts(body, "payload")
        for marketplace, taking_part in [(_part(entry, "marketplace"), _part(entry, "participation"))]
        if (id := _text(marketplace, "id"))
    )


def actions(body: Json) -> frozenset[str]:
    """Read the names in a HAL list of actions (solicitations, messaging). Raises `Unclear` where there is no list: "no
    actions" is an answer that callers act on, so it must have been said."""
    links = _part(body, "_links")
    if not isinstance(links.get("actions"), list):
        raise Unclear("the answer has no list of actions")
    # The model requires an action's address only; its name is also the last part of that address.
    names = (_text(link, "name") or _last_part(_text(link, "href") or "") for link in _parts(links, "actions"))
    return frozenset(name for name in names if name)


def buyer_locale(body: Json) -> str | None:
    """Read the buyer's language of preference, like "en-US", from the answer of `GetAttributes`."""
    return _text(_part(body, "buyer"), "locale")


def report_id(body: Json) -> str:
    """Read the answer of `createReport`. Raises `Unclear` where it names none."""
    return _said(body, "reportId")


def report_progress(body: Json) -> ReportProgress:
    """Read the answer of `getReport`."""
    return ReportProgress(_member(ReportStatus, body.get("processingStatus")), _text(body, "reportDocumentId"))


def document_address(body: Json) -> DocumentAddress:
    """Read the answer of `getReportDocument`. Raises `Unclear` for a compression that Amazon's model does not name."""
    compression = _text(body, "compressionAlgorithm")
    if compression not in (None, "GZIP"):
        raise Unclear("the document is compressed in a way that is not known")
    return DocumentAddress(_said(body, "url"), compression == "GZIP")


def subscription(body: Json) -> Subscription:
    """Read the answer of `getSubscription` or `createSubscription`."""
    payload = _part(body, "payload")
    return Subscription(_said(payload, "subscriptionId"), _text(payload, "destinationId") or "")


def destinations(body: Json) -> dict[str, str]:
    """Read the answer of `getDestinations`: the id of each SQS queue's destination, by the queue's ARN."""
    found = {}
    for entry in _parts(body, "payload"):
        arn, id = _text(_part(_part(entry, "resource"), "sqs"), "arn"), _text(entry, "destinationId")
        if arn and id:
            found[arn] = id
    return found


def destination_id(body: Json) -> str:
    """Read the answer of `createDestination`."""
    return _said(_part(body, "payload"), "destinationId")


def order_change(message: str) -> OrderChange | str:
    """Read the body of a message of the queue; a text says what is wrong with it. Never raises.

    Source: Amazon's schema OrderChangeNotification. Postal code, programs and the rest are passed over: the order
    itself is read afterwards.
    """
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return "it is not JSON"
    if not isinstance(body, Mapping):
        return "it is not an object"
    if body.get("NotificationType") != "ORDER_CHANGE":
        return "it is not an ORDER_CHANGE"
    change, metadata = _part(_part(body, "Payload"), "OrderChangeNotification"), _part(body, "NotificationMetadata")
    id, seller, order = _text(metadata, "NotificationId"), _text(change, "SellerId"), _text(change, "AmazonOrderId")
    if id is None or seller is None or order is None:
        return "it lacks NotificationId, SellerId or AmazonOrderId"
    if max(len(id), len(seller), len(order)) > 100:
        return "an id is too long"
    place = _text(_part(change, "Summary"), "MarketplaceId")
    try:
        return OrderChange(id, seller, order, _instant(body, "EventTime"), place)
    except _Fault:
        return OrderChange(id, seller, order, None, place)


def _said(body: Json, name: str) -> str:
    value = _text(body, name)
    if value is None:
        raise Unclear(f"the answer has no {name}")
    return value


def _last_part(address: str) -> str:
    try:
        return urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return ""


def _alias(buyer: Json) -> str | None:
    """The buyer's alias. Any other address is personal data that we did not ask for, and is not kept."""
    address = (_text(buyer, "buyerEmail") or "").strip()
    local, _, domain = address.rpartition("@")
    return address if local and domain.lower() in ALIAS_DOMAINS else None


def _member(members: type[_Open], value: object) -> _Open:
    name = value if isinstance(value, str) and value in members.__members__ else "UNRECOGNISED"
    return members[name]


_Value = TypeVar("_Value", str, datetime)


def _required(value: _Value | None, name: str) -> _Value:
    if value is None:
        raise _Fault(f"{name} is missing")
    return value


def _part(data: Json, name: str) -> Json:
    """An object inside an object; an empty one where it is absent or something else."""
    part = data.get(name)
    return part if isinstance(part, Mapping) else {}


def _parts(data: Json, name: str) -> Iterator[Json]:
    """The objects of a list inside an object."""
    parts = data.get(name)
    return (part for part in parts if isinstance(part, Mapping)) if isinstance(parts, list) else iter(())


def _texts(values: object) -> Sequence[str]:
    return [_storable(value) for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _text(data: Json, name: str) -> str | None:
    """A text that is not empty."""
    value = data.get(name)
    return (_storable(value) or None) if isinstance(value, str) else None


def _storable(text: str) -> str:
    """Mend what JSON can hold and a database cannot: NUL characters and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _instant(data: Json, name: str) -> datetime | None:
    """An instant in UTC. Amazon always writes the offset; a time without one is refused, not guessed."""
    value = data.get(name)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(str(value))
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Fault(f"{name} is not an instant") from None


def _window(data: Json, name: str) -> Window:
    window = _part(data, name)
    return Window(_instant(window, "earliestDateTime"), _instant(window, "latestDateTime"))


def _money(data: Json, name: str) -> tuple[Decimal | None, str | None]:
    """An amount and its currency, both or neither. Amazon writes amounts as texts; a null is not told yet."""
    if data.get(name) is None:
        return None, None
    money = _part(data, name)
    amount, currency = money.get("amount"), _text(money, "currencyCode")
    if isinstance(data[name], Mapping) and amount is None and currency is None:
        return None, None
    try:
        value = Decimal(amount) if isinstance(amount, str) else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= _MOST_MONEY or currency is None:
        raise _Fault(f"{name} is not an amount of money")
    return value, currency
