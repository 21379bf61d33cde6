"""One update of a track by weighed draws: what families that climb the ladder do alike."""

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from forecast.estimate import Contribution, Coupling, Estimate, Move
from forecast.question import Question
from models.api import Draws, Task
from models.covariates import Array
from models.engine.fit import Fit
from models.engine.gates import Gate
from models.engine.ladder import DRAWS, Rung, climb
from models.engine.problem import Problem
from models.estimates import Curves, Told, estimate, hold
from models.moves import move, shifted
from models.track import Track, estimate_digest, lay_out, snapshot_digest


class DrawsWork(ABC):
    """One update of one track: what its steps share. A family poses `problem`."""

    few_draws = DRAWS // 2  # for pictures and moves: differences on the same draws need few
    problem: Problem

    def __init__(self, task: Task, model_hash: str) -> None:
        self.task, self.model_hash = task, model_hash
        self.track: Track = lay_out(task)

    # What a family says of itself

    @abstractmethod
    def chance(self, rung: Rung, question: Question) -> Array:
        """P of the question for each draw (draw,)."""

    @abstractmethod
    def told(self, rung: Rung, question: Question) -> Told:
        """All that the draws say of a question."""

    @abstractmethod
    def parameters(self, rung: Rung) -> dict[str, Array]:
        """The draws (draw,) of every parameter by its name."""

    @abstractmethod
    def steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added."""

    def contributions(self, rung: Rung) -> tuple[Contribution, ...]:
        """What each tag does to the hazard now."""
        return ()

    def couplings(self, rung: Rung) -> tuple[Coupling, ...]:
        """Of each unit that may be coupled: how probably it is, and what it then does."""
        return ()

    def numbers(self, rung: Rung) -> dict[str, float]:
        """What the diagnostics say beside those of the draws."""
        rows = self.track.rows
        return {"days_at_risk": float(rows.exposure.sum()), "events": float(rows.events.sum())}

    def gate(self, rung: Rung) -> Gate:
        """Whether the answer may be trusted."""
        return rung.gate

    def fits(self, fit: Fit) -> bool:
        """Whether an earlier fit is of the same parameters as this one would be."""
        return bool(fit.draws.shape[1] == len(self.problem.target.start))

    # What is the same for all

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

    def posterior(self, state: bytes | None) -> Draws:
        """The draws behind an update: parameters, densities, and P of each question."""
        rung = self.climb(Fit.restored(state))
        values = {
            **self.parameters(rung),
            "log_prior": self.problem.target.log_prior(rung.posterior.draws),
            "log_likelihood": rung.posterior.log_likelihood,
            **{f"p:{name}": p for name, p in self.chances(rung).items()},
        }
        return Draws(tuple(values), np.stack(list(values.values()), axis=1), rung.weights.w)

    def estimates(self, rung: Rung, moves: dict[str, Move]) -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        facts, gate, numbers = snapshot_digest(self.task), self.gate(rung), self.numbers(rung)
        contributions, couplings = self.contributions(rung), self.couplings(rung)
        made, curves = [], Curves(self.task, rung.weights)
        for question in self.task.questions:
            plain = estimate(self.task, question, rung, self.told(rung, question), curves)
            full = replace(
                plain,
                model_hash=self.model_hash,
                inputs_digest=estimate_digest(self.task, question, facts, self.model_hash),
                diagnostics={**plain.diagnostics, **numbers},
                contributions=contributions,
                couplings=couplings,
                moved=moves.get(question.question_id),
            )
            made.append(hold(self.task, full, gate))
        return tuple(made)

    def moves(self, before: Fit | None, rung: Rung) -> dict[str, Move]:
        """Why each question's probability moved since its previous estimate.

        Where the draws stayed, a few of them tell; where they were made anew, the steps are
        taken on all of the old ones, and the rest is the change of beliefs or of draws.
        """
        base, rest = rung.fit.first(self.few_draws), "montecarlo"
        if before is not None and before is not rung.fit and self.fits(before):
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
            steps = self.steps(base, question, last)
            steps = steps if base is before else shifted(steps, now)
            found[name] = move(last.probability, steps, now, rest)
        return found
