"""Where an order goes to is told by Amazon's order report alone: it is wanted once a day where a rule asks for it.

Verb of the timetable. In: rules about the country. Out: `AmazonReport` rows, on which `orders.reports` works; what they
bring puts the orders back in the queue of planning.
"""

from datetime import datetime, timedelta
from typing import Final

from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from campaigns.models import Campaign, Rule
from orders import reports
from orders.models import AmazonReport

KINDS: Final = (Rule.Kind.COUNTRY, Rule.Kind.DOMESTIC)
OVERLAP: Final = timedelta(hours=1)  # Amazon's reports may lag behind its orders


def want_countries(*, now: datetime) -> int:
    """Want an order report of each account whose seller has a rule about countries, from where the ones before ended;
    returns how many are new."""
    with across_sellers("reports for rules about countries are wanted"):
        rules = Rule.objects.filter(kind__in=KINDS).exclude(campaign__status=Campaign.Status.ARCHIVED)
        accounts = AmazonAccount.objects.filter(
            seller__in=rules.values("seller_id"), status=AmazonAccount.Status.CONNECTED
        )
        return sum(_want(account, now=now) for account in accounts.order_by("pk"))


def _want(account: AmazonAccount, *, now: datetime) -> bool:
    kept = AmazonReport.objects.filter(account=account, kind=AmazonReport.Kind.ORDERS)
    failed = kept.filter(state=AmazonReport.State.FAILED, wanted_at__gt=now - reports.EVERY)
    told_until = _told_until(account, now=now)
    if now - told_until < reports.EVERY or failed.exists():
        return False
    begin = max(told_until - OVERLAP, now - reports.LONGEST_SPAN)
    return reports.want(account, AmazonReport.Kind.ORDERS, (begin, now), now=now)


def _told_until(account: AmazonAccount, *, now: datetime) -> datetime:
    """Up to where reports cover the last 30 days without a gap; polling may have asked for some of its own."""
    stored = AmazonReport.objects.filter(
        account=account, kind=AmazonReport.Kind.ORDERS, state=AmazonReport.State.STORED
    )
    until = now - reports.LONGEST_SPAN
    for begin, end in stored.order_by("data_from").values_list("data_from", "data_until"):
        if begin <= until:
            until = max(until, end)
    return until
