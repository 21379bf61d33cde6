"""The family `base-rate`: a conjugate Gamma-Poisson rate, without evidence and without PyMC.

    rate of the unit     lambda ~ Gamma(a, b), whose log has the mean and sd believed
    after n events in E  Gamma(a + n, b + E)
    P(event in h days)   1 - (B / (B + q h))^A      q = 1, or the share of a narrower definition

What can happen only once must not have happened before the window opens: see `models.outlook`.
A closed form for a root definition; for a narrower one the mean over draws of its share. Here
the belief is of the unit's own rate; `hazard` takes it for that of a class of units, from which
this one may lie as far as its `unit_spread` says, and so learns faster from events.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np

from forecast.clock import DAY
from forecast.estimate import CurvePoint, Estimate, Health, Interval
from forecast.question import Question
from models.api import BAND, BAND_MASS, Answer, Task
from models.covariates import Array
from models.moves import move
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.quantiles import weighted_quantiles
from models.rows import Rows
from models.shares import share_of
from models.track import Track, estimate_digest, lay_out, snapshot_digest

VERSION = "1"
SHARE_DRAWS = 2000
RATE_NODES = 64  # equal-weight quantiles of the rate, for the band


@dataclass(frozen=True, slots=True)
class Gamma:
    """Gamma(shape, rate), of a rate per day; `rate` is in days."""

    shape: float
    rate: float

    def after(self, events: float, days: float) -> "Gamma":
        """The posterior after `events` in `days`."""
        return Gamma(self.shape + events, self.rate + days)

    def probability(self, days: Array) -> Array:
        """P of at least one event within effective `days`."""
        return np.asarray(-np.expm1(-self.shape * np.log1p(days / self.rate)))

    def quantile_rates(self) -> Array:
        """Rates at the middle of equally likely slices (node,)."""
        from scipy.special import gammaincinv

        middles = (np.arange(RATE_NODES) + 0.5) / RATE_NODES
        return np.asarray(gammaincinv(self.shape, middles) / self.rate)


def gamma_of(log_rate: Normal) -> Gamma:
    """The Gamma whose log has the same mean and standard deviation as the belief.

    trigamma(shape) = sd^2, digamma(shape) - log(rate) = mean.
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    log_shape = brentq(lambda s: float(polygamma(1, np.exp(s))) - log_rate.sd**2, -20.0, 20.0)
    shape = float(np.exp(log_shape))
    return Gamma(shape, float(np.exp(digamma(shape) - log_rate.mean)))


class BaseRate:
    """The family `base-rate`; see the module."""

    name = "base-rate"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of nesting, recurrence and the version of the computation."""
        nesting = [(n.definition, n.within, n.rest_of) for n in beliefs.narrower]
        place = (beliefs.definition, beliefs.recurrent, beliefs.observed_since)
        structure = (self.name, VERSION, place, nesting)
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; the state is the prior it was made with."""
        prior = gamma_of(task.beliefs.log_rate)
        before = _restored(state) or prior
        track, facts = lay_out(task), snapshot_digest(task)
        update = _Update(track, prior, before, self.model_hash(task.beliefs), facts)
        estimates = tuple(update.estimate(question) for question in task.questions)
        return Answer(estimates, state if state and before == prior else _bytes(prior))


@dataclass(frozen=True, slots=True)
class _Update:
    """One update: the track, the prior, the prior of the time before, and the facts' digest."""

    track: Track
    prior: Gamma
    before: Gamma
    model_hash: str
    facts: str

    def estimate(self, question: Question) -> Estimate:
        task, rows = self.track.task, self.track.rows
        days, events = float(rows.exposure.sum()), float(rows.events.sum())
        posterior = self.prior.after(events, days)
        first, last = self.track.window(question)
        days_ahead = self.track.edges[first:]
        share = self._share(question)
        by_share = self._within(posterior.probability, share, days_ahead)
        middle = by_share.mean(axis=0)
        lower, upper = self._band(posterior, share, days_ahead)
        at = last - first
        estimate = Estimate(
            question_id=question.question_id,
            as_of=task.snapshot.as_of,
            probability=float(middle[at]),
            interval=Interval(float(lower[at]), float(upper[at]), BAND_MASS),
            mcse=float(by_share[:, at].std() / np.sqrt(len(share))),
            health=Health.HEALTHY,
            model=BaseRate.name,
            model_hash=self.model_hash,
            method="conjugate",
            inputs_digest=estimate_digest(task, question, self.facts, self.model_hash),
            diagnostics={"shape": posterior.shape, "days_at_risk": days, "events": events},
            curve=tuple(
                CurvePoint(
                    task.snapshot.as_of + float(self.track.edges[place]) * DAY,
                    *(float(level[place - first]) for level in (middle, lower, upper)),
                )
                for place in self.track.shown(question)
            ),
        )
        return self._with_move(estimate, question, share, days_ahead[[0, at]])

    def _share(self, question: Question, known_before: datetime | None = None) -> Array:
        task = self.track.task
        if question.definition == task.beliefs.definition:
            return np.ones(1)
        return share_of(task, question.definition, SHARE_DRAWS, known_before)

    def _within(self, probability: Callable[[Array], Array], share: Array, days: Array) -> Array:
        """P (share, day) of an event from days[0] to each of `days` ahead.

        `probability` is of an event within so many days from now.
        """
        if self.track.task.beliefs.recurrent:
            return probability(np.multiply.outer(share, days - days[0]))
        return np.multiply.outer(share, probability(days) - probability(days[:1]))

    def _band(self, posterior: Gamma, share: Array, days: Array) -> Array:
        """The quantiles BAND of P (2, day) over the rate and the share."""
        some = share if len(share) == 1 else np.quantile(share, (np.arange(64) + 0.5) / 64)
        rates = posterior.quantile_rates()
        p = np.concatenate([self._within(partial(_at_rate, rate), some, days) for rate in rates])
        return weighted_quantiles(p, np.full(len(p), 1 / len(p)), BAND)

    def _with_move(
        self, estimate: Estimate, question: Question, share: Array, window: Array
    ) -> Estimate:
        last = self.track.task.previous.get(question.question_id)
        if last is None:
            return estimate
        if last.model_hash != self.model_hash:
            moved = move(last.probability, {}, estimate.probability, "model")
            return replace(estimate, moved=moved)
        then, rows = self.track.rows_as_of(last.as_of), self.track.rows
        share_then = self._share(question, last.as_of)

        def p(rows: Rows, share: Array) -> float:
            posterior = self.before.after(float(rows.events.sum()), float(rows.exposure.sum()))
            return float(self._within(posterior.probability, share, window)[:, -1].mean())

        steps = {"time": p(then, share_then), "learning": p(rows, share)}
        return replace(estimate, moved=move(last.probability, steps, estimate.probability, "prior"))


def _at_rate(rate: float, days: Array) -> Array:
    """P of at least one event within `days` at a rate that is known."""
    return np.asarray(-np.expm1(-rate * days))


def _restored(state: bytes | None) -> Gamma | None:
    """The prior of a state; None where there is none that can be read."""
    try:
        return Gamma(**json.loads(state)) if state else None
    except (ValueError, TypeError):
        return None


def _bytes(prior: Gamma) -> bytes:
    return json.dumps(asdict(prior), sort_keys=True).encode()
