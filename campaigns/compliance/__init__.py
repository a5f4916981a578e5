"""Does a letter keep Amazon's Communication Guidelines? One function: the editor, activation, sending and
`manage.py lint_template` all ask here. Pure; its time grows with the length of the text and no faster.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from campaigns.compliance import contacts, markup, phrases, pictures
from campaigns.compliance.findings import (
    LONGEST_EXCERPT,
    Finding,
    Guideline,
    Hit,
    Severity,
    blocking,
    guidelines,
)
from campaigns.compliance.folding import fold
from campaigns.compliance.reading import Reading, Tag, looks_like_html, read

__all__ = [
    "LANGUAGES", "LONGEST_EXCERPT", "Finding", "Guideline", "Severity", "blocking", "Reading", "Tag", "contacts_in",
    "guidelines", "instead_of", "is_amazons_link", "lint", "lint_letter", "looks_like_html", "read",
]  # fmt: skip

_ADDRESSES: Final = frozenset({"href", "action", "formaction", "ping"})
LANGUAGES = phrases.LANGUAGES  # that are read; a text in any other is looked at for all the rest


def lint(source: str, language: str, *, is_whole: bool = True, is_html: bool | None = None) -> list[Finding]:
    """The findings in this text, plain or HTML, by their place. `language`: two letters, or like "en-GB".

    `is_whole`: the order id has to be in it, as a number of 17 digits or as a placeholder for it. `is_html` None: as
    the text looks.
    """
    reading = read(source, is_html=is_html)
    findings = {
        Finding(start, end, rule, guidelines()[rule].severity, source[start:end])
        for rule, start, end in _hits(reading, language[:2].lower())
    }
    if is_whole and not pictures.has_order_id(reading.text):
        findings.add(Finding(0, 0, "missing_order_id", guidelines()["missing_order_id"].severity, ""))
    return sorted(findings)


def lint_letter(
    subject: str, body: str, language: str, *, attachments: Iterable[str] = (), is_html: bool | None = None
) -> tuple[list[Finding], list[Finding]]:
    """Of a subject and of a body, each with places in its own text. The order id may stand in either.

    `attachments`: what each is for; Amazon allows three purposes. `is_html`: the body; a subject never is.
    """
    of_subject = lint(subject, language, is_whole=False, is_html=False)
    of_body = lint(body, language, is_whole=not pictures.has_order_id(subject), is_html=is_html)
    # A subject is too short to be a purpose, or to be in a language.
    of_subject = [finding for finding in of_subject if finding.rule not in ("thank_you_only", "wrong_language")]
    rule = guidelines()["attachment"]
    of_body += [
        Finding(0, 0, "attachment", rule.severity, purpose[:LONGEST_EXCERPT])
        for purpose in attachments
        if purpose not in pictures.PURPOSES
    ]
    return of_subject, of_body


def instead_of(finding: Finding, language: str) -> str:
    """A wording that may stand in its place, in this language as far as we know it; empty where none fits all."""
    if finding.guideline.instead != "ask":
        return finding.guideline.instead
    known = phrases.languages().get(language[:2].lower())
    return known.ask if known else ""


def is_amazons_link(url: str) -> bool:
    """Does it lead to a page of Amazon's, securely?"""
    return contacts.rule_of_link(url) in (None, "product_link")


def contacts_in(text: str) -> list[tuple[int, int]]:
    """Where a value that goes into a letter, like a product's title, has what no letter may have: links, addresses,
    telephone numbers, emojis, [Important]."""
    folded = fold(text)
    places = [folded.span(start, end) for _, start, end in contacts.hits(folded, text)]
    return sorted([*places, *((start, end) for rule, start, end in pictures.hits(text) if rule != "line_breaks")])


def _hits(reading: Reading, language: str) -> Iterator[Hit]:
    folded = fold(reading.text)
    for each in (contacts.hits(folded, reading.text), phrases.hits(folded, language)):
        for rule, start, end in each:
            yield Hit(rule, *reading.place(*folded.span(start, end)))
    for rule, start, end in pictures.hits(reading.text):
        yield Hit(rule, *reading.place(start, end))
    if reading.is_html:
        yield from markup.hits(reading)
        yield from _links(reading.tags)


def _links(tags: Sequence[Tag]) -> Iterator[Hit]:
    for tag in tags:
        for name in sorted(_ADDRESSES & tag.attributes.keys()):
            url = tag.value(name).strip()
            if url and not pictures.is_placeholder(url) and (rule := contacts.rule_of_link(url)):
                yield Hit(rule, tag.start, tag.end)
        if tag.name in ("link", "base") and not tag.is_end and not tag.value("href"):
            yield Hit("external_link", tag.start, tag.end)
