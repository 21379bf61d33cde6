"""The leak check of stacking: outcomes that become known later must change no stacked forecast."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from forecast.backtest import BacktestTask, Forecasts
from jobs.backtest.planting import plant
from jobs.backtest.stacking import stacked
from models.panel.facts import Facts


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
        before = _up_to(rows, origin)
        last = [refits[bisect_right(refits, origin) - 1]]
        strange, _ = plant(facts, task.definition, origin, seed)
        ours, theirs = (stacked(before, of, task, last).p for of in (facts, strange))
        here = before.origin == origin
        changed += int((ours[here] != theirs[here]).sum())
    return changed


def _up_to(rows: Forecasts, origin: float) -> Forecasts:
    there = rows.origin <= origin
    return replace(
        rows,
        unit=rows.unit[there],
        origin=rows.origin[there],
        p=rows.p[there],
        lower=rows.lower[there],
        upper=rows.upper[there],
        outcome=rows.outcome[there],
        event_at=rows.event_at[there],
        baselines={name: p[there] for name, p in rows.baselines.items()},
    )
