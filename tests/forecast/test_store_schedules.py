"""Schedules as rows: kept from watch.toml, paused by people, and where each stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.errors import UsageError
from forecast.store import RunClaim, Store
from forecast.store.schedules import Told

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAILY = Told("daily", "d1", {"cron": "0 8 * * *"}, NOW + HOUR)
HOURLY = Told("hourly", "h1", {"every": "1 hour"}, NOW + HOUR)


def test_a_schedule_is_kept_as_it_was_first_seen_and_read_last(store: Store) -> None:
    store.schedules.keep([DAILY, HOURLY], NOW)
    store.schedules.keep([replace(DAILY, definition={"x": 1}), HOURLY], NOW + HOUR)
    daily, hourly = store.schedules.listed()
    assert (daily.definition, daily.since, daily.first_seen) == ({"x": 1}, NOW, NOW)
    assert hourly.next_slot == NOW + HOUR


def test_an_edited_schedule_begins_anew(store: Store) -> None:
    store.schedules.keep([DAILY], NOW)
    store.schedules.keep([replace(DAILY, digest="d2")], NOW + HOUR)
    [daily] = store.schedules.listed()
    assert (daily.since, daily.first_seen) == (NOW + HOUR, NOW)


def test_what_is_no_longer_in_the_file_is_gone_and_comes_back_anew(store: Store) -> None:
    store.schedules.keep([DAILY, HOURLY], NOW)
    store.schedules.keep([HOURLY], NOW + HOUR)
    assert [row.schedule_id for row in store.schedules.listed()] == ["hourly"]
    assert list(store.schedules.standings(NOW)) == ["hourly"]
    [gone] = [row for row in store.schedules.listed(gone=True) if row.removed_at]
    assert (gone.schedule_id, gone.removed_at, gone.next_slot) == ("daily", NOW + HOUR, None)
    store.schedules.keep([DAILY], NOW + 2 * HOUR)
    [daily] = store.schedules.listed()
    assert (daily.schedule_id, daily.since) == ("daily", NOW + 2 * HOUR)


def test_the_next_slot_is_noted_and_nothing_else(store: Store) -> None:
    store.schedules.keep([DAILY], NOW)
    store.schedules.note_next([("daily", NOW + 9 * HOUR), ("ghost", NOW)])
    [daily] = store.schedules.listed()
    assert (daily.next_slot, daily.since) == (NOW + 9 * HOUR, NOW)


def test_a_pause_says_who_and_why_and_ends_by_a_word(store: Store) -> None:
    store.schedules.keep([DAILY], NOW)
    assert store.schedules.pause("daily", "ada", "holidays", NOW + HOUR)
    assert not store.schedules.pause("daily", "bob", "me too", NOW + HOUR), "the first word counts"
    store.schedules.keep([DAILY], NOW + HOUR)
    [row] = store.schedules.listed()
    assert (row.paused, row.author, row.reason) == (True, "ada", "holidays")
    assert store.schedules.resume("daily", "bob", "", NOW + 2 * HOUR)
    assert not store.schedules.resume("daily", "ada", "", NOW + 3 * HOUR)
    [row] = store.schedules.listed()
    assert (row.paused, row.author, row.resumed_at) == (False, "bob", NOW + 2 * HOUR)


def test_only_a_schedule_that_is_there_can_be_paused(store: Store) -> None:
    store.schedules.keep([DAILY, HOURLY], NOW)
    store.schedules.keep([HOURLY], NOW)
    with pytest.raises(UsageError, match=r"no schedule 'hourl'; did you mean 'hourly'\?"):
        store.schedules.pause("hourl", "ada", "", NOW)
    with pytest.raises(UsageError, match="no schedule 'daily'"):
        store.schedules.pause("daily", "ada", "", NOW)


def test_a_standing_tells_the_last_slot_and_whether_a_run_is_under_way(store: Store) -> None:
    store.schedules.keep([DAILY, HOURLY], NOW)
    fence = store.ledger.claim_run("daily", NOW, "a", NOW, HOUR, missed=3)
    store.ledger.claim_run("daily", NOW - HOUR, "b", NOW, timedelta(minutes=1))
    daily = store.schedules.standings(NOW)["daily"]
    assert (daily.last_slot, daily.last_status, daily.last_missed) == (NOW, "running", 3)
    assert daily.is_running
    assert store.ledger.finish_run(RunClaim("daily", NOW, "a", fence), "done", "", NOW)
    assert store.schedules.standings(NOW)["daily"].is_running, "the older one still is"
    daily = store.schedules.standings(NOW + HOUR)["daily"]
    assert (daily.is_running, daily.last_status) == (False, "done")
    hourly = store.schedules.standings(NOW)["hourly"]
    assert (hourly.last_slot, hourly.last_status, hourly.is_running) == (None, "", False)
