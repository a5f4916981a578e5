"""The page of exclusions: a preview says what each line will do, and exactly that is done."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import AmazonAccount, Seller
from accounts.rowsecurity import across_sellers
from campaigns import planning
from campaigns.models import Exclusion
from messaging.models import Message, Status
from tests.makers import NOW, alias, make_account, make_campaigns, make_order


@pytest.fixture
def account(seller: Seller) -> AmazonAccount:
    make_campaigns(seller)
    return make_account(seller)


def wanted(page: str) -> str:
    found = re.search(r'name="wanted" value="([^"]+)"', page)
    assert found, page
    return found[1]


def standing() -> set[tuple[str, str]]:
    with across_sellers("test"):
        return set(Exclusion.objects.filter(lifted_at__isnull=True).values_list("kind", "named"))


def test_the_preview_says_what_each_line_will_do_and_changes_nothing(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
    lines = f"{order.amazon_order_id}\n\nnonsense\n{order.amazon_order_id}\n111-0000000-0000001\n"
    page = bob.post("/exclusions/new/", {"kind": "order", "values": lines}).content.decode()

    assert "Exclude 2 things?" in page
    assert "It will be excluded" in page and "It stands here twice" in page
    assert "It does nothing: Not an order number" in page
    assert '<strong class="number">1</strong> waiting message would be taken back' in page
    assert standing() == set()

    done = bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)}, follow=True).content.decode()
    assert "2 exclusions were added" in done
    assert standing() == {("order", order.amazon_order_id), ("order", "111-0000000-0000001")}
    with across_sellers("test"):
        assert Message.objects.get(order=order).status == Status.CANCELLED
    again = bob.post("/exclusions/new/", {"kind": "order", "values": order.amazon_order_id}).content.decode()
    assert "Nothing to exclude" in again and "It is excluded already" in again


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_an_export_of_the_old_site_is_taken_as_it_is(
    bob: Client, account: AmazonAccount, encoding: str, delimiter: str
) -> None:
    address = alias()
    rows = [
        ["Order Number", "Buyer Email", "Date"],
        ["111-1234567-1234567", address, "2025"],
        ["", "Müller@example.com", ""],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    file = SimpleUploadedFile("blacklist.csv", text.encode(encoding))
    page = bob.post("/exclusions/new/", {"kind": "sku", "file": file}).content.decode()

    assert "Exclude 2 things?" in page  # the order and its buyer
    assert "Neither an Amazon order number nor a buyer" in page
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    assert standing() == {("order", "111-1234567-1234567"), ("buyer", "111-1234567-1234567")}
    later = make_order(account, buyer=address)
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
        assert not Message.objects.filter(order=later, status=Status.SCHEDULED).exists()


def test_a_preview_is_of_one_seller_and_cannot_be_made_up(bob: Client, mallory: Client, account: AmazonAccount) -> None:
    page = bob.post("/exclusions/new/", {"kind": "sku", "values": "MUG-1"}).content.decode()

    for client, given in ((mallory, wanted(page)), (bob, "made-up"), (bob, "")):
        said = client.post("/exclusions/new/confirmed/", {"wanted": given}, follow=True).content.decode()
        assert "Nothing was excluded: this preview is out of date" in said
    assert standing() == set()


def test_lifting_says_what_it_touches_and_leaves_the_row(bob: Client, account: AmazonAccount) -> None:
    page = bob.post("/exclusions/new/", {"kind": "sku", "values": "MUG-1"}).content.decode()
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    with across_sellers("test"):
        row = Exclusion.objects.get()

    assert "Every order with this SKU" in bob.get(f"/exclusions/{row.pk}/lift/").content.decode()
    assert "no longer excluded" in bob.post(f"/exclusions/{row.pk}/lift/", follow=True).content.decode()
    assert standing() == set()
    with across_sellers("test"):
        assert Exclusion.objects.get().lifted_by is not None


def test_the_list_is_searched_filtered_and_exported_without_formulas(bob: Client, account: AmazonAccount) -> None:
    assert "Nothing is excluded" in bob.get("/exclusions/").content.decode()
    for kind, value in (("sku", "=HYPERLINK(1)"), ("asin", "B0ABCDEF12")):
        page = bob.post("/exclusions/new/", {"kind": kind, "values": value, "note": "broken"}).content.decode()
        bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})

    assert "B0ABCDEF12" not in bob.get("/exclusions/?kind=sku").content.decode()
    assert "B0ABCDEF12" in bob.get("/exclusions/?q=b0abc").content.decode()
    assert "Nothing fits" in bob.get("/exclusions/?q=nowhere").content.decode()
    export = bob.get("/exclusions/export.csv").getvalue().decode()
    assert "'=HYPERLINK(1)" in export and "broken" in export


def test_a_viewer_sees_the_list_and_changes_nothing(vera: Client, account: AmazonAccount) -> None:
    assert vera.get("/exclusions/").status_code == 200
    assert vera.get("/exclusions/new/").status_code == 403
    assert vera.post("/exclusions/new/", {"kind": "sku", "values": "MUG-1"}).status_code == 403


def test_buyers_are_named_by_their_orders_with_the_same_few_queries(
    bob: Client, account: AmazonAccount, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    orders = [make_order(account, buyer=alias()) for _ in range(20)]
    lines = "\n".join([*(order.amazon_order_id for order in orders), "111-0000000-0000001", "nonsense"])
    with django_assert_max_num_queries(20):
        page = bob.post("/exclusions/new/", {"kind": "buyer", "values": lines}).content.decode()
    assert "Exclude 20 things?" in page
    assert page.count("None of your orders has this number") == 2
