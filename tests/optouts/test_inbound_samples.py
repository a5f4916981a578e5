"""The example mails beside the checkout: not ours to commit, so the tests skip visibly where they are missing."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from optouts.reasons import Kind, Reason
from optouts.resolving import RecordedResolver

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "inbound-samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/inbound-samples is not here")

EXPECTED = {
    "01": (Kind.OPT_OUT, Grade.A1, Reason.SIGNED_DIRECT),
    "02": (Kind.OPT_OUT, Grade.A2, Reason.SIGNED_FORWARDED),
    "03": (Kind.OPT_OUT, Grade.B, Reason.SEALED),
    "04": (Kind.OPT_OUT, Grade.A2, Reason.SIGNED_FORWARDED),
    "05": (Kind.PROBABLE_OPT_OUT, None, Reason.FORWARDED_BY_REGISTERED),
    "06": (Kind.PROBABLE_OPT_OUT, None, Reason.FORWARDED_BY_REGISTERED),
    "07": (Kind.OPT_OUT, Grade.C, Reason.FORWARDED_BY_REGISTERED),
    "08": (Kind.OPT_OUT, Grade.A4, Reason.SIGNED_ATTACHMENT),
    "09": (Kind.FORWARDING_CONFIRMATION, None, Reason.FORWARDING_REQUEST),
    "10": (Kind.OTHER_AMAZON, None, Reason.ANOTHER_TYPE),
    "11": (Kind.BUYER_MESSAGE, None, Reason.BUYER_ASKS_TO_STOP),
    "12": (Kind.FORGED, Grade.X, Reason.NOT_SIGNED),
}


@cache
def _json(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SAMPLES / name).read_text())
    return read


def _examined(number: str) -> tuple[str, tuple[Finding, ...]]:
    path = next(SAMPLES.glob(f"{number}-*.eml"))
    raw = path.read_bytes()
    tenant = _json("context.json")["tenants"][int(number) - 1]
    stamps = [int(stamp) for stamp in re.findall(rb"[\s;]t=([0-9]{10})", raw)]
    now = datetime.fromtimestamp(max(stamps, default=1_793_000_000), UTC) + timedelta(minutes=1)
    context = Context(lambda address: address == tenant["inbound"], frozenset(tenant["mailboxes"]), now)
    return path.name, examine(raw, resolver=RecordedResolver(_json("dns.json")), context=context)


@pytest.mark.parametrize("number", EXPECTED)
def test_each_sample_gets_its_kind_grade_and_reason(number):
    _, findings = _examined(number)

    assert {(finding.kind, finding.grade, finding.reason) for finding in findings} == {EXPECTED[number]}


@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "12"])
def test_each_sample_names_its_orders_and_buyers(number):
    name, findings = _examined(number)
    lines = [json.loads(line) for line in (SAMPLES / "expected.jsonl").read_text().splitlines()]
    expected = next(line for line in lines if line["file"] == name)

    assert sorted(finding.order_id for finding in findings if finding.order_id) == expected["order_ids"]
    assert sorted(finding.alias for finding in findings if finding.alias) == expected["buyer_aliases"]
