"""Every address of the site, as everybody: owner, manager, viewer, a member of another seller, an operator, nobody.

An address that is missing from the table fails the test: whoever adds a page says here who may open it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import Membership, Role, Seller, User
from accounts.people import invite
from accounts.rowsecurity import across_sellers
from campaigns import exclusions, planning
from campaigns.views.preview import Shown, keep
from messaging.models import Message, Status
from optouts import intake
from optouts.addresses import saw_mailbox
from tests.makers import (
    NOW,
    alias,
    make_account,
    make_address,
    make_campaigns,
    make_document,
    make_entry,
    make_forwarding,
    make_import,
    make_member,
    make_order,
    make_seller,
    make_user,
)

pytestmark = pytest.mark.django_db

# allauth's, each about the person only, the mail providers' webhooks, and the doors of people without a team: all have
# tests of their own
THEIR_OWN = ("account_", "mfa_", "usersessions_", "hook_", "join_team", "open_team")
ANYBODY, CHANGERS, OWNERS = frozenset(Role), frozenset({Role.OWNER, Role.MANAGER}), frozenset({Role.OWNER})


@dataclass(frozen=True)
class World:
    """Alice's seller with one row of each kind, and the people who come to look."""

    seller: Seller
    people: dict[Role, User]
    mallory: User
    operator: User
    rows: dict[str, Any]


@dataclass(frozen=True)
class Address:
    """`kwargs` names rows of the World; a stranger's row is a 404."""

    kwargs: dict[str, str] = field(default_factory=dict)
    method: str = "get"
    may: frozenset[Role] = ANYBODY
    data: Callable[[World], dict[str, Any]] = lambda world: {}


