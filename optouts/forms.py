"""What may be asked of the opt-outs and of the notices, and what a person may put on the list."""

from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet

from accounts.keys import is_order_id, normalise_alias
from accounts.models import Seller
from optouts import listing
from optouts.list_files import MOST_BYTES
from optouts.models import Notice, Suppression
from optouts.uploads import MOST_AT_ONCE

WHICH_BUYER: Final = "Order number, or the buyer's address at Amazon"
NOT_RECOGNISED: Final = (
    "This is neither an order number (3-7-7 digits) nor a buyer's address such as abc123def456@marketplace.amazon.com."
)


class OrderSearch(forms.Form):
    """By order number, whole or in part."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Order number"}),
    )

    @property
    def words(self) -> str:
        """Call when valid."""
        words: str = self.cleaned_data["q"].strip().upper()
        return words


class EntrySearch(OrderSearch):
    """Over the seller's entries of the list."""

    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Suppression.State.choices])
    rows = forms.ChoiceField(
        label="Rows", required=False, choices=[("", "Buyers and orders"), ("buyers", "Each buyer once")]
    )

    def narrow(self, seller: Seller, entries: QuerySet[Suppression]) -> QuerySet[Suppression]:
        """The entries that are asked for, of this seller's. Call when valid."""
        if self.words:
            entries = entries.filter(amazon_order_id__contains=self.words)
        if self.cleaned_data["state"]:
            entries = entries.filter(state=self.cleaned_data["state"])
        return listing.each_buyer_once(seller, entries) if self.cleaned_data["rows"] else entries


class NoticeSearch(OrderSearch):
    """Over the notices that the seller's address has received."""

    status = forms.ChoiceField(required=False, choices=[("", "Any verdict"), *Notice.Status.choices])

    def narrow(self, notices: QuerySet[Notice]) -> QuerySet[Notice]:
        """The notices that are asked for. Call when valid."""
        if self.words:
            notices = notices.filter(amazon_order_id__contains=self.words)
        if self.cleaned_data["status"]:
            notices = notices.filter(status=self.cleaned_data["status"])
        return notices


class WhichBuyer(forms.Form):
    """One buyer, by an order or by the alias. Sent by POST, so that no address stands in a log."""

    buyer = forms.CharField(
        label=WHICH_BUYER, max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def clean_buyer(self) -> str:
        words: str = self.cleaned_data["buyer"].strip()
        if not is_order_id(words) and normalise_alias(words) is None:
            raise forms.ValidationError(NOT_RECOGNISED)
        return words


class NewEntry(WhichBuyer):
    """A buyer whom this seller does not want to write to."""

    reason = forms.CharField(label="Why", max_length=150, help_text="Your team reads this; the buyer does not.")


class ImportFile(forms.Form):
    """A file with order numbers, buyers' addresses, or both."""

    file = forms.FileField(
        label="CSV file",
        max_length=200,
        help_text="At most 1 MB and 10,000 lines. With order numbers, buyers' addresses at Amazon, or both.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError("The file has more than 1 MB. Split it into smaller ones.")
        return file


class RemovalForm(forms.Form):
    """The entries that were shown, and a word about why they go."""

    entry = forms.TypedMultipleChoiceField(coerce=int, widget=forms.MultipleHiddenInput)
    reason = forms.CharField(label="Why (optional)", max_length=150, required=False)

    def __init__(self, *args: object, shown: list[int], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["entry"].choices = [(pk, str(pk)) for pk in shown]  # type: ignore[attr-defined]


class MailFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class MailFiles(forms.FileField):
    """Several files at once; `cleaned_data` holds a list. Too big or empty ones are answered one by one by the verb."""

    widget = MailFileInput

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[bytes]]":
        files = (data or [None]) if isinstance(data, list | tuple) else [data]
        if len(files) > MOST_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} files at once.")
        return [super(MailFiles, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Saved mails."""

    mails = MailFiles(
        label="Saved mails",
        allow_empty_file=True,
        widget=MailFileInput(
            attrs={"accept": ".eml,message/rfc822", "class": "form-control", "aria-describedby": "mails-hint"}
        ),
    )
