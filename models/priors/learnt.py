"""How far data have moved a prior: the kept draws of a track beside what was believed.

Read from the state alone: nothing is fitted, and PyMC is not imported.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engine.fit import Fit
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.regime.prior import Prior

type Array = NDArray[np.float64]

# The places of theta, as in the `density` of each family, which imports PyMC.
SCALARS = {
    "hazard": ("base_rate", "shape", "ceiling"),
    "self-exciting": ("base_rate", "ceiling", "branching", "memory"),
}
BINS = 20
REACH = 3.2  # prior standard deviations to either side that a picture shows


@dataclass(frozen=True, slots=True)
class Learnt:
    """A belief's log parameter: what was believed, and its draws (draw,) with weights (draw,)."""

    key: str
    prior: Normal
    draws: Array
    weights: Array

    def quantiles(self, probabilities: tuple[float, ...]) -> tuple[float, ...]:
        """Of the draws, as a log."""
        order = np.argsort(self.draws)
        cumulative = np.cumsum(self.weights[order])
        places = np.searchsorted(cumulative, probabilities).clip(max=len(order) - 1)
        return tuple(self.draws[order][places].tolist())

    @property
    def moved(self) -> float:
        """How far the middle moved, in standard deviations of the prior."""
        return float(self.weights @ self.draws - self.prior.mean) / self.prior.sd

    @property
    def narrower(self) -> float:
        """By which share the spread shrank: 0 where nothing was learnt, negative where it grew."""
        mean = self.weights @ self.draws
        return 1 - math.sqrt(float(self.weights @ (self.draws - mean) ** 2)) / self.prior.sd

    def pictures(self) -> tuple[list[float], list[float]]:
        """The densities of the prior and of the draws on one scale, each up to a factor."""
        edges = picture_edges(self.prior)
        drawn, _ = np.histogram(self.draws, edges, weights=self.weights)
        return normal_picture(self.prior), drawn.tolist()


def picture_edges(prior: Normal) -> Array:
    """The edges (BINS + 1,) of a picture, on the log scale."""
    return prior.mean + prior.sd * REACH * np.linspace(-1.0, 1.0, BINS + 1)


def normal_picture(prior: Normal) -> list[float]:
    """The density of a Normal in the bins of its picture, up to a factor."""
    middles = REACH * (np.arange(BINS) + 0.5 - BINS / 2) * 2 / BINS
    found: list[float] = np.exp(-(middles**2) / 2).tolist()
    return found


def learnt_from(beliefs: Beliefs, state: bytes | None) -> list[Learnt]:
    """What the kept draws say of each belief; none where the family keeps no such draws.

    The weights are cut at their mean times the root of their number.
    Source: Ionides (2008), Truncated importance sampling, J. Comput. Graph. Stat. 17.
    """
    fit = Fit.restored(state)
    names, priors = _places(beliefs), _priors(beliefs)
    if fit is None or fit.draws.shape[1] != len(names):
        return []
    w = np.exp(fit.log_weights - fit.log_weights.max())
    w = np.minimum(w, w.mean() * math.sqrt(len(w)))
    weights = w / w.sum()
    found = []
    for name, draws in zip(names, fit.draws.T, strict=True):
        if name == "shape":  # how far units differ: its factor falls as kappa grows
            prior = _factor(beliefs.log_shape)
            found.append(Learnt("unit_spread", prior, math.log(1.645) - draws / 2, weights))
        elif name in priors:
            found.append(Learnt(name, priors[name], draws, weights))
    return found


def _factor(log_shape: Normal) -> Normal:
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
