"""Template tags for the way of the notices: `{% load set_up %}`.

The card and the banner stand on pages of several views, so they fetch for themselves what they show.
"""

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone

from accounts.models import Seller
from optouts import addresses, watching
from optouts.silence import Verdict
from optouts.standing import standing_of

register = template.Library()


@register.inclusion_tag("optouts/silence_banner.html", takes_context=True)
def silence_banner(context: Context) -> dict[str, Any]:
    """Says that notices should have come and have not. At most two queries."""
    seller = context.get("seller")
    watch = watching.watch_of(seller) if isinstance(seller, Seller) else None
    if watch is None or watch.verdict == Verdict.OK:
        return {"sentence": ""}
    sentence = watching.sentence_of(watch, now=timezone.now())
    return {"sentence": sentence, "is_silent": watch.verdict == Verdict.SILENT}


@register.inclusion_tag("optouts/set_up_card.html", takes_context=True)
def set_up_card(context: Context) -> dict[str, Any]:
    """The opt-out card: the address, how its way stands, and the way to the set-up page. Six queries."""
    seller = context.get("seller")
    if not isinstance(seller, Seller):
        return {"standing": None}
    address = addresses.current_address(seller)
    return {
        "address": addresses.full_address(address) if address else "",
        "standing": standing_of(seller, now=timezone.now()),
        "can_change": context.get("can_change"),
        "can_own": context.get("can_own"),
    }
