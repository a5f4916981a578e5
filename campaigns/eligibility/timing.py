"""When a follow-up is due: delay, day of the week, time of day, quiet hours, in the marketplace's own zone. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from amazon.windows import EARLIEST_AFTER_DELIVERY, LATEST_AFTER_DELIVERY
from orders.facts import OrderFacts

EVERY_DAY: Final = frozenset(range(7))  # 0 is Monday
FURTHEST_BEHIND: Final = timedelta(hours=12)  # of any time zone's clocks, behind UTC
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Anchor(StrEnum):
    """What the delay counts from."""

    ORDER = "order"
    SHIPMENT = "shipment"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Timing:
    """A campaign's own wishes about time. Times of day and dates are the marketplace's."""

    delay: timedelta
    after: Anchor = Anchor.DELIVERY
    send_at: time | None = None  # None: as soon as due
    weekdays: frozenset[int] = EVERY_DAY
    quiet_from: time | None = None  # both or none; may lie across midnight
    quiet_until: time | None = None
    starts_on: date | None = None
    ends_on: date | None = None  # the last day on which it sends

    @property
    def is_any_time(self) -> bool:
        return self.send_at is None and self.weekdays == EVERY_DAY and self.quiet_from is None


def anchored_at(facts: OrderFacts, timing: Timing) -> datetime | None:
    """The instant that the delay counts from; None: not known. Amazon tells the shipment of merchant-fulfilled orders
    only; of the others the end of the promised time to ship stands for it, once they have been shipped."""
    match timing.after:
        case Anchor.DELIVERY:
            return facts.delivered_at
        case Anchor.ORDER:
            return facts.purchased_at
        case Anchor.SHIPMENT:
            return facts.shipped_at or (facts.ship_by_latest if facts.status == "shipped" else None)


def due_and_expiry(
    facts: OrderFacts, timing: Timing, time_zone: str, *, by_letter: bool, not_before: datetime
) -> tuple[datetime | None, datetime | None]:
    """When it is due and when it is too late; both None while a day that they rest on is not known.

    What ought to have been sent in the past is due at the first fitting moment from `not_before` on.
    """
    delivered_at, anchor = facts.delivered_at, anchored_at(facts, timing)
    if delivered_at is None or anchor is None:
        return None, None
    due_at = anchor + timing.delay
    if not by_letter:
        due_at = max(due_at, delivered_at + EARLIEST_AFTER_DELIVERY)
    if timing.starts_on is not None:
        due_at = max(due_at, datetime.combine(timing.starts_on, time(), ZoneInfo(time_zone)).astimezone(UTC))
    expires_at = (facts.deliver_by_earliest or delivered_at) + LATEST_AFTER_DELIVERY
    due_at = max(due_at, min(not_before, expires_at))
    return (due_at if timing.is_any_time else fitting(due_at, timing, time_zone)), expires_at


def fitting(instant: datetime, timing: Timing, time_zone: str) -> datetime:
    """The first moment at or after `instant` that suits day, time and quiet hours, in UTC.

    Where nothing ever does (`impossible` refuses that) it is the instant itself: the guards still stand.
    """
    zone = ZoneInfo(time_zone)
    if timing.send_at is not None:
        return _at_time_of_day(instant, timing.send_at, timing.weekdays, zone)
    local = instant.astimezone(zone)
    for _ in range(2 * len(WEEKDAYS)):
        if local.weekday() not in timing.weekdays:
            local = _clock(local, 1, time(), zone)
        elif (quiet_until := _end_of_quiet(local, timing, zone)) is not None:
            local = quiet_until
        else:
            return local.astimezone(UTC)
    return instant


def _at_time_of_day(instant: datetime, wanted: time, weekdays: frozenset[int], zone: ZoneInfo) -> datetime:
    """On the night when clocks go forward an hour that does not exist becomes the one after it; when they go back,
    the first of the two counts (PEP 495)."""
    local = instant.astimezone(zone)
    for days in range(len(WEEKDAYS) + 2):
        day = local.date() + timedelta(days=days)
        candidate = datetime.combine(day, wanted.replace(second=0, microsecond=0), zone).astimezone(UTC)
        if candidate >= instant and day.weekday() in weekdays:
            return candidate
    return instant


def at_time_of_day(instant: datetime, wanted: time | None, time_zone: str) -> datetime:
    """The first moment at or after `instant` at which clocks in this zone show `wanted`, in UTC."""
    if wanted is None:
        return instant
    return _at_time_of_day(instant, wanted, EVERY_DAY, ZoneInfo(time_zone))


def _end_of_quiet(local: datetime, timing: Timing, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that this moment lies in are over; None: it lies in none."""
    start, end = timing.quiet_from, timing.quiet_until
    if start is None or end is None or not is_quiet(local.time(), start, end):
        return None
    return _clock(local, 1 if start > end and local.time() >= start else 0, end, zone)


def is_quiet(moment: time, start: time, end: time) -> bool:
    """The start belongs to the quiet hours, the end does not."""
    return start <= moment < end if start < end else moment >= start or moment < end


