"""What a seller may exclude, and how the list of it is asked."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from campaigns.exclusion_lines import MOST_CHARACTERS
from campaigns.exclusions import LONGEST_NOTE, Kind
from campaigns.models import Exclusion
from optouts.list_files import MOST_BYTES


class ExclusionSearch(forms.Form):
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Order, SKU, ASIN or note"}),
    )
    kind = forms.ChoiceField(required=False, choices=[("", "Everything"), *Kind.choices])

    def narrow(self, rows: QuerySet[Exclusion]) -> QuerySet[Exclusion]:
        """Call when valid."""
        if words := self.cleaned_data["q"].strip():
            rows = rows.filter(Q(named__icontains=words) | Q(note__icontains=words))
        if self.cleaned_data["kind"]:
            rows = rows.filter(kind=self.cleaned_data["kind"])
        return rows


class ExcludeForm(forms.Form):
    """Pasted lines, or a file. Shown with what it would do before anything is done."""

    kind = forms.ChoiceField(label="What is it?", choices=Kind.offered)
    values = forms.CharField(
        label="One in each line",
        required=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text="A buyer is named by the number of one of his orders, or by his address at Amazon.",
    )
    file = forms.FileField(
        label="Or a CSV file",
        required=False,
        help_text=(
            "Of SKUs or ASINs: their column is found by its heading, else the first one counts. Of orders: each line "
            "excludes its order, and its buyer where the file has his address at Amazon; exports of FeedbackFive's old "
            "site are taken as they are. Our own export is taken back as it is."
        ),
    )
    note = forms.CharField(label="Why (optional, for your team)", required=False, max_length=LONGEST_NOTE)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError("The file has more than 1 MB. Split it into smaller ones.")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not (cleaned.get("values") or "").strip():
            self.add_error("values", "Enter at least one line, or choose a file.")
        return cleaned
