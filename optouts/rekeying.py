"""The list moves under a new secret, as far as what the keys were made of is still held (docs/rekeying.md).

A verb of `manage.py rekey_suppressions`. Each step is one transaction, so it may be stopped and run again, with the
sender running: the gate looks under the keys of all configured secrets, so nobody is free in between.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.dispatch import Signal

from accounts import lookup
from accounts.rowsecurity import across_sellers
from optouts import gate
from optouts.models import InboundAddress, SellerMailbox, Suppression, SuppressionEvent
from orders.models import Order

AT_ONCE: Final = 500
buyer_moved: Final = Signal()  # `former`, `key`: in the transaction in which the buyer's orders move


@dataclass(slots=True)
class Report:
    """How many rows stand under the secret in use now because of this run, and how many entries could not move."""

    addresses: int = 0
    mailboxes: int = 0
    orders: int = 0
    entries: int = 0
    doubled: int = 0  # their buyer stands under the new key already, by a newer notice; they stay as they are
    left: dict[int, int] = field(default_factory=dict)  # entries by former version


def rekey(*, now: datetime) -> Report:
    """Move everything that can be moved under the secret in use. May be run again at any time; then it moves the rest.

    An entry that cannot be moved keeps its key: it is found for as long as its former secret is configured.
    """
    report = Report()
    with across_sellers("the list is re-keyed"):
        _addresses(report)
        for orders in _chunks():
            with transaction.atomic():
                _orders(orders, report, now=now)
        _by_their_own_order_id(report, now=now)
        left = Suppression.objects.exclude(key_version=settings.LOOKUP_VERSION).order_by().values("key_version")
        report.left = dict(left.annotate(count=Count("id")).values_list("key_version", "count"))
    return report


def bring_forward(seller_id: int, order_ids: Collection[str], aliases: Collection[str], *, now: datetime) -> None:
    """Move what is about to be acted on, and what stands on the list for it, before it is acted on.

    So nothing is entered under a key of today beside an entry that has not moved. Costs nothing when there is no former
    secret. Idempotent.
    """
    if not lookup.is_rekeying():
        return
    of_aliases = [lookup.every_alias_key(alias) for alias in aliases]
    of_orders = [lookup.every_key_of_a_buyer(seller_id, order_id, None) for order_id in order_ids]
    moves: dict[UUID, UUID] = {former: key for key, *others in of_aliases + of_orders for former in others}
    with across_sellers("what is acted on is re-keyed first"):
        orders = Order.objects.filter(seller_id=seller_id, amazon_order_id__in=set(order_ids))
        for order in orders.iterator(chunk_size=AT_ONCE):
            with transaction.atomic():
                _orders([order], Report(), now=now)
        for former in set(Suppression.objects.filter(key__in=moves).values_list("key", flat=True)):
            with transaction.atomic():
                _entries(former, moves[former], Report(), now=now)
        for former, key in moves.items():
            _move_buyer(former, key)


def _move_buyer(former: UUID, key: UUID) -> None:
    """One key, one alias: all orders that stand under it, of all sellers, and what the floors above keep by it."""
    Order.objects.filter(alias_key=former).update(alias_key=key)
    buyer_moved.send(sender=None, former=former, key=key)


def _addresses(report: Report) -> None:
    """What a seller's own mail is found by. These texts are always held, so this is always whole."""
    for address in InboundAddress.objects.iterator(chunk_size=AT_ONCE):
        key = lookup.token_key(address.local_part)
        report.addresses += InboundAddress.objects.filter(pk=address.pk).exclude(token_key=key).update(token_key=key)
    for mailbox in SellerMailbox.objects.iterator(chunk_size=AT_ONCE):
        key = lookup.mailbox_key(mailbox.address)
        twin = SellerMailbox.objects.filter(seller_id=mailbox.seller_id, address_key=key).exclude(pk=mailbox.pk)
        if mailbox.address_key != key and not twin.exists():
            report.mailboxes += SellerMailbox.objects.filter(pk=mailbox.pk).update(address_key=key)


def _chunks() -> Iterator[list[Order]]:
    last = 0
    while orders := list(Order.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield orders
        last = orders[-1].pk


def _orders(orders: list[Order], report: Report, *, now: datetime) -> None:
    """Move these orders, and with them every entry and every other order that stands under the same former key."""
    for order in orders:
        former, key = order.order_key, lookup.order_key(order.seller_id, order.amazon_order_id)
        if former != key:
            _entries(former, key, report, now=now)
            report.orders += Order.objects.filter(pk=order.pk).update(order_key=key)
        alias = order.alias if order.alias_key else None
        if alias is None or order.alias_key is None:
            continue
        former, key = order.alias_key, lookup.alias_key(alias)
        for each in {former, *lookup.every_alias_key(alias)} - {key}:
            _entries(each, key, report, now=now)
        if former != key:
            _move_buyer(former, key)


def _by_their_own_order_id(report: Report, *, now: datetime) -> None:
    """A seller's own entries name their order, so these move even when the order is long gone."""
    named = Suppression.objects.filter(kind=Suppression.Kind.ORDER, seller__isnull=False).exclude(amazon_order_id="")
    former = named.exclude(key_version=settings.LOOKUP_VERSION).values_list("key", "seller_id", "amazon_order_id")
    for key, seller_id, amazon_order_id in former.iterator(chunk_size=AT_ONCE):
        if seller_id is not None:
            with transaction.atomic():
                _entries(key, lookup.order_key(seller_id, amazon_order_id), report, now=now)


def _entries(former: UUID, key: UUID, report: Report, *, now: datetime) -> None:
    """Move the entries under one key under another. What is there already stays there, and so does its double."""
    entries = Suppression.objects.filter(key=former).exclude(key_version=settings.LOOKUP_VERSION)
    if not entries.exists():
        return
    gate.lock_to_change([former, key])
    taken = set(Suppression.objects.filter(key=key).values_list("seller_id", flat=True))
    for entry in entries:
        if entry.seller_id in taken:
            report.doubled += 1
            continue
        # The event first: the database moves no entry without it.
        SuppressionEvent.objects.create(
            suppression=entry, seller_id=entry.seller_id, what=SuppressionEvent.What.REKEYED,
            actor="rekey_suppressions", reason=f"version {settings.LOOKUP_VERSION}", grade=entry.grade, at=now,
        )  # fmt: skip
        moved = Suppression.objects.filter(pk=entry.pk, key=former)
        report.entries += moved.update(key=key, key_version=settings.LOOKUP_VERSION)
