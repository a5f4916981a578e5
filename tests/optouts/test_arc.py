"""Grade B: what a forwarder's seal proves about a mail whose own signature it broke."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optouts.arc import vouched_domains
from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.reasons import Kind, Reason
from tests.notices.builder import ATTESTED, EVIL, GOOGLE, ITALIAN, NOW, ORDER, FakeDns, Seller, signed
from tests.notices.sealing import MICROSOFT, SEALED, ZOHO, Sealer

RECORDS = {signer.name: signer.record for signer in (MICROSOFT, ZOHO)}
BROKEN = signed(replace(ITALIAN, to="a@shop.example")).replace(b"Gentile", b"[EXTERNAL] Gentile")
GOOGLES = Sealer(GOOGLE)
MICROSOFTS = Sealer(MICROSOFT)


def look(raw: bytes, *, dns: FakeDns | None = None, trusted: frozenset[str] | None = None) -> Finding:
    context = Seller().context()
    if trusted is not None:
        context = replace(context, trusted_sealers=trusted)
    (finding,) = examine(raw, resolver=dns or FakeDns(records=RECORDS), context=context)
    return finding


def is_unproved(finding: Finding, reason: Reason) -> bool:
    return (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.D, reason)


@pytest.mark.parametrize("sealer", [GOOGLES, MICROSOFTS, Sealer(ZOHO)])
def test_a_trusted_forwarders_seal_vouches_for_a_signature_that_he_broke(sealer):
    finding = look(sealer.seal(BROKEN))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.OPT_OUT, Grade.B, Reason.SEALED)
    assert (finding.order_id, finding.chain and finding.chain.sealers) == (ORDER, (sealer.signer.domain,))
    assert finding.chain is not None and finding.chain.key_records == (sealer.signer.record,)


@pytest.mark.parametrize("name", ATTESTED)
def test_a_seal_over_an_intact_mail_changes_nothing(name):
    assert look(GOOGLES.seal(signed(ATTESTED[name]))).grade is Grade.A1


def test_ten_seals_are_examined_and_eleven_are_not():
    raw = BROKEN
    for instance in range(1, 11):
        raw = GOOGLES.seal(raw, instance=instance)
    dns = FakeDns(records=RECORDS)

    assert look(raw, dns=dns).grade is Grade.B
    assert dns.asked.count(GOOGLE.name) == 1
    assert is_unproved(look(GOOGLES.seal(raw, instance=11)), Reason.SEAL_INCOMPLETE)


def test_every_sealer_has_to_be_trusted():
    assert is_unproved(look(Sealer(EVIL).seal(BROKEN)), Reason.SEAL_OF_STRANGER)
    assert is_unproved(look(Sealer(EVIL).seal(GOOGLES.seal(BROKEN), instance=2)), Reason.SEAL_OF_STRANGER)
    assert is_unproved(look(GOOGLES.seal(Sealer(EVIL).seal(BROKEN), instance=2)), Reason.SEAL_OF_STRANGER)
    assert is_unproved(look(GOOGLES.seal(BROKEN), trusted=frozenset({"microsoft.com"})), Reason.SEAL_OF_STRANGER)


def test_a_stranger_who_seals_in_a_trusted_name_is_found_out():
    forger = Sealer(replace(EVIL, domain="google.com", bits=1536))

    assert is_unproved(look(forger.seal(BROKEN)), Reason.SEAL_BROKEN)


def test_nobody_asks_the_dns_of_a_stranger():
    dns = FakeDns(records=RECORDS)
    look(Sealer(EVIL).seal(BROKEN), dns=dns)

    assert EVIL.name not in dns.asked


def test_a_mail_that_was_changed_after_the_seal_is_not_vouched_for():
    raw = GOOGLES.seal(BROKEN)

    assert is_unproved(look(raw.replace(b"[EXTERNAL]", b"[INTERNAL]")), Reason.SEAL_BROKEN)
    assert is_unproved(look(raw.replace(b"mx.google.com", b"mx.googla.com")), Reason.SEAL_BROKEN)
    assert is_unproved(look(raw.replace(b"cv=none", b"cv=pass")), Reason.SEAL_INCOMPLETE)


def test_a_chain_that_was_broken_on_the_way_is_not_believed():
    assert is_unproved(look(GOOGLES.seal(BROKEN, cv="fail")), Reason.SEAL_REPORTS_FAILURE)
    raw = MICROSOFTS.seal(GOOGLES.seal(BROKEN), instance=2, cv="fail")
    assert is_unproved(look(raw), Reason.SEAL_REPORTS_FAILURE)


@pytest.mark.parametrize("instance", [2, 3, 0])
def test_a_chain_with_gaps_is_not_believed(instance):
    raw = GOOGLES.seal(BROKEN).replace(b" i=1;", b" i=%d;" % instance)

    assert is_unproved(look(raw), Reason.SEAL_INCOMPLETE)


@pytest.mark.parametrize("name", [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])
def test_a_doubled_or_missing_field_makes_a_chain_unreadable(name):
    raw = GOOGLES.seal(BROKEN)
    line = next(line for line in raw.split(b"\r\n") if line.startswith(name + b":"))

    assert is_unproved(look(line + b"\r\n" + raw), Reason.SEAL_INCOMPLETE)
    if name != b"ARC-Seal":
        assert is_unproved(look(raw.replace(line + b"\r\n", b"")), Reason.SEAL_INCOMPLETE)


@pytest.mark.parametrize(
    "results",
    [
        "mx.google.com; dkim=fail header.i=@amazon.com",
        "mx.google.com; dkim=pass header.i=@amazonses.com",
        "mx.google.com; dkim=pass header.d=amazon.com.evil.example",
        "mx.google.com; dkim=pass header.d=amazon.co.jp",
        "mx.google.com; dkim=pass header.i=@evil.example header.d=amazon.com",
        "mx.google.com; spf=pass smtp.mailfrom=amazon.com; dmarc=pass header.from=amazon.com",
        "mx.google.com; (dkim=pass header.d=amazon.com); dkim=none",
        "mx.google.com; dkim=pass (header.d=amazon.com) header.d=evil.example",
        "mx.google.com; dkim=none",
    ],
)
def test_a_seal_that_does_not_name_amazons_signature_is_silent(results):
    assert is_unproved(look(replace(GOOGLES, results=results).seal(BROKEN)), Reason.SEAL_SILENT)


def test_only_the_first_forwarder_is_asked_what_he_saw():
    silent = replace(GOOGLES, results="mx.google.com; dkim=none")

    assert is_unproved(look(MICROSOFTS.seal(silent.seal(BROKEN), instance=2)), Reason.SEAL_SILENT)
    assert look(silent.seal(MICROSOFTS.seal(BROKEN), instance=2)).grade is Grade.B


def test_a_changed_boundary_is_found_out_whether_the_seal_covers_it_or_not():
    mark, other = b"----=_Part_1_2.3", b"----=_Part_9_9.9"
    text = ITALIAN.body.replace("Gentile", f"x\r\n--{other.decode()}\r\nContent-Type: text/html\r\n\r\n<p>Gentile")
    raw = signed(replace(ITALIAN, to="a@shop.example", body=text, encoding="8bit")).replace(b"Gentile", b"[X]Gentile")
    without = replace(GOOGLES, signed=[name for name in SEALED if name != "Content-Type"])

    def attacked(sealed: bytes) -> bytes:
        return sealed.replace(b'boundary="' + mark, b'boundary="' + other)

    assert look(without.seal(raw)).grade is Grade.B
    assert is_unproved(look(attacked(GOOGLES.seal(raw))), Reason.SEAL_BROKEN)
    assert is_unproved(look(attacked(without.seal(raw))), Reason.SEAL_FORM_CHANGED)


@pytest.mark.parametrize("missing", ["From", "To", "Subject", "Date", "Message-ID"])
def test_a_seal_that_leaves_out_what_is_read_is_not_believed(missing):
    sealer = replace(GOOGLES, signed=[name for name in SEALED if name != missing])

    assert is_unproved(look(sealer.seal(BROKEN)), Reason.SEAL_BROKEN)


@pytest.mark.parametrize("at", [NOW - timedelta(days=31), NOW + timedelta(minutes=6), None])
def test_a_seal_has_a_date_and_is_fresh(at):
    assert is_unproved(look(replace(GOOGLES, at=at).seal(BROKEN)), Reason.SEAL_OUT_OF_DATE)


@pytest.mark.parametrize("tags", [{"l": "10"}, {"c": "simple/simple"}, {"a": "rsa-sha1"}, {"i": "2"}, {"d": "-"}])
def test_a_seal_of_another_kind_is_not_read(tags):
    assert is_unproved(look(GOOGLES.seal(BROKEN, tags=tags)), Reason.SEAL_INCOMPLETE)


@pytest.mark.parametrize("tag", [b"[EXTERNAL] ", b"***SPAM*** ", b"{Spam?} ", b"[EXT] "])
def test_a_filters_mark_in_the_subject_does_not_hide_a_sealed_notice(tag):
    raw = signed(replace(ATTESTED["en-2017"], to="a@shop.example")).replace(b"Subject: ", b"Subject: " + tag)

    assert look(GOOGLES.seal(raw)).grade is Grade.B


def test_a_fresh_seal_does_not_mend_an_old_signature():
    old = signed(replace(ITALIAN, to="a@shop.example"), at=NOW - timedelta(days=31))

    assert (look(GOOGLES.seal(old)).grade, look(GOOGLES.seal(old)).reason) == (Grade.X, Reason.TOO_OLD)


def test_dns_trouble_about_a_seal_is_undecided():
    finding = look(GOOGLES.seal(BROKEN), dns=FakeDns(trouble=True))

    assert (finding.grade, finding.reason) == (Grade.T, Reason.DNS_TROUBLE)


def test_a_sealed_contradiction_stays_one():
    finding = look(GOOGLES.seal(b"X-Marketplace-ID: ATVPDKIKX0DER\r\n" + BROKEN))

    assert (finding.grade, finding.reason) == (Grade.X, Reason.MARKETPLACE_DISAGREES)


@pytest.mark.parametrize(
    ("results", "domains"),
    [
        ("mx; dkim=pass header.d=amazon.com", {"amazon.com"}),
        ("i=1; mx.microsoft.com 1; spf=pass; dkim=pass (signature was verified) header.d=amazon.com; arc=none (0)",
         {"amazon.com"}),
        ("MX; DKIM = PASS Header.I=@Amazon.com", {"amazon.com"}),
        ('mx; dkim=pass header.i="@amazon.com"', {"amazon.com"}),
        ("mx; dkim=pass (a (b) c) header.d=amazon.com header.i=@amazon.com", {"amazon.com"}),
        ("mx; dkim=pass (header.d=amazon.com", set()),
        ("mx; dkim=pass) header.d=amazon.com", set()),
        ("mx; xdkim=pass header.d=amazon.com", set()),
        ("mx; dkim=passed header.d=amazon.com", set()),
        ("mx; dkim=pass reason=\"x; dkim=pass header.d=amazon.com\"", set()),
        ('mx; spf=pass smtp.mailfrom="x; dkim=pass header.d=amazon.com ;"@evil.example', set()),
        ('mx; spf=pass (domain of "x) ; dkim=pass header.d=amazon.com; y=(z"@evil.example)', set()),
        ('mx; dkim=none; x="\\"; dkim=pass header.d=amazon.com; y="', set()),
        ("", set()),
    ],
)  # fmt: skip
def test_results_are_read_narrowly(results, domains):
    assert vouched_domains(results) == domains
