"""One update of a track by the regime: pose the problem, climb, and say what each draw says."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.clock import days_between
from forecast.estimate import Estimate, Move
from forecast.question import Question
from models.api import Answer, Draws, Task
from models.covariates import Array
from models.engine.fit import Fit
from models.engine.gates import Gate
from models.engine.ladder import DRAWS, Rung, climb
from models.engine.psis import Weights
from models.estimates import Told, estimate, hold
from models.moves import move, shifted
from models.priors.beliefs import Beliefs
from models.regime.days import Heard, days_of
from models.regime.density import Filtered
from models.regime.explain import contributions
from models.regime.outlook import Outlook
from models.regime.prior import STATES, Prior
from models.regime.problem import RegimeProblem, filtered
from models.shares import share_of
from models.track import Track, estimate_digest, events_of, lay_out, snapshot_digest

MOST_COUNTED = 5  # P(at least 1, 2, ... events) is told up to this, or what the question asks
MOVE_DRAWS = DRAWS // 4  # differences on the same draws need few
EXPLAIN_DRAWS = 60  # each is filtered anew for each tag


def update(task: Task, state: bytes | None, model_hash: str) -> Answer:
    """Estimate every question of the task; the state is the fit, the same object if kept."""
    if not task.questions:
        return Answer((), state)
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
    today = filtered(rung.posterior).state
    values = {
        **dict(zip(work.prior.parameters(), draws.T, strict=True)),
        **{f"state.{name}": today[:, z] for z, name in enumerate(STATES)},
        "log_prior": work.problem.target.log_prior(draws),
        "log_likelihood": rung.posterior.log_likelihood,
        **{f"p:{q.question_id}": work.chance(rung, q) for q in task.questions},
    }
    return Draws(tuple(values), np.stack(list(values.values()), axis=1), rung.weights.w)


def contradiction(beliefs: Beliefs) -> Gate:
    """Beliefs that no hidden states can bring together, in words."""
    ceiling = beliefs.log_ceiling
    if ceiling is not None and ceiling.mean <= beliefs.log_rate.mean:
        return Gate(
            f"the ceiling of {beliefs.definition} ({np.exp(ceiling.mean):.2g} a day) is not above "
            f"its base rate ({np.exp(beliefs.log_rate.mean):.2g} a day)"
        )
    return Gate()


class Work:
    """One update of one track: what its steps share."""

    def __init__(self, task: Task, model_hash: str) -> None:
        self.task, self.model_hash = task, model_hash
        self.track: Track = lay_out(task)
        self.prior = Prior.of(task.beliefs)
        self.heard = Heard.of(self.track, self.track.pulses)
        self.problem = RegimeProblem.of(
            days_of(self.track, self.heard, self.track.rows, self.prior),
            self.prior,
            model_hash + task.beliefs.digest(),
            task.seed,
        )

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

    def chance(self, rung: Rung, question: Question, known_before: datetime | None = None) -> Array:
        """P of the question for each draw (draw,), with the events known before a moment."""
        edges = self.track.edges[list(self.track.window(question))]
        ahead = self._ahead(filtered(rung.posterior), question, known_before)
        return ahead.at_least(edges, question.at_least)[:, -1, -1]

    def _ahead(
        self, states: Filtered, question: Question, known_before: datetime | None = None
    ) -> "Ahead":
        share = share_of(self.task, question.definition, len(states.state), known_before)
        today = self.track.now % 1.0
        return Ahead(
            Outlook(states, today, self.task.beliefs.recurrent),
            share,
            self._already(question, known_before),
        )

    def _already(self, question: Question, known_before: datetime | None) -> int:
        """The known events that have happened in the question's window."""
        events = events_of(self.task, question.definition, known_before)
        return sum(question.opens_at <= e.occurred_at <= question.deadline for e in events)

    def estimates(self, rung: Rung, moves: dict[str, Move]) -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        facts = snapshot_digest(self.task)
        few, weights = slice(EXPLAIN_DRAWS), _first(rung.weights, EXPLAIN_DRAWS)
        present = filtered(rung.posterior)
        felt = contributions(
            self.track,
            self.heard,
            self.problem.density.load(self.problem.days, self.prior),
            self.prior,
            rung.posterior.draws[few],
            present.some(few),
            weights,
        )
        finding = contradiction(self.task.beliefs)
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
            made.append(hold(self.task, full, rung.gate if finding.passed else finding))
        return tuple(made)

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

    def moves(self, before: Fit | None, rung: Rung) -> dict[str, Move]:
        """Why each question's probability moved since its previous estimate.

        Where the draws stayed, a few of them tell; where they were made anew, the steps are
        taken on all of the old ones, and the rest is the change of beliefs or of draws.
        """
        base, rest = rung.fit.first(MOVE_DRAWS), "montecarlo"
        is_old = (
            before is not None
            and before is not rung.fit
            and before.draws.shape[1] == len(self.prior.mean)
        )
        if before is not None and is_old:
            base = before.first(DRAWS)
            rest = "montecarlo" if before.prior_digest == self.problem.prior_digest else "prior"
        found = {}
        steps: dict[datetime, list[tuple[str, Rung]]] = {}
        for question in self.task.questions:
            name, last = question.question_id, self.task.previous.get(question.question_id)
            if last is None:
                continue
            now = rung.answers[name].probability
            if last.model_hash != self.model_hash:
                found[name] = move(last.probability, {}, now, "model")
                continue
            if last.as_of not in steps:
                steps[last.as_of] = self._steps(base, last.as_of)
            taken = self._taken(steps[last.as_of], question, last.as_of)
            found[name] = move(
                last.probability, taken if is_old else shifted(taken, now), now, rest
            )
        return found

    def _taken(
        self, steps: list[tuple[str, Rung]], question: Question, then: datetime
    ) -> dict[str, float]:
        """P of a question after each step."""
        taken = {}
        for cause, rung in steps:
            known_before = None if cause == "learning" else then
            taken[cause] = float(rung.weights.mean(self.chance(rung, question, known_before)))
        return taken

    def _steps(self, base: Fit, then: datetime) -> list[tuple[str, Rung]]:
        """The draws of `base` as time, evidence, credibility and learning are added.

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

    def _numbers(self, rung: Rung) -> dict[str, float]:
        rows, state = self.track.rows, rung.weights.mean(filtered(rung.posterior).state)
        return {
            "days_at_risk": float(rows.exposure.sum()),
            "events": float(rows.events.sum()),
            **{f"state.{name}": float(state[z]) for z, name in enumerate(STATES)},
        }


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


def _first(weights: Weights, draws: int) -> Weights:
    """The weights of the first draws, enough for a picture."""
    w = weights.w[:draws]
    return replace(weights, w=w / w.sum())
