"""What each tag says now: how far the hazard would be from here, had its feed been cut off.

    multiplier of a tag   = h(with all evidence) / h(without the tag's days, seen or silent)
    h                     = sum over states of P(state today | evidence) h_z, for each draw

So a tag that is watched and silent has a multiplier below 1. Multipliers of several tags do not
multiply to that of all: signs of one state share what they say.
"""

import numpy as np

from forecast.estimate import Contribution
from models.covariates import Array
from models.engine.psis import Weights
from models.felt import felt
from models.regime.days import Heard
from models.regime.density import Density, Filtered
from models.regime.prior import Prior
from models.track import Track

MOST_DAYS = 128  # of evidence: what is older has been forgotten


def contributions(
    track: Track,
    heard: Heard,
    density: Density,
    prior: Prior,
    draws: Array,
    present: Filtered,
    weights: Weights,
) -> tuple[Contribution, ...]:
    """The multiplier of each tag that is felt now, strongest first.

    `density` has the present days loaded; `present` is what the filter said of the `draws`.
    """
    tags = [effect.tag for effect in track.task.beliefs.columns()]
    parts = log_parts(heard, density, prior, draws, present)
    return felt(tags, parts, weights, lambda tag: _incidents_of(track, tag))


def log_parts(
    heard: Heard, density: Density, prior: Prior, draws: Array, present: Filtered
) -> Array:
    """Log multipliers (draw, tag) of the present hazard."""
    evidence, log_rate, beta = density.evidence(draws)
    days, tags = min(len(heard.counts), MOST_DAYS), len(prior.stream)
    without = np.repeat(evidence[:, -days:, None], tags + 1, axis=2)  # the last is without none
    part = heard.covered[-days:] / np.bincount(prior.stream)[list(prior.stream)]
    own_rate, own_beta = log_rate[:, prior.stream], beta[:, prior.stream]
    for z in range(3):
        rate = np.exp(own_rate + z * own_beta)[:, None]
        without[:, :, :tags, z] -= z * own_beta[:, None] * heard.counts[-days:] - rate * part
    state = filter_on(without, present.transition)
    log_h = np.log(np.einsum("dkz,dz->dk", state, present.hazard))
    return np.asarray(log_h[:, -1:] - log_h[:, :-1])


def filter_on(evidence: Array, transition: Array) -> Array:
    """The states today (draw, case, 3) after days of evidence (draw, day, case, 3)."""
    given = np.exp(evidence - evidence.max(axis=3, keepdims=True))
    tense = transition[:, 0, 1] / transition[:, 1, 0]
    crisis = tense * transition[:, 1, 2] / transition[:, 2, 1]
    balance = np.stack([np.ones_like(tense), tense, crisis], axis=1)
    state = np.repeat(balance[:, None], evidence.shape[2], axis=1)
    for day in range(evidence.shape[1]):
        state = (state @ transition) * given[:, day]
        state /= state.sum(axis=2, keepdims=True)
    return state


def _incidents_of(track: Track, tag: str) -> tuple[str, ...]:
    """The tag's incidents, the newest first."""
    mine = [i for i in track.incidents if i.tag == tag and i.weight > 0]
    mine.sort(key=lambda i: (i.known_at, i.incident_id), reverse=True)
    return tuple(i.incident_id for i in mine)
