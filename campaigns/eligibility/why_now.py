"""Why a message is due when it is: the rule that set its time, in a short sentence. Pure.

Goes the way of `timing.due_and_expiry` once more and names the step that moved the time last.
"""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from amazon.windows import EARLIEST_AFTER_DELIVERY
from campaigns.eligibility.guards import Case
from campaigns.eligibility.timing import EVERY_DAY, WEEKDAYS, Anchor, Timing, anchored_at, fitting, spoken

PASSED: Final = "{} had passed when the campaign took the order, so as soon as possible"


def why_now(case: Case) -> str:
    """For a case that something is due in."""
    timing, zone = case.terms.timing, ZoneInfo(case.standing.time_zone)
    delivered_at, anchor, due_at = case.facts.delivered_at, anchored_at(case.facts, timing), case.due_at
    assert delivered_at and anchor and due_at
    counted_from = "delivery" if timing.after is Anchor.DELIVERY else f"the {timing.after}"
    wanted = anchor + timing.delay
    said = f"{spoken(timing.delay)} after {counted_from} ({_day(anchor, zone)})"
    opens_at = delivered_at + EARLIEST_AFTER_DELIVERY
    if not case.by_letter and wanted < opens_at:
        wanted = opens_at
        said = f"{spoken(EARLIEST_AFTER_DELIVERY)} after delivery ({_day(delivered_at, zone)}), Amazon's earliest"
    if timing.starts_on is not None:
        begins_at = datetime.combine(timing.starts_on, time(), zone).astimezone(UTC)
        if wanted < begins_at:
            wanted, said = begins_at, f"the campaign's first day ({_day(begins_at, zone)})"
    if fitting(wanted, timing, zone.key) == due_at:
        return said + _fitted(wanted, due_at, timing, zone)
    return PASSED.format(said) + (f", at {timing.send_at:%H:%M}" if timing.send_at else "")


def _fitted(wanted: datetime, due_at: datetime, timing: Timing, zone: ZoneInfo) -> str:
    """What day of the week, time of day and quiet hours have made of the time that was wanted."""
    said = f", at {timing.send_at:%H:%M}" if timing.send_at else ""
    if fitting(wanted, replace(timing, weekdays=EVERY_DAY), zone.key) != due_at:
        said += f", on {WEEKDAYS[due_at.astimezone(zone).weekday()]}, the next of its days"
    if fitting(wanted, replace(timing, quiet_from=None, quiet_until=None), zone.key) != due_at:
        said += f", after the quiet hours until {timing.quiet_until:%H:%M}"
    return said


def _day(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{local.day} {local:%b %Y}"
