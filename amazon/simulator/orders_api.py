"""Orders v2026-01-01: `searchOrders` with its pages, and `getOrder` (AMAZON.md 1.3)."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any

from amazon.simulator import buyers, clock, order_json, orders
from amazon.simulator.orders import Order, Situation
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import (
    DENIED,
    Answer,
    ApiRefused,
    Inquiry,
    Operation,
    invalid_parameters,
    unauthorized,
)

# "at least two minutes before the time of the request": nothing younger is shown.
SETTLING = 2 * clock.MINUTE
TOKEN_LIFE = 24 * clock.HOUR
FULFILLED_BY = {"MERCHANT", "AMAZON"}
STATUSES = {
    "PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE",
}  # fmt: skip
NOTHING_SEEN = (0.0, "")
FILTERS = (
    "createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore", "fulfillmentStatuses", "marketplaceIds",
    "fulfilledBy", "maxResultsPerPage", "includedData",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for; a pagination token carries it from page to page."""

    by: str
    after: float
    before: float
    statuses: tuple[str, ...]
    marketplace_ids: tuple[str, ...]
    fulfilled_by: tuple[str, ...]
    page_size: int
    included: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """An order that fits a search, and its place in the list."""

    order: Order
    state: Situation
    at: float

    @property
    def place(self) -> tuple[float, str]:
        """What the list is ordered by. A token names the last place seen, so an order that leaves moves nobody."""
        return self.at, self.order.order_id


def search_orders(inquiry: Inquiry) -> Answer:
    """A page of the account's orders, by time of creation or of last update, oldest first."""
    inquiry.only(*FILTERS, "paginationToken")
    token = inquiry.value("paginationToken")
    search, seen = _resume(inquiry, token) if token else (_read_search(inquiry), NOTHING_SEEN)
    left = [found for found in _matching(inquiry, search) if found.place > seen]
    page = left[: search.page_size]
    shown = [_show(inquiry, found.order, found.state, search.included) for found in page]
    body: dict[str, Any] = {"orders": shown}
    if len(left) > len(page):
        body["pagination"] = {"nextToken": _token(inquiry, search, page[-1].place)}
    body["lastUpdatedBefore" if search.by == "updated" else "createdBefore"] = clock.iso(search.before)
    return Answer(body)


def get_order(inquiry: Inquiry) -> Answer:
    """One order of the account; another seller's order does not exist for it."""
    inquiry.only("includedData")
    order = orders.find(inquiry.simulation.store, inquiry.order_id)
    if order is None or order.selling_partner_id != inquiry.account.selling_partner_id:
        raise ApiRefused(404, "NotFound", "The requested order does not exist.")
    included = _choice(inquiry, "includedData", order_json.INCLUDED_DATA)
    return Answer({"order": _show(inquiry, order, orders.situation(order, clock.now()), included)})


def _read_search(inquiry: Inquiry) -> Search:
    created, updated = inquiry.value("createdAfter"), inquiry.value("lastUpdatedAfter")
    if (created is None) == (updated is None):
        raise invalid_parameters("createdAfter", "lastUpdatedAfter")
    by = "updated" if updated is not None else "created"
    other = "createdBefore" if by == "updated" else "lastUpdatedBefore"
    if inquiry.value(other) is not None:
        raise invalid_parameters(other)
    before_name = "lastUpdatedBefore" if by == "updated" else "createdBefore"
    latest = clock.now() - SETTLING
    after = _instant("lastUpdatedAfter" if by == "updated" else "createdAfter", updated or created or "")
    before_text = inquiry.value(before_name)
    before = latest if before_text is None else _instant(before_name, before_text)
    if before > latest or (before_text is not None and before < after):
        raise invalid_parameters(before_name)
    return Search(
        by=by,
        after=after,
        before=before,
        statuses=_choice(inquiry, "fulfillmentStatuses", STATUSES),
        marketplace_ids=_marketplaces(inquiry),
        fulfilled_by=_choice(inquiry, "fulfilledBy", FULFILLED_BY),
        page_size=_page_size(inquiry),
        included=_choice(inquiry, "includedData", order_json.INCLUDED_DATA),
    )


