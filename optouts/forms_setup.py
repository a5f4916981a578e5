"""What a seller types to set the way of the notices up."""

from django import forms
from django.conf import settings

from accounts.keys import ALIAS_DOMAINS


class MailboxForm(forms.Form):
    """A mailbox of the seller's own."""

    mailbox = forms.EmailField(
        label="Your mailbox",
        max_length=200,
        help_text="The one that Amazon writes to, such as orders@your-shop.com.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_mailbox(self) -> str:
        mailbox: str = self.cleaned_data["mailbox"].strip().lower()
        domain = mailbox.rpartition("@")[2]
        if not mailbox.isascii():
            raise forms.ValidationError("Write the address in plain letters (an international domain as xn--…).")
        if domain in ALIAS_DOMAINS or domain.startswith("marketplace.amazon."):
            raise forms.ValidationError("This is a buyer's address. Enter a mailbox of your own.")
        if domain == settings.INBOUND_DOMAIN:
            raise forms.ValidationError("This is your address for notices. Enter the mailbox that forwards to it.")
        return mailbox
