"""The fitted hazard against quadratures written anew, against NUTS, and against itself."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pymc as pm
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import gammaln

from forecast.estimate import Estimate
from forecast.evidence import Event
from models.covariates import Array
from models.engine.fit import Posterior
from models.engine.ladder import refit
from models.engine.psis import Weights
from models.hazard import Hazard
from models.hazard.density import compiled_density, hazard_model
from models.hazard.formulas import Data, Multiplier, Prior
from models.hazard.outlook import Frailty, hazard_ahead
from models.hazard.problem import AT_RISK, HazardProblem
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.rows import Rows
from tests.models import worlds

MODEL = Hazard()
EVENTS = [worlds.event("e", 30.2), worlds.event("f", 90.7)]


def nodes(*normals: tuple[float, float], order: int = 24) -> tuple[Array, Array]:
    """Gauss-Hermite points (node, parameter) and weights (node,) of independent Normals."""
    z, w = hermegauss(order)
    points = np.stack(np.meshgrid(*[m + s * z for m, s in normals], indexing="ij"), axis=-1)
    weights = np.prod(np.stack(np.meshgrid(*[w] * len(normals), indexing="ij")), axis=0)
    return points.reshape(-1, len(normals)), weights.ravel() / weights.sum()


def by_quadrature(believed: Beliefs, rows: Rows, ahead: Array) -> float:
    """P of an event while m goes through one covariate for a day each; plain NumPy.

    Integrates over log rate, log shape, log ceiling and beta; what is not there is fixed.
    """
    ceiling = believed.log_ceiling or Normal(np.inf, 0.0)
    beta = believed.effects[0].log_ratio if believed.effects else Normal(0.0, 0.0)
    normals = [believed.log_rate, believed.log_shape, ceiling, beta]
    unknown = [(n.mean, n.sd) for n in normals if n.sd]
    points, w = nodes(*unknown, order=13 if len(unknown) == 4 else 24)
    theta = np.tile([n.mean for n in normals], (len(points), 1))
    theta[:, [i for i, n in enumerate(normals) if n.sd]] = points
    rho, kappa = np.exp(theta[:, 0]), np.exp(theta[:, 1])

    def m(x: Array) -> Array:
        return np.asarray(1 / (np.exp(-theta[:, 3:] * x) + np.exp(theta[:, :1] - theta[:, 2:3])))

    past, n = m(rows.x[:, 0]), rows.events.sum()
    at_risk, future = past @ rows.exposure, m(ahead).sum(axis=1)
    log_likelihood = (
        np.log(past) @ rows.events
        + gammaln(kappa + n) - gammaln(kappa)
        - kappa * np.log1p(at_risk * rho / kappa)
        - n * np.log(kappa / rho + at_risk)
    )  # fmt: skip
    scale = kappa / rho + at_risk
    p = 1 - (scale / (scale + future)) ** (kappa + n)
    posterior = w * np.exp(log_likelihood - log_likelihood.max())
    return float(posterior @ p / posterior.sum())


def fitted(
    believed: Beliefs, rows: Rows, seed: int = 1, draws: int = 4000
) -> tuple[Multiplier, Posterior, Weights]:
    prior = Prior.of(believed)
    rung = refit(HazardProblem.of(Data.of(rows), prior, believed.digest(), seed), draws)
    return Multiplier(prior), rung.posterior, rung.weights


def rate_of(posterior: Posterior) -> Frailty:
    """The unit's rate given each draw, where there is one setting."""
    return Frailty.of(posterior.draws, posterior.extras, np.zeros((len(posterior.draws), 1)))


def within(posterior: Posterior, hazard: Array, begin: Array | None = None) -> Array:
    """P (draw,) of an event while the integral of m (draw,) goes from one value to another."""
    opening = np.zeros_like(hazard) if begin is None else begin
    whole = np.ones(len(hazard))
    return rate_of(posterior).chance(opening[:, None], hazard[:, None], whole, recurrent=True)


