"""Every examination of a notice, written down for good, with the key records that judged it.

Written by `intake` in the transaction of the verdict; read by `replay`, and by whoever asks years later why a buyer
is on the list. A row holds hashes, key records and reasons, and no address.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from accounts import keys, lookup
from accounts.prepared import Call, Prepared
from optouts.authenticity import DnsTrouble, Resolver, key_in
from optouts.examination import Finding
from optouts.models import Notice, NoticeReading
from optouts.reasons import Reason

NOT_RULES: Final = frozenset({"admin", "apps", "forms", "models", "tasks", "urls"})
_COLUMNS: Final = {
    "seller_id": "bigint", "notice_id": "bigint", "number": "smallint", "kind": "text", "grade": "text",
    "reason": "text", "outcome": "text", "status": "text", "order_key": "uuid", "template": "text",
    "fingerprint": "text", "evidence": "jsonb", "parser": "text", "at": "timestamptz",
}  # fmt: skip
_RECORD: Final = Prepared(
    "record_reading",
    tuple(_COLUMNS.values()),
    f"""
insert into optouts_noticereading ({", ".join(_COLUMNS)})
values ({", ".join(f"${number}" for number, _ in enumerate(_COLUMNS, start=1))}) returning id
""",  # noqa: S608 (the names are our own)
)


@cache
def parser_version() -> str:
    """Names the rules by which a mail is judged: changes with every change of a module of this package."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for module in sorted(here.glob("*.py")):
        if module.stem not in NOT_RULES:
            digest.update(module.name.encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()[:16]


class Asked:
    """A resolver that passes questions on and keeps the answers, so that they can be given again years later.

    A record that is no key (too long, or no plain text) is kept as none at all, and judges the mail as none would.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.answers: dict[str, str | None] = {}

    def txt(self, name: str, /) -> bytes | None:
        """Return what the resolver returns. Trouble is no answer and is not kept."""
        record = key_in(self._resolver.txt(name))
        self.answers[_canonical(name)] = None if record is None else record.decode("ascii")
        return record


@dataclass(frozen=True, slots=True)
class Judged:
    """One finding of one examination, what was decided about it, and what the DNS had said."""

    number: int
    finding: Finding
    status: Notice.Status
    outcome: str
    answers: Mapping[str, str | None]


def to_record(notice: Notice, judged: Judged, *, now: datetime) -> Call:
    """What writes down one finding of one examination, for good."""
    finding = judged.finding
    is_order = finding.order_id is not None and keys.is_order_id(finding.order_id)
    row = {
        "seller_id": notice.seller_id,
        "notice_id": notice.pk,
        "number": judged.number,
        "kind": finding.kind.value,
        "grade": finding.grade.value if finding.grade else "",
        "reason": finding.reason.value[:200],
        "outcome": judged.outcome[:200],
        "status": judged.status.value,
        "order_key": lookup.order_key(notice.seller_id, finding.order_id or "") if is_order else None,
        "template": (finding.template or finding.promotable or "")[:40],
        "fingerprint": finding.fingerprint or "",
        "evidence": json.dumps(evidence(finding) | {"answers": dict(judged.answers)}),
        "parser": parser_version(),
        "at": now,
    }
    return Call(_RECORD, [row[name] for name in _COLUMNS])


def evidence(finding: Finding) -> dict[str, Any]:
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


def first_seen(notice: Notice, reason: Reason) -> datetime | None:
    """When a reading of this notice first came to this reason; None: never yet."""
    seen = NoticeReading.objects.filter(notice_id=notice.pk, reason=reason.value).order_by("id")
    return seen.values_list("at", flat=True).first()


class KeptKeys:
    """A resolver that answers with the key records that earlier readings of a notice have kept.

    What was looked up and found missing is missing; what could never be looked up is still trouble.
    """

    def __init__(self, kept: Iterable[dict[str, Any]]) -> None:
        self._answers: dict[str, str | None] = {}
        for each in kept:
            for signature in each.get("signatures", ()):
                if signature["key_record"]:
                    name = f"{signature['selector']}._domainkey.{signature['domain']}"
                    self._answers[_canonical(name)] = signature["key_record"]
            self._answers |= each.get("answers", {})

    def txt(self, name: str, /) -> bytes | None:
        """Return the record that was kept, or None when it was missing then. Raises DnsTrouble for other names."""
        name = _canonical(name)
        if name not in self._answers:
            raise DnsTrouble("never looked up")
        record = self._answers[name]
        return None if record is None else record.encode()


def _canonical(name: str) -> str:
    return name.rstrip(".").lower() + "."


def kept_keys(notice: Notice) -> KeptKeys:
    """The keys by which this notice was judged before; where a name has had several, the latest."""
    kept = list(NoticeReading.objects.filter(notice_id=notice.pk).order_by("id").values_list("evidence", flat=True))
    return KeptKeys([notice.evidence, *kept])
