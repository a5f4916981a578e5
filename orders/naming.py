"""Orders that are read by themselves (getOrder): who is in line, and the reading of them.

Place in the flow: `changes` and `reports` name orders, `read_named` reads them as far as the quota reaches, `storing`
stores them. A row goes away when its order has been read after it was last named.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from accounts import lifecycle, secrets
from accounts.authorised import client_for, name_in_quotas, quotas
from accounts.models import AccountMarketplace, AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon.client import AmazonClient
from amazon.errors import AccessDenied, AmazonError, AuthorisationLost, Refused, Throttled, Unclear
from amazon.operations import Operation
from amazon.quotas import QuotasUnavailable
from amazon.values import AmazonOrder
from orders.models import OrderToRead
from orders.storing import store_orders

log = structlog.get_logger(__name__)

AT_ONCE: Final = 30  # Amazon's burst
LEASE: Final = timedelta(minutes=5)
AFTER_TROUBLE: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 20
MOST_TROUBLES: Final = 3  # in one run; then it is not the orders


def name_orders(account: AmazonAccount, ids: Iterable[str], *, due_at: datetime, now: datetime) -> None:
    """Put orders in line. One that stands there already is read (again) after this moment.

    Always in one order, so that two who name the same ones never wait for each other."""
    OrderToRead.objects.bulk_create(
        [
            OrderToRead(seller_id=account.seller_id, account=account, amazon_order_id=id, named_at=now, due_at=due_at)
            for id in sorted(set(ids))
        ],
        update_conflicts=True,
        unique_fields=["account", "amazon_order_id"],
        update_fields=["named_at"],
    )


def accounts_with_named(*, now: datetime) -> list[int]:
    """The connected accounts that have an order in line whose time has come."""
    with across_sellers("which accounts have orders to read"):
        due = OrderToRead.objects.filter(account=OuterRef("pk"), due_at__lte=now)
        connected = AmazonAccount.objects.filter(status=AmazonAccount.Status.CONNECTED)
        return list(connected.filter(Exists(due)).order_by("pk").values_list("pk", flat=True))


def read_named(account_id: int, *, now: datetime) -> int:
    """Read up to 30 orders that are in line for this account; returns how many were stored.

    Two workers at once read different orders. Trouble leaves the orders in line for later.
    """
    with across_sellers("named orders are read"):
        account = AmazonAccount.objects.get(pk=account_id)
        if account.status != AmazonAccount.Status.CONNECTED:
            return 0
        claimed = _claim(account_id, now=now)
        if not claimed:
            return 0
        used = set(
            AccountMarketplace.objects.filter(account_id=account_id, is_used=True).values_list(
                "marketplace_id", flat=True
            )
        )
        stored = troubles = 0
        try:
            client = client_for(account)
        except secrets.Unreadable:  # the reading of orders says so
            _give_back(claimed, due_at=now + AFTER_TROUBLE)
            return 0
        with client:
            for position, row in enumerate(claimed):
                pause = _read(account, client, row, used, now=now)
                if pause is None:
                    stored += 1
                elif pause.is_of_order and troubles < MOST_TROUBLES:  # the others may be sound
                    troubles += 1
                    OrderToRead.objects.filter(pk=row.pk).update(due_at=now + pause.after)
                else:
                    _give_back(claimed[position:], due_at=now + pause.after)
                    break
        return stored


@dataclass(frozen=True, slots=True)
class Pause:
    """How long to wait. `is_of_order`: perhaps with this order only."""

    after: timedelta
    is_of_order: bool = False


def _claim(account_id: int, *, now: datetime) -> list[OrderToRead]:
    with transaction.atomic():
        due = OrderToRead.objects.filter(account_id=account_id, due_at__lte=now).order_by("due_at")
        rows = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        OrderToRead.objects.filter(pk__in=[row.pk for row in rows]).update(
            due_at=now + LEASE, attempts=F("attempts") + 1
        )
    return rows


def _read(
    account: AmazonAccount, client: AmazonClient, row: OrderToRead, used: set[str], *, now: datetime
) -> Pause | None:
    """Read one order; None when it is done with."""
    name = name_in_quotas(account.pk)
    try:
        if wait := quotas().take(name, Operation.GET_ORDER):
            return Pause(wait)
        try:
            order = client.get_order(row.amazon_order_id)
        except Throttled as slow:
            quotas().drain(name, Operation.GET_ORDER)
            return Pause(slow.retry_after)
    except (Refused, ValueError) as refused:  # there is no such order (for us)
        log.info("named_order_refused", account=account.pk, trouble=type(refused).__name__)
        _done(row)
        return None
    except AuthorisationLost as lost:
        lifecycle.mark_revoked(account.pk, lost.mark)
        return Pause(AFTER_TROUBLE)
    except (AccessDenied, AmazonError, QuotasUnavailable) as trouble:
        log.warning("named_order_not_read", account=account.pk, trouble=type(trouble).__name__)
        if row.attempts >= MOST_ATTEMPTS:
            _done(row)
            return None
        return Pause(AFTER_TROUBLE, is_of_order=isinstance(trouble, Unclear))
    with transaction.atomic():
        if isinstance(order, AmazonOrder) and order.marketplace_id in used:
            store_orders(account, [order], now=now)
        _done(row)
    return None


def _done(row: OrderToRead) -> None:
    """Away with it, unless it was named again since we took it: then it is due at once."""
    if not OrderToRead.objects.filter(pk=row.pk, named_at=row.named_at).delete()[0]:
        OrderToRead.objects.filter(pk=row.pk).update(due_at=F("named_at"))


def _give_back(rows: list[OrderToRead], *, due_at: datetime) -> None:
    """Not read this time. It counts as an attempt for the first only, which was asked for; the others were not."""
    OrderToRead.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=due_at)
    OrderToRead.objects.filter(pk__in=[row.pk for row in rows[1:]]).update(attempts=F("attempts") - 1)
