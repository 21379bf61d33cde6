"""What drives the number: the tags, as in the hazard family, and the unit's own recent events.

The hazard of a day is its background times what own events add to it,

    log lambda = log mu + parts of the tags + log( 1 + n (1 - e^-w) S / (mu m) )

and the last part is the contribution `history`, taken as of tomorrow, when today's events count.
"""

from dataclasses import dataclass

import numpy as np

from forecast.clock import days_between
from forecast.estimate import Contribution
from models.api import BAND
from models.covariates import Array
from models.engine.psis import Weights
from models.felt import VISIBLE, strongest_first
from models.hazard.explain import contributions as contributions_of_tags
from models.hazard.formulas import Prior
from models.self_exciting.density import BRANCHING_PLACE, Density, Theta
from models.track import Track, events_of

HISTORY = "history"


@dataclass(frozen=True, slots=True)
class _Background:
    """The multiplier m for draws without the branching ratio, on which it does not depend."""

    density: Density

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        return self.density.log_multiplier(np.insert(draws, BRANCHING_PLACE, 0.0, axis=1), x)


def contributions(
    track: Track,
    density: Density,
    prior: Prior,
    draws: Array,
    weights: Weights,
    x: Array,
    days: Array,
) -> tuple[Contribution, ...]:
    """The multipliers felt now, strongest first; events happened on whole `days` (event,)."""
    plain = np.delete(draws, BRANCHING_PLACE, axis=1)
    background = _Background(density)
    felt = contributions_of_tags(track, background, prior, plain, weights, x)
    theta = Theta.of(draws)
    left = theta.left(days, np.floor(track.now) + 1)
    rate = np.exp(theta.log_rate + density.log_multiplier(draws, x[None])[:, 0])
    ratio = 1.0 + theta.branching * (1.0 - theta.decay) * left / rate
    middle, lower, upper = weights.quantiles(ratio, (0.5, *BAND)).tolist()
    if upper - 1.0 <= VISIBLE:
        return felt
    own = Contribution(HISTORY, middle, lower, upper, _still_felt(track, theta, weights))
    return strongest_first((*felt, own))


def _still_felt(track: Track, theta: Theta, weights: Weights) -> tuple[str, ...]:
    """The events of which more than VISIBLE is left, the last first."""
    decay = float(weights.mean(theta.decay))
    happened = events_of(track.task, track.task.beliefs.definition)
    ages = {e.event_id: track.now - days_between(track.origin, e.occurred_at) for e in happened}
    felt = {name: age for name, age in ages.items() if age >= 0 and decay**age > VISIBLE}
    return tuple(sorted(felt, key=lambda name: (felt[name], name)))
