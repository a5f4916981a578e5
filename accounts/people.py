"""Who belongs to a seller's team: inviting, joining, roles, leaving. Verbs; no request in sight.

Flow: an owner invites an address -> a mail with a link that only its reader has -> whoever signs in with that address,
or has none here yet and chooses a password, joins. The link is kept as a digest: who reads the table can join nobody.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Invitation, Membership, Role, Seller, User
from accounts.owners import write_to_owners
from accounts.rowsecurity import across_sellers

log = structlog.get_logger(__name__)

INVITATION_LIVES: Final = timedelta(days=7)
MOST_A_DAY: Final = 20  # mails to strangers in the name of one team
KEPT_FOR: Final = timedelta(days=30)  # after it has ended; it holds an address


class NotDone(Exception):
    """It cannot be done; the text says why, in a seller's words."""


def invite(seller: Seller, email: str, role: Role, *, by: User, now: datetime) -> Invitation:
    """Invite the reader of this address, by mail. Inviting again makes a new link; the former one ends.

    Raises NotDone: one of the team already, too many invitations for a day, or the mail could not be sent.
    """
    email = email.strip().lower()
    if Membership.objects.filter(seller=seller, user__email__iexact=email).exists():
        raise NotDone(f"{email} belongs to your team already.")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        Seller.objects.select_for_update(no_key=True).get(pk=seller.pk)  # else two at once exceed the limit
        if Invitation.objects.filter(seller=seller, created_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise NotDone(f"Your team has sent {MOST_A_DAY} invitations in a day. Try again tomorrow.")
        Invitation.objects.filter(seller=seller, email=email, ended_at__isnull=True).update(ended_at=now)
        invitation = Invitation.objects.create(
            seller=seller,
            email=email,
            role=role,
            digest=_digest(token),
            invited_by=by,
            created_at=now,
            expires_at=now + INVITATION_LIVES,
        )
    try:
        _mail(invitation, token)
    except OSError as trouble:  # smtplib's errors are OSErrors
        log.warning("invitation_not_mailed", invitation=invitation.pk, trouble=type(trouble).__name__)
        invitation.delete()
        raise NotDone(f"The mail to {email} could not be sent. Look at the address, and try again.") from None
    return invitation


def open_invitations(seller: Seller, *, now: datetime) -> list[Invitation]:
    """Those that somebody may still accept, newest first."""
    rows = Invitation.objects.filter(seller=seller, ended_at__isnull=True, expires_at__gt=now)
    return list(rows.select_related("invited_by").order_by("-created_at", "-id"))


def withdraw(invitation: Invitation, *, now: datetime) -> bool:
    """Its link leads nowhere any more. False: it has ended already."""
    return bool(Invitation.objects.filter(pk=invitation.pk, ended_at__isnull=True).update(ended_at=now))


def find(token: str, *, now: datetime) -> Invitation | None:
    """The invitation of a link that somebody has followed. None: there is none, or it has ended."""
    with across_sellers("somebody follows an invitation"):
        rows = Invitation.objects.filter(digest=_digest(token), ended_at__isnull=True, expires_at__gt=now)
        return rows.select_related("seller", "invited_by").first()


def is_for(invitation: Invitation, user: User) -> bool:
    """Has this person proved that she reads the invited address?"""
    return bool(EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists())


def is_known(invitation: Invitation) -> bool:
    """Does the invited address belong to somebody who can sign in? Say it to the reader of the link only."""
    verified = Q(emailaddress__email__iexact=invitation.email, emailaddress__verified=True)
    return User.objects.filter(verified | Q(email__iexact=invitation.email)).exists()


def join(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    """Take this person, for whom it `is_for`, into the team. Raises NotDone where it has ended meanwhile.

    Whoever belongs to the team already keeps the role that she has.
    """
    if not is_for(invitation, user):
        raise ValueError("An invitation is for the reader of its address.")
    with across_sellers("somebody joins a team"), transaction.atomic():
        still_open = Invitation.objects.filter(pk=invitation.pk, ended_at__isnull=True, expires_at__gt=now)
        if not still_open.update(ended_at=now, accepted_at=now):
            raise NotDone("This invitation has ended meanwhile. Ask for a new one.")
        membership, is_new = Membership.objects.get_or_create(
            seller=invitation.seller, user=user, defaults={"role": invitation.role, "created_at": now}
        )
        if is_new:
            text = render_to_string("accounts/mails/joined.txt", {"membership": membership, "address": _team_page()})
            seller_id = invitation.seller_id
            transaction.on_commit(lambda: _tell_owners(seller_id, text))
    return membership


def join_as_new(invitation: Invitation, *, name: str, password: str, now: datetime) -> Membership:
    """Make a person of the reader of the link, whose address it proves, and take her into the team.

    Raises NotDone where it has ended, or where the address has come to belong to somebody meanwhile.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name)
            EmailAddress.objects.create(user=user, email=invitation.email, verified=True, primary=True)
            return join(invitation, user, now=now)
    except IntegrityError:
        raise NotDone("This address belongs to somebody who can sign in. Do so, and follow the link again.") from None


def change_role(membership: Membership, role: Role) -> None:
    """From the next page on. Raises NotDone for the last owner."""
    with transaction.atomic():
        _keep_an_owner(membership, role)
        Membership.objects.filter(pk=membership.pk).update(role=role)


def remove(membership: Membership) -> None:
    """The person belongs to the team no more, from the next page on. Raises NotDone for the last owner."""
    with transaction.atomic():
        _keep_an_owner(membership, None)
        Membership.objects.filter(pk=membership.pk).delete()


def purge(*, now: datetime) -> int:
    """Forget invitations that ended a month ago; returns how many."""
    with across_sellers("ended invitations are forgotten"):
        ended = Q(ended_at__lt=now - KEPT_FOR) | Q(expires_at__lt=now - KEPT_FOR)
        return Invitation.objects.filter(ended).delete()[0]


def _keep_an_owner(membership: Membership, role: Role | None) -> None:
    # Two owners who demote each other wait for each other here.
    owners = Membership.objects.select_for_update().filter(seller_id=membership.seller_id, role=Role.OWNER)
    ids = set(owners.values_list("pk", flat=True))
    if role != Role.OWNER and ids == {membership.pk}:
        raise NotDone("A team has at least one owner. Make somebody else an owner first.")


def _tell_owners(seller_id: int, text: str) -> None:
    with across_sellers("owners are told that somebody has joined"):
        write_to_owners(seller_id, "FeedbackFive: somebody has joined your team", text)


def _mail(invitation: Invitation, token: str) -> None:
    address = f"{settings.SITE_URL}{reverse('join_team', kwargs={'token': token})}"
    text = render_to_string("accounts/mails/invitation.txt", {"invitation": invitation, "address": address})
    headers = {"Auto-Submitted": "auto-generated"}
    # Without the team's name in the subject: it is a stranger's text, and this is mail to a stranger.
    EmailMessage("FeedbackFive: you are invited to a team", text, to=[invitation.email], headers=headers).send()


def _team_page() -> str:
    return f"{settings.SITE_URL}{reverse('settings')}#team"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
