"""The work of a family from a PyMC model: a Poisson process of the events that draws expect."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.estimate import Estimate
from forecast.question import Question
from models.api import Task
from models.covariates import Array
from models.engine.fit import Fit
from models.engine.ladder import Rung, reweigh
from models.engine.nuts import NutsJob
from models.engine.problem import Problem
from models.engine.target import Loaded
from models.estimates import Told, by_count
from models.shares import share_of
from models.track import already, missing
from models.work import DrawsWork

if TYPE_CHECKING:
    from models.family import PyMCFamily

type Data = dict[str, NDArray[Any]]


class PyMCWork(DrawsWork):
    """One update of one track by a `PyMCFamily`."""

    def __init__(self, family: "PyMCFamily", task: Task) -> None:
        super().__init__(task, family.model_hash(task.beliefs))
        self.family = family
        self.data = self._data(task)
        self.start, self.scale = family.compiled_with(self.data).prior_shape()
        self.problem = self._problem(self.data)
        # each with its fit alive, so that an id stands for one of them
        self._values: dict[int, tuple[Fit, dict[str, Array]]] = {}

    def chance(self, rung: Rung, question: Question) -> Array:
        """P of the question for each draw (draw,)."""
        return self._chance(rung.fit, question, self.task, missing(self.task, question))

    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""
        task, track, fit = self.task, self.track, rung.fit
        first, last = track.window(question)
        places = track.shown(question)
        ahead = self._expected(fit, task)
        if task.beliefs.recurrent:
            share, happened = (
                share_of(task, question.definition, len(ahead)),
                already(task, question),
            )
            expected = happened + share * (ahead[:, last] - ahead[:, first])
        else:
            happened, expected = 0, self._chance(fit, question, task, 1)
        return Told(
            days=track.edges[places],
            curve=self._chances(fit, question, task, missing(task, question), places),
            at_least=by_count(
                task, question, happened, len(ahead), lambda n: self._chance(fit, question, task, n)
            ),
            expected=expected,
        )

    def parameters(self, rung: Rung) -> dict[str, Array]:
        """The draws (draw,) of every variable of the model, those of a vector by number."""
        columns: dict[str, Array] = {}
        for name, value in self._values_of(rung.fit).items():
            flat = value.reshape(len(value), -1).T
            columns |= {name if len(flat) == 1 else f"{name}.{i}": v for i, v in enumerate(flat)}
        return columns

    def steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence and learning are added."""
        then, wanted = _as_known(self.task, last.as_of), missing(self.task, question, last.as_of)
        w = reweigh(self._problem(self._data(then)), base).weights
        steps = {
            cause: float(w.mean(self._chance(base, question, known, wanted, last.as_of)))
            for cause, known in (("time", then), ("evidence", self.task))
        }
        now = reweigh(self.problem, base)
        return {**steps, "learning": float(now.weights.mean(self.chance(now, question)))}

    def _chance(
        self,
        fit: Fit,
        question: Question,
        task: Task,
        at_least: int,
        known_before: datetime | None = None,
    ) -> Array:
        """P (draw,) of so many events in the question's window, as a task's facts have it."""
        place = self.track.window(question)[1]
        return self._chances(fit, question, task, at_least, [place], known_before)[:, 0]

    def _chances(
        self,
        fit: Fit,
        question: Question,
        task: Task,
        at_least: int,
        places: list[int],
        known_before: datetime | None = None,
    ) -> Array:
        """The same (draw, place) for windows that end at other places among the edges."""
        ahead = self._expected(fit, task)
        ends, opening = ahead[:, places], ahead[:, [self.track.window(question)[0]]]
        share = share_of(task, question.definition, len(ahead), known_before)[:, None]
        if task.beliefs.recurrent:
            return _poisson_tail(share * (ends - opening), at_least)
        if at_least > 1:
            return np.zeros_like(ends)
        return np.asarray(share * (np.exp(-opening) - np.exp(-ends)))

    def _expected(self, fit: Fit, task: Task) -> Array:
        return np.asarray(self.family.expected(self._values_of(fit), task, self.track.edges), float)

    def _values_of(self, fit: Fit) -> dict[str, Array]:
        if id(fit) not in self._values:
            self._values[id(fit)] = (fit, self.family.compiled_with(self.data).values(fit.draws))
        return self._values[id(fit)][1]

    def _data(self, task: Task) -> Data:
        return dict(self.family.data(task))  # its own, so that `is` says whether it is loaded

    def _problem(self, data: Data) -> Problem:
        family, start, scale = self.family, self.start, self.scale
        place = f"{family.build.__module__}:{family.build.__qualname__}"
        return Problem(
            target=Loaded(start, scale, lambda: family.compiled_with(data)),
            seed=self.task.seed,
            prior_digest=self.model_hash + self.task.beliefs.digest(),
            data_digest=_digest(data),
            size=0,
            nuts_job=(lambda: NutsJob(place, data, start, scale, self.task.seed))
            if family.uses_nuts
            else None,
        )


def _as_known(task: Task, moment: datetime) -> Task:
    """The task of now, with the reports and events that were known at an earlier moment."""
    snapshot = task.snapshot
    reports = tuple(
        r for r in snapshot.reports if r.known_at < moment and r.report_id not in task.late
    )
    events = tuple(e for e in snapshot.events if e.known_at < moment)
    return replace(task, snapshot=replace(snapshot, reports=reports, events=events))


def _poisson_tail(mean: Array, at_least: int) -> Array:
    """P(N >= n) of Poisson means."""
    if at_least == 1:
        return np.asarray(-np.expm1(-mean))
    from scipy.special import gammainc

    return np.asarray(gammainc(float(at_least), mean))


def _digest(data: Data) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(data.items()):
        array = np.ascontiguousarray(value)
        digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