ADDRESSES: dict[str, Address] = {
    "dashboard": Address(),
    "welcome": Address(),
    "welcome_progress": Address(),
    "campaigns": Address(),
    "campaign": Address({"pk": "campaign"}),
    "campaign_switch": Address({"pk": "campaign"}, may=CHANGERS),
    "campaign_new": Address(may=CHANGERS),
    "rule_row": Address(may=CHANGERS),
    "rule_products": Address(may=CHANGERS),
    "rule_list": Address({"pk": "rule"}, may=CHANGERS),
    "campaign_copy": Address({"pk": "campaign"}, "post", CHANGERS),
    "campaign_archive": Address({"pk": "campaign"}, may=CHANGERS),
    "campaign_rehearsal": Address({"pk": "campaign"}, "post"),
    "campaign_what_if": Address({"pk": "campaign", "order_pk": "order"}, "post"),
    "campaign_decisions": Address({"pk": "campaign"}),
    "campaign_letter": Address({"pk": "check_in", "language": "language"}),
    "campaign_letter_edit": Address({"pk": "check_in", "language": "language"}, may=CHANGERS),
    "campaign_letter_check": Address({"pk": "check_in", "language": "language"}, "post", CHANGERS),
    "campaign_letter_test": Address({"pk": "check_in", "language": "language"}, "post", CHANGERS),
    "campaign_letter_remove": Address({"pk": "check_in", "language": "language"}, may=CHANGERS),
    "campaign_letter_kept": Address({"token": "kept_letter"}),
    "letter_attach": Address({"pk": "check_in", "language": "language"}, "post", CHANGERS),
    "letter_leave_out": Address(
        {"pk": "check_in", "language": "language", "document_pk": "document"}, "post", CHANGERS
    ),
    "document": Address({"pk": "document"}),
    "exclusions": Address(),
    "exclusions_export": Address(),
    "exclude": Address(may=CHANGERS),
    "exclude_chosen": Address(may=CHANGERS),
    "exclude_now": Address(method="post", may=CHANGERS),
    "lift_exclusion": Address({"pk": "exclusion"}, may=CHANGERS),
    "letters": Address(),
    "letter_start": Address(may=CHANGERS, data=lambda world: {"campaign": world.rows["check_in"], "language": "en"}),
    "orders": Address(),
    "orders_export": Address(),
    "find_order": Address(),
    "order": Address({"pk": "order"}),
    "write_critical": Address({"pk": "order"}, may=CHANGERS),
    "order_by_number": Address({"amazon_order_id": "amazon_order_id"}),
    "scheduling": Address(),
    "scheduling_export": Address(),
    "confirm_act": Address(may=CHANGERS),
    "act": Address(method="post", may=CHANGERS),
    "history": Address(),
    "history_export": Address(),
    "message": Address({"pk": "message"}),
    "settle_message": Address({"pk": "message"}, method="post", may=OWNERS, data=lambda world: {"found": "sent"}),
    "letter": Address({"pk": "message"}),
    "senders": Address(),
    "save_sender": Address({"pk": "place"}, method="post", may=CHANGERS, data=lambda w: {"approved_sender": ""}),
    "optouts": Address(),
    "optouts_export": Address(),
    "look_up": Address(method="post", data=lambda world: {"buyer": "111-1111111-1111111"}),
    "add_optout": Address(may=CHANGERS),
    "optout": Address({"pk": "optout"}),
    "remove_optout": Address({"pk": "optout"}, method="post", may=CHANGERS),
    "import_optouts": Address(may=CHANGERS),
    "list_import": Address({"pk": "list_import"}, may=CHANGERS),
    "list_import_lines": Address({"pk": "list_import"}, may=CHANGERS),
    "carry_out_import": Address({"pk": "list_import"}, method="post", may=CHANGERS),
    "discard_import": Address({"pk": "list_import"}, method="post", may=CHANGERS),
    "open_address": Address(method="post", may=CHANGERS),
    "confirm_mailbox": Address({"pk": "mailbox"}, method="post", may=OWNERS),
    "notices": Address(),
    "notices_export": Address(),
    "notice": Address({"pk": "notice"}),
    "leave_in_peace": Address({"pk": "notice"}, method="post", may=CHANGERS),
    "upload_mail": Address(may=CHANGERS),
    "set_up": Address(),
    "set_up_state": Address(),
    "send_test": Address(method="post", may=CHANGERS),
    "add_mailbox": Address(method="post", may=OWNERS),
    "place_address": Address({"pk": "place"}, method="post", may=CHANGERS),
    "rotate_address": Address({"pk": "address"}, method="post", may=OWNERS),
    "forwarding_done": Address({"pk": "forwarding"}, method="post", may=CHANGERS),
    "settings": Address(),
    "use_marketplace": Address({"pk": "place"}, method="post", may=CHANGERS, data=lambda world: {"use": "yes"}),
    "disconnect_amazon": Address({"pk": "account"}, may=OWNERS),
    "invite": Address(method="post", may=OWNERS, data=lambda world: {"email": "new@example.com", "role": "viewer"}),
    "invitation": Address({"pk": "invitation"}, method="post", may=OWNERS, data=lambda world: {"do": "withdraw"}),
    "member": Address({"pk": "member"}),
    "switch_team": Address(method="post", data=lambda world: {"seller": world.seller.pk}),
    "connect_amazon": Address(method="post", may=OWNERS, data=lambda world: {"marketplace": "ATVPDKIKX0DER"}),
    "from_appstore": Address(may=OWNERS),
    "amazon_callback": Address(may=OWNERS),
    "reopen_account": Address({"pk": "account"}, method="post", may=OWNERS),
}


