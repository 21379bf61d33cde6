"""From the draws of a rung to the estimate that is stored: means, bands, and what is held."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecast.clock import DAY
from forecast.errors import HeldError
from forecast.estimate import CurvePoint, Estimate, Health
from forecast.question import Question
from models.api import BAND, MOST_COUNTED, Task
from models.covariates import Array
from models.engine.gates import Gate
from models.engine.ladder import Rung
from models.engine.psis import Weights
from models.quantiles import interval_among


@dataclass(frozen=True, slots=True)
class Told:
    """What each draw says of a question, beside its probability.

    `curve` (draw, day) is P of the window that ends so many `days` from now; `at_least`
    (draw, n) of 1, 2, ... events; `expected` (draw,) is their number.
    """

    days: Array
    curve: Array
    at_least: Array
    expected: Array


class Curves:
    """The curves of a rung's draws, each made once.

    Questions that differ in nothing but their deadlines share theirs.
    """

    def __init__(self, task: Task, weights: Weights) -> None:
        self._task, self._weights = task, weights
        # with what it was made of alive, so that an id stands for one of them
        self._made: dict[tuple[int, int], tuple[Told, tuple[CurvePoint, ...]]] = {}

    def of(self, told: Told) -> tuple[CurvePoint, ...]:
        """The curve, with its band."""
        key = (id(told.days), id(told.curve))
        if key not in self._made:
            self._made[key] = (told, _curve(self._task, self._weights, told))
        return self._made[key][1]


def estimate(
    task: Task, question: Question, rung: Rung, told: Told, curves: Curves | None = None
) -> Estimate:
    """The estimate of one question, without what only the family knows of itself."""
    weights, answered = rung.weights, rung.answers[question.question_id]
    return Estimate(
        question_id=question.question_id,
        as_of=task.snapshot.as_of,
        probability=_number(answered.probability, question),
        interval=interval_among(answered.quantiles),
        mcse=_number(answered.mcse, question),
        health=Health.HEALTHY,
        model=task.beliefs.model,
        model_hash="",
        method=rung.method,
        inputs_digest="",
        diagnostics=rung.numbers(),
        curve=(curves or Curves(task, weights)).of(told),
        expected_count=float(weights.mean(told.expected)),
        at_least=tuple(np.clip(weights.mean(told.at_least), 0.0, 1.0).tolist()),
        escalation=rung.failed,
        quantiles=answered.quantiles,
    )


def by_count(
    task: Task, question: Question, happened: int, draws: int, chance: Callable[[int], Array]
) -> Array:
    """P of at least 1, 2, ... events in the window (draw, n), some of which have `happened`.

    `chance` is P (draw,) of so many more.
    """
    most = most_counted(task, question)
    known = [np.ones(draws)] * min(happened, most)
    return np.stack([*known, *map(chance, range(1, most - len(known) + 1))], axis=1)


def most_counted(task: Task, question: Question) -> int:
    """Up to how many events are counted."""
    return max(MOST_COUNTED, question.at_least) if task.beliefs.recurrent else 1


def hold(task: Task, estimate: Estimate, gate: Gate) -> Estimate:
    """The estimate where its gate passed; the last good number, or this one unverified, if not.

    Where an audit contradicted the fast rungs, only what NUTS answers is vouched for.
    """
    if gate.passed and task.doubt and estimate.method != "R2":
        return replace(estimate, health=Health.UNVERIFIED, reason=task.doubt)
    if gate.passed:
        return estimate
    last = task.previous.get(estimate.question_id)
    is_doubted = bool(task.doubt) and last is not None and last.method != "R2"
    if last is None or last.health is Health.UNVERIFIED or is_doubted:
        return replace(estimate, health=Health.UNVERIFIED, reason=gate.reason, moved=None)
    return replace(
        estimate,
        health=Health.HELD,
        reason=gate.reason,
        probability=last.probability,
        interval=last.interval,
        quantiles=last.quantiles,
        mcse=last.mcse,
        curve=last.curve,
        contributions=last.contributions,
        expected_count=last.expected_count,
        at_least=last.at_least,
        couplings=last.couplings,
        moved=None,
    )


def _number(value: float, question: Question) -> float:
    if not math.isfinite(value):
        raise HeldError("the model gave no number", at=question.question_id)
    return value


def _curve(task: Task, weights: Weights, told: Told) -> tuple[CurvePoint, ...]:
    middle = np.clip(weights.mean(told.curve), 0.0, 1.0)
    lower, upper = np.clip(weights.quantiles(told.curve, BAND), 0.0, 1.0) + 0.0  # no -0.0
    levels = map(np.ndarray.tolist, (told.days, middle, lower, upper))
    return tuple(
        CurvePoint(task.snapshot.as_of + days * DAY, p, low, high)
        for days, p, low, high in zip(*levels, strict=True)
    )
