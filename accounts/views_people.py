"""The team: inviting people, joining, roles, leaving."""

from typing import Final

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import people
from accounts.access import CAN_OWN, CHOSEN_SELLER, members, owners, person_of, remembered, role_of, seller_of
from accounts.forms import InviteForm, JoinForm, RoleForm
from accounts.models import Invitation, Membership, Role, User
from accounts.views import show_settings

BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"
TEAM: Final = "/settings/#team"


@require_POST
@owners
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        email = form.cleaned_data["email"]
        try:
            people.invite(seller_of(request), email, form.chosen(), by=person_of(request), now=timezone.now())
        except people.NotDone as no:
            form.add_error("email", str(no))
        else:
            messages.success(request, f"{email} is invited by mail. The link in it works for seven days.")
            return redirect(TEAM)
    return show_settings(request, invite=form, status=422)


@require_POST
@owners
def change_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it again, with a new link, or take it back."""
    seller = seller_of(request)
    invitation = get_object_or_404(Invitation.objects.for_seller(seller), pk=pk)
    if request.POST.get("do") == "again":
        try:
            people.invite(seller, invitation.email, Role(invitation.role), by=person_of(request), now=timezone.now())
            messages.success(request, f"{invitation.email} has got a new mail. The link in the former one has ended.")
        except people.NotDone as no:
            messages.error(request, str(no))
    elif people.withdraw(invitation, now=timezone.now()):
        messages.success(request, f"The invitation of {invitation.email} has ended. Its link leads nowhere now.")
    return redirect(TEAM)


@require_http_methods(["GET", "HEAD", "POST"])
@members
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """One person of the team: an owner changes the role or takes him out; everybody may leave."""
    there = Membership.objects.filter(seller=seller_of(request)).select_related("user", "seller")
    person = get_object_or_404(there, pk=pk)
    is_oneself = person.user_id == person_of(request).pk
    may_change = role_of(request) in CAN_OWN
    form = RoleForm(initial={"role": person.role})
    if request.method == "POST":
        if not may_change and not (is_oneself and request.POST.get("do") == "remove"):
            messages.error(request, "Only an owner of your team can do this.")
            return redirect(TEAM)
        form = RoleForm(request.POST)
        try:
            if request.POST.get("do") == "remove":
                people.remove(person)
                messages.success(request, _gone(person, is_oneself=is_oneself))
                return redirect("/" if is_oneself else TEAM)
            if form.is_valid():
                people.change_role(person, form.chosen())
                messages.success(request, f"{person.user} is {form.chosen().label.lower()} now.")
                return redirect(TEAM)
        except people.NotDone as no:
            messages.error(request, str(no))
            return redirect("member", pk=pk)
    context = {"person": person, "is_oneself": is_oneself, "may_change": may_change, "form": form}
    return render(request, "accounts/member.html", context)


def _gone(person: Membership, *, is_oneself: bool) -> str:
    return f"You do not belong to {person.seller} any more." if is_oneself else f"{person.user} is out of the team."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@remembered
def join_team(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of an invitation leads. Who reads the mail has proved the address, and nothing else."""
    invitation = people.find(token, now=timezone.now())
    if invitation is None:
        return render(request, "accounts/invitation_ended.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    form = JoinForm(User(email=invitation.email), request.POST if request.method == "POST" else None)
    is_theirs = user is not None and people.is_for(invitation, user)
    is_new = user is None and not people.is_known(invitation)
    if request.method == "POST" and (is_theirs or (is_new and form.is_valid())):
        try:
            if user is not None:
                membership = people.join(invitation, user, now=timezone.now())
            else:
                name, password = form.cleaned_data["name"], form.cleaned_data["new_password1"]
                membership = people.join_as_new(invitation, name=name, password=password, now=timezone.now())
                login(request, membership.user, BACKEND)
        except people.NotDone as no:
            messages.error(request, str(no))
            return redirect(request.path)
        request.session[CHOSEN_SELLER] = membership.seller_id
        messages.success(request, f"Welcome to {membership.seller}. You are {membership.get_role_display().lower()}.")
        return redirect("/")
    context = {"invitation": invitation, "form": form, "is_theirs": is_theirs, "is_new": is_new, "person": user}
    return render(request, "accounts/join.html", context)
