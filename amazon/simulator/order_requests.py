"""An order as the control API is told it -> an `Order`. Everything has a default, so a test says only what it means."""

from typing import Any

from amazon.simulator import buyers, clock, orders
from amazon.simulator.accounts import Account
from amazon.simulator.orders import Item, Order, Step
from amazon.simulator.places import PLACES
from amazon.simulator.store import Store

STATUSES = {
    "PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE",
}  # fmt: skip
PACKAGES = {"", "PENDING", "IN_TRANSIT", "SHIPPED", "DELIVERED", "CANCELLED", "UNDELIVERABLE"}


def build(store: Store, account: Account, wanted: dict[str, Any]) -> Order:
    """Read one order; makes its buyer if he is new.

    Without windows the order was delivered eight days ago: shipped, bought five days earlier, updated an hour ago.
    Raises ValueError for an unknown marketplace, status or window.
    """
    marketplace_id = str(wanted.get("marketplace_id") or account.marketplace_ids[0])
    if marketplace_id not in account.marketplace_ids:
        raise ValueError(f"{account.selling_partner_id} does not sell in {marketplace_id}")
    buyer = buyers.add(store, dict(wanted.get("buyer") or {}), PLACES[marketplace_id].alias_domain)
    now = clock.now()
    deliver_by = _window(wanted.get("deliver_by"), (now - 9 * clock.DAY, now - 8 * clock.DAY))
    created_at = clock.instant(wanted.get("created_at") or deliver_by[0] - 4 * clock.DAY)
    fulfilled_by = str(wanted.get("fulfilled_by") or "MERCHANT")
    if fulfilled_by not in ("MERCHANT", "AMAZON"):
        raise ValueError(f"fulfilled_by {fulfilled_by!r} is neither MERCHANT nor AMAZON")
    is_sold_elsewhere = bool(wanted.get("is_sold_elsewhere"))
    return Order(
        order_id=str(wanted.get("order_id") or orders.new_order_id(is_sold_elsewhere=is_sold_elsewhere)),
        selling_partner_id=account.selling_partner_id,
        marketplace_id=marketplace_id,
        buyer_id=buyer.buyer_id,
        fulfilled_by=fulfilled_by,
        created_at=created_at,
        ship_by=_window(wanted.get("ship_by"), (created_at, created_at + 2 * clock.DAY)),
        deliver_by=deliver_by,
        items=tuple(_item(each) for each in wanted.get("items") or [{}]),
        steps=_steps(wanted, now, created_at, fulfilled_by),
        programs=tuple(wanted.get("programs") or ()),
        replaces=str(wanted.get("replaces") or ""),
        service_level=str(wanted.get("service_level") or "STANDARD"),
        returned_at=clock.instant(wanted["returned_at"]) if wanted.get("returned_at") else None,
        is_refunded=bool(wanted.get("is_refunded")),
        feedback_rating=int(wanted.get("feedback_rating") or 0),
        tells_promise=bool(wanted.get("tells_promise", True)),
        is_sold_elsewhere=is_sold_elsewhere,
    )


def _window(value: Any, default: tuple[float, float]) -> tuple[float, float]:
    if not value:
        return default
    start, end = (clock.instant(each) for each in value)
    if end < start:
        raise ValueError("a window ends before it starts")
    return start, end


def _item(wanted: dict[str, Any]) -> Item:
    return Item(
        order_item_id=str(wanted.get("order_item_id") or orders.new_order_item_id()),
        sku=str(wanted.get("sku") or "LANTERN-01"),
        asin=str(wanted.get("asin") or "B0SIMULATE"),
        title=str(wanted.get("title") or "Camping lantern, rechargeable"),
        unit_price=str(wanted.get("price") or "24.90"),
        quantity=int(wanted.get("quantity") or 1),
        is_gift=bool(wanted.get("is_gift")),
        promotion_id=str(wanted.get("promotion_id") or ""),
        is_business_price=bool(wanted.get("is_business_price")),
    )


def _steps(wanted: dict[str, Any], now: float, created_at: float, fulfilled_by: str) -> tuple[Step, ...]:
    """The steps named in `timeline`, or the one that `status`, `package_status` and `updated_at` describe."""
    timeline = wanted.get("timeline")
    if not timeline:
        status = str(wanted.get("status") or "SHIPPED")
        default_package = "DELIVERED" if status == "SHIPPED" and fulfilled_by == "MERCHANT" else ""
        # An hour ago: Amazon shows nothing of the last two minutes.
        updated_at = wanted.get("updated_at") or max(created_at, now - clock.HOUR)
        timeline = [
            {
                "at": updated_at,
                "status": status,
                "package_status": wanted.get("package_status", default_package),
                "cancel_reason": "Bought by mistake" if wanted.get("buyer_requested_cancel") else "",
                "cancelled_by": wanted.get("cancelled_by", "MERCHANT" if status == "CANCELLED" else ""),
            }
        ]
    return tuple(sorted((_step(each) for each in timeline), key=lambda step: step.at))


def _step(wanted: dict[str, Any]) -> Step:
    status, package = str(wanted.get("status") or ""), str(wanted.get("package_status") or "")
    if status and status not in STATUSES:
        raise ValueError(f"unknown status {status!r}")
    if package not in PACKAGES:
        raise ValueError(f"unknown package status {package!r}")
    return Step(
        at=clock.instant(wanted["at"]),
        status=status,
        package=package,
        cancel_reason=str(wanted.get("cancel_reason") or ""),
        cancelled_by=str(wanted.get("cancelled_by") or ""),
    )
