"""Whether forecasts of the hazard come true, where news arrives by a law that it has to learn.

Certification simulates what is ahead by the law that the documents state. Here incidents come
as a Poisson process whose rate nobody is told, and speeds up or slows down as the forecast
is made. The simulator shares no code with the model.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from forecast.evidence import Event, Report
from models.api import Task
from models.covariates import Array, covariates
from models.hazard.outlook import hazard_ahead
from models.hazard.update import Work
from models.priors.elicit import Normal
from tests.models import worlds

HALF_LIFE = 30.0
BELIEVED = worlds.beliefs(
    worlds.effect("a", 1.4, 0.3, HALF_LIFE),
    log_rate=Normal(-6.3, 0.4),
    log_ceiling=Normal(-3.0, 0.3),
)
GRADE_A1 = 0.97 * 0.97 + 0.03 * 0.5  # what one report of the best grade is worth
WATCHED, AHEAD, WORLDS = 60, 45, 200


@dataclass(frozen=True, slots=True)
class Truth:
    """One world's parameters, and the unit's own rate."""

    log_rate: float
    log_ceiling: float
    beta: float
    rate: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Truth":
        priors = (BELIEVED.log_rate, Normal(-3.0, 0.3), BELIEVED.effects[0].log_ratio)
        log_rate, log_ceiling, beta = (rng.normal(n.mean, n.sd) for n in priors)
        kappa = np.exp(rng.normal(BELIEVED.log_shape.mean, BELIEVED.log_shape.sd))
        return cls(log_rate, log_ceiling, beta, rng.gamma(kappa, np.exp(log_rate) / kappa))

    def hazard(self, stock: Array) -> Array:
        grown = (1 + stock) ** (self.beta / np.log(2))
        return np.asarray(self.rate / (1 / grown + np.exp(self.log_rate - self.log_ceiling)))


def stock_of(arrivals: Array, days: Array) -> Array:
    """What incidents on `arrivals` come to on each day, each seen from its own moment on."""
    age = days[:, None] - arrivals[None, :]
    fading = GRADE_A1 * np.exp(-age * np.log(2) / HALF_LIFE)
    return np.asarray((fading * (age > 0)).sum(axis=1))


def arrivals_of(rng: np.random.Generator, rate: float, first: float, last: float) -> Array:
    return np.sort(rng.uniform(first, last, rng.poisson(rate * (last - first))))


def world(rng: np.random.Generator) -> tuple[list[Report], list[Event], float]:
    """Sixty days of reports and events, and the chance of an event in the next 45."""
    truth = Truth.drawn(rng)
    rate = rng.gamma(0.5, 1 / 60.0)
    seen = arrivals_of(rng, rate, 0, WATCHED)
    days = np.arange(WATCHED, dtype=float)
    past = rng.random(WATCHED) < 1 - np.exp(-truth.hazard(stock_of(seen, days)))
    reports = [worlds.report(f"r{i}", t, occurred=t) for i, t in enumerate(seen)]
    events = [worlds.event(f"e{d}", d + 0.3, d + 0.6) for d in np.flatnonzero(past)]
    coming = arrivals_of(rng, rate * rng.gamma(4.0, 0.25), WATCHED, WATCHED + AHEAD)
    hours = WATCHED + (np.arange(AHEAD * 4) + 0.5) / 4
    stock = stock_of(seen, hours) + stock_of(coming, hours)
    return reports, events, float(1 - np.exp(-truth.hazard(stock).sum() / 4))


def told_and_quiet(task: Task) -> tuple[float, float]:
    """P by the family, and P if no report came any more and known stocks only faded."""
    work = Work(task, "")
    rung, edges = work.climb(None), work.track.edges
    draws, question = rung.posterior.draws, task.questions[0]
    known = covariates(work.signals.pulses.stocks(work.track.now + (edges[1:] + edges[:-1]) / 2))
    paths = np.ascontiguousarray(np.broadcast_to(known, (len(draws), *known.shape)))
    hazard = hazard_ahead(work.multiplier, draws, paths, edges)
    first, last = work.track.window(question)
    opening, end = hazard[:, None, first], hazard[:, None, last]
    quiet = work.frailty(rung.posterior).chance(opening, end, np.ones(len(draws)), True)
    return float(rung.weights.mean(work.chance(rung, question))), float(rung.weights.mean(quiet))


@pytest.mark.timeout(600)
def test_forecasts_come_true_as_often_as_they_say_and_without_futures_too_seldom() -> None:
    rng = np.random.default_rng(2025)
    pairs: list[tuple[float, float]] = []
    true: list[float] = []
    while len(true) < WORLDS:
        reports, events, chance = world(rng)
        if len(reports) < 2:
            continue  # chosen by what the forecaster sees, so that calibration must still hold
        asked = [worlds.question(opens=0, deadline=WATCHED + AHEAD)]
        task = worlds.task(BELIEVED, WATCHED, reports, events, asked)
        pairs.append(told_and_quiet(task))
        true.append(chance)
    told, quiet = np.array(pairs).T
    errors = told - true
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))
    missed = quiet - true
    assert missed.mean() < -3 * missed.std() / np.sqrt(len(missed))
    high = told > np.quantile(told, 0.75)
    assert abs(errors[high].mean()) < 3 * errors[high].std() / np.sqrt(high.sum())
