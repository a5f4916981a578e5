"""One order before all campaigns of its seller: who takes it. Pure. Planning, the rehearsal and "Why?" all ask here.

Campaigns are asked in the order of their priority, and the first that the order fits takes it; those after it are told
who has won. What was sent is final, and so is the decision that led to it. A paused campaign keeps what waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns.eligibility import Compiled, Decision, Standing, Verdict
from orders.facts import OrderFacts


@dataclass(frozen=True, slots=True)
class Contender:
    """A campaign that asks for orders. `if_resumed` of a paused one: its terms as they were if it were active."""

    pk: int
    compiled: Compiled
    if_resumed: Compiled | None = None

    @property
    def name(self) -> str:
        return self.compiled.terms.name


@dataclass(frozen=True, slots=True)
class Live:
    """The message that an order has already. `is_settled`: it does not wait any more."""

    title: str
    is_settled: bool
    owner: int | None  # its campaign


@dataclass(frozen=True, slots=True)
class Outcome:
    """What each campaign decides, by its id; who takes the order, and who keeps it though it is paused."""

    decisions: dict[int, Decision]
    winner: Contender | None
    keeper: Contender | None


def compete(
    facts: OrderFacts, standing: Standing, contenders: Sequence[Contender], live: Live | None, *, now: datetime
) -> Outcome:
    """Same values in, same outcome out. `contenders` by priority."""
    taken_by = live.title if live is not None and live.is_settled else None
    owner = live.owner if live is not None else None
    decisions: dict[int, Decision] = {}
    winner = keeper = None
    for contender in contenders:
        is_owner = contender.pk == owner
        if is_owner and live is not None and live.is_settled:
            continue
        decision = contender.compiled.decide(facts, standing, now=now, taken_by=taken_by)
        decisions[contender.pk] = decision
        if decision.verdict is Verdict.ELIGIBLE:
            winner, taken_by = contender, contender.name
        elif is_owner and contender.if_resumed is not None:
            kept = contender.if_resumed.decide(facts, standing, now=now, taken_by=taken_by)
            if kept.verdict is Verdict.ELIGIBLE:
                keeper, taken_by = contender, f"{contender.name} (paused)"
    return Outcome(decisions, winner, keeper)
