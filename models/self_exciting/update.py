"""One update of a track: pose the problem, and say what each draw says."""

import hashlib
from datetime import datetime

import numpy as np

from forecast.estimate import Contribution
from forecast.question import Question
from models.api import Task
from models.covariates import Array
from models.engine.ladder import Rung
from models.engine.nuts import NutsJob
from models.engine.problem import Problem
from models.estimates import Told
from models.hazard.evidence import Evidence, SignalsWork
from models.hazard.settings import plain_setting, settings_of
from models.rows import Rows
from models.self_exciting.density import (
    SCALARS,
    Past,
    Theta,
    compiled_density,
    hawkes_target,
    prior_of,
    values_of,
)
from models.self_exciting.explain import contributions
from models.self_exciting.outlook import Outlook


class Work(SignalsWork):
    """One update of one track. What is left of old events fades with time, in its moves too."""

    def __init__(self, task: Task, model_hash: str) -> None:
        super().__init__(task, model_hash)
        self.prior, self.density = prior_of(task.beliefs), compiled_density()
        self.setting = plain_setting(settings_of(task.beliefs))
        self.x = self._covariates()
        self.outlook = Outlook(self.track, self.density, self.setting)
        self.problem = self._problem(self.track.rows)

    def chance(self, rung: Rung, question: Question, given: Evidence | None = None) -> Array:
        """P of the question for each draw (draw,), with all evidence there is or some of it."""
        given = given or Evidence(self.signals)
        ahead = self.outlook.ahead(rung.fit.draws, given.signals, given.known_before)
        return self.outlook.chance(ahead, question, given.known_before)

    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""
        ahead = self.outlook.ahead(rung.fit.draws, self.signals)
        places = self.outlook.shown(question)
        at_least, expected = self.outlook.counts(ahead, question)
        return Told(
            days=self.track.edges[places],
            curve=self.outlook.chances(ahead, question, places).T,
            at_least=at_least.T,
            expected=expected,
        )

    def parameters(self, rung: Rung) -> dict[str, Array]:
        """The draws (draw,) of every parameter by its name."""
        draws = rung.posterior.draws
        columns = [*SCALARS, *(f"beta.{effect.tag}" for effect in self.task.beliefs.columns())]
        named = dict(zip(columns, draws.T, strict=True))
        return {**named, "branching": Theta.of(draws).branching}

    def contributions(self, rung: Rung) -> tuple[Contribution, ...]:
        """What each tag, and the unit's own recent events, do to the hazard now."""
        return contributions(
            self.track,
            self.density,
            self.prior,
            rung.posterior.draws[: self.few_draws],
            rung.weights.first(self.few_draws),
            self.signals.past(np.array([self.track.now]), self.setting)[0],
            self.outlook.days_of_events(),
        )

    def numbers(self, rung: Rung) -> dict[str, float]:
        """What the diagnostics say beside those of the draws."""
        theta, weights = Theta.of(rung.posterior.draws), rung.weights
        return {
            **super().numbers(rung),
            "branching": float(weights.mean(theta.branching)),
            "memory_days": float(weights.mean(1.0 / theta.w)),
        }

    def problem_as_of(self, moment: datetime) -> Problem:
        """The problem of the rows as they stood at an earlier moment."""
        return self._problem(self.track.rows_as_of(moment), moment)

    def _covariates(self) -> Array:
        """Covariates (day, tag) of the days at risk; the rows have those of incidents."""
        rows = self.track.rows
        if not self.signals.levels:
            return rows.x * self.setting.on
        return self.signals.past(np.arange(len(rows.exposure), dtype=float), self.setting)

    def _problem(self, rows: Rows, known_before: datetime | None = None) -> Problem:
        """The history as it stands, or stood when these events were known."""
        x = self.x[: len(rows.exposure)]
        days = self.outlook.days_of_events(known_before)
        past = Past.of(Rows.of_one_unit(x, rows.exposure, rows.events), days[days < 0])
        digest = hashlib.sha256()
        for array in (x, rows.exposure, past.day, past.count):
            digest.update(np.ascontiguousarray(array).tobytes())
        target = hawkes_target(self.density, past, self.prior)
        values = values_of(past, self.prior)
        return Problem(
            target=target,
            seed=self.task.seed,
            prior_digest=self.model_hash + self.task.beliefs.digest(),
            data_digest=digest.hexdigest(),
            size=len(rows.exposure),
            nuts_job=lambda: NutsJob(
                "models.self_exciting.density:hawkes_model",
                values,
                target.start,
                target.scale,
                self.task.seed,
            ),
        )
