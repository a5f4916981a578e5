"""What we ask Amazon, as values: the only place that touches `python-amazon-sp-api`.

Place in the flow: `client` asks here for a `Call`, and `wire` sends it.

The package knows the paths and the parameters of Amazon's operations, and that is what we take from it. Everything else
about it is gone round, because it cannot be repaired from outside (all of it was seen with release 2.1.35):

- its constructor falls back to credentials from the environment, AWS and a file in the home folder, lets
  `SP_API_DEFAULT_MARKETPLACE` override the marketplace it was given and `AWS_ENV` the end point, and opens a second
  connection that its `close` forgets. So our classes never call it, and hold no credential at all;
- it takes every answer without an `errors` list for a success, whatever its status, and drops the status;
- it adds `marketplaceIds` and `MarketplaceIds` to the body of every POST (in the caller's own dict) and four
  spellings to the query of a GET;
- its token cache is keyed by the refresh token alone, holds ten, ignores `expires_in`, and is not safe for threads;
- its retry decorators share a counter between threads, sleep in the worker and repeat POSTs whose outcome is unknown;
- for a plain http address it cuts the first letter off the Host header.

`_request` is the package's one way out, so overriding it is enough: it returns what would be sent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from sp_api.api import Messaging, Notifications, OrdersV20260101, Reports, Sellers, Solicitations
from sp_api.base import Client

from amazon.values import OrderMessageKind

# Never RECIPIENT: nothing here needs to know where a buyer lives. BUYER is asked for the alias, and the reader of the
# answer keeps nothing else of it.
_INCLUDED = ("BUYER", "CANCELLATION", "FULFILLMENT", "PACKAGES", "PROCEEDS", "PROMOTION")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, complete but for the end point and the access token. `body` is sent as JSON; None means no body."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)


class _Describing(Client):  # type: ignore[misc]  # the package is not typed
    """Makes a package class describe its requests instead of sending them."""

    def __init__(self, marketplace_id: str = "") -> None:
        # Some methods of `Messaging` read this attribute instead of taking a parameter.
        self.marketplace_id = marketplace_id

    def _request(
        self,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        **_options: object,
    ) -> Call:
        parameters, body = dict(params or {}), dict(data or {})
        method = str(parameters.pop("method", None) or body.pop("method", "GET"))
        query = {name: str(value) for name, value in parameters.items()}
        return Call(cast(Literal["GET", "POST", "DELETE"], method), path, query, body or None)


class _Orders(_Describing, OrdersV20260101):  # type: ignore[misc]
    pass


class _Sellers(_Describing, Sellers):  # type: ignore[misc]
    pass


class _Solicitations(_Describing, Solicitations):  # type: ignore[misc]
    pass


class _Messaging(_Describing, Messaging):  # type: ignore[misc]
    pass


class _Reports(_Describing, Reports):  # type: ignore[misc]
    pass


class _Notifications(_Describing, Notifications):  # type: ignore[misc]
    region = ""  # read, but not sent, where the destination is a queue

    def _request_grantless_operation(self, path: str, **more: Any) -> Call:
        return self._request(path, **more)


def search_orders(
    marketplace_ids: Iterable[str],
    *,
    last_updated_after: datetime,
    last_updated_before: datetime | None = None,
    pagination_token: str | None = None,
) -> Call:
    """Ask for the orders that changed in a span of time. Raises ValueError for naive instants, and for no or more
    than 50 marketplaces (no filter at all would return those that the seller did not connect)."""
    wanted = sorted(set(marketplace_ids))
    if not 1 <= len(wanted) <= 50:
        raise ValueError("searchOrders takes 1 to 50 marketplaces")
    query: dict[str, object] = {
        "marketplaceIds": wanted,
        "lastUpdatedAfter": _written(last_updated_after),
        "maxResultsPerPage": 100,
        "includedData": _INCLUDED,
    }
    if last_updated_before is not None:
        query["lastUpdatedBefore"] = _written(last_updated_before)
    if pagination_token is not None:
        query["paginationToken"] = pagination_token
    return cast(Call, _Orders().search_orders(**query))


def get_order(order_id: str) -> Call:
    """Ask for one order."""
    return cast(Call, _Orders().get_order(order_id, includedData=_INCLUDED))


def marketplace_participations() -> Call:
    """Ask where the seller sells."""
    return cast(Call, _Sellers().get_marketplace_participation())


def solicitation_actions(order_id: str, marketplace_id: str) -> Call:
    """Ask which solicitations Amazon offers for an order."""
    return cast(Call, _Solicitations().get_solicitation_actions_for_order(order_id, marketplaceIds=marketplace_id))


def request_review(order_id: str, marketplace_id: str) -> Call:
    """Ask Amazon to ask the buyer for a review and for seller feedback. A POST without a body."""
    describe = _Solicitations().create_product_review_and_seller_feedback_solicitation
    return cast(Call, describe(order_id, marketplaceIds=marketplace_id))


def messaging_actions(order_id: str, marketplace_id: str) -> Call:
    """Ask which kinds of message Amazon offers for an order."""
    return cast(Call, _Messaging().get_messaging_actions_for_order(order_id, marketplaceIds=marketplace_id))


def buyer_attributes(order_id: str, marketplace_id: str) -> Call:
    """Ask for the buyer's language of preference."""
    return cast(Call, _Messaging().get_attributes(order_id, marketplaceIds=marketplace_id))


