"""Opens the gateways for the engine, and for one account by hand; asks Amazon about what is unknown."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, ParamSpec

import httpx
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts import lifecycle, secrets
from accounts.authorised import TOKENS, application, authorisation_of, client_for, name_in_quotas, quotas
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.client import AsyncAmazonClient, Authorisation
from amazon.errors import AmazonError, AuthorisationLost, Refused, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from amazon.wire import open_many
from messaging import documents, outbox
from messaging.dispatch import Run, Take, send_due
from messaging.gateways.base import Answer, Envelope, Gateway
from messaging.gateways.buyer_email import BuyerEmailGateway
from messaging.gateways.order_message import OrderMessageGateway
from messaging.gateways.request_review import REVIEW_REQUEST, RequestReviewGateway
from messaging.letters import Attachment
from messaging.life import move
from messaging.models import Channel, Message, Status
from optouts.gate import Clearance
from orders.models import Order

log = structlog.get_logger(__name__)

WITHOUT_QUOTAS: Final = timedelta(seconds=15)
ASK_AGAIN_AFTER: Final = timedelta(hours=1)
SETTLES_WITHIN: Final = timedelta(minutes=10)  # before this Amazon may still be at work on the request
NOT_OFFERED: Final = "Amazon offers no request for it now, so it was probably made"
SURELY_OFFERED_AFTER: Final = timedelta(days=6)  # after delivery: Amazon's window opens on the fifth day
NOT_MADE: Final = "Amazon says that no request has been made"
TOO_LATE_TO_ASK: Final = "Amazon's time for this order is over, so it cannot be asked"
# Order messages of all kinds share a bucket: people write them, and each kind's own is as large.
PACED_BY: Final = {
    Channel.REQUEST_REVIEW: Operation.REQUEST_REVIEW,
    Channel.ORDER_MESSAGE: Operation.UNEXPECTED_PROBLEM,
}
MOST_CONNECTIONS: Final = 200
TOLD_AGAIN_AFTER: Final = 3600.0
P = ParamSpec("P")


class SiteDoors:
    """The gateways of all accounts: one for letters, one for each account's requests over shared connections.

    Threads: `prepare` and `leave` belong to the threads of the database, the rest to the event loop.
    """

    def __init__(self) -> None:
        self._authorisations: dict[int, Authorisation] = {}
        self._requests: dict[tuple[int, Channel], tuple[Authorisation, Gateway]] = {}
        self._letters: BuyerEmailGateway | None = None
        self._amazon: httpx.AsyncClient | None = None
        self._learnt: dict[tuple[int, str], tuple[float, float]] = {}
        self._reading: ThreadPoolExecutor | None = None

    def prepare(self, account_ids: Iterable[int]) -> None:
        with across_sellers("accounts are about to send"):
            for account in AmazonAccount.objects.filter(pk__in=list(account_ids)):
                with suppress(secrets.Unreadable):
                    self._authorisations[account.pk] = authorisation_of(account)

    def leave(self, account_ids: Iterable[int], channel: Channel) -> dict[int, timedelta]:
        operation = PACED_BY.get(channel)
        if operation is None:
            return {}
        known = [account_id for account_id in account_ids if account_id in self._authorisations]
        waits = dict.fromkeys(account_ids, WITHOUT_QUOTAS)
        with suppress(QuotasUnavailable):
            names = [name_in_quotas(account_id) for account_id in known]
            waits |= dict(zip(known, quotas().take_many(names, operation), strict=True))
        return waits

    def gateway(self, account_id: int, channel: Channel) -> Gateway:
        if channel is Channel.BUYER_EMAIL:
            if self._letters is None:
                self._letters = BuyerEmailGateway(
                    settings.BUYER_RELAY, hostname=settings.BUYER_MAIL_HOSTNAME, enclosures=self._enclosures
                )
            return self._letters
        authorisation = self._authorisations[account_id]
        kept = self._requests.get((account_id, channel))
        if kept is None or kept[0] is not authorisation:
            opened = self._gateway_to_amazon(account_id, channel, authorisation)
            kept = self._requests[account_id, channel] = authorisation, opened
        return kept[1]

    async def close(self) -> None:
        if self._letters is not None:
            await self._letters.close()
        if self._reading is not None:
            self._reading.submit(lambda: connection.close())  # the thread's own
            self._reading.shutdown()
            self._reading = None
        if self._amazon is not None:
            await self._amazon.aclose()

    async def _enclosures(self, attachments: Sequence[Attachment]) -> list[bytes] | None:
        """In a thread of its own, because the event loop waits for nobody. The database away counts as not to be had:
        nothing has left yet."""
        if self._reading is None:
            self._reading = ThreadPoolExecutor(1, thread_name_prefix="documents")
        return await asyncio.get_running_loop().run_in_executor(self._reading, _read_documents, attachments)

    def _gateway_to_amazon(self, account_id: int, channel: Channel, authorisation: Authorisation) -> Gateway:
        if self._amazon is None:
            ours = application()
            self._amazon = open_many(
                timeout=ours.api_timeout, connect_timeout=ours.connect_timeout, most=MOST_CONNECTIONS
            )
        client = AsyncAmazonClient(
            self._amazon,
            application(),
            authorisation,
            tokens=TOKENS,
            observe=lambda operation, rate: self._learn(account_id, operation, rate),
        )

        if channel is Channel.ORDER_MESSAGE:
            return OrderMessageGateway(client, throttled=lambda: _aside(_drain, account_id, PACED_BY[channel]))
        return RequestReviewGateway(
            client,
            throttled=lambda operation: _aside(_drain, account_id, operation),
            may_ask=lambda: not _take(account_id, Operation.SOLICITATION_ACTIONS),
        )

    def _learn(self, account_id: int, operation: str, rate: float) -> None:
        """Amazon names its rate with every answer; the server of the quotas is told when it is news."""
        now = time.monotonic()
        known, at = self._learnt.get((account_id, operation), (0.0, 0.0))
        if rate != known or now - at > TOLD_AGAIN_AFTER:
            self._learnt[account_id, operation] = rate, now
            _aside(quotas().learn, name_in_quotas(account_id), Operation(operation), rate)


def _read_documents(attachments: Sequence[Attachment]) -> list[bytes] | None:
    try:
        connection.close_if_unusable_or_obsolete()
        return documents.read_for_sending(attachments)
    except (documents.Gone, DatabaseError) as trouble:
        log.error("documents_not_read", documents=[one.document for one in attachments], trouble=type(trouble).__name__)
        return None


def _aside(job: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """In a thread, because the event loop waits for nobody; nothing is lost that is not said again."""
    asyncio.get_running_loop().run_in_executor(None, partial(job, *args, **kwargs))


@contextmanager
def opened(account_id: int) -> Iterator[tuple[dict[Channel, Gateway], Take]]:
    """The gateways of one account for `dispatch.send_due`, which closes them, and its leave to call."""
    doors = SiteDoors()
    doors.prepare([account_id])

    def take(channel: Channel) -> timedelta:
        return doors.leave([account_id], channel).get(account_id, timedelta(0))

    yield {channel: _OneOf(doors, account_id, channel) for channel in Channel}, take


@dataclass(frozen=True, slots=True)
class _OneOf:
    """A gateway of `SiteDoors` that is opened when it is first needed, and closes them all."""

    doors: SiteDoors
    account_id: int
    channel: Channel

    async def deliver(self, envelope: Envelope, clearance: Clearance) -> Answer:
        return await self.doors.gateway(self.account_id, self.channel).deliver(envelope, clearance)

    async def close(self) -> None:
        await self.doors.close()


def send_due_of(account_id: int) -> Run:
    """Send what is due for one account now, by hand."""
    with opened(account_id) as (gateways, take):
        return send_due(account_id, gateways=gateways, take=take, clock=timezone.now)


def reconcile_unknown(*, now: datetime) -> int:
    """Ask Amazon about requests whose outcome is unknown; returns how many turned out to be sent.

    Amazon still offers the request: it has not been made, as far as Amazon knows. A person sees that; nothing here
    sends again. Unknown letters cannot be asked about: a notice about the order may settle them.
    """
    with across_sellers("unknown outcomes are reconciled"):
        unknown = list(
            Message.objects.filter(
                status=Status.UNKNOWN,
                channel=Channel.REQUEST_REVIEW,
                look_again_at__lte=now,
                account__status=AmazonAccount.Status.CONNECTED,
            )
            .select_related("account", "order")
            .order_by("look_again_at")[:100]
        )
        return sum(_reconcile(message, now=now) for message in unknown)


def _reconcile(message: Message, *, now: datetime) -> bool:
    if message.expires_at <= now:  # Amazon offers nothing any more, made or not
        _leave_unknown(message, TOO_LATE_TO_ASK)
        return False
    if _take(message.account_id, Operation.SOLICITATION_ACTIONS):
        return False
    try:
        with client_for(message.account) as client:
            offered = client.solicitation_actions(message.order.amazon_order_id, message.order.marketplace_id)
    except AmazonError as trouble:
        log.info("reconciliation_later", message=message.pk, trouble=type(trouble).__name__)
        if isinstance(trouble, AuthorisationLost):
            lifecycle.mark_revoked(message.account_id, trouble.mark)
        elif isinstance(trouble, Throttled):
            _drain(message.account_id, Operation.SOLICITATION_ACTIONS)
        _ask_again(message, at=now + ASK_AGAIN_AFTER)
        return False
    if REVIEW_REQUEST not in offered:
        return _not_offered(message, now=now)
    if now < message.touched_at + SETTLES_WITHIN:
        _ask_again(message, at=message.touched_at + SETTLES_WITHIN)
    else:
        _leave_unknown(message, NOT_MADE)
    return False


def _not_offered(message: Message, *, now: datetime) -> bool:
    """It was made, if the empty list means that: Amazon has been seen to offer nothing for any order for days.

    So another order of the account is asked about, one for which nothing has been requested yet.
    """
    if _is_offering(message, now=now):
        reason = "Amazon offers the request for other orders but no longer for this one, so it was made"
        unknown = {Status.UNKNOWN}
        return bool(
            move(
                [message.pk], out_of=unknown, to=Status.SENT, at=now, reason=reason, settled_at=now, look_again_at=None
            )
        )
    reason = f"{message.reason.partition('; ')[0]}; {NOT_OFFERED}"[:200]
    still_unknown = Message.objects.filter(pk=message.pk, status=Status.UNKNOWN)
    still_unknown.update(look_again_at=now + ASK_AGAIN_AFTER, reason=reason)
    return False


def _is_offering(message: Message, *, now: datetime) -> bool:
    """Does Amazon offer the request for any other order of this account whose time it is?"""
    others = Message.objects.filter(
        account_id=message.account_id,
        channel=Channel.REQUEST_REVIEW,
        status__in=outbox.WAITING,
        expires_at__gt=now,
        order__deliver_by_latest__lt=now - SURELY_OFFERED_AFTER,
    ).select_related("order")
    other = others.order_by("due_at").first()
    if other is None or _take(message.account_id, Operation.SOLICITATION_ACTIONS):
        return False
    with suppress(AmazonError), client_for(message.account) as client:
        return REVIEW_REQUEST in client.solicitation_actions(other.order.amazon_order_id, other.order.marketplace_id)
    return False


def _ask_again(message: Message, *, at: datetime) -> None:
    Message.objects.filter(pk=message.pk, status=Status.UNKNOWN).update(look_again_at=at)


def _leave_unknown(message: Message, finding: str) -> None:
    """What could be found out stands beside the reason; from here on it is a person's matter."""
    reason = f"{message.reason[: 198 - len(finding)]}; {finding}"
    Message.objects.filter(pk=message.pk, status=Status.UNKNOWN).update(look_again_at=None, reason=reason)


