"""How sure a gain is: a bootstrap over blocks of time.

Rows of one origin share what happens next, and windows of neighbouring origins overlap, so rows
are not independent draws. Whole stretches of consecutive origins are resampled, each origin with
all its units: dependence across units and over a stretch's length is kept.

    circular block bootstrap    starts drawn uniformly over the origins, stretches of L origins
                                that run on from the last to the first, until all are replaced
    L                           further origins in a horizon + ceil(origins^(1/3))
    statistic                   sum of losses gained / rows, each resampled
    interval                    percentiles, taken farther out where blocks are few

Sources: Politis and Romano (1992), A circular block-resampling procedure for stationary data;
Kunsch (1989), Annals of Statistics 17, 1217-1241; n^(1/3): Buhlmann and Kunsch (1999),
Computational Statistics and Data Analysis 31, 295-310; farther out: Hesterberg (2015), The
American Statistician 69, 371-386.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.results import Gain, Skill
from forecast.scoring.scores import brier_losses, checked, log_losses

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]

FEWEST = 5  # blocks: with fewer the spread between them is not known
REPLICATES = 2000


def skill(
    p: ArrayLike,
    reference: ArrayLike,
    outcome: ArrayLike,
    origin: ArrayLike,
    horizon: float,
    against: str,
    seed: int,
) -> Skill:
    """What forecasts `p` gained over a reference's on the same rows, all (row,).

    `origin` and `horizon` are in days. The share is NaN where the reference is perfect.
    ValueError, naming the row, for what is no forecast or outcome.
    """
    ours, y = checked(p, outcome)
    theirs, _ = checked(reference, outcome)
    brier = gain(brier_losses(ours, y), brier_losses(theirs, y), origin, horizon, seed)
    log_loss = gain(log_losses(ours, y), log_losses(theirs, y), origin, horizon, seed)
    own = float(brier_losses(theirs, y).mean()) if len(y) else 0.0
    return Skill(against, brier, log_loss, share=brier.value / own if own > 0.0 else math.nan)


def gain(
    ours: ArrayLike,
    theirs: ArrayLike,
    origin: ArrayLike,
    horizon: float,
    seed: int,
    replicates: int = REPLICATES,
    mass: float = 0.95,
) -> Gain:
    """The mean of `theirs` - `ours`, losses (row,), and its central `mass` over resampled time.

    `origin` (row,) and `horizon` are in days. No bounds for fewer than `FEWEST` blocks, and a
    value of NaN without rows. Equal seeds give equal bounds.

    >>> found = gain([0.1] * 60, [0.3] * 60, range(60), horizon=3.0, seed=1)
    >>> round(found.value, 3), found.blocks, round(found.lower, 3), round(found.upper, 3)
    (0.2, 10, 0.2, 0.2)
    """
    gained = np.asarray(theirs, dtype=float) - np.asarray(ours, dtype=float)
    if not len(gained):
        return Gain(math.nan, None, None, 0, mass)
    sums, counts = sums_by_origin(gained, origin)
    value = float(gained.mean())
    length = block_length(np.unique(np.asarray(origin, dtype=float)), horizon)
    found = math.ceil(len(sums) / length)
    if found < FEWEST:
        return Gain(value, None, None, found, mass)
    means = resampled_means(sums, counts, length, seed, replicates)
    tail = (1.0 - expanded(mass, found)) / 2.0
    lower, upper = np.quantile(means, (tail, 1.0 - tail))
    return Gain(value, float(lower), float(upper), found, mass)


def sums_by_origin(values: Floats, origin: ArrayLike) -> tuple[Floats, Floats]:
    """The sum of `values` (row,) at each origin and the number of its rows, in order of time."""
    _, place = np.unique(np.asarray(origin, dtype=float), return_inverse=True)
    return np.bincount(place, values), np.bincount(place).astype(float)


def overlap(origins: ArrayLike, horizon: float) -> int:
    """How many later origins begin within the window of one: 0 where windows do not overlap.

    `origins` are distinct, in order, in days; where they are uneven their median spacing counts.

    >>> overlap([30.0, 61.0, 91.0], horizon=90.0), overlap([0.0, 0.25, 0.5], horizon=0.25)
    (2, 0)
    """
    days = np.asarray(origins, dtype=float)
    if len(days) < 2:
        return 0
    return max(0, math.ceil(round(horizon / float(np.median(np.diff(days))), 6)) - 1)


def block_length(origins: ArrayLike, horizon: float) -> int:
    """Origins in a block: a root's worth, and those whose windows overlap with the first of it.

    With no more than the overlap itself the spread of sums over overlapping windows would come
    out a tenth too small.

    >>> block_length([30.0 * n for n in range(200)], horizon=90.0)
    8
    """
    days = np.asarray(origins, dtype=float)
    root = math.ceil(round(math.cbrt(len(days)), 6))
    return max(1, min(len(days), overlap(days, horizon) + root))


def blocks(origin: ArrayLike, horizon: float) -> Codes:
    """The block (row,) of each row, where time is cut into stretches of consecutive origins.

    >>> blocks([0, 0, 30, 60, 90, 120, 150], horizon=60.0).tolist()
    [0, 0, 0, 0, 1, 1, 1]
    """
    origins, place = np.unique(np.asarray(origin, dtype=float), return_inverse=True)
    return np.asarray(place // block_length(origins, horizon), dtype=np.int64)


def resampled_means(
    sums: Floats, counts: Floats, length: int, seed: int, replicates: int = REPLICATES
) -> Floats:
    """Means (replicate,) over resampled origins: stretches of `length` that run on from the last.

    The last stretch is cut so that there are as many origins as before.
    """
    n = len(sums)
    lengths = np.diff(np.append(np.arange(0, n, length), n))
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n, (replicates, len(lengths)))
    totals = [
        (running[starts + lengths] - running[starts]).sum(axis=1)
        for running in (np.append(0.0, np.cumsum(np.tile(v, 2))) for v in (sums, counts))
    ]
    return np.asarray(totals[0] / totals[1])


def expanded(mass: float, found: int) -> float:
    """The mass of percentiles that covers `mass` where only `found` blocks were there to draw.

    Percentiles are too narrow by sqrt((B - 1) / B) and by the Normal for Student's t; this takes
    them farther out by both.

    >>> round(expanded(0.95, 5), 4), round(expanded(0.95, 36), 4)
    (0.9981, 0.9605)
    """
    from scipy.special import ndtr, stdtrit

    t = stdtrit(found - 1, (1.0 + mass) / 2.0) * math.sqrt(found / (found - 1))
    return float(2.0 * ndtr(t) - 1.0)
