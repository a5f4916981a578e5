"""The letters of a campaign before Amazon's guidelines. What breaks one that blocks may be kept in a draft, but is
never sent: the campaign cannot be switched on with it, and one that is on refuses the change.
"""

from campaigns.compliance import Finding, blocking, lint_letter
from campaigns.models import Template


class BreaksGuidelines(Exception):
    """What blocks, by template: the campaign may not be on with these letters."""

    def __init__(self, broken: list[tuple[Template, list[Finding]]]) -> None:
        self.broken = broken
        super().__init__("; ".join(f"{template.language}: {_names(findings)}" for template, findings in broken))


def _names(findings: list[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.guideline.title.lower() for finding in findings))


def findings_of(template: Template) -> list[Finding]:
    """Of subject and body together; their places are lost."""
    of_subject, of_body = lint_letter(template.subject, template.body, template.language)
    return [*of_subject, *of_body]


def broken_among(templates: list[Template]) -> list[tuple[Template, list[Finding]]]:
    found = [(template, blocking(findings_of(template))) for template in templates]
    return [(template, findings) for template, findings in found if findings]


def refuse_broken(templates: list[Template]) -> None:
    """Raises BreaksGuidelines."""
    if broken := broken_among(templates):
        raise BreaksGuidelines(broken)
