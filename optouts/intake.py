"""A notice becomes a decision.

`receiving` stores the bytes and nothing else, and a door says 250 only afterwards. `read_claimed` thinks:
examine (pure) -> `acting`: whose order? -> decide (pure) -> the gate. It may die anywhere and run again: the gate is
idempotent, and a notice stays in the queue (`look_at`) until its verdict is written.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, prefetch_related_objects

from accounts import secrets
from accounts.rowsecurity import across_sellers
from optouts import promotions, readings, setup
from optouts.acting import Outcome, act
from optouts.addresses import is_address_of, saw_mailbox
from optouts.authenticity import Resolver
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from optouts.models import Notice, SellerMailbox
from optouts.receiving import KEPT_WAITING
from optouts.receiving import receive as receive
from orders.models import Order

log = structlog.get_logger(__name__)

KEPT_APPLIED, KEPT_OTHER = timedelta(days=30), timedelta(days=7)
LEASE: Final = timedelta(minutes=2)
TRUSTED_MAILBOX: Final = frozenset({Grade.A3, Grade.A4_UNKNOWN})

_WAITING: Final = """
with fresh as (
  select id from optouts_notice where look_at <= %(now)s and crashes = 0
  order by look_at limit %(most)s for update skip locked
), crashed as (
  select id from optouts_notice where look_at <= %(now)s and crashes > 0 and not exists (select from fresh)
  order by look_at limit 1 for update skip locked
), chosen as (select id from fresh union all select id from crashed)
"""
_THIS_ONE: Final = """
with chosen as (select id from optouts_notice where id = %(id)s and look_at <= %(now)s for update skip locked)
"""
_LEASE_THEM: Final = """
, soon as (select set_config('synchronous_commit', 'off', true))
update optouts_notice set look_at = %(now)s + %(lease)s, crashes = crashes + 1
from chosen, soon where optouts_notice.id = chosen.id returning optouts_notice.*
"""
MOST_CRASHES: Final = 3  # a mail that breaks its reader is not read for ever
VERDICT: Final = (
    "status", "reason", "order", "processed_at", "attempts", "kind", "grade", "amazon_order_id", "template", "language",
    "fingerprint", "signed_at", "evidence", "mailbox", "purge_at", "crashes",
)  # fmt: skip
UNREADABLE: Final = "The mail could not be read."


class Surroundings:
    """What notices of the same seller are read beside. Asked once for each seller, so keep it for a batch only."""

    def __init__(self) -> None:
        self._promoted: frozenset[str] | None = None
        self._mailboxes: dict[int, frozenset[str]] = {}
        self._own: dict[tuple[int, str], bool] = {}
        self._awaiting_tests: dict[int, bool] = {}

    def context(self, notice: Notice) -> Context:
        seller_id = notice.seller_id
        if self._promoted is None:
            self._promoted = promotions.promoted()
        if seller_id not in self._mailboxes:
            mailboxes = SellerMailbox.objects.filter(seller_id=seller_id, confirmed_at__isnull=False)
            self._mailboxes[seller_id] = frozenset(mailbox.address for mailbox in mailboxes)
        return Context(
            is_inbound_address=partial(self._is_address_of, seller_id),
            mailboxes=self._mailboxes[seller_id],
            now=notice.received_at,
            promoted=self._promoted,
            is_handed_in=notice.source == Notice.Source.UPLOAD,
            our_domain=settings.INBOUND_DOMAIN,
        )

    def awaits_test(self, notice: Notice, *, now: datetime) -> bool:
        """Does its seller wait for a test notice?"""
        if notice.seller_id not in self._awaiting_tests:
            self._awaiting_tests[notice.seller_id] = setup.awaits_test(notice.seller_id, now=now)
        return self._awaiting_tests[notice.seller_id]

    def _is_address_of(self, seller_id: int, address: str) -> bool:
        if (seller_id, address) not in self._own:
            self._own[seller_id, address] = is_address_of(seller_id, address)
        return self._own[seller_id, address]


def claim(most: int, *, now: datetime) -> list[Notice]:
    """Take the oldest notices that want looking at, for `read_claimed`. For a caller who sees all sellers' rows.

    One whose reader has crashed is taken alone, and after all others: if it does so again, it takes nothing with it.
    """
    return _lease(_WAITING, {"now": now, "most": most})


def wake_parked(*, now: datetime) -> int:
    """Have parked notices looked at whose order has been read meanwhile; returns how many.

    This is the look "at each import": the orders lie below and know no notices, so the rows are compared instead. Each
    parked notice costs one look into an index.
    """
    with across_sellers("whose order has come"):
        theirs = Order.objects.filter(seller_id=OuterRef("seller_id"), amazon_order_id=OuterRef("amazon_order_id"))
        parked = Notice.objects.filter(Exists(theirs), status=Notice.Status.PARKED, look_at__gt=now)
        return parked.update(look_at=now)


def process(notice_id: int, *, resolver: Resolver, now: datetime) -> Notice | None:
    """Examine one notice, act on it, write the verdict. None: not waiting, or another reader has it."""
    with across_sellers("a notice is processed"):
        for notice in _lease(_THIS_ONE, {"now": now, "id": notice_id}):
            if read_claimed(notice, Surroundings(), resolver=resolver, now=now):
                return notice
    return None


def read_claimed(notice: Notice, surroundings: Surroundings, *, resolver: Resolver, now: datetime) -> bool:
    """Examine a notice that was claimed, act on it, write the verdict. False: there is nothing to be read any more.

    For a caller who sees all sellers' rows, outside a transaction.
    """
    if notice.crashes > MOST_CRASHES:
        Notice.objects.filter(pk=notice.pk).update(
            look_at=None, status=Notice.Status.QUARANTINED, reason=UNREADABLE, processed_at=now
        )
        return False
    if notice.raw_sealed is None:
        Notice.objects.filter(pk=notice.pk).update(look_at=None)
        return False
    raw = raw_of(notice)
    if surroundings.awaits_test(notice, now=now) and setup.recognise_test(notice, raw, now=now):
        return True
    asked = readings.Asked(resolver)
    findings = read(notice, raw, surroundings, resolver=asked)
    with transaction.atomic():
        outcomes = [act(notice, finding, now=now) for finding in findings]
        for number, (finding, outcome) in enumerate(zip(findings, outcomes, strict=True)):
            judged = readings.Judged(number, finding, outcome.status, outcome.reason, asked.answers)
            readings.record(notice, judged, now=now)
        _write(notice, findings, outcomes, now=now)
    log.info("notice_processed", notice=notice.pk, status=notice.status, grade=notice.grade, kind=notice.kind)
    return True


def _lease(chosen: str, parameters: dict[str, object]) -> list[Notice]:
    """Those of the chosen notices that nobody else holds, ours for a while. Each counts as a crash until it is read.

    The commit need not wait for the disk: a lease that is lost with the machine has been held by a process of it.
    """
    rows = Notice.objects.raw(chosen + _LEASE_THEM, parameters | {"lease": LEASE})
    claimed = sorted(rows, key=attrgetter("received_at", "pk"))
    prefetch_related_objects(claimed, "address")
    return claimed


def raw_of(notice: Notice) -> bytes:
    """The mail as it was received. Call only while it is kept (`raw_sealed`)."""
    assert notice.raw_sealed is not None
    return zlib.decompress(secrets.unseal("raw mail", notice.seller_id, notice.raw_sealed))


def read(notice: Notice, raw: bytes, surroundings: Surroundings, *, resolver: Resolver) -> tuple[Finding, ...]:
    """What the mail is, says and proves, seen from its seller at the time of receipt. Acts on nothing."""
    return setup.capped(examine(raw, resolver=resolver, context=surroundings.context(notice)), notice)


def purge(*, now: datetime) -> int:
    """Erase the raw mail of notices whose time has come; returns how many. Verdicts and evidence stay."""
    with across_sellers("raw mail is purged"):
        return Notice.objects.filter(raw_sealed__isnull=False, purge_at__lte=now).update(raw_sealed=None)


def _write(notice: Notice, findings: Iterable[Finding], outcomes: list[Outcome], *, now: datetime) -> None:
    """One verdict for the notice: of several findings the one that a person has to know about first."""
    urgency = [
        Notice.Status.RECEIVED,
        Notice.Status.QUARANTINED,
        Notice.Status.PARKED,
        Notice.Status.APPLIED,
        Notice.Status.IGNORED,
    ]
    finding, outcome = min(zip(findings, outcomes, strict=True), key=lambda pair: urgency.index(pair[1].status))
    notice.status, notice.reason = outcome.status, outcome.reason[:200]
    leased_until = notice.look_at
    notice.look_at = min((each.look_at for each in outcomes if each.look_at), default=None)  # of any that waits
    notice.order, notice.processed_at = outcome.order, now
    notice.attempts += 1
    notice.kind, notice.grade = finding.kind.value, finding.grade.value if finding.grade else ""
    notice.amazon_order_id = finding.order_id or ""
    notice.template, notice.language = finding.template or finding.promotable or "", finding.language or ""
    notice.fingerprint, notice.signed_at = finding.fingerprint or "", finding.signed_at
    notice.evidence = readings.evidence(finding)
    setup.keep_confirmation(notice, finding, now=now)
    if finding.grade in TRUSTED_MAILBOX and finding.signed_to:
        notice.mailbox = saw_mailbox(notice.seller_id, finding.signed_to, now=now)
    kept = {Notice.Status.APPLIED: KEPT_APPLIED, Notice.Status.IGNORED: KEPT_OTHER}.get(outcome.status, KEPT_WAITING)
    notice.purge_at = notice.received_at + kept
    if outcome.order and outcome.order.alias_purge_at and outcome.status == Notice.Status.APPLIED:
        notice.purge_at = min(notice.purge_at, max(outcome.order.alias_purge_at, now))  # it quotes buyer and order
    notice.crashes = 0
    verdict = {name: getattr(notice, name) for name in VERDICT}
    of_the_notice = Notice.objects.filter(pk=notice.pk)
    if not of_the_notice.filter(look_at=leased_until).update(**verdict, look_at=notice.look_at):
        of_the_notice.update(**verdict)  # somebody asked for another look while it was read, and gets it
        notice.refresh_from_db(fields=["look_at"])
