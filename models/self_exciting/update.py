"""One update of a track: pose the problem, climb, and say what each draw says."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.estimate import Estimate, Move
from forecast.evidence import Report
from forecast.question import Question
from models.api import Answer, Draws, Task
from models.covariates import Array, Pulses
from models.engine.fit import Fit
from models.engine.ladder import DRAWS, Rung, climb, reweigh
from models.engine.nuts import NutsJob
from models.engine.problem import Problem
from models.estimates import Told, estimate, hold
from models.hazard.settings import plain_setting, settings_of
from models.hazard.signals import Signals
from models.moves import move, shifted
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
from models.track import Seen, estimate_digest, heard, lay_out, snapshot_digest, watched_days

FEW_DRAWS = DRAWS // 2  # for explanations: differences on the same draws need few


def update(task: Task, state: bytes | None, model_hash: str) -> Answer:
    """Estimate every question of the task; the state is the fit, the same object if kept."""
    before = Fit.restored(state)
    work = Work(task, model_hash)
    rung = work.climb(before)
    estimates = work.estimates(rung, work.moves(before, rung))
    return Answer(estimates, state if rung.fit is before else rung.fit.to_bytes())


def posterior(task: Task, state: bytes | None, model_hash: str) -> Draws:
    """The draws behind `update`: parameters, densities, and P of each question."""
    work = Work(task, model_hash)
    rung = work.climb(Fit.restored(state))
    draws = rung.posterior.draws
    columns = [*SCALARS, *(f"beta.{effect.tag}" for effect in task.beliefs.columns())]
    values = {
        **dict(zip(columns, draws.T, strict=True)),
        "branching": Theta.of(draws).branching,
        "log_prior": work.problem.target.log_prior(draws),
        "log_likelihood": rung.posterior.log_likelihood,
        **{f"p:{q.question_id}": work.chance(rung, q) for q in task.questions},
    }
    return Draws(tuple(values), np.stack(list(values.values()), axis=1), rung.weights.w)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is taken to be known: the signals, and events known before a moment (None: all)."""

    signals: Signals
    known_before: datetime | None = None


