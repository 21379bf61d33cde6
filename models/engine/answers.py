"""What weighed draws answer: a probability with its Monte Carlo error and band."""

import math
from dataclasses import dataclass

import numpy as np

from models.api import BAND
from models.covariates import Array
from models.engine.gates import Gate, is_near_threshold, precision_gate
from models.engine.psis import Weights

type Thresholds = dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Answered:
    """A probability with its Monte Carlo error and band."""

    probability: float
    mcse: float
    lower: float
    upper: float


type Answers = dict[str, Answered]


def answer(weights: Weights, by_draw: Array) -> Answered:
    """Summarise P of each draw (draw,)."""
    lower, upper = weights.quantiles(by_draw, BAND)
    middle = float(weights.mean(by_draw))
    return Answered(
        min(max(middle, 0.0), 1.0) if math.isfinite(middle) else math.nan,
        weights.mcse(by_draw),
        float(np.clip(lower, 0.0, 1.0)),
        float(np.clip(upper, 0.0, 1.0)),
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
