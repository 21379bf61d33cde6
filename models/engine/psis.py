"""Pareto-smoothed importance weights: the one place that calls `arviz_stats` for them.

Its `psislw` expects log likelihoods and negates its input; its `pareto_khat` does not
exponentiate log weights. Either makes every gate green, so both are reached only from here,
and golden tests hold the sign and the scale.
Source: Vehtari, Simpson, Gelman, Yao, Gabry (2024), Pareto smoothed importance sampling.
"""

import math
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats

from models.covariates import Array
from models.quantiles import weighted_quantiles

SPREAD_FLOOR = 1e-12  # below this the raw weights are constant and there is no tail to fit


@dataclass(frozen=True, slots=True)
class Weights:
    """Normalised importance weights `w` (draw,), their tail index and effective sample size."""

    w: Array
    khat: float
    ess: float

    def mean(self, g: Array) -> Array:
        """Weighted mean over draws, the first axis."""
        return np.asarray(self.w @ g)

    def mcse(self, g: Array) -> float:
        """sqrt( sum w^2 (g - mean)^2 ): the standard error of the self-normalised mean."""
        return float(np.sqrt(np.sum(self.w**2 * (g - self.w @ g) ** 2)))

    def quantiles(self, g: Array, probabilities: tuple[float, ...]) -> Array:
        """Weighted quantiles (probability, ...) of g (draw, ...) over its first axis."""
        return weighted_quantiles(g, self.w, probabilities)


def smooth(log_weights: Array) -> Weights:
    """Smoothed weights of raw log weights (draw,), always the raw cumulative ones.

    Constant weights are exact and have no tail: k-hat is then minus infinity.
    """
    if np.ptp(log_weights) < SPREAD_FLOOR:
        n = len(log_weights)
        return Weights(np.full(n, 1.0 / n), -math.inf, float(n))
    smoothed, khat = array_stats.psislw(-log_weights)
    w = np.exp(smoothed - smoothed.max())
    w /= w.sum()
    return Weights(w, float(khat), float(1.0 / np.sum(w**2)))
