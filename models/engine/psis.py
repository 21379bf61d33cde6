"""Pareto-smoothed importance weights: the one place that calls `arviz_stats` for them.

Its `psislw` expects log likelihoods and negates its input; its `pareto_khat` does not
exponentiate log weights. Either makes every gate green, so both are reached only from here,
and golden tests hold the sign and the scale.
Source: Vehtari, Simpson, Gelman, Yao, Gabry (2024), Pareto smoothed importance sampling.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from arviz_stats.base import array_stats

from models.covariates import Array
from models.quantiles import weighted_quantiles

SPREAD_FLOOR = 1e-12  # below this the raw weights are constant and there is no tail to fit


@dataclass(frozen=True, slots=True)
class Weights:
    """Normalised importance weights `w` (draw,), their tail index and effective sample size.

    `efficiency` is what one draw is worth in independent ones: below 1 for those of a chain.
    """

    w: Array
    khat: float
    ess: float
    efficiency: float = 1.0

    def first(self, draws: int) -> "Weights":
        """Those of the first draws, enough for a picture."""
        w = self.w[:draws]
        return replace(self, w=w / w.sum())

    def mean(self, g: Array) -> Array:
        """Weighted mean over draws, the first axis."""
        return np.asarray(self.w @ g)

    def mcse(self, g: Array) -> float:
        """sqrt( sum w^2 (g - mean)^2 / efficiency ): the error of the self-normalised mean."""
        return float(np.sqrt(np.sum(self.w**2 * (g - self.w @ g) ** 2) / self.efficiency))

    def quantiles(self, g: Array, probabilities: tuple[float, ...]) -> Array:
        """Weighted quantiles (probability, ...) of g (draw, ...) over its first axis."""
        return weighted_quantiles(g, self.w, probabilities)


def smooth(log_weights: Array, efficiency: float = 1.0) -> Weights:
    """Smoothed weights of raw log weights (draw,), always the raw cumulative ones.

    Constant weights are exact and have no tail: k-hat is then minus infinity. Weights that
    are not numbers give an effective sample size of 0.
    """
    n = len(log_weights)
    log_weights = np.where(np.isnan(log_weights), -np.inf, log_weights)
    if not np.isfinite(log_weights.max()):
        return Weights(np.full(n, 1.0 / n), math.inf, 0.0, efficiency)
    if np.ptp(log_weights) < SPREAD_FLOOR:
        return Weights(np.full(n, 1.0 / n), -math.inf, n * efficiency, efficiency)
    smoothed, khat = array_stats.psislw(-log_weights, r_eff=efficiency)
    w = np.exp(smoothed - smoothed.max())
    w /= w.sum()
    return Weights(w, float(khat), float(efficiency / np.sum(w**2)), efficiency)