def names_of_the_site() -> Iterator[str]:
    """The names of our own addresses: no admin, no allauth."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if pattern.namespace != "admin" and pattern.app_name != "admin":
                    yield from walk(pattern.url_patterns)
            elif pattern.name is None:
                raise AssertionError(f"{pattern} has no name")
            else:
                yield pattern.name

    return (name for name in walk(get_resolver().url_patterns) if not name.startswith(THEIR_OWN))


def test_every_address_is_in_the_table() -> None:
    assert sorted(set(names_of_the_site())) == sorted(ADDRESSES)


@pytest.fixture
def world(db: None) -> World:
    seller = make_seller()
    account = make_account(seller)
    make_campaigns(seller)
    order = make_order(account, buyer=alias(), title="Alice's secret mug")
    with across_sellers("test"):
        planning.plan_stale(now=NOW)
        campaigns = {campaign.channel: campaign for campaign in seller.campaign_set.all()}
        message = order.messages.get()
        notice_id = intake.receive(make_address(seller), b"From: a@b.example\r\n\r\nHello\r\n", now=NOW)
        mailbox = saw_mailbox(seller.pk, "alice@shop.example", now=NOW)
        place = account.marketplaces.get()
        aim = exclusions.aim_at(seller, exclusions.Kind.SKU, "Alice's secret SKU")
        exclusions.exclude(seller, [aim], by=None, now=NOW)
        exclusion = seller.exclusion_set.get()
        rule = campaigns["request_review"].rules.create(seller=seller, kind="sku", values=["Alice's secret SKU"])
    mallorys = make_seller("Mallory's shop")
    people = {role: make_member(seller, role) for role in Role}
    with across_sellers("test"):
        member = Membership.objects.get(user=people[Role.VIEWER])
        invitation = invite(seller, "new@example.com", Role.VIEWER, by=people[Role.OWNER], now=timezone.now())
    rows = {
        "exclusion": exclusion.pk,
        "rule": rule.pk,
        "campaign": campaigns["request_review"].pk,
        "check_in": campaigns["buyer_email"].pk,
        "language": "en",
        "kept_letter": keep(seller, Shown("About Alice's secret mug", None)).split("/")[-2],
        "order": order.pk,
        "amazon_order_id": order.amazon_order_id,
        "message": message.pk,
        "account": account.pk,
        "place": place.pk,
        "member": member.pk,
        "invitation": invitation.pk,
        "document": make_document(campaigns["buyer_email"]).pk,
        "mailbox": mailbox.pk,
        "notice": notice_id,
        "optout": make_entry(seller).pk,
        "list_import": make_import(seller, b"Order ID\n111-2222222-3333333\n").pk,
        "address": make_address(seller).pk,
        "forwarding": make_forwarding(seller).pk,
    }
    return World(
        seller,
        people,
        make_member(mallorys),
        make_user(is_staff=True, is_superuser=True),
        rows,
    )


def ask(world: World, name: str, person: User | None, *, method: str = "") -> Any:
    """Open one address as this person, and undo what it did."""
    address = ADDRESSES[name]
    url = reverse(name, kwargs={key: world.rows[row] for key, row in address.kwargs.items()})
    client = Client()
    if person is not None:
        client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    with transaction.atomic():
        response = getattr(client, method or address.method)(url, address.data(world))
        response.shown = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    return response


def rows_of(world: World) -> list[Any]:
    with across_sellers("test"):
        messages = Message.objects.filter(seller=world.seller).order_by("pk").values("pk", "status", "due_at", "reason")
        return [*messages, *world.seller.campaign_set.order_by("pk").values()]


@pytest.mark.parametrize("role", Role)
def test_members_open_what_their_role_allows(world: World, role: Role) -> None:
    answers = {name: ask(world, name, world.people[role]).status_code for name in ADDRESSES}
    allowed = {name for name, address in ADDRESSES.items() if role in address.may}
    assert {name: answers[name] for name in allowed if answers[name] not in (200, 302, 422)} == {}
    assert {name: answers[name] for name in ADDRESSES.keys() - allowed if answers[name] != 403} == {}


def test_a_member_of_another_seller_sees_nothing(world: World) -> None:
    for name, address in ADDRESSES.items():
        response = ask(world, name, world.mallory)
        if address.kwargs or name == "switch_team":
            assert response.status_code == 404, name
        assert b"secret mug" not in response.shown, name
        assert world.rows["amazon_order_id"].encode() not in response.shown, name


def test_nobody_is_asked_to_sign_in(world: World) -> None:
    answers = {name: ask(world, name, None) for name in ADDRESSES}
    assert {name for name, answer in answers.items() if answer.status_code != 302} == set()
    assert {answer["Location"].partition("?")[0] for answer in answers.values()} == {"/people/login/"}


def test_an_operator_without_a_team_uses_the_admin_only(world: World) -> None:
    answers = {name: ask(world, name, world.operator) for name in ADDRESSES}
    assert answers.pop("dashboard")["Location"] == "/admin/"
    assert {name for name, answer in answers.items() if answer.status_code != 404} == set()


def test_looking_changes_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.people[Role.OWNER], "allauth.account.auth_backends.AuthenticationBackend")
    before = rows_of(world)
    for name, address in ADDRESSES.items():
        if address.method == "get":
            client.get(reverse(name, kwargs={key: world.rows[row] for key, row in address.kwargs.items()}))
            assert rows_of(world) == before, name


def test_what_changes_is_not_done_by_get(world: World) -> None:
    changing = [name for name, address in ADDRESSES.items() if address.method == "post"]
    answers = {name: ask(world, name, world.people[Role.OWNER], method="get").status_code for name in changing}
    assert set(answers.values()) == {405}


def test_a_message_of_another_seller_cannot_be_cancelled(world: World) -> None:
    client = Client()
    client.force_login(world.mallory, "allauth.account.auth_backends.AuthenticationBackend")
    client.post(reverse("act"), {"act": "cancel", "message": [world.rows["message"]]})
    with across_sellers("test"):
        assert Message.objects.get(pk=world.rows["message"]).status == Status.SCHEDULED
