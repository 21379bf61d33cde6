"""Slots: which there are, which is due, and what the clocks' change does to them."""

from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier, Event
from typing import Any

import pytest

from forecast.clock import format_instant, parse_instant
from forecast.errors import ConfigError
from forecast.schedule_table import Schedule
from jobs.scheduler import (
    INSTANT,
    MOST_MADE_UP,
    MOST_MISSED,
    Due,
    due,
    next_slot,
    slots,
    tick_until,
    trigger_of,
)

HOUR = timedelta(hours=1)
NOON = parse_instant("2026-05-10T12:00:00Z")


def schedule(cron: str, timezone: str = "UTC", **keys: Any) -> Schedule:
    return Schedule(id="s", cron=cron, timezone=timezone, **keys)


def between(it: Schedule, start: str, end: str) -> list[str]:
    return [format_instant(s) for s in slots(it, parse_instant(start), parse_instant(end))]


def test_slots_leave_out_the_beginning_and_hold_the_end() -> None:
    found = between(schedule("0 */6 * * *"), "2026-05-10T06:00:00Z", "2026-05-10T18:00:00Z")
    assert found == ["2026-05-10T12:00:00Z", "2026-05-10T18:00:00Z"]


def test_a_time_of_day_is_that_of_the_zone() -> None:
    helsinki = schedule("0 8 * * *", "Europe/Helsinki")
    assert between(helsinki, "2026-01-10", "2026-01-11") == ["2026-01-10T06:00:00Z"]
    assert between(helsinki, "2026-07-10", "2026-07-11") == ["2026-07-10T05:00:00Z"]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ("1", ["mon"]),
        ("0", ["sun"]),
        ("7", ["sun"]),
        ("1-5", ["mon", "tue", "wed", "thu", "fri"]),
        ("5-7", ["fri", "sat", "sun"]),
        ("*/3", ["wed", "sat", "sun"]),
        ("mon,6", ["mon", "sat"]),
        ("fri-sat", ["fri", "sat"]),
    ],
)
def test_days_of_the_week_are_those_of_a_crontab(days: str, told: list[str]) -> None:
    found = slots(schedule(f"0 8 * * {days}"), NOON, NOON + timedelta(days=7))
    # from a Sunday noon on: the week begins with Monday
    assert [f"{slot:%a}".lower() for slot in found] == told


def test_a_time_that_does_not_exist_runs_once_an_hour_later() -> None:
    # on 2026-03-29 the clocks of Helsinki go from 03:00 to 04:00
    found = between(schedule("30 3 * * *", "Europe/Helsinki"), "2026-03-28", "2026-03-30")
    assert found == ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"]


def test_a_time_that_happens_twice_runs_the_first_time_only() -> None:
    # on 2026-10-25 the clocks of Helsinki go from 04:00 back to 03:00
    found = between(schedule("30 3 * * *", "Europe/Helsinki"), "2026-10-24T12:00:00Z", "2026-10-26")
    assert found == ["2026-10-25T00:30:00Z"]


def test_the_newest_slot_is_due_and_those_before_it_were_missed() -> None:
    hourly = schedule("0 * * * *")
    assert due(hourly, NOON - timedelta(hours=3), NOON) == Due(NOON, missed=2)
    assert due(hourly, NOON - timedelta(hours=1), NOON) == Due(NOON, missed=0)


def test_a_slot_that_has_run_is_not_due_again() -> None:
    assert due(schedule("0 * * * *"), NOON, NOON + timedelta(minutes=59)) is None


def test_a_clock_that_was_a_day_ahead_or_goes_back_runs_no_slot_twice() -> None:
    hourly = schedule("0 * * * *")
    assert due(hourly, NOON, NOON - timedelta(hours=1)) == Due(NOON - timedelta(hours=1), 0)
    tomorrow = NOON + timedelta(days=1)
    assert due(hourly, tomorrow, NOON) == Due(NOON, missed=0), "a wrong clock says nothing"
    assert due(hourly, NOON, tomorrow) == Due(tomorrow, missed=23)


