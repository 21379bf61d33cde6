"""What the soak counts, and how; `make soak` is long."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.soak.run import _slope
from benchmarks.soak.service import Memory
from benchmarks.soak.tape import Tape, at
from benchmarks.soak.verdict import Verdict, left_behind, overlapping, slots_missed
from benchmarks.soak.world import (
    QUESTIONS_A_UNIT,
    configuration,
    past_reports,
    questions,
    unit_name,
    write_watch,
)
from forecast.estimate import Estimate, Health, Interval
from forecast.store import Store
from forecast.store.runs import Run
from forecast.watch import load_watch

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def run(minute: int, *, lasts: float = 0.1, missed: int = 0) -> Run:
    slot = NOON + minute * MINUTE
    end = slot + lasts * MINUTE
    return Run("minutely", slot, "me", "done", "", missed, 1, slot, end, end)


def test_a_slot_that_nobody_ran_is_missed_unless_the_next_made_up_for_it() -> None:
    def missed(*runs: Run) -> tuple[int, int]:
        return slots_missed(runs, MINUTE, NOON, NOON + 3 * MINUTE)

    assert missed(run(1), run(2), run(3)) == (0, 0)
    assert missed(run(1), run(3)) == (1, 0)
    assert missed(run(1), run(3, missed=1)) == (0, 1)


def test_runs_of_one_schedule_overlap_where_one_begins_before_the_other_ends() -> None:
    assert overlapping([run(1), run(2)]) == 0
    assert overlapping([run(2), run(1, lasts=1.5)]) == 1


def test_a_slope_is_a_minute_s() -> None:
    assert _slope([(0.0, 100.0), (30.0, 101.0), (60.0, 102.0)]) == pytest.approx(2.0)
    assert _slope([(5.0, 100.0)]) == 0.0
    assert Memory(1.0, 2.0).children == 2.0


def test_the_tape_times_a_report_until_an_estimate_has_seen_it(
    store: Store, store_url: str
) -> None:
    store.add_questions(questions(2, NOON), NOON)
    tape, name = Tape(store_url), "q-0001-event-10"
    tape.told(unit_name(1), NOON, at=5.0)
    tape.told(unit_name(0), NOON, at=5.0)
    band = Interval(0.1, 0.5)
    same = Estimate(name, NOON, 0.3, band, 0.0, Health.HEALTHY, "hazard", "m", "T0", "digest")
    store.record(estimates=[same], recorded_at=NOON)
    tape.look(now=6.0)
    assert (tape.seconds, tape.waiting) == ([], 2)  # known at that moment is not known before it
    later = Estimate(
        name, NOON + MINUTE, 0.3, band, 0.0, Health.HEALTHY, "hazard", "m", "T0", "digest"
    )
    store.record(estimates=[later], recorded_at=NOON)
    tape.look(now=7.5)
    tape.close()
    assert (tape.seconds, tape.waiting, tape.estimates) == ([2.5], 1, 2)
    assert at([1.0, 2.0, 3.0], 50) == 2.0


def test_what_is_left_behind_is_counted(store: Store) -> None:
    store.add_questions(questions(1, NOON), NOON)
    store.add_reports(past_reports(1, NOON, seed=1), NOON)
    counts = left_behind(store, NOON + MINUTE, Counter())
    assert counts.pop("units_left") == 1
    assert not any(counts.values())
    assert Verdict(**counts).is_clean
    assert not Verdict(**counts, units_left=1).is_clean


def test_the_watch_of_the_soak_can_be_read_and_a_minute_takes_one_unit_in_a_hundred(
    tmp_path: Path,
) -> None:
    write_watch(tmp_path, "http://127.0.0.1:9/")
    config = load_watch(tmp_path).config
    assert configuration(tmp_path)
    asked = list(questions(200, NOON))
    assert len(asked) == 200 * QUESTIONS_A_UNIT
    minutely = next(s for s in config.schedules if s.id == "minutely")
    taken = [q for q in asked if minutely.takes(q)]
    assert len(taken) == 2 * QUESTIONS_A_UNIT
