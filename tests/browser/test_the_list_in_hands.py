"""The list's pages in a real browser: at 1280 and 390 px, light and dark; and an import from choosing to done."""

from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, Seller
from optouts import gate
from tests.browser.conftest import SIZES, faults, overflow
from tests.browser.test_a_sellers_tour import sign_in
from tests.makers import (
    alias,
    make_account,
    make_entry,
    make_import,
    make_member,
    make_order,
    make_seller,
    order_id,
    suppress,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def seller(transactional_db: None) -> Seller:
    seller = make_seller("Lakeside Outfitters")
    person = make_member(seller, Role.OWNER, "alice@example.com")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return seller


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_the_list_are_right_at_every_size_and_in_every_light(
    page: Page, live_server: LiveServer, seller: Seller, size: str, scheme: str, tmp_path: Path
) -> None:
    order = make_order(make_account(seller), buyer=alias())
    proved = suppress(order, reach=gate.Reach.SELLER)[0]
    by_hand = make_entry(seller, make_order(make_account(seller), buyer=alias()).amazon_order_id)
    lines = ["Order ID,Buyer Email,Reason", *(f"{order_id()},{alias()},rude" for _ in range(8)), ",jo@example.com,"]
    shown = make_import(seller, "\n".join(lines).encode())
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page, live_server, "alice@example.com")
    paths = ["", "add/", "import/", f"entries/{proved}/", f"entries/{by_hand.pk}/", f"imports/{shown.pk}/"]
    wrong = {}
    for number, path in enumerate(paths):
        page.goto(f"{live_server.url}/opt-outs/{path}")
        page.screenshot(path=tmp_path / f"{size}-{scheme}-{number}.png", full_page=True)
        if found := [*faults(page), *([f"{overflow(page)} px too wide"] if overflow(page) else [])]:
            wrong[path] = found
    page.goto(f"{live_server.url}/opt-outs/")
    page.get_by_label("Is a buyer written to?").fill(order.amazon_order_id)
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("Not written to:")).to_be_visible()
    page.screenshot(path=tmp_path / f"{size}-{scheme}-6.png", full_page=True)
    assert wrong == {} and faults(page) == []


def test_a_file_is_chosen_looked_at_and_added(
    page: Page, live_server: LiveServer, seller: Seller, tmp_path: Path
) -> None:
    file = tmp_path / "old list.csv"
    file.write_text(f"Order ID\n{order_id()}\n{order_id()}\nnonsense\n")
    sign_in(page, live_server, "alice@example.com")

    page.goto(f"{live_server.url}/opt-outs/")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Show what it will do").click()
    expect(page.get_by_role("heading", name="Add 2 of 3 lines?")).to_be_visible()
    page.get_by_role("button", name="Add 2 lines").click()
    expect(page.get_by_role("heading", name="2 entries added")).to_be_visible()
