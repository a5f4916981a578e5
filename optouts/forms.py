"""What may be asked of the opt-outs and of the notices."""

from django import forms
from django.db.models import QuerySet

from optouts.models import Notice, Suppression


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

    def narrow(self, entries: QuerySet[Suppression]) -> QuerySet[Suppression]:
        """The entries that are asked for. Call when valid."""
        if self.words:
            entries = entries.filter(amazon_order_id__contains=self.words)
        if self.cleaned_data["state"]:
            entries = entries.filter(state=self.cleaned_data["state"])
        return entries


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
