"""Calibration in small worlds made by a simulator that shares no code with the model.

Simulation-based calibration: Talts et al. (2018); with the log likelihood and P among the
quantities, as a posterior that forgot its data passes with parameters alone (Modrak et al. 2023).
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtr

from forecast.evidence import Event, Report
from models.covariates import Array
from models.engine.density import Density, Prior
from models.engine.fit import refit, reweigh
from models.engine.ladder import compiled_density
from models.engine.psis import smooth
from models.hazard import Hazard
from models.outlook import Frailty, hazard_ahead
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.rows import Rows
from models.track import lay_out
from tests.models import worlds

HALF_LIFE = 30.0
BELIEVED = worlds.beliefs(
    worlds.effect("a", 1.4, 0.3, HALF_LIFE),
    log_rate=Normal(-6.3, 0.4),
    log_ceiling=Normal(-3.0, 0.3),
)
GRADE_A1 = 0.97 * 0.97 + 0.03 * 0.5  # what one report of the best grade is worth
WATCHED, AHEAD = 60, 45


@dataclass(frozen=True, slots=True)
class Truth:
    """One world's parameters: log rate, log shape, log ceiling, beta; and the unit's own rate."""

    theta: Array
    rate: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, believed: Beliefs = BELIEVED) -> "Truth":
        normals = [
            believed.log_rate,
            believed.log_shape,
            believed.log_ceiling,
            believed.effects[0].log_ratio,
        ]
        theta = np.array([rng.normal(n.mean, n.sd) for n in normals if n])
        kappa = np.exp(theta[1])
        return cls(theta, float(rng.gamma(kappa, np.exp(theta[0]) / kappa)))

    def hazard(self, stock: Array) -> Array:
        log_rate, _, log_ceiling, beta = self.theta
        grown = (1 + stock) ** (beta / np.log(2))
        return np.asarray(self.rate / (1 / grown + np.exp(log_rate - log_ceiling)))


def stock_of(arrivals: Array, weight: float, days: Array) -> Array:
    """What incidents on `arrivals` come to on each day, each seen from its own moment on."""
    age = days[:, None] - arrivals[None, :]
    return np.asarray((weight * np.exp(-age * np.log(2) / HALF_LIFE) * (age > 0)).sum(axis=1))


def arrivals_of(rng: np.random.Generator, rate: float, first: float, last: float) -> Array:
    return np.sort(rng.uniform(first, last, rng.poisson(rate * (last - first))))


def world(rng: np.random.Generator) -> tuple[list[Report], list[Event], float]:
    """Sixty days of reports and events, and the chance of an event in the next 45.

    Incidents arrive at a rate drawn from the model's own belief of rates; what is ahead is
    lived through once, with a tempo of its own.
    """
    truth = Truth.drawn(rng)
    rate = rng.gamma(0.5, 1 / 60.0)
    seen = arrivals_of(rng, rate, 0, WATCHED)
    days = np.arange(WATCHED, dtype=float)
    past = rng.random(WATCHED) < 1 - np.exp(-truth.hazard(stock_of(seen, GRADE_A1, days)))
    reports = [worlds.report(f"r{i}", t, occurred=t) for i, t in enumerate(seen)]
    events = [worlds.event(f"e{d}", d + 0.3, d + 0.6) for d in np.flatnonzero(past)]
    tempo = rng.gamma(4.0, 0.25)
    coming = arrivals_of(rng, rate * tempo, WATCHED, WATCHED + AHEAD)
    hours = WATCHED + (np.arange(AHEAD * 4) + 0.5) / 4
    stock = stock_of(seen, GRADE_A1, hours) + stock_of(coming, GRADE_A1, hours)
    return reports, events, float(1 - np.exp(-truth.hazard(stock).sum() / 4))


def test_forecasts_come_true_as_often_as_they_say_and_without_futures_too_seldom() -> None:
    rng = np.random.default_rng(2025)
    told: list[float] = []
    quiet: list[float] = []
    true: list[float] = []
    density, prior = compiled_density(), Prior.of(BELIEVED)
    while len(true) < 200:
        reports, events, chance = world(rng)
        if len(reports) < 2:
            continue  # chosen by what the forecaster sees, so that calibration must still hold
        asked = [worlds.question(opens=0, deadline=WATCHED + AHEAD)]
        task = worlds.task(BELIEVED, WATCHED, reports, events, asked)
        told.append(Hazard().update(task, None).estimates[0].probability)
        quiet.append(no_more_news(density, prior, reports, events))
        true.append(chance)
    errors = np.array(told) - true
    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))
    missed = np.array(quiet) - true
    assert missed.mean() < -3 * missed.std() / np.sqrt(len(missed))
    high = np.array(told) > np.quantile(told, 0.75)
    assert abs(errors[high].mean()) < 3 * errors[high].std() / np.sqrt(high.sum())


def no_more_news(
    density: Density, prior: Prior, reports: list[Report], events: list[Event]
) -> float:
    """P if no report came any more: the posterior is the same, and known stocks only fade."""
    asked = [worlds.question(opens=0, deadline=WATCHED + AHEAD)]
    track = lay_out(worlds.task(BELIEVED, WATCHED, reports, events, asked))
    density.load(track.rows, prior)
    fit = refit(density, track.rows, prior, "", 500, worlds.SEED)
    known = track.stocks_ahead(track.pulses)
    hazard = hazard_ahead(density, fit.draws, known, np.zeros((500, *known.shape)), track.edges)
    posterior = reweigh(density, fit, track.rows)
    last = int(np.searchsorted(track.edges, AHEAD))
    return float(smooth(fit.log_weights).mean(Frailty.of(posterior).probability(hazard[:, last])))


REPLICATES = 200
QUANTITIES = ("log_rate", "log_shape", "beta", "log_likelihood", "p")


def quantities(
    theta: Array, log_likelihood: Array, at_risk_ahead: Array, rate: Array | None = None
) -> Array:
    """(draw, quantity); `at_risk_ahead` is the integral of m over the days to come."""
    p = -np.expm1(-np.exp(theta[:, 0]) * at_risk_ahead)
    return np.stack([theta[:, 0], theta[:, 1], theta[:, 3], log_likelihood, p], axis=1)


def rank(weights: Array, values: Array, truth: Array, rng: np.random.Generator) -> Array:
    """Weighted rank (quantity,) of the truth among draws, ties broken at random."""
    below = weights @ (values < truth)
    equal = weights @ (values == truth)
    return np.asarray(below + rng.random(len(truth)) * equal)


@pytest.fixture(scope="module")
def ranks() -> dict[str, Array]:
    """Ranks by R1 on all days, and by T1 from a fit on the first two thirds of them."""
    rng = np.random.default_rng(31)
    density, prior = compiled_density(), Prior.of(BELIEVED)
    found: dict[str, list[Array]] = {"R1": [], "T1": []}
    ahead = np.log2(1 + np.full((20, 1), 2.0))
    for replicate in range(REPLICATES):
        truth = Truth.drawn(rng)
        seen = arrivals_of(rng, 0.05, 0, 180)
        stock = stock_of(seen, 1.0, np.arange(180.0))
        events = rng.poisson(truth.hazard(stock)).astype(float)
        rows = Rows.of_one_unit(np.log2(1 + stock)[:, None], np.ones(180), events)
        for rung in found:
            upto = 180 if rung == "R1" else 120
            start = rows.between(0, upto)
            density.load(start, prior)
            fit = refit(density, start, prior, "", 1000, replicate)
            posterior = reweigh(density, fit, rows)
            theta = np.vstack([posterior.draws, truth.theta])
            log_m = density.log_multiplier(theta, rows.x)
            likelihood = density.log_likelihood(
                theta, np.exp(log_m) @ rows.exposure, log_m @ rows.events, float(events.sum())
            )
            at_risk = np.exp(density.log_multiplier(theta, ahead)).sum(axis=1)
            values = quantities(theta, likelihood, at_risk)
            weights = smooth(posterior.log_weights)
            found[rung].append(rank(weights.w, values[:-1], values[-1], rng))
    return {rung: np.array(r) for rung, r in found.items()}


@pytest.mark.parametrize("rung", ["R1", "T1"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_truth_is_one_more_draw_of_the_posterior(
    ranks: dict[str, Array], rung: str, quantity: str
) -> None:
    found = np.sort(ranks[rung][:, QUANTITIES.index(quantity)]).clip(1e-6, 1 - 1e-6)
    assert anderson_darling(found) < 6.0  # alpha = .001


def anderson_darling(sorted_uniform: Array) -> float:
    """A^2 against the uniform; 6.0 is its 99.9 % point (Marsaglia and Marsaglia 2004)."""
    n = len(sorted_uniform)
    i = np.arange(1, n + 1)
    logs = np.log(sorted_uniform) + np.log1p(-sorted_uniform[::-1])
    return float(-n - ((2 * i - 1) * logs).mean())


def test_the_test_of_ranks_sees_a_posterior_that_is_off() -> None:
    rng = np.random.default_rng(1)
    z = rng.standard_normal(REPLICATES)
    fair, shifted, narrow = (np.sort(ndtr(v)) for v in (z, z + 0.4, 1.5 * z))
    assert anderson_darling(fair) < 6.0
    assert anderson_darling(shifted) > 6.0
    assert anderson_darling(narrow) > 6.0
