"""The family `base-rate`: a conjugate Gamma-Poisson rate, without evidence and without PyMC.

    rate of the unit     lambda ~ Gamma(a, b), whose log has the mean and sd believed
    after n events in E  Gamma(a + n, b + E)
    events in h days     negative binomial: P(N >= n) = I_x(n, A),  x = q h / (B + q h)
    expected number      q h A / B                  q = 1, or the share of a narrower definition

with A and B those of the posterior, so that P(N >= 1) = 1 - (B / (B + q h))^A. What can happen
only once must not have happened before the window opens. A closed form for a root definition;
for a narrower one the mean over draws of its share. Here the belief is of the unit's own rate;
`hazard` takes it for that of a class of units, from which this one may lie as far as its
`unit_spread` says, and so learns faster from events.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np

from forecast.clock import DAY
from forecast.estimate import QUANTILE_LEVELS, CurvePoint, Estimate, Health
from forecast.explanation import Explanation
from forecast.question import Question
from models.api import MOST_COUNTED, Answer, Draws, Task
from models.covariates import Array
from models.moves import move
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.quantiles import LOWER, UPPER, interval_among
from models.rows import Rows
from models.shares import kinds_of, share_of
from models.track import Track, estimate_digest, lay_out, missing, snapshot_digest

VERSION = "1"
SHARE_DRAWS = 2000
RATE_NODES = 100  # equal-weight quantiles of the rate, for those of P
SHARE_NODES = 200  # the same of the share; where it is known the rate has more


type AtLeast = Callable[[int, Array], Array]


@dataclass(frozen=True, slots=True)
class Gamma:
    """Gamma(shape, rate), of a rate per day; `rate` is in days."""

    shape: float
    rate: float

    def after(self, events: float, days: float) -> "Gamma":
        """The posterior after `events` in `days`."""
        return Gamma(self.shape + events, self.rate + days)

    def at_least(self, events: int, days: Array) -> Array:
        """P of at least so many events within effective `days`."""
        from scipy.special import betainc

        if events == 1:
            return np.asarray(-np.expm1(-self.shape * np.log1p(days / self.rate)))
        return np.asarray(betainc(events, self.shape, days / (self.rate + days)))

    def log_density(self, log_rate: Array) -> Array:
        """Of the log rate."""
        from scipy.special import gammaln

        scaled = log_rate + np.log(self.rate)
        return np.asarray(self.shape * scaled - np.exp(scaled) - gammaln(self.shape))

    def quantile_rates(self, nodes: int = RATE_NODES) -> Array:
        """Rates at the middle of equally likely slices (node,)."""
        from scipy.special import gammaincinv

        return np.asarray(gammaincinv(self.shape, _middles(nodes)) / self.rate)


def gamma_of(log_rate: Normal) -> Gamma:
    """The Gamma whose log has the same mean and standard deviation as the belief.

    trigamma(shape) = sd^2, digamma(shape) - log(rate) = mean.
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    log_shape = brentq(lambda s: float(polygamma(1, np.exp(s))) - log_rate.sd**2, -20.0, 40.0)
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

    def explain(self, task: Task, question: Question, state: bytes | None) -> Explanation:
        """Why one question's answer is what it is; see `models.api.Explainer`."""
        from models.base_rate_explained import explain

        return explain(task, question)

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; the state is the prior it was made with."""
        prior = gamma_of(task.beliefs.log_rate)
        before = _restored(state) or prior
        track, facts = lay_out(task), snapshot_digest(task)
        update = Update(track, prior, before, self.model_hash(task.beliefs), facts)
        estimates = tuple(update.estimate(question) for question in task.questions)
        return Answer(estimates, state if state and before == prior else _bytes(prior))

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The log rate, each narrower definition's share of the whole, and P; equal weights."""
        prior, track = gamma_of(task.beliefs.log_rate), lay_out(task)
        update = Update(track, prior, prior, "", "")
        days, events = float(track.rows.exposure.sum()), float(track.rows.events.sum())
        after = prior.after(events, days)
        rng = np.random.default_rng([task.seed, 3])
        rate = rng.gamma(after.shape, 1 / after.rate, SHARE_DRAWS)
        share = {d: share_of(task, d, SHARE_DRAWS) for d in task.beliefs.definitions()}
        kinds = _log_likelihood_of_kinds(task, share)
        named = {"log_rate": np.log(rate)}
        named |= {f"share:{n.definition}": share[n.definition] for n in task.beliefs.narrower}
        named["log_prior"] = prior.log_density(np.log(rate))
        named["log_likelihood"] = events * np.log(rate) - rate * days + kinds
        for question in task.questions:
            named[f"p:{question.question_id}"] = update.at_rates(question, rate)
        weights = np.full(SHARE_DRAWS, 1 / SHARE_DRAWS)
        return Draws(tuple(named), np.stack(list(named.values()), axis=1), weights)


