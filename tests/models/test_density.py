"""The density against formulas written anew in NumPy, its own batch, its gradient, and PyMC."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln

from models.covariates import Array
from models.hazard.density import Density, compiled_density, hazard_model
from models.hazard.formulas import SMOOTHING, Data, Multiplier, Prior
from models.hazard.problem import HazardProblem
from models.priors.elicit import Normal
from models.rows import Rows
from tests.models import worlds

BELIEVED = worlds.beliefs(
    worlds.effect("a"),
    *worlds.grouped(worlds.effect("b", 0.3, 0.4), worlds.effect("c", -0.1, 0.5)),
    log_ceiling=Normal(-4.0, 0.5),
)


@pytest.fixture(scope="module")
def density() -> Density:
    return compiled_density()


def draws_around(prior: Prior, n: int = 6) -> Array:
    z = np.random.default_rng(2).standard_normal((n, len(prior.mean)))
    return np.asarray(prior.mean + 1.5 * prior.sd * z)


def score(theta: Array, x: Array) -> Array:
    """Tag a alone; b and c in quadrature, upward less downward."""
    a, b, c = theta[3:]
    total = a * x[:, 0]
    for sign in (1, -1):
        parts = [np.maximum(sign * v * x[:, k], 0.0) for k, v in ((1, b), (2, c))]
        total = total + sign * (np.sqrt(sum(p**2 for p in parts) + SMOOTHING**2) - SMOOTHING)
    return np.asarray(total)


def batched(density: Density, draws: Array) -> Array:
    return density.log_prior(draws) + density.log_likelihood(draws)


def log_posterior(theta: Array, rows: Rows, prior: Prior) -> float:
    """A unit's rate g ~ Gamma(kappa, mean rho) and Poisson events, integrated by hand."""
    value = float(
        np.sum(-0.5 * ((theta - prior.mean) / prior.sd) ** 2 - np.log(prior.sd))
        - 0.5 * len(theta) * np.log(2 * np.pi)
    )
    rho, kappa = np.exp(theta[0]), np.exp(theta[1])
    ceiling = np.exp(theta[2]) if prior.capped else np.inf
    m = 1 / (np.exp(-score(theta, rows.x)) + rho / ceiling)
    for unit in range(len(rows.events_by_unit)):
        mine = rows.unit == unit
        n, at_risk = rows.events[mine].sum(), (rows.exposure[mine] * m[mine]).sum()
        value += float(rows.events[mine] @ np.log(m[mine]))
        value += gammaln(kappa + n) - gammaln(kappa) + kappa * np.log(kappa / rho)
        value -= (kappa + n) * np.log(kappa / rho + at_risk)
    return value


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("capped", [True, False])
def test_the_log_posterior_is_the_formula(density: Density, units: int, capped: bool) -> None:
    rows, prior = worlds.rows(units=units), Prior.of(BELIEVED)
    rows = replace(rows, x=np.where(rows.exposure[:, None] == 0.5, -rows.x, rows.x))
    prior = Prior(prior.mean, prior.sd, prior.alone, prior.groups, capped)
    density.load(Data.of(rows), prior)
    draws = draws_around(prior)
    expected = [log_posterior(theta, rows, prior) for theta in draws]
    assert batched(density, draws) == pytest.approx(expected, rel=1e-10)
    assert [density.value_and_gradient(d)[0] for d in draws] == pytest.approx(expected, rel=1e-10)


def test_a_batch_is_the_same_as_one_by_one(density: Density) -> None:
    rows, prior = worlds.rows(days=3000), Prior.of(BELIEVED)
    density.load(Data.of(rows), prior)
    draws = draws_around(prior, 40)  # more than are done at once
    alone = [batched(density, d[None])[0] for d in draws]
    assert batched(density, draws) == pytest.approx(alone, rel=1e-12)


def test_the_gradient_is_that_of_the_value(density: Density) -> None:
    rows, prior = worlds.rows(), Prior.of(BELIEVED)
    density.load(Data.of(rows), prior)
    theta = draws_around(prior, 1)[0]
    gradient = density.value_and_gradient(theta)[1]
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-6
        ahead, behind = (density.value_and_gradient(theta + d)[0] for d in (step, -step))
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-5)


