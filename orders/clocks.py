"""Instants as a seller reads them: in the marketplace's own time zone, which is named. A rule.

Amazon may open a marketplace before our table knows it: its orders are then shown in UTC, under its id.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from amazon.marketplaces import find


def marketplace_name(marketplace_id: str) -> str:
    """The shop's name, like "Amazon.it"."""
    marketplace = find(marketplace_id)
    return marketplace.name if marketplace else marketplace_id


def zone_name(marketplace_id: str) -> str:
    """The time zone of the shop, like "Europe/Rome"."""
    marketplace = find(marketplace_id)
    return marketplace.time_zone if marketplace else "UTC"


def local(at: datetime, marketplace_id: str) -> datetime:
    """The same instant, as clocks there show it."""
    return at.astimezone(ZoneInfo(zone_name(marketplace_id)))


def spoken(at: datetime, marketplace_id: str) -> str:
    """For a sentence: "24 Nov 2026 at 10:00 (Europe/Rome)"."""
    moment = local(at, marketplace_id)
    return f"{moment.day} {moment:%b %Y} at {moment:%H:%M} ({zone_name(marketplace_id)})"


def short(at: datetime, marketplace_id: str) -> str:
    """For a table: "24 Nov 2026, 10:00"."""
    moment = local(at, marketplace_id)
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def in_utc(at: datetime) -> str:
    """For whoever wants to be sure: "24 Nov 2026, 09:00 UTC"."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
