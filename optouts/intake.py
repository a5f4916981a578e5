"""A notice becomes a decision.

`receiving` stores the bytes and nothing else, and a door says 250 only afterwards. `read_claimed` thinks:
examine (pure) -> `acting`: whose order? -> decide (pure) -> the gate. It may die anywhere and run again: the gate is
idempotent, and a notice stays in the queue (`look_at`) until its verdict is written.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts import secrets
from accounts.prepared import Call, Prepared, rows_of_last
from accounts.rowsecurity import across_sellers
from optouts import readings, setup
from optouts.acting import Outcome, act
from optouts.addresses import saw_mailbox
from optouts.authenticity import Resolver
from optouts.beside import Surroundings as Surroundings
from optouts.claims import LEASE as LEASE
from optouts.claims import claim as claim
from optouts.claims import claim_one
from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.models import Notice
from optouts.receiving import KEPT_WAITING
from optouts.receiving import receive as receive
from orders.models import Order

log = structlog.get_logger(__name__)

KEPT_APPLIED, KEPT_OTHER = timedelta(days=30), timedelta(days=7)
TRUSTED_MAILBOX: Final = frozenset({Grade.A3, Grade.A4_UNKNOWN})

MOST_CRASHES: Final = 3  # a mail that breaks its reader is not read for ever
UNREADABLE: Final = "The mail could not be read."
_VERDICT: Final = {
    "status": "text", "reason": "text", "order_id": "bigint", "processed_at": "timestamptz", "attempts": "smallint",
    "kind": "text", "grade": "text", "amazon_order_id": "text", "template": "text", "language": "text",
    "fingerprint": "text", "signed_at": "timestamptz", "evidence": "jsonb", "mailbox_id": "bigint",
    "purge_at": "timestamptz", "crashes": "smallint",
}  # fmt: skip
# Somebody who asked for another look while the notice was read has moved `look_at`, and gets it. Parameters: the
# notice, until when it was leased, when it is to be looked at next, and the verdict.
_WRITE: Final = Prepared(
    "write_verdict",
    ("bigint", "timestamptz", "timestamptz", *_VERDICT.values()),
    f"""
update optouts_notice set {", ".join(f"{name} = ${number}" for number, name in enumerate(_VERDICT, start=4))},
  look_at = case when look_at = $2 then $3 else look_at end
where id = $1 returning look_at
""",  # noqa: S608 (the names are our own)
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a notice is written down and committed. `entries` of the list stand behind it, old ones and new."""

    entries: tuple[int, ...] = ()


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
        for notice in claim_one(notice_id, now=now):
            if read_claimed(notice, Surroundings(), resolver=resolver, now=now):
                return notice
    return None


def read_claimed(notice: Notice, surroundings: Surroundings, *, resolver: Resolver, now: datetime) -> Verdict | None:
    """Examine a notice that was claimed, act on it, write the verdict. None: there is nothing to be read any more.

    For a caller who sees all sellers' rows, outside a transaction.
    """
    if notice.crashes > MOST_CRASHES:
        Notice.objects.filter(pk=notice.pk).update(
            look_at=None, status=Notice.Status.QUARANTINED, reason=UNREADABLE, processed_at=now
        )
        return None
    if notice.raw_sealed is None:
        Notice.objects.filter(pk=notice.pk).update(look_at=None)
        return None
    raw = raw_of(notice)
    if surroundings.awaits_test(notice, now=now) and setup.recognise_test(notice, raw, now=now):
        return Verdict()
    asked = readings.Asked(resolver)
    findings = read(notice, raw, surroundings, resolver=asked)
    with transaction.atomic():
        outcomes = [act(notice, finding, now=now) for finding in findings]
        judged = [
            readings.Judged(number, finding, outcome.status, outcome.reason, asked.answers)
            for number, (finding, outcome) in enumerate(zip(findings, outcomes, strict=True))
        ]
        _write(notice, findings, outcomes, [readings.to_record(notice, each, now=now) for each in judged], now=now)
    log.info("notice_processed", notice=notice.pk, status=notice.status, grade=notice.grade, kind=notice.kind)
    return Verdict(tuple(entry for outcome in outcomes for entry in outcome.entries))


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


def _write(
    notice: Notice, findings: Iterable[Finding], outcomes: list[Outcome], record: Iterable[Call], *, now: datetime
) -> None:
    """One verdict for the notice: of several findings the one that a person has to know about first. Records all."""
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
    verdict = {name: getattr(notice, name) for name in _VERDICT} | {"evidence": json.dumps(notice.evidence)}
    write = Call(_WRITE, [notice.pk, leased_until, notice.look_at, *verdict.values()])
    [(notice.look_at,)] = rows_of_last(*record, write)