@pytest.mark.parametrize("zone", ["Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"])
def test_a_daily_slot_at_any_time_runs_once_a_day_through_the_changes_of_the_clock(
    zone: str,
) -> None:
    for minute in ("30 2", "15 1", "45 1", "0 3"):
        daily = schedule(f"{minute} * * *", zone)
        found = between(daily, "2026-01-01", "2027-01-01")
        assert len(found) == 365
        assert len(set(found)) == 365


def test_a_schedule_that_never_ran_is_due_at_its_latest_slot_of_the_past_day() -> None:
    assert due(schedule("0 * * * *"), None, NOON) == Due(NOON, missed=0)
    assert due(schedule("0 0 1 1 *"), None, NOON) is None


def every(words: str, **keys: Any) -> Schedule:
    return Schedule(id="s", every=words, **keys)


def test_an_interval_counts_from_a_fixed_midnight_and_not_from_when_somebody_asks() -> None:
    quarter = every("15 minutes")
    expected = ["2026-05-10T12:00:00Z", "2026-05-10T12:15:00Z", "2026-05-10T12:30:00Z"]
    assert between(quarter, "2026-05-10T11:59:00Z", "2026-05-10T12:30:00Z") == expected
    assert between(quarter, "2026-05-10T11:46:41Z", "2026-05-10T12:44:59Z") == expected


def test_an_interval_may_count_from_a_moment_of_its_own_and_has_none_before() -> None:
    odd = every("7 hours", starts="2026-05-10T03:00:00+03:00")
    found = between(odd, "2026-05-01", "2026-05-10T14:00:00Z")
    assert found == ["2026-05-10T00:00:00Z", "2026-05-10T07:00:00Z", "2026-05-10T14:00:00Z"]


def test_an_interval_is_fixed_elapsed_time_where_the_clocks_change() -> None:
    day = every("1 day", timezone="Europe/Helsinki")
    assert between(day, "2026-01-10", "2026-01-11") == ["2026-01-10T22:00:00Z"]
    assert between(day, "2026-07-10", "2026-07-11") == ["2026-07-10T22:00:00Z"]
    hourly = every("1 hour", timezone="Europe/Helsinki")
    for start, end in (("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-26")):
        found = [parse_instant(slot) for slot in between(hourly, start, end)]
        assert [b - a for a, b in pairwise(found)] == [HOUR] * 47


def test_a_slot_is_carried_out_later_by_its_delay_and_stays_the_slot() -> None:
    late = every("1 hour", jitter="30 minutes")
    delay = late.delay(NOON)
    assert timedelta(seconds=1) < delay < timedelta(minutes=30)
    before = NOON - HOUR
    assert due(late, before, NOON + delay - INSTANT) is None
    assert due(late, before, NOON + delay) == Due(NOON, missed=0)


def test_slots_are_carried_out_in_order_though_delays_differ() -> None:
    minutely = schedule("* * * * *", jitter="10 minutes")
    last, done = NOON, []
    for second in range(0, 3600, 10):
        if found := due(minutely, last, NOON + timedelta(seconds=second)):
            last = found.slot
            done.append(found)
    assert [one.slot for one in done] == sorted({one.slot for one in done})
    assert len(done) + sum(one.missed for one in done) == (last - NOON) // timedelta(minutes=1)


def test_each_missed_slot_is_run_oldest_first_where_the_schedule_says_so() -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    assert due(hourly, NOON - 3 * HOUR, NOON) == Due(NOON - 2 * HOUR, missed=0)
    assert due(hourly, NOON - 2 * HOUR, NOON) == Due(NOON - HOUR, missed=0)
    assert due(hourly, NOON - HOUR, NOON) == Due(NOON, missed=0)


def test_no_more_than_the_newest_thousand_are_run_one_by_one() -> None:
    hourly = every("1 hour", catch_up="all")
    oldest = NOON - (MOST_MADE_UP - 1) * HOUR
    assert due(hourly, NOON - (MOST_MADE_UP + 5) * HOUR, NOON) == Due(oldest, missed=5)


