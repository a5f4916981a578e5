"""The operators' admin: everything can be looked at, no invariant can be broken, nothing sealed appears."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role, Seller, User
from accounts.people import invite
from accounts.rowsecurity import across_sellers
from campaigns.exclusions import Aim, Kind, exclude
from campaigns.planning import plan_stale
from messaging import breakers
from messaging.documents import keep
from messaging.models import ImportantPolicy, SendingStop, Status
from optouts import guards
from optouts.addresses import saw_mailbox
from optouts.admin_of_kinds import WORDS
from optouts.models import (
    GuardAlarm,
    Notice,
    NoticeReading,
    NoticeTest,
    OptOutWatch,
    PromotedTemplate,
    Suppression,
)
from optouts.operators import ask_to_revoke, freeze
from optouts.reasons import Kind as MailKind
from optouts.setup import TEST_KIND
from orders.models import AmazonReport, ChangeNotice, OrderReading, OrderToRead
from tests.makers import (
    NOW,
    PASSWORD,
    alias,
    make_account,
    make_campaigns,
    make_critical_message,
    make_forwarding,
    make_import,
    make_member,
    make_message,
    make_notice,
    make_order,
    make_seller,
    make_user,
    suppress,
)
from tests.messaging.pdfs import make_pdf

OURS = ("accounts", "orders", "optouts", "messaging", "campaigns")
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]
CHANGEABLE = {"user", "seller", "membership", "importantpolicy"}
FACTS = [model for model in MODELS if model._meta.model_name not in CHANGEABLE]


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", PASSWORD))
    return client


@pytest.fixture
def world(seller: Seller) -> Seller:
    """A row of everything."""
    make_member(seller)
    make_campaigns(seller)
    more_rows(seller)
    return seller


def more_rows(seller: Seller) -> None:
    account = make_account(seller)
    with across_sellers("test"):
        OrderReading.objects.create(seller=seller, account=account, next_at=NOW)
        OrderToRead.objects.create(
            seller=seller, account=account, amazon_order_id="111-1111111-1111111", named_at=NOW, due_at=NOW
        )
        span = {"data_from": NOW, "data_until": NOW, "wanted_at": NOW, "due_at": NOW}
        AmazonReport.objects.create(seller=seller, account=account, kind="returns", **span)
        ChangeNotice.objects.create(seller=seller, notification_id=f"n-{account.pk}", verdict="taken", received_at=NOW)
        saw_mailbox(seller.pk, "orders@shop.example", now=NOW)
        invite(seller, "new@example.com", Role.VIEWER, by=make_user(), now=NOW)
    with across_sellers("test"):
        keep(seller, make_pdf(), name="care.pdf", purpose="instructions", by=None, now=NOW)
    order = make_order(account, buyer=alias())
    make_critical_message(order)
    make_message(order)
    plan_stale(now=NOW)
    with across_sellers("test"):
        exclude(seller, [Aim(Kind.SKU, f"mug-{order.pk}", f"MUG-{order.pk}")], by=None, now=NOW)
    entries = suppress(order)
    notice = make_notice(seller, order_id=order.pk)
    make_import(seller, b"Order ID\n111-2222222-3333333\n")
    make_forwarding(seller)
    operator = make_user(is_staff=True)
    with across_sellers("test"):
        ask_to_revoke(Suppression.objects.get(pk=entries[0]), by=operator, reason="a mistake", now=NOW)
        NoticeTest.objects.create(seller=seller, code_key=uuid4(), mailbox_sealed=b"x", sent_at=NOW)
        OptOutWatch.objects.create(
            seller=seller,
            verdict="quiet",
            verdict_since=NOW,
            watched_at=NOW,
            quiet_since=NOW,
            had_notice=False,
            sent=0,
            expected=0,
        )
        freeze(seller, by=operator, reason="looks odd", now=NOW)
    guards.raise_alarm(seller.pk, GuardAlarm.Kind.WORDING, about=f"notice {notice.pk}", now=NOW)
    with across_sellers("test"):
        PromotedTemplate.objects.create(template=f"shadow {notice.pk}", promoted_at=NOW)
        NoticeReading.objects.create(seller=seller, notice=notice, number=0, kind="opt_out", status="applied", at=NOW)
    breakers.stop_everything("We look into a fault.", by="operator", now=NOW)
    breakers.go_on(by="operator", now=NOW)


def address_of(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)  # type: ignore[attr-defined]


def test_every_table_of_ours_is_in_the_admin_or_part_of_another_row() -> None:
    inside = {"rule", "template", "campaignchange", "trial", "orderitem", "denial"}  # with campaign or order
    inside |= {"documentcontent"}  # never shown
    missing = {
        model._meta.model_name
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if model not in admin.site._registry
    }
    assert missing == inside


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_opens_searches_and_stays_cheap(operator: Client, world: Seller, model: type) -> None:
    address = address_of(model, "changelist")
    assert operator.get(address, {"q": "111"}).status_code == 200
    few = queries_of(operator, address)
    for _ in range(3):
        other = make_seller("Another shop")
        make_member(other)
        make_campaigns(other)
        more_rows(other)

    assert queries_of(operator, address) == few


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("model", FACTS, ids=lambda model: model._meta.label)
def test_a_fact_can_be_looked_at_and_not_added_changed_or_deleted(operator: Client, world: Seller, model: type) -> None:
    with across_sellers("test"):
        pk = model._default_manager.values_list("pk", flat=True).first()  # type: ignore[attr-defined]

    assert operator.get(address_of(model, "change", pk)).status_code == 200
    assert operator.post(address_of(model, "change", pk), {}).status_code == 403
    assert operator.get(address_of(model, "add")).status_code == 403
    assert operator.post(address_of(model, "delete", pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_page_names_a_sealed_column(operator: Client, world: Seller, model: type) -> None:
    with across_sellers("test"):
        pk = model._default_manager.values_list("pk", flat=True).first()  # type: ignore[attr-defined]

    for address in (address_of(model, "changelist"), address_of(model, "change", pk)):
        page = operator.get(address).content.decode()
        assert "sealed" not in page
        assert "Atzr|" not in page
        assert "@marketplace.amazon" not in page


def test_quarantined_notices_are_found_with_their_reason(operator: Client, seller: Seller) -> None:
    make_notice(seller, status="quarantined", reason="Nobody signed it.")
    make_notice(seller, status="applied", reason="All is proved.")

    page = operator.get(address_of(Notice, "changelist"), {"status__exact": "quarantined"}).content.decode()

    assert "Nobody signed it." in page
    assert "All is proved." not in page


def test_each_cell_of_a_list_bears_the_name_of_its_column_for_phones(operator: Client, seller: Seller) -> None:
    make_notice(seller)
    page = operator.get("/admin/optouts/notice/").content.decode()
    assert '<th data-label="Received at" class="field-received_at' in page
    assert '<td data-label="Amazon order id" class="field-amazon_order_id' in page
    assert '<td class="action-checkbox">' in page


def test_a_notice_is_examined_again_when_its_mail_is_still_kept(operator: Client, seller: Seller) -> None:
    kept = make_notice(seller, status="quarantined", look_at=None)
    purged = make_notice(seller, status="quarantined", look_at=None, raw_sealed=None)
    chosen = {"action": "examine_again", "_selected_action": [kept.pk, purged.pk]}

    operator.post(address_of(Notice, "changelist"), chosen)

    with across_sellers("test"):
        assert Notice.objects.get(pk=kept.pk).look_at <= timezone.now()  # type: ignore[operator]
        assert Notice.objects.get(pk=purged.pk).look_at is None


def test_an_operator_adds_a_person_and_changes_a_seller(operator: Client, seller: Seller) -> None:
    person = {
        "email": "new@example.com",
        "name": "New",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert operator.post(address_of(User, "add"), person).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)

    form = {
        "name": "Renamed shop",
        "created_at_0": "2026-11-23",
        "created_at_1": "12:00:00",
        "membership_set-TOTAL_FORMS": "0",
        "membership_set-INITIAL_FORMS": "0",
    }
    assert operator.post(address_of(Seller, "change", seller.pk), form).status_code == 302
    with across_sellers("test"):
        assert Seller.objects.get(pk=seller.pk).name == "Renamed shop"


def test_a_sellers_people_do_not_enter(alice: Client) -> None:
    assert alice.get("/admin/optouts/notice/").status_code == 302


def test_operators_see_how_sending_goes(operator: Client) -> None:
    account = make_account(make_seller("Mallory's shop"))
    make_message(make_order(account), due_at=NOW, status=Status.UNKNOWN)

    text = operator.get("/admin/messaging/message/sending/").content.decode()

    assert "Mallory&#x27;s shop" in text
    assert "Request a Review" in text


def test_a_policy_of_important_is_added_and_never_changed(operator: Client) -> None:
    first = ImportantPolicy.objects.create(since="2026-11-01", effect="works", sentence="It works.", entered_at=NOW)
    new = {"since": "2026-11-24", "marketplace_id": "", "effect": "gone", "sentence": "It is gone.", "source": "Amazon"}

    assert operator.post("/admin/messaging/importantpolicy/add/", new).status_code == 302
    assert operator.post(f"/admin/messaging/importantpolicy/{first.pk}/change/", new).status_code == 403
    assert operator.post(f"/admin/messaging/importantpolicy/{first.pk}/delete/", {"post": "yes"}).status_code == 403

    entered = ImportantPolicy.objects.get(since="2026-11-24")
    assert entered.entered_by == User.objects.get(email="operator@example.com")


def test_an_operator_stops_all_sending_with_one_sentence_that_sellers_read(operator: Client) -> None:
    page = "/admin/messaging/message/sending/"
    assert operator.post(page, {"reason": ""}).status_code == 200 and not SendingStop.objects.exists()
    assert operator.post(page, {"reason": "Amazon's relay refuses <everything>."}).status_code == 302
    assert "Amazon&#x27;s relay refuses &lt;everything&gt;." in operator.get(page).content.decode()
    assert operator.post(page, {"go_on": "yes"}).status_code == 302
    stop = SendingStop.objects.get()
    assert stop.lifted_at is not None and stop.stopped_by == stop.lifted_by != ""


def test_the_last_owner_of_a_team_cannot_be_taken_out(operator: Client, seller: Seller) -> None:
    make_member(seller)
    with across_sellers("test"):
        first = Membership.objects.get(seller=seller)
    address = f"/admin/accounts/membership/{first.pk}/delete/"

    assert operator.post(address, {"post": "yes"}).status_code == 403
    make_member(seller)
    assert operator.post(address, {"post": "yes"}).status_code == 302


@pytest.mark.parametrize("model", [Notice, NoticeReading], ids=lambda model: model._meta.label)
def test_operators_read_in_words_what_a_mail_is(operator: Client, world: Seller, model: type[Notice]) -> None:
    with across_sellers("test"):
        Notice.objects.update(kind="forwarding_confirmation")
        read = {"notice": Notice.objects.latest("id"), "number": 1, "kind": "forwarding_confirmation"}
        NoticeReading.objects.create(seller=world, at=NOW, status="quarantined", **read)
        row = model.objects.latest("id")
    for address in (address_of(model, "changelist"), address_of(model, "change", row.pk)):
        page = operator.get(address).content.decode()
        assert "Question about forwarding" in page and ">forwarding_confirmation<" not in page
    listed = [
        operator.get(address_of(model, "changelist"), {"kind": kind}).context["cl"].result_count
        for kind in ("forwarding_confirmation", "forged", "no such kind")
    ]
    assert listed[0] >= 1 and listed[1] == 0 and listed[2] >= listed[0]


@pytest.mark.parametrize("kind", [*MailKind, TEST_KIND])
def test_every_kind_of_mail_has_words_for_operators(kind: str) -> None:
    assert WORDS[kind] and "_" not in WORDS[kind]
