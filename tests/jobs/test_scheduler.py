"""Slots: which there are, which is due, and what the clocks' change does to them."""

from datetime import datetime, timedelta
from threading import Event

import pytest

from forecast.clock import format_instant, parse_instant
from forecast.errors import ConfigError
from forecast.schedule_table import Schedule
from jobs.scheduler import Due, due, next_slot, slots, tick_until, trigger_of

NOON = parse_instant("2026-05-10T12:00:00Z")


def schedule(cron: str, timezone: str = "UTC") -> Schedule:
    return Schedule(id="s", cron=cron, timezone=timezone)


def between(it: Schedule, start: str, end: str) -> list[str]:
    return [format_instant(s) for s in slots(it, parse_instant(start), parse_instant(end))]


def test_slots_leave_out_the_beginning_and_hold_the_end() -> None:
    found = between(schedule("0 */6 * * *"), "2026-05-10T06:00:00Z", "2026-05-10T18:00:00Z")
    assert found == ["2026-05-10T12:00:00Z", "2026-05-10T18:00:00Z"]


def test_a_time_of_day_is_that_of_the_zone() -> None:
    helsinki = schedule("0 8 * * *", "Europe/Helsinki")
    assert between(helsinki, "2026-01-10", "2026-01-11") == ["2026-01-10T06:00:00Z"]
    assert between(helsinki, "2026-07-10", "2026-07-11") == ["2026-07-10T05:00:00Z"]


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
