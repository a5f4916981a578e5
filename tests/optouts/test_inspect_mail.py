"""`manage.py inspect_mail`: from files to JSON lines, in a process without a site's environment."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from optouts import inspection
from optouts.examination import Finding
from tests.notices.builder import (
    ALIAS,
    INBOUND,
    ITALIAN,
    MAILBOX,
    NOW,
    ORDER,
    SIGNERS,
    attached,
    gmail_forwarded,
    signed,
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "inbound-samples"
CHECKED = ("kind", "order_ids", "buyer_aliases", "authenticity")
KEYS = ["file", "kind", "order_ids", "buyer_aliases", "authenticity", "grade", "reason", "seconds"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command with an empty environment."""
    command: Sequence[str] = [sys.executable, str(ROOT / "manage.py"), "inspect_mail", *map(str, arguments)]
    return subprocess.run(command, env={}, capture_output=True, text=True, timeout=60, check=False)


def lines(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def known(tmp_path: Path) -> list[str | Path]:
    """The options that name our test keys and a seller."""
    dns, context = tmp_path / "dns.json", tmp_path / "context.json"
    dns.write_text(json.dumps({signer.name: signer.record for signer in SIGNERS}))
    tenant = {"inbound": INBOUND, "mailboxes": [MAILBOX]}
    context.write_text(json.dumps({"our_domain": "in.example.net", "tenants": [tenant]}))
    return ["--dns", dns, "--context", context, "--format", "json"]


def test_a_folder_is_walked_and_each_mail_is_one_line(tmp_path, known):
    folder = tmp_path / "mails"
    (folder / "deep").mkdir(parents=True)
    (folder / "direct.eml").write_bytes(signed())
    (folder / "deep" / "forwarded.EML").write_bytes(gmail_forwarded(signed(replace(ITALIAN, to=MAILBOX))))
    (folder / "unsigned.eml").write_bytes(ITALIAN.build())
    (folder / "notes.txt").write_bytes(b"not a mail")
    found = lines(folder, *known)

    assert list(found) == ["deep/forwarded.EML", "direct.eml", "unsigned.eml"]
    assert all(list(line) == KEYS for line in found.values())
    direct = found["direct.eml"]
    assert (direct["kind"], direct["authenticity"], direct["grade"]) == ("optout", "direct_dkim", "A1")
    assert (direct["order_ids"], direct["buyer_aliases"]) == ([ORDER], [ALIAS])
    assert (found["deep/forwarded.EML"]["authenticity"], found["deep/forwarded.EML"]["grade"]) == (
        "forwarded_dkim", "A2",
    )  # fmt: skip
    assert (found["unsigned.eml"]["kind"], found["unsigned.eml"]["authenticity"]) == ("forged", "failed")


def test_several_attached_originals_are_one_line_with_all_their_orders(tmp_path, known):
    other = replace(ITALIAN, body=ITALIAN.body.replace(ORDER, "408-3333333-4444444"), to=MAILBOX)
    path = tmp_path / "two.eml"
    path.write_bytes(attached(signed(replace(ITALIAN, to=MAILBOX)), signed(other)))
    line = lines(path, *known)["two.eml"]

    assert line["order_ids"] == [ORDER, "408-3333333-4444444"]
    assert (line["authenticity"], line["grade"]) == ("forwarded_dkim", "A4")


def test_no_file_keeps_the_others_from_being_inspected(tmp_path, known):
    for number, raw in enumerate([b"", b"\0" * 50, bytes(range(256)) * 40, b"From: a@b.example\r\n\r\n" + b"x" * 9]):
        (tmp_path / f"{number}.eml").write_bytes(raw)
    found = lines(tmp_path, tmp_path / "missing.eml", *known)

    assert [line["kind"] for line in found.values()] == ["malformed"] * 3 + ["not_optout", "malformed"]


def test_what_is_no_file_is_refused_with_a_reason_and_keeps_nobody_waiting(tmp_path, known):
    os.mkfifo(tmp_path / "a pipe.eml")
    (tmp_path / "nowhere.eml").symlink_to(tmp_path / "gone")
    (tmp_path / "mail.eml").write_bytes(signed())
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "b.eml"))
        found = lines(tmp_path, "/dev/zero", tmp_path / "a pipe.eml", *known)
        given = run("/dev/zero", tmp_path / "a pipe.eml", *known).stdout.splitlines()

    assert (found["mail.eml"]["kind"], found["nowhere.eml"]["kind"]) == ("optout", "malformed")
    for name in ("a pipe.eml", "b.eml", "zero"):
        assert (found[name]["kind"], found[name]["reason"].partition(":")[0]) == (
            "malformed", "This is no file but a pipe, a socket or a device",
        )  # fmt: skip
    assert len(given) == 2


def test_a_mail_that_breaks_the_reader_is_malformed_and_not_the_end(tmp_path, monkeypatch, capsys):
    from django.core.management import call_command

    def broken(*args: object, **options: object) -> tuple[Finding, ...]:
        raise RecursionError

    monkeypatch.setattr(inspection, "examine", broken)
    (tmp_path / "a.eml").write_bytes(signed())
    (tmp_path / "dns.json").write_text("{}")
    call_command("inspect_mail", str(tmp_path / "a.eml"), dns=tmp_path / "dns.json")

    line = json.loads(capsys.readouterr().out)
    assert (line["kind"], line["reason"]) == ("malformed", "The mail could not be examined: RecursionError.")


@pytest.mark.parametrize("content", ["[]", "nonsense", '{"a": 1}'])
def test_wrong_files_of_options_are_named(tmp_path, content):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content)
    done = run(tmp_path, "--dns", wrong)

    assert done.returncode == 1
    assert "wrong.json" in done.stderr


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/inbound-samples is not here")
def test_every_example_mail_gets_what_its_folder_expects():
    found = lines(SAMPLES, "--dns", SAMPLES / "dns.json", "--context", SAMPLES / "context.json")
    expected = [json.loads(line) for line in (SAMPLES / "expected.jsonl").read_text().splitlines()]

    assert {line["file"]: [line[key] for key in CHECKED] for line in expected} == {
        name: [line[key] for key in CHECKED] for name, line in found.items()
    }


def test_a_mail_is_judged_as_of_the_moment_when_it_came(tmp_path, known):
    came = (("Received", f"from a by b for <{INBOUND}>; {format_datetime(NOW)}"),)
    (tmp_path / "honest.eml").write_bytes(signed(replace(ITALIAN, extra=came), at=NOW))
    (tmp_path / "ahead.eml").write_bytes(signed(replace(ITALIAN, extra=came), at=NOW + timedelta(hours=1)))
    found = lines(tmp_path, *known)

    assert (found["honest.eml"]["grade"], found["ahead.eml"]["grade"]) == ("A1", "X")
