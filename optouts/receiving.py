"""A mail becomes a notice: the bytes are stored, and nothing is thought about them.

Flow: a door (listener, webhook, upload) -> `receive`, or `store` for many at once -> [Notice] -> `intake.process`. A
door says 250 or 200 only after these have returned.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from accounts import lookup, secrets
from accounts.models import User
from accounts.rowsecurity import across_sellers
from optouts.addresses import is_well_formed
from optouts.models import InboundAddress, Notice

KEPT_WAITING: Final = timedelta(days=90)
PACKED: Final = 1  # zlib's level: half the time of the usual one for a tenth more bytes
WENT_ROUND: Final = "It came round in a loop of forwards."


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail for one of our addresses, as a door took it in. `went_round` keeps it away from the readers."""

    local_part: str
    raw: bytes
    source: Notice.Source
    went_round: bool = False


def receive(
    address: InboundAddress,
    raw: bytes,
    *,
    now: datetime,
    source: Notice.Source = Notice.Source.SMTP,
    uploaded_by: User | None = None,
) -> int:
    """Store a mail and return its notice's id, committed. The same mail at the same address is the same notice."""
    notice = _notice(address, raw, now)
    notice.source, notice.uploaded_by = source, uploaded_by
    with across_sellers("a mail is stored"):
        try:
            with transaction.atomic():
                notice.save(force_insert=True)
                return notice.pk
        except IntegrityError:
            return Notice.objects.values_list("pk", flat=True).get(digest=notice.digest)


def store(deliveries: Sequence[Delivery], *, now: datetime) -> list[int | None]:
    """Store many mails in one transaction; returns the notice of each, None where nobody has such an address.

    Committed when it returns; when it raises, nothing is stored. Repeats give the notice that is there already.
    """
    keys = {part: lookup.token_key(part) for part in {d.local_part for d in deliveries} if is_well_formed(part)}
    with across_sellers("mails are stored"), transaction.atomic():
        addresses = {
            address.token_key: address for address in InboundAddress.objects.filter(token_key__in=keys.values())
        }
        notices: list[Notice | None] = []
        for delivery in deliveries:
            key = keys.get(delivery.local_part)
            address = addresses.get(key) if key else None
            notices.append(_delivered(address, delivery, now) if address else None)
        known = [notice for notice in notices if notice is not None]
        if not known:
            return [None] * len(deliveries)
        Notice.objects.bulk_create(known, ignore_conflicts=True)
        ids = dict(Notice.objects.filter(digest__in=[n.digest for n in known]).values_list("digest", "pk"))
    return [ids[notice.digest] if notice else None for notice in notices]


def with_proper_lines(raw: bytes) -> bytes:
    """A file or a provider's text may have lost its CRs on the way: given back once, if there is not a single one."""
    return raw if b"\r" in raw else raw.replace(b"\n", b"\r\n")


def _delivered(address: InboundAddress, delivery: Delivery, now: datetime) -> Notice:
    notice = _notice(address, delivery.raw, now)
    notice.source = delivery.source
    if delivery.went_round:
        notice.status, notice.reason = Notice.Status.QUARANTINED, WENT_ROUND
        notice.look_at, notice.processed_at = None, now
    return notice


def _notice(address: InboundAddress, raw: bytes, now: datetime) -> Notice:
    digest = hashlib.sha256(address.token_key.bytes)
    digest.update(raw)
    return Notice(
        seller_id=address.seller_id,
        address=address,
        digest=digest.hexdigest(),
        size=len(raw),
        received_at=now,
        raw_sealed=secrets.seal("raw mail", address.seller_id, zlib.compress(raw, PACKED)),
        look_at=now,
        purge_at=now + KEPT_WAITING,
    )
