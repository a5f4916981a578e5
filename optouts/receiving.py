"""A mail becomes a notice: the bytes are stored, and nothing is thought about them.

Flow: a door (listener, webhook, upload) -> `receive`, or `store` for many at once -> [Notice], a ring -> `reader`. A
door says 250 or 200 only after these have returned.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from accounts import secrets
from accounts.models import User
from accounts.rowsecurity import across_sellers
from optouts import doorbell, noticerows
from optouts.addresses import find_addresses
from optouts.models import InboundAddress, Notice

KEPT_WAITING: Final = timedelta(days=90)
PACKED: Final = 1  # zlib's level: half the time of the usual one for a tenth more bytes
WENT_ROUND: Final = "It came round in a loop of forwards."


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail for one of our addresses, as a door took it in. `went_round` keeps it away from the readers.

    `local_part` is in lower case.
    """

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
    row = _row(address, raw, source, now) | {"uploaded_by_id": uploaded_by.pk if uploaded_by else None}
    with across_sellers("a mail is stored"), transaction.atomic():
        notice_id = noticerows.insert([row], first=[doorbell.ringing()])[row["digest"]]
    return notice_id


def store(deliveries: Sequence[Delivery], *, now: datetime) -> list[int | None]:
    """Store many mails in one transaction; returns the notice of each, None where nobody has such an address.

    Committed when it returns; when it raises, nothing is stored. Repeats give the notice that is there already.
    """
    with across_sellers("mails are stored"), transaction.atomic():
        found = find_addresses({delivery.local_part for delivery in deliveries})
        rows: list[dict[str, Any] | None] = []
        for delivery in deliveries:
            address = found.get(delivery.local_part)
            rows.append(_delivered(address, delivery, now) if address else None)
        known = [row for row in rows if row is not None]
        ring = [doorbell.ringing()] if any(row["look_at"] for row in known) else []
        ids = noticerows.insert(known, first=ring) if known else {}
    return [ids[row["digest"]] if row else None for row in rows]


def with_proper_lines(raw: bytes) -> bytes:
    """A file or a provider's text may have lost its CRs on the way: given back once, if there is not a single one."""
    return raw if b"\r" in raw else raw.replace(b"\n", b"\r\n")


def _delivered(address: InboundAddress, delivery: Delivery, now: datetime) -> dict[str, Any]:
    row = _row(address, delivery.raw, delivery.source, now)
    if delivery.went_round:
        row |= {"status": Notice.Status.QUARANTINED.value, "reason": WENT_ROUND, "look_at": None, "processed_at": now}
    return row


def _row(address: InboundAddress, raw: bytes, source: Notice.Source, now: datetime) -> dict[str, Any]:
    digest = hashlib.sha256(address.token_key.bytes)
    digest.update(raw)
    return {
        "seller_id": address.seller_id,
        "address_id": address.pk,
        "digest": digest.hexdigest(),
        "size": len(raw),
        "received_at": now,
        "source": source.value,
        "raw_sealed": secrets.seal("raw mail", address.seller_id, zlib.compress(raw, PACKED)),
        "look_at": now,
        "purge_at": now + KEPT_WAITING,
    }
