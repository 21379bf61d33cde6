"""The model of a walk stacked with its references, as far as their record by then says.

    logit p = sum_m v_m logit p_m       members: panel, history, logistic

The panel hears everything and swings widest where the hazard is high; the plain regressions on
a unit's history err in other ways, and the mean of the three errs less than any. The weights v
are learnt walk-forward: at each refit from the forecasts made before it whose windows had
ended, with their outcomes as known then. Sharpness and shift are held: the units of a panel
share their months, so that there are too few shocks to learn those from (learnt, they cost
half of what stacking gains on each of our panels).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecast.backtest import BacktestTask, Forecasts
from models.baselines import outcomes
from models.covariates import Array
from models.panel.facts import Codes, Facts
from models.panel.landmarks import Landmarks
from models.pool.stack import CLASS_PRIOR, OF_CLASS, PoolFit, expit, fit_pool, logits_of

BESIDE = tuple(OF_CLASS)[1:]
PRIOR = CLASS_PRIOR


def stacked(
    rows: Forecasts, facts: Facts, task: BacktestTask, refits: Sequence[float]
) -> Forecasts:
    """The rows with p stacked, and the band moved along in log odds; the rest as it was.

    `refits` are moments in days, the first at or before the first origin.
    """
    members = np.column_stack([rows.p, *(rows.baselines[name] for name in BESIDE)])
    marks = Landmarks(rows.unit, rows.origin)
    known = outcomes(facts, task.definition, marks, task.horizon_days).known
    group = _windows(rows, task.horizon_days)
    turn = np.searchsorted(np.asarray(refits, float), rows.origin, side="right") - 1
    p = np.empty(len(rows))
    for nth in np.unique(turn):
        now = refits[max(nth, 0)]
        past = rows.origin + task.horizon_days <= now
        learnt = weights(members, (known < now).astype(float), group, past)
        p[turn == nth] = learnt.predict(members[turn == nth])
    moved = logits_of(p) - logits_of(rows.p)
    lower, upper = (expit(logits_of(edge) + moved) for edge in (rows.lower, rows.upper))
    return replace(rows, p=p, lower=np.minimum(lower, p), upper=np.maximum(upper, p))


def weights(members: Array, happened: Array, group: Codes, past: Array) -> PoolFit:
    """What the record of the `past` rows (row,) says of members (row, member)."""
    return fit_pool(members[past], happened[past], group[past], PRIOR)


def _windows(rows: Forecasts, horizon: float) -> Codes:
    """Windows (row,) of one unit that overlap share their events, and so a group."""
    nth = (rows.origin // horizon).astype(np.int64)
    return np.asarray(np.unique(np.stack([rows.unit, nth]), axis=1, return_inverse=True)[1])
