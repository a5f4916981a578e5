"""Should we have heard something by now? A rule: counts in, a verdict and sentences out.

Flow: messaging counts what was sent -> [silence] -> `optouts.setup.record_watch` stores and warns. Opt-out notices are
rare and independent of each other, so their number follows Poisson: where `expected` were due, none comes by chance
with probability exp(-expected). Nobody publishes the rate of opt-outs (AMAZON.md 9), so it is taken from what was seen.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SETTLES_AFTER: Final = timedelta(days=1)  # Amazon's notice comes within a day; what is younger says nothing yet
RECORD: Final = timedelta(days=90)  # how far back the rates are taken from
ENOUGH_OF_ONE, ENOUGH_OF_ALL = 5, 50  # notices from which on a rate is believed
FLOOR: Final = 0.002  # notices per message where nothing is known: low, so that it cries wolf late
UNLIKELY, HARDLY_POSSIBLE = 0.05, 0.001  # the chances of none at which we say something


class Verdict(StrEnum):
    """What the silence means."""

    OK = "ok"
    QUIET = "quiet"
    """None came, and that happens once in twenty times or less."""
    SILENT = "silent"
    """None came, and that happens once in a thousand times or less: something is off."""


@dataclass(frozen=True, slots=True)
class Record:
    """Free-form messages and the opt-out notices that they brought, over the same time."""

    sent: int = 0
    notices: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """`expected` notices for what was sent since the last one, the `chance` of none of them coming, and the verdict."""

    expected: float
    chance: float
    verdict: Verdict


def rate(own: Record, everybody: Record) -> float:
    """Notices per message: the seller's own where he has had enough of them, else that of all sellers.

    `own` must end with his last notice: counting the silence in would explain it away. The common rate is never taken
    below FLOOR, so that a site on which nothing works does not find that normal.
    """
    if own.notices >= ENOUGH_OF_ONE and own.sent > 0:
        return own.notices / own.sent
    if everybody.notices >= ENOUGH_OF_ALL and everybody.sent > 0:
        return max(everybody.notices / everybody.sent, FLOOR)
    return FLOOR


def judge(sent: int, own: Record, everybody: Record) -> Judgement:
    """Judge that `sent` messages have brought no notice. Total; nothing sent is nothing expected."""
    expected = max(sent, 0) * min(rate(own, everybody), 1.0)
    chance = math.exp(-expected)
    if chance <= HARDLY_POSSIBLE:
        return Judgement(expected, chance, Verdict.SILENT)
    return Judgement(expected, chance, Verdict.QUIET if chance <= UNLIKELY else Verdict.OK)


def sentence(sent: int, expected: float, *, days: int, had_notice: bool) -> str:
    """Say it: "4,200 sent, about 30 notices expected, none for 6 days". `days` since the last notice, if any."""
    number = round(expected)
    about = f"about {number:,} notice{'' if number == 1 else 's'}" if number else "hardly a notice"
    none = f"none for {days:,} day{'' if days == 1 else 's'}" if had_notice else "none so far"
    return f"{sent:,} sent, {about} expected, {none}"


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What is known of a seller's way to us. Instants are None where nothing of the kind has come."""

    last_mail_at: datetime | None = None  # anything at all at the inbound addresses
    last_notice_at: datetime | None = None  # an opt-out notice of Amazon's
    unproved: int = 0  # notices of the last 30 days whose signature was broken or gone
    proved: int = 0
    test: str = ""  # the result of the latest test notice, "" while it has not come or none was sent
    is_test_missing: bool = False
    has_request: bool = False  # a provider's question about forwarding is open
    on_former: bool = False  # mail still comes to an address that was replaced


def diagnose(symptoms: Symptoms, verdict: Verdict, *, now: datetime) -> tuple[str, ...]:
    """What is probably wrong, the likeliest first; empty when nothing is. Sentences for the seller."""
    found: list[str] = []
    if symptoms.has_request:
        found.append("A mailbox waits for its forwarding to be confirmed: press the link on this page.")
    if symptoms.is_test_missing:
        found.append("The last test notice has not come back, so the forwarding of that mailbox does not work.")
    if symptoms.on_former:
        found.append("Mail still comes to an address that was replaced. Give Amazon and your mailbox the new one.")
    if symptoms.unproved > symptoms.proved or symptoms.test in ("changed", "by_hand"):
        found.append("Your mailbox changes mails on the way, so Amazon's signature is lost. Use the direct way.")
    if verdict is not Verdict.OK:
        found.append(_about_silence(symptoms, now))
    return tuple(found)


def _about_silence(symptoms: Symptoms, now: datetime) -> str:
    if symptoms.last_mail_at is None:
        return (
            "Nothing has ever come to your address: neither Amazon nor a mailbox has it yet. Enter it in Seller "
            "Central, or let a mailbox forward to it, as described below."
        )
    if symptoms.last_mail_at > now - timedelta(days=3):
        return (
            "Other mail does come, so the address works. Look in Seller Central whether the Buyer Opt-Out notification "
            "is switched off, or goes to another mailbox."
        )
    if symptoms.last_notice_at is None:
        return "No opt-out notice has ever come. Look in Seller Central whether Buyer Opt-Out is switched on."
    return (
        "Everything stopped together, which points to the way and not to Amazon: a forwarding that switched itself "
        "off, a new mail filter, or an administrator's block. Send yourself a test notice."
    )
