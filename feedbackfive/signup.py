"""A person signs up, or belongs to no team and opens one: a seller with its owner, its inbound address and its two
default campaigns. Here and not in `accounts`, because it reaches over several floors.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import CHOSEN_SELLER, person_of, role_of, way_on
from accounts.forms import TeamForm
from accounts.lifecycle import open_seller
from accounts.models import Seller, User
from accounts.rowsecurity import as_seller
from campaigns.starting import create_default_campaigns
from optouts.addresses import open_address


@dataclass(frozen=True, slots=True)
class RequestSiteOf:
    """What allauth's mail templates want to know of the site."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter (ACCOUNT_ADAPTER)."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails speak of the product by its name, not of the host that served the request."""
        host = urlsplit(settings.SITE_URL).netloc
        super().send_mail(template_prefix, email, {"current_site": RequestSiteOf("FeedbackFive", host)} | context)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Back to where a sign-up began, as far as that was on the way to Amazon."""
        return way_on(request) or str(super().get_login_redirect_url(request))

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit=commit)
            if commit:
                begin(form.cleaned_data["seller_name"], saved)
        return saved


@require_POST
@login_required
def open_team(request: HttpRequest) -> HttpResponse:
    """A team of her own for a person who belongs to none: taken out of one, or gone."""
    person = person_of(request)
    form = TeamForm(request.POST)
    if person.is_staff or role_of(request) is not None:
        raise Http404("This person has a team.")
    if not form.is_valid():
        return render(request, "accounts/no_team.html", {"form": form}, status=422)
    request.session[CHOSEN_SELLER] = begin(form.cleaned_data["seller_name"], person).pk
    return redirect("/")


def begin(seller_name: str, owner: User) -> Seller:
    """A new seller as it stands after sign-up. One transaction."""
    with transaction.atomic():
        seller = open_seller(seller_name, owner)
        with as_seller(seller.pk):
            open_address(seller)
            create_default_campaigns(seller, now=timezone.now())
    return seller
