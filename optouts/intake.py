"""A notice becomes a decision.

`receiving` stores the bytes and nothing else, and a door says 250 only afterwards. `process` thinks:
examine (pure) -> `acting`: whose order? -> decide (pure) -> the gate. It may die anywhere and run again: the gate is
idempotent, and a notice stays in the queue (`look_at`) until its verdict is written.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from accounts import durability, secrets
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

MOST_CRASHES: Final = 3  # a mail that breaks its reader is not read for ever
UNREADABLE: Final = "The mail could not be read."


def waiting(*, now: datetime, limit: int = 500) -> list[int]:
    """The notices that want looking at, oldest first."""
    with across_sellers("which notices wait"):
        return list(Notice.objects.filter(look_at__lte=now).order_by("look_at").values_list("pk", flat=True)[:limit])


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
    """Examine one notice, act on it, write the verdict. None: not waiting, or another worker has it."""
    with across_sellers("a notice is processed"):
        leased = Notice.objects.filter(pk=notice_id, look_at__lte=now)
        with durability.soon():
            is_ours = leased.update(look_at=now + LEASE, crashes=F("crashes") + 1)
        if not is_ours:
            return None
        notice = Notice.objects.get(pk=notice_id)
        if notice.crashes > MOST_CRASHES:
            Notice.objects.filter(pk=notice_id).update(
                look_at=None, status=Notice.Status.QUARANTINED, reason=UNREADABLE, processed_at=now
            )
            return None
        if notice.raw_sealed is None:
            Notice.objects.filter(pk=notice_id).update(look_at=None)
            return None
        raw = raw_of(notice)
        if setup.recognise_test(notice, raw, now=now):
            return notice
        asked = readings.Asked(resolver)
        findings = read(notice, raw, resolver=asked)
        with transaction.atomic():
            outcomes = [act(notice, finding, now=now) for finding in findings]
            for number, (finding, outcome) in enumerate(zip(findings, outcomes, strict=True)):
                judged = readings.Judged(number, finding, outcome.status, outcome.reason, asked.answers)
                readings.record(notice, judged, now=now)
            _write(notice, findings, outcomes, now=now, leased_until=now + LEASE)
    log.info("notice_processed", notice=notice.pk, status=notice.status, grade=notice.grade, kind=notice.kind)
    return notice


def raw_of(notice: Notice) -> bytes:
    """The mail as it was received. Call only while it is kept (`raw_sealed`)."""
    assert notice.raw_sealed is not None
    return zlib.decompress(secrets.unseal("raw mail", notice.seller_id, notice.raw_sealed))


def read(notice: Notice, raw: bytes, *, resolver: Resolver) -> tuple[Finding, ...]:
    """What the mail is, says and proves, seen from its seller at the time of receipt. Acts on nothing."""
    return setup.capped(examine(raw, resolver=resolver, context=_context(notice)), notice)


def purge(*, now: datetime) -> int:
    """Erase the raw mail of notices whose time has come; returns how many. Verdicts and evidence stay."""
    with across_sellers("raw mail is purged"):
        return Notice.objects.filter(raw_sealed__isnull=False, purge_at__lte=now).update(raw_sealed=None)


def _context(notice: Notice) -> Context:
    mailboxes = SellerMailbox.objects.filter(seller_id=notice.seller_id, confirmed_at__isnull=False)
    return Context(
        is_inbound_address=lambda address: is_address_of(notice.seller_id, address),
        mailboxes=frozenset(mailbox.address for mailbox in mailboxes),
        now=notice.received_at,
        promoted=promotions.promoted(),
        is_handed_in=notice.source == Notice.Source.UPLOAD,
        our_domain=settings.INBOUND_DOMAIN,
    )


def _write(
    notice: Notice, findings: Iterable[Finding], outcomes: list[Outcome], *, now: datetime, leased_until: datetime
) -> None:
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
    notice.look_at, notice.order, notice.processed_at = outcome.look_at, outcome.order, now
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
    asked_meanwhile = Notice.objects.select_for_update().values_list("look_at", flat=True).get(pk=notice.pk)
    if asked_meanwhile != leased_until:
        notice.look_at = asked_meanwhile  # somebody confirmed its mailbox while it was read: read it once more
    notice.save()
