"""Amazon's own word that an order has changed: from the queue to `OrderToRead`. In: messages. Out: rows; then deleted.

A message is deleted after the commit of what it led to, so none is lost; it may come twice, and is taken once. It is
believed only that the order should be read again: everything else is asked of Amazon itself.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts import secrets
from accounts.authorised import application, client_for
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from amazon import reading
from amazon.client import ApplicationClient
from amazon.errors import AmazonError
from amazon.marketplaces import Region, find
from amazon.queue import ChangeQueue, QueueMessage
from amazon.values import OrderChange
from orders.models import AmazonReport, ChangeNotice, Order, OrderReading
from orders.naming import name_orders

log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=30)  # SQS itself forgets after fourteen at most
LARGEST_KEPT: Final = 64 * 1024
SUBSCRIPTION_CHECKED_EVERY: Final = timedelta(days=1)
AFTER_TROUBLE: Final = timedelta(minutes=30)
UNSUBSCRIBED_WITHIN: Final = timedelta(days=7)


def open_queue() -> ChangeQueue | None:
    """The queue that the settings name; None where there is none, and polling alone brings the orders."""
    if not settings.AMAZON_QUEUE_URL:
        return None
    return ChangeQueue(
        settings.AMAZON_QUEUE_URL, arn=settings.AMAZON_QUEUE_ARN, endpoint=settings.AMAZON_QUEUE_ENDPOINT or None
    )


def receive(queue: ChangeQueue, *, now: datetime, wait: timedelta = timedelta()) -> int:
    """Take up to ten messages, and listen for `wait` where there is none; returns how many there were. Raises
    `NotReached` where the queue cannot be had."""
    messages = queue.receive(wait=wait)
    if messages:
        with across_sellers("changes name orders of any seller"):
            take(messages, now=now)
        queue.delete(messages)
    return len(messages)


def take(messages: list[QueueMessage], *, now: datetime) -> None:
    """Remember each message and put the orders that they name in line, all or nothing."""
    read = [(message.body, reading.order_change(message.body)) for message in messages]
    sellers = {change.selling_partner_id for _, change in read if isinstance(change, OrderChange)}
    connected = AmazonAccount.objects.filter(
        selling_partner_id__in=sellers, status=AmazonAccount.Status.CONNECTED
    ).order_by("pk")
    accounts: dict[str, list[AmazonAccount]] = {}
    for account in connected:
        accounts.setdefault(account.selling_partner_id, []).append(account)
    with transaction.atomic():
        notices = {notice.notification_id: notice for notice in (_notice(*each, accounts, now=now) for each in read)}
        known = set(ChangeNotice.objects.filter(notification_id__in=notices).values_list("notification_id", flat=True))
        ChangeNotice.objects.bulk_create(
            [notice for id, notice in notices.items() if id not in known], ignore_conflicts=True
        )
        for _, change in read:
            if isinstance(change, OrderChange) and change.notification_id not in known:
                for account in accounts.get(change.selling_partner_id, []):
                    if _may_be_of(account, change):
                        _put_in_line(account, change, now=now)


def _may_be_of(account: AmazonAccount, change: OrderChange) -> bool:
    """One partner may sell in several regions: asked in another one, Amazon denies the order and costs the quota."""
    place = find(change.marketplace_id or "")
    return place is None or place.region == account.region


def _put_in_line(account: AmazonAccount, change: OrderChange, *, now: datetime) -> None:
    if not reading.ORDER_ID.fullmatch(change.order_id):
        return
    OrderReading.objects.filter(account=account).update(notified_at=now)
    if not _is_read_since(account, change):
        name_orders(account, [change.order_id], due_at=now, now=now)


def _is_read_since(account: AmazonAccount, change: OrderChange) -> bool:
    """Was the order itself read after the change? Then the quota is for others. Where an order report reaches over the
    change, the row's time may be the report's, which knows neither that the buyer wants to cancel nor a delivery."""
    if change.event_at is None:
        return False
    newer = Order.objects.filter(account=account, amazon_order_id=change.order_id, last_updated_at__gt=change.event_at)
    fetched = AmazonReport.State.READY, AmazonReport.State.STORED
    reports = AmazonReport.objects.filter(
        account=account, kind=AmazonReport.Kind.ORDERS, state__in=fetched, data_until__gt=change.event_at
    )
    return newer.exists() and not reports.exists()


def _notice(
    body: str, change: OrderChange | str, accounts: dict[str, list[AmazonAccount]], *, now: datetime
) -> ChangeNotice:
    if isinstance(change, str):
        log.warning("change_malformed", reason=change)
        digest = hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()
        sealed = secrets.seal_text("change", None, body[:LARGEST_KEPT].encode("utf-8", "replace").decode())
        return ChangeNotice(
            notification_id=f"malformed {digest}",
            verdict=ChangeNotice.Verdict.MALFORMED,
            reason=change,
            raw_sealed=sealed,
            received_at=now,
        )
    owners = accounts.get(change.selling_partner_id, [])
    verdict = ChangeNotice.Verdict.TAKEN if owners else ChangeNotice.Verdict.STRANGER
    if owners and not reading.ORDER_ID.fullmatch(change.order_id):
        verdict = ChangeNotice.Verdict.NO_ORDER
    return ChangeNotice(
        seller_id=owners[0].seller_id if owners else None,
        notification_id=change.notification_id,
        verdict=verdict,
        received_at=now,
    )


def subscribe_due(*, now: datetime) -> int:
    """See to it that each connected account's changes come to the queue; returns how many were looked at.

    What Amazon refuses or does not answer is tried again later: until then polling brings the orders.
    """
    if not settings.AMAZON_QUEUE_ARN:
        return 0
    with across_sellers("accounts are subscribed to changes"):
        due = OrderReading.objects.select_related("account").filter(
            Q(subscribe_at__isnull=True) | Q(subscribe_at__lte=now), account__status=AmazonAccount.Status.CONNECTED
        )
        destinations: dict[str, str | None] = {}
        looked_at = 0
        for row in due.order_by("pk")[:200]:
            region = row.account.region
            if region not in destinations:
                destinations[region] = _destination(Region(region))
            _subscribe(row, destinations[region], now=now)
            looked_at += 1
        return looked_at


def _destination(region: Region) -> str | None:
    try:
        return ApplicationClient(application(), region).destination_of(settings.AMAZON_QUEUE_ARN)
    except AmazonError as trouble:
        log.warning("no_destination", region=region, trouble=type(trouble).__name__)
        return None


def _subscribe(row: OrderReading, destination_id: str | None, *, now: datetime) -> None:
    changes: dict[str, object] = {"subscribe_at": now + AFTER_TROUBLE}
    if destination_id is not None:
        try:
            with client_for(row.account) as client:
                found = client.subscribe_to_order_changes(destination_id)
                if found.destination_id not in ("", destination_id):  # a queue that we had before; nobody reads it
                    ApplicationClient(application(), Region(row.account.region)).end_subscription(found.subscription_id)
                    found = client.subscribe_to_order_changes(destination_id)
        except (AmazonError, ValueError, secrets.Unreadable) as trouble:
            log.warning("not_subscribed", account=row.account_id, trouble=type(trouble).__name__)
        else:
            changes = {"subscription_id": found.subscription_id[:100], "subscribe_at": now + SUBSCRIPTION_CHECKED_EVERY}
    OrderReading.objects.filter(pk=row.pk).update(**changes)


def unsubscribe_due(*, now: datetime) -> int:
    """End the subscriptions of accounts that have been disconnected; returns how many are ended.

    Amazon is asked by the application itself: the seller's token is gone by then. What it does not answer is tried
    again for a week.
    """
    with across_sellers("accounts that left are subscribed no more"):
        left = OrderReading.objects.select_related("account").filter(
            Q(subscribe_at__isnull=True) | Q(subscribe_at__lte=now),
            account__status=AmazonAccount.Status.DISCONNECTED,
            account__disconnected_at__gt=now - UNSUBSCRIBED_WITHIN,
        )
        return sum(_unsubscribe(row, now=now) for row in left.exclude(subscription_id="").order_by("pk")[:200])


def _unsubscribe(row: OrderReading, *, now: datetime) -> bool:
    connected = OrderReading.objects.filter(account__status=AmazonAccount.Status.CONNECTED)
    if not connected.filter(subscription_id=row.subscription_id).exists():  # else another seller has it now
        try:
            ApplicationClient(application(), Region(row.account.region)).end_subscription(row.subscription_id)
        except (AmazonError, ValueError) as trouble:
            log.warning("not_unsubscribed", account=row.account_id, trouble=type(trouble).__name__)
            OrderReading.objects.filter(pk=row.pk).update(subscribe_at=now + AFTER_TROUBLE)
            return False
    OrderReading.objects.filter(pk=row.pk).update(subscription_id="", subscribe_at=None)
    return True


def purge(*, now: datetime) -> int:
    """Forget messages that cannot come again."""
    with across_sellers("old change notices are purged"):
        return ChangeNotice.objects.filter(received_at__lte=now - KEPT).delete()[0]
