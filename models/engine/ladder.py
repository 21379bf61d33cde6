"""The ladder: an update takes the cheapest rung that passes its gate, and a failed gate climbs.

    T0  the clock or the evidence moved      P anew on the kept draws       exact
    T1  days at risk or events were added    the draws weighed anew, PSIS   k-hat, ESS
    R1  no draws yet, new beliefs, T1        mode, t draws, PSIS            k-hat, ESS
        failed, draws a month old
    R1 with three times the draws            R1 failed, p too rough, or near a threshold

What fails at the top is held: the last good number stands and says why.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zipfile import BadZipFile

import numpy as np

from forecast.clock import DAY
from forecast.estimate import CurvePoint, Estimate, Health, Interval, Move
from forecast.question import Question
from models.api import BAND, BAND_MASS, Task
from models.covariates import Array, Pulses
from models.engine.density import Density, Prior
from models.engine.fit import Fit, Posterior, refit, reweigh
from models.engine.gates import Gate, is_near_threshold, precision_gate, weights_gate
from models.engine.psis import Weights, smooth
from models.explain import contributions
from models.futures import arrivals, simulate
from models.moves import move, shifted
from models.outlook import Answered, Frailty, answer, hazard_ahead
from models.shares import share_of
from models.track import Seen, Track, estimate_digest, lay_out, snapshot_digest

DRAWS = 1000
MANY_DRAWS = 3 * DRAWS
FEW_DRAWS = 500  # for explanations: differences on the same draws need few
MOST_NEW_ROWS = 30  # days after which the draws are made anew, so that an update stays cheap


@lru_cache(maxsize=1)
def compiled_density() -> Density:
    """The compiled density, once a process."""
    return Density()


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: how, from which fit, the weighed draws and their gate."""

    method: str
    fit: Fit
    posterior: Posterior
    weights: Weights
    gate: Gate

    @classmethod
    def of(cls, method: str, fit: Fit, posterior: Posterior) -> "Rung":
        """Smooth the weights and judge them."""
        weights = smooth(posterior.log_weights)
        return cls(method, fit, posterior, weights, weights_gate(weights))


def update(
    task: Task, state: bytes | None, model: str, model_hash: str
) -> tuple[tuple[Estimate, ...], bytes | None]:
    """Estimate every question of the task; the state is the fit, the same object if kept."""
    before = _restored(state)
    climb = _Climb(lay_out(task), compiled_density(), model, model_hash)
    rung = climb.first_that_passes(before)
    answered = climb.answers(rung)
    if len(rung.posterior.draws) < MANY_DRAWS and climb.is_rough(rung, answered):
        rung = climb.refit(MANY_DRAWS)
        answered = climb.answers(rung)
    estimates = climb.estimates(rung, answered, climb.moves(before, rung, answered))
    return estimates, state if rung.fit is before else rung.fit.to_bytes()


def _restored(state: bytes | None) -> Fit | None:
    """The fit of a state; None, and so a new fit, where there is none that can be read."""
    try:
        return Fit.from_bytes(state) if state else None
    except (ValueError, KeyError, OSError, EOFError, BadZipFile):
        return None


