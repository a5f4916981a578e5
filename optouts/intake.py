"""A notice becomes a decision.

`receiving` stores the bytes and nothing else, and a door says 250 only afterwards. `process` thinks:
examine (pure) -> whose order? -> decide (pure) -> the gate. It may die anywhere and run again: the gate is idempotent,
and a notice stays in the queue (`look_at`) until its verdict is written.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F

from accounts import lookup, secrets
from accounts.rowsecurity import across_sellers
from optouts import gate, setup
from optouts.addresses import is_address_of, saw_mailbox
from optouts.authenticity import Resolver
from optouts.decisions import Decision, Effect, Grade, OrderState, decide
from optouts.examination import Context, Finding, examine
from optouts.models import Notice, SellerMailbox
from optouts.reasons import Kind
from optouts.receiving import KEPT_WAITING
from optouts.receiving import receive as receive
from orders.models import Order

log = structlog.get_logger(__name__)

WRITTEN_WITHIN: Final = timedelta(days=60)
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))  # then hourly
RETRY_FOR: Final = timedelta(hours=72)
PARKED_FOR: Final = timedelta(days=7)
PARKED_LOOK: Final = timedelta(minutes=10)
KEPT_APPLIED, KEPT_OTHER = timedelta(days=30), timedelta(days=7)
LEASE: Final = timedelta(minutes=2)
TRUSTED_MAILBOX: Final = frozenset({Grade.A3, Grade.A4_UNKNOWN})
NOT_FOR_A_PERSON: Final = frozenset({Kind.NOT_AN_OPT_OUT, Kind.OTHER_AMAZON, Kind.BUYER_MESSAGE})

MOST_CRASHES: Final = 3  # a mail that breaks its reader is not read for ever
UNREADABLE: Final = "The mail could not be read."
NOT_YET_TRUSTED: Final = "It waits for a person."
DNS_GAVE_UP: Final = "The signature could not be checked for three days."
PARKED_IN_VAIN: Final = "The order that it names was never read from Amazon."


def waiting(*, now: datetime, limit: int = 500) -> list[int]:
    """The notices that want looking at, oldest first."""
    with across_sellers("which notices wait"):
        return list(Notice.objects.filter(look_at__lte=now).order_by("look_at").values_list("pk", flat=True)[:limit])


def process(notice_id: int, *, resolver: Resolver, now: datetime) -> Notice | None:
    """Examine one notice, act on it, write the verdict. None: not waiting, or another worker has it."""
    with across_sellers("a notice is processed"):
        leased = Notice.objects.filter(pk=notice_id, look_at__lte=now)
        if not leased.update(look_at=now + LEASE, crashes=F("crashes") + 1):
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
        raw = zlib.decompress(secrets.unseal("raw mail", notice.seller_id, notice.raw_sealed))
        if setup.recognise_test(notice, raw, now=now):
            return notice
        findings = setup.capped(examine(raw, resolver=resolver, context=_context(notice)), notice)
        with transaction.atomic():
            verdicts = [_act(notice, finding, now=now) for finding in findings]
            _write(notice, findings, verdicts, now=now, leased_until=now + LEASE)
    log.info("notice_processed", notice=notice.pk, status=notice.status, grade=notice.grade, kind=notice.kind)
    return notice


def purge(*, now: datetime) -> int:
    """Erase the raw mail of notices whose time has come; returns how many. Verdicts and evidence stay."""
    with across_sellers("raw mail is purged"):
        return Notice.objects.filter(raw_sealed__isnull=False, purge_at__lte=now).update(raw_sealed=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one finding."""

    status: Notice.Status
    reason: str
    order: Order | None = None
    look_at: datetime | None = None


def _context(notice: Notice) -> Context:
    mailboxes = SellerMailbox.objects.filter(seller_id=notice.seller_id, confirmed_at__isnull=False)
    return Context(
        is_inbound_address=lambda address: is_address_of(notice.seller_id, address),
        mailboxes=frozenset(mailbox.address for mailbox in mailboxes),
        now=notice.received_at,
    )


