"""The Brier score taken apart, and the reliability curve, both without bins: CORP.

    r     isotonic regression of y on p: the forecasts recalibrated, as far as they can be in order
    Brier = MCB - DSC + UNC
    MCB   mean (p - y)^2 - mean (r - y)^2     miscalibration: what recalibrating would save
    DSC   UNC - mean (r - y)^2                discrimination: what r gains over the base rate
    UNC   b (1 - b),  b = mean y              uncertainty

MCB is at least 0 by construction and has a bias upwards: forecasts that are calibrated have one
of about steps / n. The band tells what is noise: outcomes are drawn from the forecasts
themselves and recalibrated, again and again.

Source: Dimitriadis, Gneiting and Jordan (2021), Stable reliability diagrams for probabilistic
classifiers, PNAS 118 (8) e2016191118.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.results import ReliabilityPoint
from forecast.scoring.scores import brier_losses, checked

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]

BAND = 0.90
REPLICATES = 400


@dataclass(frozen=True, slots=True)
class Corp:
    """Brier = mcb - dsc + unc; all NaN without forecasts."""

    mcb: float
    dsc: float
    unc: float


def decomposition(p: ArrayLike, outcome: ArrayLike) -> Corp:
    """The Brier score of `p` (row,) on outcomes 0 or 1 (row,) in its three parts.

    ValueError, naming the row, for what is no forecast or outcome.

    >>> found = decomposition([0.2, 0.2, 0.6, 0.6], [0, 0, 1, 0])
    >>> round(found.mcb, 4), round(found.dsc, 4), round(found.unc, 4)
    (0.025, 0.0625, 0.1875)
    """
    p, y = checked(p, outcome)
    if not len(p):
        return Corp(np.nan, np.nan, np.nan)
    best = float(brier_losses(recalibrated(p, y), y).mean())
    unc = float(y.mean() * (1.0 - y.mean()))
    return Corp(max(0.0, float(brier_losses(p, y).mean()) - best), max(0.0, unc - best), unc)


def recalibrated(p: ArrayLike, outcome: ArrayLike) -> Floats:
    """The share (row,) that came true at each forecast, as a curve that never falls in p."""
    p, y = checked(p, outcome)
    if not len(p):
        return p
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    return _isotonic(y, place, counts)[place]


def points(
    p: ArrayLike,
    outcome: ArrayLike,
    seed: int,
    effect: float = 1.0,
    replicates: int = REPLICATES,
) -> tuple[ReliabilityPoint, ...]:
    """The steps of the recalibrated curve, from the lowest forecast up, with their 90 % band.

    `effect` is the design effect of `dependence.design_effect`: so many rows say as much as one
    independent row. Drawn outcomes then agree within groups of so many rows of nearly equal
    forecasts, which widens the band by its square root and leaves every forecast calibrated.
    The band is pointwise: of a hundred steps of calibrated forecasts about ten lie outside.
    """
    p, y = checked(p, outcome)
    if not len(p):
        return ()
    levels, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    curve = _isotonic(y, place, counts)
    steps = np.cumsum(np.append(False, np.diff(curve) > 0.0))
    n = np.bincount(steps, counts)
    forecast = np.bincount(steps, counts * levels) / n
    observed = curve[np.append(True, np.diff(steps) > 0)]
    drawn = _drawn_curves(levels, counts, forecast, max(1.0, effect), seed, replicates)
    lower, upper = np.quantile(drawn, ((1.0 - BAND) / 2.0, (1.0 + BAND) / 2.0), axis=0)
    columns = (forecast, observed, n, lower, upper)
    return tuple(
        ReliabilityPoint(float(f), float(o), int(k), float(a), float(b))
        for f, o, k, a, b in zip(*columns, strict=True)
    )


def _drawn_curves(
    levels: Floats, counts: Codes, at: Floats, effect: float, seed: int, replicates: int
) -> Floats:
    """Curves (replicate, step) that calibrated forecasts give, read at the steps' forecasts."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(len(levels)), counts)
    p = levels[place]
    group = (np.arange(len(p)) / effect).astype(np.int64)
    found = np.empty((replicates, len(at)))
    for replicate in found:
        # each row is drawn by itself where the effect is 1: the groups are of one
        y = (rng.random(group[-1] + 1)[group] < p).astype(float)
        replicate[:] = np.interp(at, levels, _isotonic(y, place, counts))
    return found


def _isotonic(y: Floats, place: Codes, counts: Codes) -> Floats:
    """The curve (level,) by pool-adjacent-violators; rows of one forecast are one mean."""
    from scipy.optimize import isotonic_regression

    shares = np.bincount(place, y) / counts
    return np.asarray(isotonic_regression(shares, weights=counts).x, dtype=float)