def _take(account_id: int, operation: Operation) -> timedelta:
    try:
        return quotas().take(name_in_quotas(account_id), operation)
    except QuotasUnavailable:
        return WITHOUT_QUOTAS


def _drain(account_id: int, operation: Operation) -> None:
    """After a 429 our count is too high. Losing this costs another 429, nothing else."""
    with suppress(QuotasUnavailable):
        quotas().drain(name_in_quotas(account_id), operation)


class CannotAsk(Exception):
    """Amazon could not be asked just now; the text says why, in the seller's words."""


def offered_for(order: Order) -> frozenset[str]:
    """The kinds of order message that Amazon offers for this order now. Raises CannotAsk.

    For a page: it asks once, within the quota, and sends nothing.
    """
    if order.account.status != AmazonAccount.Status.CONNECTED:
        raise CannotAsk("This Amazon account is not connected: connect it again in Settings.")
    if _take(order.account_id, Operation.MESSAGING_ACTIONS):
        raise CannotAsk("Amazon has been asked often just now. Wait a few seconds and try again.")
    try:
        with client_for(order.account) as client:
            return client.messaging_actions(order.amazon_order_id, order.marketplace_id)
    except Throttled:
        _drain(order.account_id, Operation.MESSAGING_ACTIONS)
        raise CannotAsk("Amazon asks to go slower. Wait a few seconds and try again.") from None
    except Refused:
        return frozenset()
    except AmazonError:
        raise CannotAsk("Amazon does not answer just now. Nothing was sent; try again in a minute.") from None
