"""What is asked of a person who writes a critical message."""

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from django import forms

from campaigns.compliance import blocking, lint
from messaging.critical import LONGEST, Reason
from messaging.documents import TOGETHER, Purpose

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

# What Amazon's Messaging model forbids in the text of every kind, so that it does not refuse the message later.
_MARKUP: Final = re.compile(r"<[A-Za-z/!][^>]{0,200}>|&[A-Za-z]{2,10};|&#[0-9]{1,6};")
_ALLOWED: Final = frozenset({"thank_you_only", "wrong_language"})  # a person answers for purpose and language here


class CriticalForm(forms.Form):
    """Reason and text. `number` makes sending it twice one message; `confirmed` is the way that the page named."""

    reason = forms.ChoiceField(
        label="What is it about?", choices=[("", "Choose one of Amazon's three reasons"), *Reason.choices]
    )
    text = forms.CharField(
        label="Your message",
        max_length=LONGEST,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 8, "lang": ""}),
        help_text="In the buyer's language. Plain text: no links, no e-mail addresses, no phone numbers.",
    )
    file = forms.FileField(
        label="A document that goes with it",
        required=False,
        max_length=400,
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,application/pdf"}),
        help_text="A PDF of at most 10 MB, such as the invoice of this order. Amazon takes it by mail only.",
    )
    purpose = forms.ChoiceField(
        label="The document holds", required=False, choices=[("", "Nothing is attached"), *Purpose.choices]
    )
    document = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)
    number = forms.UUIDField(widget=forms.HiddenInput, required=False)
    confirmed = forms.CharField(widget=forms.HiddenInput, required=False, max_length=80)

    def __init__(self, *args: Any, language: str = "en", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = language

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        if _MARKUP.search(text):
            raise forms.ValidationError("Amazon takes no HTML in an order message: write plain text.")
        broken = [found for found in blocking(lint(text, self.language, is_whole=False)) if found.rule not in _ALLOWED]
        if broken:
            raise forms.ValidationError(
                [f"{found.guideline.title}: “{found.excerpt}”. {found.guideline.explanation}" for found in broken]
            )
        return text

    def clean_file(self) -> "UploadedFile[bytes] | None":
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > TOGETHER:  # before it is read
            raise forms.ValidationError("Amazon takes 10 MB of documents with a letter, and this file has more.")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("file") and not cleaned.get("purpose"):
            self.add_error("purpose", "Say what the document holds: Amazon allows these three.")
        return cleaned

    def clean_number(self) -> UUID:
        number: UUID | None = self.cleaned_data["number"]
        return number or uuid4()

    def kept(self) -> dict[str, Any]:
        """The fields that the confirmation carries on. Call when valid."""
        return {name: self.cleaned_data[name] for name in ("reason", "text", "number")}
