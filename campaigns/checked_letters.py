"""The letters of a campaign before Amazon's guidelines. What breaks one that blocks may be kept in a draft, but is
never sent: the campaign cannot be switched on with it, and one that is on refuses the change.
"""

from dataclasses import dataclass
from typing import Literal

from campaigns.compliance import Finding, blocking, instead_of, lint_letter
from campaigns.models import Template


class BreaksGuidelines(Exception):
    """What blocks, by template: the campaign may not be on with these letters."""

    def __init__(self, broken: list[tuple[Template, list[Finding]]]) -> None:
        self.broken = broken
        super().__init__("; ".join(f"{template.language}: {_names(findings)}" for template, findings in broken))


def _names(findings: list[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.guideline.title.lower() for finding in findings))


@dataclass(frozen=True, slots=True)
class Marked:
    """A finding with the part of the letter in which it has its place, and a wording to put there, if we know one."""

    part: Literal["subject", "body"]
    finding: Finding
    instead: str

    @property
    def is_sentence(self) -> bool:
        """Does the wording stand for the whole sentence, rather than for the very words?"""
        return self.finding.guideline.instead == "ask"


def marked_in(template: Template) -> list[Marked]:
    of_subject, of_body = lint_letter(
        template.subject,
        template.body,
        template.language,
        attachments=[one.purpose for one in template.enclosed],
        is_html=template.is_html,
    )
    in_subject = [Marked("subject", each, instead_of(each, template.language)) for each in of_subject]
    return in_subject + [Marked("body", each, instead_of(each, template.language)) for each in of_body]


def findings_of(template: Template) -> list[Finding]:
    """Of subject and body together; their places are lost."""
    return [marked.finding for marked in marked_in(template)]


def broken_among(templates: list[Template]) -> list[tuple[Template, list[Finding]]]:
    found = [(template, blocking(findings_of(template))) for template in templates]
    return [(template, findings) for template, findings in found if findings]


def refuse_broken(templates: list[Template]) -> None:
    """Raises BreaksGuidelines."""
    if broken := broken_among(templates):
        raise BreaksGuidelines(broken)
