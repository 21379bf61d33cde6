"""The contract between Tocsin and a model family; a stranger's package implements it."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from forecast.estimate import Estimate
from forecast.explanation import Explanation
from forecast.question import Question, Snapshot
from models.priors.beliefs import Beliefs

BAND = (0.05, 0.95)  # the quantiles of P between which its band lies
BAND_MASS = 0.9
MOST_COUNTED = 5  # P(at least 1, 2, ... events) is told up to this, or what the question asks


@dataclass(frozen=True, slots=True)
class Task:
    """One update of one track: the open questions at a unit whose definitions share a root.

    `snapshot` holds what was known before `snapshot.as_of`, which is the moment of the
    estimates. `thresholds` are the probabilities at which alert rules of a question change
    their mind, `previous` its last estimates, both by question id. `late` are the ids of
    reports that came in after those estimates were made, whenever they were known to the
    world: new to us, though not to others. `seed` is all the randomness there is. `others`
    are snapshots, as of the same moment, of the other units that the beliefs listen to;
    `learnt` is what `learn` made of the units of the reference class, where there is one.
    `doubt` says why an audit does not trust the fast rungs on this track; empty where none does.
    """

    snapshot: Snapshot
    beliefs: Beliefs
    questions: tuple[Question, ...]
    seed: int
    thresholds: dict[str, tuple[float, ...]] = field(default_factory=dict)
    previous: dict[str, Estimate] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    others: tuple[Snapshot, ...] = ()
    learnt: bytes | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimate for each question of the task, and the state to come back with.

    `state` is opaque bytes (never a pickle), None where the family keeps none, and the very
    object that was passed in where nothing in it changed.
    """

    estimates: tuple[Estimate, ...]
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class Draws:
    """A posterior as weighted draws: `values` (draw, quantity) of the `names`d quantities.

    Every parameter by its name, `log_prior`, `log_likelihood` of all data, and for each
    question `p:QUESTION_ID`, the probability that the draw gives it. `weights` (draw,) sum
    to one. What certification ranks the truth of simulated worlds among.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a reference class is learnt from: the snapshots of all its units as of one moment."""

    snapshots: tuple[Snapshot, ...]
    beliefs: Beliefs
    seed: int


class EventModel(Protocol):
    """A family of models.

    `update` is pure: equal task and state give equal answers, byte for byte. It never looks
    at a clock, a file or a network. A gate that fails is an estimate with health HELD and a
    reason in words, not an exception.
    """

    name: str

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of the structure (not the priors): a change of it is a change of model."""
        ...

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task as of `task.snapshot.as_of`."""
        ...


@runtime_checkable
class Certifiable(Protocol):
    """A family whose posterior can be looked at, and so certified; see `models.certify`."""

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update(task, state)`, which must make the same use of `state`."""
        ...


@runtime_checkable
class Explainer(Protocol):
    """A family that can say why, and what would change its answer; pure, and it never fits."""

    def explain(self, task: Task, question: Question, state: bytes | None) -> Explanation:
        """The explanation of one question of the task, from the state that `update` left.

        HeldError where that is no state to explain. `task.thresholds` are the alert levels.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """A family that learns from the units of a reference class; pure, as `update` is."""

    def learn(self, lesson: Lesson, state: bytes | None) -> bytes:
        """What each unit's `Task.learnt` is to be, from the class and what was learnt before."""
        ...