def test_what_is_too_late_is_skipped_where_the_schedule_says_so() -> None:
    hourly = every("1 hour", catch_up="none", grace="5 minutes")
    last = NOON - 5 * HOUR
    assert due(hourly, last, NOON + timedelta(minutes=5, seconds=1)) is None
    assert due(hourly, last, NOON + timedelta(minutes=5)) == Due(NOON, missed=4)


def test_the_grace_begins_when_a_slot_is_to_be_carried_out() -> None:
    late = every("1 hour", catch_up="none", grace="1 second", jitter="30 minutes")
    moment = NOON + late.delay(NOON)
    assert due(late, NOON - HOUR, moment + timedelta(seconds=1)) == Due(NOON, missed=0)
    assert due(late, NOON - HOUR, moment + timedelta(seconds=2)) is None


def test_an_edited_schedule_makes_up_for_none_of_its_new_slots_but_the_latest() -> None:
    minutely = every("1 minute", catch_up="all")
    edited = NOON - timedelta(seconds=1)
    before = NOON - timedelta(minutes=1)
    assert due(minutely, NOON - 9 * HOUR, edited, since=edited) == Due(before, missed=0)
    assert due(minutely, before, NOON, since=edited) == Due(NOON, missed=0)
    later = NOON + timedelta(minutes=2)
    assert due(minutely, NOON - 9 * HOUR, later, since=edited) == Due(NOON, missed=0)
    latest = every("1 minute")
    assert due(latest, NOON - 9 * HOUR, later, since=edited) == Due(later, missed=2)


def test_what_fell_into_a_pause_is_not_made_up_for() -> None:
    hourly = every("1 hour")
    resumed = NOON - timedelta(minutes=90)
    assert due(hourly, NOON - 9 * HOUR, NOON - HOUR - INSTANT, resumed_at=resumed) is None
    assert due(hourly, NOON - 9 * HOUR, NOON, resumed_at=resumed) == Due(NOON, missed=1)


def test_after_a_downtime_of_years_the_newest_slot_is_still_the_newest() -> None:
    often = every("1 minute")
    found = due(often, NOON - timedelta(days=3650), NOON)
    assert found is not None
    assert found.slot == NOON
    assert found.missed >= MOST_MISSED


def test_the_next_slot_is_after_now() -> None:
    assert next_slot(schedule("0 12 * * *"), NOON) == NOON + timedelta(days=1)
    assert next_slot(schedule("0 0 30 2 *"), NOON) is None


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "noon", "* * * * * *"])
def test_a_line_that_is_no_cron_line_names_its_key(cron: str) -> None:
    with pytest.raises(ConfigError, match=r"schedules\.s\.cron: '"):
        trigger_of(schedule(cron))


def test_ticks_go_on_beside_one_that_takes_long_until_all_are_done() -> None:
    stop, ticked, ended = Event(), Event(), Event()

    def slow() -> None:
        assert ticked.wait(30)
        stop.set()
        ended.set()

    tick_until(stop, slow, ticked.set)
    assert ended.is_set()


def test_a_tick_that_takes_long_keeps_no_other_waiting_however_many_there_are() -> None:
    stop, reached = Event(), Barrier(24)

    def wait_for_all() -> None:
        if not stop.is_set():
            reached.wait(30)
            stop.set()

    tick_until(stop, *[wait_for_all] * 12, quick=[wait_for_all] * 12)
    assert not reached.broken


def test_no_tick_runs_beside_itself() -> None:
    stop, running, overlaps = Event(), Event(), []

    def tick() -> None:
        overlaps.append(running.is_set())
        running.set()
        if stop.wait(0.7):
            return
        running.clear()
        if len(overlaps) == 2:
            stop.set()

    tick_until(stop, tick)
    assert overlaps[:2] == [False, False]


def test_instants_are_aware() -> None:
    found = next_slot(schedule("0 0 * * *", "America/New_York"), NOON)
    assert isinstance(found, datetime)
    assert found.utcoffset() == timedelta(0)
