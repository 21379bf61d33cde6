"""Ranks of the truth among weighted draws, and whether many of them look uniform.

If a posterior is right, the truth of a world drawn from the prior is one more draw of it: its
rank among L independent draws is uniform on 0..L (Talts et al. 2018). Importance weights are
first turned into L equal draws, so that the ranks are those of so many draws and no fewer.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
DRAWS = 99  # L: so that a rank is one of a hundred
GRID = 64  # places where an empirical distribution is compared with the uniform
SIMULATIONS = 2000  # of uniform samples, for the simultaneous band


def equal_draws(weights: Array, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places (count,) of draws that stand for the weighted ones, by systematic resampling.

    Draws of a chain or of a move lie near their kin, so even steps along them thin them too.
    """
    edges = np.cumsum(weights)
    points = (np.arange(count) + rng.random()) / count * edges[-1]
    return np.asarray(np.searchsorted(edges, points).clip(max=len(weights) - 1))


def place_of(truth: float, draws: Array, rng: np.random.Generator) -> float:
    """Where the truth lies among equal draws, in (0, 1): (rank + uniform) / (L + 1).

    Ties are broken at random, so a quantity that is the same in all draws ranks anywhere.
    """
    ties = int((draws == truth).sum())
    rank = int((draws < truth).sum()) + int(rng.integers(ties + 1))
    return (rank + rng.random()) / (len(draws) + 1)


def anderson_darling(uniform: ArrayLike) -> float:
    """A^2 of a sample against the uniform on (0, 1).

    A^2 = -n - mean of (2i - 1) ( log u_i + log(1 - u_(n+1-i)) ), u sorted.
    """
    u = np.sort(np.asarray(uniform, float)).clip(1e-12, 1 - 1e-12)
    odd = 2 * np.arange(len(u)) + 1
    return float(-len(u) - (odd * (np.log(u) + np.log1p(-u[::-1]))).mean())


def anderson_darling_p(statistic: float) -> float:
    """P of an A^2 at least so large for a large uniform sample.

    Source: Marsaglia and Marsaglia (2004), Evaluating the Anderson-Darling distribution, adinf,
    which is no good beyond 8; there the tail of the largest of its chi-squares (Zolotarev 1961).

    >>> [round(anderson_darling_p(a), 3) for a in (1.933, 2.492, 3.878)]
    [0.1, 0.05, 0.01]
    """
    z = statistic
    if z <= 0:
        return 1.0
    if z < 2:
        terms = (2.00012, 0.247105, -0.0649821, 0.0347962, -0.011672, 0.00168691)
        return 1 - math.exp(-1.2337141 / z) / math.sqrt(z) * _polynomial(terms, z)
    if z > 8:
        return math.sqrt(3) * math.erfc(math.sqrt(z))
    terms = (1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146)
    return -math.expm1(-math.exp(_polynomial(terms, z)))


def _polynomial(terms: Sequence[float], z: float) -> float:
    return sum(term * z**power for power, term in enumerate(terms))


def ecdf_difference(uniform: ArrayLike) -> tuple[Array, Array]:
    """The grid (GRID + 1,) from 0 to 1, and how far the sample's distribution lies above it."""
    grid = np.linspace(0, 1, GRID + 1)
    u = np.sort(np.asarray(uniform, float))
    share = np.searchsorted(u, grid, side="right") / len(u)
    return grid, share - grid


def simultaneous_band(sample: int, mass: float = 0.99) -> tuple[Array, Array]:
    """The band (GRID + 1,) within which the whole difference of a uniform sample stays.

    With probability `mass`; the pointwise level is found by simulation.
    Source: Sailynoja, Burkner, Vehtari (2022), Graphical test for discrete uniformity.
    """
    from scipy.stats import binom

    grid = np.linspace(0, 1, GRID + 1)[1:-1]
    counts = np.arange(sample + 1)
    below = binom.cdf(counts[:, None], sample, grid)
    above = binom.sf(counts[:, None] - 1, sample, grid)
    tail = 2 * np.minimum(below, above)
    rng = np.random.default_rng(sample)
    steps = rng.multinomial(sample, np.full(GRID, 1 / GRID), SIMULATIONS)
    reached = np.cumsum(steps, axis=1)[:, :-1]
    level = np.quantile(tail[reached, np.arange(len(grid))].min(axis=1), 1 - mass)
    low, high = (binom.ppf(q, sample, grid) / sample - grid for q in (level / 2, 1 - level / 2))
    return np.pad(low, 1), np.pad(high, 1)


def calibration_p(told: ArrayLike, true: ArrayLike) -> float:
    """P of errors so large or so tilted, were the probabilities told calibrated.

    Given what was known, the chance in the world has the probability told as its mean: then
    neither the errors nor their product with the logit of what was told have another mean than
    0. Both means together: Hotelling's T^2. Needs no more than the number that was told.
    """
    from scipy.stats import f

    p = np.asarray(told, float).clip(1e-12, 1 - 1e-12)
    error = np.asarray(true, float) - p
    if np.ptp(error) == 0:
        return 1.0 if error[0] == 0 else 0.0
    logit = np.log(p / (1 - p))
    tilt = (logit - logit.mean()) / logit.std() if np.ptp(logit) > 1e-9 else None
    moments = np.stack([error] if tilt is None else [error, error * tilt], axis=1)
    n, k = moments.shape
    mean = moments.mean(axis=0)
    spread = np.atleast_2d(np.cov(moments, rowvar=False)) / n
    square = float(mean @ np.linalg.pinv(spread) @ mean)
    return float(f.sf(square * (n - k) / (k * (n - 1)), k, n - k))
