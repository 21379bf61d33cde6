"""Pareto-smoothed importance weights, raw log weights in and normalised weights out.

Written here, and held to ArviZ's `psislw` by tests, because loading ArviZ takes longer than all
that an update on kept draws does.
Sources: Vehtari, Simpson, Gelman, Yao, Gabry (2024), Pareto smoothed importance sampling; the fit
of the tail is that of Zhang and Stephens (2009), with the paper's prior of k-hat at 0.5.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from models.covariates import Array
from models.quantiles import weighted_quantiles

SPREAD_FLOOR = 1e-12  # below this the raw weights are constant and there is no tail to fit
PRIOR_K, PRIOR_DRAWS = 0.5, 10  # what is thought of k-hat, and how many draws that is worth


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
    smoothed, khat = _smoothed(log_weights - log_weights.max(), efficiency)
    w = np.exp(smoothed - smoothed.max())
    w /= w.sum()
    return Weights(w, khat, float(efficiency / np.sum(w**2)), efficiency)


def _smoothed(raw: Array, efficiency: float) -> tuple[Array, float]:
    """Log weights, the largest 0, with their tail smoothed; and k-hat."""
    n = len(raw)
    many = n * efficiency > 225
    tail = math.floor(3 * math.sqrt(n / efficiency)) if many else n // 5
    order = np.argsort(raw)
    places = order[n - tail :]
    cutoff, largest = math.exp(raw[order[n - tail - 1]]), float(raw[places].max())
    khat, sigma = _tail_fit(np.exp(raw[places]) - cutoff)
    if not math.isfinite(khat):
        return raw, khat
    p = np.arange(0.5, tail) / tail
    beyond = np.expm1(-khat * np.log1p(-p)) / khat if khat else -np.log1p(-p)
    made = raw.copy()
    made[places] = np.minimum(np.log(cutoff + sigma * beyond), largest)
    return made, khat


def _tail_fit(above: Array) -> tuple[float, float]:
    """k and sigma of the generalised Pareto of what lies above the cutoff, ascending."""
    n = len(above)
    quartile = above[int(n / 4 + 0.5) - 1]
    if quartile <= above[0]:
        return math.nan, math.nan
    count = 30 + int(math.sqrt(n))
    b = 1 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))
    b = b / (3 * quartile) + 1 / above[-1]
    k = np.log1p(-b[:, None] * above).mean(axis=1)
    level = n * (np.log(-b / k) - k - 1)
    weight = np.exp(level - level.max())
    weight /= weight.sum()
    kept = weight >= 10 * np.finfo(float).eps
    middle = float(b[kept] @ weight[kept] / weight[kept].sum())
    shape = float(np.log1p(-middle * above).mean())
    khat = (n * shape + PRIOR_DRAWS * PRIOR_K) / (n + PRIOR_DRAWS)
    return (math.inf, math.nan) if math.isnan(khat) else (khat, -shape / middle)
