"""Calibration where it matters: at the first forecast of each stretch above a line.

A forecast that is calibrated on the whole may yet be too high whenever it is high for the first
time. By optional stopping a calibrated one is right there too: as many come true as it says.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.scores import checked

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]

_LATE = 1.5  # as in `episodes`: a unit that is forecast again only later begins anew


def first_alerts(
    unit: ArrayLike,
    origin: ArrayLike,
    p: ArrayLike,
    outcome: ArrayLike,
    thresholds: Sequence[float],
    step: float | None = None,
) -> tuple[tuple[float, float, float, int], ...]:
    """(threshold, mean forecast, share that came true, number) of the firsts, where there are any.

    All arrays are (row,); `unit` are codes, `origin` days; `step` is the days from a forecast to
    the next, found from the origins unless given. ValueError, naming the row, for what is no
    forecast or outcome.

    >>> first_alerts([0] * 5, range(5), [0.1, 0.3, 0.4, 0.1, 0.5], [0, 0, 1, 1, 1], [0.3])
    ((0.3, 0.4, 0.5, 2),)
    """
    given, came = checked(p, outcome)
    units, at = np.asarray(unit), np.asarray(origin, dtype=float)
    order = np.lexsort((at, units))
    given, came, units, at = given[order], came[order], units[order], at[order]
    begins = _begins(units, at, _step(at) if step is None else step)
    found = []
    for line in thresholds:
        above = given >= line
        before = np.append(False, above[:-1]) & ~begins
        first = above & ~before
        if first.any():
            mean, share = float(given[first].mean()), float(came[first].mean())
            found.append((line, mean, share, int(first.sum())))
    return tuple(found)


def _begins(units: NDArray[np.int64], at: Floats, step: float) -> NDArray[np.bool_]:
    """Whether a row (row,), in order of unit and time, follows none of its unit in time."""
    new = np.append(True, np.diff(units) != 0)[: len(units)]
    late = np.append(True, np.diff(at) > _LATE * step)[: len(at)]
    return np.asarray(new | late)


def _step(at: Floats) -> float:
    origins = np.unique(at)
    return float(np.median(np.diff(origins))) if len(origins) > 1 else np.inf