def p_ahead(multiplier: Multiplier, posterior: Posterior, ahead: Array) -> Array:
    """P (draw,) while the covariates (day,) or (day, tag) go through `ahead`, with no news."""
    path = ahead.reshape(len(ahead), -1)
    hazard = hazard_ahead(multiplier, posterior.draws, path, np.arange(len(path) + 1.0))
    return within(posterior, hazard[:, -1])


def estimate(believed: Beliefs, seed: int = worlds.SEED, events: list[Event] = EVENTS) -> Estimate:
    task = worlds.task(believed, reports=[worlds.report("r", 150)], events=events, seed=seed)
    return MODEL.update(task, None).estimates[0]


@pytest.mark.parametrize("events", [[], EVENTS], ids=["no events", "two events"])
@pytest.mark.parametrize("capped", [True, False])
def test_without_indicators_p_is_that_of_a_quadrature(events: list[Event], capped: bool) -> None:
    believed = worlds.beliefs()
    believed = believed if capped else replace(believed, log_ceiling=None)
    days = np.zeros(200)
    for e in events:
        days[int((e.occurred_at - worlds.START).days)] = 1
    rows = Rows.of_one_unit(np.zeros((200, 1)), np.ones(200), days)
    found = estimate(believed, events=events)
    expected = by_quadrature(believed, rows, np.zeros(90))
    assert found.probability == pytest.approx(expected, abs=4 * found.mcse)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_with_an_indicator_and_a_ceiling_p_is_that_of_a_quadrature(n: int) -> None:
    rows = worlds.rows(days=60, tags=1)
    events = np.zeros(60)
    events[np.argsort(-rows.x[:, 0])[:n]] = 1.0
    rows = Rows.of_one_unit(rows.x, np.ones(60), events)
    believed = worlds.beliefs(worlds.effect("a", 0.6, 0.5))
    multiplier, posterior, weights = fitted(believed, rows)
    ahead = np.linspace(2.0, 0.5, 45)
    by_draw = p_ahead(multiplier, posterior, ahead)
    found, mcse = float(weights.mean(by_draw)), weights.mcse(by_draw)
    assert mcse < 0.005
    assert found == pytest.approx(by_quadrature(believed, rows, ahead), abs=4 * mcse)


def test_with_no_data_the_weighted_draws_are_the_prior() -> None:
    believed = worlds.beliefs(worlds.effect("a", 0.6, 0.5), worlds.effect("b", 0.2, 0.3))
    nothing = Rows.of_one_unit(np.zeros((1, 2)), np.zeros(1), np.zeros(1))
    _, posterior, weights = fitted(believed, nothing, draws=20_000)
    prior = Prior.of(believed)
    z = (posterior.draws - prior.mean) / prior.sd
    assert weights.ess > 15_000
    assert weights.mean(z) == pytest.approx(np.zeros(5), abs=0.04)
    assert weights.mean(z**2) == pytest.approx(np.ones(5), abs=0.06)
    assert weights.mean(z[:, 0] * z[:, 4]) == pytest.approx(0, abs=0.04)


def test_nuts_says_the_same() -> None:
    believed = worlds.beliefs(worlds.effect("a", 0.6, 0.5), worlds.effect("b", 0.2, 0.3))
    rows = worlds.rows(days=40, tags=2)
    multiplier, posterior, weights = fitted(believed, rows)
    mode = compiled_density()._mode
    with hazard_model(Data.of(rows), Prior.of(believed)):
        trace = pm.sample(
            draws=400, tune=200, chains=1, cores=1, random_seed=3, progressbar=False,
            compute_convergence_checks=False, nuts_sampler="pymc", compile_kwargs={"mode": mode},
        )  # fmt: skip
    chains = trace.posterior
    theirs = np.concatenate(
        [chains[name].to_numpy()[..., None] for name in ("log_rate", "log_shape", "log_ceiling")]
        + [chains["beta"].to_numpy()], axis=-1,
    )  # fmt: skip
    draws = theirs.reshape(-1, theirs.shape[-1])
    log_m = multiplier.log_multiplier(draws, rows.x)
    extras = {
        AT_RISK: (np.exp(log_m) @ rows.exposure)[:, None],
        "events": np.full((len(draws), 1), rows.events.sum()),
    }
    path, zeros = np.tile([1.5, 0.5], (30, 1)), np.zeros(len(draws))
    ours = p_ahead(multiplier, posterior, path)
    nuts = p_ahead(multiplier, Posterior(draws, zeros, zeros, extras), path)
    blocks = nuts.reshape(20, -1).mean(axis=1)  # autocorrelation stays inside a block
    error = np.hypot(weights.mcse(ours), blocks.std(ddof=1) / np.sqrt(20))
    assert error < 0.01
    assert abs(weights.mean(ours) - nuts.mean()) <= 3 * error


