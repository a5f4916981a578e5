"""Is this order to be followed up by this campaign, when, and why? The one engine that plans, explains and rehearses.
Pure.

`decide` compares until the answer is settled. Every check, also those after a no, with its values and words is made
when somebody asks for it (`Decision.checks`), by the very rows that were compared. What is a rule of the campaign may
be changed by the seller; what is a guard may not.
"""

from dataclasses import dataclass
from datetime import datetime

from campaigns.eligibility.checks import NOT_TOLD, Check, Reason, Verdict
from campaigns.eligibility.conditions import REASONS
from campaigns.eligibility.guards import ONE_REQUEST, Case, Guard, NoMatch, Standing, Terms, guards_for, language_for
from campaigns.eligibility.timing import Anchor, Timing, at_time_of_day, impossible
from orders.facts import OrderFacts

__all__ = [
    "NOT_TOLD",
    "Anchor",
    "Case",
    "Check",
    "Compiled",
    "Decision",
    "NoMatch",
    "Reason",
    "Standing",
    "Terms",
    "Timing",
    "Verdict",
    "at_time_of_day",
    "decide",
    "impossible",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows, and the case that it follows from."""

    verdict: Verdict
    case: Case
    compiled: "Compiled"

    @property
    def due_at(self) -> datetime | None:
        """None: nothing is to be sent."""
        return self.case.due_at if self.verdict is Verdict.ELIGIBLE else None

    @property
    def expires_at(self) -> datetime | None:
        return self.case.expires_at if self.verdict is Verdict.ELIGIBLE else None

    @property
    def by_letter(self) -> bool:
        """Else Request a Review: the campaign's own channel, or in place of a letter that has no template."""
        return self.case.by_letter

    @property
    def language(self) -> str | None:
        """Of the template; None: Amazon writes the text, or there is none."""
        return self.case.language

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check with its values, in the order in which a seller has to know them."""
        return self.compiled.explain(self.case)

    @property
    def failed(self) -> tuple[Check, ...]:
        return self.compiled.explain(self.case, failed_only=True)

    @property
    def until(self) -> datetime | None:
        """When looking again makes sense though nothing has been reported; None: when the order changes."""
        instants = [check.until for check in self.failed if check.may_turn and check.until]
        return min(instants) if self.verdict is Verdict.LATER and instants else None


class Compiled:
    """A campaign's terms, made ready to be asked about many orders."""

    __slots__ = ("_by_letter", "_by_request", "_cheapest_first", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._cheapest_first = tuple(sorted(terms.conditions, key=lambda condition: condition.cost))
        self._by_letter = guards_for(terms, by_letter=True)
        self._by_request = guards_for(terms, by_letter=False)

    def decide(self, facts: OrderFacts, standing: Standing, *, now: datetime, taken_by: str | None = None) -> Decision:
        """Same values in, same decision out. `taken_by` goes before what `standing` says."""
        case = self._case(facts, standing, taken_by, now)
        # The same rows as in `first_no` and `explain`; the rules first, for they turn most orders down, and cheaply.
        verdict = Verdict.ELIGIBLE
        for condition in self._cheapest_first:
            if not condition.passes(facts):
                if not condition.may_turn(facts):
                    return Decision(Verdict.NOT_ELIGIBLE, case, self)
                verdict = Verdict.LATER
        for guard in self._guards(case):
            if not guard.passes(case):
                if not guard.may_turn(case):
                    return Decision(Verdict.NOT_ELIGIBLE, case, self)
                verdict = Verdict.LATER
        return Decision(verdict if ONE_REQUEST.passes(case) else Verdict.NOT_ELIGIBLE, case, self)

    def first_no(self, case: Case) -> Reason | None:
        """The foremost of the checks that say no; None: none does. As `explain`, but without the words."""
        for guard in self._guards(case):
            if not guard.passes(case):
                return guard.reason
        for condition in self.terms.conditions:
            if not condition.passes(case.facts):
                return REASONS[condition.kind]
        return None if ONE_REQUEST.passes(case) else ONE_REQUEST.reason

    def explain(self, case: Case, *, failed_only: bool = False) -> tuple[Check, ...]:
        facts, every = case.facts, not failed_only
        guards = [guard.check(case) for guard in self._guards(case) if every or not guard.passes(case)]
        rules = [rule.check(facts) for rule in self.terms.conditions if every or not rule.passes(facts)]
        last = [ONE_REQUEST.check(case)] if every or not ONE_REQUEST.passes(case) else []
        return (*guards, *rules, *last)

    def _guards(self, case: Case) -> tuple[Guard, ...]:
        return self._by_letter if case.by_letter else self._by_request

    def _case(self, facts: OrderFacts, standing: Standing, taken_by: str | None, now: datetime) -> Case:
        terms = self.terms
        by_letter, language = terms.asks_by_letter, None
        if by_letter:
            language = language_for(facts, standing, terms)
            by_letter = language is not None or terms.no_match is NoMatch.SKIP
        return Case(facts, standing, terms, taken_by or standing.taken_by, by_letter, language, now)


def decide(facts: OrderFacts, standing: Standing, terms: Terms, *, now: datetime) -> Decision:
    """For one order; who asks about many keeps the `Compiled`."""
    return Compiled(terms).decide(facts, standing, now=now)
