"""The sign-up form's own field (the rest of it is django-allauth's), and the choice of a marketplace to connect."""

from typing import Final

from django import forms
from django.http import HttpRequest

from accounts.models import User
from amazon.marketplaces import Marketplace, Region, by_id, in_region

REGIONS: Final = {Region.NA: "Americas", Region.EU: "Europe, Middle East, India, Africa", Region.FE: "Asia-Pacific"}


class SellerSignupForm(forms.Form):
    """Mixed into allauth's sign-up form (ACCOUNT_SIGNUP_FORM_CLASS)."""

    seller_name = forms.CharField(
        label="Business name", max_length=120, help_text="As your team calls it; buyers do not see it."
    )
    field_order = ["seller_name", "email", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth calls this once the person exists; `feedbackfive.signup` opens the seller."""


class ConnectForm(forms.Form):
    """Where the seller is at home with Amazon. One connection reaches every marketplace of that region."""

    marketplace = forms.ChoiceField(
        label="Your home marketplace",
        choices=[
            (title, [(shop.id, f"{shop.name} ({shop.country})") for shop in in_region(region)])
            for region, title in REGIONS.items()
        ],
        error_messages={"invalid_choice": "Choose one of the marketplaces in the list."},
    )

    def chosen(self) -> Marketplace:
        """Call when valid."""
        return by_id(self.cleaned_data["marketplace"])
