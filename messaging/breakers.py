"""What stops sending: an operator for everybody, and a run of refusals for one account's letters. Verbs and their rule.

An operator's stop is one row; dispatch looks at it in the transaction that takes messages up, so it holds from the next
batch on. A run of refusals closes the account's Buyer-Seller e-mail as Amazon's own notice does; Request a Review goes
on, and an owner opens it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import Count, Q

from accounts import lifecycle
from messaging.models import Channel, Message, SendingStop, Status

log = structlog.get_logger(__name__)

RECENTLY: Final = timedelta(hours=24)
NORMALLY: Final = timedelta(days=30)
FEWEST: Final = 10  # refusals: fewer say nothing about the account
TIMES_NORMAL: Final = 5
LEAST_NORMAL: Final = 0.02  # one letter in fifty is refused at the best of times


@dataclass(frozen=True, slots=True)
class Tally:
    """How many letters of an account Amazon answered, and how many of them by a refusal."""

    answered: int
    refused: int

    @property
    def rate(self) -> float:
        return self.refused / self.answered if self.answered else 0.0


def is_above_normal(recent: Tally, before: Tally) -> bool:
    """Is this more than bad luck? Ten refusals at least, and five times the account's normal rate. Pure."""
    return recent.refused >= FEWEST and recent.rate > min(0.5, TIMES_NORMAL * max(before.rate, LEAST_NORMAL))


def count_refusals(refused: Mapping[int, str], *, now: datetime) -> None:
    """Letters of these accounts were refused, with Amazon's words: close those of which it is too many."""
    for account_id, words in refused.items():
        since = lifecycle.reopened_at(account_id)
        recent = _tally(account_id, max(now - RECENTLY, since) if since else now - RECENTLY, now + RECENTLY)
        if recent.refused < FEWEST or not is_above_normal(recent, _tally(account_id, now - NORMALLY, now - RECENTLY)):
            continue
        text = (
            f"Amazon refused {recent.refused} of the last {recent.answered} letters of this account, far more than "
            f"usual. The last time it said: {words}"
        )
        if lifecycle.stop_letters(account_id, text=text, now=now):
            log.warning("refusals_stopped_letters", account=account_id, refused=recent.refused)


def _tally(account_id: int, after: datetime, until: datetime) -> Tally:
    letters = Message.objects.filter(
        account_id=account_id, channel=Channel.BUYER_EMAIL, handed_over_at__gt=after, handed_over_at__lte=until
    )
    counted = letters.filter(status__in=[Status.SENT, Status.BLOCKED, Status.REFUSED]).aggregate(
        answered=Count("id"), refused=Count("id", filter=Q(status=Status.REFUSED))
    )
    return Tally(**counted)


def stop_in_force() -> SendingStop | None:
    """The operators' stop for everybody, if there is one."""
    return SendingStop.objects.filter(lifted_at__isnull=True).first()


def stop_everything(reason: str, *, by: str, now: datetime) -> bool:
    """From the next batch on nothing is taken up, on any channel, for any seller. False: it is stopped already."""
    if stop_in_force() is not None:
        return False
    SendingStop.objects.create(reason=reason, stopped_by=by, stopped_at=now)
    log.warning("sending_stopped", by=by)
    return True


def go_on(*, by: str, now: datetime) -> bool:
    """Lift the stop. False: there was none."""
    lifted = SendingStop.objects.filter(lifted_at__isnull=True).update(lifted_by=by, lifted_at=now)
    log.warning("sending_resumed", by=by)
    return bool(lifted)