def order_message(kind: OrderMessageKind, order_id: str, marketplace_id: str, text: str) -> Call:
    """Send the buyer an order message. Raises ValueError where the text has not 1 to `kind.longest` characters."""
    if not 1 <= len(text) <= kind.longest:
        raise ValueError(f"the text must have 1 to {kind.longest:,} characters")
    describe = _Messaging(marketplace_id)
    write = {
        OrderMessageKind.CUSTOMISATION: describe.confirm_customization_details,
        OrderMessageKind.DELIVERY: describe.create_confirm_delivery_details,
        OrderMessageKind.ORDER: describe.create_confirm_order_details,
        OrderMessageKind.SERVICE: describe.create_confirm_service_details,
        OrderMessageKind.PROBLEM: describe.create_unexpected_problem,
    }[kind]
    return cast(Call, write(order_id, body={"text": text}))


def create_report(
    report_type: str, marketplace_ids: Iterable[str], *, start: datetime | None = None, end: datetime | None = None
) -> Call:
    """Ask Amazon to make a report over a span of time; without one it is Amazon's default for that type."""
    wanted = sorted(set(marketplace_ids))
    if not 1 <= len(wanted) <= 25:
        raise ValueError("createReport takes 1 to 25 marketplaces")
    span = {"dataStartTime": start, "dataEndTime": end}
    written = {name: _written(at) for name, at in span.items() if at is not None}
    return cast(Call, _Reports().create_report(reportType=report_type, marketplaceIds=wanted, **written))


def get_report(report_id: str) -> Call:
    """Ask how far a report is."""
    return cast(Call, _Reports().get_report(_path_safe(report_id)))


def get_report_document(document_id: str) -> Call:
    """Ask where a finished report lies. The package's own method wants to download it too, so the path is ours."""
    return Call("GET", f"/reports/2021-06-30/documents/{_path_safe(document_id)}", {})


def get_subscription(notification_type: str) -> Call:
    """Ask whether the seller's notifications of a type are sent to us."""
    return cast(Call, _Notifications().get_subscription(notification_type, payloadVersion="1.0"))


def create_subscription(notification_type: str, destination_id: str) -> Call:
    """Have the seller's notifications of a type sent to a destination."""
    return cast(Call, _Notifications().create_subscription(notification_type, destination_id))


def delete_subscription(notification_type: str, subscription_id: str) -> Call:
    """Have them sent no more. Needs a token of the application's own."""
    return cast(Call, _Notifications().delete_notification_subscription(notification_type, _path_safe(subscription_id)))


def get_destinations() -> Call:
    """Ask which destinations the application has. Needs a token of the application's own."""
    return cast(Call, _Notifications().get_destinations())


def create_destination(name: str, queue_arn: str) -> Call:
    """Make an SQS queue a destination. Needs a token of the application's own."""
    return cast(Call, _Notifications().create_destination(name=name, arn=queue_arn))


def _path_safe(id: str) -> str:
    """Amazon's own ids of reports, documents and subscriptions go back into a path: nothing else may."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", id) or id.startswith("."):
        raise ValueError("this is not an id of Amazon's")
    return id


def _written(instant: datetime) -> str:
    """An instant as Amazon reads it, in whole seconds, rounded down."""
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is not an instant")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
