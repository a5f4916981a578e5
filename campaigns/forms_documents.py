"""What is asked of a person who has a document go with a letter."""

from typing import TYPE_CHECKING, Any

from django import forms

from messaging.documents import TOGETHER, Purpose

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

# An invoice belongs to one order, and a campaign's letter goes to many.
OF_LETTERS = [Purpose.INSTRUCTIONS, Purpose.WARRANTY]


class DocumentForm(forms.Form):
    """A file, and what it is for. What the file is, `documents.keep` finds out."""

    file = forms.FileField(
        label="PDF", widget=forms.ClearableFileInput(attrs={"accept": ".pdf,application/pdf"}), max_length=400
    )
    purpose = forms.ChoiceField(label="It holds")

    def __init__(self, *args: Any, purposes: list[Purpose] = OF_LETTERS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["purpose"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(purpose.value, purpose.label) for purpose in purposes]

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > TOGETHER:  # before it is read
            raise forms.ValidationError("Amazon takes 10 MB of documents with a letter, and this file has more.")
        return file
