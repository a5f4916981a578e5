"""A seller disconnects an Amazon account, or takes the authorisation back at Amazon: what stops at once, what is erased
when, and what stays. Verb.

At once: the authorisation is forgotten, nothing is read or sent, Amazon is asked to send its changes no more, what was
waiting is held. Within 30 days: what Amazon
calls personal data, the buyers' aliases, and our letters, which quote orders. For good: the opt-out list and the ledger
of what was sent, which know no buyer by name or address. Connecting again in time keeps everything.

Amazon's policy knows no difference between the two: an account whose authorisation is gone is erased in the same time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from accounts import lifecycle
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from messaging import outbox
from messaging.models import Hold, Message, Status
from orders.attention import leave_queue_of_changes, read_from_the_beginning
from orders.models import Order

log = structlog.get_logger(__name__)

ERASED_AFTER: Final = timedelta(days=28)  # Amazon allows 30 (AMAZON.md 7); the job runs every six hours
DISCONNECTED: Final = "This Amazon account has been disconnected"
REVOKED: Final = "Amazon no longer accepted the authorisation of this account"
GONE: Final = (AmazonAccount.Status.DISCONNECTED, AmazonAccount.Status.REVOKED)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What disconnecting touches, counted."""

    waiting: int  # messages that are held from now on
    aliases: int
    letters: int
    orders: int  # stay, without anything personal


def consequences(account: AmazonAccount) -> Consequences:
    """Three queries."""
    messages = Message.objects.filter(account=account)
    orders = Order.objects.filter(account=account)
    return Consequences(
        waiting=messages.filter(status__in=outbox.WAITING).count(),
        aliases=orders.filter(alias_sealed__isnull=False).count(),
        letters=messages.filter(letter_sealed__isnull=False).count(),
        orders=orders.count(),
    )


def disconnect(account: AmazonAccount, *, now: datetime) -> bool:
    """False: it was disconnected already. What is in Amazon's hands at this moment is settled as always."""
    with transaction.atomic():
        if not lifecycle.disconnect(account, now=now):
            return False
        waiting = Message.objects.filter(account=account, status=Status.SCHEDULED).values_list("pk", flat=True)
        outbox.hold(list(waiting), cause=Hold.ACCESS, reason=DISCONNECTED, now=now)
        leave_queue_of_changes(account.pk, now=now)
    log.info("account_disconnected", account=account.pk, seller=account.seller_id)
    return True


def erased_on(account: AmazonAccount, *, now: datetime) -> datetime:
    """When the personal data go if the account is disconnected now. A lost authorisation began the time already."""
    return min(account.revoked_at or now, now) + ERASED_AFTER


def erase_disconnected(*, now: datetime) -> int:
    """Erase the personal data of accounts that were disconnected, or lost their authorisation, four weeks ago; returns
    how many. May be repeated."""
    with across_sellers("personal data of accounts that are gone are erased"):
        AmazonAccount.objects.filter(status=AmazonAccount.Status.REVOKED, revoked_at__isnull=True).update(
            revoked_at=now
        )
        over = Q(disconnected_at__lte=now - ERASED_AFTER) | Q(revoked_at__lte=now - ERASED_AFTER)
        due = AmazonAccount.objects.filter(over, status__in=GONE, erased_at__isnull=True)
        ids = list(due.order_by("pk").values_list("pk", flat=True)[:100])
        return sum(_erase(account_id, now=now) for account_id in ids)


def _erase(account_id: int, *, now: datetime) -> bool:
    """In one transaction with the account's row locked: whoever connects it again waits, or has come first."""
    with transaction.atomic():
        account = AmazonAccount.objects.select_for_update().get(pk=account_id)
        if account.status not in GONE:
            return False
        reason = DISCONNECTED if account.status == AmazonAccount.Status.DISCONNECTED else REVOKED
        waiting = Message.objects.filter(account=account, status__in=outbox.WAITING).values_list("pk", flat=True)
        outbox.cancel(list(waiting), reason=reason, now=now, frees_order=True)
        Message.objects.filter(account=account, letter_sealed__isnull=False).update(letter_sealed=None)
        Order.objects.filter(account=account, alias_sealed__isnull=False).update(alias_sealed=None, alias_purge_at=None)
        read_from_the_beginning(account_id, now=now)  # should it be connected again: what was erased is read again
        AmazonAccount.objects.filter(pk=account_id).update(erased_at=now, refresh_token_sealed=b"")
    log.info("account_erased", account=account_id)
    return True
