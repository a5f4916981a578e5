"""What happens when a person signs up: a seller with its owner, its inbound address and its two default campaigns.

Here and not in `accounts`, because it reaches over several floors.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.lifecycle import open_seller
from accounts.models import Seller, User
from accounts.rowsecurity import as_seller
from campaigns.lifecycle import create_default_campaigns
from optouts.addresses import open_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter (ACCOUNT_ADAPTER)."""

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
