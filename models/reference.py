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
    the baseline is published.
    """

    name: str
    horizon: float
    p: float | None
    words: str


def republish(task: Task, reference: Reference, state: bytes | None) -> Answer:
    """The answer to a task by a baseline; the model's state stays as it is."""
    if not task.questions:
        return Answer((), state)
    beliefs = replace(task.beliefs, model=BaseRate.name, pool=None, couplings=())
    track = lay_out(replace(task, beliefs=beliefs, previous={}))
    rate = _rate(track, reference)
    learnt = replace(track, rows=track.rows.between(0, 0))  # all that was seen is in the rate
    model_hash = _model_hash(beliefs, reference.name)
    made = Update(learnt, rate, rate, model_hash, snapshot_digest(task))
    estimates = (made.estimate(question) for question in task.questions)
    return Answer(tuple(_as_its(task, e, reference) for e in estimates), state)


def _rate(track: Track, reference: Reference) -> Gamma:
    """The rate under which the baseline's own window has its own probability."""
    rows = track.rows
    known = gamma_of(track.task.beliefs.log_rate).after(
        float(rows.events.sum()), float(rows.exposure.sum())
    )
    if reference.p is None:
        return known
    p = min(max(reference.p, LEAST), 1.0 - LEAST)
    return Gamma(known.shape, reference.horizon / math.expm1(-math.log1p(-p) / known.shape))


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
    return hashlib.sha256(f"{name} {BaseRate().model_hash(beliefs)}".encode()).hexdigest()
