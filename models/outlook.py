"""From draws to probabilities: what the hazard comes to over the days ahead.

    P(event in the window) = 1 - mean over draws and futures of ( R / (R + q H) )^A

A = kappa + n and R = kappa / rate + E are the posterior of the unit's rate given the draw, H
the integral of m over the window along the draw's own future, and q the share of a narrower
definition. The rate is integrated exactly, so each draw gives a probability, not a yes or no.

What can happen only once must not have happened before the window opens, and is of the
narrower kind or is not: then P = mean of q ( S(opening) - S(end) ), S(H) = ( R / (R + H) )^A.
"""

from dataclasses import dataclass

import numpy as np

from models.api import BAND
from models.covariates import Array, covariates
from models.engine.density import Density
from models.engine.fit import Posterior
from models.engine.psis import Weights


@dataclass(frozen=True, slots=True)
class Frailty:
    """The Gamma posterior of the unit's rate, for each draw: `shape` and `scale` (draw,)."""

    shape: Array
    scale: Array

    @classmethod
    def of(cls, posterior: Posterior) -> "Frailty":
        """A = kappa + n and R = kappa / rate + E."""
        log_rate, log_shape = posterior.draws[:, 0], posterior.draws[:, 1]
        exposure = posterior.exposure
        return cls(
            np.exp(log_shape) + exposure.events, np.exp(log_shape - log_rate) + exposure.at_risk
        )

    def within(self, opening: Array, end: Array, share: Array, recurrent: bool) -> Array:
        """P of an event between two H, each (draw,) or (draw, edge); `share` (draw,)."""
        q = share.reshape(-1, *[1] * (end.ndim - 1))
        if recurrent:
            return self.probability(q * (end - opening))
        return q * (self.probability(end) - self.probability(opening))

    def probability(self, hazard: Array) -> Array:
        """1 - (R / (R + H))^A for H (draw,) or (draw, edge)."""
        extra = (slice(None),) + (None,) * (hazard.ndim - 1)
        return np.asarray(-np.expm1(-self.shape[extra] * np.log1p(hazard / self.scale[extra])))


def hazard_ahead(
    density: Density, draws: Array, known: Array, to_come: Array, edges: Array
) -> Array:
    """Integral of m from now to each edge (draw, edge), along each draw's own future.

    `known` (bin, tag) are stocks of known incidents, `to_come` (draw, bin, tag) of simulated.
    """
    log_m = density.log_multiplier(draws, covariates(known + to_come))
    steps = np.exp(log_m) * np.diff(edges)
    return np.concatenate([np.zeros((len(draws), 1)), np.cumsum(steps, axis=1)], axis=1)


@dataclass(frozen=True, slots=True)
class Answered:
    """A probability with its Monte Carlo error and band, and the draws behind it."""

    probability: float
    mcse: float
    lower: float
    upper: float


def answer(weights: Weights, by_draw: Array) -> Answered:
    """Summarise P of each draw (draw,)."""
    lower, upper = weights.quantiles(by_draw, BAND)
    return Answered(
        float(np.clip(weights.mean(by_draw), 0.0, 1.0)),
        weights.mcse(by_draw),
        float(lower),
        float(upper),
    )
