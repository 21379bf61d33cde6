"""A family from a PyMC model alone: what a stranger writes is the model and what it expects.

    class Seasonal(PyMCFamily):
        name = "seasonal"
        build = staticmethod(seasonal_model)       values of its pm.Data -> pm.Model
        def data(self, task): ...                  the values, by name
        def expected(self, values, task, days): ...  events from now to each day, by draw

The events that a draw expects come as a Poisson process. The ladder with its gates, the state,
bands, curves, counts, narrower definitions, moves and held estimates are done here.
docs/plugins.md has a whole one.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import HeldError
from forecast.estimate import Estimate, Move
from forecast.question import Question
from models.api import Answer, Draws, Task
from models.audit import Sampled, by_nuts
from models.covariates import Array
from models.moves import move
from models.priors.beliefs import Beliefs
from models.shares import share_of
from models.track import Track, already, estimate_digest, lay_out, snapshot_digest

if TYPE_CHECKING:
    import pymc as pm

    from models.engine.compiled import CompiledModel
    from models.engine.fit import Fit
    from models.engine.ladder import Rung
    from models.engine.problem import Problem

MOST_COUNTED = 5  # P(at least 1, 2, ... events) is told up to this, or what the question asks

type Values = Mapping[str, NDArray[Any]]


class PyMCFamily(ABC):
    """A family of models; see the module. One object serves every update of a process."""

    name: str
    version: str = "1"  # of what the model computes; a change of it is a change of model
    uses_nuts: bool = True  # as the last rung: its program takes half a minute to compile, once
    build: Callable[[Values], "pm.Model"]  # a function of a module, so that NUTS can find it

    @abstractmethod
    def data(self, task: Task) -> dict[str, NDArray[Any]]:
        """The values of every pm.Data, by name, from what was known before `as_of`.

        Priors belong among them: then a retuned one never compiles again. The same names,
        numbers of axes and types for every task.
        """

    @abstractmethod
    def expected(self, values: dict[str, Array], task: Task, days: Array) -> Array:
        """The expected number of root events (draw, day) from now to each of `days` from now.

        `values` are the model's unobserved variables by name, (draw, ...) each. Days rise
        from 0; the numbers must rise with them.
        """

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of the version and of what the beliefs say of structure."""
        structure = [
            *(self.name, self.version, beliefs.definition, beliefs.recurrent),
            *(beliefs.observed_since, beliefs.log_ceiling is not None),
            [(e.tag, e.half_life, e.group, e.kind) for e in beliefs.columns()],
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`."""
        from models.engine.fit import Fit

        work, before = _Work(self, task), Fit.restored(state)
        rung = work.climb(before)
        estimates = work.estimates(rung, before)
        return Answer(estimates, state if rung.fit is before else rung.fit.to_bytes())

    def sampled(self, task: Task) -> Sampled:
        """P of every question by NUTS; see `models.audit.Auditable`."""
        work = _Work(self, task)
        return by_nuts(work.problem, work.chances)

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update`; see `models.api.Certifiable`."""
        from models.engine.fit import Fit

        work = _Work(self, task)
        rung = work.climb(Fit.restored(state))
        draws = rung.posterior.draws
        columns: dict[str, Array] = {}
        for name, value in self.compiled_with(self.data(task)).values(draws).items():
            flat = value.reshape(len(draws), -1).T
            columns |= {name if len(flat) == 1 else f"{name}.{i}": v for i, v in enumerate(flat)}
        columns["log_prior"] = work.problem.target.log_prior(draws)
        columns["log_likelihood"] = rung.posterior.log_likelihood
        columns |= {f"p:{name}": p for name, p in work.chances(rung).items()}
        return Draws(tuple(columns), np.stack(list(columns.values()), axis=1), rung.weights.w)

    def compiled_with(self, data: dict[str, NDArray[Any]]) -> "CompiledModel":
        """The compiled model with these data in it; HeldError where some are not numbers."""
        for name, value in data.items():
            if np.isnan(value).any():
                raise HeldError(f"the data '{name}' of the model are not all numbers", at=self.name)
        if "_compiled" not in self.__dict__:
            from models.engine.compiled import CompiledModel

            self.__dict__["_compiled"] = CompiledModel(self.build(data))
        compiled: CompiledModel = self.__dict__["_compiled"]
        compiled.set_data(data)
        return compiled


@dataclass(frozen=True, slots=True)
class _Target:
    """A compiled model with its data, as the ladder sees it."""

    compiled: "CompiledModel"
    start: Array
    scale: Array
    rows: int

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        return self.compiled.value_and_gradient(theta)

    def log_prior(self, draws: Array) -> Array:
        return self.compiled.log_prior(draws)

    def log_likelihood(self, draws: Array) -> Array:
        return self.compiled.log_likelihood(draws, self.rows)


class _Work:
    """One update of one track by a family."""

    def __init__(self, family: PyMCFamily, task: Task) -> None:
        self.family, self.task = family, task
        self.model_hash = family.model_hash(task.beliefs)
        self.track: Track = lay_out(task)
        self._shape: tuple[Array, Array] | None = None
        self.problem = self._problem(family.data(task))
        self._values: dict[int, tuple[Fit, dict[str, Array]]] = {}

    @cached_property
    def facts(self) -> str:
        """The digest of the snapshot."""
        return snapshot_digest(self.task)

    def climb(self, before: "Fit | None") -> "Rung":
        """The rung that answers."""
        from models.engine.ladder import climb

        return climb(
            self.problem,
            before,
            self.chances,
            self.task.thresholds,
            is_doubted=bool(self.task.doubt),
        )

    def chances(self, rung: "Rung") -> dict[str, Array]:
        """P of each question for each draw (draw,)."""
        return {
            q.question_id: self.chance(rung.fit, q, self.task, self.missing(q))
            for q in self.task.questions
        }

    def missing(self, question: Question, known_before: datetime | None = None) -> int:
        """How many more events the window wants; one at least, as the question is still open."""
        if not self.task.beliefs.recurrent:
            return question.at_least
        return max(question.at_least - already(self.task, question, known_before), 1)

    def chance(
        self,
        fit: "Fit",
        question: Question,
        task: Task,
        at_least: int,
        places: list[int] | None = None,
        known_before: datetime | None = None,
    ) -> Array:
        """P (draw,) of so many events in the question's window, or (draw, place) ended earlier."""
        first, last = self.track.window(question)
        ahead = self._expected(fit, task)
        ends = ahead[:, [last] if places is None else places]
        share = share_of(task, question.definition, len(ahead), known_before)[:, None]
        opening = ahead[:, first : first + 1]
        if task.beliefs.recurrent:
            found = _poisson_tail(share * (ends - opening), at_least)
        elif at_least > 1:
            found = np.zeros_like(ends)
        else:
            found = share * (np.exp(-opening) - np.exp(-ends))
        return found[:, 0] if places is None else found

    def estimates(self, rung: "Rung", before: "Fit | None") -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        from models.estimates import Told, estimate, hold

        made = []
        for question in self.task.questions:
            first, last = self.track.window(question)
            places = self.track.shown(question)
            recurrent = self.task.beliefs.recurrent
            counted = range(1, max(MOST_COUNTED, question.at_least) + 1) if recurrent else (1,)
            ahead = self._expected(rung.fit, self.task)
            share = share_of(self.task, question.definition, len(ahead))
            happened = already(self.task, question) if recurrent else 0
            by_count = [
                self.chance(rung.fit, question, self.task, n - happened)
                if n > happened
                else np.ones(len(ahead))
                for n in counted
            ]
            told = Told(
                days=self.track.edges[places],
                curve=self.chance(rung.fit, question, self.task, self.missing(question), places),
                at_least=np.stack(by_count, axis=1),
                expected=happened + share * (ahead[:, last] - ahead[:, first])
                if recurrent
                else by_count[0],
            )
            plain = replace(
                estimate(self.task, question, rung, told),
                model_hash=self.model_hash,
                inputs_digest=estimate_digest(self.task, question, self.facts, self.model_hash),
                moved=self.moved(before, rung, question),
            )
            made.append(hold(self.task, plain, rung.gate))
        return tuple(made)

    def moved(self, before: "Fit | None", rung: "Rung", question: Question) -> Move | None:
        """Time, evidence and learning on the old draws; the rest is beliefs or Monte Carlo."""
        last = self.task.previous.get(question.question_id)
        if last is None:
            return None
        now = rung.answers[question.question_id].probability
        if last.model_hash != self.model_hash:
            return move(last.probability, {}, now, "model")
        base = rung.fit if before is None else before
        is_same_prior = base.prior_digest == self.problem.prior_digest
        if base.draws.shape[1] != rung.fit.draws.shape[1]:
            return move(last.probability, {}, now, "prior")
        then = _as_known(self.task, last.as_of)
        w_then, w_now = (self._weights(base, task) for task in (then, self.task))
        steps = {}
        stages = (("time", w_then, then), ("evidence", w_then, self.task))
        for cause, w, known in stages:
            missing = self.missing(question, last.as_of)
            p = self.chance(base, question, known, missing, None, last.as_of)
            steps[cause] = float(w @ p)
        steps["learning"] = float(
            w_now @ self.chance(base, question, self.task, self.missing(question))
        )
        return move(last.probability, steps, now, "montecarlo" if is_same_prior else "prior")

    def _weights(self, fit: "Fit", task: Task) -> Array:
        from models.engine.ladder import reweigh

        return reweigh(self._problem(self.family.data(task)), fit).weights.w

    def _expected(self, fit: "Fit", task: Task) -> Array:
        if id(fit) not in self._values:
            compiled = self.family.compiled_with(self.family.data(self.task))
            self._values[id(fit)] = (fit, compiled.values(fit.draws))
        values = self._values[id(fit)][1]
        return np.asarray(self.family.expected(values, task, self.track.edges), float)

    def _problem(self, data: dict[str, NDArray[Any]]) -> "Problem":
        from models.engine.nuts import NutsJob
        from models.engine.problem import Problem

        build, compiled = self.family.build, self.family.compiled_with(data)
        self._shape = self._shape or compiled.prior_shape()
        start, scale = self._shape
        rows = max((np.shape(value)[0] for value in data.values() if np.ndim(value)), default=1)
        place = f"{build.__module__}:{build.__qualname__}"
        return Problem(
            target=_Target(compiled, start, scale, rows),
            seed=self.task.seed,
            prior_digest=self.model_hash + self.task.beliefs.digest(),
            data_digest=_digest(data),
            size=0,
            nuts_job=(lambda: NutsJob(place, data, start, scale, self.task.seed))
            if self.family.uses_nuts
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


def _digest(data: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(data.items()):
        array = np.ascontiguousarray(value)
        digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
