"""Rows of campaigns as terms for the engine. A rule is parsed once per process: its row is replaced, never changed."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.db.models import prefetch_related_objects

from campaigns.competing import Contender
from campaigns.eligibility import Anchor, Compiled, NoMatch, Terms, Timing
from campaigns.eligibility.conditions import AnyOf, Condition, Operator, RuleKind, parse
from campaigns.models import Campaign, Rule
from campaigns.rendering import Source
from messaging.models import Channel

MOST_KEPT: Final = 1_000_000  # members of lists, over all rules of all sellers: about 120 MB


class ParsedRules:
    """The conditions of rules by their id, the longest unused thrown out first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Condition] = OrderedDict()
        self._size = 0

    def of(self, ids: Iterable[int]) -> dict[int, Condition]:
        """One query for those that are not known yet."""
        wanted = set(ids)
        found = {pk: self._kept[pk] for pk in wanted if pk in self._kept}
        for pk in found:
            self._kept.move_to_end(pk)
        for rule in Rule.objects.filter(pk__in=wanted - set(found)) if len(found) < len(wanted) else ():
            found[rule.pk] = self._keep(rule.pk, condition_of(rule))
        return found

    def _keep(self, pk: int, condition: Condition) -> Condition:
        self._kept[pk] = condition
        self._size += _size(condition)
        while self._size > MOST_KEPT and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _size(oldest)
        return condition


def _size(condition: Condition) -> int:
    return len(condition.values) if isinstance(condition, AnyOf) else 1


_parsed: Final = ParsedRules()


def condition_of(rule: Rule) -> Condition:
    return parse(RuleKind(rule.kind), Operator(rule.operator), rule.values)


def contenders_among(campaigns: Sequence[Campaign]) -> list[Contender]:
    """These campaigns, ready to be asked, by priority. Three queries for any number; one less where the rules are
    known, and one where the templates are loaded."""
    prefetch_related_objects(list(campaigns), "templates")
    ids = [campaign.pk for campaign in campaigns]
    rules: dict[int, list[int]] = {pk: [] for pk in ids}
    for campaign_id, rule_id in Rule.objects.filter(campaign__in=ids).order_by("id").values_list("campaign_id", "id"):
        rules[campaign_id].append(rule_id)
    conditions = _parsed.of(pk for found in rules.values() for pk in found)
    return [
        contender_of(
            campaign,
            [conditions[pk] for pk in rules[campaign.pk]],
            {template.language: template.source for template in campaign.templates.all()},
        )
        for campaign in sorted(campaigns, key=lambda campaign: (campaign.priority, campaign.pk))
    ]


def contender_of(campaign: Campaign, conditions: Sequence[Condition], letters: Mapping[str, Source]) -> Contender:
    """`letters` by language."""
    terms = terms_of(campaign, conditions, letters)
    is_paused = campaign.status == Campaign.Status.PAUSED
    return Contender(campaign.pk, Compiled(terms), Compiled(replace(terms, is_active=True)) if is_paused else None)


def terms_of(campaign: Campaign, conditions: Sequence[Condition], letters: Mapping[str, Source]) -> Terms:
    """The campaign as its row says, saved or not."""
    return Terms(
        name=campaign.name,
        is_active=campaign.status == Campaign.Status.ACTIVE,
        asks_by_letter=campaign.channel == Channel.BUYER_EMAIL,
        timing=timing_of(campaign),
        conditions=tuple(conditions),
        marketplaces=frozenset(campaign.marketplaces),
        languages=frozenset(letters),
        letters=letters,
        no_match=NoMatch(campaign.no_match),
        takes_since=campaign.takes_since,
        state=Campaign.Status(campaign.status).label.lower(),
    )


def timing_of(campaign: Campaign) -> Timing:
    return Timing(
        delay=timedelta(days=campaign.delay_days, hours=campaign.delay_hours),
        after=Anchor(campaign.after),
        send_at=campaign.send_at,
        weekdays=frozenset(int(day) for day in campaign.weekdays),
        quiet_from=campaign.quiet_from,
        quiet_until=campaign.quiet_until,
        starts_on=campaign.starts_on,
        ends_on=campaign.ends_on,
    )
