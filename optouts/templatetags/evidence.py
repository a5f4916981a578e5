"""Template tags for notices and entries: `{% load evidence %}`.

Grades are said in words that a seller understands; what they rest on is told in `optouts.decisions.Grade`.
"""

from typing import Any, Final

from django import template
from django.utils import timezone

from optouts.decisions import Grade
from optouts.models import Notice, Suppression, SuppressionEvent

register = template.Library()

GRADES: Final[dict[str, str]] = {
    Grade.A1: "Proved: Amazon wrote to your inbound address and signed it",
    Grade.A2: "Proved: forwarded unchanged from your mailbox, signed by Amazon",
    Grade.A3: "Signed by Amazon; written to a mailbox that is not confirmed as yours",
    Grade.A4: "Proved: the original, attached or handed in, is signed by Amazon",
    Grade.A4_UNKNOWN: "The original, attached or handed in, is signed by Amazon; its mailbox is not confirmed as yours",
    Grade.B: "Amazon's signature broke on the way; the forwarder vouches for it",
    Grade.C: "Forwarded or handed in by a person of your team",
    Grade.D: "Not proved: the right address and the right words, and nothing else",
    Grade.T: "Not decided yet: the signature could not be checked just now",
    Grade.X: "Contradicts itself, or claims to be Amazon's and is not",
}
NOT_GRADED: Final = "Not graded: a person has to say first what it is"
HOLD_IS_OVER: Final = "Was held, and is no longer"
OVER: Final = ("quiet", "minus")
TONES: Final[dict[str, tuple[str, str]]] = {
    Notice.Status.RECEIVED: ("wait", "clock"),
    Notice.Status.APPLIED: ("good", "check"),
    Notice.Status.IGNORED: ("quiet", "minus"),
    Notice.Status.QUARANTINED: ("warn", "user-question"),
    Notice.Status.PARKED: ("wait", "hourglass"),
    Suppression.State.ACTIVE: ("stop", "hand-stop"),
    Suppression.State.PENDING: ("wait", "hourglass"),
    Suppression.State.HELD: ("wait", "clock"),
    Suppression.State.REVOKED: ("quiet", "arrow-back-up"),
}


@register.filter
def grade_in_words(grade: str) -> str:
    """What a grade of evidence means. No grade: the mail needed none."""
    return GRADES.get(grade, "No evidence was needed")


@register.filter
def proof_of(notice: Notice) -> str:
    """What a notice proved, or why nothing was asked of it."""
    if not notice.processed_at:
        return "Not examined yet"
    if not notice.grade and notice.status == Notice.Status.QUARANTINED:
        return NOT_GRADED
    return grade_in_words(notice.grade)


@register.filter
def evidence_of(entry: Suppression | SuppressionEvent) -> str:
    """What an entry of the list, or one event of it, rests on. Without a grade it is a person's word, or a hold."""
    if entry.grade:
        return grade_in_words(entry.grade)
    state = entry.state if isinstance(entry, Suppression) else entry.what
    is_hold = state in (Suppression.State.HELD, SuppressionEvent.What.HELD)
    return NOT_GRADED if is_hold else "Entered by a person"


@register.filter
def actor_in_words(event: SuppressionEvent, people: dict[str, str]) -> str:
    """Who did it. `people` are the names of the team by actor; operators are not named to sellers."""
    kind, _, number = event.actor.partition(" ")
    if kind == "member":
        return people.get(event.actor, "A person of your team")
    if kind == "operator":
        return "An operator of FeedbackFive"
    return f"Notice {number}" if kind == "notice" else event.actor.capitalize()


@register.filter
def notice_number(event: SuppressionEvent) -> str:
    """The number of the notice behind this event; empty when it is not one."""
    kind, _, number = event.actor.partition(" ")
    return number if kind == "notice" and number.isdecimal() else ""


@register.filter
def is_over(entry: Suppression) -> bool:
    """Whether the entry was a hold that has ended, by itself or by a person: it stops nothing any more."""
    is_hold = entry.state == Suppression.State.HELD
    return is_hold and entry.until is not None and entry.until <= timezone.now()


@register.filter
def state_in_words(entry: Suppression) -> str:
    """How an entry stands now."""
    return HOLD_IS_OVER if is_over(entry) else entry.get_state_display()


@register.inclusion_tag("parts/status.html")
def verdict(row: Notice | Suppression) -> dict[str, Any]:
    """The badge of a notice's verdict or of an entry's state."""
    if isinstance(row, Notice):
        tone, symbol = TONES[row.status]
        return {"tone": tone, "symbol": symbol, "text": row.get_status_display()}
    tone, symbol = OVER if is_over(row) else TONES[row.state]
    return {"tone": tone, "symbol": symbol, "text": state_in_words(row)}