def test_the_monte_carlo_error_is_the_spread_over_seeds() -> None:
    believed = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
    found = [estimate(believed, seed) for seed in range(40)]
    spread = float(np.std([e.probability for e in found], ddof=1))
    reported = float(np.mean([e.mcse for e in found]))
    assert 0.6 < spread / reported < 1.6


def test_the_band_holds_the_mass_it_says() -> None:
    believed = worlds.beliefs(worlds.effect("a"))
    wide = replace(believed, log_rate=replace(believed.log_rate, sd=1.0))
    for e in (estimate(believed), estimate(wide)):
        assert e.interval.lower < e.probability < e.interval.upper
    narrow, wider = (
        e.interval.upper - e.interval.lower for e in (estimate(believed), estimate(wide))
    )
    assert wider > 1.3 * narrow


def test_surviving_to_the_first_deadline_and_then_to_the_second_is_surviving_to_the_second() -> (
    None
):
    rows = worlds.rows(days=60, tags=1)
    multiplier, posterior, _ = fitted(worlds.beliefs(worlds.effect("a")), rows, draws=500)
    hazard = hazard_ahead(multiplier, posterior.draws, np.ones((40, 1)), np.arange(41.0))
    first, second = (within(posterior, hazard[:, at]) for at in (15, 40))
    at_risk = posterior.extras[AT_RISK] + hazard[:, [15]]
    silent = replace(posterior, extras={**posterior.extras, AT_RISK: at_risk})
    later = within(silent, hazard[:, 40], hazard[:, 15])
    assert second == pytest.approx(first + (1 - first) * later, abs=1e-13)


def test_a_curve_rises_and_passes_through_the_probability() -> None:
    found = estimate(worlds.beliefs(worlds.effect("a")))
    assert all(a.probability < b.probability for a, b in pairwise(found.curve))
    at = {point.by: point.probability for point in found.curve}
    assert at[worlds.day(290)] == pytest.approx(found.probability, abs=1e-12)


def test_what_happens_only_once_and_opens_later_loses_what_may_happen_before() -> None:
    asked = [worlds.question(opens=0, deadline=240), worlds.question(opens=240, deadline=290)]
    asked.append(worlds.question(opens=0, deadline=290))

    def answers(recurrent: bool) -> list[float]:
        believed = worlds.beliefs(recurrent=recurrent)
        return [
            e.probability
            for e in MODEL.update(worlds.task(believed, questions=asked), None).estimates
        ]

    before, after, whole = answers(recurrent=False)
    assert before + after == pytest.approx(whole, abs=1e-12)
    again = answers(recurrent=True)
    assert again[1] > after
    assert again[2] == pytest.approx(whole, abs=1e-12)


def test_counts_are_what_the_incomplete_beta_function_says() -> None:
    rng = np.random.default_rng(5)
    frailty = Frailty(
        np.exp(rng.normal(0, 1, (50, 1))), np.exp(rng.normal(3, 1, (50, 2))), np.full((50, 2), 0.5)
    )
    opening, end = rng.random((50, 2)), 1 + np.exp(rng.normal(0, 3, (50, 2)))
    share = rng.random(50)
    counts = frailty.counts(opening, end, share, recurrent=True, most=6)
    each = [frailty.chance(opening, end, share, True, n) for n in range(1, 7)]
    assert counts == pytest.approx(np.stack(each, axis=1), rel=1e-9, abs=1e-14)
    once = frailty.counts(opening, end, share, recurrent=False, most=3)
    assert np.array_equal(once[:, 0], frailty.chance(opening, end, share, False))
    assert not once[:, 1:].any()
