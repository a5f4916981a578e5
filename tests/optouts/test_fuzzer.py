"""The fuzzer of `tests/notices/fuzz.py`: a short run of it, and that it finds what it is made to find.

The long one, of a minute, is a step of `.ci/run`.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from optouts.authenticity import Resolver
from optouts.decisions import Grade
from optouts.examination import Context, Finding, examine
from tests.notices import fuzz
from tests.notices.builder import FakeDns


def believes_an_unsigned_field(raw: bytes, resolver: Resolver, context: Context) -> Sequence[Finding]:
    findings = examine(raw, resolver=resolver, context=context)
    if b"BUYER_OPTED_OUT_BSM_MESSAGES" in raw:
        return [replace(finding, grade=Grade.A1) for finding in findings]
    return findings


def believes_any_signature(raw: bytes, resolver: Resolver, context: Context) -> Sequence[Finding]:
    findings = examine(raw, resolver=resolver, context=context)
    is_signed = b"d=amazon.com" in raw
    return [replace(finding, grade=Grade.A3 if is_signed else finding.grade) for finding in findings]


def trips_over_a_nul(raw: bytes, resolver: Resolver, context: Context) -> Sequence[Finding]:
    if b"\0" in raw:
        raise ValueError("a NUL")
    return examine(raw, resolver=resolver, context=context)


def dawdles(raw: bytes, resolver: Resolver, context: Context) -> Sequence[Finding]:
    began = time.process_time()
    while b"<!--<!--" in raw and time.process_time() - began < 1.1:
        pass
    return examine(raw, resolver=resolver, context=context)


def test_the_mails_of_one_seed_hold(tmp_path: Path) -> None:
    assert fuzz.run(1, folder=tmp_path) > 100
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "broken",
    [believes_an_unsigned_field, believes_any_signature, trips_over_a_nul, dawdles],
    ids=lambda one: one.__name__,
)
def test_it_finds_a_reader_that_errs_and_leaves_the_mail(broken: fuzz.Examine, tmp_path: Path) -> None:
    with pytest.raises((fuzz.Broken, ValueError)):
        for number in range(1, 9):
            fuzz.run(number, examine_=broken, folder=tmp_path)
    [mail] = tmp_path.iterdir()
    assert mail.suffix == ".eml" and mail.stat().st_size


def test_the_mails_that_it_starts_from_are_worth_what_it_thinks() -> None:
    for honest in fuzz.HONEST:
        [finding] = examine(honest.raw, resolver=FakeDns(), context=fuzz.SELLER.context())
        assert fuzz.rank(finding.grade) == fuzz.rank(honest.grade), honest.name
    assert {honest.grade for honest in fuzz.HONEST} >= set(fuzz.PROVED)
