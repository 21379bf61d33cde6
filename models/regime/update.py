"""One update of a track by the regime: pose the problem, and say what each draw says."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.clock import days_between
from forecast.estimate import Contribution, Estimate
from forecast.question import Question
from models.api import MOST_COUNTED, Task
from models.covariates import Array
from models.engine.fit import Fit
from models.engine.gates import Gate
from models.engine.ladder import DRAWS, Rung
from models.estimates import Told
from models.priors.beliefs import Beliefs
from models.regime.days import Heard, days_of
from models.regime.density import Filtered
from models.regime.explain import contributions
from models.regime.outlook import Outlook
from models.regime.prior import STATES, Prior
from models.regime.problem import RegimeProblem, filtered
from models.shares import share_of
from models.track import already
from models.work import DrawsWork

EXPLAIN_DRAWS = 60  # each is filtered anew for each tag


def contradiction(beliefs: Beliefs) -> Gate:
    """Beliefs that no hidden states can bring together, in words."""
    ceiling = beliefs.log_ceiling
    if ceiling is not None and ceiling.mean <= beliefs.log_rate.mean:
        return Gate(
            f"the ceiling of {beliefs.definition} ({np.exp(ceiling.mean):.2g} a day) is not above "
            f"its base rate ({np.exp(beliefs.log_rate.mean):.2g} a day)"
        )
    return Gate()


class Work(DrawsWork):
    """One update of one track: what its steps share."""

    few_draws = DRAWS // 4

    def __init__(self, task: Task, model_hash: str) -> None:
        super().__init__(task, model_hash)
        self.prior = Prior.of(task.beliefs)
        self.heard = Heard.of(self.track, self.track.pulses)
        self.problem: RegimeProblem = RegimeProblem.of(
            days_of(self.track, self.heard, self.track.rows, self.prior),
            self.prior,
            model_hash + task.beliefs.digest(),
            task.seed,
        )
        self._stages: dict[tuple[int, datetime], list[tuple[str, Rung]]] = {}

    def chance(self, rung: Rung, question: Question, known_before: datetime | None = None) -> Array:
        """P of the question for each draw (draw,), with the events known before a moment."""
        edges = self.track.edges[list(self.track.window(question))]
        ahead = self._ahead(filtered(rung.posterior), question, known_before)
        return ahead.at_least(edges, question.at_least)[:, -1, -1]

    def _ahead(
        self, states: Filtered, question: Question, known_before: datetime | None = None
    ) -> "Ahead":
        share = share_of(self.task, question.definition, len(states.state), known_before)
        outlook = Outlook(states, self.track.now % 1.0, self.task.beliefs.recurrent)
        return Ahead(outlook, share, already(self.task, question, known_before))

    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""
        track, n = self.track, question.at_least
        first, last = track.window(question)
        ahead = self._ahead(filtered(rung.posterior), question)
        places = track.shown(question)
        counted = max(MOST_COUNTED, n) if self.task.beliefs.recurrent else 1
        window = track.edges[[first, last]]
        return Told(
            days=track.edges[places],
            curve=ahead.at_least(track.edges[places], n)[:, :, -1],
            at_least=ahead.at_least(window, counted)[:, -1],
            expected=ahead.expected(window),
        )

    def parameters(self, rung: Rung) -> dict[str, Array]:
        """The draws (draw,) of every parameter by its name, and of today's states."""
        today = filtered(rung.posterior).state
        return {
            **dict(zip(self.prior.parameters(), rung.posterior.draws.T, strict=True)),
            **{f"state.{name}": today[:, z] for z, name in enumerate(STATES)},
        }

    def contributions(self, rung: Rung) -> tuple[Contribution, ...]:
        """What each tag says of today's state."""
        few = slice(EXPLAIN_DRAWS)
        return contributions(
            self.track,
            self.heard,
            self.problem.density.load(self.problem.days, self.prior),
            self.prior,
            rung.posterior.draws[few],
            filtered(rung.posterior).some(few),
            rung.weights.first(EXPLAIN_DRAWS),
        )

    def numbers(self, rung: Rung) -> dict[str, float]:
        """What the diagnostics say beside those of the draws."""
        state = rung.weights.mean(filtered(rung.posterior).state)
        named = {f"state.{name}": float(state[z]) for z, name in enumerate(STATES)}
        return {**super().numbers(rung), **named}

    def gate(self, rung: Rung) -> Gate:
        """Beliefs that contradict each other come before what the draws are worth."""
        finding = contradiction(self.task.beliefs)
        return rung.gate if finding.passed else finding

    def steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added."""
        then, key = last.as_of, (id(base), last.as_of)
        if key not in self._stages:
            self._stages[key] = self._staged(base.first(DRAWS), then)
        taken = {}
        for cause, rung in self._stages[key]:
            known_before = None if cause == "learning" else then
            taken[cause] = float(rung.weights.mean(self.chance(rung, question, known_before)))
        return taken

    def _staged(self, base: Fit, then: datetime) -> list[tuple[str, Rung]]:
        """The draws of `base` on the facts after each step.

        Until learning, parameters and time at risk are as they were: the clock ran over days
        of which nothing had been heard; then it was heard; then known incidents weighed anew.
        """
        track, seen = self.track, self.track.evidence_before(then)
        rows = track.rows_as_of(then)
        heard = {"time": Heard.of(track, seen.old, days_between(track.origin, then))}
        heard["evidence"] = Heard.of(track, seen.with_new)
        if not seen.is_all_new:
            heard["credibility"] = self.heard
        found: list[tuple[str, Rung]] = []
        for cause, by_tag in heard.items():
            problem = self.problem.given(days_of(track, by_tag, rows, self.prior))
            rung = problem.weighed(base)
            weights = found[0][1].weights if found else rung.weights
            found.append((cause, replace(rung, weights=weights)))
        return [*found, ("learning", self.problem.weighed(base))]


@dataclass(frozen=True, slots=True)
class Ahead:
    """An outlook on one definition's `share` (draw,), with `already` events in the window."""

    outlook: Outlook
    share: Array
    already: int

    def at_least(self, edges: Array, n: int) -> Array:
        """P of at least 1 .. n events in the window (draw, edge, n); it goes on at edges[0]."""
        found = np.ones((len(self.share), len(edges), n))
        if n > self.already:
            missing = self.outlook.at_least(self.share, edges, n - self.already)
            found[:, :, self.already :] = missing
        return found

    def expected(self, window: Array) -> Array:
        """The expected number of events in the window (draw,)."""
        if self.already and not self.outlook.recurrent:
            return np.ones(len(self.share))
        return self.already + self.outlook.expected(self.share, window)
