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


def uploaded(bob: Client, kind: str, content: str) -> str:
    file = SimpleUploadedFile("list.csv", content.encode())
    return bob.post("/exclusions/new/", {"kind": kind, "file": file}).content.decode()


def said_of(page: str, line: str) -> str:
    """What the preview says that this line will do."""
    found = re.search(rf'number">{re.escape(line)}</td><td[^>]*>([^<]+)</td>', page)
    assert found, page
    return found[1]


@pytest.mark.parametrize(
    ("kind", "content", "named"),
    [
        ("sku", "SKU-1\nTENT-02\n", {"SKU-1", "TENT-02"}),
        ("sku", "item-name;Seller SKU;asin1\nMug;MUG-1;B0ABCDEF12\nTent;TENT-02;B0ABCDEF13\n", {"MUG-1", "TENT-02"}),
        ("sku", '"MUG@1, blue",7\n', {"MUG@1, blue"}),
        ("asin", "B0ABCDEF12,Mug\nb0abcdef13,Tent\n", {"B0ABCDEF12", "B0ABCDEF13"}),
        ("asin", "sku\tASIN\nMUG-1\tB0ABCDEF12\n", {"B0ABCDEF12"}),
    ],
)
def test_a_file_of_products_excludes_each_of_its_lines(
    bob: Client, account: AmazonAccount, kind: str, content: str, named: set[str]
) -> None:
    page = uploaded(bob, kind, content)
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    assert standing() == {(kind, name) for name in named}


def test_of_a_list_of_products_the_preview_says_what_each_line_does(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
    page = uploaded(bob, "sku", "sku\nmug-1\nMUG-1\nMUGG-1\n" + "x" * 130 + "\n")
    assert said_of(page, "mug-1") == "It will be excluded: every order with this SKU"
    assert said_of(page, "MUG-1") == "It stands here twice"
    assert said_of(page, "MUGG-1") == "It will be excluded: every order with this SKU (none so far)"
    assert said_of(page, "x" * 130).startswith("It does nothing: Not a value")
    assert '<strong class="number">1</strong> waiting message would be taken back' in page
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    with across_sellers("test"):
        assert Message.objects.get(order=order).status == Status.CANCELLED

    page = uploaded(bob, "asin", "ASIN\nB0TESTASIN\nB0\n")
    assert said_of(page, "B0TESTASIN") == "It will be excluded: every order with this ASIN"
    assert said_of(page, "B0").startswith("It does nothing: Not an ASIN")


def test_several_on_one_line_are_several_but_a_sku_may_have_a_comma(bob: Client, account: AmazonAccount) -> None:
    page = bob.post("/exclusions/new/", {"kind": "asin", "values": "B0ABCDEF12, B0ABCDEF13; x"}).content.decode()
    assert "Exclude 2 things?" in page and said_of(page, "x").startswith("It does nothing")
    page = bob.post("/exclusions/new/", {"kind": "sku", "values": "mug, blue\tMug\t3"}).content.decode()
    assert "Exclude 1 thing?" in page and said_of(page, "mug, blue").endswith("(none so far)")


def test_our_own_export_comes_back_as_it_went_out(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    things = {"sku": "=MUG", "asin": "B0ABCDEF12", "order": "111-0000000-0000001", "buyer": order.amazon_order_id}
    for kind, value in things.items():
        page = bob.post("/exclusions/new/", {"kind": kind, "values": value}).content.decode()
        bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    exported, before = bob.get("/exclusions/export.csv").getvalue().decode(), standing()
    with across_sellers("test"):
        Exclusion.objects.all().delete()
    page = uploaded(bob, "order", exported)
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    assert standing() == before and len(before) == 4


def test_a_file_of_orders_may_name_buyers(bob: Client, account: AmazonAccount) -> None:
    order = make_order(account, buyer=alias())
    page = uploaded(bob, "buyer", f"order-id\n{order.amazon_order_id}\n111-0000000-0000001\n")
    assert said_of(page, order.amazon_order_id) == "It will be excluded: this order and all orders of its buyer"
    stranger = said_of(page, "111-0000000-0000001")
    assert stranger.startswith("It will be excluded: this order (none so far). None of your orders")
    address = alias()
    page = bob.post("/exclusions/new/", {"kind": "buyer", "values": address}).content.decode()
    bob.post("/exclusions/new/confirmed/", {"wanted": wanted(page)})
    assert standing() == {("buyer", "named by his address")}  # never the address itself


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
