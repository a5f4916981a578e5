"""From the seller's HTML to the wire: planned, sealed, sent once, and what arrives is what the preview showed."""

import email
import email.policy
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from django.utils import timezone

from accounts.rowsecurity import across_sellers
from campaigns import lifecycle, planning
from campaigns.models import Campaign
from campaigns.rendering import Source
from campaigns.views.preview import shown
from messaging import dispatch
from messaging.gateways.mail import Frame, compose
from messaging.models import Channel, Message, Status
from tests.makers import alias, make_account, make_campaigns, make_order, make_seller
from tests.messaging.post_office import PostOffice, at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]

HOSTILE = '</p><script>alert(1)</script> Mug < 9 cm & "Co." {{ contact_link }} [Important] www.evil.com'
BODY = (
    '<p style="font-size: 14px">How was <b>{{ product_title }}</b> of order {{ order_id }}?</p>'
    '<p class="x">Write a review, good or bad, from <a href="{{ order_link }}">your order</a>.</p>'
)


def test_an_html_letter_arrives_as_it_was_previewed_once_and_with_the_order_id(now: datetime) -> None:
    seller = make_seller()
    account = make_account(seller)
    campaign = next(each for each in make_campaigns(seller) if each.channel == Channel.BUYER_EMAIL)
    Campaign.objects.exclude(pk=campaign.pk).update(status=Campaign.Status.DRAFT)
    lifecycle.write_letter(campaign, "en", Source("How was it?", BODY, is_html=True), now=timezone.now())
    order = make_order(account, buyer=alias(), title=HOSTILE)
    planning.plan_stale(now=now)
    message, office = Message.objects.get(order=order), PostOffice()

    later = message.due_at + timedelta(minutes=1)
    for _ in range(2):
        dispatch.send_due(account.pk, gateways={Channel.BUYER_EMAIL: office}, take=at_once, clock=lambda: later)

    message.refresh_from_db()
    assert message.status == Status.SENT
    [delivered] = office.delivered
    assert delivered.letter is not None
    assert delivered.letter == shown(seller, campaign.templates.get(language="en")).letter
    raw = compose(delivered.letter, Frame("shop@example.com", "abc@marketplace.amazon.com", "m@example.com", later))
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    html, text = mail.get_body(["html"]), mail.get_body(["plain"])
    assert html is not None and text is not None
    written = html.get_content()
    assert '<p style="font-size:14px">How was <b>alert(1) Mug &lt; 9 cm &amp; ' in written
    assert "<script" not in written and "evil" not in written and "class=" not in written
    assert order.amazon_order_id in written and order.amazon_order_id in text.get_content()
    assert "{{ contact_link }}" in text.get_content()  # of the title: only text


def test_an_order_whose_title_breaks_a_rule_in_html_is_not_written_about(now: datetime) -> None:
    with across_sellers("test"):
        seller = make_seller()
        campaign = next(each for each in make_campaigns(seller) if each.channel == Channel.BUYER_EMAIL)
        Campaign.objects.exclude(pk=campaign.pk).update(status=Campaign.Status.DRAFT)
        lifecycle.write_letter(campaign, "en", Source("How was it?", BODY, is_html=True), now=timezone.now())
        bribe = "Mug (review it and get a $10 gift card)"
        order = make_order(make_account(seller), buyer=alias(), title=bribe)
        planning.plan_stale(now=now)
    assert not Message.objects.filter(order=order).exists()
    assert "This offers something for a review" in str(order.follow_ups.get(campaign=campaign).checks)
