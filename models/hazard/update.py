"""One update of a track by the hazard: pose the problem, climb, and say what each draw says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.estimate import Coupling, Estimate, Move
from forecast.evidence import Report
from forecast.question import Question
from models.api import BAND, Answer, Draws, Task
from models.covariates import Array, Pulses
from models.engine.fit import Fit, Posterior
from models.engine.ladder import DRAWS, Rung, climb, reweigh
from models.engine.psis import Weights
from models.estimates import Told, estimate, hold
from models.hazard.density import SCALARS, Data, Prior, compiled_density
from models.hazard.explain import contributions
from models.hazard.outlook import MOST_COUNTED, Frailty, hazard_ahead
from models.hazard.problem import AT_RISK, HazardProblem, data_digest
from models.hazard.settings import couples, plain_setting, settings_of
from models.hazard.signals import Signals
from models.moves import move, shifted
from models.shares import share_of
from models.track import (
    Seen,
    Track,
    already,
    estimate_digest,
    heard,
    lay_out,
    snapshot_digest,
    watched_days,
)

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
        "log_prior": work.problem.target.log_prior(draws),
        "log_likelihood": rung.posterior.log_likelihood,
        **{f"p:{name}": p for name, p in work.chances(rung).items()},
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
        self.track: Track = lay_out(task)
        self.prior = Prior.of(task.beliefs)
        self.settings = settings_of(task.beliefs)
        self.watched = watched_days(self.track)
        self.signals = self._signals(self.track.pulses, heard(task))
        self.density = compiled_density()
        self.problem = HazardProblem.of(
            self.density, self._data(), self.prior, model_hash + task.beliefs.digest(), task.seed
        )
        self._kept: list[object] = []  # alive, so that an id stands for one of them
        self._hazards: dict[tuple[int, int], Array] = {}
        self._seen: dict[datetime, Seen] = {}
        self._weighed: dict[tuple[int, datetime | None], Rung] = {}
        self._frailties: dict[int, Frailty] = {}

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
        first, last = self.track.window(question)
        hazard = self.hazard(rung.fit, given.signals)
        share = share_of(self.task, question.definition, len(hazard), given.known_before)
        return self.frailty(rung.posterior).chance(
            hazard[:, :, first],
            hazard[:, :, last],
            share,
            self.task.beliefs.recurrent,
            self.missing(question, given.known_before),
        )

    def missing(self, question: Question, known_before: datetime | None = None) -> int:
        """How many more events the window wants; one at least, as the question is still open."""
        if not self.task.beliefs.recurrent:
            return question.at_least
        return max(question.at_least - already(self.task, question, known_before), 1)

    def frailty(self, posterior: Posterior) -> Frailty:
        """The rate of the unit and the weights of the settings, given each draw."""
        if id(posterior) not in self._frailties:
            self._kept.append(posterior)
            levels = self.problem.by_setting(posterior.draws, posterior.extras)
            frailty = Frailty.of(posterior.draws, posterior.extras, levels)
            self._frailties[id(posterior)] = frailty
        return self._frailties[id(posterior)]

    def hazard(self, fit: Fit, signals: Signals) -> Array:
        """H (draw, setting, edge) along each draw's own future."""
        key = (id(fit), id(signals))
        if key not in self._hazards:
            self._kept += [fit, signals]
            track, draws = self.track, len(fit.draws)
            ahead = [
                signals.ahead(track.now, track.edges, draws, self.task.seed, setting)
                for setting in self.settings
            ]
            self._hazards[key] = np.stack(
                [hazard_ahead(self.density, fit.draws, x, track.edges) for x in ahead], axis=1
            )
        return self._hazards[key]

    def estimates(self, rung: Rung, moves: dict[str, Move]) -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        facts = snapshot_digest(self.task)
        felt = contributions(
            self.track,
            self.density,
            self.prior,
            rung.posterior.draws[:FEW_DRAWS],
            _first(rung.weights),
            self.present(),
        )
        coupled = self.couplings(rung)
        made = []
        for question in self.task.questions:
            plain = estimate(self.task, question, rung, self.told(rung, question))
            full = replace(
                plain,
                model_hash=self.model_hash,
                inputs_digest=estimate_digest(self.task, question, facts, self.model_hash),
                diagnostics={**plain.diagnostics, **self._counts()},
                contributions=felt,
                couplings=coupled,
                moved=moves.get(question.question_id),
            )
            made.append(hold(self.task, full, rung.gate))
        return tuple(made)

    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""
        track, recurrent = self.track, self.task.beliefs.recurrent
        first, last = track.window(question)
        places = track.shown(question)
        hazard = self.hazard(rung.fit, self.signals)
        share = share_of(self.task, question.definition, len(hazard))
        frailty = self.frailty(rung.posterior)
        opening, end = hazard[:, :, first], hazard[:, :, last]
        happened = already(self.task, question)
        counted = range(1, max(MOST_COUNTED, question.at_least) + 1) if recurrent else (1,)
        ahead = [
            np.ones(len(share))
            if n <= happened
            else frailty.chance(opening, end, share, recurrent, n - happened)
            for n in counted
        ]
        return Told(
            days=track.edges[places],
            curve=frailty.chance(
                opening[:, :, None], hazard[:, :, places], share, recurrent, self.missing(question)
            ),
            at_least=np.stack(ahead, axis=1),
            expected=happened + frailty.expected(opening, end, share, recurrent),
        )

    def couplings(self, rung: Rung) -> tuple[Coupling, ...]:
        """Of each unit that may be coupled: how probably it is, and what it then does."""
        beliefs, weights = self.task.beliefs, rung.weights
        found = []
        for place, unit in enumerate(beliefs.couplings):
            is_on = couples(self.settings, place)
            chance = self.frailty(rung.posterior).weight @ is_on
            given = weights.w * chance
            beta = rung.posterior.draws[:, len(SCALARS) + len(beliefs.effects) + place]
            scaled = replace(weights, w=given / given.sum()) if given.any() else weights
            middle, lower, upper = np.exp(scaled.quantiles(beta, (0.5, *BAND))).tolist()
            found.append(
                Coupling(
                    unit.unit,
                    unit.probability,
                    min(float(weights.mean(chance)), 1.0),
                    middle,
                    lower,
                    upper,
                )
            )
        return tuple(found)

    def present(self) -> Array:
        """Covariates (tag,) of now, with half-lives as stated and without coupled units."""
        now = np.array([self.track.now])
        return np.asarray(self.signals.past(now, plain_setting(self.settings))[0])

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
            last = self.task.previous.get(name)
            if last is None:
                continue
            now = rung.answers[name].probability
            if last.model_hash != self.model_hash:
                found[name] = move(last.probability, {}, now, "model")
                continue
            steps = self._steps(base, question, last)
            found[name] = move(
                last.probability, steps if base is before else shifted(steps, now), now, rest
            )
        return found

    def _fits(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings as there are now."""
        settings = fit.extras[AT_RISK].shape[1] if AT_RISK in fit.extras else 0
        return fit.draws.shape[1] == len(self.prior.mean) and settings == len(self.settings)

    def _steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added."""
        old, new = self._as_of(base, last.as_of), self._as_of(base, None)

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

    def _with(self, pulses: Pulses, reports: tuple[Report, ...] | None = None) -> Signals:
        """The signals with only these pulses, and the levels that these reports tell of."""
        if pulses is self.signals.pulses and (reports is None or not self.signals.levels):
            return self.signals
        for kept in self._kept:
            if isinstance(kept, Signals) and kept.pulses is pulses and kept is not self.signals:
                return kept
        if reports is None:
            return replace(self.signals, pulses=pulses)
        return self._signals(pulses, reports)

    def _signals(self, pulses: Pulses, reports: Sequence[Report]) -> Signals:
        return replace(Signals.of(self.task.beliefs, pulses, reports), watched=self.watched)

    def _as_of(self, fit: Fit, moment: datetime | None) -> Rung:
        """The draws of a fit on the rows as they stood at an earlier moment, or as they stand."""
        key = (id(fit), moment)
        if key not in self._weighed:
            self._kept.append(fit)
            self._weighed[key] = reweigh(self._problem_of(moment), fit)
        return self._weighed[key]

    def _problem_of(self, moment: datetime | None) -> HazardProblem:
        if moment is None:
            return self.problem
        rows, present = self.track.rows_as_of(moment), self.problem.data
        data = Data(rows, present.x[:, : len(rows.exposure)], present.log_weight)
        return replace(
            self.problem, data=data, data_digest=data_digest(data), size=len(rows.exposure)
        )

    def _data(self) -> Data:
        rows = self.track.rows
        weights = np.array([setting.log_weight for setting in self.settings])
        if len(self.settings) == 1 and not self.signals.levels:
            return Data(rows, rows.x[None], weights)
        days = np.arange(len(rows.exposure), dtype=float)
        return Data(rows, np.stack([self.signals.past(days, s) for s in self.settings]), weights)

    def _counts(self) -> dict[str, float]:
        rows = self.track.rows
        return {
            "days_at_risk": float(rows.exposure.sum()),
            "events": float(rows.events.sum()),
        }


def _first(weights: Weights) -> Weights:
    """The weights of the first draws, enough for a picture."""
    w = weights.w[:FEW_DRAWS]
    return replace(weights, w=w / w.sum())
