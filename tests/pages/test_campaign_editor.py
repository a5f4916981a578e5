"""The editor of a campaign: rules as rows, timing in full, the rehearsal beside it, and putting campaigns away."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Seller
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Campaign, CampaignChange, Rule
from campaigns.rule_rows import MOST_ROWS
from messaging.models import Message, Status
from orders.models import OrderItem
from tests.makers import make_account, make_campaigns, make_order


@pytest.fixture
def review(seller: Seller) -> Campaign:
    return make_campaigns(seller, status=Campaign.Status.DRAFT)[0]


def sent(campaign: Campaign, **more: object) -> dict[str, object]:
    """A post of the whole form with one rule, named `a`."""
    base = {
        "name": campaign.name, "priority": "20", "delay_days": "7", "delay_hours": "", "after": "delivery",
        "send_at": "", "quiet_from": "", "quiet_until": "", "starts_on": "", "ends_on": "", "days_shown": "1",
        "weekdays": list("0123456"), "places_shown": "1", "rules_shown": "1",
    }  # fmt: skip
    return base | {key.replace("__", "-"): value for key, value in more.items()}


def rules(campaign: Campaign) -> list[tuple[str, str, list[str]]]:
    with across_sellers("test"):
        return [(rule.kind, rule.operator, rule.values) for rule in Rule.objects.filter(campaign=campaign)]


def test_a_manager_makes_a_draft_and_sets_it_in_full(bob: Client, seller: Seller) -> None:
    made = bob.post("/campaigns/new/", {"name": "Mugs only", "channel": "request_review"}, follow=True)
    assert made.status_code == 200 and "A draft has been made" in made.content.decode()
    with across_sellers("test"):
        campaign = Campaign.objects.get(seller=seller, name="Mugs only")
    data = sent(
        campaign, delay_days="6", delay_hours="12", weekdays=["0", "1"], quiet_from="21:00", quiet_until="08:00",
        rule=["a", "b"], a__kind="sku", a__operator="is", a__values="MUG-1, Mug-2\nmug-2", b__kind="order_value",
        b__operator="is", b__low="10", b__high="", b__currency="usd",
    )  # fmt: skip
    assert bob.post(f"/campaigns/{campaign.pk}/", data).status_code == 302
    assert rules(campaign) == [("sku", "is", ["MUG-1", "Mug-2", "mug-2"]), ("order_value", "is", ["10", "", "usd"])]
    with across_sellers("test"):
        campaign.refresh_from_db()
        changes = CampaignChange.objects.filter(campaign=campaign).order_by("version")
        assert [(change.version, change.by_id is not None) for change in changes] == [(1, True), (2, True)]
        assert "Days: 7 → 6" in changes[1].what and "Quiet from: none → 21:00" in changes[1].what
    assert (campaign.delay_hours, campaign.weekdays, campaign.version) == (12, "01", 2)
    text = bob.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "Days: 7 → 6" in text and "MUG-1" in text and "6 days and 12 hours after delivery" in text


def test_the_form_shows_what_is_stored(bob: Client, review: Campaign) -> None:
    with across_sellers("test"):
        Campaign.objects.filter(pk=review.pk).update(weekdays="05")
    text = bob.get(f"/campaigns/{review.pk}/").content.decode()
    ticked = [part for part in text.split("<input") if 'name="weekdays"' in part and " checked" in part]
    assert [part.split('value="')[1][0] for part in ticked] == ["0", "5"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"after": "order", "delay_days": "2"}, "at least 3 days too early"),
        ({"weekdays": []}, "No day of the week is chosen"),
        ({"send_at": "22:30", "quiet_from": "21:00", "quiet_until": "08:00"}, "22:30 lies in your quiet hours"),
        ({"quiet_from": "21:00"}, "Quiet hours need both"),
        ({"starts_on": "2099-02-01", "ends_on": "2099-01-01"}, "It would end on 2099-01-01"),
        ({"ends_on": "2020-01-01"}, "so nothing would ever be sent"),
        ({"rule": ["a"], "a__kind": "asin", "a__values": "not one"}, "is not an ASIN"),
        ({"rule": ["a"], "a__kind": "sku", "a__values": " "}, "The list is empty"),
        ({"rule": ["a"], "a__kind": "quantity", "a__low": "5", "a__high": "2"}, "Nothing lies between 5 and 2"),
        ({"rule": ["a"], "a__kind": "sku", "a__values": "nul\x00"}, "on one line"),
    ],
)
def test_what_can_never_send_and_what_makes_no_rule_is_refused_in_words(
    bob: Client, review: Campaign, more: dict[str, object], said: str
) -> None:
    before = rules(review)
    response = bob.post(f"/campaigns/{review.pk}/", sent(review, **more))
    assert response.status_code == 422 and said in response.content.decode()
    assert rules(review) == before


def test_a_long_list_comes_from_a_file_and_is_kept_when_more_is_added(bob: Client, review: Campaign) -> None:
    file = SimpleUploadedFile("skus.csv", "\n".join(f"sku-{n}" for n in range(100_000)).encode())
    data = sent(review, rule=["a"], a__kind="sku", a__operator="is_not")
    assert bob.post(f"/campaigns/{review.pk}/", data | {"a-file": file}).status_code == 302
    with across_sellers("test"):
        [stored] = Rule.objects.filter(campaign=review)
    page = bob.get(f"/campaigns/{review.pk}/").content.decode()
    assert "100000</strong> values" in page and "sku-500\n" not in page
    assert f'href="/campaigns/rules/{stored.pk}/list.csv"' in page
    again = sent(review, rule=["a"], a__kind="sku", a__operator="is_not", a__kept=str(stored.pk), a__values="one more")
    assert "100,001 values" in bob.post(f"/campaigns/{review.pk}/", again).content.decode()  # 100,000 is the most


def test_a_long_list_is_downloaded_as_a_file_that_can_be_given_back(
    bob: Client, seller: Seller, review: Campaign
) -> None:
    values = ["=1+1", *(f"sku-{number}" for number in range(300))]
    with across_sellers("test"):
        stored = Rule.objects.create(seller=seller, campaign=review, kind="sku", values=values)
    content = bob.get(f"/campaigns/rules/{stored.pk}/list.csv").getvalue()
    assert content.decode("utf-8-sig").splitlines() == ["SKU", "'=1+1", *values[1:]]
    file = SimpleUploadedFile("sku.csv", content)
    data = sent(review, rule=["a"], a__kind="sku", a__operator="is") | {"a-file": file}
    assert bob.post(f"/campaigns/{review.pk}/", data).status_code == 302
    [(_, _, read)] = rules(review)
    assert read == values


def test_a_strangers_list_cannot_be_kept(bob: Client, mallory: Client, seller: Seller, review: Campaign) -> None:
    with across_sellers("test"):
        stored = Rule.objects.create(seller=seller, campaign=review, kind="sku", values=["secret"])
    own = mallory.post("/campaigns/new/", {"name": "Theirs", "channel": "request_review"}, follow=True)
    campaign = own.context["campaign"]
    data = sent(campaign, rule=["a"], a__kind="sku", a__kept=str(stored.pk), a__values="mine")
    before = rules(campaign)
    refused = mallory.post(f"/campaigns/{campaign.pk}/", data)
    assert refused.status_code == 422 and "secret" not in refused.content.decode() and rules(campaign) == before


def test_what_is_added_to_a_list_that_somebody_has_changed_meanwhile_does_not_take_its_place(
    bob: Client, alice: Client, seller: Seller, review: Campaign
) -> None:
    with across_sellers("test"):
        review.rules.all().delete()
        many = [f"sku-{number}" for number in range(300)]
        stored = Rule.objects.create(seller=seller, campaign=review, kind="sku", operator="is_not", values=many)
    adds = sent(review, rule=["a"], a__kind="sku", a__operator="is_not", a__kept=str(stored.pk))
    assert alice.post(f"/campaigns/{review.pk}/", adds | {"a-values": "hers"}).status_code == 302
    late = bob.post(f"/campaigns/{review.pk}/", adds | {"a-values": "his"})
    assert late.status_code == 422 and "has been changed meanwhile" in late.content.decode()
    assert rules(review) == [("sku", "is_not", [*many, "hers"])]


@pytest.mark.parametrize(
    ("kind", "content", "values"),
    [
        ("sku", b"MUG-1\r\nMUG-2;MUG-3\r\n", ["MUG-1", "MUG-2", "MUG-3"]),
        ("sku", b'name,seller-sku\n"Mug, blue","MUG,1"\nTent,TENT\n', ["MUG,1", "TENT"]),
        ("asin", "Titel;ASIN\nTasse für Tee;B0ABCDEF12\n".encode("utf-16"), ["B0ABCDEF12"]),
        ("sku", ",".join(f"S{number}" for number in range(90)).encode(), [f"S{number}" for number in range(90)]),
    ],
)
def test_of_a_file_that_is_a_table_the_column_headed_so_counts_and_of_any_other_every_value(
    bob: Client, review: Campaign, kind: str, content: bytes, values: list[str]
) -> None:
    file = SimpleUploadedFile("list.csv", content)
    data = sent(review, rule=["a"], a__kind=kind, a__operator="is") | {"a-file": file}
    assert bob.post(f"/campaigns/{review.pk}/", data).status_code == 302
    assert rules(review) == [(kind, "is", values)]


def test_no_rule_is_left_out_in_silence(bob: Client, review: Campaign) -> None:
    before = rules(review)
    many = {f"r{number}-kind": "prime" for number in range(MOST_ROWS + 1)}
    refused = bob.post(f"/campaigns/{review.pk}/", sent(review, rule=[key[:-5] for key in many]) | many)
    assert refused.status_code == 422 and f"at most {MOST_ROWS} rules" in refused.content.decode()
    assert rules(review) == before


def test_the_rehearsal_goes_by_the_form_and_saves_nothing(bob: Client, seller: Seller, review: Campaign) -> None:
    account, now = make_account(seller), timezone.now()
    for _ in range(2):
        make_order(account, delivered_at=now - timedelta(days=1))
    make_order(account, delivered_at=now - timedelta(days=1), status="cancelled")
    address = f"/campaigns/{review.pk}/rehearsal/"
    panel = bob.post(address, sent(review)).content.decode()
    assert '<strong class="number">2</strong></button> of 3 orders would go.' in panel
    narrowed = sent(review, rule=["a"], a__kind="sku", a__values="nothing of ours")
    other = bob.post(address, narrowed)
    assert other.context["result"].would_go == 0 and rules(review)[0][0] == "replacement"
    [line] = [line for line in other.context["would_not"] if line.text == "SKU"]
    rows = bob.post(line.address, narrowed)
    assert len(rows.context["rows"]) == line.count == 2
    assert "The order is not cancelled" in rows.content.decode()
    assert "Once the form is complete" in bob.post(address, sent(review, delay_days="1")).content.decode()


def test_the_rehearsal_goes_by_a_file_that_is_chosen_and_not_saved_yet(
    bob: Client, seller: Seller, review: Campaign
) -> None:
    make_order(make_account(seller), delivered_at=timezone.now() - timedelta(days=1))
    assert 'hx-encoding="multipart/form-data"' in bob.get(f"/campaigns/{review.pk}/").content.decode()
    for content, would_go in ((b"MUG-1", 1), (b"TENT-1", 0)):
        file = SimpleUploadedFile("skus.csv", content)
        data = sent(review, rule=["a"], a__kind="sku", a__operator="is") | {"a-file": file}
        assert bob.post(f"/campaigns/{review.pk}/rehearsal/", data).context["result"].would_go == would_go


def test_a_viewer_sees_the_rehearsal_of_what_is_stored(vera: Client, seller: Seller, review: Campaign) -> None:
    make_order(make_account(seller), delivered_at=timezone.now())
    assert vera.post(f"/campaigns/{review.pk}/rehearsal/").context["result"].would_go == 1


def test_own_products_are_offered_to_be_picked(bob: Client, seller: Seller, mallory: Client) -> None:
    order = make_order(make_account(seller))
    with across_sellers("test"):
        OrderItem.objects.filter(order=order).update(sku="<b>MUG</b>")
    text = bob.get("/campaigns/rules/products/?uid=a&kind=sku").content.decode()
    assert "&lt;b&gt;MUG&lt;/b&gt;" in text and "<b>MUG" not in text
    assert "MUG" not in mallory.get("/campaigns/rules/products/?uid=a&kind=sku").content.decode()


def test_archiving_says_what_it_cancels_and_cancels_that(bob: Client, seller: Seller) -> None:
    review, _ = make_campaigns(seller, status=Campaign.Status.ACTIVE)
    make_order(make_account(seller), delivered_at=timezone.now() - timedelta(days=1))
    planning.plan_stale(now=timezone.now())
    asked = bob.get(f"/campaigns/{review.pk}/archive/").content.decode()
    assert '<strong class="number">1</strong> waiting message would be cancelled.' in asked
    bob.post(f"/campaigns/{review.pk}/archive/", {"wanted": "archive"})
    with across_sellers("test"):
        assert [message.status for message in Message.objects.filter(seller=seller)] == [Status.CANCELLED]
    assert review.name in bob.get("/campaigns/?archived").content.decode()
    bob.post(f"/campaigns/{review.pk}/archive/", {"wanted": "restore"})
    with across_sellers("test"):
        review.refresh_from_db()
    assert review.status == Campaign.Status.DRAFT


def test_a_copy_is_a_draft_with_the_same_rules_under_its_own_name(bob: Client, review: Campaign) -> None:
    for name in (f"{review.name} (copy)", f"{review.name} (copy 2)"):
        copied = bob.post(f"/campaigns/{review.pk}/copy/", follow=True).context["campaign"]
        assert (copied.name, copied.status) == (name, Campaign.Status.DRAFT)
        assert rules(copied) == rules(review)
