"""The sign-up form's own field; the rest of it is django-allauth's."""

from django import forms
from django.http import HttpRequest

from accounts.models import User


class SellerSignupForm(forms.Form):
    """Mixed into allauth's sign-up form (ACCOUNT_SIGNUP_FORM_CLASS)."""

    seller_name = forms.CharField(
        label="Business name", max_length=120, help_text="As your team calls it; buyers do not see it."
    )
    field_order = ["seller_name", "email", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth calls this once the person exists; `feedbackfive.signup` opens the seller."""