def _act(notice: Notice, finding: Finding, *, now: datetime) -> Outcome:
    """Do what follows from one finding."""
    if finding.grade is Grade.T:
        return _retry(notice, finding, now=now)
    if finding.kind is not Kind.OPT_OUT or finding.grade is None or finding.order_id is None:
        is_waiting = finding.kind not in NOT_FOR_A_PERSON
        return Outcome(Notice.Status.QUARANTINED if is_waiting else Notice.Status.IGNORED, finding.reason.value)
    order, state = _whose(notice.seller_id, finding.order_id, now=now)
    if finding.alias and order and order.alias_key and lookup.alias_key(finding.alias) != order.alias_key:
        return Outcome(Notice.Status.QUARANTINED, "The buyer's address is not the one of this order.", order)
    decision = decide(finding.grade, state)
    if Effect.PARK in decision.effects:
        return _park(notice, decision, now=now)
    if order is not None and Effect.SUPPRESS_SELLER in decision.effects:
        _suppress(notice, finding, order, decision, now=now)
        return Outcome(Notice.Status.APPLIED, decision.reason, order)
    if Effect.ALARM in decision.effects:
        log.error("notice_about_a_foreign_order", notice=notice.pk, seller=notice.seller_id)
    return Outcome(Notice.Status.QUARANTINED, f"{finding.reason.value} {NOT_YET_TRUSTED}", order)


def _whose(seller_id: int, amazon_order_id: str, *, now: datetime) -> tuple[Order | None, OrderState]:
    """The order that a notice names, seen from this seller. The seller's own row always comes first."""
    named = Order.objects.filter(amazon_order_id=amazon_order_id)
    own = named.filter(seller_id=seller_id).first()
    if own is None:
        return None, OrderState.FOREIGN if named.exists() else OrderState.UNKNOWN
    written = own.last_written_at is not None and own.last_written_at > now - WRITTEN_WITHIN
    return own, OrderState.WRITTEN_TO if written else OrderState.OURS


def _suppress(notice: Notice, finding: Finding, order: Order, decision: Decision, *, now: datetime) -> None:
    reach = gate.Reach.SELLER
    if Effect.SUPPRESS_GLOBALLY in decision.effects:
        reach = gate.Reach.GLOBAL
    elif decision.effects & {Effect.GLOBAL_PENDING, Effect.GLOBAL_AFTER_CORROBORATION}:
        reach = gate.Reach.PENDING
    grade = finding.grade.value if finding.grade else ""
    gate.suppress(
        gate.Buyer(order.seller_id, order.amazon_order_id, order.order_key, order.alias_key),
        gate.Proof(f"notice {notice.pk}", gate.OPTED_OUT, grade, finding.fingerprint or "", finding.signed_at),
        reach=reach,
        now=now,
    )


def _retry(notice: Notice, finding: Finding, *, now: datetime) -> Outcome:
    if now - notice.received_at > RETRY_FOR:
        return Outcome(Notice.Status.QUARANTINED, DNS_GAVE_UP)
    pause = RETRIES[min(notice.attempts, len(RETRIES) - 1)]
    return Outcome(Notice.Status.RECEIVED, finding.reason.value, look_at=now + pause)


def _park(notice: Notice, decision: Decision, *, now: datetime) -> Outcome:
    if now - notice.received_at > PARKED_FOR:
        return Outcome(Notice.Status.QUARANTINED, PARKED_IN_VAIN)
    return Outcome(Notice.Status.PARKED, decision.reason, look_at=now + PARKED_LOOK)


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
    notice.template, notice.language = finding.template or "", finding.language or ""
    notice.fingerprint, notice.signed_at = finding.fingerprint or "", finding.signed_at
    notice.evidence = _evidence(finding)
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


def _evidence(finding: Finding) -> dict[str, Any]:
    """What proves the verdict, without an address: enough to verify again years later, given the raw mail."""
    return {
        "route": finding.route.value if finding.route else None,
        "detail": finding.detail,
        "signatures": [
            {
                "domain": signature.domain,
                "selector": signature.selector,
                "result": signature.result.value,
                "signed_at": signature.signed_at.isoformat() if signature.signed_at else None,
                "body_hash": signature.body_hash,
                "key_record": signature.key_record,
                "signed_headers": list(signature.signed_headers),
            }
            for signature in finding.signatures
        ],
    }
