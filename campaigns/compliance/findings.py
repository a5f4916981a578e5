"""What the linter finds, and the guidelines that it looks for: one row each in `campaigns/guidelines.toml`. Pure."""

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

_FILE: Final = Path(__file__).parent.parent / "guidelines.toml"
LONGEST_EXCERPT: Final = 200
MOST: Final = 100  # findings of one kind in a text: more of them say no more


class Severity(StrEnum):
    BLOCKS = "blocks"  # refuses activation and sending
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class Guideline:
    """One of Amazon's rules, in the seller's words."""

    rule: str
    severity: Severity
    since: date
    source: str
    title: str
    explanation: str
    suggestion: str
    instead: str  # what may stand there; "ask": the neutral request of each language; "": nothing that fits all


class Hit(NamedTuple):
    """A detector's answer: a rule, and where, in the text that it was given."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Where a text breaks a rule: `excerpt` is `source[start:end]`, in characters; both 0 for what is missing."""

    start: int
    end: int
    rule: str
    severity: Severity
    excerpt: str

    @property
    def guideline(self) -> Guideline:
        return guidelines()[self.rule]


@lru_cache(maxsize=1)
def guidelines() -> dict[str, Guideline]:
    """All of them by their id, in the order of the file."""
    rows = tomllib.loads(_FILE.read_text("utf-8"))
    return {
        rule: Guideline(
            rule,
            Severity(row["severity"]),
            row["since"],
            row["source"],
            row["title"],
            row["explanation"],
            row["suggestion"],
            row.get("instead", ""),
        )
        for rule, row in rows.items()
    }


def blocking(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.BLOCKS]
