"""From the empty dashboard to a live, safe campaign, on Amazon's simulated consent page, with the clicks counted."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from playwright.sync_api import Locator, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.authorised import quotas
from accounts.models import AmazonAccount
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Campaign
from messaging.models import Channel, Message
from orders import sync
from orders.models import OrderReading
from tests.amazon.harness import Amazon
from tests.browser.conftest import SIZES, faults, overflow
from tests.makers import PASSWORD
from tests.messaging.test_dispatch_at_once import run_at_once

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ORDERS = 150  # more than Amazon puts on a page, so that the progress is seen half way
EVERY = timedelta(minutes=3)


class Person:
    """Clicks, and counts."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()


def read_orders() -> None:
    """What the worker does: as many pages as the quota lets it."""
    now = datetime.now(UTC)
    sync.accounts_to_read(now=now)
    with across_sellers("test"):
        [account_id] = AmazonAccount.objects.values_list("pk", flat=True)
    sync.read_account(account_id, every=EVERY, now=now)


def plan() -> None:
    planning.plan_stale(now=datetime.now(UTC))


@pytest.mark.parametrize(("size", "scheme"), [("1280", "light"), ("390", "dark")])
def test_three_clicks_to_the_dry_run_and_five_to_a_live_campaign(
    page: Page, live_server: LiveServer, simulated_amazon: Amazon, settings: Settings, size: str, scheme: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    settings.SITE_URL = live_server.url
    settings.AMAZON_CONSENT_URL = f"{simulated_amazon.base_url}/apps/authorize/consent"
    theirs = simulated_amazon.account(store_name="Lakeside Outfitters")
    delivered = datetime.now(UTC) - timedelta(days=8)
    day = timedelta(days=1)
    promise = [(delivered - day).isoformat(), delivered.isoformat()]
    simulated_amazon.orders(theirs, [{"deliver_by": promise, "fulfilled_by": "AMAZON"}] * ORDERS)
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    steps = iter(range(1, 99))

    def looked_at(name: str) -> None:
        page.screenshot(path=tmp_path / f"{next(steps)}-{name}-{size}-{scheme}.png", full_page=True)
        assert faults(page) == []
        assert overflow(page) == 0

    # Signing up is not counted: nobody can do it for her.
    page.goto(f"{live_server.url}/people/signup/")
    page.get_by_label("Business name").fill("Lakeside Outfitters")
    page.get_by_label("Email").first.fill("alice@example.com")
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page).to_have_url(re.compile("/people/confirm-email/"))
    link = re.search(r"http://\S+/people/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(link[0])
    page.locator("main form button[type=submit]").first.click()
    assert EmailAddress.objects.get().verified
    if "login" in page.url:
        page.fill("input[name=login]", "alice@example.com")
        page.fill("input[name=password]", PASSWORD)
        page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_text("0 of 4 done")).to_be_visible()
    looked_at("empty-dashboard")

    alice = Person()
    alice.click(page.get_by_role("button", name="Connect Amazon").first)
    alice.click(page.get_by_role("button", name="Allow"))  # our page leads on to Amazon's by itself
    expect(page.get_by_role("heading", name="Your orders are arriving")).to_be_visible()
    expect(page.get_by_text("Amazon is being asked for the orders of the last 40 days")).to_be_visible()
    looked_at("asking")

    # The first page comes; then the quota is used up for a while. The bar and the dry run move by themselves.
    simulated_amazon.quota("searchOrders", rate=0.0056, burst=1)
    run_at_once(read_orders)
    expect(page.get_by_text("orders so far, back to")).to_be_visible(timeout=10_000)
    expect(page.get_by_text(re.compile("would go so far"))).to_be_visible()
    bar = page.get_by_role("progressbar", name="Orders of Lakeside Outfitters read")
    assert 0 < int(bar.get_attribute("aria-valuenow") or 0) < 100
    assert alice.clicks <= 3
    looked_at("half-way")
    simulated_amazon.quota("searchOrders", rate=100, burst=100)
    quotas()._redis.flushdb()
    with across_sellers("test"):
        OrderReading.objects.update(next_at=datetime.now(UTC), rung_at=None)
    run_at_once(read_orders)
    expect(page.get_by_text(f"{ORDERS} orders read.")).to_be_visible(timeout=10_000)
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_text(f"{ORDERS} of {ORDERS} orders would go.")).to_be_visible()
    with across_sellers("test"):
        assert not Message.objects.exists()
    looked_at("dry-run")

    alice.click(page.get_by_role("button", name="Turn on"))
    expect(page.get_by_role("heading", name="You are live")).to_be_visible()
    assert alice.clicks <= 5
    expect(page.get_by_role("heading", name=re.compile("opt-out", re.IGNORECASE)).first).to_be_visible()
    looked_at("live")

    # What was promised is what is planned, and the first row opens on its explanation.
    run_at_once(plan)
    with across_sellers("test"):
        assert Campaign.objects.filter(status=Campaign.Status.ACTIVE).count() == 1
        assert Message.objects.filter(channel=Channel.REQUEST_REVIEW).count() == ORDERS
    page.get_by_role("link", name="Scheduling").first.click()
    page.locator("main table tbody tr a").first.click()
    expect(page.get_by_role("heading", name="The message")).to_be_visible()
    expect(page.get_by_text("scheduled", exact=False).first).to_be_visible()
    looked_at("why")
    page.goto(live_server.url)
    expect(page.get_by_text("3 of 4 done")).to_be_visible()