def _clock(local: datetime, days: int, wanted: time, zone: ZoneInfo) -> datetime:
    """The same moment on the wall, made real: through UTC, so that a skipped hour moves on."""
    moment = datetime.combine(local.date() + timedelta(days=days), wanted, zone).astimezone(UTC).astimezone(zone)
    # When clocks go back inside quiet hours the wall shows the end once, after both; never step back.
    return moment if moment > local else (local.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)


def impossible(timing: Timing, *, by_letter: bool, now: datetime, takes_since: datetime | None = None) -> str | None:
    """Why this can never send from `now` on, with the arithmetic; None: it can. `takes_since`: orders bought before are
    left alone."""
    return (
        _too_early(timing, by_letter)
        or _too_late(timing, by_letter)
        or _no_moment(timing)
        or _over(timing, now)
        or _over_before_the_first(timing, by_letter, takes_since)
        or _without_its_days(timing, now)
    )


def _too_early(timing: Timing, by_letter: bool) -> str | None:
    if by_letter or timing.delay >= EARLIEST_AFTER_DELIVERY:
        return None
    least = EARLIEST_AFTER_DELIVERY.days
    missing = spoken(EARLIEST_AFTER_DELIVERY - timing.delay)
    if timing.after is Anchor.DELIVERY:
        return (
            f"Amazon takes review requests from {least} days after delivery on: {spoken(timing.delay)} would be "
            f"{missing} too early. Choose {least} to {LATEST_AFTER_DELIVERY.days - 1}."
        )
    return (
        f"Amazon takes review requests from {least} days after delivery on, and nothing is delivered before "
        f"its {timing.after}: {spoken(timing.delay)} after the {timing.after} would be at least {missing} too early. "
        f"Choose {least} or more."
    )


def _too_late(timing: Timing, by_letter: bool) -> str | None:
    if timing.after is not Anchor.DELIVERY or timing.delay < LATEST_AFTER_DELIVERY:
        return None
    latest = LATEST_AFTER_DELIVERY.days
    over = timing.delay - LATEST_AFTER_DELIVERY
    when = "exactly when that time ends" if not over else f"{spoken(over)} after that time has ended"
    return (
        f"Amazon's time for an order ends {latest} days after delivery: {spoken(timing.delay)} would be {when}, so "
        f"nothing would ever be sent. Choose {0 if by_letter else EARLIEST_AFTER_DELIVERY.days} to {latest - 1}."
    )


def _no_moment(timing: Timing) -> str | None:
    start, end = timing.quiet_from, timing.quiet_until
    if not timing.weekdays:
        return "No day of the week is chosen, so nothing would ever be sent. Choose at least one."
    if start is None or end is None:
        return None
    if start == end:
        return f"Quiet hours from {start:%H:%M} to {end:%H:%M} last all day, so nothing would ever be sent."
    if timing.send_at is not None and is_quiet(timing.send_at, start, end):
        return (
            f"{timing.send_at:%H:%M} lies in your quiet hours, {start:%H:%M} to {end:%H:%M}, so nothing would ever be "
            "sent. Change one of the two."
        )
    return None


def _over(timing: Timing, now: datetime) -> str | None:
    if timing.ends_on is None:
        return None
    if timing.starts_on is not None and timing.ends_on < timing.starts_on:
        return f"It would end on {timing.ends_on}, before it starts on {timing.starts_on}."
    today = _day_at_the_latest(now)
    if timing.ends_on < today:
        ago = spoken(today - timing.ends_on)
        return f"Its last day, {timing.ends_on}, was over {ago} ago, so nothing would ever be sent."
    return None


def _over_before_the_first(timing: Timing, by_letter: bool, takes_since: datetime | None) -> str | None:
    """Nothing is shipped or delivered before it is ordered: so this holds whatever the delay counts from."""
    if timing.ends_on is None or takes_since is None:
        return None
    wait = timing.delay if by_letter else max(timing.delay, EARLIEST_AFTER_DELIVERY)
    first = _day_at_the_latest(takes_since + wait)
    if first <= timing.ends_on:
        return None
    return (
        f"Its last day, {timing.ends_on}, comes before anything could be sent: it takes orders from "
        f"{_day_at_the_latest(takes_since)} on, and {spoken(wait)} later it is {first}."
    )


def _without_its_days(timing: Timing, now: datetime) -> str | None:
    if timing.ends_on is None:
        return None
    first = max(_day_at_the_latest(now), timing.starts_on or date.min)
    left = min((timing.ends_on - first).days + 1, len(WEEKDAYS))
    if any((first + timedelta(days=day)).weekday() in timing.weekdays for day in range(left)):
        return None
    days = " or ".join(name for number, name in enumerate(WEEKDAYS) if number in timing.weekdays)
    return f"Its last day, {timing.ends_on}, comes before anything could be sent: there is no {days} from {first} on."


def _day_at_the_latest(instant: datetime) -> date:
    """The day that it is where clocks are furthest behind: what is over there is over everywhere."""
    return (instant - FURTHEST_BEHIND).date()


def spoken(length: timedelta) -> str:
    """Days and hours: "3 days", "1 day and 2 hours"."""
    days, hours = length.days, length.seconds // 3600
    parts = [f"{days} day{'s' * (days != 1)}"] if days or not hours else []
    parts += [f"{hours} hour{'s' * (hours != 1)}"] if hours else []
    return " and ".join(parts)
