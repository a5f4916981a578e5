"""`manage.py lint_template` as a seller's developer calls it: no site, no database, no environment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def lint_template(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "lint_template", *map(str, arguments)]
    return subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, encoding="utf-8")


def test_a_breaking_letter_ends_with_one_and_names_the_places_in_the_file(tmp_path: Path) -> None:
    text = "Subject: Order {{ order_id }}\n\nÜber eine positive Bewertung würden wir uns freuen. www.example.com\n"
    letter = tmp_path / "letter.txt"
    letter.write_text(text, "utf-8")
    ended = lint_template(letter, "--language", "de", "--format", "json")
    told: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert told["file"] == str(letter)
    assert [(row["rule"], row["severity"]) for row in told["findings"]] == [
        ("positive_review_only", "blocks"),
        ("bare_domain", "blocks"),
    ]
    for row in told["findings"]:
        assert text[row["start"] : row["end"]] == row["excerpt"] != ""


def test_a_clean_letter_and_one_with_a_warning_end_with_zero(tmp_path: Path) -> None:
    clean, warned = tmp_path / "clean.txt", tmp_path / "warned.html"
    clean.write_bytes(b"\xef\xbb\xbfHow was order {{ order_id }}? Please leave a review.\r\n")
    warned.write_text('<p>Invoice of {{ order_id }}</p><img src="https://x.example/a.png">', "utf-8")
    ended = lint_template(clean, warned, "--language", "en-GB", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert first["findings"] == []
    assert {row["rule"] for row in second["findings"]} == {"remote_image", "missing_alt"}


def test_what_cannot_be_read_ends_with_two_and_one_sentence(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Grüße {{ order_id }}".encode("latin-1"))
    for arguments, word in (
        ([tmp_path / "none.txt", "--language", "en"], "cannot be read"),
        ([latin, "--language", "de"], "UTF-8"),
        ([latin, "--language", "xx"], "not a language"),
        ([latin], "--language"),
        ([], "--rules"),
    ):
        ended = lint_template(*arguments)
        assert ended.returncode == 2
        assert word in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1


def test_the_rules_are_listed() -> None:
    ended = lint_template("--rules", "--format", "json")
    rules = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0
    assert {"incentive", "missing_order_id", "tracking_pixel"} <= {row["rule"] for row in rules}
    assert {row["severity"] for row in rules} == {"blocks", "warns"}
