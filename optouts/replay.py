"""Notices read again by today's rules, with the keys by which they were judged then (or with today's DNS).

For operators, after the rules have learnt something: what would come out differently? Applied are upgrades only, and
those through `intake.process` like any notice; nothing here takes an entry off the list or sends anything.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from accounts.rowsecurity import across_sellers
from optouts import intake, setup
from optouts.authenticity import Resolver
from optouts.decisions import Grade
from optouts.examination import Finding
from optouts.models import Notice
from optouts.reasons import Kind

GRADES: Final = [grade.value for grade in Grade]  # best first
WEIGHTLESS: Final = frozenset(
    kind.value
    for kind in (Kind.NOT_AN_OPT_OUT, Kind.OTHER_AMAZON, Kind.BUYER_MESSAGE, Kind.FORGED, Kind.MALFORMED,
                 Kind.FORWARDING_CONFIRMATION)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a notice was found to be."""

    kind: str
    grade: str
    template: str

    def __str__(self) -> str:
        return " ".join(word for word in (self.kind or "unread", self.grade, self.template) if word)

    @property
    def rank(self) -> tuple[int, int]:
        """The lower, the more follows from it."""
        if self.grade in GRADES and self.kind not in WEIGHTLESS and self.kind != Kind.PROBABLE_OPT_OUT:
            return 0, GRADES.index(self.grade)
        return (1 if self.kind == Kind.PROBABLE_OPT_OUT else 2), 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One notice that would be judged differently now."""

    notice_id: int
    before: Verdict
    after: Verdict
    is_applied: bool = False

    @property
    def is_upgrade(self) -> bool:
        """Whether it is proved better now. Another kind of proved notice is another thing, not a better one."""
        if self.before.rank[0] == 0 and self.before.kind != self.after.kind:
            return False
        return self.after.rank < self.before.rank

    def __str__(self) -> str:
        end = "applied" if self.is_applied else "upgrade" if self.is_upgrade else "not an upgrade: left as it is"
        return f"notice {self.notice_id}: {self.before} -> {self.after} ({end})"


def chosen(*, since: datetime | None = None, kind: str = "", status: str = "") -> QuerySet[Notice]:
    """The notices whose mail is still kept, oldest first. Look at them across sellers."""
    notices = Notice.objects.filter(raw_sealed__isnull=False).exclude(kind__in=["", setup.TEST_KIND]).order_by("pk")
    if since is not None:
        notices = notices.filter(received_at__gte=since)
    if kind:
        notices = notices.filter(kind=kind)
    return notices.filter(status=status) if status else notices


def replay(
    notice_ids: Iterable[int], *, resolver_for: Callable[[Notice], Resolver], now: datetime, is_dry: bool
) -> Iterator[Difference]:
    """Yield each difference; upgrades are carried out before they are yielded, unless `is_dry`.

    May be stopped and run again. A notice that a worker has in hand is left to the worker.
    """
    surroundings = intake.Surroundings()
    for notice_id in notice_ids:
        with across_sellers("a notice is read again"):
            notice = Notice.objects.filter(pk=notice_id, raw_sealed__isnull=False).first()
            if notice is None:
                continue
            resolver = resolver_for(notice)
            before = Verdict(notice.kind, notice.grade, notice.template)
            findings = intake.read(notice, intake.raw_of(notice), surroundings, resolver=resolver)
            after = min(map(_verdict, findings), key=_rank)
            if after == before:
                continue
            difference = Difference(notice_id, before, after)
            if is_dry or not difference.is_upgrade:
                yield difference
                continue
            Notice.objects.filter(pk=notice_id, look_at__isnull=True).update(look_at=now)
            is_applied = intake.process(notice_id, resolver=resolver, now=now) is not None
            yield Difference(notice_id, before, after, is_applied)


def _verdict(finding: Finding) -> Verdict:
    return Verdict(
        finding.kind.value, finding.grade.value if finding.grade else "", finding.template or finding.promotable or ""
    )


def _rank(verdict: Verdict) -> tuple[int, int]:
    return verdict.rank
