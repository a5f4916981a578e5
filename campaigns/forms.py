"""What a seller may change of a campaign, with Amazon's time limits checked before anything is saved."""

from dataclasses import replace
from typing import Any

from django import forms

from campaigns.eligibility import EARLIEST_AFTER_DELIVERY, LATEST_AFTER_DELIVERY
from campaigns.lifecycle import Wishes
from campaigns.models import Campaign
from messaging.models import Channel

EARLIEST, LATEST = EARLIEST_AFTER_DELIVERY.days, LATEST_AFTER_DELIVERY.days


class CampaignForm(forms.Form):
    """Name, days after delivery, time of day. Whether it is active is changed by the switch, which asks first."""

    name = forms.CharField(max_length=80, help_text="As your team calls it; buyers do not see it.")
    delay_days = forms.IntegerField(label="Days after delivery", min_value=0, max_value=999)
    send_at = forms.TimeField(
        label="Time of day",
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text="On the clocks of the buyer's marketplace. Leave it empty to send as soon as an order is due.",
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        self.campaign = campaign
        kwargs.setdefault(
            "initial", {"name": campaign.name, "delay_days": campaign.delay_days, "send_at": campaign.send_at}
        )
        super().__init__(*args, **kwargs)
        self.fields["delay_days"].help_text = _limits_in_words(Channel(campaign.channel))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Campaign.objects.filter(seller=self.campaign.seller_id, name=name).exclude(pk=self.campaign.pk).exists():
            raise forms.ValidationError("Another of your campaigns has this name.")
        return name

    def clean_delay_days(self) -> int:
        days: int = self.cleaned_data["delay_days"]
        if self.campaign.channel == Channel.REQUEST_REVIEW and days < EARLIEST:
            raise forms.ValidationError(
                f"Amazon takes review requests from {EARLIEST} days after delivery on: {_in_days(days)} would be "
                f"{_in_days(EARLIEST - days)} too early. Choose {EARLIEST} to {LATEST - 1}."
            )
        if days >= LATEST:
            least = EARLIEST if self.campaign.channel == Channel.REQUEST_REVIEW else 0
            over = days - LATEST
            when = "exactly when that time ends" if over == 0 else f"{_in_days(over)} after that time has ended"
            raise forms.ValidationError(
                f"Amazon's time for an order ends {LATEST} days after delivery: {_in_days(days)} would be {when}, so "
                f"nothing would ever be sent. Choose {least} to {LATEST - 1}."
            )
        return days

    def wishes(self) -> Wishes:
        """What is wanted; the campaign stays on or off as it is. Call when valid."""
        return replace(Wishes.of(self.campaign), **self.cleaned_data)


def _in_days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _limits_in_words(channel: Channel) -> str:
    if channel == Channel.REQUEST_REVIEW:
        return f"{EARLIEST} to {LATEST - 1}: Amazon takes review requests {EARLIEST} to {LATEST} days after delivery."
    return f"0 to {LATEST - 1}: Amazon allows messages until {LATEST} days after delivery."
