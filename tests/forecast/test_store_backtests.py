"""Backtests in the store: results that come back whole, and the blocks of walks on their way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from forecast.backtest import Backtest
from forecast.errors import UsageError
from forecast.store import Store
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
