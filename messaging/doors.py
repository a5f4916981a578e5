"""Opens the gateways of one account for a run of dispatch; asks Amazon about what is unknown. Edge of `dispatch`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings

from accounts import lifecycle
from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.errors import AmazonError, AuthorisationLost, Throttled
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from messaging import outbox
from messaging.dispatch import Take
from messaging.gateways.base import Gateway
from messaging.gateways.buyer_email import BuyerEmailGateway
from messaging.gateways.request_review import RequestReviewGateway
from messaging.life import move
from messaging.models import Channel, Message, Status

log = structlog.get_logger(__name__)

WITHOUT_QUOTAS: Final = timedelta(seconds=15)
ASK_AGAIN_AFTER: Final = timedelta(hours=1)
SETTLES_WITHIN: Final = timedelta(minutes=10)  # before this Amazon may still be at work on the request
NOT_OFFERED: Final = "Amazon offers no request for it now, so it was probably made"
SURELY_OFFERED_AFTER: Final = timedelta(days=6)  # after delivery: Amazon's window opens on the fifth day
NOT_MADE: Final = "Amazon says that no request has been made"
TOO_LATE_TO_ASK: Final = "Amazon's time for this order is over, so it cannot be asked"
REVIEW_REQUEST: Final = "productReviewAndSellerFeedback"


@contextmanager
def opened(account_id: int) -> Iterator[tuple[dict[Channel, Gateway], Take]]:
    """The gateways of an account, closed afterwards, and its leave to call."""
    with across_sellers("an account's gateways are opened"):
        client = client_for(AmazonAccount.objects.get(pk=account_id))
    gateways: dict[Channel, Gateway] = {
        Channel.BUYER_EMAIL: BuyerEmailGateway(settings.BUYER_RELAY, hostname=settings.BUYER_MAIL_HOSTNAME),
        Channel.REQUEST_REVIEW: RequestReviewGateway(
            client, throttled=lambda: _drain(account_id, Operation.REQUEST_REVIEW)
        ),
    }

    def take(channel: Channel) -> timedelta:
        if channel is not Channel.REQUEST_REVIEW:
            return timedelta(0)
        return _take(account_id, Operation.REQUEST_REVIEW)

    try:
        yield gateways, take
    finally:
        for gateway in gateways.values():
            gateway.close()


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
            lifecycle.mark_revoked(message.account_id)
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
        changes = {"settled_at": now, "look_again_at": None}
        return bool(move([message.pk], out_of={Status.UNKNOWN}, to=Status.SENT, at=now, reason=reason, **changes))
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
