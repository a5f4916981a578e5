"""A mail becomes a notice: the bytes are stored, and nothing is thought about them.

Flow: a door (listener, webhook, upload) -> `receive` -> [Notice] -> `intake.process`. A door says 250 or 200 only
after this has returned.
"""

import hashlib
import zlib
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from accounts import secrets
from accounts.rowsecurity import across_sellers
from optouts.models import InboundAddress, Notice

KEPT_WAITING: Final = timedelta(days=90)


def receive(address: InboundAddress, raw: bytes, *, now: datetime) -> int:
    """Store a mail and return its notice's id, committed. The same mail at the same address is the same notice."""
    digest = hashlib.sha256(address.token_key.bytes + raw).hexdigest()
    with across_sellers("a mail is stored"):
        try:
            with transaction.atomic():
                return Notice.objects.create(
                    seller_id=address.seller_id,
                    address=address,
                    digest=digest,
                    size=len(raw),
                    received_at=now,
                    raw_sealed=secrets.seal("raw mail", address.seller_id, zlib.compress(raw)),
                    look_at=now,
                    purge_at=now + KEPT_WAITING,
                ).pk
        except IntegrityError:
            return Notice.objects.values_list("pk", flat=True).get(digest=digest)
