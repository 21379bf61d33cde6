"""[[schedules]] and [updates]: what they say, and what is refused in one line."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from forecast.question import Question
from forecast.schedule_table import Schedule, Updates

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def schedule(**keys: Any) -> Schedule:
    return Schedule(id="s", **keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "a cron line, or every so much time"),
        ({"cron": "* * * * *", "every": "1 hour"}, "one of the two"),
        ({"cron": "* * * * *", "starts": "2026-01-01"}, "starts goes with every"),
        ({"every": "0 seconds"}, "less than a second"),
        ({"every": "now and then"}, "not a duration"),
        ({"every": "1 hour", "jitter": "1 hour"}, "jitter: '1 hour' is not less than every"),
        ({"every": "1 hour", "grace": "1 minute"}, "grace goes with catch_up = 'none'"),
        ({"every": "1 hour", "catch_up": "some"}, "'latest', 'all' or 'none'"),
        ({"every": "1 hour", "questions": []}, "at least 1"),
        ({"every": "1 hour", "starts": "2026-01-01T08:00:00"}, "has no time zone"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        schedule(**keys)


def test_a_group_is_what_fits_questions_units_and_definitions_alike() -> None:
    group = schedule(every="1 hour", units=["port-*"], definitions=["strike", "blockade"])

    def takes(unit: str, definition: str) -> bool:
        return group.takes(Question("q", "?", unit, definition, NOON, NOON + timedelta(days=1)))

    assert takes("port-oslo", "strike")
    assert not takes("port-oslo", "storm")
    assert not takes("oslo", "strike")


def test_the_delay_of_a_slot_follows_from_schedule_and_slot_alone() -> None:
    late = schedule(every="1 hour", jitter="10 minutes")
    slots = [NOON + timedelta(hours=n) for n in range(200)]
    delays = [late.delay(slot) for slot in slots]
    assert delays == [schedule(every="2 hours", jitter="10 minutes").delay(s) for s in slots]
    assert all(timedelta(0) <= delay < timedelta(minutes=10) for delay in delays)
    assert max(delays) - min(delays) > timedelta(minutes=9)
    other = Schedule(id="t", every="1 hour", jitter="10 minutes")
    assert other.delay(NOON) != late.delay(NOON), "schedules of one line spread out"
    assert schedule(every="1 hour").delay(NOON) == timedelta(0)


def test_a_schedule_is_another_one_where_its_slots_are_others() -> None:
    hourly = schedule(every="1 hour")
    assert hourly.digest == schedule(every="1 hour", jitter="5 minutes", units=["a"]).digest
    others = [
        schedule(every="2 hours"),
        schedule(every="1 hour", starts="2026-01-01"),
        schedule(every="1 hour", timezone="Asia/Kathmandu"),
        schedule(cron="0 * * * *"),
    ]
    assert len({hourly.digest, *(other.digest for other in others)}) == 5


def test_news_waits_no_longer_than_it_may() -> None:
    assert Updates().quiet == timedelta(seconds=0.25)
    assert Updates().longest == timedelta(seconds=10)
    with pytest.raises(ValidationError, match="longest_wait '1 second' is less than debounce"):
        Updates(debounce="2 seconds", longest_wait="1 second")


def test_what_the_page_on_schedules_shows_can_be_written_so() -> None:
    page = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    tables = [tomllib.loads(block) for block in blocks]
    shown = [Schedule(**table) for one in tables for table in one.get("schedules", [])]
    assert [schedule.id for schedule in shown] == ["morning", "ports", "audit"]
    [updates] = [Updates(**one["updates"]) for one in tables if "updates" in one]
    assert updates == Updates(), "the page says that these are the defaults"
    for name in Schedule.model_fields.keys() - {"id", "starts"}:
        assert f"`{name}`" in page
