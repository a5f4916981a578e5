"""The sign-up form's own field (the rest is django-allauth's), the choice of a marketplace to connect, and the team."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest

from accounts.models import Role, User
from amazon.marketplaces import Marketplace, Region, by_id, in_region

if TYPE_CHECKING:  # Django's classes take type parameters for the type checker only
    NewPasswordForm = SetPasswordForm[User]
else:
    NewPasswordForm = SetPasswordForm

REGIONS: Final = {Region.NA: "Americas", Region.EU: "Europe, Middle East, India, Africa", Region.FE: "Asia-Pacific"}


class TeamForm(forms.Form):
    seller_name = forms.CharField(
        label="Business name", max_length=120, help_text="As your team calls it; buyers do not see it."
    )


class SellerSignupForm(TeamForm):
    """Mixed into allauth's sign-up form (ACCOUNT_SIGNUP_FORM_CLASS)."""

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


ROLES: Final = {
    Role.OWNER: "Owner: may do everything",
    Role.MANAGER: "Manager: changes campaigns and sends",
    Role.VIEWER: "Viewer: looks",
}


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=[(role.value, text) for role, text in ROLES.items()])

    def chosen(self) -> Role:
        """Call when valid."""
        return Role(self.cleaned_data["role"])


class InviteForm(RoleForm):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    field_order = ["email", "role"]


class JoinForm(NewPasswordForm):
    """Who joins by an invitation and has no password here yet."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        required=False,
        help_text="As your team sees it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["name", "new_password1", "new_password2"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label, self.fields["new_password2"].label = "Password", "The password again"
