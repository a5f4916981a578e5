"""Notices that want looking at, taken by one reader and by no other for a while: a verb, for `intake`.

A claim is a lease: `look_at` moves on, so whoever dies over a notice gives it back by doing nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import DEFAULT_DB_ALIAS

from accounts.prepared import Prepared
from optouts.models import InboundAddress, Notice

LEASE: Final = timedelta(minutes=2)

# The evidence of earlier readings is not needed to read a mail; whoever asks for it nevertheless gets it.
_OF_A_NOTICE: Final = [field.attname for field in Notice._meta.concrete_fields if field.attname != "evidence"]
_OF_ITS_ADDRESS: Final = ["id", "seller_id", "replaced_at"]

# Parameters of both: the instant, the lease; then how many, or which one.
_WAITING: Final = """
with fresh as (
  select id from optouts_notice where look_at <= $1 and crashes = 0
  order by look_at limit $3 for update skip locked
), crashed as (
  select id from optouts_notice where look_at <= $1 and crashes > 0 and not exists (select from fresh)
  order by look_at limit 1 for update skip locked
), chosen as (select id from fresh union all select id from crashed)
"""
_THIS_ONE: Final = """
with chosen as (select id from optouts_notice where id = $3 and look_at <= $1 for update skip locked)
"""
_LEASE_THEM: Final = f"""
, soon as (select set_config('synchronous_commit', 'off', true)), leased as (
  update optouts_notice set look_at = $1 + $2, crashes = crashes + 1
  from chosen, soon where optouts_notice.id = chosen.id returning optouts_notice.*
)
select {", ".join(f"leased.{name}" for name in _OF_A_NOTICE)},
  (select replaced_at from optouts_inboundaddress address where address.id = leased.address_id)
from leased order by received_at, id
"""  # noqa: S608 (the names are our own)
_CLAIM: Final = Prepared("claim_notices", ("timestamptz", "interval", "int"), _WAITING + _LEASE_THEM)
_CLAIM_ONE: Final = Prepared("claim_notice", ("timestamptz", "interval", "bigint"), _THIS_ONE + _LEASE_THEM)


def claim(most: int, *, now: datetime) -> list[Notice]:
    """Take the oldest notices that want looking at, in the order in which they came. For a caller who sees all
    sellers' rows.

    One whose reader has crashed is taken alone, and after all others: if it does so again, it takes nothing with it.
    """
    return _leased(_CLAIM, most, now)


def claim_one(notice_id: int, *, now: datetime) -> list[Notice]:
    """The same for one notice, if it wants looking at."""
    return _leased(_CLAIM_ONE, notice_id, now)


def _leased(statement: Prepared, which: int, now: datetime) -> list[Notice]:
    """Those of the chosen notices that nobody else holds, ours for a while. Each counts as a crash until it is read.

    The commit need not wait for the disk: a lease that is lost with the machine has been held by a process of it.
    """
    claimed = []
    for *row, replaced_at in statement.rows(now, LEASE, which):
        notice = Notice.from_db(DEFAULT_DB_ALIAS, _OF_A_NOTICE, row)
        if notice.address_id is not None:
            its = [notice.address_id, notice.seller_id, replaced_at]
            notice.address = InboundAddress.from_db(DEFAULT_DB_ALIAS, _OF_ITS_ADDRESS, its)
        claimed.append(notice)
    return claimed
