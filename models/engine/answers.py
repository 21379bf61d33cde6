"""What weighed draws answer: a probability with its Monte Carlo error and quantiles."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.estimate import QUANTILE_LEVELS
from models.covariates import Array
from models.engine.gates import Gate, is_near_threshold, precision_gate
from models.engine.psis import Weights

type Thresholds = dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Answered:
    """A probability, its Monte Carlo error, and the quantiles of P at `QUANTILE_LEVELS`."""

    probability: float
    mcse: float
    quantiles: tuple[float, ...]


type Answers = dict[str, Answered]


def answers(weights: Weights, chances: Mapping[str, Array]) -> Answers:
    """Summarise P of each draw (draw,) of every question, by its name."""
    if not chances:
        return {}
    levels = weights.quantiles(np.stack(list(chances.values()), axis=1), QUANTILE_LEVELS)
    return {
        name: _answer(weights, p, quantiles)
        for (name, p), quantiles in zip(chances.items(), levels.T, strict=True)
    }


def answer(weights: Weights, by_draw: Array) -> Answered:
    """Summarise P of each draw (draw,)."""
    return _answer(weights, by_draw, weights.quantiles(by_draw, QUANTILE_LEVELS))


def _answer(weights: Weights, by_draw: Array, quantiles: Array) -> Answered:
    quantiles = np.clip(quantiles, 0.0, 1.0) + 0.0  # no -0.0
    middle = float(weights.mean(by_draw))
    return Answered(
        min(max(middle, 0.0), 1.0) if math.isfinite(middle) else math.nan,
        weights.mcse(by_draw),
        tuple(quantiles.tolist()),
    )


def precise(answers: Answers) -> Gate:
    """The first answer's failing gate on its Monte Carlo error, or one that passed."""
    gates = (precision_gate(a.probability, a.mcse) for a in answers.values())
    return next((gate for gate in gates if not gate.passed), Gate())


def is_rough(answers: Answers, thresholds: Thresholds) -> bool:
    """Whether more draws are wanted: an answer is imprecise, or near a threshold."""
    return not precise(answers).passed or any(
        is_near_threshold(a.probability, a.mcse, thresholds.get(name, ()))
        for name, a in answers.items()
    )
