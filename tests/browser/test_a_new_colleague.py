"""A new colleague in a real browser: invited by mail, joins with a password of her own, is taken out again."""

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from feedbackfive.signup import begin
from tests.browser.conftest import SIZES, faults, overflow
from tests.makers import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(page: Page, name: str, folder: Path) -> None:
    for size in SIZES:
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        page.emulate_media(color_scheme="dark" if size == "390" else "light")
        page.screenshot(path=folder / f"{name}-{size}.png", full_page=True)
        assert (faults(page), overflow(page)) == ([], 0), f"{name} at {size}"
    page.set_viewport_size(SIZES["1280"])  # type: ignore[arg-type]


def test_an_invited_person_joins_works_and_is_taken_out(
    page: Page, browser: Browser, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    settings.SITE_URL = live_server.url
    owner = User.objects.create_user("alice@example.com", PASSWORD, name="Alice")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    begin("Lakeside Outfitters", owner)
    page.goto(f"{live_server.url}{reverse('account_login')}?next=/settings/")
    page.fill("input[name=login]", owner.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.fill("input[name=email]", "wanda@example.com")
    page.select_option("select[name=role]", "viewer")
    page.get_by_role("button", name="Invite by mail").click()
    expect(page.get_by_text("wanda@example.com is invited by mail")).to_be_visible()
    look(page, "team", tmp_path)

    link = re.search(r"http\S+/team/join/\S+", str(mail.outbox[-1].body))
    assert link
    wanda = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    wanda.goto(link[0])
    look(wanda, "join", tmp_path)
    wanda.fill("input[name=name]", "Wanda")
    wanda.fill("input[name=new_password1]", PASSWORD)
    wanda.fill("input[name=new_password2]", PASSWORD)
    wanda.get_by_role("button", name="Join the team").click()
    expect(wanda.get_by_text("Welcome to Lakeside Outfitters. You are viewer.")).to_be_visible()

    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("link", name="Change… Wanda").click()
    look(page, "member", tmp_path)
    page.get_by_role("button", name="Take Wanda out").click()
    expect(page.get_by_text("Wanda is out of the team.")).to_be_visible()
    wanda.goto(f"{live_server.url}/")
    expect(wanda.get_by_role("heading", name="You belong to no team")).to_be_visible()
    look(wanda, "no-team", tmp_path)
    wanda.context.close()
