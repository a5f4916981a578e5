"""What a seller may change of a campaign, with Amazon's time limits checked before anything is saved."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from amazon.windows import EARLIEST_AFTER_DELIVERY, LATEST_AFTER_DELIVERY
from campaigns.eligibility import impossible
from campaigns.eligibility.timing import WEEKDAYS, Anchor, Timing
from campaigns.lifecycle import COLUMNS, RuleWish, Wishes
from campaigns.models import Campaign
from campaigns.rule_rows import RuleRow, rows_of, rows_sent
from messaging.models import Channel
from orders.forms import marketplaces_of

EARLIEST, LATEST = EARLIEST_AFTER_DELIVERY.days, LATEST_AFTER_DELIVERY.days
Files = MultiValueDict[str, Any]


def _time(label: str, help_text: str = "") -> forms.TimeField:
    widget = forms.TimeInput({"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=False, widget=widget, help_text=help_text)


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class CampaignForm(forms.Form):
    """All but the channel and the state: whether it is active is changed by the switch, which asks first.

    What a post does not name stays as it is; days of the week and rules only where the post says that they were shown.
    """

    name = forms.CharField(max_length=80, help_text="As your team calls it; buyers do not see it.")
    priority = forms.IntegerField(
        required=False, min_value=1, max_value=9999,
        help_text="The campaign with the lowest number takes an order that several fit.",
    )
    delay_days = forms.IntegerField(label="Days", min_value=0, max_value=999)
    delay_hours = forms.IntegerField(label="and hours", required=False, min_value=0, max_value=23)
    after = forms.ChoiceField(label="after the", required=False, choices=Campaign.After.offered)
    send_at = _time("Time of day", "On the clocks of the buyer's marketplace. Empty: as soon as an order is due.")
    weekdays = forms.MultipleChoiceField(
        label="Days of the week", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(str(number), name[:3]) for number, name in enumerate(WEEKDAYS)],
    )
    quiet_from = _time("Quiet from")
    quiet_until = _time("until", "Nothing goes out in between. Leave both empty for no quiet hours.")
    starts_on = _day("First day")
    ends_on = _day("Last day")
    marketplaces = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all of yours.",
    )
    no_match = forms.ChoiceField(
        label="If no template is in the buyer's language", required=False, choices=Campaign.NoMatch.offered
    )

    def __init__(self, data: QueryDict | None = None, files: Files | None = None, *, campaign: Campaign) -> None:
        self.campaign, self.before = campaign, Wishes.of(campaign)
        self.rows: list[RuleRow] = rows_of(campaign)
        initial = {name: getattr(campaign, name) for name in COLUMNS} | {"weekdays": list(campaign.weekdays)}
        super().__init__(data, initial=initial)
        if data is not None and "rules_shown" in data:
            self.rows = rows_sent(data, files or MultiValueDict(), campaign)
        self.fields["delay_days"].help_text = _limits_in_words(Channel(campaign.channel))
        places = self.fields["marketplaces"]
        assert isinstance(places, forms.MultipleChoiceField)
        places.choices = marketplaces_of(campaign.seller)
        if campaign.channel == Channel.REQUEST_REVIEW:
            del self.fields["no_match"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Campaign.objects.filter(seller=self.campaign.seller_id, name=name).exclude(pk=self.campaign.pk).exists():
            raise forms.ValidationError("Another of your campaigns has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._keep_what_was_not_sent(cleaned)
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", "Quiet hours need both a beginning and an end.")
        elif not self.errors:
            trouble = impossible(
                self._timing(cleaned), by_letter=self.campaign.channel != Channel.REQUEST_REVIEW,
                now=timezone.now(), takes_since=self.campaign.takes_since,
            )
            if trouble:
                self.add_error(_field_of(self._timing(cleaned), trouble), trouble)
        if any(row.trouble for row in self.rows):
            self.add_error(None, "A rule is not complete: see below.")
        return cleaned

    def _keep_what_was_not_sent(self, cleaned: dict[str, Any]) -> None:
        for name in COLUMNS:
            marker = {"weekdays": "days_shown", "marketplaces": "places_shown"}.get(name, name)
            if marker not in self.data:
                cleaned[name] = getattr(self.before, name)
        cleaned["weekdays"] = "".join(cleaned.get("weekdays") or ())
        cleaned["marketplaces"] = tuple(cleaned.get("marketplaces") or ())
        cleaned["delay_hours"] = cleaned.get("delay_hours") or 0
        cleaned["priority"] = cleaned.get("priority") or self.before.priority
        cleaned["after"] = cleaned.get("after") or self.before.after
        cleaned["no_match"] = cleaned.get("no_match") or self.before.no_match

    def _timing(self, cleaned: dict[str, Any]) -> Timing:
        return Timing(
            timedelta(days=cleaned["delay_days"], hours=cleaned["delay_hours"]),
            Anchor(cleaned["after"]),
            cleaned["send_at"],
            frozenset(int(day) for day in cleaned["weekdays"]),
            cleaned["quiet_from"],
            cleaned["quiet_until"],
            cleaned["starts_on"],
            cleaned["ends_on"],
        )

    def wishes(self) -> Wishes:
        """What is wanted; the campaign stays on or off as it is. Call when valid."""
        rules = tuple(RuleWish(row.kind, row.operator, row.values) for row in self.rows if row.kind)
        return replace(self.before, **{name: self.cleaned_data[name] for name in COLUMNS}, rules=rules)


def _field_of(timing: Timing, trouble: str) -> str:
    """Where a page shows it."""
    if "quiet hours" in trouble.lower():
        return "quiet_until"
    if not timing.weekdays:
        return "weekdays"
    return "ends_on" if trouble.startswith(("It would end", "Its last day")) else "delay_days"


class NewCampaignForm(forms.Form):
    """What a campaign cannot do without; the rest is set on its page, before it is switched on."""

    name = forms.CharField(max_length=80, help_text="As your team calls it; buyers do not see it.")
    channel = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[
            (Channel.REQUEST_REVIEW.value, "Request a Review: Amazon writes, in the buyer's language"),
            (Channel.BUYER_EMAIL.value, "Buyer-Seller e-mail: your own letter"),
        ],
    )

    def __init__(self, *args: Any, seller_id: int, **kwargs: Any) -> None:
        self.seller_id = seller_id
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Campaign.objects.filter(seller=self.seller_id, name=name).exists():
            raise forms.ValidationError("Another of your campaigns has this name.")
        return name


def _limits_in_words(channel: Channel) -> str:
    if channel == Channel.REQUEST_REVIEW:
        return f"{EARLIEST} to {LATEST - 1}: Amazon takes review requests {EARLIEST} to {LATEST} days after delivery."
    return f"0 to {LATEST - 1}: Amazon allows messages until {LATEST} days after delivery."