class _Climb:
    """One update of one track: what its steps share."""

    def __init__(self, track: Track, density: Density, model: str, model_hash: str) -> None:
        self.track, self.density = track, density
        self.model, self.model_hash = model, model_hash
        self.task = track.task
        self.prior = Prior.of(self.task.beliefs)
        self.prior_digest = self.task.beliefs.digest()
        density.load(track.rows, self.prior)
        self._kept: list[Fit | Pulses] = []  # alive, so that an id stands for one of them
        self._hazards: dict[tuple[int, int], Array] = {}
        self._seen: dict[datetime, Seen] = {}
        self._curves: dict[tuple[str, int], tuple[CurvePoint, ...]] = {}
        self._rungs: dict[tuple[int, datetime | None], Rung] = {}

    def first_that_passes(self, before: Fit | None) -> Rung:
        """The first rung whose weights pass, or the last."""
        if before is not None and self.is_fresh(before):
            posterior = reweigh(self.density, before, self.track.rows)
            same = posterior.log_weights is before.log_weights
            rung = Rung.of("T0" if same else "T1", before, posterior)
            if rung.gate.passed:
                return rung
        rung = self.refit(DRAWS)
        return rung if rung.gate.passed else self.refit(MANY_DRAWS)

    def is_fresh(self, fit: Fit) -> bool:
        """Whether the draws were made under these beliefs, for nearly these days."""
        new_rows = len(self.track.rows.x) - fit.rows
        return fit.prior_digest == self.prior_digest and 0 <= new_rows <= MOST_NEW_ROWS

    def refit(self, draws: int) -> Rung:
        """Rung R1."""
        fit = refit(
            self.density, self.track.rows, self.prior, self.prior_digest, draws, self.task.seed
        )
        return Rung.of("R1", fit, Posterior(fit.draws, fit.log_weights, fit.exposure))

    def answers(self, rung: Rung) -> dict[str, Answered]:
        """The probability of each question."""
        hazard = self.hazard(rung.fit)
        return {
            q.question_id: answer(rung.weights, self.by_draw(rung.posterior, hazard, q))
            for q in self.task.questions
        }

    def is_rough(self, rung: Rung, answered: dict[str, Answered]) -> bool:
        """Whether more draws are wanted: p is not precise, or lies near a threshold."""
        return rung.gate.passed and any(
            not precision_gate(a.probability, a.mcse).passed
            or is_near_threshold(a.probability, a.mcse, self.task.thresholds.get(name, ()))
            for name, a in answered.items()
        )

    def hazard(self, fit: Fit, pulses: Pulses | None = None) -> Array:
        """H (draw, edge) with these known pulses, or with all there are."""
        pulses = pulses or self.track.pulses
        key = (id(fit), id(pulses))
        if key not in self._hazards:
            self._kept += [fit, pulses]
            self._hazards[key] = hazard_ahead(
                self.density,
                fit.draws,
                self.track.stocks_ahead(pulses),
                self._to_come(len(fit.draws), pulses),
                self.track.edges,
            )
        return self._hazards[key]

    def _to_come(self, draws: int, pulses: Pulses) -> Array:
        now, tags = self.track.now, len(pulses.half_lives)
        # what was known before the watch began says nothing of how much arrives in a day of it
        seen = pulses.where(pulses.first_known >= 0)
        first_known, weight, tag = seen.whole()
        rates = arrivals(now - first_known, weight, tag, tags, now)
        return simulate(rates, self.track.edges, pulses.half_lives, draws, self.task.seed)

    def by_draw(
        self,
        posterior: Posterior,
        hazard: Array,
        question: Question,
        known_before: datetime | None = None,
    ) -> Array:
        """P of the question's window for each draw (draw,)."""
        first, last = self.track.window(question)
        share = share_of(self.task, question.definition, len(hazard), known_before)
        return Frailty.of(posterior).within(
            hazard[:, first], hazard[:, last], share, self.task.beliefs.recurrent
        )

    def moves(
        self, before: Fit | None, rung: Rung, answered: dict[str, Answered]
    ) -> dict[str, Move]:
        """Why each question's probability moved since its previous estimate.

        Where the draws stayed, a few of them tell; where they were made anew, the steps are
        taken on all of the old ones, and the rest is the change of beliefs or of draws.
        """
        base, rest = rung.fit.first(FEW_DRAWS), "montecarlo"
        if before is not None and before is not rung.fit:
            base = before
            rest = "montecarlo" if before.prior_digest == self.prior_digest else "prior"
        found = {}
        for question in self.task.questions:
            last = self.task.previous.get(question.question_id)
            if last is None:
                continue
            now = answered[question.question_id].probability
            if last.model_hash != self.model_hash:
                found[question.question_id] = move(last.probability, {}, now, "model")
                continue
            steps = self._steps(base, question, last)
            if base is not before:
                steps = shifted(steps, now)
            found[question.question_id] = move(last.probability, steps, now, rest)
        return found

    def _steps(self, base: Fit, question: Question, last: Estimate) -> dict[str, float]:
        """P on the draws of `base` as time, evidence, credibility and learning are added."""
        old, new = self._weighed(base, last.as_of), self._weighed(base, None)
        everything = self.hazard(base)

        def p(rung: Rung, hazard: Array, known_before: datetime | None = last.as_of) -> float:
            by_draw = self.by_draw(rung.posterior, hazard, question, known_before)
            return float(rung.weights.mean(by_draw))

        if last.as_of not in self._seen:
            self._seen[last.as_of] = self.track.evidence_before(last.as_of)
        seen = self._seen[last.as_of]
        steps = {}
        if seen.is_any_new:
            steps["time"] = p(old, self.hazard(base, seen.old))
        if not seen.is_all_new:
            steps["evidence"] = p(old, self.hazard(base, seen.with_new))
        last_cause = ("time", "evidence", "credibility")[len(steps)]
        return {**steps, last_cause: p(old, everything), "learning": p(new, everything, None)}

    def _weighed(self, fit: Fit, moment: datetime | None) -> Rung:
        """The draws of a fit on the rows as they stood at a moment, or as they stand."""
        key = (id(fit), moment)
        if key not in self._rungs:
            self._kept.append(fit)
            rows = self.track.rows if moment is None else self.track.rows_as_of(moment)
            self._rungs[key] = Rung.of("T1", fit, reweigh(self.density, fit, rows))
        return self._rungs[key]

    def estimates(
        self, rung: Rung, answered: dict[str, Answered], moves: dict[str, Move]
    ) -> tuple[Estimate, ...]:
        """The estimates, each held where its gate failed."""
        facts = snapshot_digest(self.task)
        felt = contributions(
            self.track, self.density, self.prior, rung.posterior.draws[:FEW_DRAWS], _first(rung)
        )
        diagnostics = {
            "khat": rung.weights.khat,
            "ess": rung.weights.ess,
            "draws": float(len(rung.posterior.draws)),
            "days_at_risk": float(self.track.rows.exposure.sum()),
            "events": rung.posterior.exposure.events,
        }
        return tuple(
            self._held_if_failed(
                rung.gate,
                answered[question.question_id],
                Estimate(
                    question_id=question.question_id,
                    as_of=self.task.snapshot.as_of,
                    probability=answered[question.question_id].probability,
                    interval=Interval(
                        answered[question.question_id].lower,
                        answered[question.question_id].upper,
                        BAND_MASS,
                    ),
                    mcse=answered[question.question_id].mcse,
                    health=Health.HEALTHY,
                    model=self.model,
                    model_hash=self.model_hash,
                    method=rung.method,
                    inputs_digest=estimate_digest(self.task, question, facts, self.model_hash),
                    diagnostics=diagnostics,
                    curve=self.curve(rung, question),
                    contributions=felt,
                    moved=moves.get(question.question_id),
                ),
            )
            for question in self.task.questions
        )

    def _held_if_failed(self, gate: Gate, answered: Answered, estimate: Estimate) -> Estimate:
        gate = gate if not gate.passed else precision_gate(answered.probability, answered.mcse)
        if gate.passed:
            return estimate
        last = self.task.previous.get(estimate.question_id)
        held = replace(estimate, health=Health.HELD, reason=gate.reason)
        if last is None:
            return held
        return replace(
            held,
            probability=last.probability,
            interval=last.interval,
            mcse=last.mcse,
            curve=last.curve,
            contributions=last.contributions,
            moved=None,
        )

    def curve(self, rung: Rung, question: Question) -> tuple[CurvePoint, ...]:
        """P(event in the window that ends at T) for T at the edges from the opening on."""
        first, _ = self.track.window(question)
        key = (question.definition, first)
        if key not in self._curves:
            self._curves[key] = self._curve(rung, question, first)
        return tuple(self._curves[key][place - first] for place in self.track.shown(question))

    def _curve(self, rung: Rung, question: Question, first: int) -> tuple[CurvePoint, ...]:
        hazard = self.hazard(rung.fit)[:, first:]
        share = share_of(self.task, question.definition, len(hazard))
        by_draw = Frailty.of(rung.posterior).within(
            hazard[:, :1], hazard, share, self.task.beliefs.recurrent
        )
        middle = np.clip(rung.weights.mean(by_draw), 0.0, 1.0)
        lower, upper = rung.weights.quantiles(by_draw, BAND)
        days = self.track.edges[first:]
        return tuple(
            CurvePoint(self.task.snapshot.as_of + d * DAY, p, low, high)
            for d, p, low, high in zip(
                *map(np.ndarray.tolist, (days, middle, lower, upper)), strict=True
            )
        )


def _first(rung: Rung) -> Weights:
    """The weights of the first draws, enough for a picture."""
    w = rung.weights.w[:FEW_DRAWS]
    return replace(rung.weights, w=w / w.sum())
