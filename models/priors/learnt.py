"""How far data have moved a prior: the kept draws of a track beside what was believed.

Read from the state alone: nothing is fitted, and PyMC is not imported.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.api import BAND
from models.engine.fit import Fit
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.quantiles import weighted_quantiles
from models.regime.prior import Prior

type Array = NDArray[np.float64]

# The places of theta, as in the `density` of each family, which imports PyMC.
SCALARS = {
    "hazard": ("base_rate", "shape", "ceiling"),
    "self-exciting": ("base_rate", "ceiling", "branching", "memory"),
}
LEVELS = (0.5, *BAND)
BINS = 20
REACH = 3.2  # prior standard deviations to either side that a picture shows


@dataclass(frozen=True, slots=True)
class Drawn:
    """A belief's log parameter: what was believed, and its draws (draw,) with weights (draw,).

    `quantiles` are of the draws, at `LEVELS`.
    """

    key: str
    prior: Normal
    draws: Array
    weights: Array
    quantiles: tuple[float, ...]

    @property
    def moved(self) -> float:
        """How far the middle moved, in standard deviations of the prior."""
        return float(self.weights @ self.draws - self.prior.mean) / self.prior.sd

    @property
    def narrower(self) -> float:
        """By which share the spread shrank: 0 where nothing was learnt, negative where it grew."""
        mean = self.weights @ self.draws
        return 1 - math.sqrt(float(self.weights @ (self.draws - mean) ** 2)) / self.prior.sd

    def picture(self) -> list[float]:
        """The density of the draws in the bins of the prior's picture, up to a factor."""
        drawn, _ = np.histogram(self.draws, picture_edges(self.prior), weights=self.weights)
        return drawn.tolist()


def picture_edges(prior: Normal) -> Array:
    """The edges (BINS + 1,) of a picture, on the log scale."""
    return prior.mean + prior.sd * REACH * np.linspace(-1.0, 1.0, BINS + 1)


def normal_picture() -> list[float]:
    """The density of a Normal in the bins of its picture, up to a factor."""
    middles = REACH * (np.arange(BINS) + 0.5 - BINS / 2) * 2 / BINS
    found: list[float] = np.exp(-(middles**2) / 2).tolist()
    return found


def drawn_from(beliefs: Beliefs, state: bytes | None, weights: Array | None = None) -> list[Drawn]:
    """What the kept draws say of each belief; none where the family keeps no such draws.

    `weights` (draw,) are those on newer data than the draws were made of. Without them they are
    the raw ones, cut at their mean times the root of their number.
    Source: Ionides (2008), Truncated importance sampling, J. Comput. Graph. Stat. 17.
    """
    fit, names = Fit.restored(state), _places(beliefs)
    if fit is None or fit.draws.shape[1] != len(names):
        return []
    w = _truncated(fit.log_weights) if weights is None else weights
    values, priors = fit.draws.copy(), _priors(beliefs)
    if "shape" in names:  # how far units differ: its factor falls as kappa grows
        place = names.index("shape")
        values[:, place] = math.log(1.645) - values[:, place] / 2
        names = tuple("unit_spread" if name == "shape" else name for name in names)
        priors["unit_spread"] = spread_of(beliefs.log_shape)
    found = zip(names, values.T, weighted_quantiles(values, w, LEVELS).T, strict=True)
    return [
        Drawn(name, priors[name], draws, w, tuple(levels.tolist()))
        for name, draws, levels in found
        if name in priors
    ]


def _truncated(log_weights: Array) -> Array:
    w = np.exp(log_weights - log_weights.max())
    w = np.minimum(w, w.mean() * math.sqrt(len(w)))
    return np.asarray(w / w.sum())


def spread_of(log_shape: Normal) -> Normal:
    """log of log f of the spread f, where kappa = (1.645 / log f)^2."""
    return Normal(math.log(1.645) - log_shape.mean / 2, log_shape.sd / 2)


def _places(beliefs: Beliefs) -> tuple[str, ...]:
    if beliefs.model == "regime":
        renamed = {"log_rate": "base_rate", "log_crisis": "ceiling"}
        names = [renamed.get(n, n) for n in Prior.of(beliefs).parameters()]
        return tuple(n.replace("beta.", "effects.", 1) for n in names)
    if beliefs.model not in SCALARS:
        return ()
    return (*SCALARS[beliefs.model], *(f"effects.{e.tag}" for e in beliefs.columns()))


def _priors(beliefs: Beliefs) -> dict[str, Normal]:
    found = {"base_rate": beliefs.log_rate}
    if beliefs.log_ceiling is not None:
        found["ceiling"] = beliefs.log_ceiling
    return found | {f"effects.{e.tag}": e.log_ratio for e in beliefs.effects}


def is_of(beliefs: Beliefs, model_hash: str, state: bytes | None) -> bool:
    """Whether the draws of a state were made under these very beliefs."""
    fit = Fit.restored(state)
    return fit is not None and fit.prior_digest == model_hash + beliefs.digest()
