"""A seller's way to Amazon: one method per thing that the product asks.

Place in the flow: the order sync and the gateways make one per task, by `with AmazonClient(...)`. In: plain values.
Out: the values of `values`, or the exceptions of `errors`. Nothing here retries, sleeps or paces: `quotas` says
beforehand whether a call may be made, and the caller's row says when to come again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import httpx

from amazon import calls, login, reading
from amazon.application import Application, Authorisation
from amazon.errors import AccessDenied, Refused
from amazon.marketplaces import Region
from amazon.operations import ORDER_MESSAGES, Operation
from amazon.tokens import TokenCache
from amazon.values import (
    Accepted,
    AmazonOrder,
    DocumentAddress,
    OrderMessageKind,
    OrdersPage,
    Participation,
    ReportProgress,
    SoldElsewhere,
    Subscription,
)
from amazon.wire import Reply, exchange, exchange_async, open_connection, rate_limit, understand

__all__ = ["AmazonClient", "Application", "ApplicationClient", "AsyncAmazonClient", "Authorisation"]

ORDER_CHANGE: Final = "ORDER_CHANGE"
Observer = Callable[[str, float], None]


class AmazonClient:
    """Speaks to Amazon for one seller in one region. Safe for threads; cheap to make; closes what it opened.

    `observe` is told the operation and the rate (calls a second) whenever Amazon names one; it must not raise. Every
    method may raise any of the exceptions of `errors`, and a ValueError for an order id that is not 3-7-7 digits.

    An access token that Amazon denies is forgotten, and the request made once more with a new one, unless the token was
    new itself. That is safe for a POST as well: Amazon's own answer said that nothing was done.
    """

    def __init__(
        self,
        application: Application,
        authorisation: Authorisation,
        *,
        tokens: TokenCache,
        observe: Observer | None = None,
    ) -> None:
        self._application = application
        self._authorisation = authorisation
        self._tokens = tokens
        self._observe = observe
        self._endpoint = application.endpoint_for(authorisation.region)
        self._connection = open_connection(timeout=application.api_timeout, connect_timeout=application.connect_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. (That to Login with Amazon closes after each use.)"""
        self._connection.close()

    def search_orders(
        self,
        *,
        marketplace_ids: Iterable[str],
        last_updated_after: datetime,
        last_updated_before: datetime | None = None,
        pagination_token: str | None = None,
    ) -> OrdersPage:
        """Return a page of the orders that changed at or after an instant, 100 at most.

        Follow `next_token` with otherwise the same arguments. Amazon wants `last_updated_before` to be two minutes
        ago or more; leave it out, and it says in the page which instant it took.
        """
        call = calls.search_orders(
            marketplace_ids,
            last_updated_after=last_updated_after,
            last_updated_before=last_updated_before,
            pagination_token=pagination_token,
        )
        return reading.orders_page(self._ask(Operation.SEARCH_ORDERS, call).body)

    def get_order(self, order_id: str) -> AmazonOrder | SoldElsewhere:
        """Return an order as it is now. Raises `Unclear` where the answer cannot be read."""
        return reading.single_order(self._ask(Operation.GET_ORDER, calls.get_order(_checked(order_id))).body)

    def marketplace_participations(self) -> tuple[Participation, ...]:
        """Return the marketplaces of the region in which the seller has an account."""
        return reading.participations(
            self._ask(Operation.MARKETPLACE_PARTICIPATIONS, calls.marketplace_participations()).body
        )

    def solicitation_actions(self, order_id: str, marketplace_id: str) -> frozenset[str]:
        """Return the names of the solicitations that Amazon offers for this order now.

        None at all means "not now": it has been seen for whole days, for every order, when Amazon was in trouble.
        """
        call = calls.solicitation_actions(_checked(order_id), marketplace_id)
        return reading.actions(self._ask(Operation.SOLICITATION_ACTIONS, call).body)

    def request_review(self, order_id: str, marketplace_id: str) -> Accepted:
        """Have Amazon ask the buyer for a review and for seller feedback. Amazon does it once per order, at most.

        Sent once. `Refused` carries in its `kind` which "no" it was.
        """
        call = calls.request_review(_checked(order_id), marketplace_id)
        return Accepted(self._ask(Operation.REQUEST_REVIEW, call).request_id)

    def messaging_actions(self, order_id: str, marketplace_id: str) -> frozenset[str]:
        """Return the names of the kinds of message that Amazon offers for this order now."""
        call = calls.messaging_actions(_checked(order_id), marketplace_id)
        return reading.actions(self._ask(Operation.MESSAGING_ACTIONS, call).body)

    def buyer_language(self, order_id: str, marketplace_id: str) -> str | None:
        """Return the buyer's language of preference as a tag like "en-US", or None where Amazon does not say."""
        call = calls.buyer_attributes(_checked(order_id), marketplace_id)
        return reading.buyer_locale(self._ask(Operation.BUYER_ATTRIBUTES, call).body)

    def send_order_message(self, kind: OrderMessageKind, order_id: str, marketplace_id: str, text: str) -> Accepted:
        """Send the buyer a message of this kind about the order.

        Sent once. `text` is plain, of 1 to `kind.longest` characters (else ValueError), in the buyer's language. 201
        means that Amazon took it, not that the buyer gets it.
        """
        call = calls.order_message(kind, _checked(order_id), marketplace_id, text)
        return Accepted(self._ask(ORDER_MESSAGES[kind], call).request_id)

    def create_report(
        self,
        report_type: str,
        *,
        marketplace_ids: Iterable[str],
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> str:
        """Have Amazon make a report; returns its id. Asking twice makes two, which costs quota and no more."""
        call = calls.create_report(report_type, marketplace_ids, start=start, end=end)
        return reading.report_id(self._ask(Operation.CREATE_REPORT, call).body)

    def report_progress(self, report_id: str) -> ReportProgress:
        """Return how far a report is. ValueError for what cannot be an id of Amazon's."""
        return reading.report_progress(self._ask(Operation.GET_REPORT, calls.get_report(report_id)).body)

    def report_document(self, document_id: str) -> DocumentAddress:
        """Return where a finished report lies: `documents.download` it within five minutes."""
        call = calls.get_report_document(document_id)
        return reading.document_address(self._ask(Operation.GET_REPORT_DOCUMENT, call).body)

    def subscribe_to_order_changes(self, destination_id: str) -> Subscription:
        """Have this seller's ORDER_CHANGE notifications sent to our queue; returns the subscription.

        Amazon keeps one subscription for each type: where there is one, it is returned, whatever its destination.
        Anything else that Amazon answers is raised.
        """
        try:
            found = self._ask(Operation.GET_SUBSCRIPTION, calls.get_subscription(ORDER_CHANGE))
        except Refused as missing:
            if missing.status != 404:
                raise
            found = self._ask(Operation.CREATE_SUBSCRIPTION, calls.create_subscription(ORDER_CHANGE, destination_id))
        return reading.subscription(found.body)

    def _ask(self, operation: Operation, call: calls.Call) -> Reply:
        token = self._tokens.get(self._application, self._authorisation)
        try:
            return self._send(operation, call, token)
        except AccessDenied:
            if not self._tokens.forget(self._application, self._authorisation, token):
                raise
        return self._send(operation, call, self._tokens.get(self._application, self._authorisation))

    def _send(self, operation: Operation, call: calls.Call, token: str) -> Reply:
        headers: Mapping[str, str] = {"x-amz-access-token": token, "content-type": "application/json"}
        request = self._connection.build_request(
            call.method, self._endpoint + call.path, params=call.query, json=call.body, headers=headers
        )
        response = exchange(self._connection, request)
        rate = rate_limit(response)
        if rate is not None and self._observe is not None:
            self._observe(operation, rate)
        return understand(response, operation)


class AsyncAmazonClient:
    """What dispatch asks of Amazon for one account, in an event loop, over a pool of connections that all share.

    As `AmazonClient`, with the same promises. Getting a new access token is rare and happens in a thread.
    """

    def __init__(
        self,
        connections: httpx.AsyncClient,
        application: Application,
        authorisation: Authorisation,
        *,
        tokens: TokenCache,
        observe: Observer | None = None,
    ) -> None:
        self._connections = connections
        self._application, self._authorisation = application, authorisation
        self._tokens, self._observe = tokens, observe
        self._endpoint = application.endpoint_for(authorisation.region)

    async def solicitation_actions(self, order_id: str, marketplace_id: str) -> frozenset[str]:
        """See `AmazonClient.solicitation_actions`."""
        call = calls.solicitation_actions(_checked(order_id), marketplace_id)
        return reading.actions((await self._ask(Operation.SOLICITATION_ACTIONS, call)).body)

    async def request_review(self, order_id: str, marketplace_id: str) -> Accepted:
        """See `AmazonClient.request_review`."""
        call = calls.request_review(_checked(order_id), marketplace_id)
        return Accepted((await self._ask(Operation.REQUEST_REVIEW, call)).request_id)

    async def send_order_message(
        self, kind: OrderMessageKind, order_id: str, marketplace_id: str, text: str
    ) -> Accepted:
        """See `AmazonClient.send_order_message`."""
        call = calls.order_message(kind, _checked(order_id), marketplace_id, text)
        return Accepted((await self._ask(ORDER_MESSAGES[kind], call)).request_id)

    async def _ask(self, operation: Operation, call: calls.Call) -> Reply:
        token = await self._token()
        try:
            return await self._send(operation, call, token)
        except AccessDenied:
            if not self._tokens.forget(self._application, self._authorisation, token):
                raise
        return await self._send(operation, call, await self._token())

    async def _token(self) -> str:
        kept = self._tokens.peek(self._application, self._authorisation)
        return kept or await asyncio.to_thread(self._tokens.get, self._application, self._authorisation)

    async def _send(self, operation: Operation, call: calls.Call, token: str) -> Reply:
        headers = {"x-amz-access-token": token, "content-type": "application/json"}
        request = self._connections.build_request(
            call.method, self._endpoint + call.path, params=call.query, json=call.body, headers=headers
        )
        response = await exchange_async(self._connections, request)
        rate = rate_limit(response)
        if rate is not None and self._observe is not None:
            self._observe(operation, rate)
        return understand(response, operation)


def _checked(order_id: str) -> str:
    """Refuse what is not an order id: it becomes part of a path."""
    if not reading.ORDER_ID.fullmatch(order_id):
        raise ValueError("an order id has 3, 7 and 7 digits")
    return order_id


class ApplicationClient:
    """Speaks to Amazon for the application itself, without a seller: where notifications go. Asked once a day or so, so
    it gets a token and a connection for each use."""

    def __init__(self, application: Application, region: Region) -> None:
        self._application = application
        self._endpoint = application.endpoint_for(region)

    def destination_of(self, queue_arn: str) -> str:
        """Return the id of the destination that leads to this queue in this region; makes it where there is none."""
        known = reading.destinations(self._ask(Operation.GET_DESTINATIONS, calls.get_destinations()).body)
        if queue_arn in known:
            return known[queue_arn]
        call = calls.create_destination(f"orders-{queue_arn.rpartition(':')[2]}"[:256], queue_arn)
        return reading.destination_id(self._ask(Operation.CREATE_DESTINATION, call).body)

    def end_subscription(self, subscription_id: str) -> None:
        """Have a seller's ORDER_CHANGE notifications sent no more. Done, too, where Amazon knows no such subscription.
        ValueError for what cannot be an id of Amazon's."""
        try:
            self._ask(Operation.DELETE_SUBSCRIPTION, calls.delete_subscription(ORDER_CHANGE, subscription_id))
        except Refused as missing:
            if missing.status != 404:
                raise

    def _ask(self, operation: Operation, call: calls.Call) -> Reply:
        token = login.application_token(self._application, login.NOTIFICATIONS)
        headers: Mapping[str, str] = {"x-amz-access-token": token.value, "content-type": "application/json"}
        timeouts = self._application
        with open_connection(timeout=timeouts.api_timeout, connect_timeout=timeouts.connect_timeout) as connection:
            request = connection.build_request(
                call.method, self._endpoint + call.path, params=call.query, json=call.body, headers=headers
            )
            return understand(exchange(connection, request), operation)
