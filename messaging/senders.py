"""The seller's own sender addresses, one per marketplace: saving one lets go of what waited for it. Verb."""

from datetime import datetime

from django.db import transaction

from accounts.models import AccountMarketplace
from messaging import outbox
from messaging.models import Hold, Message, Status
from orders.attention import ask_for_plans, read_from_the_beginning
from orders.models import Order


def use_marketplace(place: AccountMarketplace, is_used: bool, *, now: datetime) -> None:
    """Take a marketplace into use, or out of it: what waits there follows with the next plans. Idempotent.

    In use again, its orders of the last weeks are read anew: changes that came meanwhile were nobody's to read.
    """
    with transaction.atomic():
        changed = AccountMarketplace.objects.filter(pk=place.pk, is_used=not is_used).update(is_used=is_used)
        if not changed:
            return
        orders = Order.objects.filter(account_id=place.account_id, marketplace_id=place.marketplace_id)
        ask_for_plans(orders, now=now)
        if is_used:  # after the orders, as a reading that is under way: else each could wait for the other
            read_from_the_beginning(place.account_id, now=now)


def save_sender(place: AccountMarketplace, address: str, *, now: datetime) -> int:
    """Write the approved sender of this marketplace; returns how many held letters it released. Idempotent.

    Only letters that wait for a sender are released: what the team holds on purpose stays held. An empty address
    releases nothing. Orders that had no letter for want of a sender are planned anew.
    """
    with transaction.atomic():
        place.approved_sender, place.changed_at = address, now
        place.save(update_fields=["approved_sender", "changed_at"])
        orders = Order.objects.filter(account_id=place.account_id, marketplace_id=place.marketplace_id)
        ask_for_plans(orders, now=now)
        if not address:
            return 0
        waiting = Message.objects.filter(
            seller_id=place.seller_id,
            account_id=place.account_id,
            order__marketplace_id=place.marketplace_id,
            status=Status.HELD,
            hold=Hold.SENDER,
        )
        return len(outbox.release(list(waiting.values_list("pk", flat=True)), now=now))
