"""Why, for one order and each campaign: every check with its values, made by the engine at this moment. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import prefetch_related_objects

from campaigns.competing import Contender, compete
from campaigns.eligibility import Compiled, Decision, Verdict
from campaigns.eligibility.conditions import Condition
from campaigns.eligibility.sentences import why_not
from campaigns.eligibility.why_now import why_now
from campaigns.models import Campaign, FollowUp
from campaigns.surroundings import look_around
from campaigns.terms import contenders_among
from messaging import outbox
from orders.models import Order

FINAL: Final = "Its message does not wait any more: this is what was decided then."


@dataclass(frozen=True, slots=True)
class Explained:
    """What one campaign says of an order. `is_final`: its message does not wait any more, so this is what was decided
    then, and not what would be decided now."""

    campaign: Campaign
    verdict: Verdict
    checks: list[dict[str, Any]]
    due_at: datetime | None
    decided_at: datetime | None  # None: never stored yet
    until: datetime | None  # when it is looked at again though nothing has been reported
    is_final: bool
    version: int
    sentence: str  # the verdict


def explain(order: Order, *, now: datetime) -> list[Explained]:
    """By priority. About a dozen queries. What planning would decide at this moment; it may be a few seconds ahead of
    what is stored."""
    prefetch_related_objects([order], "items")
    around = look_around(order.seller_id, [order])
    live = around.live_of(order)
    if live is not None and around.messages[order.pk].status in outbox.IN_FLIGHT:
        live = None if live.owner is None else live.__class__(live.title, True, live.owner)
    outcome = compete(around.facts[order.pk], around.standing_of(order), around.contenders, live, now=now)
    found = []
    for contender in around.contenders:
        campaign, decision = around.campaigns[contender.pk], outcome.decisions.get(contender.pk)
        known = around.follow_ups.get((order.pk, contender.pk))
        if decision is not None:
            found.append(
                Explained(
                    campaign, decision.verdict, [check.to_json() for check in decision.checks], decision.due_at,
                    known.decided_at if known else None, decision.until, False, campaign.version,
                    _sentence(decision),
                )
            )  # fmt: skip
        elif known is not None:
            found.append(_as_decided(known, campaign))
    return found


def what_if(
    order: Order, campaign: Campaign, conditions: Sequence[Condition] | None, *, now: datetime
) -> Explained | None:
    """What `explain` would say of an order if this campaign were on and as it stands here, which need not be as it is
    stored; `conditions`: nor need its rules. None: there is a message that does not wait any more, so nothing would
    change. Writes nothing."""
    prefetch_related_objects([order], "items")
    around = look_around(order.seller_id, [order])
    live = around.live_of(order)
    if live is not None and live.is_settled:
        return None
    stored = contenders_among([campaign])[0]
    terms = replace(stored.compiled.terms, is_active=True)
    if conditions is not None:
        terms = replace(terms, conditions=tuple(conditions))
    places = {pk: (other.priority, pk) for pk, other in around.campaigns.items()}
    places[campaign.pk] = (campaign.priority, campaign.pk)
    changed = Contender(campaign.pk, Compiled(terms))
    others = (contender for contender in around.contenders if contender.pk != campaign.pk)
    contenders = sorted([*others, changed], key=lambda contender: places[contender.pk])
    outcome = compete(around.facts[order.pk], around.standing_of(order), contenders, live, now=now)
    decision = outcome.decisions[campaign.pk]
    checks = [check.to_json() for check in decision.checks]
    return Explained(
        campaign, decision.verdict, checks, decision.due_at, None, decision.until, False, campaign.version,
        _sentence(decision),
    )  # fmt: skip


def _sentence(decision: Decision) -> str:
    if decision.verdict is Verdict.ELIGIBLE:
        return f"It writes about this order: {why_now(decision.case)}."
    no = why_not([check.to_json() for check in decision.failed])
    return f"Not yet: {no}." if decision.verdict is Verdict.LATER else f"Not by this campaign: {no}."


def _as_decided(known: FollowUp, campaign: Campaign) -> Explained:
    return Explained(
        campaign, Verdict(known.verdict), known.checks, known.due_at, known.decided_at, None, True, known.version, FINAL
    )
