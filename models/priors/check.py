"""Prior-data conflict: would such a prior bring such counts?

    class rate     mu ~ the belief of the base rate,  kappa ~ that of how units differ
    unit           g_u ~ Gamma(kappa, mean mu),  n_u ~ Poisson(g_u E_u)
    p-value        two-sided, of a statistic T of the counts: 2 min(P(T <= t), P(T >= t)), at most 1

E_u are the days at risk, times what the signs then do where a family believes in signs. The
statistics: all events, the most at one unit, and how unevenly they lie over the units.
Source: Evans and Moshonov (2006), Checking for prior-data conflict, Bayesian Analysis 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.priors.beliefs import Beliefs

type Array = NDArray[np.float64]

DRAWS = 2000
CONFLICT = 0.01
DOUBTFUL = 0.05


@dataclass(frozen=True, slots=True)
class Checked:
    """A statistic as it was observed, the central 90 % that the prior predicts, and p."""

    name: str
    observed: float
    lower: float
    upper: float
    p: float

    @property
    def verdict(self) -> str:
        """In a word: conflict, doubtful or fine."""
        return "conflict" if self.p < CONFLICT else "doubtful" if self.p < DOUBTFUL else "fine"


def class_draws(beliefs: Beliefs, draws: int, seed: int) -> tuple[Array, Array]:
    """Log rates and log shapes of the class (draw,) from the prior, in that order."""
    rng = np.random.default_rng([seed, 7])
    rate, shape = beliefs.log_rate, beliefs.log_shape
    return (
        rate.mean + rate.sd * rng.standard_normal(draws),
        shape.mean + shape.sd * rng.standard_normal(draws),
    )


def predicted(
    log_rate: Array, log_shape: Array, at_risk: Array, seed: int, *, once: bool, alone: bool
) -> Array:
    """Counts (draw, unit) at `at_risk` (draw, unit) effective days.

    `once`: of what can happen only once, whether it did. `alone`: the rate is believed of each
    unit by itself, and not of a class of them.
    """
    rng = np.random.default_rng([seed, 8])
    draws, units = at_risk.shape
    if alone:
        shuffled = [rng.permutation(draws) for _ in range(units)]
        rates = np.exp(np.stack([log_rate[order] for order in shuffled], axis=1))
    else:
        kappa = np.exp(log_shape)[:, None]
        rates = rng.gamma(kappa, 1 / kappa, (draws, units)) * np.exp(log_rate)[:, None]
    if once:
        return np.asarray(rng.random((draws, units)) < -np.expm1(-rates * at_risk), float)
    return np.asarray(rng.poisson(np.minimum(rates * at_risk, 1e9)), float)


def check_counts(observed: Sequence[float], counts: Array, *, once: bool) -> list[Checked]:
    """The statistics of the observed counts (unit,) against those of predicted ones.

    Of what can happen only `once` the number is all there is to see.
    """
    seen = np.asarray(observed, float)[None, :]
    found = [_checked("events in all", seen.sum(axis=1), counts.sum(axis=1))]
    if once:
        return found
    if seen.shape[1] > 1:
        found.append(_checked("most at one unit", seen.max(axis=1), counts.max(axis=1)))
    if seen.shape[1] > 2 and seen.sum() > 1:
        found.append(_checked("unevenness of units", _dispersion(seen), _dispersion(counts)))
    return found


def _dispersion(counts: Array) -> Array:
    """Variance over mean of the counts (draw, unit); 1 where there are none."""
    mean = counts.mean(axis=1)
    return np.where(mean > 0, counts.var(axis=1) / np.where(mean > 0, mean, 1.0), 1.0)


def _checked(name: str, observed: Array, predicted_: Array) -> Checked:
    t = float(observed[0])
    p = 2 * min(float((predicted_ <= t).mean()), float((predicted_ >= t).mean()))
    lower, upper = np.quantile(predicted_, [0.05, 0.95]).tolist()
    return Checked(name, t, lower, upper, min(p, 1.0))
