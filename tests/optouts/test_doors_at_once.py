"""One mail by several doors at the same moment, on real connections: one notice, one reading that counts, one entry."""

from datetime import timedelta
from functools import partial

import pytest

from accounts.rowsecurity import across_sellers
from optouts import addresses, intake, receiving
from optouts.models import Notice, Suppression, SuppressionEvent
from tests.makers import IT, make_account, make_address, make_order, make_seller
from tests.messaging.test_dispatch_at_once import run_at_once
from tests.notices import builder

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_mail_three_times_at_once_by_mail_and_by_a_hook_is_one_opt_out() -> None:
    account = make_account(make_seller(), marketplaces=(IT,))
    yesterday = builder.NOW - timedelta(days=1)
    make_order(
        account, buyer=builder.ALIAS, amazon_order_id=builder.ORDER, marketplace_id=IT, last_written_at=yesterday
    )
    address = make_address(account.seller)
    with across_sellers("test"):
        recipient, local_part = addresses.full_address(address), address.local_part
    raw = builder.signed(builder.Mail(to=recipient, body=builder.italian_html()))

    def by_hook() -> None:
        receiving.receive(address, raw, now=builder.NOW, source=Notice.Source.MAILGUN)

    def by_mail() -> None:
        receiving.store([receiving.Delivery(local_part, raw, Notice.Source.SMTP)], now=builder.NOW)

    run_at_once(by_hook, by_mail, by_mail, by_hook)
    with across_sellers("test"):
        notice = Notice.objects.get()
    work = partial(intake.process, notice.pk, resolver=builder.FakeDns(), now=builder.NOW)
    run_at_once(work, work, work)
    with across_sellers("test"):
        notice.refresh_from_db()
        assert (notice.status, notice.grade) == (Notice.Status.APPLIED, "A1")
        assert Suppression.objects.count() == 3  # order, buyer, and buyer for everybody
        assert SuppressionEvent.objects.count() == 3