class Work:
    """One update of one track: what its steps share."""

    def __init__(self, task: Task, model_hash: str) -> None:
        self.task, self.model_hash = task, model_hash
        self.track = lay_out(task)
        self.prior, self.density = prior_of(task.beliefs), compiled_density()
        self.setting = plain_setting(settings_of(task.beliefs))
        self.watched = watched_days(self.track)
        self.signals = self._signals(self.track.pulses, heard(task))
        self.x = self._covariates()
        self.outlook = Outlook(self.track, self.density, self.setting)
        self.problem = self._problem(self.track.rows)
        self._seen: dict[datetime, Seen] = {}
        self._rungs: dict[tuple[int, datetime | None], Rung] = {}
        # with what was cut alive, so that an id stands for one of them
        self._cut: dict[tuple[int, int], tuple[Pulses, object, Signals]] = {}

    def climb(self, before: Fit | None) -> Rung:
        """The rung that answers."""
        return climb(
            self.problem,
            before,
            self.chances,
            self.task.thresholds,
            is_doubted=bool(self.task.doubt),
        )

    def chances(self, rung: Rung) -> dict[str, Array]:
        """P of each question for each draw (draw,)."""
        return {q.question_id: self.chance(rung, q) for q in self.task.questions}

    def chance(self, rung: Rung, question: Question, given: _Evidence | None = None) -> Array:
        """P of the question for each draw (draw,), with all evidence there is or some of it."""
        given = given or _Evidence(self.signals)
        ahead = self.outlook.ahead(rung.fit.draws, given.signals, given.known_before)
        return self.outlook.chance(ahead, question, given.known_before)

    def estimates(self, rung: Rung, moves: dict[str, Move]) -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        facts = snapshot_digest(self.task)
        w = rung.weights.w[:FEW_DRAWS]
        felt = contributions(
            self.track,
            self.density,
            self.prior,
            rung.posterior.draws[:FEW_DRAWS],
            replace(rung.weights, w=w / w.sum()),
            self.signals.past(np.array([self.track.now]), self.setting)[0],
            self.outlook.days_of_events(),
        )
        made = []
        for question in self.task.questions:
            plain = estimate(self.task, question, rung, self.told(rung, question))
            full = replace(
                plain,
                model_hash=self.model_hash,
                inputs_digest=estimate_digest(self.task, question, facts, self.model_hash),
                diagnostics={**plain.diagnostics, **self._numbers(rung)},
                contributions=felt,
                moved=moves.get(question.question_id),
            )
            made.append(hold(self.task, full, rung.gate))
        return tuple(made)

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

    def moves(self, before: Fit | None, rung: Rung) -> dict[str, Move]:
        """Why each question's probability moved since its previous estimate.

        Where the draws stayed, a few of them tell; where they were made anew, the steps are
        taken on all of the old ones, and the rest is the change of beliefs or of draws.
        """
        base, rest = rung.fit.first(FEW_DRAWS), "montecarlo"
        if before is not None and before is not rung.fit and self._fits(before):
            base = before
            rest = "montecarlo" if before.prior_digest == self.problem.prior_digest else "prior"
        found = {}
        for question in self.task.questions:
            name = question.question_id
            last, now = self.task.previous.get(name), rung.answers[name].probability
            if last is None:
                continue
            if last.model_hash != self.model_hash:
                found[name] = move(last.probability, {}, now, "model")
                continue
            steps = self._steps(base, question, last)
            steps = steps if base is before else shifted(steps, now)
            found[name] = move(last.probability, steps, now, rest)
        return found

    def _fits(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters as there are now."""
        return bool(fit.draws.shape[1] == len(self.prior.mean) + 1)

    def _steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added.

        What new events set off is learnt with them; what is left of old ones fades with time.
        """
        old, new = self._weighed(base, last.as_of), self._weighed(base, None)

        def p(rung: Rung, signals: Signals, known_before: datetime | None = last.as_of) -> float:
            given = _Evidence(signals, known_before)
            return float(rung.weights.mean(self.chance(rung, question, given)))

        if last.as_of not in self._seen:
            self._seen[last.as_of] = self.track.evidence_before(last.as_of)
        seen = self._seen[last.as_of]
        steps = {}
        if seen.is_any_new:
            steps["time"] = p(old, self._with(seen.old, seen.reports))
        if not seen.is_all_new:
            steps["evidence"] = p(old, self._with(seen.with_new))
        last_cause = ("time", "evidence", "credibility")[len(steps)]
        everything = p(old, self.signals)
        return {**steps, last_cause: everything, "learning": p(new, self.signals, None)}

    def _weighed(self, fit: Fit, moment: datetime | None) -> Rung:
        """The draws of a fit on the history as it stood at a moment, or as it stands."""
        key = (id(fit), moment)
        if key not in self._rungs:
            problem = self.problem
            if moment is not None:
                problem = self._problem(self.track.rows_as_of(moment), moment)
            self._rungs[key] = reweigh(problem, fit)
        return self._rungs[key]

    def _with(self, pulses: Pulses, reports: tuple[Report, ...] | None = None) -> Signals:
        """The signals with only these pulses, and the levels that these reports tell of."""
        if pulses is self.signals.pulses and (reports is None or not self.signals.levels):
            return self.signals
        key = (id(pulses), id(reports))
        if key not in self._cut:
            signals = self.signals if reports is None else self._signals(pulses, reports)
            self._cut[key] = (pulses, reports, replace(signals, pulses=pulses))
        return self._cut[key][2]

    def _signals(self, pulses: Pulses, reports: Sequence[Report]) -> Signals:
        return replace(Signals.of(self.task.beliefs, pulses, reports), watched=self.watched)

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

    def _numbers(self, rung: Rung) -> dict[str, float]:
        rows, theta = self.track.rows, Theta.of(rung.posterior.draws)
        return {
            "days_at_risk": float(rows.exposure.sum()),
            "events": float(rows.events.sum()),
            "branching": float(rung.weights.mean(theta.branching)),
            "memory_days": float(rung.weights.mean(1.0 / theta.w)),
        }
