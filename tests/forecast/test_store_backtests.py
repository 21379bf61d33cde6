"""Backtests in the store: results that come back whole, and the blocks of walks on their way."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.backtest import Backtest
from forecast.errors import UsageError
from forecast.evidence import (
    RULE,
    Coverage,
    CoverageState,
    CrowdForecast,
    Event,
    Outcome,
    Report,
    Resolution,
)
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.store.backtests import KEPT_FOR
from tests.forecast.backtest_samples import MADE, backtest, compared

RESULT = backtest()
DAY = timedelta(days=1)


def later(result: Backtest, days: int) -> Backtest:
    """The same, made on a later day."""
    return replace(result, run_id=f"run-{days}", made_at=result.made_at + days * DAY)


def test_a_result_comes_back_as_it_was_with_its_rows(store: Store) -> None:
    whole = replace(RESULT, compared=compared())
    store.backtests.add(whole, b"rows")
    found = store.backtests.find(whole.run_id)
    assert found.result == whole
    assert found.forecasts == b"rows"


def test_results_are_listed_the_newest_first_and_by_task(store: Store) -> None:
    other = replace(later(RESULT, 3), task=replace(RESULT.task, name="other"))
    for result in (later(RESULT, 2), RESULT, other):
        store.backtests.add(result, b"")
    assert [r.run_id for r in store.backtests.results()] == ["run-3", "run-2", RESULT.run_id]
    assert [r.run_id for r in store.backtests.results("other")] == ["run-3"]
    latest = store.backtests.latest(RESULT.task.name)
    assert latest is not None
    assert latest.result.run_id == "run-2"
    assert store.backtests.latest("no such task") is None


def test_the_same_run_is_kept_once(store: Store) -> None:
    store.backtests.add(RESULT, b"first")
    store.backtests.add(RESULT, b"second")
    assert store.backtests.find(RESULT.run_id).forecasts == b"first"


def test_a_run_that_is_not_there_is_refused_with_the_nearest(store: Store) -> None:
    store.backtests.add(later(RESULT, 1), b"")
    with pytest.raises(UsageError, match=r"no backtest 'run-2'.*run-1"):
        store.backtests.find("run-2")


def test_a_run_that_another_tocsin_wrote_is_left_out_with_one_warning_and_can_be_let_go(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(sqlite_url) as store:
        for result in (RESULT, later(RESULT, 1)):
            store.backtests.add(result, b"rows")
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file, file:
            newest = "UPDATE backtest SET result = json_remove(result, '$.scores')"
            file.execute(f"{newest} WHERE run_id = 'run-1'")
        for _ in range(2):
            assert store.backtests.results() == [RESULT]
            latest = store.backtests.latest(RESULT.task.name)
            assert latest is not None
            assert (latest.result, latest.forecasts) == (RESULT, b"rows")
        (warning,) = caplog.messages
        assert warning in store.backtests.unreadable()
        assert "'run-1' was written by another Tocsin: scores: Field required" in warning
        assert warning.endswith("`tocsin backtest --forget run-1` lets it go")
        store.backtests.forget("run-1")
        assert store.backtests.unreadable() == []
        with pytest.raises(UsageError, match="no backtest 'run-1'"):
            store.backtests.forget("run-1")


def test_the_blocks_of_a_walk_are_kept_until_they_are_let_go(store: Store) -> None:
    for digest, block in (("a", 0), ("a", 1), ("b", 0)):
        store.backtests.add_part(digest, block, f"{digest}{block}".encode(), MADE)
    store.backtests.add_part("a", 1, b"again", MADE)
    assert store.backtests.parts("a") == {0: b"a0", 1: b"a1"}
    store.backtests.forget_parts("a", MADE)
    assert (store.backtests.parts("a"), store.backtests.parts("b")) == ({}, {0: b"b0"})


def test_blocks_that_nobody_took_up_again_go_after_a_month(store: Store) -> None:
    store.backtests.add_part("old", 0, b"", MADE)
    store.backtests.add_part("young", 0, b"", MADE + DAY)
    store.backtests.forget_parts("another", MADE + KEPT_FOR + DAY / 2)
    assert store.backtests.parts("old") == {}
    assert store.backtests.parts("young") == {0: b""}


# Facts to be replayed


def facts(store: Store) -> None:
    """A report that is corrected, one that is retracted later, an event, a question, its end."""
    said = Report("r1", "harbour", "union.ballot", at(1), at(2), value=0.5)
    store.add_reports([said, replace(said, report_id="r2")], at(2))
    store.add_reports([replace(said, value=1.0, known_at=at(4))], at(4))
    store.add_reports([replace(said, report_id="r2", known_at=at(6), retracted=True)], at(6))
    store.add_events([Event("e1", "harbour", "strike", at(5), at(5))], at(5))
    asked = Question("q", "A strike?", "harbour", "strike", at(0), at(20))
    store.add_questions([asked], at(0))
    store.add_crowd([CrowdForecast("q", at(3), 0.3, "market")], at(3))
    store.add_coverage([coverage()], at(1))
    store.add_resolutions(
        [
            Resolution("q", Outcome.NO, at(20), "by the clock", author=RULE),
            Resolution("q", Outcome.YES, at(21), "a person's word", author="ann"),
        ],
        at(21),
    )


def at(day: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def coverage() -> Coverage:
    return Coverage("c1", "harbour", CoverageState.COVERED, at(0), None, at(1), "union.*")


def test_facts_replayed_elsewhere_are_known_as_they_were(
    store: Store, new_sqlite_url: Callable[[], str]
) -> None:
    facts(store)
    packed = store.backtests.facts()
    with open_store(new_sqlite_url()) as copy:
        assert copy.backtests.replay(packed) == 0
        asked = store.question("q")
        for day in (1, 3, 5, 7, 22):
            there, here = copy.snapshot(asked, at(day)), store.snapshot(asked, at(day))
            if day < 22:  # what followed by rule follows anew
                assert there == here
            assert there.reports == here.reports
        assert copy.resolution("q") == store.resolution("q")
        assert copy.backtests.facts() == packed


def test_what_was_known_later_is_left_out_of_a_replay(
    store: Store, new_sqlite_url: Callable[[], str]
) -> None:
    facts(store)
    with open_store(new_sqlite_url()) as copy:
        assert copy.backtests.replay(store.backtests.facts(), at(4)) == 4
        asked = store.question("q")
        assert copy.snapshot(asked, at(30)).reports == store.snapshot(asked, at(4)).reports
        assert copy.snapshot(asked, at(30)).events == ()
