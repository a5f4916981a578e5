"""A seller signs in, looks at every page, and asks "Why?": at 1280 and 390 px, light and dark."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import lifecycle
from accounts.health import Ability
from accounts.models import Role
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Campaign
from messaging.models import Message, Status
from optouts import gate, intake
from optouts.gate import Buyer, Proof, Reach
from orders.models import Order
from tests.browser.conftest import SIZES, faults, overflow
from tests.makers import (
    NOW,
    PASSWORD,
    alias,
    make_account,
    make_address,
    make_campaigns,
    make_member,
    make_order,
    make_seller,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = '<img src=x onerror=alert(1)> Mug & Co. 5" — the very long title of an enamel mug for two ' * 3
PAGES = [
    "dashboard", "campaigns", "letters", "orders", "scheduling", "history", "optouts", "notices", "senders", "settings",
    "exclusions", "exclude",
]  # fmt: skip


@pytest.fixture
def alice(transactional_db: None) -> dict[str, object]:
    """Alice with a shop in which something has happened already."""
    from allauth.account.models import EmailAddress

    seller = make_seller("Lakeside <Outfitters>")
    person = make_member(seller, Role.OWNER, "alice@example.com")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    account = make_account(seller)
    with across_sellers("test"):
        lifecycle.mark_denied(account.pk, Ability.READ_ORDERS, now=NOW)
    make_campaigns(seller)
    orders = [make_order(account, buyer=alias(), title=HOSTILE) for _ in range(4)]
    orders += [make_order(account, fulfilled_by=Order.FulfilledBy.AMAZON) for _ in range(3)]
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
        Message.objects.filter(order=orders[0]).update(status=Status.SENT, receipt="250 taken")
        Message.objects.filter(order=orders[1]).update(status=Status.UNKNOWN, reason="the connection broke")
        first = orders[2]
        buyer = Buyer(seller.pk, first.amazon_order_id, first.order_key, first.alias_key)
        gate.suppress(buyer, Proof("notice 1", gate.OPTED_OUT, "A1"), reach=Reach.SELLER, now=NOW)
        intake.receive(make_address(seller), b"From: a@b.example\r\nSubject: x\r\n\r\nHello\r\n", now=NOW)
        Campaign.objects.filter(channel="request_review").update(status=Campaign.Status.DRAFT)
    return {"seller": seller, "order": orders[3], "email": person.email}


def sign_in(page: Page, site: LiveServer, email: object) -> None:
    page.goto(f"{site.url}{reverse('account_login')}")
    page.fill("input[name=login]", str(email))
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit], form button[type=submit]")
    expect(page).to_have_url(f"{site.url}/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_right_at_every_size_and_in_every_light(
    page: Page, live_server: LiveServer, alice: dict[str, object], size: str, scheme: str, tmp_path: Path
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if _is_bad(message) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, alice["email"])
    order = alice["order"]
    assert isinstance(order, Order)
    paths = [reverse(name) for name in PAGES] + [reverse("order", kwargs={"pk": order.pk})]
    wrong = {}
    for path in paths:
        page.goto(live_server.url + path)
        page.screenshot(path=tmp_path / f"{size}-{scheme}{path.replace('/', '-')}.png", full_page=True)
        found = faults(page)
        if wide := overflow(page):
            found.append(f"{wide} px wider than the window")
        if found:
            wrong[path] = found
    assert wrong == {} and said == []


def test_alice_switches_a_campaign_on_and_asks_why(
    page: Page, live_server: LiveServer, alice: dict[str, object]
) -> None:
    order = alice["order"]
    assert isinstance(order, Order)
    sign_in(page, live_server, alice["email"])

    page.get_by_role("link", name="Campaigns").first.click()
    page.get_by_role("link", name="Feedback and review request").first.click()
    expect(page.get_by_role("heading", name="Feedback and review request").first).to_be_visible()
    page.get_by_role("link", name="Turn on").first.click()
    page.get_by_role("button", name="Turn on").first.click()
    expect(page.get_by_text("is on").first).to_be_visible()
    with across_sellers("test"):
        assert Campaign.objects.get(channel="request_review").status == Campaign.Status.ACTIVE
        planning.plan_stale(now=timezone.now())
        assert Message.objects.filter(channel="request_review", status=Status.SCHEDULED).count() == 3

    page.get_by_role("link", name="Orders").first.click()
    page.locator("main input[name=q]").first.fill(order.amazon_order_id)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=order.amazon_order_id).first.click()
    expect(page.get_by_text("The buyer has not opted out").first).to_be_visible()
    expect(page.get_by_text("Order check-in").first).to_be_visible()
    assert page.locator("main img[src=x]").count() == 0  # the hostile title is text


def _is_bad(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning")
