"""What happens when a person signs up: a seller with its owner, its inbound address and its two default campaigns.

Here and not in `accounts`, because it reaches over several floors.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import way_on
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


def begin(seller_name: str, owner: User) -> Seller:
    """A new seller as it stands after sign-up. One transaction."""
    with transaction.atomic():
        seller = open_seller(seller_name, owner)
        with as_seller(seller.pk):
            open_address(seller)
            create_default_campaigns(seller, now=timezone.now())
    return seller
