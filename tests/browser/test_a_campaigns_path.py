"""A seller's whole path: new campaign, rules, a letter that Amazon forbids, mended, rehearsed, on, Scheduling, Why."""

from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Campaign
from messaging.models import Message, Status
from tests.browser.conftest import SIZES, faults, overflow
from tests.browser.test_a_sellers_tour import sign_in
from tests.makers import alias, make_account, make_member, make_order, make_seller

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FORBIDDEN = "If you are happy with it, please leave us a 5-star review."
MENDED = "Please tell other shoppers what you think of {{ product_title_short }}, good or bad, in a review."


@pytest.mark.parametrize(("size", "scheme"), [("1280", "light"), ("390", "dark")])
def test_from_a_new_campaign_to_why(
    page: Page, live_server: LiveServer, transactional_db: None, size: str, scheme: str, tmp_path: Path
) -> None:
    seller = make_seller("Lakeside Outfitters")
    person = make_member(seller, Role.OWNER, "alice@example.com")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    account = make_account(seller)
    orders = [make_order(account, buyer=alias()) for _ in range(3)]
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    steps = iter(range(1, 99))

    def looked_at(name: str) -> None:
        page.screenshot(path=tmp_path / f"{next(steps)}-{name}-{size}-{scheme}.png", full_page=True)
        assert faults(page) == []
        assert overflow(page) == 0

    sign_in(page, live_server, person.email)
    page.goto(live_server.url + reverse("campaign_new"))
    page.get_by_label("Name").fill("Check-in")
    page.get_by_label("Buyer-Seller e-mail: your own letter").check()
    page.locator("main form button.btn-primary").first.click()
    expect(page.get_by_text("It has no letter yet")).to_be_visible()
    looked_at("campaign")

    kind = page.get_by_label("What the rule is about").last
    kind.select_option("sku")
    page.get_by_label("Or a file (CSV)").set_input_files(
        {"name": "a list of all our products.csv", "mimeType": "text/csv", "buffer": b"sku,title\nTENT-02,Tent\n"}
    )
    page.get_by_role("button", name="Pick from your orders").click()
    page.get_by_label("MUG-1").check()
    expect(page.get_by_role("button", name="Template in the buyer")).to_be_visible()
    looked_at("products")

    page.get_by_role("link", name="Write its letter").click()
    page.get_by_label("Subject").fill("Your order {{ order_id }}")
    page.locator("textarea[name=body]").fill(FORBIDDEN)
    expect(page.get_by_text("This asks only happy buyers for a review")).to_be_visible()
    expect(page.get_by_text("This asks for a positive review")).to_be_visible()
    looked_at("forbidden")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    with across_sellers("test"):
        campaign = Campaign.objects.get(name="Check-in")
    switch = live_server.url + reverse("campaign_switch", kwargs={"pk": campaign.pk})
    page.goto(switch)
    expect(page.get_by_text("cannot be turned on yet")).to_be_visible()
    expect(page.get_by_role("button", name="Turn on")).to_have_count(0)
    looked_at("refused")

    page.get_by_role("link", name="Mend this letter").click()
    page.locator("textarea[name=body]").fill("")
    page.locator("textarea[name=body]").fill(MENDED + " ")
    page.get_by_role("button", name="Order id").click()
    expect(page.get_by_text("Nothing in it breaks a rule")).to_be_visible()
    shown = page.frame_locator("#letter-checked iframe")
    expect(shown.get_by_text(orders[0].amazon_order_id[:4]).first).to_be_visible()
    looked_at("mended")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.goto(live_server.url + reverse("campaign", kwargs={"pk": campaign.pk}))
    expect(page.locator(".rehearsal").get_by_text("would go").first).to_be_visible()
    looked_at("rehearsed")
    page.goto(switch)
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("is on").first).to_be_visible()
    with across_sellers("test"):
        planning.plan_stale(now=timezone.now())
        assert Message.objects.filter(status=Status.SCHEDULED).count() == 3

    page.goto(live_server.url + reverse("scheduling"))
    expect(page.get_by_text(orders[0].amazon_order_id).first).to_be_visible()
    looked_at("scheduling")
    page.goto(live_server.url + reverse("order", kwargs={"pk": orders[0].pk}))
    expect(page.get_by_text("The buyer has not opted out").first).to_be_visible()
    looked_at("why")

    # What if? The answer follows the form, before anything is saved.
    page.get_by_role("link", name="What if this campaign were different?").first.click()
    answer = page.locator("#what-if")
    expect(answer.get_by_text("It would go")).to_be_visible()
    page.get_by_label("Days", exact=True).fill("60")
    page.get_by_label("Days", exact=True).blur()
    expect(answer.get_by_text("cannot be saved as it is")).to_be_visible()
    page.get_by_label("Days", exact=True).fill("20")
    page.get_by_label("Days", exact=True).blur()
    expect(answer.get_by_text("It would go")).to_be_visible()
    looked_at("what-if")

    # In bulk: what is asked is what is done.
    page.goto(live_server.url + reverse("scheduling"))
    for box in page.locator("input[name=message]").all():
        box.check()
    page.get_by_role("button", name="Hold…").click()
    expect(page.get_by_role("heading", name="Hold: 3 messages?")).to_be_visible()
    looked_at("hold")
    page.get_by_role("button", name="Hold: all 3").click()
    expect(page.get_by_text("Held: 3 messages.")).to_be_visible()
    page.get_by_role("link", name="Exclude… " + orders[0].amazon_order_id).click()
    expect(page.get_by_role("button", name="Every order of SKU MUG-1")).to_be_visible()
    looked_at("exclude")
    page.get_by_role("button", name="Every order of SKU MUG-1").click()
    expect(page.get_by_text("3 waiting messages would be taken back")).to_be_visible()
    looked_at("exclude-preview")
    page.get_by_role("button", name="Exclude 1").click()
    with across_sellers("test"):
        assert Message.objects.filter(status=Status.CANCELLED).count() == 3
