"""Smoothed importance weights and what they answer, as `models.engine.psis` without ArviZ.

Source: Vehtari, Simpson, Gelman, Yao, Gabry (2024), Pareto smoothed importance sampling; the fit
of the tail is that of Zhang and Stephens (2009), with its prior of k-hat at 0.5.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.estimate import QUANTILE_LEVELS
from models.covariates import Array
from models.quantiles import weighted_quantiles

SPREAD_FLOOR = 1e-12  # below this the raw weights are constant and there is no tail to fit
PRIOR_K, PRIOR_DRAWS = 0.5, 10  # what is thought of k-hat, and how many draws that is worth
LEAST_SHARE, LEAST_ESS = 0.2, 400.0  # the gate of an update, see `models.engine.gates`


@dataclass(frozen=True, slots=True)
class Weighed:
    """Normalised weights `w` (draw,), their tail index, effective size and what a draw is worth."""

    w: Array
    khat: float
    ess: float
    efficiency: float = 1.0

    def bears(self, least: float) -> bool:
        """Whether the tail is light enough for so many draws, and so many are left of them."""
        limit = min(1 - 1 / math.log10(len(self.w)), 0.7)
        return self.khat < limit and self.ess >= least

    @property
    def passes(self) -> bool:
        """Whether an update would trust them."""
        return self.bears(max(LEAST_ESS, LEAST_SHARE * len(self.w)))


@dataclass(frozen=True, slots=True)
class Answered:
    """A probability, its Monte Carlo error, and the quantiles of P at `QUANTILE_LEVELS`."""

    probability: float
    mcse: float
    quantiles: tuple[float, ...]


type Answers = dict[str, Answered]


def smooth(log_weights: Array, efficiency: float = 1.0) -> Weighed:
    """Smoothed weights of raw log weights (draw,); of what are no numbers none are left."""
    n = len(log_weights)
    raw = np.where(np.isnan(log_weights), -np.inf, log_weights)
    if not np.isfinite(raw.max()):
        return Weighed(np.full(n, 1.0 / n), math.inf, 0.0, efficiency)
    if np.ptp(raw) < SPREAD_FLOOR:
        return Weighed(np.full(n, 1.0 / n), -math.inf, n * efficiency, efficiency)
    smoothed, khat = _smoothed(raw - raw.max(), efficiency)
    w = np.exp(smoothed - smoothed.max())
    w /= w.sum()
    return Weighed(w, khat, float(efficiency / np.sum(w**2)), efficiency)


def answered(weights: Weighed, chances: Mapping[str, Array]) -> Answers:
    """What P of the first draws (draw,) of every question comes to, by its name."""
    if not chances:
        return {}
    by_draw = np.stack(list(chances.values()), axis=1)
    w = weights.w[: len(by_draw)]
    w = w / w.sum()
    levels = np.clip(weighted_quantiles(by_draw, w, QUANTILE_LEVELS), 0.0, 1.0) + 0.0
    means = w @ by_draw
    errors = np.sqrt((w**2) @ (by_draw - means) ** 2 / weights.efficiency)
    return {
        name: Answered(min(max(float(p), 0.0), 1.0), float(error), tuple(quantiles.tolist()))
        for name, p, error, quantiles in zip(chances, means, errors, levels.T, strict=True)
    }


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
