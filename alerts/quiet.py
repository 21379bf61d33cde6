"""Times of day on the wall clock of a zone: when quiet hours hold, when a digest is due.

A clock that is put forward jumps over some times of day: what begins or ends at one of them
does so at the jump. A clock that is put back shows some twice: the first time counts. So
quiet hours are one stretch a day, and a digest is due once a day, in every zone.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from forecast.alert_tables import Quiet

_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def quiet_until(table: Quiet, now: datetime) -> datetime | None:
    """When the quiet that holds at `now` ends, in UTC; None where it does not hold."""
    if table.starts and table.ends:
        return table.ends if table.starts <= now < table.ends else None
    if not (table.from_ and table.to):
        return None
    begins, ends, zone = _time(table.from_), _time(table.to), ZoneInfo(table.timezone)
    here = now.astimezone(zone).date()
    found = None
    for day in (here - _DAY, here, here + _DAY):
        if _WEEKDAYS[day.weekday()] in table.days:
            start = wall_instant(day, begins, zone)
            end = wall_instant(day if begins < ends else day + _DAY, ends, zone)
            if start <= now < end:
                found = end
    return found


def digest_after(moment: datetime, at: str, timezone: str) -> datetime:
    """The first instant after `moment` at which it is `at`, such as "07:00", in a zone."""
    zone = ZoneInfo(timezone)
    here = moment.astimezone(zone).date()
    days = (here + n * _DAY for n in range(-1, 3))
    return next(due for day in days if (due := wall_instant(day, _time(at), zone)) > moment)


@lru_cache(maxsize=1024)  # asked for every notice that waits, each second
def wall_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the clock of a zone shows this day and time, or later.

    >>> wall_instant(date(2025, 3, 9), time(2, 30), ZoneInfo("America/New_York")).isoformat()
    '2025-03-09T07:00:00+00:00'
    """
    wall = datetime.combine(day, at)
    late = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(late.timestamp(), zone) == wall:
        return late
    # There is no such time: it lies in a jump, between its two readings.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds = range(int(early.timestamp()), int(late.timestamp()) + 1)
    jump = bisect_left(seconds, wall, key=lambda second: _wall(second, zone))
    return datetime.fromtimestamp(seconds[jump], UTC)


def _wall(timestamp: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(timestamp, zone).replace(tzinfo=None)


def _time(text: str) -> time:
    return time.fromisoformat(text)
