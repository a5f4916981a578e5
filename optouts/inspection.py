"""What `inspect_mail` says about one mail: a rule. Raw bytes and what a deployment knows -> one line of the answer.

Flow: `.eml` file -> [inspection] -> examination -> one JSON object. The words are those of the example mails' README:
a probable opt-out is an `optout` too, and grade and reason tell what the pipeline would do with it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from accounts.keys import ALIAS_DOMAINS
from optouts.arc import TRUSTED_SEALERS
from optouts.authenticity import AMAZON_DOMAINS, Resolver, SignatureResult
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from optouts.rawgate import GateRefusal, RawMessage, inspect, parse_mailbox
from optouts.reasons import Kind
from optouts.unwrapping import Route

_KINDS = {
    Kind.OPT_OUT: "optout",
    Kind.PROBABLE_OPT_OUT: "optout",
    Kind.FORWARDING_CONFIRMATION: "forwarding_confirmation",
    Kind.FORGED: "forged",
    Kind.MALFORMED: "malformed",
}
_VERIFIED = frozenset({SignatureResult.PASSED, SignatureResult.TOO_OLD, SignatureResult.FROM_THE_FUTURE})
_ADDRESS = re.compile(rb"[A-Za-z0-9._+=-]{1,100}@[A-Za-z0-9.-]{1,100}")
_RECEIVED_FOR = re.compile(rb"\sfor\s+<([^<>\s]{1,200})>")
_STAMP = re.compile(rb"[\s;]t=([0-9]{10})(?![0-9])")
_MAX_STAMPS = 500


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deployment knows: its domain, its sellers' inbound addresses with their mailboxes, the trusted sealers.

    `tenants` maps an inbound address to registered mailboxes, all in lower case.
    """

    our_domain: str = ""
    tenants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    trusted_sealers: frozenset[str] = TRUSTED_SEALERS

    @classmethod
    def from_json(cls, known: Any) -> "Deployment":
        """Read the form of the example mails' `context.json`. Raises ValueError when it is another form."""
        try:
            return cls(
                str(known.get("our_domain", "")).lower(),
                {
                    str(tenant["inbound"]).lower(): frozenset(str(box).lower() for box in tenant.get("mailboxes", ()))
                    for tenant in known.get("tenants", ())
                },
                frozenset(map(str, known.get("trusted_arc_sealers", TRUSTED_SEALERS))),
            )
        except (AttributeError, KeyError, TypeError) as trouble:
            raise ValueError("The context has not the form of context.json.") from trouble

    def context(self, raw: bytes) -> Context:
        """Return what the seller knows whose inbound address `raw` names as its receiver."""
        message = inspect(raw)
        candidates = _receivers(message) if isinstance(message, RawMessage) else ()
        own = next((address for address in candidates if address in self.tenants), None)
        return Context(
            is_inbound_address=self._is_ours(own),
            mailboxes=self.tenants[own] if own else frozenset(),
            now=received_at(raw, message if isinstance(message, RawMessage) else None),
            trusted_sealers=self.trusted_sealers,
            our_domain=self.our_domain if own is not None else "",
        )

    def _is_ours(self, own: str | None) -> Callable[[str], bool]:
        if own is not None or not self.our_domain:
            return lambda address: address == own
        return lambda address: address.endswith(f"@{self.our_domain}")


_PROBABLE: Final = "Probable opt-out, quarantined for a person to decide: "


def describe(raw: bytes, *, resolver: Resolver, deployment: Deployment) -> dict[str, Any]:
    """Return kind, order ids, aliases, authenticity, grade and reason of one mail.

    Of several attached originals the lists hold all ids and aliases, and the grade is the weakest.
    """
    context = deployment.context(raw)
    findings = examine(raw, resolver=resolver, context=context)
    notices = [finding for finding in findings if _kind(finding) == "optout"]
    told = min(notices or findings, key=lambda finding: -_weakness(finding))
    return {
        "kind": _kind(told),
        "order_ids": sorted({finding.order_id for finding in notices if finding.order_id}),
        "buyer_aliases": sorted({finding.alias for finding in notices if finding.alias}),
        "authenticity": _authenticity(told, raw, context, knows_us=bool(deployment.tenants)),
        "grade": told.grade.value if told.grade else None,
        "reason": _PROBABLE + told.reason.value if told.kind is Kind.PROBABLE_OPT_OUT else told.reason.value,
    }


def received_at(raw: bytes, message: RawMessage | None) -> datetime:
    """Return the moment as of which to judge the mail: a minute after its topmost Received says that it came.

    Without one, a minute after its newest signature, and the clock only for a mail without either. The topmost Received
    is our own server's (or the one of the mailbox that a file was saved from): a signature dated after it is no better
    here than in the pipeline.
    """
    arrived = _date_of(message.get("received")) if message is not None else None
    if arrived is None:
        stamps = (int(match[1]) for _, match in zip(range(_MAX_STAMPS), _STAMP.finditer(raw), strict=False))
        arrived = max((datetime.fromtimestamp(stamp, UTC) for stamp in stamps), default=None)
    return arrived + timedelta(minutes=1) if arrived is not None else datetime.now(UTC)


def _date_of(received: bytes | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime((received or b"").rpartition(b";")[2][:100].decode("ascii"))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment if 2000 < moment.year < 9000 else None
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None


def _receivers(message: RawMessage) -> tuple[str, ...]:
    """Return the addresses that the mail names as its receiver, the most telling first."""
    found: list[bytes] = []
    for name in ("delivered-to", "x-original-to", "x-forwarded-to", "envelope-to"):
        found += [address for value in message.all(name) for address in _ADDRESS.findall(value)[:5]]
    found += [match[1] for value in message.all("received") if (match := _RECEIVED_FOR.search(value[:2_000]))]
    found += [address for value in message.all("to") for address in _ADDRESS.findall(value[:4_000])[:20]]
    return tuple(address.decode("ascii", "replace").lower() for address in found)


def _kind(finding: Finding) -> str:
    return _KINDS.get(finding.kind, "not_optout")


def _weakness(finding: Finding) -> int:
    return list(Grade).index(finding.grade) if finding.grade else len(Grade)


def _authenticity(finding: Finding, raw: bytes, context: Context, *, knows_us: bool) -> str:
    """Return what ties the content to Amazon (or to the provider, for a question of its)."""
    if finding.kind is Kind.FORGED:
        return "failed"
    if finding.route is Route.BY_HAND:
        return "unauthenticated"
    message = inspect(raw)
    if isinstance(message, GateRefusal):
        return "failed" if b"amazon." in raw[:4_000].lower() else "unauthenticated"
    verified = {signature.domain for signature in finding.signatures if signature.result in _VERIFIED}
    if finding.route is Route.ATTACHED:
        return "forwarded_dkim" if verified & AMAZON_DOMAINS else "unauthenticated"
    known = AMAZON_DOMAINS | ALIAS_DOMAINS
    if verified & known or (verified and finding.kind is Kind.FORWARDING_CONFIRMATION):
        recipient = parse_mailbox(message.get("to") or b"")
        is_direct = finding.route is Route.DIRECT
        if recipient is not None and knows_us:
            is_direct = context.is_inbound_address(recipient)
        return "direct_dkim" if is_direct else "forwarded_dkim"
    if finding.chain is not None and finding.chain.vouches:
        return "arc"
    if message.sender_domain not in known or finding.grade is Grade.T:
        return "unauthenticated"
    return "failed"
