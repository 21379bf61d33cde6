"""From draws to probabilities: what the hazard comes to over the days ahead.

    P(event in the window) = 1 - mean over draws and futures of ( R / (R + q H) )^A

A = kappa + n and R = kappa / rate + E are the posterior of the unit's rate given the draw, H
the integral of m over the window along the draw's own future, and q the share of a narrower
definition. The rate is integrated exactly, so each draw gives a probability, not a yes or no.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.api import Task
from models.covariates import Array, covariates
from models.engine.density import Density
from models.engine.fit import Posterior
from models.engine.psis import Weights
from models.priors.beliefs import Beliefs
from models.priors.elicit import Beta
from models.track import events_of

BAND = (0.05, 0.95)


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

    def probability(self, hazard: Array) -> Array:
        """1 - (R / (R + H))^A for H (draw,) or (draw, edge)."""
        extra = (slice(None),) + (None,) * (hazard.ndim - 1)
        return np.asarray(
            -np.expm1(-self.shape[extra] * np.log1p(hazard / self.scale[extra]))
        )


def hazard_ahead(
    density: Density, draws: Array, known: Array, to_come: Array, edges: Array
) -> Array:
    """Integral of m from now to each edge (draw, edge), along each draw's own future.

    `known` (bin, tag) are stocks of known incidents, `to_come` (draw, bin, tag) of simulated.
    """
    log_m = density.log_multiplier(draws, covariates(known + to_come))
    steps = np.exp(log_m) * np.diff(edges)
    return np.concatenate([np.zeros((len(draws), 1)), np.cumsum(steps, axis=1)], axis=1)


def share_of(task: Task, definition: str, draws: int) -> Array:
    """Draws (draw,) of the share of the root's events that are of a definition inside it.

    Each step down is a Beta, updated by the events whose kind is known; the rest-of step is
    one minus its sibling's own draws, so that the two make up the whole.
    """
    share = np.ones(draws)
    parts = {n.definition: n for n in task.beliefs.narrower}
    while definition != task.beliefs.definition:
        part = parts[definition]
        if part.rest_of is None:
            share = share * _share_draws(*_updated(task, definition), draws, task.seed)
        else:
            sibling = _share_draws(*_updated(task, part.rest_of), draws, task.seed)
            share = share * (1.0 - sibling)
        definition = part.within
    return share


def _updated(task: Task, definition: str) -> tuple[float, float, int]:
    """Beta parameters after the known events, and the place of the definition's own stream."""
    beliefs: Beliefs = task.beliefs
    part = next(n for n in beliefs.narrower if n.definition == definition)
    prior: Beta = part.share  # type: ignore[assignment]
    inside = len(events_of(task, definition))
    siblings = [
        n.definition
        for n in beliefs.narrower
        if n.within == part.within and n.definition != definition
    ]
    outside = sum(len(events_of(task, sibling)) for sibling in siblings)
    return prior.a + inside, prior.b + outside, beliefs.definitions().index(definition)


@lru_cache(maxsize=32)
def _share_draws(a: float, b: float, stream: int, draws: int, seed: int) -> Array:
    from scipy.special import betaincinv

    uniform = np.random.default_rng([seed, stream, 1]).random(draws)
    return np.asarray(betaincinv(a, b, uniform))


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
