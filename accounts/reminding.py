"""Owners are told by mail that Amazon's authorisation is about to end, 30, 14 and 3 days before, and that it is gone:
each once. Verb.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.health import AUTHORISED_FOR, REMINDERS, health, reminder_due
from accounts.models import AmazonAccount
from accounts.owners import write_to_owners
from accounts.rowsecurity import across_sellers

GONE: Final = 0  # in `reminded_days`: told that it is over


def remind(*, now: datetime, limit: int = 500) -> int:
    """Send what is due; returns how many accounts were reminded of.

    A reminder is claimed before it is mailed, and given back when the relay takes none of it.
    """
    with across_sellers("owners are told that an authorisation is about to end"):
        rows = AmazonAccount.objects.filter(_may_be_due(now), status=AmazonAccount.Status.CONNECTED)
        reminded = 0
        for account in rows.select_related("seller").order_by("authorised_at", "id")[:limit]:
            ending = health(account.authorised_at, (), now=now)
            assert ending.days_left is not None
            due = reminder_due(ending.days_left, account.reminded_days)
            if due is None:
                continue
            unclaimed = AmazonAccount.objects.filter(pk=account.pk, reminded_days=account.reminded_days)
            if not unclaimed.update(reminded_days=due):
                continue  # another worker has it
            if _mail(account, ending.ending):
                reminded += 1
            else:
                AmazonAccount.objects.filter(pk=account.pk).update(reminded_days=account.reminded_days)
    return reminded


def tell_of_the_end(*, now: datetime, limit: int = 500) -> int:
    """Tell owners that Amazon does not take an authorisation any more; returns of how many accounts. Each once."""
    with across_sellers("owners are told that an authorisation is gone"):
        untold = Q(reminded_days__isnull=True) | Q(reminded_days__gt=GONE)
        rows = AmazonAccount.objects.filter(untold, status=AmazonAccount.Status.REVOKED)
        told = 0
        for account in rows.select_related("seller").order_by("id")[:limit]:
            unclaimed = AmazonAccount.objects.filter(pk=account.pk, reminded_days=account.reminded_days)
            if not unclaimed.update(reminded_days=GONE):
                continue  # another worker has it
            if _mail(account, f"Amazon no longer accepts the authorisation of {account}", "gone"):
                told += 1
            else:
                AmazonAccount.objects.filter(pk=account.pk).update(reminded_days=account.reminded_days)
    return told


def _may_be_due(now: datetime) -> Q:
    """Those that have come near enough for a reminder that they have not had."""
    due = Q()
    for days in REMINDERS:
        near = Q(authorised_at__lte=now + timedelta(days=days + 1) - AUTHORISED_FOR)
        due |= near & (Q(reminded_days__isnull=True) | Q(reminded_days__gt=days))
    return due


def _mail(account: AmazonAccount, ending: str, which: str = "ending") -> bool:
    address = f"{settings.SITE_URL}{reverse('settings')}#amazon"
    text = render_to_string(f"accounts/mails/{which}.txt", {"account": account, "ending": ending, "address": address})
    return write_to_owners(account.seller_id, f"FeedbackFive: {ending}", text)
