"""A seller sets the way of Amazon's notices up, from the empty page to a buyer whom another seller leaves alone."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, Seller
from accounts.rowsecurity import across_sellers
from messaging import withdrawing
from messaging.doors import send_due_of
from messaging.models import Message, Status
from optouts import reader
from optouts.addresses import full_address
from optouts.models import InboundAddress
from optouts.resolving import DnsResolver
from tests.amazon.harness import Amazon
from tests.browser.conftest import SIZES, faults, overflow
from tests.browser.test_a_sellers_tour import sign_in
from tests.makers import alias, make_account, make_connected_account, make_member, make_message, make_order, make_seller
from tests.messaging.test_dispatch_at_once import run_at_once
from tests.notices.builder import GOOGLE, FakeDns, Mail, gmail_forwarded
from tests.optouts.smtp_listening import ListenerProcess, Place, send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MAILBOX = "alice.shop@gmail.com"
LINK = "https://mail-settings.google.com/mail/vf-%5BANGjdJ_token%5D-Hw4sbX3fa"


@dataclass
class Site:
    """The live site, its listener, and the simulated Amazon that writes to it."""

    url: str
    listener: Place
    amazon: Amazon
    resolver: "BothDns"
    shots: Path
    number: int = field(default=0)

    def work(self) -> None:
        """What the reader does."""
        reader.read_waiting(self.resolver, clock=timezone.now)
        withdrawing.withdraw_suppressed(now=timezone.now())

    def shoot(self, page: Page, name: str) -> None:
        self.number += 1
        page.screenshot(path=self.shots / f"{self.number:02d}-{name}.png", full_page=True)


class BothDns(FakeDns):
    """Google's test key, and everything else from the simulated Amazon's name server."""

    def __init__(self, amazon: DnsResolver) -> None:
        super().__init__()
        self.amazon = amazon

    def txt(self, name: str, /) -> bytes | None:
        if name == GOOGLE.name:
            return super().txt(name)
        return self.amazon.txt(name)


@pytest.fixture
def site(
    live_server: LiveServer, simulated_amazon: Amazon, settings: object, tmp_path: Path, transactional_db: None
) -> Iterator[Site]:
    listener = ListenerProcess(tmp_path).start()  # of its own: playwright's event loop runs in this thread
    try:
        simulated_amazon.deliver_to(*listener.place)
        dns = DnsResolver(server=settings.DNS_SERVER)  # type: ignore[attr-defined]
        yield Site(live_server.url, listener.place, simulated_amazon, BothDns(dns), tmp_path)
    finally:
        listener.end()


def owner(name: str, email: str) -> Seller:
    from allauth.account.models import EmailAddress

    seller = make_seller(name)
    person = make_member(seller, Role.OWNER, email)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return seller


def gmails_question(address: str) -> bytes:
    body = f"{MAILBOX} has requested to automatically forward mail to your email address {address}.\r\n{LINK}\r\n"
    question = Mail(
        sender="Gmail Team <forwarding-noreply@google.com>",
        to=address,
        subject=f"(Gmail Forwarding Confirmation - Receive Mail from {MAILBOX}",
        body=body,
        content_type="text/plain",
        is_alternative=False,
    )
    return GOOGLE.sign(question.build(), at=timezone.now(), signed=["From", "To", "Subject", "Date", "Message-ID"])


def test_from_the_empty_page_to_a_buyer_whom_everybody_leaves_alone(
    page: Page, browser: Browser, live_server: LiveServer, site: Site
) -> None:
    seller, other = owner("Lakeside Outfitters", "alice@example.com"), owner("Second shop", "carol@example.com")
    buyer = alias()
    theirs = site.amazon.account(store_name="Lakeside", seller_name="Lakeside")
    account = make_connected_account(seller, theirs)
    sign_in(page, live_server, "alice@example.com")

    # The address.
    page.goto(site.url + reverse("optouts"))
    page.get_by_role("button", name="Get your address").click()
    page.get_by_role("link", name="Set up and test").click()
    with across_sellers("test"):
        general = full_address(InboundAddress.objects.get(seller=seller))
    expect(page.get_by_label("Your address for forwarding")).to_have_value(general)
    page.get_by_role("button", name="Make the address for Amazon.com").click()
    direct = page.get_by_label("Your address for Amazon.com").input_value()
    assert direct != general
    site.shoot(page, "addresses")

    # Gmail asks; the question appears by itself, because the page waits.
    assert send(site.listener, general, mail=gmails_question(general)).startswith("250")
    site.work()
    link = page.get_by_role("link", name="Confirm at Gmail")
    expect(link).to_be_visible(timeout=15_000)
    expect(link).to_have_attribute("href", LINK)
    site.shoot(page, "gmail-asks")
    page.get_by_role("button", name="Put away").click()
    expect(link).to_have_count(0)

    # The test notice goes out, is forwarded, and the card turns green by itself.
    page.locator("#id_test-mailbox").fill(MAILBOX)
    page.get_by_role("button", name="Send me a test notice").click()
    expect(page.get_by_text(f"A test notice is on its way to {MAILBOX}")).to_be_visible()
    site.shoot(page, "waiting")
    raw = bytes(mail.outbox[-1].message().as_bytes())
    assert send(site.listener, general, mail=gmail_forwarded(raw, MAILBOX, general)).startswith("250")
    site.work()
    expect(page.get_by_text("Intact: Amazon's signature would survive").first).to_be_visible(timeout=10_000)
    expect(page.locator("#state .tone-good").first).to_be_visible()
    site.shoot(page, "green")

    # The first real notice: a letter to a buyer who has opted out.
    site.amazon.mailbox(theirs, inbound_address=direct, mode="direct")
    placed = site.amazon.order(theirs, buyer={"alias": buyer})
    recent = timezone.now() - timedelta(days=3)
    order = make_order(account, buyer=buyer, amazon_order_id=placed["order_id"], delivered_at=recent)
    make_message(order, due_at=timezone.now() - timedelta(minutes=1))
    elsewhere = make_order(make_account(other), buyer=buyer, delivered_at=recent)
    planned = make_message(elsewhere, due_at=timezone.now() + timedelta(days=1))
    site.amazon.opt_out(buyer)
    run_at_once(partial(send_due_of, account.pk))  # in a thread of its own: Playwright's loop runs in this one
    site.amazon.wait_for(lambda: [one for one in site.amazon.outgoing() if one["state"] == "delivered"])
    site.work()
    page.reload()
    expect(page.locator("#state").get_by_text("Receiving")).to_be_visible()
    site.shoot(page, "receiving")
    page.goto(site.url + reverse("optouts"))
    expect(page.get_by_text(placed["order_id"]).first).to_be_visible()
    expect(page.get_by_text("Proved: Amazon wrote to your inbound address").first).to_be_visible()
    site.shoot(page, "entry")

    # Another seller leaves the buyer alone, and sees why, but not from whom.
    with across_sellers("test"):
        assert Message.objects.get(pk=planned.pk).status == Status.SUPPRESSED
    with closing(browser.new_context()) as context:
        carol = context.new_page()
        sign_in(carol, live_server, "carol@example.com")
        carol.goto(site.url + reverse("order", kwargs={"pk": elsewhere.pk}))
        expect(carol.get_by_text("opted out through Amazon").first).to_be_visible()
        assert "Lakeside" not in carol.content()
        site.shoot(carol, "another-seller")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_right_at_every_size_and_in_every_light(
    page: Page, live_server: LiveServer, site: Site, size: str, scheme: str
) -> None:
    seller = owner("Lakeside Outfitters", "alice@example.com")
    make_account(seller, marketplaces=("APJ6JRA9NG5V4", "A1PA6795UKMFR9"))
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, "alice@example.com")
    page.goto(site.url + reverse("set_up"))
    page.get_by_role("button", name="Make the address for Amazon.it").click()
    page.locator("#id_test-mailbox").fill("orders@a-rather-long-name-of-a-shop.example")
    page.get_by_role("button", name="Send me a test notice").click()
    with across_sellers("test"):
        address = full_address(InboundAddress.objects.get(seller=seller, account=None))
    send(site.listener, address, mail=gmails_question(address))
    raw = bytes(mail.outbox[-1].message().as_bytes())
    send(site.listener, address, mail=raw.replace(b"Subject: ", b"Subject: [SPAM] "))
    site.work()
    page.reload()
    for name in ("recipe-m365", "recipe-gmail"):
        page.locator(f"#{name} > summary").click()
    site.shoot(page, f"{size}-{scheme}")
    assert faults(page) == [] and overflow(page) == 0
    page.goto(site.url + reverse("optouts"))
    site.shoot(page, f"{size}-{scheme}-card")
    assert faults(page) == [] and overflow(page) == 0
