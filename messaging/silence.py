"""How many free-form messages went out since a seller last heard of an opt-out: the counting part of the watch.

Once a day: `optouts.watching.last_notices` -> [counting] -> `optouts.watching.record_watch`. The list and its notices
lie below messaging and may not count messages, so messaging brings the figures.
"""

from datetime import datetime
from typing import Final

from django.db.models import Count, Min, Q, QuerySet

from accounts.rowsecurity import across_sellers
from messaging.models import Channel, Message, Status
from optouts import watching
from optouts.silence import RECORD, SETTLES_AFTER, Record
from optouts.watching import Figures, Heard

LEFT_US: Final = frozenset({Status.SENT, Status.BLOCKED, Status.UNKNOWN})


def watch(*, now: datetime) -> int:
    """Judge every seller who has written to buyers lately; returns how many. May run twice."""
    with across_sellers("the watch over silence counts"):
        heard = watching.last_notices(now=now)
        first = dict(_sent(now).order_by().values_list("seller_id").annotate(first=Min("handed_over_at")))
        counted = {seller_id: _count(seller_id, at, heard.get(seller_id), now=now) for seller_id, at in first.items()}
        # Sellers who hear nothing say nothing about how often buyers opt out: they are left out of the common rate.
        everybody = Record(
            sum(own.sent for own, _, _ in counted.values()), sum(own.notices for own, _, _ in counted.values())
        )
        for seller_id, (own, sent, since) in counted.items():
            figures = Figures(sent, since, seller_id in heard, own, everybody)
            watching.record_watch(seller_id, figures, now=now)
    return len(counted)


def _sent(now: datetime) -> QuerySet[Message]:
    """The free-form messages of the record's time; a request for a review brings no notice."""
    return Message.objects.filter(
        channel=Channel.BUYER_EMAIL, status__in=LEFT_US, handed_over_at__gt=now - RECORD, handed_over_at__lte=now
    )


def _count(seller_id: int, first_at: datetime, heard: Heard | None, *, now: datetime) -> tuple[Record, int, datetime]:
    """The record up to the last notice, how many messages went out after it, and since when nothing was heard."""
    since = heard.last_at if heard else first_at
    counts = (
        _sent(now)
        .filter(seller_id=seller_id)
        .aggregate(
            before=Count("id", filter=Q(handed_over_at__lte=since)),
            after=Count("id", filter=Q(handed_over_at__gt=since, handed_over_at__lte=now - SETTLES_AFTER)),
            first_too=Count("id", filter=Q(handed_over_at=since, handed_over_at__lte=now - SETTLES_AFTER)),
        )
    )
    if heard:
        return Record(counts["before"], heard.notices), counts["after"], since
    return Record(), counts["after"] + counts["first_too"], since
