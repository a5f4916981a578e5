"""The team in Settings, and the way in by an invitation."""

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import Membership, Role, Seller
from accounts.rowsecurity import across_sellers
from tests.makers import PASSWORD, make_member, make_seller, make_user

pytestmark = pytest.mark.django_db
NEW = "wanda@example.com"


@pytest.fixture
def link(alice: Client) -> str:
    """Where the mail of an invitation as manager leads."""
    response = alice.post("/team/invite/", {"email": NEW, "role": "manager"}, follow=True)
    assert f"{NEW} is invited by mail" in response.content.decode()
    found = re.search(r"http://testserver(/team/join/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def proved(email: str) -> Client:
    """A browser of somebody who has proved that he reads this address, and belongs to no team."""
    user = make_user(email)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def membership(email: str) -> Membership:
    with across_sellers("test"):
        return Membership.objects.select_related("seller").get(user__email=email)


def text_of(client: Client, address: str, **data: str) -> str:
    response = client.post(address, data, follow=True) if data else client.get(address, follow=True)
    return response.content.decode()


def test_a_stranger_chooses_a_password_joins_and_stands_on_the_dashboard(client: Client, link: str) -> None:
    page = text_of(client, link)
    assert "Join Alice&#x27;s shop?" in page and NEW in page

    after = text_of(client, link, name="Wanda", new_password1=PASSWORD, new_password2=PASSWORD)

    assert "Welcome to Alice&#x27;s shop. You are manager." in after and "Dashboard" in after
    assert membership(NEW).role == Role.MANAGER
    again = Client()
    again.post("/people/login/", {"login": NEW, "password": PASSWORD})
    assert "Campaigns" in text_of(again, "/campaigns/")


def test_a_weak_password_is_explained_and_joins_nobody(client: Client, link: str) -> None:
    page = text_of(client, link, name="", new_password1="12345", new_password2="12345")

    assert "field-error" in page
    assert not Membership.objects.filter(user__email=NEW).exists()


def test_who_can_sign_in_already_is_led_back_to_the_invitation_and_joins_with_one_click(link: str) -> None:
    theirs = proved(NEW)
    stranger = Client()
    page = text_of(stranger, link)
    assert f"/people/login/?next={link}" in page and "new_password1" not in page

    assert "Join the team" in text_of(theirs, link)
    assert "Welcome to" in text_of(theirs, link, yes="1")


def test_another_person_is_told_whom_it_is_for_and_cannot_join(mallory: Client, link: str) -> None:
    page = text_of(mallory, link)
    assert f"in again as {NEW}" in page

    text_of(mallory, link, yes="1")
    with across_sellers("test"):
        assert not Membership.objects.filter(user__email=NEW).exists()
        assert Membership.objects.filter(seller__name="Alice's shop").count() == 1


def test_looking_at_the_link_joins_nobody(link: str) -> None:
    theirs = proved(NEW)
    theirs.get(link)
    theirs.head(link)
    with across_sellers("test"):
        assert not Membership.objects.filter(user__email=NEW).exists()


def test_a_link_that_has_ended_says_so_and_leaks_nothing(client: Client, alice: Client, link: str) -> None:
    alice.post(f"/team/invitations/{_open_invitation(alice)}/", {"do": "withdraw"})

    response = client.get(link)

    assert response.status_code == 404
    assert "This invitation has ended" in response.content.decode()
    assert "Alice" not in response.content.decode() and NEW not in response.content.decode()


def test_sending_again_makes_a_new_link_and_ends_the_former(client: Client, alice: Client, link: str) -> None:
    alice.post(f"/team/invitations/{_open_invitation(alice)}/", {"do": "again"})

    assert len(mail.outbox) == 2 and link not in str(mail.outbox[-1].body)
    assert client.get(link).status_code == 404


def test_a_wrong_address_or_one_of_the_team_is_explained_in_the_form(alice: Client) -> None:
    wrong = alice.post("/team/invite/", {"email": "wanda", "role": "manager"})
    ours = alice.post("/team/invite/", {"email": membership_email(alice), "role": "manager"})

    assert wrong.status_code == ours.status_code == 422
    assert "Enter a valid email address" in wrong.content.decode()
    assert "belongs to your team already" in ours.content.decode()
    assert mail.outbox == []


def test_an_owner_changes_a_role_and_takes_a_person_out_at_once(
    alice: Client, as_role: Callable[[Role], Client], seller: Seller
) -> None:
    bob = as_role(Role.VIEWER)
    pk = membership(membership_email(bob)).pk
    assert bob.get("/campaigns/new/").status_code == 403

    alice.post(f"/team/people/{pk}/", {"do": "role", "role": "manager"})
    assert bob.get("/campaigns/new/").status_code == 200

    alice.post(f"/team/people/{pk}/", {"do": "remove"})
    assert "You belong to no team" in text_of(bob, "/")
    assert bob.get("/orders/").status_code == 404


def test_nobody_but_an_owner_changes_roles_or_takes_others_out(bob: Client, alice: Client) -> None:
    owner, own = membership(membership_email(alice)).pk, membership(membership_email(bob)).pk
    for pk, data in ((owner, {"do": "remove"}), (own, {"do": "role", "role": "owner"})):
        assert "Only an owner of your team can do this" in text_of(bob, f"/team/people/{pk}/", **data)
    assert membership(membership_email(bob)).role == Role.MANAGER


def test_everybody_may_leave_but_the_last_owner(bob: Client, alice: Client) -> None:
    own = membership(membership_email(bob)).pk
    text_of(bob, f"/team/people/{own}/", do="remove")
    assert "You belong to no team" in text_of(bob, "/")

    only = membership(membership_email(alice)).pk
    assert "A team has at least one owner" in text_of(alice, f"/team/people/{only}/", do="remove")


def test_who_belongs_to_no_team_opens_one(bob: Client) -> None:
    own = membership(membership_email(bob)).pk
    text_of(bob, f"/team/people/{own}/", do="remove")
    assert "field-error" in text_of(bob, "/team/open/", seller_name=" ")

    page = text_of(bob, "/team/open/", seller_name="Bob & Sons")

    assert "Bob &amp; Sons" in page and "0 of 4 done" in page
    assert bob.post("/team/open/", {"seller_name": "Another"}).status_code == 404


def test_a_person_of_two_teams_works_for_the_one_just_joined(link: str) -> None:
    theirs = proved(NEW)
    with across_sellers("test"):
        user = EmailAddress.objects.get(email=NEW).user
        Membership.objects.create(seller=make_seller("Her own shop"), user=user, role=Role.OWNER)

    assert "Alice&#x27;s shop" in text_of(theirs, link, yes="1")


def test_members_and_invitations_of_other_teams_are_not_there(mallory: Client, alice: Client, link: str) -> None:
    pk, invitation = membership(membership_email(alice)).pk, _open_invitation(alice)
    assert mallory.get(f"/team/people/{pk}/").status_code == 404
    assert mallory.post(f"/team/people/{pk}/", {"do": "remove"}).status_code == 404
    assert mallory.post(f"/team/invitations/{invitation}/", {"do": "withdraw"}).status_code == 404


def test_a_viewer_sees_the_team_and_no_invitations(vera: Client, seller: Seller, link: str) -> None:
    make_member(seller, Role.MANAGER, "martin@example.com")
    page = text_of(vera, "/settings/")
    assert "martin@example.com" in page and NEW not in page and "Invite by mail" not in page


def membership_email(client: Client) -> str:
    found = re.search(
        r'([\w.]+@[\w.]+)(?:</span>)? <span class="text-secondary">\(you\)', text_of(client, "/settings/")
    )
    assert found
    return found[1]


def _open_invitation(owner: Client) -> str:
    found = re.search(r"/team/invitations/(\d+)/", text_of(owner, "/settings/"))
    assert found
    return found[1]
