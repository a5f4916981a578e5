"""What is asked of a person who writes a letter."""

from typing import Any, Final

from django import forms

from campaigns.rendering import Source, UnknownPlaceholder, check
from campaigns.tags import Imported, import_tags

LONGEST_BODY: Final = 20_000
CHIPS: Final = (
    ("order_id", "Order id"),
    ("product_title_short", "Product, short"),
    ("product_title", "Product"),
    ("quantity", "Quantity"),
    ("sku", "SKU"),
    ("asin", "ASIN"),
    ("order_date", "Ordered on"),
    ("delivery_date", "Delivered on"),
    ("store_name", "Your store"),
    ("marketplace", "Marketplace"),
    ("order_link", "Link to the order"),
    ("contact_link", "Link to contact you"),
)


class LetterForm(forms.Form):
    """Subject and text, or HTML. Tags of FeedbackFive's old site become placeholders by themselves; `notes` says which
    were something else."""

    subject = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(
        label="Written as", choices=(("text", "Text"), ("html", "HTML")), required=False, widget=forms.RadioSelect
    )
    body = forms.CharField(
        label="Text", max_length=LONGEST_BODY, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"})
    )

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notes: list[str] = []
        for field in self.fields.values():
            field.widget.attrs["lang"] = language
        del self.fields["kind"].widget.attrs["lang"]

    @property
    def is_html(self) -> bool:
        given = self.data.get("kind") if self.is_bound else self.initial.get("kind")
        return bool(given == "html")

    def clean_subject(self) -> str:
        return self._imported(self.cleaned_data["subject"], is_html=False)

    def clean_body(self) -> str:
        return self._imported(self.cleaned_data["body"].replace("\r\n", "\n"), is_html=self.is_html)

    def _imported(self, text: str, *, is_html: bool) -> str:
        imported: Imported = import_tags(text)
        if imported.left_out:
            self.notes.append(f"{', '.join(imported.left_out)} was taken out: the buyer's name is never used.")
        if imported.unknown:
            raise forms.ValidationError(
                f"Nothing answers to {', '.join(imported.unknown)}. Put one of the placeholders above in its place."
            )
        try:
            check(Source("", imported.text, is_html))
        except UnknownPlaceholder as trouble:
            raise forms.ValidationError(str(trouble)) from None
        return imported.text

    def source(self) -> Source:
        """Call when valid."""
        return Source(self.cleaned_data["subject"], self.cleaned_data["body"], self.is_html)
