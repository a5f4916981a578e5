"""Teams: inviting, joining, roles, leaving."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import people
from accounts.models import Invitation, Membership, Role, Seller, User
from accounts.rowsecurity import across_sellers, as_seller
from tests.makers import make_member, make_seller, make_user

pytestmark = pytest.mark.django_db
NEW = "vera@example.com"


@pytest.fixture
def seller() -> Seller:
    return make_seller("Lakeside")


@pytest.fixture
def alice(seller: Seller) -> User:
    return make_member(seller, email="alice@example.com")


def invited(seller: Seller, by: User, email: str = NEW, role: Role = Role.MANAGER) -> str:
    """Invite, and read the link in the mail."""
    with as_seller(seller.pk):
        people.invite(seller, email, role, by=by, now=timezone.now())
    found = re.search(r"/team/join/([\w-]+)/", str(mail.outbox[-1].body))
    assert found
    return found[1]


def reader_of(email: str) -> User:
    user = make_user(email)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def roles(seller: Seller) -> dict[str, str]:
    with across_sellers("test"):
        return dict(Membership.objects.filter(seller=seller).values_list("user__email", "role"))


def the(token: str) -> Invitation:
    found = people.find(token, now=timezone.now())
    assert found
    return found


def test_who_is_invited_gets_a_mail_and_joins_with_the_role(seller: Seller, alice: User) -> None:
    token = invited(seller, alice)
    assert mail.outbox[-1].to == [NEW]
    assert "alice@example.com has invited you" in mail.outbox[-1].body

    people.join(the(token), reader_of(NEW), now=timezone.now())

    assert roles(seller) == {"alice@example.com": "owner", NEW: "manager"}


def test_the_link_is_kept_nowhere(seller: Seller, alice: User) -> None:
    token = invited(seller, alice)
    with across_sellers("test"):
        row = Invitation.objects.values().get()
    assert token not in str(row)


def test_a_link_works_once(seller: Seller, alice: User) -> None:
    token = invited(seller, alice)
    invitation, vera = the(token), reader_of(NEW)
    people.join(invitation, vera, now=timezone.now())

    assert people.find(token, now=timezone.now()) is None
    with pytest.raises(people.NotDone):
        people.join(invitation, vera, now=timezone.now())


def test_a_link_ends_after_a_week_when_it_is_taken_back_and_when_a_newer_one_is_sent(
    seller: Seller, alice: User
) -> None:
    first, second = invited(seller, alice), invited(seller, alice)
    assert people.find(first, now=timezone.now()) is None
    assert people.find(second, now=timezone.now() + timedelta(days=7, minutes=1)) is None
    invitation = the(second)
    with as_seller(seller.pk):
        assert people.withdraw(invitation, now=timezone.now())
        assert not people.withdraw(invitation, now=timezone.now())
    assert people.find(second, now=timezone.now()) is None


def test_only_the_proved_reader_of_the_address_may_join(seller: Seller, alice: User) -> None:
    token = invited(seller, alice)
    mallory, unproved = reader_of("mallory@example.com"), make_user(NEW)
    EmailAddress.objects.create(user=unproved, email=NEW, verified=False, primary=True)

    for person in (mallory, unproved):
        assert not people.is_for(the(token), person)
        with pytest.raises(ValueError, match="reader"):
            people.join(the(token), person, now=timezone.now())
    assert set(roles(seller)) == {"alice@example.com"}


def test_who_has_no_sign_in_yet_chooses_a_password_and_has_a_proved_address(seller: Seller, alice: User) -> None:
    invitation = the(invited(seller, alice, role=Role.VIEWER))
    assert not people.is_known(invitation)

    membership = people.join_as_new(invitation, name="Vera", password="a pass phrase", now=timezone.now())

    assert membership.user.check_password("a pass phrase")
    assert people.is_for(invitation, membership.user)
    assert roles(seller)[NEW] == "viewer"


def test_an_address_that_has_come_to_belong_to_somebody_meanwhile_is_not_taken_over(
    seller: Seller, alice: User
) -> None:
    invitation = the(invited(seller, alice))
    make_user(NEW.upper())

    with pytest.raises(people.NotDone, match="Do so"):
        people.join_as_new(invitation, name="", password="x", now=timezone.now())
    assert people.is_known(invitation)
    assert set(roles(seller)) == {"alice@example.com"}


@pytest.mark.django_db(transaction=True)
def test_owners_are_told_of_whoever_joins(seller: Seller, alice: User) -> None:
    people.join(the(invited(seller, alice)), reader_of(NEW), now=timezone.now())

    assert mail.outbox[-1].to == ["alice@example.com"]
    assert f"{NEW} has accepted" in mail.outbox[-1].body


def test_who_belongs_to_the_team_keeps_the_role_and_cannot_be_invited(seller: Seller, alice: User) -> None:
    token, vera = invited(seller, alice, role=Role.OWNER), reader_of(NEW)
    with across_sellers("test"):
        Membership.objects.create(seller=seller, user=vera, role=Role.VIEWER)

    with as_seller(seller.pk), pytest.raises(people.NotDone, match="already"):
        people.invite(seller, NEW.upper(), Role.OWNER, by=alice, now=timezone.now())
    people.join(the(token), vera, now=timezone.now())
    assert roles(seller)[NEW] == "viewer"


def test_a_team_writes_to_no_more_than_twenty_strangers_a_day(seller: Seller, alice: User) -> None:
    for number in range(people.MOST_A_DAY):
        invited(seller, alice, f"person{number}@example.org")
    with as_seller(seller.pk), pytest.raises(people.NotDone, match="tomorrow"):
        people.invite(seller, NEW, Role.VIEWER, by=alice, now=timezone.now())
    assert len(mail.outbox) == people.MOST_A_DAY


def test_an_invitation_that_cannot_be_mailed_is_none(seller: Seller, alice: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 1
    with as_seller(seller.pk):
        with pytest.raises(people.NotDone, match="could not be sent"):
            people.invite(seller, NEW, Role.VIEWER, by=alice, now=timezone.now())
        assert people.open_invitations(seller, now=timezone.now()) == []


def test_the_last_owner_stays(seller: Seller, alice: User) -> None:
    with as_seller(seller.pk):
        mine = Membership.objects.get(user=alice)
        with pytest.raises(people.NotDone, match="at least one owner"):
            people.change_role(mine, Role.VIEWER)
        with pytest.raises(people.NotDone, match="at least one owner"):
            people.remove(mine)
    make_member(seller, Role.OWNER, "olga@example.com")
    with as_seller(seller.pk):
        people.change_role(mine, Role.MANAGER)
        people.remove(mine)
    assert roles(seller) == {"olga@example.com": "owner"}


def test_ended_invitations_are_forgotten_after_a_month_and_open_ones_are_not(seller: Seller, alice: User) -> None:
    invited(seller, alice)
    invited(seller, alice)  # the first one has ended
    assert people.purge(now=timezone.now() + timedelta(days=29)) == 0
    assert people.purge(now=timezone.now() + timedelta(days=31)) == 1
    assert people.purge(now=timezone.now() + timedelta(days=38)) == 1
