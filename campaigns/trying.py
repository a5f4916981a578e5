"""A campaign on trial: it decides as if it were on, and what it would send goes to one of the team, never to a buyer.

Verb of the timetable. Each order is tried once: its row is committed before its mail goes out, so a crash costs a
mail and doubles none. Nothing here knows a gateway, a buyer's address or the ledger of messages.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction

from accounts.models import AccountMarketplace, User
from accounts.rowsecurity import across_sellers
from campaigns.eligibility import Decision
from campaigns.letters import first_item, letter_for
from campaigns.models import Campaign, Trial
from campaigns.rehearsal import each
from messaging import documents
from messaging.letters import Letter
from orders.models import Order

log = structlog.get_logger(__name__)

A_DAY: Final = 10  # mails of one campaign
LOOKED_AT: Final = 5_000  # the newest orders
ABOUT: Final = (
    "This is a test of the campaign “{campaign}”. The buyer of order {order} would get it now; nothing was sent."
)
REQUEST: Final = "Amazon would be asked now to request a review for this order, in Amazon's own words."


def send_trials(*, now: datetime) -> int:
    """Send what campaigns on trial would send now, to whoever put them on trial; returns how many mails went out."""
    with across_sellers("campaigns on trial"):
        on_trial = Campaign.objects.filter(status=Campaign.Status.TEST, tested_by__isnull=False)
        return sum(_try(campaign, now=now) for campaign in on_trial.select_related("tested_by").order_by("pk"))


def left_today(campaign: Campaign, *, now: datetime) -> int:
    """How many test mails this campaign may still send in 24 hours."""
    sent = Trial.objects.filter(campaign=campaign, sent_at__gt=now - timedelta(days=1)).count()
    return max(0, A_DAY - sent)


def _try(campaign: Campaign, *, now: datetime) -> int:
    person, sent = campaign.tested_by, 0
    assert person is not None
    left = left_today(campaign, now=now)
    for order, decision in _due(campaign, now=now):
        if sent >= left:
            break
        try:
            with transaction.atomic():
                Trial.objects.create(seller_id=campaign.seller_id, campaign=campaign, order=order, sent_at=now)
        except IntegrityError:  # another worker was faster
            continue
        try:
            _mail(campaign, order, decision, person).send()
        except OSError as trouble:  # smtplib's errors are OSErrors
            log.warning("trial_not_sent", campaign=campaign.pk, order=order.pk, trouble=type(trouble).__name__)
            break
        sent += 1
    return sent


def _due(campaign: Campaign, *, now: datetime) -> Iterator[tuple[Order, Decision]]:
    """The orders that would be written about now, and have not been tried."""
    tried = set(Trial.objects.filter(campaign=campaign).values_list("order_id", flat=True))
    due = {
        one.order.pk: one.decision
        for one in each(campaign, now=now, conditions=None, among=LOOKED_AT)
        if one.decision is not None and one.decision.due_at is not None and one.decision.due_at <= now
        if one.order.pk not in tried
    }
    orders = Order.objects.filter(pk__in=list(due)[:A_DAY]).select_related("account").prefetch_related("items")
    for order in orders.defer("alias_sealed").order_by("-purchased_at", "-pk"):
        yield order, due[order.pk]


def _mail(campaign: Campaign, order: Order, decision: Decision, person: User) -> EmailMultiAlternatives:
    about = ABOUT.format(campaign=campaign.name, order=order.amazon_order_id)
    if not decision.by_letter:
        subject = f"[Test] Review request for {order.amazon_order_id}"
        return EmailMultiAlternatives(subject, f"{about}\n\n{REQUEST}\n", to=[person.email])
    letter = _letter(campaign, order, decision)
    mail = EmailMultiAlternatives(f"[Test] {letter.subject}", f"{about}\n\n{letter.text}", to=[person.email])
    mail.attach_alternative(letter.html, "text/html")
    for name, content in documents.to_show(letter.attachments):
        mail.attach(name, content, "application/pdf")
    return mail


def _letter(campaign: Campaign, order: Order, decision: Decision) -> Letter:
    template = campaign.templates.get(language=decision.language)
    places = AccountMarketplace.objects.filter(account=order.account_id, marketplace_id=order.marketplace_id)
    store_name = places.values_list("store_name", flat=True).first() or ""
    return letter_for(order, template, store_name=store_name, item=first_item(order))
