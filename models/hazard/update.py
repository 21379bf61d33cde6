"""One update of a track by the hazard: pose the problem, and say what each draw says."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import numpy as np

from forecast.estimate import Contribution, Coupling
from forecast.question import Question
from models.api import BAND, Task
from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.ladder import Rung
from models.estimates import Told, by_count, most_counted
from models.hazard.evidence import Evidence, SignalsWork
from models.hazard.explain import contributions
from models.hazard.formulas import SCALARS, Data, Multiplier, Prior
from models.hazard.outlook import Frailty, hazard_ahead
from models.hazard.problem import AT_RISK, HazardProblem, data_digest
from models.hazard.settings import couples, plain_setting, settings_of
from models.hazard.signals import Signals
from models.shares import share_of
from models.track import already, missing


class Work(SignalsWork):
    """One update of one track: what its steps share."""

    def __init__(self, task: Task, model_hash: str) -> None:
        super().__init__(task, model_hash)
        self.prior = Prior.of(task.beliefs)
        self.settings = settings_of(task.beliefs)
        self.multiplier = Multiplier(self.prior)
        self.problem: HazardProblem = HazardProblem.of(
            self._data(), self.prior, model_hash + task.beliefs.digest(), task.seed
        )
        # each with what it is of alive, so that an id stands for one of them
        self._hazards: dict[tuple[int, int], tuple[Fit, Signals, Array]] = {}
        self._curves: dict[
            tuple[int, str, int, tuple[int, ...], int], tuple[Fit, Array, Array]
        ] = {}
        self._frailties: dict[int, tuple[Posterior, Frailty]] = {}

    def chance(self, rung: Rung, question: Question, given: Evidence | None = None) -> Array:
        """P of the question for each draw (draw,), with all evidence there is or some of it."""
        given = given or Evidence(self.signals)
        hazard = self.hazard(rung.fit, given.signals)
        return self.chance_along(hazard, rung.posterior, question, self.task, given.known_before)

    def chances(self, rung: Rung, given: Evidence | None = None) -> dict[str, Array]:
        """P of each question for each draw (draw,); of those that open together, at once."""
        given = given or Evidence(self.signals)
        hazard, frailty = self.hazard(rung.fit, given.signals), self.frailty(rung.posterior)
        alike: dict[tuple[str, int, int], list[Question]] = defaultdict(list)
        for question in self.task.questions:
            lacking = missing(self.task, question, given.known_before)
            alike[question.definition, self.track.window(question)[0], lacking].append(question)
        found: dict[str, Array] = {}
        for (definition, first, lacking), asked in alike.items():
            share = share_of(self.task, definition, len(hazard), given.known_before)
            ends = hazard[:, :, [self.track.window(question)[1] for question in asked]]
            opening, recurrent = hazard[:, :, first, None], self.task.beliefs.recurrent
            p = frailty.chance(opening, ends, share, recurrent, lacking)
            columns = np.ascontiguousarray(p.T)
            found |= {q.question_id: c for q, c in zip(asked, columns, strict=True)}
        return {q.question_id: found[q.question_id] for q in self.task.questions}

    def chance_along(
        self,
        hazard: Array,
        posterior: Posterior,
        question: Question,
        task: Task,
        known_before: datetime | None = None,
    ) -> Array:
        """The same along H (draw, setting, edge); `task` is for the shares of kinds."""
        first, last = self.track.window(question)
        return self.frailty(posterior).chance(
            hazard[:, :, first],
            hazard[:, :, last],
            share_of(task, question.definition, len(hazard), known_before),
            task.beliefs.recurrent,
            missing(self.task, question, known_before),
        )

    def frailty(self, posterior: Posterior) -> Frailty:
        """The rate of the unit and the weights of the settings, given each draw."""
        if id(posterior) not in self._frailties:
            levels = self.problem.by_setting(posterior.draws, posterior.extras)
            frailty = Frailty.of(posterior.draws, posterior.extras, levels)
            self._frailties[id(posterior)] = (posterior, frailty)
        return self._frailties[id(posterior)][1]

    def hazard(self, fit: Fit, signals: Signals) -> Array:
        """H (draw, setting, edge) along each draw's own future."""
        key = (id(fit), id(signals))
        if key not in self._hazards:
            along = self._part_of_known(fit, signals)
            if along is None:
                along = self.along(fit.draws, self.futures(signals, len(fit.draws)))
            self._hazards[key] = (fit, signals, along)
        return self._hazards[key][2]

    def _part_of_known(self, fit: Fit, signals: Signals) -> Array | None:
        """That of more draws, cut to these, where they are its first."""
        for whole, known, along in self._hazards.values():
            some = len(fit.draws)
            is_part = known is signals and some < len(whole.draws)
            if is_part and np.array_equal(whole.draws[:some], fit.draws):
                return along[:some]
        return None

    def futures(self, signals: Signals, draws: int) -> list[Array]:
        """Covariates (draw, bin, tag) along each draw's future, for each setting."""
        track, seed = self.track, self.task.seed
        return [signals.ahead(track.now, track.edges, draws, seed, s) for s in self.settings]

    def along(self, draws: Array, futures: list[Array]) -> Array:
        """H (draw, setting, edge) along given futures."""
        edges = self.track.edges
        return np.stack([hazard_ahead(self.multiplier, draws, x, edges) for x in futures], axis=1)

    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""
        task, recurrent = self.task, self.task.beliefs.recurrent
        first, last = self.track.window(question)
        hazard = self.hazard(rung.fit, self.signals)
        share = share_of(task, question.definition, len(hazard))
        frailty = self.frailty(rung.posterior)
        opening, end, happened = hazard[:, :, first], hazard[:, :, last], already(task, question)
        counts = frailty.counts(opening, end, share, recurrent, most_counted(task, question))
        days, curve = self._curve(rung, question, hazard, share)
        return Told(
            days=days,
            curve=curve,
            at_least=by_count(
                task,
                question,
                happened,
                len(share),
                lambda n: counts[:, n - 1],
            ),
            expected=happened + frailty.expected(opening, end, share, recurrent),
        )

    def _curve(
        self, rung: Rung, question: Question, hazard: Array, share: Array
    ) -> tuple[Array, Array]:
        """The days of a question's curve and P along it; one for all that share it."""
        task, first = self.task, self.track.window(question)[0]
        places, lacking = tuple(self.track.shown(question)), missing(task, question)
        key = (id(rung.fit), question.definition, first, places, lacking)
        if key not in self._curves:
            along = self.frailty(rung.posterior).chance(
                hazard[:, :, first][:, :, None],
                hazard[:, :, list(places)],
                share,
                task.beliefs.recurrent,
                lacking,
            )
            self._curves[key] = (rung.fit, self.track.edges[list(places)], along)
        return self._curves[key][1:]

    def parameters(self, rung: Rung) -> dict[str, Array]:
        """The draws (draw,) of every parameter by its name."""
        columns = [*SCALARS, *(f"beta.{effect.tag}" for effect in self.task.beliefs.columns())]
        return dict(zip(columns, rung.posterior.draws.T, strict=True))

    def contributions(self, rung: Rung) -> tuple[Contribution, ...]:
        """What each tag does to the hazard now."""
        return contributions(
            self.track,
            self.multiplier,
            self.prior,
            rung.posterior.draws[: self.few_draws],
            rung.weights.first(self.few_draws),
            self.present(),
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
            posterior = min(float(weights.mean(chance)), 1.0)
            found.append(Coupling(unit.unit, unit.probability, posterior, middle, lower, upper))
        return tuple(found)

    def present(self) -> Array:
        """Covariates (tag,) of now, with half-lives as stated and without coupled units."""
        now = np.array([self.track.now])
        return np.asarray(self.signals.past(now, plain_setting(self.settings))[0])

    def fits(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings as there are now."""
        settings = fit.extras[AT_RISK].shape[1] if AT_RISK in fit.extras else 0
        return super().fits(fit) and settings == len(self.settings)

    def problem_as_of(self, moment: datetime) -> HazardProblem:
        """The problem of the rows as they stood at an earlier moment."""
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