def _instant(name: str, text: str) -> float:
    try:
        return clock.instant(text)
    except ValueError:
        raise invalid_parameters(name) from None


def _choice(inquiry: Inquiry, name: str, allowed: set[str]) -> tuple[str, ...]:
    given = inquiry.values(name)
    if any(each not in allowed for each in given):
        raise invalid_parameters(name)
    return tuple(given)


def _marketplaces(inquiry: Inquiry) -> tuple[str, ...]:
    given = inquiry.values("marketplaceIds")
    if len(given) > 50:
        raise invalid_parameters("marketplaceIds")
    if any(each not in inquiry.account.marketplace_ids for each in given):
        raise unauthorized(DENIED)
    return tuple(given)


def _page_size(inquiry: Inquiry) -> int:
    text = inquiry.value("maxResultsPerPage") or "100"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid_parameters("maxResultsPerPage")
    return int(text)


def _matching(inquiry: Inquiry, search: Search) -> list[Found]:
    """The orders as they stand now that fit; one that was touched after the searched time is for a later search."""
    found = []
    for order in orders.of_account(inquiry.simulation.store, inquiry.account.selling_partner_id):
        state = orders.situation(order, clock.now())
        at = state.updated_at if search.by == "updated" else order.created_at
        if (
            search.after <= at <= search.before
            and (not search.statuses or state.status in search.statuses)
            and (not search.marketplace_ids or order.marketplace_id in search.marketplace_ids)
            and (not search.fulfilled_by or order.fulfilled_by in search.fulfilled_by)
        ):
            found.append(Found(order, state, at))
    return sorted(found, key=lambda each: each.place)


def _show(inquiry: Inquiry, order: Order, state: Situation, included: tuple[str, ...]) -> dict[str, Any]:
    buyer = buyers.of_order(inquiry.simulation.store, order.buyer_id)
    return order_json.render(order, state, buyer, set(included), may_see_alias=inquiry.account.has_restricted_role)


def _token(inquiry: Inquiry, search: Search, seen: tuple[float, str]) -> str:
    """An opaque token, sealed so that nobody makes his own, bound to the account and to 24 hours."""
    carried = {
        "account": inquiry.account.selling_partner_id,
        "until": clock.now() + TOKEN_LIFE,
        "seen": seen,
        "search": asdict(search),
    }
    text = base64.urlsafe_b64encode(json.dumps(carried, separators=(",", ":")).encode()).decode()
    return f"{text}.{_seal(text)}"


def _seal(text: str) -> str:
    return hmac.new(b"simulator pagination", text.encode(), hashlib.sha256).hexdigest()[:32]


def _resume(inquiry: Inquiry, token: str) -> tuple[Search, tuple[float, str]]:
    """The search that a token carries. Filters sent beside it must not say anything else."""
    text, _, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(text).encode()):
        raise invalid_parameters("paginationToken")
    try:
        carried = json.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError):
        raise invalid_parameters("paginationToken") from None
    if carried["account"] != inquiry.account.selling_partner_id or carried["until"] < clock.now():
        raise invalid_parameters("paginationToken")
    known: dict[str, Any] = carried["search"]
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in known.items()}
    search = Search(**values)
    repeated = inquiry.value("lastUpdatedAfter" if search.by == "updated" else "createdAfter")
    if repeated is not None and _instant("paginationToken", repeated) != search.after:
        raise invalid_parameters("paginationToken")
    for name, value in (("marketplaceIds", search.marketplace_ids), ("includedData", search.included)):
        if name in inquiry.query and tuple(inquiry.values(name)) != value:
            raise invalid_parameters(name)
    return search, (carried["seen"][0], carried["seen"][1])


OPERATIONS = [
    Operation("searchOrders", "GET", "/orders/2026-01-01/orders", Plan(0.0056, 20), search_orders),
    Operation("getOrder", "GET", "/orders/2026-01-01/orders/{orderId}", Plan(0.5, 30), get_order),
]
