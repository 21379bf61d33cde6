"""How much rows say that share shocks and whose windows overlap: variances of sums over time.

Contributions to a statistic are summed over the rows of each origin, which keeps whatever its
units have in common. The variance of the sum of those n sums s_t is then read off their slowest
waves, which is where dependence over time shows:

    L_j = sqrt(2 / n) sum_t s_t cos(pi j (t - 1/2) / n)       j = 1 .. B
    V   = n / B  sum_j L_j L_j'                               always positive, blind to the mean
    B   = 0.4 n^(2/3), at least 4, at most the n / 2 of windows that do not overlap

A statistic over sqrt(V) is Student's t with B degrees of freedom, and a Wald statistic of k of
them (B - k + 1) / (B k) an F(k, B - k + 1), which keeps its size where other estimators of V
(Newey-West with as many lags as windows overlap) reject too often.

Source: Lazarus, Lewis, Stock and Watson (2018), HAR inference: recommendations for practice,
Journal of Business and Economic Statistics 36, 541-559. Sums over a moment's rows first: Driscoll
and Kraay (1998), Review of Economics and Statistics 80, 549-560.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.bootstrap import overlap

type Floats = NDArray[np.float64]

FEWEST_WAVES = 3  # below it no variance over time can be told
GROUPS = 10


@dataclass(frozen=True, slots=True)
class LongRun:
    """The variance (k, k) of a sum of contributions, on `waves` degrees of freedom."""

    variance: Floats
    waves: int


def are_alone(origin: ArrayLike, horizon: float) -> bool:
    """Whether no two rows share an origin and no two windows overlap: then nothing ties them."""
    origins = np.unique(np.asarray(origin, dtype=float))
    return len(origins) == np.size(origin) and overlap(origins, horizon) == 0


def long_run(contributions: Floats, origin: ArrayLike, horizon: float) -> LongRun | None:
    """The variance of the sum over rows of `contributions` (row, k); None for too short a time.

    `origin` (row,) and `horizon` are in days.
    """
    origins, place = np.unique(np.asarray(origin, dtype=float), return_inverse=True)
    n = len(origins)
    waves = int(min(n / (2 * (overlap(origins, horizon) + 1)), max(4.0, 0.4 * n ** (2 / 3))))
    if waves < FEWEST_WAVES:
        return None
    sums = np.column_stack([np.bincount(place, column) for column in contributions.T])
    angles = np.outer(np.arange(1, waves + 1), np.arange(n) + 0.5) * (math.pi / n)
    found = math.sqrt(2.0 / n) * np.cos(angles) @ sums
    return LongRun(found.T @ found * (n / waves), waves)


def design_effect(p: Floats, y: Floats, origin: ArrayLike, horizon: float) -> float:
    """How many rows say as much as one independent row, where forecasts `p` are calibrated.

    The variance of sum(y - p) over that of independent rows, sum p(1 - p), within `GROUPS` of
    like forecasts, and at least 1: what neighbours on a reliability curve have in common.
    """
    plain = p * (1.0 - p)
    if plain.sum() <= 0.0:
        return 1.0
    order = np.argsort(p, kind="stable")
    share = np.empty_like(p)
    share[order] = np.cumsum(plain[order]) / plain.sum()
    group = np.minimum((share * GROUPS).astype(int), GROUPS - 1)
    residuals = (y - p)[:, None] * (group[:, None] == np.arange(GROUPS))
    found = long_run(residuals, origin, horizon)
    return 1.0 if found is None else max(1.0, float(np.trace(found.variance) / plain.sum()))
