"""What drives the number: never causes, only what the model assumes.

Parts are of log hazards, where things add. Within the ceiling and a group,
a tag's part is its Aumann-Shapley value along the straight path from no evidence:

    part_k = c_k (log m(s) - log m(0)) / s,   sum of c_k = s,   sum of parts = log m(s) - log m(0)

with c_k = beta x for a tag on its own, and c_k = (beta x)^2 / norm within a group. Along the
straight path of the stocks the incidents of a tag take part_k by their shares of its stock.
"""

from dataclasses import replace
from typing import Protocol

import numpy as np

from forecast.estimate import Contribution
from models.covariates import Array
from models.engine.psis import Weights
from models.felt import VISIBLE, felt
from models.hazard.formulas import SMOOTHING, Prior
from models.incidents import Incident
from models.track import Track, levels_of, pulses_of

ROUNDING = 1e-12


class Background(Protocol):
    """What knows the multiplier of a hazard."""

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        """log m (draw, row) along covariates x (row, tag)."""
        ...


def contributions(
    track: Track, density: Background, prior: Prior, draws: Array, weights: Weights, x: Array
) -> tuple[Contribution, ...]:
    """The multiplier of each tag that is felt now at covariates x (tag,), strongest first."""
    tags = [effect.tag for effect in track.task.beliefs.effects]
    parts = log_parts(density, prior, draws, x)
    return felt(tags, parts, weights, lambda tag: _incidents_of(track, tag))


def log_parts(density: Background, prior: Prior, draws: Array, x: Array) -> Array:
    """Parts (draw, tag) of log m at covariates x (tag,)."""
    effects = draws[:, 3:] * x
    counted = effects * prior.alone
    for member in prior.groups.T:
        for part in (np.maximum(effects, 0.0), np.minimum(effects, 0.0)):
            inside = part * member
            norm = np.sqrt((inside**2).sum(axis=1, keepdims=True) + SMOOTHING**2)
            counted += np.sign(inside) * inside**2 / norm
    present = density.log_multiplier(draws, np.stack([x, np.zeros_like(x)]))
    total, whole = present[:, 0] - present[:, 1], counted.sum(axis=1)
    scale = np.where(np.abs(whole) > ROUNDING, total / np.where(whole == 0, 1.0, whole), 1.0)
    return np.asarray(counted * scale[:, None])


def incident_stocks(track: Track) -> tuple[tuple[Incident, ...], Array]:
    """The incidents of the track's tags, and the stock (incident,) that each is worth now."""
    beliefs = track.task.beliefs
    felt = tuple(i for i in track.incidents if i.tag not in levels_of(beliefs))
    pulses = pulses_of(beliefs, felt, track.origin)
    columns = [effect.tag for effect in beliefs.columns()]
    column = np.array([columns.index(incident.tag) for incident in felt], np.int64)
    each = replace(
        pulses,
        tag=pulses.incident,
        half_lives=pulses.half_lives[column],
        leads=pulses.leads[column],
    )
    return felt, each.stocks(np.array([track.now]))[0]


def stock_shares(track: Track, incidents: tuple[Incident, ...], stocks: Array) -> Array:
    """Each incident's share (incident,) of the stock of its tag; 0 where that has none."""
    columns = [effect.tag for effect in track.task.beliefs.columns()]
    column = np.array([columns.index(incident.tag) for incident in incidents], np.int64)
    whole = np.bincount(column, stocks, len(columns))[column]
    return np.asarray(np.divide(stocks, whole, out=np.zeros_like(stocks), where=whole > 0))


def _incidents_of(track: Track, tag: str) -> tuple[str, ...]:
    """The tag's incidents, those that weigh most now first."""
    effect = next(e for e in track.task.beliefs.effects if e.tag == tag)

    def felt(incident: Incident) -> float:
        age = max((track.task.snapshot.as_of - incident.occurred_at).total_seconds() / 86400, 0.0)
        return float(incident.weight * 0.5 ** (age / effect.half_life))

    mine = sorted((i for i in track.incidents if i.tag == tag), key=felt, reverse=True)
    return tuple(i.incident_id for i in mine if felt(i) > VISIBLE)
