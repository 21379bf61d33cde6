"""Time: the only place that asks the machine what time it is, and how times are written.

Every instant in Tocsin is an aware `datetime` in UTC. Text is ISO 8601.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

Clock = Callable[[], datetime]

DAY = timedelta(days=1)
_BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_SECOND = time(23, 59, 59)


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def parse_instant(text: str, *, end_of_day: bool = False) -> datetime:
    """The instant that ISO 8601 `text` names, in UTC.

    A bare date is a UTC day: its first second, or its last one with `end_of_day` (which
    is what "known on that day" and "before the end of that day" mean). A time of day
    without a zone names no instant and raises ValueError.

    >>> parse_instant("2025-11-29").isoformat()
    '2025-11-29T00:00:00+00:00'
    >>> parse_instant("2025-11-29", end_of_day=True).isoformat()
    '2025-11-29T23:59:59+00:00'
    >>> parse_instant("2025-11-29T02:00:00+02:00").isoformat()
    '2025-11-29T00:00:00+00:00'
    """
    text = text.strip()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a date or time in ISO 8601") from None
    if _BARE_DATE.fullmatch(text):
        return datetime.combine(instant, _LAST_SECOND if end_of_day else time.min, UTC)
    if instant.tzinfo is None:
        raise ValueError(f"'{text}' has no time zone; write {text}Z for UTC")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"'{text}' is outside the years 1 to 9999 in UTC") from None


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with a Z, to the second unless it has a fraction.

    >>> format_instant(parse_instant("2025-11-29"))
    '2025-11-29T00:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def days_between(start: datetime, end: datetime) -> float:
    """Length of [start, end] in days; negative where end is before start."""
    return (end - start) / DAY
