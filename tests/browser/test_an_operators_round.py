"""An operator's round in a real browser: she asks to revoke, another approves; she promotes a wording; she freezes."""

from dataclasses import replace
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Seller, User
from accounts.rowsecurity import across_sellers
from optouts import addresses, guards, intake
from optouts.models import GuardAlarm, Notice, PromotedTemplate, SellerFreeze, Suppression
from tests.browser.conftest import SIZES, overflow
from tests.makers import NOW, PASSWORD, alias, make_account, make_address, make_order, make_seller, suppress
from tests.notices import builder

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NUMBER = "306-1111111-2222222"
SCROLLED_SIDEWAYS = """[...document.querySelectorAll(".results, .inline-group, .wide")]
    .reduce((most, box) => Math.max(most, box.scrollWidth - box.clientWidth), 0)"""
GERMAN = (
    f"Ihre Nachricht zur Bestellung [{NUMBER}] konnte nicht zugestellt werden, weil der Käufer keine unaufgeforderten "
    "Nachrichten von Verkäufern erhalten möchte."
)


@pytest.fixture
def seller(transactional_db: None) -> Seller:
    return make_seller("Lakeside Outfitters")


@pytest.fixture
def operators(transactional_db: None) -> None:
    for name in ("olga", "otto"):
        person = User.objects.create_superuser(f"{name}@example.com", PASSWORD)
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)


def sign_in(page: Page, site: LiveServer, email: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{site.url}{reverse('account_login')}")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit], form button[type=submit]")
    expect(page).to_have_url(f"{site.url}/admin/")


def make_unattested(seller: Seller) -> Notice:
    """A notice under Amazon's signature in words that nobody has confirmed."""
    with across_sellers("test"):
        order = make_order(make_account(seller), amazon_order_id=NUMBER, buyer=alias("marketplace.amazon.de"))
        type(order).objects.filter(pk=order.pk).update(last_written_at=timezone.now())
        address = make_address(seller)
        mail = replace(
            builder.ITALIAN, sender='"Amazon.de" <auto-communication@amazon.com>',
            to=addresses.full_address(address), subject="Ihre Nachricht konnte nicht zugestellt werden",
            body=f"<html><body><p>{GERMAN}</p></body></html>",
        )  # fmt: skip
        raw = builder.signed(mail, at=timezone.now())
        pk = intake.receive(address, raw, now=timezone.now())
        found = intake.process(pk, resolver=builder.FakeDns(), now=timezone.now())
    assert found is not None and found.status == Notice.Status.QUARANTINED
    return found


