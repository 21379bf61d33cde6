"""Quiet hours and digests on the wall clocks of zones that jump."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.quiet import digest_after, quiet_until, wall_instant
from forecast.alert_tables import Quiet
from forecast.clock import parse_instant

MINUTE = timedelta(minutes=1)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# (zone, the day before its clock jumps): forward by an hour or half an hour, and back
JUMPS = [
    ("Europe/Helsinki", date(2025, 3, 29)),
    ("Europe/Helsinki", date(2025, 10, 25)),
    ("America/New_York", date(2025, 3, 8)),
    ("America/New_York", date(2025, 11, 1)),
    ("Australia/Lord_Howe", date(2025, 10, 4)),
    ("Australia/Lord_Howe", date(2025, 4, 5)),
]


def hours(start: str, end: str, zone: str = "UTC", days: list[str] = WEEKDAYS) -> Quiet:
    return Quiet.model_validate(
        {"id": "night", "from": start, "to": end, "timezone": zone, "days": days}
    )


@cache
def minutes_of(zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """Every minute of four days as (UTC, what the clock shows), by walking along."""
    start = datetime.combine(day - timedelta(days=1), time(), UTC) - timedelta(hours=14)
    instants = [start + n * MINUTE for n in range(5 * 24 * 60)]
    clock = ZoneInfo(zone)
    return [(at, at.astimezone(clock).replace(tzinfo=None)) for at in instants]


def quiet_minutes(table: Quiet, day: date) -> set[datetime]:
    """Those in which it is quiet, by a walker who looks at the clock each minute.

    On each of the days he goes quiet as soon as the clock shows `from` or later, and is so
    until it shows `to` or later: of this day or, past midnight, of the next.
    """
    assert table.from_
    assert table.to
    begins, ends = time.fromisoformat(table.from_), time.fromisoformat(table.to)
    quiet = set()
    walk = minutes_of(table.timezone, day)
    for n in range(-2, 4):
        night = day + timedelta(days=n)
        if WEEKDAYS[night.weekday()] not in table.days:
            continue
        until = datetime.combine(night + timedelta(days=begins > ends), ends)
        has_begun, is_over = False, False
        for at, shown in walk:
            has_begun = has_begun or shown >= datetime.combine(night, begins)
            is_over = is_over or shown >= until
            if has_begun and not is_over:
                quiet.add(at)
    return quiet


clock_times = st.builds("{:02d}:{:02d}".format, st.integers(0, 5), st.integers(0, 59)) | st.builds(
    "{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59)
)


@settings(max_examples=30, deadline=None)
@given(
    jump=st.sampled_from(JUMPS),
    start=clock_times,
    end=clock_times,
    days=st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
)
def test_row_40_quiet_hours_are_what_a_walker_sees_minute_by_minute(
    jump: tuple[str, date], start: str, end: str, days: list[str]
) -> None:
    if start == end:
        return
    zone, day = jump
    table = hours(start, end, zone, days)
    expected = quiet_minutes(table, day)
    walk = [at for at, _ in minutes_of(zone, day)][24 * 60 : 4 * 24 * 60]
    changes = {at for at in walk if (at in expected) != (at - MINUTE in expected)}
    near = {at + n * MINUTE for at in changes for n in (-1, 0, 1)}
    for at in near | set(walk[::37]):
        until = quiet_until(table, at)
        assert (until is not None) == (at in expected), at
        assert until is None or (until > at and until - MINUTE in expected)


@pytest.mark.parametrize(
    ("zone", "begin", "end", "starts", "stops"),
    [
        # 03:00 becomes 04:00 in Helsinki: quiet from the jump on
        ("Europe/Helsinki", "03:30", "06:00", "2025-03-30T01:00Z", "2025-03-30T03:00Z"),
        # 04:00 becomes 03:00: from the first 03:30 to 06:00, with no hole between
        ("Europe/Helsinki", "03:30", "06:00", "2025-10-26T00:30Z", "2025-10-26T04:00Z"),
        # the first 03:30 ends what it is the end of
        ("Europe/Helsinki", "22:00", "03:30", "2025-10-25T19:00Z", "2025-10-26T00:30Z"),
        ("America/New_York", "02:30", "07:00", "2025-03-09T07:00Z", "2025-03-09T11:00Z"),
        ("America/New_York", "01:30", "07:00", "2025-11-02T05:30Z", "2025-11-02T12:00Z"),
        # Lord Howe moves by half an hour: 02:00 becomes 02:30, and 02:00 becomes 01:30
        ("Australia/Lord_Howe", "02:15", "07:00", "2025-10-04T15:30Z", "2025-10-04T20:00Z"),
        ("Australia/Lord_Howe", "01:45", "07:00", "2025-04-05T14:45Z", "2025-04-05T20:30Z"),
    ],
)
def test_row_40_quiet_hours_over_a_jump_are_one_stretch(
    zone: str, begin: str, end: str, starts: str, stops: str
) -> None:
    table = hours(begin, end, zone)
    start, stop = parse_instant(starts), parse_instant(stops)
    assert quiet_until(table, start - MINUTE / 60) is None
    assert quiet_until(table, start) == stop
    assert quiet_until(table, stop - MINUTE / 60) == stop
    assert quiet_until(table, stop) is None


def test_nights_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    table = hours("22:00", "07:00", days=["fri"])
    assert quiet_until(table, parse_instant("2025-11-28T22:00Z"))  # a Friday
    assert quiet_until(table, parse_instant("2025-11-29T06:59Z"))
    assert quiet_until(table, parse_instant("2025-11-28T06:59Z")) is None
    assert quiet_until(table, parse_instant("2025-11-29T22:00Z")) is None


def test_a_window_holds_once_from_its_start_until_before_its_end() -> None:
    start, end = parse_instant("2025-11-28T22:00Z"), parse_instant("2025-12-03T04:00Z")
    table = Quiet(id="move", starts=start, ends=end)
    assert quiet_until(table, start) == quiet_until(table, end - MINUTE) == end
    assert quiet_until(table, start - MINUTE) is None
    assert quiet_until(table, end) is None


@settings(max_examples=40, deadline=None)
@given(jump=st.sampled_from(JUMPS), at=clock_times)
def test_row_40_a_digest_is_due_exactly_once_on_every_day(jump: tuple[str, date], at: str) -> None:
    zone, day = jump
    moment = datetime.combine(day - timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    clock = ZoneInfo(zone)
    days = []
    moment -= MINUTE
    for _ in range(5):
        moment = digest_after(moment, at, zone)
        days.append(moment.astimezone(clock).date())
    assert days == [day + timedelta(days=n) for n in range(-1, 4)]


def test_a_time_of_day_that_is_skipped_comes_at_the_jump() -> None:
    for zone, day, at, instant in [
        ("Europe/Helsinki", date(2025, 3, 30), time(3, 30), "2025-03-30T01:00Z"),
        ("Australia/Lord_Howe", date(2025, 10, 5), time(2, 10), "2025-10-04T15:30Z"),
        ("Pacific/Apia", date(2011, 12, 30), time(9), "2011-12-30T10:00Z"),  # a day is skipped
    ]:
        assert wall_instant(day, at, ZoneInfo(zone)) == parse_instant(instant)
