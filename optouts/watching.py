"""The watch over silence: verbs. `messaging.silence` counts what was sent and hands the figures in, once a day.

Flow: `last_notices` -> messaging's counting -> [record_watch] -> banner, page, and `warn_silent`: a mail to the owners,
at most once a week.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db.models import Count, Max, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Seller
from accounts.owners import write_to_owners
from accounts.rowsecurity import across_sellers
from optouts import silence
from optouts.models import Notice, OptOutWatch
from optouts.reasons import Kind
from optouts.setup import PROVED

log = structlog.get_logger(__name__)

BETWEEN_MAILS: Final = timedelta(days=7)
STALE_AFTER: Final = timedelta(days=3)  # a watch that nobody has renewed: the seller has long stopped writing


@dataclass(frozen=True, slots=True)
class Heard:
    """The last proved opt-out notice of a seller within the record's time, and how many there were."""

    last_at: datetime
    notices: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a seller sent since `quiet_since`, and his record up to then."""

    sent: int
    quiet_since: datetime
    had_notice: bool
    own: silence.Record
    everybody: silence.Record


def last_notices(*, now: datetime) -> dict[int, Heard]:
    """By seller id: what was heard. Needs the rows of all sellers to be open."""
    rows = (
        Notice.objects.filter(kind=Kind.OPT_OUT.value, grade__in=PROVED, received_at__gt=now - silence.RECORD)
        .order_by()
        .values("seller_id")
        .annotate(last_at=Max("received_at"), notices=Count("id"))
    )
    return {row["seller_id"]: Heard(row["last_at"], row["notices"]) for row in rows}


def record_watch(seller_id: int, figures: Figures, *, now: datetime) -> silence.Verdict:
    """Judge the figures and keep them as the seller's latest watch. Running it twice changes nothing."""
    judged = silence.judge(figures.sent, figures.own, figures.everybody)
    before = OptOutWatch.objects.filter(seller_id=seller_id).values_list("verdict", "verdict_since").first()
    since = before[1] if before and before[0] == judged.verdict else now
    OptOutWatch.objects.update_or_create(
        seller_id=seller_id,
        defaults={
            "verdict": judged.verdict.value,
            "verdict_since": since,
            "watched_at": now,
            "quiet_since": figures.quiet_since,
            "had_notice": figures.had_notice,
            "sent": figures.sent,
            "expected": judged.expected,
        },
    )
    return judged.verdict


def sentence_of(watch: OptOutWatch, *, now: datetime) -> str:
    """The watch in one sentence."""
    days = max((now - watch.quiet_since).days, 0)
    return silence.sentence(watch.sent, watch.expected, days=days, had_notice=watch.had_notice)


def warn_silent(*, now: datetime, limit: int = 200) -> int:
    """Mail the owners of sellers whose watch says silent; returns how many sellers. At most once a week each.

    The week is claimed before the mail goes out and given back when the relay takes none of it.
    """
    with across_sellers("owners are told that notices have stopped"):
        due = Q(mailed_at__isnull=True) | Q(mailed_at__lte=now - BETWEEN_MAILS)
        fresh = Q(watched_at__gt=now - STALE_AFTER)
        rows = OptOutWatch.objects.filter(due, fresh, verdict=silence.Verdict.SILENT.value).select_related("seller")
        warned = 0
        for watch in rows.order_by("mailed_at", "seller_id")[:limit]:
            if not OptOutWatch.objects.filter(due, pk=watch.pk).update(mailed_at=now):
                continue  # another worker has it
            if _warn(watch, now=now):
                warned += 1
            else:
                OptOutWatch.objects.filter(pk=watch.pk).update(mailed_at=watch.mailed_at)
    return warned


def _warn(watch: OptOutWatch, *, now: datetime) -> bool:
    text = render_to_string(
        "optouts/mails/silence.txt",
        {
            "seller": watch.seller,
            "sentence": sentence_of(watch, now=now),
            "address": settings.SITE_URL + reverse("set_up"),
        },
    )
    return write_to_owners(watch.seller_id, "FeedbackFive: no opt-out notices are arriving", text)


def watch_of(seller: Seller) -> OptOutWatch | None:
    """The seller's latest watch, unless it is stale or a notice has come since. One or two queries."""
    watch = OptOutWatch.objects.for_seller(seller).filter(watched_at__gt=timezone.now() - STALE_AFTER).first()
    if watch is None or watch.verdict == silence.Verdict.OK:
        return watch
    since = Notice.objects.for_seller(seller).filter(received_at__gt=watch.quiet_since)
    return None if since.filter(kind=Kind.OPT_OUT.value, grade__in=PROVED).exists() else watch