def test_each_target_has_its_own_data_whatever_was_loaded_since(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    few, many = (Data.of(worlds.rows(days=days)) for days in (40, 90))
    wide, draws = replace(prior, sd=2 * prior.sd), draws_around(prior)
    one, longer, wider = (
        HazardProblem.of(data, believed, "", 1).target
        for data, believed in ((few, prior), (many, prior), (few, wide))
    )
    likelihood, log_prior = one.log_likelihood(draws), one.log_prior(draws)
    assert not np.allclose(longer.log_likelihood(draws), likelihood)
    assert not np.allclose(wider.log_prior(draws), log_prior)
    assert np.array_equal(one.log_prior(draws), log_prior)
    assert np.array_equal(one.log_likelihood(draws), likelihood)
    assert likelihood == pytest.approx(density.load(Data.of(few.rows), prior).log_likelihood(draws))


def test_pymc_says_the_same_of_its_model(density: Density) -> None:
    rows, prior = worlds.rows(units=2), Prior.of(BELIEVED)
    density.load(Data.of(rows), prior)
    model = hazard_model(Data.of(rows), prior)
    theirs = model.compile_logp(mode=density._mode)
    for theta in draws_around(prior, 3):
        point = {"log_rate": theta[0], "log_shape": theta[1], "log_ceiling": theta[2]}
        value = float(theirs({**point, "beta": theta[3:]}))
        assert value == pytest.approx(batched(density, theta[None])[0], rel=1e-12)


def test_the_likelihood_of_summed_rows_and_the_prior_make_the_posterior(density: Density) -> None:
    rows, prior = worlds.rows(), Prior.of(BELIEVED)
    problem = HazardProblem.of(Data.of(rows), prior, "", 1)
    draws = draws_around(prior)
    likelihood, extras = problem.kept(draws)
    log_m = Multiplier(prior).log_multiplier(draws, rows.x)
    assert extras["at_risk"][:, 0] == pytest.approx(np.exp(log_m) @ rows.exposure, rel=1e-12)
    assert extras["log_m_of_events"][:, 0] == pytest.approx(log_m @ rows.events, rel=1e-12)
    assert np.all(extras["events"] == rows.events.sum())
    density.load(Data.of(rows), prior)
    assert likelihood == pytest.approx(density.log_likelihood(draws), rel=1e-11)
    assert problem.target.log_prior(draws) == pytest.approx(density.log_prior(draws), rel=1e-12)
    expected = [log_posterior(theta, rows, prior) for theta in draws]
    assert density.log_prior(draws) + likelihood == pytest.approx(expected, rel=1e-10)


def test_each_draw_may_have_its_own_path() -> None:
    rows, prior = worlds.rows(), Prior.of(BELIEVED)
    draws, multiplier = draws_around(prior), Multiplier(prior)
    shared = multiplier.log_multiplier(draws, rows.x)
    own = multiplier.log_multiplier(draws, np.broadcast_to(rows.x, (len(draws), *rows.x.shape)))
    assert own == pytest.approx(shared, rel=1e-12)


def test_the_multiplier_is_bounded_by_the_ceiling_and_near_exp_of_the_score_below_it() -> None:
    multiplier = Multiplier(Prior.of(BELIEVED))
    theta = np.array([-9.0, 1.0, -4.0, 1.0, 0.2, 0.2])
    low, high = multiplier.log_multiplier(theta[None], np.array([[1.0, 0, 0], [500.0, 0, 0]]))[0]
    assert low == pytest.approx(1.0, abs=0.03)
    assert high == pytest.approx(5.0, abs=1e-9)


def test_a_group_never_counts_for_more_than_the_plain_sum_nor_less_than_its_largest() -> None:
    multiplier = Multiplier(replace(Prior.of(BELIEVED), capped=False))
    theta = np.array([-7.0, 1.0, -4.0, 0.0, 0.5, 0.7])
    x = np.array([[0, 1.0, 0], [0, 0, 1.0], [0, 1.0, 1.0], [0, 1.0, 1.5]])
    b, c, both, more = multiplier.log_multiplier(theta[None], x)[0]
    assert both <= b + c
    assert both >= max(b, c)
    assert more > both
    assert both == pytest.approx(np.hypot(0.5, 0.7), abs=2 * SMOOTHING)


def test_a_level_below_its_reference_counts_the_other_way_in_a_group_as_alone() -> None:
    multiplier = Multiplier(replace(Prior.of(BELIEVED), capped=False))
    theta = np.array([-7.0, 1.0, -4.0, 0.4, 0.5, -0.7])
    x = np.array([[0, 2.0, 0], [0, 0, 2.0], [2.0, 0, 0], [0, 2.0, 2.0]])
    upward, downward = (multiplier.log_multiplier(theta[None], s)[0] for s in (x, -x))
    for above, below in zip(upward, downward, strict=True):
        assert below == pytest.approx(-above, abs=1e-12)
    assert multiplier.log_multiplier(theta[None], -x)[0][0] < -0.9


def test_the_multiplier_of_arrays_is_that_of_the_graph(
    density: Density,
) -> None:
    rows, prior = worlds.rows(), Prior.of(BELIEVED)
    draws, rng = draws_around(prior), np.random.default_rng(3)
    for given in (prior, replace(prior, capped=False)):
        density.load(Data.of(rows), given)
        multiplier = Multiplier(given)
        paths = rng.normal(0, 2, (len(draws), 7, rows.x.shape[1]))
        own = multiplier.log_multiplier(draws, paths)
        graph = density.along("log_m", "x", draws, paths)
        assert own == pytest.approx(graph, rel=1e-12, abs=1e-13)
        shared = density.along("log_m", "x", draws, rows.x)
        assert multiplier.log_multiplier(draws, rows.x) == pytest.approx(
            shared, rel=1e-12, abs=1e-13
        )
