"""A result beside an earlier one, on the rows that both have."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.backtest import Backtest, BacktestTask, Comparison, Forecasts
from forecast.errors import UsageError
from forecast.scoring.bootstrap import skill
from forecast.store.backtests import StoredBacktest
from jobs.backtest.packing import unpack_forecasts

type Places = NDArray[np.int64]

NEAR = 1e-5  # days: about a second


def compared(result: Backtest, rows: Forecasts, earlier: StoredBacktest) -> Backtest:
    """The result with its gains over an earlier one; UsageError where no row is of both.

    Outcomes are those of the newer one.
    """
    check_comparable(result.task, earlier)
    before = earlier.result
    old = unpack_forecasts(earlier.forecasts, before.run_id)
    here, there = in_both(rows, old)
    if not len(here):
        raise UsageError("has no row in common with this one", at=before.run_id)
    gained = skill(
        rows.p[here],
        old.p[there],
        rows.outcome[here],
        rows.origin[here],
        result.task.horizon_days,
        before.run_id,
        result.seed,
    )
    comparison = Comparison(before.run_id, before.made_at, gained, len(here))
    return replace(result, compared=comparison)


def check_comparable(task: BacktestTask, earlier: StoredBacktest) -> None:
    """UsageError where an earlier result forecast another thing."""
    before = earlier.result
    for name in ("definition", "horizon_days"):
        ours, theirs = getattr(task, name), getattr(before.task, name)
        if ours != theirs:
            words = f"its {name} is {theirs}, and here it is {ours}: they cannot be compared"
            raise UsageError(words, at=before.run_id)


def in_both(one: Forecasts, other: Forecasts) -> tuple[Places, Places]:
    """The places of the rows of the same unit and origin in both, in the order of the first."""
    keys = [
        {key: place for place, key in enumerate(_keys(rows))}
        for rows in (one, other)
    ]  # fmt: skip
    common = [(place, keys[1][key]) for key, place in keys[0].items() if key in keys[1]]
    places = np.array(common, np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def is_worse(result: Backtest) -> bool:
    """Whether the whole interval of the gain over the earlier result lies below zero."""
    if result.compared is None:
        return False
    gains = (result.compared.skill.brier, result.compared.skill.log_loss)
    return any(gain.upper is not None and gain.upper < 0.0 for gain in gains)


def _keys(rows: Forecasts) -> list[tuple[str, int]]:
    moments = np.round(rows.origin / NEAR).astype(np.int64).tolist()
    names = (rows.units[code] for code in rows.unit)
    return list(zip(names, moments, strict=True))
