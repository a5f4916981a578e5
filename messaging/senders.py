"""The seller's own sender addresses, one per marketplace: saving one lets go of what waited for it. Verb."""

from datetime import datetime

from django.db import transaction

from accounts.models import AccountMarketplace
from messaging import outbox
from messaging.models import Channel, Message, Status
from messaging.team import HELD_BY_TEAM


def save_sender(place: AccountMarketplace, address: str, *, now: datetime) -> int:
    """Write the approved sender of this marketplace; returns how many held letters it released. Idempotent.

    Only letters that wait for a sender are released: what the team holds on purpose stays held. An empty address
    releases nothing. Orders that had no letter for want of a sender are planned anew by `campaigns.planning`.
    """
    with transaction.atomic():
        place.approved_sender, place.changed_at = address, now
        place.save(update_fields=["approved_sender", "changed_at"])
        if not address:
            return 0
        waiting = Message.objects.filter(
            seller_id=place.seller_id, account_id=place.account_id, order__marketplace_id=place.marketplace_id,
            channel=Channel.BUYER_EMAIL, status=Status.HELD,
        ).exclude(reason__startswith=HELD_BY_TEAM)
        return len(outbox.release(list(waiting.values_list("pk", flat=True)), now=now))