@pytest.mark.usefixtures("operators")
def test_one_operator_asks_to_revoke_and_a_second_one_approves(
    page: Page, live_server: LiveServer, seller: Seller, tmp_path: Path
) -> None:
    entry = suppress(make_order(make_account(seller), buyer=alias()))[-1]
    sign_in(page, live_server, "olga@example.com")
    page.goto(f"{live_server.url}/admin/optouts/revocationrequest/entry/{entry}/")
    page.fill("input[name=reason]", "The notice was about another buyer")
    page.screenshot(path=tmp_path / "1-ask.png", full_page=True)
    page.get_by_role("button", name="Ask to revoke 1 entry").click()
    expect(page.get_by_text("You asked for this yourself")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    address = page.url

    sign_in(page, live_server, "otto@example.com")
    page.goto(address)
    page.screenshot(path=tmp_path / "2-approve.png", full_page=True)
    page.get_by_role("button", name="Approve: revoke 1").click()
    expect(page.get_by_text("1 revoked.")).to_be_visible()
    with across_sellers("test"):
        assert Suppression.objects.get(pk=entry).state == Suppression.State.REVOKED


@pytest.mark.usefixtures("operators")
def test_a_wording_is_promoted_with_one_click_after_it_was_read(
    page: Page, live_server: LiveServer, seller: Seller, tmp_path: Path
) -> None:
    notice = make_unattested(seller)
    sign_in(page, live_server, "olga@example.com")
    page.goto(f"{live_server.url}/admin/optouts/notice/{notice.pk}/change/")
    expect(page.get_by_text("keine unaufgeforderten Nachrichten")).to_be_visible()
    expect(page.get_by_text("in.feedbackfive.test")).to_have_count(0)  # whose address it came to stays a secret
    page.screenshot(path=tmp_path / "3-notice.png", full_page=True)
    page.get_by_role("button", name="promote de-shadow").click()
    expect(page.get_by_text("Promoted: de-shadow. 1 notice will be examined again.")).to_be_visible()
    with across_sellers("test"):
        assert PromotedTemplate.objects.filter(template="de-shadow", promoted_by__email="olga@example.com").exists()
        again = intake.process(notice.pk, resolver=builder.FakeDns(), now=timezone.now())
        assert again is not None and (again.status, again.grade) == (Notice.Status.APPLIED, "A1")


@pytest.mark.usefixtures("operators")
def test_an_operator_stops_the_seller_by_her_opinion_of_a_notice(
    page: Page, live_server: LiveServer, seller: Seller
) -> None:
    notice = make_unattested(seller)
    sign_in(page, live_server, "olga@example.com")
    page.goto(f"{live_server.url}/admin/optouts/notice/{notice.pk}/change/")
    page.get_by_role("button", name="An opt-out: stop Lakeside Outfitters").click()
    expect(page.get_by_text("1 confirmed.")).to_be_visible()
    with across_sellers("test"):
        assert Suppression.objects.filter(seller=seller, state="active").count() == 2
        assert not Suppression.objects.filter(seller=None).exists()


@pytest.mark.usefixtures("operators")
def test_a_seller_is_frozen_and_unfrozen_on_the_radar(
    page: Page, live_server: LiveServer, seller: Seller, tmp_path: Path
) -> None:
    suppress(make_order(make_account(seller), buyer=alias()))
    sign_in(page, live_server, "olga@example.com")
    page.goto(f"{live_server.url}/admin/optouts/sellerfreeze/radar/")
    page.fill("input[name=reason]", "Ten opt-outs without a letter")
    page.get_by_role("button", name="Freeze its contributions").click()
    expect(page.get_by_text("frozen. New evidence counts for it alone.")).to_be_visible()
    page.screenshot(path=tmp_path / "4-frozen.png", full_page=True)
    with across_sellers("test"):
        assert SellerFreeze.objects.filter(seller=seller, lifted_at=None).exists()
    page.get_by_role("button", name="Unfreeze").click()
    expect(page.get_by_text("its evidence counts for everybody again")).to_be_visible()


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_operators_pages_fit_every_size_in_every_light(
    page: Page, live_server: LiveServer, seller: Seller, size: str, scheme: str, tmp_path: Path
) -> None:
    notice = make_unattested(seller)
    entry = suppress(make_order(make_account(seller), buyer=alias()))[-1]
    with across_sellers("test"):
        guards.raise_alarm(seller.pk, GuardAlarm.Kind.WORDING, about=f"notice {notice.pk}", now=NOW)
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, "olga@example.com")
    paths = [
        "notice/", f"notice/{notice.pk}/change/", "suppression/", f"suppression/{entry}/change/", "guardalarm/",
        "sellerfreeze/", "sellerfreeze/radar/", "revocationrequest/", f"revocationrequest/entry/{entry}/",
        f"revocationrequest/seller/{seller.pk}/", "promotedtemplate/", "noticereading/", "optoutwatch/",
    ]  # fmt: skip
    too_wide = {}
    for number, path in enumerate(paths):
        answer = page.goto(f"{live_server.url}/admin/optouts/{path}")
        assert answer is not None and answer.status == 200, path
        page.screenshot(path=tmp_path / f"{size}-{scheme}-{number}.png", full_page=True)
        wide = overflow(page) or page.evaluate(SCROLLED_SIDEWAYS)
        if wide:
            too_wide[path] = wide
    assert too_wide == {}
    page.goto(f"{live_server.url}/admin/optouts/guardalarm/")
    page.get_by_role("link", name=f"Notice {notice.pk}").click()
    expect(page.get_by_role("heading", name="What it says")).to_be_visible()