@dataclass(frozen=True, slots=True)
class Update:
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
        wanted = missing(task, question)
        by_share = self._within(posterior.at_least, wanted, share, days_ahead)
        middle = by_share.mean(axis=0)
        levels = self._quantiles(posterior, wanted, share, days_ahead)
        lower, upper = levels[[LOWER, UPPER]]
        at = last - first
        quantiles = tuple(levels[:, at].tolist())
        expected, at_least = self._counts(posterior, question, share, days_ahead[[0, at]])
        estimate = Estimate(
            question_id=question.question_id,
            as_of=task.snapshot.as_of,
            probability=float(middle[at]),
            interval=interval_among(quantiles),
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
            expected_count=expected,
            at_least=at_least,
            quantiles=quantiles,
        )
        return self._with_move(estimate, question, share, days_ahead[[0, at]])

    def at_rates(self, question: Question, rate: Array) -> Array:
        """P (draw,) of the question at each rate (draw,) per day, with each share's draw."""
        first, last = self.track.window(question)
        start, end = np.outer(self.track.edges[[first, last]], rate)
        share = share_of(self.track.task, question.definition, len(rate))
        wanted = missing(self.track.task, question)
        if self.track.task.beliefs.recurrent:
            return _at_rate(1.0, wanted, share * (end - start))
        return np.asarray(share * (np.exp(-start) - np.exp(-end)) * (wanted == 1))

    def _share(self, question: Question, known_before: datetime | None = None) -> Array:
        task = self.track.task
        if question.definition == task.beliefs.definition:
            return np.ones(1)
        return share_of(task, question.definition, SHARE_DRAWS, known_before)

    def _within(self, at_least: AtLeast, events: int, share: Array, days: Array) -> Array:
        """P (share, day) of so many events from days[0] to each of `days` ahead.

        `at_least` is P of at least so many within so many days from now.
        """
        if events == 0:
            return np.ones((len(share), len(days)))
        if self.track.task.beliefs.recurrent:
            return at_least(events, np.multiply.outer(share, days - days[0]))
        if events > 1:
            return np.zeros((len(share), len(days)))
        return np.multiply.outer(share, at_least(1, days) - at_least(1, days[:1]))

    def _counts(
        self, posterior: Gamma, question: Question, share: Array, window: Array
    ) -> tuple[float, tuple[float, ...]]:
        """The expected number of events in the question's window, and P of at least 1, 2, ..."""
        happened = question.at_least - missing(self.track.task, question)

        def p(events: int) -> float:
            within = self._within(posterior.at_least, events, share, window)
            return float(within[:, -1].mean())

        rate = posterior.shape / posterior.rate
        ahead = rate * float(share.mean()) * float(window[1] - window[0])
        expected = happened + (ahead if self.track.task.beliefs.recurrent else p(1))
        most = max(MOST_COUNTED, question.at_least)
        return expected, tuple(p(max(n - happened, 0)) for n in range(1, most + 1))

    def _quantiles(self, posterior: Gamma, events: int, share: Array, days: Array) -> Array:
        """P (level, day) at `QUANTILE_LEVELS`, over the rate and the share.

        Where the share is known: P at the same quantile of the rate, between two nodes on the
        straight line.
        """
        is_known = len(share) == 1
        some = share if is_known else np.quantile(share, _middles(SHARE_NODES))
        rates = posterior.quantile_rates(3 * RATE_NODES if is_known else RATE_NODES)
        p = np.concatenate(
            [self._within(partial(_at_rate, rate), events, some, days) for rate in rates]
        )
        found = np.quantile(p, QUANTILE_LEVELS, axis=0, method="hazen")
        return np.asarray(np.clip(found, 0.0, 1.0))

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

        def p(rows: Rows, share: Array, known_before: datetime | None) -> float:
            wanted = missing(self.track.task, question, known_before)
            posterior = self.before.after(float(rows.events.sum()), float(rows.exposure.sum()))
            within = self._within(posterior.at_least, wanted, share, window)
            return float(within[:, -1].mean())

        steps = {"time": p(then, share_then, last.as_of), "learning": p(rows, share, None)}
        return replace(estimate, moved=move(last.probability, steps, estimate.probability, "prior"))


def _middles(nodes: int) -> Array:
    return np.asarray((np.arange(nodes) + 0.5) / nodes)


def _log_likelihood_of_kinds(task: Task, share: dict[str, Array]) -> Array:
    """Of the kinds of the known events, at each definition's share of the whole (draw,)."""
    total = np.zeros(SHARE_DRAWS)
    for part in task.beliefs.narrower:
        if part.share is None:
            continue
        inside, outside = kinds_of(task, part)
        step = share[part.definition] / share[part.within]
        total += inside * np.log(step) + outside * np.log1p(-step)
    return total


def _at_rate(rate: float, events: int, days: Array) -> Array:
    """P of at least so many events within `days` at a rate that is known."""
    from scipy.special import gammainc

    return np.asarray(gammainc(events, rate * days))


def _restored(state: bytes | None) -> Gamma | None:
    """The prior of a state; None where there is none that can be read."""
    try:
        return Gamma(**json.loads(state)) if state else None
    except (ValueError, TypeError):
        return None


def _bytes(prior: Gamma) -> bytes:
    return json.dumps(asdict(prior), sort_keys=True).encode()
