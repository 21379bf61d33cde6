"""The leak check of stacking: outcomes that become known later must change no stacked forecast."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecast.backtest import BacktestTask, Forecasts
from jobs.backtest.planting import plant
from jobs.backtest.stacking import stacked
from models.baselines import outcomes
from models.panel.facts import Facts
from models.panel.landmarks import Landmarks


def stack_changes(
    rows: Forecasts,
    facts: Facts,
    task: BacktestTask,
    refits: Sequence[float],
    checked: Sequence[float],
    seed: int,
) -> int:
    """How many stacked forecasts at the `checked` origins what is planted later would change.

    `rows` are those before stacking; each origin is stacked from the rows up to it alone, by the
    weights of the last refit before it.
    """
    changed = 0
    for origin in checked:
        before = rows.rows(rows.origin <= origin)
        last = [refits[bisect_right(refits, origin) - 1]]
        strange, _ = plant(facts, task.definition, origin, seed)
        ours = stacked(before, facts, task, last).p
        theirs = stacked(_as_it_came(before, strange, task), strange, task, last).p
        here = before.origin == origin
        changed += int((ours[here] != theirs[here]).sum())
    return changed


def _as_it_came(rows: Forecasts, facts: Facts, task: BacktestTask) -> Forecasts:
    """The rows with the outcomes that these facts give them, known by then or not."""
    marks = Landmarks(rows.unit, rows.origin)
    first = outcomes(facts, task.definition, marks, task.horizon_days).first
    came = np.isfinite(first)
    return replace(rows, outcome=came.astype(float), event_at=np.where(came, first, np.nan))
