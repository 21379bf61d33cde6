"""A baseline's number as an estimate: of every question of a track, with its curve and counts.

The baseline says p, of an event at the unit within a horizon from now. With A the shape of the
unit's rate as `base-rate` knows it (as many events' worth, from belief and days at risk),

    rate   lambda ~ Gamma(A, B),   B = horizon / ((1 - p)^(-1/A) - 1)   so that P(horizon) = p

from which other windows, counts, narrower definitions and the band follow as there. So p is
the baseline's, and all else is the plainest that goes with it.
"""

import hashlib
import math
from dataclasses import dataclass, replace

from forecast.estimate import Estimate, Move, log_hazard
from models.api import Answer, Task
from models.base_rate import BaseRate, Gamma, Update, gamma_of
from models.priors.beliefs import Beliefs
from models.track import Track, lay_out, snapshot_digest

LEAST = 1e-6  # a baseline that is surer than this is not believed to be


@dataclass(frozen=True, slots=True)
class Reference:
    """What the baseline `name` says: `p` of an event within `horizon` days, at one unit.

    None where it says nothing of the unit: then its rate is that of `base-rate`. `words` say why
    the baseline is published. `error` is the standard error of the log hazard that the baseline
    has by itself; it makes the shape A smaller, 1/A = 1/A of `base-rate` + error^2.
    """

    name: str
    horizon: float
    p: float | None
    words: str = ""
    error: float = 0.0


def republish(task: Task, reference: Reference, state: bytes | None) -> Answer:
    """The answer to a task by a baseline; the model's state stays as it is."""
    if not task.questions:
        return Answer((), state)
    model_hash = _model_hash(task.beliefs, reference.name)
    found = estimates_by(reference, task, model_hash)
    return Answer(tuple(_as_its(task, e, reference) for e in found), state)


def estimates_by(reference: Reference, task: Task, model_hash: str) -> tuple[Estimate, ...]:
    """The estimates of `base-rate`, were its rate such that the window of the baseline has p."""
    track = lay_out(replace(task, beliefs=_plain(task.beliefs), previous={}))
    rate = _rate(track, reference)
    learnt = replace(track, rows=track.rows.between(0, 0))  # all that was seen is in the rate
    made = Update(learnt, rate, rate, model_hash, snapshot_digest(task))
    return tuple(made.estimate(question) for question in task.questions)


def _plain(beliefs: Beliefs) -> Beliefs:
    return replace(beliefs, model=BaseRate.name, pool=None, couplings=())


def _rate(track: Track, reference: Reference) -> Gamma:
    """The rate under which the baseline's own window has its own probability."""
    rows = track.rows
    known = gamma_of(track.task.beliefs.log_rate).after(
        float(rows.events.sum()), float(rows.exposure.sum())
    )
    if reference.p is None:
        return known
    p = min(max(reference.p, LEAST), 1.0 - LEAST)
    shape = known.shape / (1.0 + known.shape * reference.error**2)
    return Gamma(shape, reference.horizon / math.expm1(-math.log1p(-p) / shape))


def _as_its(task: Task, estimate: Estimate, reference: Reference) -> Estimate:
    """The estimate under the baseline's name, with its move and why it stands here."""
    words = f"{estimate.inputs_digest} {reference.p} {reference.horizon} {reference.words}"
    return replace(
        estimate,
        model=f"baseline: {reference.name}",
        method="baseline",
        diagnostics={}
        if reference.p is None
        else {f"p within {reference.horizon:g} days": reference.p},
        inputs_digest=hashlib.sha256(words.encode()).hexdigest(),
        moved=_moved(task.previous.get(estimate.question_id), estimate),
        findings=(reference.words, *estimate.findings),
    )


def _moved(last: Estimate | None, now: Estimate) -> Move | None:
    """From number to number of one baseline it is learning; from another's, a change of model."""
    if last is None:
        return None
    whole = log_hazard(now.probability) - log_hazard(last.probability)
    cause = "learning" if last.model_hash == now.model_hash else "model"
    return Move(last.probability, now.probability, **{cause: whole})


def _model_hash(beliefs: Beliefs, name: str) -> str:
    own = BaseRate().model_hash(_plain(beliefs))
    return hashlib.sha256(f"{name} {own}".encode()).hexdigest()
