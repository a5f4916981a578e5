"""`[Important]`: the token by which a critical mail may reach a buyer who has opted out, and what is in force. Pure.

Only a critical message, written by a person about one order, may carry it; no campaign and no template ever does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

ENGLISH: Final = "[Important]"  # Amazon takes it in every marketplace
TOKENS: Final = {
    "de": "[Wichtig]",
    "es": "[Importante]",
    "fr": "[Important]",
    "it": "[Importante]",
    "ja": "[重要]",
    "zh": "[重要]",
}
"""By language, where Amazon's own texts have been seen to name it (AMAZON.md 4.4); brackets of half width."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is in force from a day on. `effect` is a value of `messaging.models.ImportantPolicy.Effect`."""

    marketplace_id: str  # empty: all
    since: date
    effect: str
    sentence: str
    source: str

    @property
    def is_gone(self) -> bool:
        return self.effect == "gone"


KNOWN: Final = (
    Policy(
        "",
        date(2017, 5, 16),
        "works",
        "A mail with [Important] in its subject, written for a critical reason, reaches a buyer who has opted out.",
        "Amazon's help page on Buyer-Seller Messaging, 16 May 2017",
    ),
    Policy(
        "",
        date(2025, 4, 25),
        "gone",
        "Amazon has removed the option to add [Important] to the subject line and override the buyer's preference.",
        "Amazon's announcement to sellers, spring 2025",
    ),
    Policy(
        "",
        date(2026, 9, 10),
        "disputed",
        "Amazon announced in spring 2025 that [Important] has no effect any more, but its own opt-out notices still "
        "advise it. Such a mail may be stopped.",
        "Amazon's announcement of spring 2025, and its opt-out notice of 10 September 2026",
    ),
)
"""What was known when this was written; operators add what comes later (`messaging.models.ImportantPolicy`)."""


def token(language: str) -> str:
    """The token in this language; the English one where Amazon's word is not known."""
    return TOKENS.get(language, ENGLISH)


def in_force(policies: Iterable[Policy], marketplace_id: str, *, day: date) -> Policy | None:
    """The newest policy that has begun: the marketplace's own before that for all. None: nothing is known."""
    begun = [policy for policy in policies if policy.since <= day and policy.marketplace_id in ("", marketplace_id)]
    # Of two of one day the later in the list: an operator's own word goes before ours.
    return max(reversed(begun), key=lambda policy: (bool(policy.marketplace_id), policy.since), default=None)
