"""What may be asked of Scheduling and History, and what may be done there."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from accounts.models import Seller
from amazon.marketplaces import ALIAS_DOMAINS
from messaging.models import COMING, SETTLED, Channel, Message, Status
from messaging.team import Act
from messaging.unknowns import Found
from orders.forms import ORDER_NUMBER
from orders.models import Order

MOST_AT_ONCE: Final = 200
LOOKED_THROUGH, TITLES_OFFERED = 2000, 50

Choice = tuple[str, str]


def _choice(label: str, none: str, choices: list[Choice]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", none), *choices])


def _labelled(statuses: tuple[Status, ...]) -> list[Choice]:
    return [(status.value, str(status.label)) for status in statuses]


def titles_of(messages: QuerySet[Message]) -> list[str]:
    """The campaigns' names on these messages, as far as the first thousands of them tell: a list may be endless."""
    newest = messages.values("title")[:LOOKED_THROUGH]
    return sorted({row["title"] for row in newest})[:TITLES_OFFERED]


class MessageSearch(forms.Form):
    """What both lists can be asked."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Order number"}),
    )
    channel = _choice("Channel", "Any channel", list(Channel.choices))
    title = forms.ChoiceField(label="Campaign", required=False)
    marketplace = forms.ChoiceField(label="Marketplace", required=False)

    def __init__(self, *args: Any, titles: list[str], marketplaces: list[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"] = _choice("Campaign", "Any campaign", [(title, title) for title in titles])
        self.fields["marketplace"] = _choice("Marketplace", "Any marketplace", marketplaces)

    def narrow(self, messages: QuerySet[Message]) -> QuerySet[Message]:
        """The messages that are asked for. Call when valid."""
        asked = self.cleaned_data
        if ORDER_NUMBER.fullmatch(number := asked["q"].strip().upper()):
            messages = messages.filter(order__amazon_order_id=number)  # an index answers
        elif number:
            messages = messages.filter(order__amazon_order_id__contains=number)
        if asked["channel"]:
            messages = messages.filter(channel=asked["channel"])
        if asked["status"]:
            messages = messages.filter(status=asked["status"])
        if asked["title"]:
            messages = messages.filter(title=asked["title"])
        if asked["marketplace"]:
            messages = messages.filter(order__marketplace_id=asked["marketplace"])
        return messages


class ComingSearch(MessageSearch):
    """Over what will be sent."""

    status = _choice("State", "Any state", _labelled(COMING))

    def named_order(self, seller: Seller) -> int | None:
        """The order whose number was asked for, and nothing else; None: there is none, or it was something else."""
        asked = self.cleaned_data
        number = asked["q"].strip().upper()
        if not ORDER_NUMBER.fullmatch(number) or any(value for name, value in asked.items() if name != "q"):
            return None
        named = Order.objects.for_seller(seller).filter(amazon_order_id=number)
        return named.order_by("id").values_list("pk", flat=True).first()


class HistorySearch(MessageSearch):
    """Over what was sent, or not, and why. Days are days of UTC, for the list spans time zones.

    Who has one account is not asked for it.
    """

    status = _choice("Outcome", "Any outcome", _labelled(SETTLED))
    account = forms.ChoiceField(label="Account", required=False)
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": "Words in “why”"}),
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, accounts: list[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(accounts) > 1:
            self.fields["account"] = _choice("Account", "Any account", accounts)
        else:
            del self.fields["account"]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        for name in ("since", "until"):
            if asked.get(name) and not FIRST_DAY <= asked[name] <= LAST_DAY:
                self.add_error(name, "There is nothing on this day.")
        if asked.get("since") and asked.get("until") and asked["since"] > asked["until"]:
            self.add_error("until", "This day is before the first one.")
        return asked

    def narrow(self, messages: QuerySet[Message]) -> QuerySet[Message]:
        messages, asked = super().narrow(messages), self.cleaned_data
        if asked.get("account"):
            messages = messages.filter(account=asked["account"])
        if asked["reason"]:
            messages = messages.filter(reason__icontains=asked["reason"])
        if asked["since"]:
            messages = messages.filter(touched_at__gte=_midnight(asked["since"]))
        if asked["until"]:
            messages = messages.filter(touched_at__lt=_midnight(asked["until"] + timedelta(days=1)))
        return messages


FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


class TickedForm(forms.Form):
    """Which messages were ticked."""

    message = forms.TypedMultipleChoiceField(coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.getlist("message") if hasattr(self.data, "getlist") else []
        # Any number is a choice: whose messages they are is for the verb's own query to say.
        offered = [number for number in chosen if number.isascii() and number.isdigit() and len(number) < 19]
        self.fields["message"] = forms.TypedMultipleChoiceField(
            coerce=int,
            choices=[(number, number) for number in offered],
            error_messages={"required": "Choose at least one message."},
        )

    def clean_message(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["message"]
        if len(chosen) > MOST_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} messages at once.")
        return chosen


class ConfirmForm(forms.Form):
    """Yes to what a page has shown."""

    act = forms.ChoiceField(choices=Act.offered)
    chosen = forms.CharField()
    note = forms.CharField(
        label="Why (optional; your team sees it in the message's history)", required=False, max_length=120
    )


class FoundForm(forms.Form):
    """What an owner has seen at Amazon about a message whose outcome is unknown."""

    found = forms.ChoiceField(label="What did you find?", choices=Found.offered, widget=forms.RadioSelect)
    note = forms.CharField(
        label="Where did you see it? (optional; your team sees it in the message's history)",
        required=False,
        max_length=120,
    )
    frees_order = forms.BooleanField(
        label="If it was not sent: let campaigns decide about this order again", required=False
    )


class SenderForm(forms.Form):
    """The sender address of one marketplace, as entered in Seller Central."""

    approved_sender = forms.EmailField(
        label="Sender address",
        required=False,
        widget=forms.EmailInput(attrs={"placeholder": "orders@your-shop.example", "autocomplete": "email"}),
    )

    def clean_approved_sender(self) -> str:
        address: str = self.cleaned_data["approved_sender"]
        if address.rpartition("@")[2].lower() in ALIAS_DOMAINS:
            raise forms.ValidationError("This is a buyer's address. Enter your own, as it is in Seller Central.")
        return address


class StopForm(forms.Form):
    """An operator's stop of all sending."""

    reason = forms.CharField(label="Why, in one sentence that sellers read", max_length=200)
