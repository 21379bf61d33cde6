"""Two tests of calibration that allow for rows that depend on each other, and their power.

    Spiegelhalter      z = sum (y - p)(1 - 2p) / sqrt( sum (1 - 2p)^2 p (1 - p) )
    likelihood ratio   2 ( l(a, b) - l(0, 1) ) of logit(truth) = a + b logit(p): chi-squared of 2

Both take rows for independent. Where origins hold several rows or windows overlap, each is done
once more with a variance over time (`dependence`), and **the larger p-value counts**: the plain
test rejects a third of all calibrated forecasts of overlapping windows, the other one sees
certainty in a few events that happened to lie evenly. Over time, z is Student's t on the waves
of V, and the likelihood ratio is scaled by

    U' V^-1 U / U' I^-1 U        U score at (0, 1), I its variance of independent rows, V over time

which makes it a chi-squared again however the coefficients are written, read as an F. What is
reported is the deviate that has the p-value: a z of the Normal, a chi-squared.

Sources: Spiegelhalter (1986), Statistics in Medicine 5, 421-433; Cox (1958), Biometrika 45,
562-565; Pace, Salvan and Sartori (2011), Statistica Sinica 21, 129-148, for the scale.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.scoring.dependence import LongRun, are_alone, long_run
from forecast.scoring.regression import columns, information

type Floats = NDArray[np.float64]

TOO_SURE, HALF_A_NAT = 0.6, 0.5  # the errors that `power` is about


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties rows together: their origins (row,) and the horizon of their windows, in days."""

    origin: Floats
    horizon: float

    def none(self) -> bool:
        """Whether rows are independent by what they are."""
        return are_alone(self.origin, self.horizon)

    def variance(self, contributions: Floats) -> LongRun | None:
        """Of the sum of contributions (row, k); None where time is too short to tell."""
        return long_run(contributions, self.origin, self.horizon)


@dataclass(frozen=True, slots=True)
class Found:
    """A test's statistic, and the chance of one as large of calibrated forecasts."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Power:
    """The `chance` to find the grosser error: a slope of 0.6, or odds e^0.5 times too high."""

    chance: float
    of_slope: bool


def spiegelhalter(p: Floats, y: Floats, ties: Ties) -> Found | None:
    """Whether the Brier score is as expected; None where p is all 1/2, or time is too short."""
    from scipy.stats import norm, t

    lean = 1.0 - 2.0 * p
    given = (y - p) * lean
    plain = float((lean**2 * p * (1.0 - p)).sum())
    if plain <= 0.0:
        return None
    z = float(given.sum()) / math.sqrt(plain)
    alone = Found(z, float(2.0 * norm.sf(abs(z))))
    if ties.none():
        return alone
    found = ties.variance(given[:, None])
    if found is None:
        return None
    spread = math.sqrt(max(float(found.variance[0, 0]), 1e-300))
    value = float(2.0 * t.sf(abs(given.sum()) / spread, found.waves))
    if value <= alone.p_value:
        return alone
    return Found(math.copysign(float(norm.isf(value / 2.0)), z), value)


def likelihood_ratio(p: Floats, y: Floats, ratio: float, ties: Ties) -> Found | None:
    """Whether (a, b) is (0, 1), from the plain `ratio`; None where time is too short to tell."""
    from scipy.stats import chi2, f

    x = columns(p)
    k = x.shape[1]
    alone = Found(ratio, float(chi2.sf(ratio, k)))
    if ties.none():
        return alone
    contributions = x * (y - p)[:, None]
    found = ties.variance(contributions)
    if found is None:
        return None
    score = contributions.sum(axis=0)
    scale = _scale(score, information(p, x), found)
    freedom = found.waves - k + 1
    value = float(f.sf(ratio * scale * freedom / (found.waves * k), k, freedom))
    return alone if value <= alone.p_value else Found(float(chi2.isf(value, k)), value)


def power(p: Floats, y: Floats, ties: Ties, level: float) -> Power | None:
    """The chance that the likelihood ratio finds, at `level`, the grosser of two errors.

    One is a forecaster who is far too sure: a slope of 0.6 about the mean of the logits; the
    other odds that are all e^0.5 = 1.65 times too high. None where time is too short.

    Source: Self, Mauritsen and Ohara (1992), Biometrics 48, 31-39, for the shift of the ratio.
    """
    x = columns(p)
    expected = information(p, x)
    errors = [np.array([-HALF_A_NAT, 0.0])[: x.shape[1]]]
    if x.shape[1] > 1:
        centre = expected[0, 1] / expected[0, 0]
        errors.append((1.0 - TOO_SURE) * np.array([centre, -1.0]))
    found = None if ties.none() else ties.variance(x * (y - p)[:, None])
    if found is None and not ties.none():
        return None
    shifts = [_shift(p, x, error) for error in errors]
    chances = [
        _chance(shift, _scale(error @ expected, expected, found), len(error), found, level)
        for shift, error in zip(shifts, errors, strict=True)
    ]
    return Power(max(chances), of_slope=int(np.argmax(chances)) == 1)


def _shift(p: Floats, x: Floats, error: Floats) -> float:
    """2 sum KL(truth, p), where coefficients are off by `error`: what the ratio would be about."""
    from scipy.special import expit, rel_entr

    truth = expit(np.log(p / (1.0 - p)) + x @ error)
    return float(2.0 * (rel_entr(truth, p) + rel_entr(1.0 - truth, 1.0 - p)).sum())


def _scale(score: Floats, expected: Floats, found: LongRun | None) -> float:
    """What dependence leaves of the evidence in a score: the scale of the ratio, at most 1."""
    plain = _quadratic(expected, score)
    if found is None or plain <= 0.0:
        return 1.0
    return min(1.0, _quadratic(found.variance, score) / plain)


def _chance(shift: float, scale: float, k: int, found: LongRun | None, level: float) -> float:
    from scipy.stats import chi2, f, ncf, ncx2

    alone = float(ncx2.sf(chi2.isf(level, k), k, shift))
    if found is None:
        return alone
    freedom = found.waves - k + 1
    # ncf is wrong at a shift of 0 itself
    shift = max(shift * scale, 1e-6)
    return min(alone, float(ncf.sf(f.isf(level, k, freedom), k, freedom, shift)))


def _quadratic(variance: Floats, score: Floats) -> float:
    """score' variance^-1 score; infinite where there is no variance."""
    try:
        return float(score @ np.linalg.solve(variance, score))
    except np.linalg.LinAlgError:
        return math.inf
