"""`manage.py lint_template`: which of Amazon's rules the letters in files break. Needs no database and no settings.

One JSON object for each file: `file` and `findings`, each with `rule`, `severity`, `start`, `end` (characters of the
file's text) and `excerpt`. Ends with 1 where a finding blocks, with 2 where something could not be read.
"""

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from amazon.marketplaces import MARKETPLACES
from campaigns.compliance import LANGUAGES, Finding, Severity, blocking, guidelines, lint_letter

LONGEST: Final = 1_000_000  # bytes
_SUBJECT: Final = re.compile(
    r"\A(?:Subject|Betreff|Objet|Oggetto|Asunto|件名):[ \t]*([^\r\n]*)(?:\r?\n|\Z)", re.IGNORECASE
)
KNOWN: Final = frozenset(LANGUAGES) | {marketplace.language for marketplace in MARKETPLACES}
UNUSABLE: Final = 2


class Command(BaseCommand):
    help = (
        "Check letters, plain text or HTML, against Amazon's Communication Guidelines. A first line 'Subject: ...' is"
        " the subject. Exit code 1: a finding blocks."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a letter, in UTF-8")
        known = ", ".join(LANGUAGES)
        parser.add_argument("--language", metavar="XX", help=f"that it is in; wordings are read in {known}")
        parser.add_argument("--rules", action="store_true", help="list the rules instead")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="json: one object in each line")

    def handle(self, *args: Any, **options: Any) -> None:
        is_json = options["format"] == "json"
        if options["rules"]:
            self._list_rules(is_json=is_json)
            return
        if not options["files"]:
            raise CommandError("Name a file with a letter, or ask for --rules.", returncode=UNUSABLE)
        language = _language(options["language"])
        is_blocked = False
        for path in options["files"]:
            text = _text_of(path)
            findings = lint_file(text, language)
            is_blocked = is_blocked or bool(blocking(findings))
            self.stdout.write(_as_json(path, findings) if is_json else _as_text(path, text, findings))
        if is_blocked:
            sys.exit(1)

    def _list_rules(self, *, is_json: bool) -> None:
        for guideline in guidelines().values():
            row = {
                "rule": guideline.rule,
                "severity": guideline.severity.value,
                "since": guideline.since.isoformat(),
                "source": guideline.source,
                "title": guideline.title,
                "explanation": guideline.explanation,
                "suggestion": guideline.suggestion,
            }
            plain = f"{row['rule']} ({row['severity']}, since {row['since']}): {row['title']}. {row['explanation']}"
            self.stdout.write(json.dumps(row, ensure_ascii=False) if is_json else plain)


def lint_file(text: str, language: str) -> list[Finding]:
    """Of the whole text of a file; a first line may be the subject."""
    head = _SUBJECT.match(text)
    if head is None:
        return lint_letter("", text, language)[1]
    of_subject, of_body = lint_letter(head[1], text[head.end() :], language)
    return sorted([*_moved(of_subject, head.start(1)), *_moved(of_body, head.end())])


def _moved(findings: list[Finding], by: int) -> Iterator[Finding]:
    for finding in findings:
        is_somewhere = finding.end > 0
        yield replace(finding, start=finding.start + by, end=finding.end + by) if is_somewhere else finding


def _language(given: str | None) -> str:
    code = (given or "").replace("_", "-").partition("-")[0].lower()
    if code not in KNOWN:
        known = ", ".join(sorted(KNOWN))
        what = f"“{given}” is not a language that is read" if given else "Say which language it is in with --language"
        raise CommandError(f"{what}: {known}.", returncode=UNUSABLE)
    return code


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except OSError as trouble:
        raise CommandError(f"{path} cannot be read: {trouble.strerror}.", returncode=UNUSABLE) from None
    if len(raw) > LONGEST:
        raise CommandError(f"{path} is longer than {LONGEST:,} bytes: no letter is.", returncode=UNUSABLE)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not in UTF-8: save it as UTF-8.", returncode=UNUSABLE) from None


def _as_json(path: Path, findings: list[Finding]) -> str:
    rows = [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "start": finding.start,
            "end": finding.end,
            "excerpt": finding.excerpt,
        }
        for finding in findings
    ]
    return json.dumps({"file": str(path), "findings": rows}, ensure_ascii=False)


def _as_text(path: Path, text: str, findings: list[Finding]) -> str:
    if not findings:
        return f"{path}: nothing found"
    lines = []
    for finding in findings:
        line = text.count("\n", 0, finding.start) + 1
        word = "BLOCKS" if finding.severity is Severity.BLOCKS else "warns"
        quoted = f": “{' '.join(finding.excerpt.split())[:80]}”" if finding.excerpt else ""
        lines.append(f"{path}:{line}: {word} {finding.rule}: {finding.guideline.title}{quoted}")
    return "\n".join(lines)
