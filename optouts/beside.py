"""What a notice is read beside, and what of it belongs to its seller: reads, by one statement for each seller.

Asked by `intake` before a mail is examined. Keep it for a batch only: people promote wordings and confirm mailboxes.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import secrets
from accounts.prepared import Prepared
from optouts.addresses import OVERLAP, token_keys_of
from optouts.examination import Context
from optouts.models import Notice
from optouts.setup import WAITED_FOR

# Parameters: the seller, and since when a replaced address takes no mail any more.
_OF_A_SELLER: Final = Prepared(
    "beside_a_notice",
    ("bigint", "timestamptz"),
    """
select
  array(select template from optouts_promotedtemplate),
  array(select address_sealed from optouts_sellermailbox where seller_id = $1 and confirmed_at is not null),
  array(
    select token_key from optouts_inboundaddress
    where seller_id = $1 and (replaced_at is null or replaced_at > $2)
  ),
  (select max(sent_at) from optouts_noticetest where seller_id = $1)
""",
)


@dataclass(frozen=True, slots=True)
class _Beside:
    promoted: frozenset[str]
    mailboxes: frozenset[str]
    addresses: frozenset[UUID]  # of each the key of its token
    last_test_at: datetime | None


class Surroundings:
    """What notices of the same seller are read beside. Asked once for each seller; for a caller who sees its rows."""

    def __init__(self) -> None:
        self._of: dict[int, _Beside] = {}

    def context(self, notice: Notice) -> Context:
        beside = self._beside(notice.seller_id)
        return Context(
            is_inbound_address=partial(_is_one_of, beside.addresses),
            mailboxes=beside.mailboxes,
            now=notice.received_at,
            promoted=beside.promoted,
            is_handed_in=notice.source == Notice.Source.UPLOAD,
            our_domain=settings.INBOUND_DOMAIN,
        )

    def awaits_test(self, notice: Notice, *, now: datetime) -> bool:
        """Does its seller wait for a test notice?"""
        sent_at = self._beside(notice.seller_id).last_test_at
        return sent_at is not None and sent_at > now - WAITED_FOR

    def _beside(self, seller_id: int) -> _Beside:
        if seller_id not in self._of:
            [(promoted, sealed, addresses, last_test_at)] = _OF_A_SELLER.rows(seller_id, timezone.now() - OVERLAP)
            mailboxes = frozenset(secrets.unseal_text("mailbox", seller_id, each) for each in sealed)
            self._of[seller_id] = _Beside(frozenset(promoted), mailboxes, frozenset(addresses), last_test_at)
        return self._of[seller_id]


def _is_one_of(addresses: frozenset[UUID], mail_address: str) -> bool:
    return not addresses.isdisjoint(token_keys_of(mail_address))
